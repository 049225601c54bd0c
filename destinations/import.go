package destinations

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	keepersync "github.com/your-org/keeper/sync"
)

// MaxImport is how many secrets one import may propose, and how many entries it may look at.
const MaxImport = 5000

// Secrets is what imports and lists need of whoever has the rules of secrets.
type Secrets interface {
	// Holding are the secrets of environments, deleted ones included, that have a part in their
	// names; nil where they are too many to name.
	Holding(ctx context.Context, tx *store.Tx, environments []models.EnvironmentID, part string) ([]models.SecretID, error)
	// Guess says which type a value that somebody else kept under a name probably has, and
	// what may be shown of it. Invalid where it can be no secret's value.
	Guess(name string, v models.Plaintext) (models.SecretType, models.Facts, error)
	// Import makes a secret; Conflict where one has the name.
	Import(ctx context.Context, actor models.Actor, e models.EnvironmentID, name string, t models.SecretType, v models.Plaintext, comment string) (models.Secret, error)
	// Replace makes a value the newest version of a secret whose current version is the given
	// one; Stale where it is not.
	Replace(ctx context.Context, actor models.Actor, id models.SecretID, current models.VersionNumber, v models.Plaintext, comment string) (models.Secret, error)
}

// ImportDraft says what to look at, and what to make of it.
type ImportDraft struct {
	Purpose models.ImportPurpose // zero: PurposeImport
	Prefix  *string              // what the names there begin with; nil: the destination's own prefix
	Split   *bool                // whether objects become a secret for each key; nil: as the destination's shape is
	// Names is the name map: by the label of an item, the name of the secret that it becomes,
	// or "" to leave it out. What it does not speak of keeps the name that Keeper proposes.
	Names map[string]string
}

// complete fills in what the caller left to the destination, and checks the rest.
func (draft *ImportDraft) complete(d models.Destination) error {
	draft.Purpose = cmp.Or(draft.Purpose, models.PurposeImport)
	if draft.Purpose != models.PurposeImport && draft.Purpose != models.PurposeAdopt {
		return fault.InvalidField("purpose", "must be import or adopt")
	}
	if draft.Prefix == nil {
		draft.Prefix = &d.Config.Prefix
	}
	if draft.Split == nil {
		draft.Split = new(d.Config.Shape.Grouped() && draft.Purpose == models.PurposeImport)
	}
	switch {
	case draft.Purpose == models.PurposeAdopt && (*draft.Prefix != d.Config.Prefix || *draft.Split):
		return fault.New(fault.Invalid, "Only whole entries under the destination's own prefix %q can be adopted.", d.Config.Prefix).
			WithHint("Import the others; Keeper then writes copies of its own.")
	case draft.Purpose == models.PurposeAdopt && d.Config.Shape.Grouped():
		return fault.New(fault.Invalid, "The entries of %s hold several secrets each, so none can be adopted as a secret.", d.Name).
			WithHint("Import them; Keeper writes entries of its own once theirs are out of the way.")
	case len(draft.Names) > MaxImport:
		return fault.InvalidField("names", "must be %d at most", MaxImport)
	}
	if *draft.Prefix == "" {
		return nil
	}
	if problem := models.NameProblem(*draft.Prefix + "x"); problem != "" {
		return fault.InvalidField("prefix", "%s", problem)
	}
	return nil
}

// PreviewImport looks at what a destination holds that is not Keeper's, and saves what it
// would become. Values are read, compared by their keyed hashes, and forgotten; nothing is
// changed anywhere.
func (s *Service) PreviewImport(ctx context.Context, actor models.Actor, id models.DestinationID, draft ImportDraft) (models.Import, error) {
	d, e, err := s.mayImport(ctx, actor, draft.Purpose, id)
	if err != nil {
		return models.Import{}, err
	}
	if err := draft.complete(d); err != nil {
		return models.Import{}, err
	}
	if err := s.narrowPrefix(ctx, actor, e, d, &draft); err != nil {
		return models.Import{}, err
	}
	driver, err := s.source(ctx, actor, e, d, *draft.Prefix)
	if err != nil {
		return models.Import{}, err
	}
	i := models.Import{
		ID: models.NewImportID(), DestinationID: d.ID, EnvironmentID: e.ID, Purpose: draft.Purpose, Prefix: *draft.Prefix, Split: *draft.Split,
		Status: models.ImportPreview, CreatedAt: s.Now(), CreatedBy: actor.Name,
	}
	remotes, err := survey(ctx, driver, &i.Counts)
	if err != nil {
		return models.Import{}, err
	}
	items, err := newAppraisal(s, e, d, driver, draft).all(ctx, remotes)
	if err != nil {
		return models.Import{}, err
	}
	for n := range items {
		items[n].Number = n + 1
		tally(&i.Counts, items[n].Status)
	}
	err = s.Store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.CreateImport(&i, items); err != nil {
			return err
		}
		return tx.AppendAudit(onImport(actor, "sync.import.preview", e, d, i))
	})
	return i, err
}

func tally(c *models.ImportCounts, status models.ImportItemStatus) {
	switch status {
	case models.ItemNew:
		c.New++
	case models.ItemEqual:
		c.Equal++
	case models.ItemDifferent:
		c.Different++
	case models.ItemLeftOut:
		c.LeftOut++
	case models.ItemProblem:
		c.Problems++
	}
	if status != models.ItemLeftOut && status != models.ItemProblem {
		c.Left++
	}
}

// mayImport loads a destination that the actor may manage, in an environment whose secrets it
// may write: an adoption makes no secret, but takes the destination's values where its side
// is chosen.
func (s *Service) mayImport(ctx context.Context, actor models.Actor, purpose models.ImportPurpose, id models.DestinationID) (models.Destination, models.Environment, error) {
	d, e, err := s.named(ctx, actor, auth.ManageDestination, id)
	if err == nil && purpose != models.PurposeAdopt {
		d, e, err = s.destination(ctx, actor, auth.WriteSecret, id)
	}
	return d, e, err
}

// narrowPrefix has an actor who may not look at all that stands under the destination's own
// prefix look at what begins as the names do which the destination writes.
func (s *Service) narrowPrefix(ctx context.Context, actor models.Actor, e models.Environment, d models.Destination, draft *ImportDraft) error {
	credentials, err := s.credentials(ctx, e, d)
	if err == nil && *draft.Prefix == d.Config.Prefix && !reaches(actor, e, d, credentials, *draft.Prefix) {
		draft.Prefix = new(lentPrefix(e, d))
	}
	return err
}

// source is a driver for what stands under a prefix, with the destination's credentials. What
// Keeper's own credentials reach beyond the names that the destination writes is an
// administrator's to see.
func (s *Service) source(ctx context.Context, actor models.Actor, e models.Environment, d models.Destination, prefix string) (keepersync.Driver, error) {
	credentials, err := s.credentials(ctx, e, d)
	if err != nil {
		return nil, err
	}
	if !reaches(actor, e, d, credentials, prefix) {
		return nil, s.refused(ctx, audit.OnDestination(actor, string(auth.LendCredentials), e, d),
			fault.New(fault.Forbidden, "%s works with Keeper's own credentials; only an administrator may look beyond its prefix %q with them.", d.Name, lentPrefix(e, d)).
				WithHint("Import from a destination with credentials of its own, or ask an administrator."))
	}
	if prefix == d.Config.Prefix {
		return s.driver(ctx, e, d)
	}
	d.Config.Prefix = prefix
	return s.Open(ctx, d, credentials)
}

// Reaches reports whether the actor may look at what stands under a prefix with the
// destination's credentials.
func (s *Service) Reaches(ctx context.Context, actor models.Actor, id models.DestinationID, prefix string) (bool, error) {
	d, e, err := s.destination(ctx, actor, auth.ManageDestination, id)
	if err != nil {
		return false, err
	}
	credentials, err := s.credentials(ctx, e, d)
	return err == nil && reaches(actor, e, d, credentials, prefix), err
}

func reaches(actor models.Actor, e models.Environment, d models.Destination, c models.DestinationCredentials, prefix string) bool {
	return strings.HasPrefix(prefix, lentPrefix(e, d)) || ownCredentials(d, c) || auth.Can(actor, auth.LendCredentials, auth.Global)
}

// lentPrefix is what the names begin with for which an administrator lent Keeper's credentials:
// the destination's prefix, and the text that its template has before the first part that differs
// from secret to secret.
func lentPrefix(e models.Environment, d models.Destination) string {
	return d.Config.Prefix + d.Config.Names().Literal(e.Name)
}

// ImportQuery chooses imports; its environments are narrowed to those whose
// destinations the actor manages.
type ImportQuery = store.ImportQuery

// Imports lists imports, newest first, and the cursors of the pages around them.
func (s *Service) Imports(ctx context.Context, actor models.Actor, q ImportQuery) (imports []models.Import, around Around, err error) {
	if q.Environments, err = s.narrow(ctx, actor, auth.ManageDestination, q.Environments); err != nil {
		return nil, around, err
	}
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		imports, around, err = tx.Imports(q)
		return err
	})
	return imports, around, err
}

// FindImport finds an import on whose destination the actor manages: the names of what is not
// Keeper's are for those who may take it.
func (s *Service) FindImport(ctx context.Context, actor models.Actor, id models.ImportID) (models.Import, error) {
	i, _, _, err := s.importOf(ctx, actor, id)
	return i, err
}

func (s *Service) importOf(ctx context.Context, actor models.Actor, id models.ImportID) (models.Import, models.Destination, models.Environment, error) {
	var i models.Import
	err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		i, err = tx.Import(id)
		return err
	})
	var d models.Destination
	var e models.Environment
	if err == nil {
		d, e, err = s.named(ctx, actor, auth.ManageDestination, i.DestinationID)
	}
	if err == nil {
		var credentials models.DestinationCredentials
		credentials, err = s.credentials(ctx, e, d)
		if err == nil && !reaches(actor, e, d, credentials, i.Prefix) { // what the actor could not have looked at
			err = fault.New(fault.NotFound, "There is no such import.")
		}
	}
	if fault.Is(err, fault.NotFound) {
		return models.Import{}, d, e, fault.New(fault.NotFound, "There is no such import, or it is too long ago.").WithHint("Make a new preview.")
	}
	return i, d, e, err
}

// ImportItemQuery chooses items of an import.
type ImportItemQuery = store.ImportItemQuery

// ImportItems lists an import's items by number.
func (s *Service) ImportItems(ctx context.Context, actor models.Actor, id models.ImportID, q ImportItemQuery) ([]models.ImportItem, error) {
	if _, err := s.FindImport(ctx, actor, id); err != nil {
		return nil, err
	}
	var items []models.ImportItem
	err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		items, err = tx.ImportItems(id, q)
		return err
	})
	return items, err
}

// ImportItemPage is a page of an import's items by number, with the cursors of those around it.
func (s *Service) ImportItemPage(ctx context.Context, actor models.Actor, id models.ImportID, q ImportItemQuery, cursor string) (items []models.ImportItem, around store.Around, err error) {
	if _, err := s.FindImport(ctx, actor, id); err != nil {
		return nil, around, err
	}
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		items, around, err = tx.ImportItemPage(id, q, cursor)
		return err
	})
	return items, around, err
}

func onImport(actor models.Actor, action string, e models.Environment, d models.Destination, i models.Import) models.AuditEntry {
	entry := audit.OnDestination(actor, action, e, d)
	entry.Detail = map[string]string{"import": string(i.ID), "purpose": string(i.Purpose), "prefix": i.Prefix, "names": strconv.Itoa(i.Counts.Listed)}
	return entry
}
