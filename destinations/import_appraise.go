package destinations

import (
	"bytes"
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	keepersync "github.com/your-org/keeper/sync"
)

const (
	importBatch   = 20 // entries read at once; what AWS gives in one call
	importWorkers = 4  // batches at once: with importBatch, it bounds the values held in memory
)

// appraisal finds out what entries would become.
type appraisal struct {
	service     *Service
	environment models.Environment
	destination models.Destination
	driver      keepersync.Driver
	draft       ImportDraft
	naming      naming
	reader      reader
}

func newAppraisal(s *Service, e models.Environment, d models.Destination, driver keepersync.Driver, draft ImportDraft) *appraisal {
	return &appraisal{service: s, environment: e, destination: d, driver: driver, draft: draft, naming: newNaming(e, d, draft)}
}

// all are the items of all entries, in their order.
func (a *appraisal) all(ctx context.Context, remotes []keepersync.Remote) (items []models.ImportItem, err error) {
	if a.reader, err = a.service.newReader(ctx, a.environment, a.destination, a.driver, *a.draft.Split); err != nil {
		return nil, err
	}
	batches := slices.Collect(slices.Chunk(remotes, importBatch))
	done := make([][]models.ImportItem, len(batches))
	workers, wctx := errgroup.WithContext(ctx)
	workers.SetLimit(importWorkers)
	for n, batch := range batches {
		workers.Go(func() (err error) {
			done[n], err = a.batch(wctx, batch)
			return err
		})
	}
	if err := workers.Wait(); err != nil {
		return nil, err
	}
	if items = slices.Concat(done...); len(items) > MaxImport {
		return nil, tooMany()
	}
	refuseTwins(items)
	return items, nil
}

func (a *appraisal) batch(ctx context.Context, remotes []keepersync.Remote) ([]models.ImportItem, error) {
	read, unread := remotes, []models.ImportItem(nil)
	if a.draft.Purpose == models.PurposeAdopt {
		var err error
		if read, unread, err = a.withSecret(ctx, remotes); err != nil {
			return nil, err
		}
	}
	all := a.reader.read(ctx, read)
	defer func() {
		for _, f := range all {
			f.zero()
		}
	}()
	if ctx.Err() != nil {
		return nil, fault.Wrap(ctx.Err(), fault.Unavailable, "The preview was interrupted; nothing was saved.").WithHint("Make it again.")
	}
	var names []string
	for n := range all {
		a.name(&all[n].ImportItem)
		names = append(names, all[n].SecretName)
	}
	standing, err := a.standing(ctx, names)
	if err != nil {
		return nil, err
	}
	items := unread
	for _, f := range all {
		if f.Status == "" {
			if err := a.judge(ctx, &f, standing); err != nil {
				return nil, err
			}
		}
		items = append(items, f.ImportItem)
	}
	slices.SortStableFunc(items, func(a, b models.ImportItem) int { return bytes.Compare([]byte(a.RemoteName), []byte(b.RemoteName)) })
	return items, nil
}

// withSecret tells the entries under whose names there are secrets from those that an
// adoption has nothing to do with, whose values are not read.
func (a *appraisal) withSecret(ctx context.Context, remotes []keepersync.Remote) (read []keepersync.Remote, unread []models.ImportItem, err error) {
	items := make([]models.ImportItem, len(remotes))
	var names []string
	for n, remote := range remotes {
		items[n] = models.ImportItem{RemoteName: remote.Name, RemoteVersion: remote.Version}
		a.name(&items[n])
		names = append(names, items[n].SecretName)
	}
	standing, err := a.standing(ctx, names)
	for n, remote := range remotes {
		if _, ok := standing[items[n].SecretName]; ok || items[n].Status != "" {
			read = append(read, remote)
			continue
		}
		items[n].Status, items[n].Note = models.ItemNew, "No secret has the name. Import it, or leave it."
		unread = append(unread, items[n])
	}
	return read, unread, err
}

func (a *appraisal) name(item *models.ImportItem) {
	take := a.naming.name(item)
	switch reason := models.NameProblem(item.SecretName); {
	case !take:
		item.Status, item.Problem, item.Hint = models.ItemLeftOut, "", ""
	case item.Status != "":
	case reason != "":
		item.Status, item.Problem = models.ItemProblem, "The name "+item.SecretName+" "+reason+"."
		item.Hint = "Give it another one in the name map."
	}
}

func (a *appraisal) standing(ctx context.Context, names []string) (standing map[string]store.StandingSecret, err error) {
	err = a.service.Store.Read(ctx, func(tx *store.Tx) error {
		standing, err = tx.SecretsNamed(a.environment.ID, names)
		return err
	})
	return standing, err
}

// judge compares an item with the secret that has its name.
func (a *appraisal) judge(ctx context.Context, f *found, standing map[string]store.StandingSecret) error {
	guess, facts, err := a.service.Secrets.Guess(f.SecretName, f.value)
	if err != nil {
		public := fault.Public(err)
		*f = problem(f.ImportItem, public.Message, public.Hint)
		return nil
	}
	object := f.Type == models.JSON // the entry is one, beyond being read as one
	f.Type, f.Facts = guess, facts
	if a.destination.Config.Shape == models.ShapeObject && !object && isObject(guess, f.value.Reveal()) {
		f.Type, f.Facts = models.Text, models.Facts{} // as JSON, it would be an entry of another form
	}
	secret, ok := standing[f.SecretName]
	switch {
	case !ok:
		f.Status = models.ItemNew
	case secret.Deleted:
		*f = problem(f.ImportItem, "A deleted secret has the name "+f.SecretName+".", "Undelete it, or choose another name in the name map.")
		return nil
	default:
		f.SecretID, f.Version, f.Type = secret.ID, secret.CurrentVersion, secret.Type
		equal, err := a.equal(ctx, f, secret)
		if err != nil {
			return err
		}
		if f.Status = models.ItemDifferent; equal {
			f.Status = models.ItemEqual
		}
	}
	a.adoptable(f, object)
	return nil
}

// adoptable notes whether Keeper could look after the entry from then on, and why not.
func (a *appraisal) adoptable(f *found, object bool) {
	c := a.destination.Config
	switch {
	case f.Note != "":
	case c.Shape.Grouped():
		f.Note = "The destination's entries hold several secrets each, so it can be imported and not adopted."
	case !a.naming.own(f.ImportItem):
		f.Note = "It can be imported and not adopted: Keeper has another name for the secret at the destination."
	case c.Shape == models.ShapeObject && (formOf(c).untaken(f.Type, f.form) != "" || isObject(f.Type, f.value.Reveal()) != object):
		f.Note = "It cannot be adopted: the entry is not in the form that a secret of type " + string(f.Type) + " has at the destination."
	default:
		f.Adoptable = true
	}
}

// equal compares values by their keyed hashes, and JSON by what it says where that is how it
// is compared ever after.
func (a *appraisal) equal(ctx context.Context, f *found, secret store.StandingSecret) (bool, error) {
	if bytes.Equal(f.Hash, secret.Hash) || secret.Type != models.JSON || a.destination.Config.Shape != models.ShapeObject {
		return bytes.Equal(f.Hash, secret.Hash), nil
	}
	theirs, err := keepersync.CanonicalObject(f.value.Reveal())
	if err != nil {
		return false, nil //nolint:nilerr // what is no object equals none
	}
	defer clear(theirs)
	var version models.SecretVersion
	err = a.service.Store.Read(ctx, func(tx *store.Tx) (err error) {
		version, err = tx.Version(secret.ID, secret.CurrentVersion)
		return err
	})
	if err != nil {
		return false, err
	}
	ours, err := a.service.OpenVersion(ctx, a.environment, version)
	if err != nil {
		return false, err
	}
	defer ours.Zero()
	canonical, err := keepersync.CanonicalObject(ours.Reveal())
	defer clear(canonical)
	return err == nil && bytes.Equal(theirs, canonical), nil
}

// refuseTwins makes problems of items that would become the same secret.
func refuseTwins(items []models.ImportItem) {
	byName := map[string][]int{}
	for n, item := range items {
		if item.Status != models.ItemLeftOut && item.Status != models.ItemProblem {
			byName[item.SecretName] = append(byName[item.SecretName], n)
		}
	}
	for name, twins := range byName {
		if len(twins) < 2 {
			continue
		}
		for at, n := range twins {
			other := items[twins[(at+1)%len(twins)]].Label()
			items[n].Status, items[n].Adoptable = models.ItemProblem, false
			items[n].Problem = "It would become the secret " + name + ", as " + other + " would."
			items[n].Hint = "Give one of them another name in the name map, or leave it out there."
		}
	}
}
