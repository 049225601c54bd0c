package destinations

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	keepersync "github.com/your-org/keeper/sync"
)

// applyTime is how long one call applies an import, where the caller does not say; what is
// left then is for the next call.
const applyTime = 20 * time.Second

// ImportChoice says what is done with the items of an import.
type ImportChoice struct {
	Adopt bool        // Keeper looks after the entries from then on; always so where the purpose is to adopt
	Side  models.Side // whose value counts where the two differ; "": they are left as they are
	// Numbers are the items that are chosen; nil: all that can be taken. They count when an
	// import is applied first.
	Numbers []int
	// Within is how long the call may work before it leaves the rest to the next one; 0: 20 s.
	Within time.Duration
}

func (c ImportChoice) validate(p models.ImportPurpose) error {
	switch {
	case c.Side != "" && c.Side != models.SideKeeper && c.Side != models.SideRemote:
		return fault.InvalidField("side", "must be keeper or remote")
	case c.Side == models.SideKeeper && !c.Adopt:
		return fault.InvalidField("side", "can be keeper only where the entries are adopted, since Keeper writes to no others")
	case p == models.PurposeAdopt && !c.Adopt:
		return fault.InvalidField("adopt", "must be true where that is the import's purpose")
	}
	return nil
}

// ApplyImport takes what an import shows into Keeper, and has the next pass adopt the entries
// where that is chosen. What is no longer as the preview showed it is skipped, and says so.
// It stops after some seconds: where Counts.Left is not zero, or the call was cut off, the
// same call again goes on.
func (s *Service) ApplyImport(ctx context.Context, actor models.Actor, id models.ImportID, c ImportChoice) (models.Import, error) {
	i, d, e, err := s.importOf(ctx, actor, id)
	if err != nil {
		return models.Import{}, err
	}
	needs := i.Purpose
	if c.Side == models.SideRemote {
		needs = models.PurposeImport // it writes a secret
	}
	if _, _, err := s.mayImport(ctx, actor, needs, d.ID); err != nil {
		return models.Import{}, err
	}
	if err := c.validate(i.Purpose); err != nil {
		return models.Import{}, err
	}
	driver, err := s.source(ctx, actor, e, d, i.Prefix)
	if err != nil {
		return models.Import{}, err
	}
	if i, err = s.beginImport(ctx, actor, e, d, id, c); err != nil {
		return models.Import{}, err
	}
	w := &importer{service: s, actor: actor, environment: e, destination: d, driver: driver, of: i}
	if err := w.work(ctx, cmp.Or(c.Within, applyTime)); err != nil {
		return models.Import{}, err
	}
	s.Wake()
	return s.endImport(ctx, id)
}

// beginImport keeps what was chosen. An import that was begun goes on as it was begun.
func (s *Service) beginImport(ctx context.Context, actor models.Actor, e models.Environment, d models.Destination, id models.ImportID, c ImportChoice) (i models.Import, err error) {
	err = s.Store.Write(ctx, func(tx *store.Tx) error {
		if i, err = tx.LockImport(id); err != nil {
			return err
		}
		switch {
		case i.Status == models.ImportApplying && i.Adopt == c.Adopt && i.Side == c.Side:
			return nil
		case i.Status == models.ImportApplying:
			return fault.New(fault.Conflict, "The import was begun with another choice; nothing was changed.").WithHint("Go on with the choice that it was begun with.")
		case i.Status != models.ImportPreview:
			return fault.New(fault.Conflict, "The import is applied already; nothing was changed.").WithHint("Make a new preview to see what is left.")
		}
		if c.Numbers != nil {
			if err := tx.ChooseImportItems(id, c.Numbers, "It was not chosen."); err != nil {
				return err
			}
		}
		now := s.Now()
		i.Status, i.Adopt, i.Side, i.DecidedAt, i.DecidedBy = models.ImportApplying, c.Adopt, c.Side, &now, actor.Name
		if err := tx.UpdateImport(&i); err != nil {
			return err
		}
		entry := onImport(actor, "sync.import.apply", e, d, i)
		if c.Side != "" {
			entry.Detail["side"] = string(c.Side)
		}
		return tx.AppendAudit(entry)
	})
	return i, err
}

func (s *Service) endImport(ctx context.Context, id models.ImportID) (i models.Import, err error) {
	err = s.Store.Write(ctx, func(tx *store.Tx) error {
		if i, err = tx.LockImport(id); err != nil {
			return err
		}
		if err := tx.CountImport(&i); err != nil {
			return err
		}
		if i.Counts.Left == 0 {
			i.Status = models.ImportApplied
		}
		return tx.UpdateImport(&i)
	})
	return i, err
}

// importer applies one import.
type importer struct {
	service     *Service
	actor       models.Actor
	environment models.Environment
	destination models.Destination
	driver      keepersync.Driver
	of          models.Import
	reader      reader
}

func (w *importer) work(ctx context.Context, within time.Duration) (err error) {
	if w.reader, err = w.service.newReader(ctx, w.environment, w.destination, w.driver, w.of.Split); err != nil {
		return err
	}
	for end := time.Now().Add(within); time.Now().Before(end); {
		var items []models.ImportItem
		err := w.service.Store.Read(ctx, func(tx *store.Tx) (err error) {
			items, err = tx.ImportItems(w.of.ID, store.ImportItemQuery{Open: true, Limit: importBatch * importWorkers})
			return err
		})
		if err != nil || len(items) == 0 {
			return err
		}
		workers, ctx := errgroup.WithContext(ctx)
		for batch := range slices.Chunk(items, importBatch) {
			workers.Go(func() error { return w.batch(ctx, batch) })
		}
		if err := workers.Wait(); err != nil {
			return err
		}
	}
	return nil
}

// batch deals with items, each of which gets its result. The error is that of the import as a
// whole: the database failed, or the call was cut off.
func (w *importer) batch(ctx context.Context, items []models.ImportItem) error {
	there, blocked := w.look(ctx, items)
	defer func() {
		for _, f := range there {
			f.zero()
		}
	}()
	for _, item := range items {
		if ctx.Err() != nil {
			return fault.Wrap(ctx.Err(), fault.Unavailable, "The import was interrupted; what it has done stands.").WithHint("Apply it again to go on.")
		}
		f, ok := there[item.Label()]
		switch {
		case w.of.Purpose == models.PurposeAdopt && item.Status == models.ItemNew:
			item.Result, item.Why = models.ResultUnchanged, item.Note
		case blocked[item.RemoteName] != nil:
			public := fault.Public(blocked[item.RemoteName])
			item.Result, item.Why, item.Hint = models.ResultFailed, public.Message, public.Hint
			if moved := fault.Is(blocked[item.RemoteName], fault.Conflict); moved {
				item.Result = models.ResultSkipped
			}
		case !ok || f.Status == models.ItemProblem:
			item.Result, item.Why = models.ResultSkipped, "It is no longer as it was: "+f.Problem
			if f.Problem == "" {
				item.Why = "It is no longer there."
			}
		case !bytes.Equal(f.Hash, item.Hash):
			item.Result, item.Why = models.ResultSkipped, "Its value at the destination has changed since the preview."
		default:
			if err := w.take(ctx, &item, f); err != nil {
				if ctx.Err() != nil {
					continue // told above
				}
				public := fault.Public(err)
				item.Result, item.Why, item.Hint = models.ResultFailed, public.Message, public.Hint
				if fault.Is(err, fault.Stale) || fault.Is(err, fault.Conflict) {
					item.Result = models.ResultSkipped
				}
			}
		}
		if err := w.settle(ctx, item); err != nil {
			return err
		}
	}
	return nil
}

// look reads the entries of items anew, by label. What is not to be taken now is blocked, by
// name: gone is a Conflict, as is what has got a mark since.
func (w *importer) look(ctx context.Context, items []models.ImportItem) (there map[string]found, blocked map[string]error) {
	there, blocked = map[string]found{}, map[string]error{}
	var free []keepersync.Remote
	seen := map[string]bool{}
	for _, item := range items {
		if seen[item.RemoteName] || w.of.Purpose == models.PurposeAdopt && item.Status == models.ItemNew {
			continue
		}
		seen[item.RemoteName] = true
		remote, err := w.driver.Describe(ctx, item.RemoteName)
		switch {
		case fault.Is(err, fault.NotFound), err == nil && remote.Deleted:
			blocked[item.RemoteName] = fault.New(fault.Conflict, "It is no longer at the destination.")
		case err != nil:
			blocked[item.RemoteName] = err
		case !remote.Mark.Zero():
			blocked[item.RemoteName] = fault.New(fault.Conflict, "It bears a Keeper's mark by now.")
		default:
			free = append(free, remote)
		}
	}
	for _, f := range w.reader.read(ctx, free) {
		there[f.Label()] = f
	}
	return there, blocked
}

// settle keeps an item's result, with the audit entry of what was imported.
func (w *importer) settle(ctx context.Context, item models.ImportItem) error {
	return w.service.Store.Write(ctx, func(tx *store.Tx) error {
		first, err := tx.SettleImportItem(item)
		if err != nil || !first || item.Result != models.ResultImported && item.Result != models.ResultUpdated {
			return err
		}
		return tx.AppendAudit(w.entry("sync.import", item))
	})
}
