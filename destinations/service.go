// Package destinations holds the rules of destinations and of their syncing: where copies
// go, when a pass over them is due, what it found, and the ledger that the sync engine
// works from.
package destinations

import (
	"cmp"
	"context"
	"log/slog"
	"strconv"
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
	Open        Opener
	Defaults    models.DestinationConfig // region, endpoint, address and mount where a new destination names none
	Owner       string                   // this installation's identity, the mark on what is ours
	Interval    time.Duration            // between full passes, where a destination has none of its own
	Workers     int                      // writes at once per run
	Now         func() time.Time
	Log         *slog.Logger
	Wake        func() // work was left in the database; begin at once
	Ran         func(models.SyncRun)
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
// saved, unless the caller asks for that.
func (s *Service) Create(ctx context.Context, actor models.Actor, draft Draft) (models.Destination, error) {
	d := models.Destination{
		ID: models.NewDestinationID(), EnvironmentID: draft.Environment, Name: draft.Name, Kind: draft.Kind,
		Config: draft.Config, Interval: draft.Interval, Revision: 1, CreatedAt: s.Now(), UpdatedAt: s.Now(),
	}
	e, err := s.environment(ctx, actor, auth.ManageDestination, draft.Environment)
	if err != nil {
		return d, err
	}
	s.complete(&d, e)
	if err := d.Validate(); err != nil {
		return d, err
	}
	if !draft.SkipCheck {
		if err := s.check(ctx, d, draft.Credentials); err != nil {
			return d, err
		}
	}
	if err := s.seal(ctx, e, &d, draft.Credentials); err != nil {
		return d, err
	}
	err = s.Store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.CreateDestination(&d); err != nil {
			return err
		}
		if err := s.enqueue(tx, d.ID); err != nil {
			return err
		}
		return tx.AppendAudit(audit.OnDestination(actor, "destination.create", e, d))
	})
	if fault.Is(err, fault.Conflict) {
		return d, fault.Wrap(err, fault.Conflict, "%s already has a destination named %s; nothing was changed.", e.Name, d.Name).WithHint("Choose another name.")
	}
	if err == nil {
		s.Wake()
	}
	return d, err
}

// complete fills in what the caller left out and the installation's settings know.
func (s *Service) complete(d *models.Destination, e models.Environment) {
	c := &d.Config
	if c.NoPrefix {
		c.Prefix = ""
	} else if c.Prefix == "" {
		c.Prefix = e.Name + "/"
	}
	switch d.Kind {
	case models.DestinationAWS:
		c.Region = cmp.Or(c.Region, s.Defaults.Region)
		c.Endpoint = cmp.Or(c.Endpoint, s.Defaults.Endpoint)
	case models.DestinationVault:
		c.Address = cmp.Or(c.Address, s.Defaults.Address)
		c.Mount = cmp.Or(c.Mount, s.Defaults.Mount)
	}
}

// Change is what may change of a destination; nil leaves a field as it is. Where its copies
// stand (region, address, mount, prefix) never changes: another place is another
// destination, so that no copy is ever left behind unseen.
type Change struct {
	Paused      *bool
	Interval    *int
	Config      *models.DestinationConfig
	Credentials *models.DestinationCredentials
	SkipCheck   bool
}

// Update changes a destination where its revision still is the expected one (0: whatever it
// is).
func (s *Service) Update(ctx context.Context, actor models.Actor, id models.DestinationID, c Change, expected int64) (models.Destination, error) {
	d, e, err := s.destination(ctx, actor, auth.ManageDestination, id)
	if err != nil {
		return d, err
	}
	if expected == 0 {
		expected = d.Revision
	}
	if c.Paused != nil {
		d.Paused = *c.Paused
	}
	if c.Interval != nil {
		d.Interval = *c.Interval
	}
	if c.Config != nil {
		if err := samePlace(d.Config, *c.Config); err != nil {
			return d, err
		}
		d.Config = *c.Config
	}
	if err := d.Validate(); err != nil {
		return d, err
	}
	if err := s.newCredentials(ctx, e, &d, c); err != nil {
		return d, err
	}
	d.UpdatedAt = s.Now()
	err = s.Store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.UpdateDestination(&d, expected); err != nil {
			return err
		}
		if err := s.enqueue(tx, d.ID); err != nil {
			return err
		}
		return tx.AppendAudit(audit.OnDestination(actor, changeAction(c), e, d))
	})
	if err == nil {
		s.Wake()
	}
	return d, err
}

func changeAction(c Change) string {
	switch {
	case c.Paused == nil:
		return "destination.update"
	case *c.Paused:
		return "destination.pause"
	default:
		return "destination.resume"
	}
}

// newCredentials tries and seals what changed of the connection.
func (s *Service) newCredentials(ctx context.Context, e models.Environment, d *models.Destination, c Change) error {
	if c.Config == nil && c.Credentials == nil {
		return nil
	}
	credentials, err := s.credentials(ctx, e, *d)
	if err != nil && c.Credentials == nil {
		return err
	}
	if c.Credentials != nil {
		credentials = *c.Credentials
	}
	if !c.SkipCheck {
		if err := s.check(ctx, *d, credentials); err != nil {
			return err
		}
	}
	if c.Credentials == nil {
		return nil
	}
	return s.seal(ctx, e, d, credentials)
}

func samePlace(before, after models.DestinationConfig) error {
	fixed := map[string][2]string{
		"config.prefix": {before.Prefix, after.Prefix}, "config.region": {before.Region, after.Region},
		"config.endpoint": {before.Endpoint, after.Endpoint}, "config.address": {before.Address, after.Address},
		"config.namespace": {before.Namespace, after.Namespace}, "config.mount": {before.Mount, after.Mount},
	}
	for field, values := range fixed {
		if values[0] != values[1] {
			return fault.InvalidField(field, "cannot change, since copies stand there").
				WithHint("Make another destination for the new place, then remove this one.")
		}
	}
	return nil
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

// Test tries a destination's connection and each permission that can be tried without
// leaving anything behind. The error is the first thing to mend.
func (s *Service) Test(ctx context.Context, actor models.Actor, id models.DestinationID) error {
	d, e, err := s.destination(ctx, actor, auth.ManageDestination, id)
	if err != nil {
		return err
	}
	credentials, err := s.credentials(ctx, e, d)
	if err != nil {
		return err
	}
	result := s.check(ctx, d, credentials)
	entry := audit.OnDestination(actor, "destination.test", e, d)
	if result != nil {
		entry.Outcome = models.OutcomeFailed
	}
	if err := s.Store.Record(ctx, entry); err != nil {
		return err
	}
	return result
}

func (s *Service) check(ctx context.Context, d models.Destination, c models.DestinationCredentials) error {
	driver, err := s.Open(ctx, d, c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	return driver.Check(ctx)
}

// driver is the destination's driver, opened once and kept until its settings change.
func (s *Service) driver(ctx context.Context, e models.Environment, d models.Destination) (keepersync.Driver, error) {
	s.mu.Lock()
	open, ok := s.drivers[d.ID]
	s.mu.Unlock()
	if ok && open.revision == d.Revision {
		return open.driver, nil
	}
	credentials, err := s.credentials(ctx, e, d)
	if err != nil {
		return nil, err
	}
	driver, err := s.Open(ctx, d, credentials)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drivers[d.ID] = openDriver{revision: d.Revision, driver: driver}
	return driver, nil
}

func (s *Service) forget(id models.DestinationID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.drivers, id)
}

// environment loads an environment in which the actor may do the action; a refusal is
// recorded.
func (s *Service) environment(ctx context.Context, actor models.Actor, action auth.Action, id models.EnvironmentID) (models.Environment, error) {
	var e models.Environment
	err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		e, err = tx.Environment(id)
		return err
	})
	missing := fault.New(fault.NotFound, "There is no environment %s.", strconv.FormatInt(int64(id), 10)).
		WithHint("List the environments to see which there are.")
	if fault.Is(err, fault.NotFound) {
		return e, missing
	}
	if err != nil {
		return e, err
	}
	if err := auth.Check(actor, action, id); err != nil {
		if fault.Is(err, fault.NotFound) {
			err = missing
		}
		return e, s.refused(ctx, audit.OnEnvironment(actor, string(action), e), err)
	}
	return e, nil
}

// destination loads a destination on which the actor may do the action; a refusal is
// recorded, and what the actor may not see does not exist for it.
func (s *Service) destination(ctx context.Context, actor models.Actor, action auth.Action, id models.DestinationID) (models.Destination, models.Environment, error) {
	d, e, err := s.load(ctx, id)
	missing := fault.New(fault.NotFound, "There is no such destination.").WithHint("List the destinations to see which there are.")
	if fault.Is(err, fault.NotFound) {
		return models.Destination{}, models.Environment{}, missing
	}
	if err != nil {
		return models.Destination{}, models.Environment{}, err
	}
	if err := auth.Check(actor, action, e.ID); err != nil {
		if fault.Is(err, fault.NotFound) {
			err = missing
		}
		return models.Destination{}, models.Environment{}, s.refused(ctx, audit.OnDestination(actor, string(action), e, d), err)
	}
	return d, e, nil
}

func (s *Service) load(ctx context.Context, id models.DestinationID) (models.Destination, models.Environment, error) {
	var d models.Destination
	var e models.Environment
	err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		if d, err = tx.Destination(id); err != nil {
			return err
		}
		e, err = tx.Environment(d.EnvironmentID)
		return err
	})
	return d, e, err
}

func (s *Service) refused(ctx context.Context, entry models.AuditEntry, refusal error) error {
	if err := s.Store.Record(ctx, audit.Ended(entry, refusal)); err != nil {
		return fault.Wrap(err, fault.Unavailable, "The audit log cannot be written; nothing was done.").WithHint("Try again.")
	}
	return refusal
}

// visible are the environments whose destinations the actor may see, narrowed to one where
// one is named.
func (s *Service) visible(ctx context.Context, actor models.Actor, only models.EnvironmentID) ([]models.EnvironmentID, error) {
	var all []models.Environment
	err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		all, err = tx.Environments(nil)
		return err
	})
	var ids []models.EnvironmentID
	for _, e := range auth.Visible(actor, auth.ViewDestination, all) {
		if only == 0 || only == e.ID {
			ids = append(ids, e.ID)
		}
	}
	return ids, err
}
