package destinations

import (
	"context"
	"errors"
	"time"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
)

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
	if result != nil { // whatever its kind, it was not the actor who was refused
		entry.Outcome = models.OutcomeFailed
	}
	if err := s.Store.Record(ctx, entry); err != nil {
		return err
	}
	return result
}

// usable tries a connection before it is saved. What the destination says of Keeper's own
// credentials is the fault of the settings, and must not look like what Keeper says of the
// caller's.
func (s *Service) usable(ctx context.Context, d models.Destination, c models.DestinationCredentials) error {
	if err := unsaved(s.check(ctx, d, c)); err != nil {
		return unusable{err}
	}
	return nil
}

// unusable is that a connection was tried and does not work.
type unusable struct{ error }

func (u unusable) Unwrap() error { return u.error }

// Unusable reports whether a destination was not saved because its connection does not work,
// which SkipCheck leaves out.
func Unusable(err error) bool {
	var u unusable
	return errors.As(err, &u)
}

func unsaved(err error) error {
	switch fault.KindOf(err) {
	case fault.Unauthenticated, fault.NotFound, fault.Conflict:
		public := fault.Public(err)
		return fault.Wrap(err, fault.Invalid, "The destination was not saved. %s", public.Message).WithHint("%s", public.Hint)
	default:
		return err
	}
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
