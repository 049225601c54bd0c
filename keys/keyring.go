package keys

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// keyringSize bounds how many opened data keys a run holds at a time.
const keyringSize = 4096

// keyring opens data keys for one run, each once, past the cache that users' calls live on.
// It is safe for many goroutines.
type keyring struct {
	service *Service
	env     models.Environment
	calls   *atomic.Int64
	away    func(recipient string) bool // it is not worth asking that one; nil: each is

	mu   sync.Mutex
	held map[models.DataKeyID]*heldKey
}

type heldKey struct {
	once sync.Once
	key  *kms.OpenedKey
	err  error
}

func (s *Service) newKeyring(env models.Environment, calls *atomic.Int64) *keyring {
	return &keyring{service: s, env: env, calls: calls, held: map[models.DataKeyID]*heldKey{}}
}

// open opens a data key by the first of its wrapped keys that does. What could not be opened
// for now is asked for again the next time.
func (k *keyring) open(ctx context.Context, id models.DataKeyID) (*kms.OpenedKey, error) {
	k.mu.Lock()
	held := k.held[id]
	if held == nil {
		if len(k.held) >= keyringSize {
			clear(k.held)
		}
		held = &heldKey{}
		k.held[id] = held
	}
	k.mu.Unlock()
	held.once.Do(func() {
		held.key, held.err = k.load(ctx, id)
		if held.err != nil && !errors.Is(held.err, kms.ErrDamaged) {
			k.forget(id, held)
		}
	})
	return held.key, held.err
}

func (k *keyring) forget(id models.DataKeyID, held *heldKey) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.held[id] == held {
		delete(k.held, id)
	}
}

func (k *keyring) load(ctx context.Context, id models.DataKeyID) (*kms.OpenedKey, error) {
	var row store.DataKeyRow
	var err error
	row.Key, row.Wrapped, err = k.service.dataKey(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return nil, lost("Data key %s of environment %s is missing from the database.", id, k.env.Name)
	}
	if err != nil {
		return nil, err
	}
	var away, broken error
	for _, wrapped := range k.service.openable(row.Wrapped) {
		if k.away != nil && k.away(wrapped.RecipientID) {
			away = cmp.Or(away, noAnswer(wrapped))
			continue
		}
		key, err := k.service.openBy(ctx, k.env, row.Key, wrapped, k.calls)
		switch {
		case err == nil:
			return key, nil
		case errors.Is(err, kms.ErrDamaged):
			broken = cmp.Or(broken, err)
		default:
			away = cmp.Or(away, err)
		}
	}
	if err := cmp.Or(away, broken); err != nil {
		return nil, err // as long as one was merely out of reach, the key is not lost
	}
	return nil, notTried(row, k.env)
}

func (s *Service) dataKey(ctx context.Context, id models.DataKeyID) (key models.DataKey, wrapped []models.WrappedKey, err error) {
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		key, wrapped, err = tx.DataKey(id)
		return err
	})
	return key, wrapped, err
}

// notTried says why a data key has nothing that could be tried.
func notTried(row store.DataKeyRow, env models.Environment) error {
	if len(row.Wrapped) == 0 {
		return lost("Data key %s of environment %s is stored without any wrapped key.", row.Key.ID, env.Name)
	}
	return fault.New(fault.Unavailable, "Data key %s of environment %s is wrapped for nobody whom this Keeper has a backend for.", row.Key.ID, env.Name).
		WithHint("Start Keeper with the settings of that backend, or bring the values back with keeper kms recover.")
}

// openBy opens a data key by one wrapped key alone, at the pace of the long works.
func (s *Service) openBy(ctx context.Context, env models.Environment, key models.DataKey, wrapped models.WrappedKey, calls *atomic.Int64) (*kms.OpenedKey, error) {
	if wrapped.RecipientKind == models.RecipientKMS {
		if err := s.pace.wait(ctx); err != nil {
			return nil, err
		}
		calls.Add(1)
	}
	return s.Envelope.OpenDataKey(ctx, env, key, wrapped)
}

// openable are the wrapped keys that a backend of this process can open, those of the
// primary backend first.
func (s *Service) openable(wrapped []models.WrappedKey) []models.WrappedKey {
	var rows []models.WrappedKey
	for _, backend := range s.Backends {
		for _, w := range wrapped {
			if w.RecipientKind == backend.Kind() && opens(backend) {
				rows = append(rows, w)
			}
		}
	}
	return rows
}

// opens reports whether a backend can open what it wraps while Keeper serves: offline
// recipients cannot.
func opens(backend kms.Wrapper) bool { return backend.Kind() != models.RecipientRecovery }

func (s *Service) backend(kind models.RecipientKind) kms.Wrapper {
	i := slices.IndexFunc(s.Backends, func(w kms.Wrapper) bool { return w.Kind() == kind })
	if i < 0 {
		return nil
	}
	return s.Backends[i]
}

// lost is a damage that the envelope was not asked about.
func lost(format string, args ...any) error {
	return fault.Wrap(kms.ErrDamaged, fault.Invalid, format, args...).WithHint("Restore the row from a backup.")
}

func noAnswer(w models.WrappedKey) error {
	return fault.New(fault.Unavailable, "The key %s does not answer.", w.RecipientID).WithHint("Try again when it does.")
}
