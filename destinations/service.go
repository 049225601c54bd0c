// Package destinations holds the rules of destinations and of their syncing: where copies
// go, when a pass over them is due, what it found, and the ledger that the sync engine
// works from.
package destinations

import (
	"cmp"
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	keepersync "github.com/your-org/keeper/sync"
)

// Opener makes the driver of a destination, wrapped in limits and retries.
type Opener func(ctx context.Context, d models.Destination, c models.DestinationCredentials) (keepersync.Driver, error)

// Deps is what the service works with.
type Deps struct {
	Store    *store.Store
	Envelope *kms.Envelope
	// OpenVersion unseals a version for copying it.
	OpenVersion func(ctx context.Context, e models.Environment, v models.SecretVersion) (models.Plaintext, error)
	// Take makes a value found at a destination a secret's newest version, where the given
	// version still is the current one. It was changed there at that time; zero: nobody knows.
	Take func(ctx context.Context, id models.SecretID, current models.VersionNumber, v models.Plaintext, changed time.Time, comment string) (models.Secret, error)
	// Secrets makes secrets of what is imported, and searches their names.
	Secrets Secrets
	// QuotaShare is the share of published quotas that runs use, for estimates.
	QuotaShare float64
	Open       Opener
	Defaults   models.DestinationConfig // region, endpoint, address and mount where a new destination names none
	Owner      string                   // this installation's identity, the mark on what is ours
	Version    string                   // of this Keeper, for receipts
	Interval   time.Duration            // between full passes, where a destination has none of its own
	Workers    int                      // writes at once per run
	Now        func() time.Time
	Jitter     func(below time.Duration) time.Duration // a random share of a wait; nil: of all up to it alike
	Log        *slog.Logger
	Wake       func() // work was left in the database; begin at once
	Ran        func(models.SyncRun)
	// Alert keeps how conditions stand that people are told of; nil: nobody is.
	Alert func(tx *store.Tx, signals ...models.Signal) error
}

// Service is the rules of destinations. It is safe for concurrent use.
type Service struct {
	Deps
	mu      sync.Mutex
	drivers map[models.DestinationID]openDriver // kept while the settings stay the same
}

type openDriver struct {
	revision int64
	driver   keepersync.Driver
}

// New makes the service.
func New(d Deps) *Service {
	if d.Alert == nil {
		d.Alert = func(*store.Tx, ...models.Signal) error { return nil }
	}
	if d.Jitter == nil {
		d.Jitter = rand.N[time.Duration]
	}
	return &Service{Deps: d, drivers: map[models.DestinationID]openDriver{}}
}

// Draft is what a destination is made from.
type Draft struct {
	Environment models.EnvironmentID
	Name        string
	Kind        models.DestinationKind
	Config      models.DestinationConfig
	Credentials models.DestinationCredentials
	Interval    int  // seconds; 0: the installation's
	SkipCheck   bool // save without trying the connection
}

// Create makes a destination. Its connection is tried first: one that does not work is not
// saved, unless the caller asks for that. All values of the environment go there, so it takes
// what seeing them takes.
func (s *Service) Create(ctx context.Context, actor models.Actor, draft Draft) (models.Destination, error) {
	d, e, err := s.drafted(ctx, actor, draft)
	if err == nil {
		err = s.MayConnect(ctx, actor, e)
	}
	if err != nil {
		return d, err
	}
	if !draft.SkipCheck {
		if err := s.usable(ctx, d, draft.Credentials); err != nil {
			return d, err
		}
	}
	if err := s.seal(ctx, e, &d, draft.Credentials); err != nil {
		return d, err
	}
	err = s.Store.Write(ctx, func(tx *store.Tx) error {
		if err := takeTurn(tx, d); err != nil {
			return err
		}
		if err := tx.CreateDestination(&d); fault.Is(err, fault.Conflict) {
			return fault.Wrap(err, fault.Conflict, "%s already has a destination named %s; nothing was changed.", e.Name, d.Name).WithHint("Choose another name.")
		} else if err != nil {
			return err
		}
		overlaps, err := s.overlap(tx, actor, e, d)
		if err != nil {
			return err
		}
		if err := s.enqueue(tx, d.ID); err != nil {
			return err
		}
		return tx.AppendAudit(accepting(audit.OnDestination(actor, "destination.create", e, d), overlaps))
	})
	if err == nil {
		s.Wake()
	}
	return d, err
}

// drafted is the destination of a draft that its actor may make and that is complete.
func (s *Service) drafted(ctx context.Context, actor models.Actor, draft Draft) (models.Destination, models.Environment, error) {
	d := models.Destination{
		ID: models.NewDestinationID(), EnvironmentID: draft.Environment, Name: draft.Name, Kind: draft.Kind,
		Config: draft.Config, Interval: draft.Interval, Revision: 1, CreatedAt: s.Now(), UpdatedAt: s.Now(),
	}
	e, err := s.environment(ctx, actor, auth.ManageDestination, draft.Environment)
	if err != nil {
		return d, e, err
	}
	s.complete(&d, e)
	if err := d.Validate(); err != nil {
		return d, e, err
	}
	return d, e, s.lend(ctx, actor, e, d, draft.Credentials)
}

// complete fills in what the caller left out and the installation's settings know.
func (s *Service) complete(d *models.Destination, e models.Environment) {
	c := &d.Config
	if c.NoPrefix {
		c.Prefix = ""
	} else if c.Prefix == "" {
		c.Prefix = e.Name + "/"
	}
	if c.Shape == models.ShapeBundle {
		c.BundleName = cmp.Or(c.BundleName, e.Name)
	}
	switch d.Kind {
	case models.DestinationAWS:
		c.Region = cmp.Or(c.Region, s.Defaults.Region)
		c.Endpoint = cmp.Or(c.Endpoint, s.Defaults.Endpoint)
	case models.DestinationVault:
		c.Address = cmp.Or(c.Address, s.Defaults.Address)
		c.Mount = cmp.Or(c.Mount, s.Defaults.Mount)
	case models.DestinationMemory:
	}
}

// Delete removes a destination from Keeper. Its copies stay where they are: what is there
// may be in use.
func (s *Service) Delete(ctx context.Context, actor models.Actor, id models.DestinationID) error {
	d, e, err := s.destination(ctx, actor, auth.ManageDestination, id)
	if err != nil {
		return err
	}
	err = s.Store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.DeleteDestination(id); err != nil {
			return err
		}
		if err := s.Alert(tx, silence(d)...); err != nil {
			return err
		}
		return tx.AppendAudit(audit.OnDestination(actor, "destination.delete", e, d))
	})
	s.forget(id)
	return err
}

// Get finds a destination, and its environment, that the actor may see.
func (s *Service) Get(ctx context.Context, actor models.Actor, id models.DestinationID) (models.Destination, models.Environment, error) {
	return s.destination(ctx, actor, auth.ViewDestination, id)
}

// List lists the destinations that the actor may see, of one environment (0: of all).
func (s *Service) List(ctx context.Context, actor models.Actor, environment models.EnvironmentID) ([]models.Destination, error) {
	environments, err := s.visible(ctx, actor, environment)
	if err != nil {
		return nil, err
	}
	var all []models.Destination
	err = s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		all, err = tx.Destinations(environments)
		return err
	})
	return all, err
}
