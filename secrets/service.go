// Package secrets holds the rules of secrets, their versions and their environments: what
// may be written, by whom, and what is recorded of it. Browser, API and command all call
// the same methods, each of which takes the actor first.
package secrets

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// Deps is what the service works with.
type Deps struct {
	Store    *store.Store
	Envelope *kms.Envelope
	Now      func() time.Time
	Log      *slog.Logger
	// Changed is called in the transaction of every change of a secret's value or existence:
	// it leaves the work for the sync to do.
	Changed func(tx *store.Tx, s models.Secret) error
	// EntryHash is the hash of a JSON value as a whole entry, kept so that the sync need not open
	// the value to compare it; nil: the sync finds out by itself.
	EntryHash func(kms.Hasher, models.Plaintext) []byte
	// Committed is called after such a transaction, so that the work begins at once.
	Committed func()
	// DeleteGrace is how long a deleted secret can be undeleted.
	DeleteGrace time.Duration
}

// Service is the rules of secrets and environments. It is safe for concurrent use.
type Service struct {
	Deps
	// known holds a knownEnvironment by id, for the read path.
	known sync.Map
	// texts are what secrets are found and searched by.
	texts *texts
}

// New makes the service.
func New(d Deps) *Service { return &Service{Deps: d, texts: newTexts()} }

// environment loads an environment and checks that the actor may do the action there. The
// refusal is recorded.
func (s *Service) environment(ctx context.Context, actor models.Actor, action auth.Action, id models.EnvironmentID) (models.Environment, error) {
	return auth.Environment(ctx, s.Store, actor, action, id)
}

// hideEnvironment makes the refusal for an environment that the actor may not see the same
// as for one that is not there.
func hideEnvironment(err error, named string) error {
	if fault.Is(err, fault.NotFound) {
		return auth.NoEnvironment(named)
	}
	return err
}

func noSecret() error {
	return fault.New(fault.NotFound, "There is no such secret.").WithHint("List the secrets to see which there are.")
}

// refused records that the actor was refused, and returns the refusal.
func (s *Service) refused(ctx context.Context, entry models.AuditEntry, refusal error) error {
	return audit.Refused(ctx, s.Store, entry, refusal)
}

// knownFor is how long it may take until a protection that another replica switched on holds
// here.
const knownFor = time.Second

// knownEnvironment is what of an environment a reveal needs, as it stood a moment ago: its
// name, which never changes, and whether it is protected.
type knownEnvironment struct {
	models.Environment
	at time.Time
}

// knownEnvironment gives the id, the name and the protection of an environment, from memory
// where possible.
func (s *Service) knownEnvironment(ctx context.Context, id models.EnvironmentID) (models.Environment, error) {
	now := s.Now()
	if found, ok := s.known.Load(id); ok {
		if one := found.(knownEnvironment); now.Sub(one.at) < knownFor {
			return one.Environment, nil
		}
	}
	var e models.Environment
	err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		e, err = tx.Environment(id)
		return err
	})
	if err != nil {
		return e, err
	}
	e = models.Environment{ID: e.ID, Name: e.Name, Protected: e.Protected}
	s.known.Store(id, knownEnvironment{e, now})
	return e, nil
}

func (s *Service) committed() {
	if s.Committed != nil {
		s.Committed()
	}
}
