package keys

import (
	"context"
	"strconv"
	"time"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// exclusive are the kinds of runs of which one at a time may change an environment's keys. A
// scrub changes nothing and gets in nobody's way.
var exclusive = []models.KeyRunKind{models.KeyRewrap, models.KeyReencrypt, models.KeyMigrate}

// create adds a run with its job and its audit entry. Where one of the same kind is at it
// already that one is returned; Conflict where one of another kind is.
func (s *Service) create(tx *store.Tx, actor models.Actor, e models.Environment, run *models.KeyRun) error {
	standing, err := tx.ActiveKeyRun(run.Kind, run.EnvironmentID)
	if err == nil {
		*run = standing
		return s.enqueue(tx, *run) // asked for again: not at the end of a wait
	}
	if !fault.Is(err, fault.NotFound) {
		return err
	}
	run.ID, run.Status, run.CreatedBy = models.NewKeyRunID(), models.KeyRunQueued, actor.Name
	run.CreatedAt = tx.Now()
	if err := tx.CreateKeyRun(run); err != nil {
		return err
	}
	if err := s.alone(tx, e, *run); err != nil {
		return err
	}
	if run.Kind == models.KeyRewrap || run.Kind == models.KeyMigrate {
		// What a name stood for until now may wrap a data key at this moment: that one is
		// refused, so that nothing comes to stand under a key that the run has emptied.
		if err := tx.BumpKeyGeneration(run.EnvironmentID); err != nil {
			return err
		}
	}
	if err := s.enqueue(tx, *run); err != nil {
		return err
	}
	return tx.AppendAudit(runEntry(actor, e, *run))
}

// alone refuses a run beside another one that changes the same keys. The environment's row is
// held by the run's creation, so that of two at once one sees the other.
func (s *Service) alone(tx *store.Tx, e models.Environment, run models.KeyRun) error {
	if run.Kind == models.KeyScrub {
		return nil
	}
	for _, kind := range exclusive {
		if kind == run.Kind {
			continue
		}
		other, err := tx.ActiveKeyRun(kind, run.EnvironmentID)
		if err == nil {
			return fault.New(fault.Conflict, "A %s of the keys of %s is at work (%s); nothing was begun.", noun(other.Kind), e.Name, other.ID).
				WithHint("Wait for its end, or cancel it.")
		}
		if !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	return nil
}

// enqueue asks for a run's job. A migration is worked on by whoever called for it.
func (s *Service) enqueue(tx *store.Tx, run models.KeyRun) error {
	if run.Kind == models.KeyMigrate {
		return nil
	}
	return tx.EnqueueJob(JobKind, string(run.ID), "", tx.Now())
}

// noun is a kind for people.
func noun(kind models.KeyRunKind) string {
	switch kind {
	case models.KeyRewrap:
		return "re-wrap"
	case models.KeyReencrypt:
		return "re-encryption"
	case models.KeyMigrate:
		return "migration"
	default:
		return string(kind)
	}
}

// runEntry tells of a run's beginning, or of its end where it has one.
func runEntry(actor models.Actor, e models.Environment, run models.KeyRun) models.AuditEntry {
	entry := audit.Entry(actor, "keys."+string(run.Kind))
	if e.ID != 0 {
		entry = audit.OnEnvironment(actor, "keys."+string(run.Kind), e)
	}
	entry.Detail = map[string]string{"run": string(run.ID), "step": "begin"}
	for name, value := range map[string]string{"from_key": run.FromKey, "to_key": run.ToKey} {
		if value != "" {
			entry.Detail[name] = value
		}
	}
	if run.Status.Ended() {
		entry.Detail["step"], entry.Detail["status"] = "end", string(run.Status)
		entry.Detail["done"], entry.Detail["failed"] = strconv.FormatInt(run.Done, 10), strconv.FormatInt(run.Failed, 10)
		if run.Status != models.KeyRunSucceeded {
			entry.Outcome = models.OutcomeFailed
		}
	}
	return entry
}

// Run finds a run.
func (s *Service) Run(ctx context.Context, actor models.Actor, id models.KeyRunID) (Progress, error) {
	if err := s.allow(ctx, actor, auth.ViewKeys); err != nil {
		return Progress{}, err
	}
	return s.progress(ctx, id)
}

// Runs lists runs, the newest first, and the cursors of the pages around it.
func (s *Service) Runs(ctx context.Context, actor models.Actor, q RunQuery) ([]Progress, store.Around, error) {
	if err := s.allow(ctx, actor, auth.ViewKeys); err != nil {
		return nil, store.Around{}, err
	}
	var all []Progress
	var around store.Around
	err := s.Store.Read(ctx, func(tx *store.Tx) error {
		rows, more, err := tx.KeyRuns(store.KeyRunQuery{Kind: q.Kind, Environment: q.Environment, Cursor: q.Cursor, Limit: q.Limit})
		around = more
		for _, row := range rows {
			if err == nil {
				var p Progress
				p, err = s.measured(tx, row)
				all = append(all, p)
			}
		}
		return err
	})
	return all, around, err
}

// LastScrub is the newest scrub of everything that ended; nil where there was none.
func (s *Service) LastScrub(ctx context.Context, actor models.Actor) (*Progress, error) {
	if err := s.allow(ctx, actor, auth.ViewKeys); err != nil {
		return nil, err
	}
	var last *Progress
	err := s.Store.Read(ctx, func(tx *store.Tx) error {
		run, err := s.lastScrub(tx)
		if err != nil || run == nil {
			return err
		}
		p, err := s.measured(tx, *run)
		last = &p
		return err
	})
	return last, err
}

func (s *Service) lastScrub(tx *store.Tx) (*models.KeyRun, error) {
	for cursor := ""; ; {
		rows, around, err := tx.KeyRuns(store.KeyRunQuery{Kind: models.KeyScrub, Cursor: cursor})
		if err != nil {
			return nil, err
		}
		for i := range rows {
			if rows[i].EnvironmentID == 0 && rows[i].Status.Ended() && rows[i].Status != models.KeyRunCancelled {
				return &rows[i], nil
			}
		}
		if cursor = around.Next; cursor == "" {
			return nil, nil
		}
	}
}

// Findings lists what a run could not open, those after one, by their ids.
func (s *Service) Findings(ctx context.Context, actor models.Actor, id models.KeyRunID, after int64, limit int) (all []models.KeyFinding, err error) {
	if err := s.allow(ctx, actor, auth.ViewKeys); err != nil {
		return nil, err
	}
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		if _, err := tx.KeyRun(id); err != nil {
			return noRun(err)
		}
		all, err = tx.KeyFindings(id, after, limit)
		return err
	})
	return all, err
}

// FindingPage is a page of what a run found, with the cursors of those around it.
func (s *Service) FindingPage(ctx context.Context, actor models.Actor, id models.KeyRunID, cursor string, limit int) (found []models.KeyFinding, around store.Around, err error) {
	if err := s.allow(ctx, actor, auth.ViewKeys); err != nil {
		return nil, around, err
	}
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		if _, err := tx.KeyRun(id); err != nil {
			return noRun(err)
		}
		found, around, err = tx.KeyFindingPage(id, cursor, limit)
		return err
	})
	return found, around, err
}

// Cancel ends a run before its end. What it did stays and is whole.
func (s *Service) Cancel(ctx context.Context, actor models.Actor, id models.KeyRunID) (Progress, error) {
	if err := s.allow(ctx, actor, auth.ManageKeys); err != nil {
		return Progress{}, err
	}
	err := s.Store.Write(ctx, func(tx *store.Tx) error {
		run, err := tx.LockKeyRun(id)
		if err != nil {
			return noRun(err)
		}
		if run.Status.Ended() {
			return fault.New(fault.Conflict, "The run has ended already: it %s.", run.Status).WithHint("Nothing is left to cancel.")
		}
		now := tx.Now()
		run.Status, run.FinishedAt = models.KeyRunCancelled, &now
		run.Error, run.Hint = "", "What was done stays and is whole; asked for again, the rest is done."
		if err := tx.UpdateKeyRun(&run); err != nil {
			return err
		}
		entry := audit.Entry(actor, "keys.cancel")
		entry.EnvironmentID, entry.Detail = run.EnvironmentID, map[string]string{"run": string(run.ID), "kind": string(run.Kind)}
		return tx.AppendAudit(entry)
	})
	if err != nil {
		return Progress{}, err
	}
	s.Wake()
	return s.progress(ctx, id)
}

func noRun(err error) error {
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.NotFound, "There is no such run.").WithHint("List the runs to see which there are.")
	}
	return err
}

func (s *Service) progress(ctx context.Context, id models.KeyRunID) (p Progress, err error) {
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		run, err := tx.KeyRun(id)
		if err != nil {
			return noRun(err)
		}
		p, err = s.measured(tx, run)
		return err
	})
	return p, err
}

// measured adds to a run what is known of its pace.
func (s *Service) measured(tx *store.Tx, run models.KeyRun) (Progress, error) {
	damaged, unknown, err := tx.CountKeyFindings(run.ID)
	p := Progress{KeyRun: run, Rate: s.meters.rate(run), Finding: int(damaged + unknown)}
	if left := run.Total - run.Done; p.Rate > 0 && left > 0 && !run.Status.Ended() {
		p.Remaining = time.Duration(float64(left) / p.Rate * float64(time.Second)).Round(time.Second)
	}
	return p, err
}
