package keys

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// lookupTime bounds how long one waits for backends to tell of their keys.
const lookupTime = 5 * time.Second

// want is one wrapping key that an environment names.
type want struct {
	Role  Role
	Kind  models.RecipientKind
	Name  string
	Label string
	ID    string // recipient id; "" where it could not be looked up and is not remembered
	Info  kms.KeyInfo
	Err   error // why it could not be looked up
}

// sure reports whether the ID is the key's for certain: it was looked up just now, or is an id
// by itself, and not what the name stood for when it was last looked up.
func (w want) sure() bool { return w.ID != "" && (w.Err == nil || kms.IsID(w.Kind, w.Name)) }

type keyName struct {
	kind models.RecipientKind
	name string
}

type looked struct {
	info kms.KeyInfo
	err  error
}

// wants says for whom each environment's data keys are to be wrapped, the primary first. Each
// key is looked up once, and what its name stands for is kept; that one cannot be looked up is
// no error, and its ID then is the one that was kept.
func (s *Service) wants(ctx context.Context, environments []models.Environment) (map[models.EnvironmentID][]want, error) {
	all := map[models.EnvironmentID][]want{}
	var kept names
	err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		if kept, err = readNames(tx); err != nil {
			return err
		}
		for _, e := range environments {
			recipients, err := tx.Recipients(e.ID)
			if err != nil {
				return err
			}
			all[e.ID] = s.named(e, recipients)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	known := s.lookUp(ctx, all)
	for _, list := range all {
		for i := range list {
			w := &list[i]
			found := known[keyName{w.Kind, w.Name}]
			w.Info, w.Err, w.ID = found.info, found.err, found.info.ID
			switch {
			case w.ID != "":
			case kms.IsID(w.Kind, w.Name):
				w.ID = w.Name
			default:
				w.ID = kept[w.name()]
			}
		}
	}
	s.grumble(ctx, "what the names of wrapping keys stand for could not be kept", s.keepNames(ctx, kept.learned(all)))
	return all, nil
}

func (s *Service) named(e models.Environment, recipients []models.Recipient) []want {
	primary := want{Role: RolePrimary, Kind: s.Backends[0].Kind()}
	if primary.Kind == models.RecipientKMS {
		primary.Name = e.KMSKeyAlias
	}
	list := []want{primary}
	for _, r := range recipients {
		role := RoleSecond
		if r.Kind == models.RecipientRecovery {
			role = RoleRecovery
		}
		list = append(list, want{Role: role, Kind: r.Kind, Name: r.Key, Label: r.Label})
	}
	return list
}

// lookUp asks the backends for each key once, several at a time.
func (s *Service) lookUp(ctx context.Context, all map[models.EnvironmentID][]want) map[keyName]looked {
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	known := map[keyName]*looked{}
	var group errgroup.Group
	group.SetLimit(8)
	for _, list := range all {
		for _, w := range list {
			key := keyName{w.Kind, w.Name}
			if known[key] != nil {
				continue
			}
			found := &looked{}
			known[key] = found
			group.Go(func() error {
				found.info, found.err = s.describe(ctx, w.Kind, w.Name)
				return nil
			})
		}
	}
	_ = group.Wait() // each has its own error
	values := make(map[keyName]looked, len(known))
	for key, found := range known {
		values[key] = *found
	}
	return values
}

func (s *Service) describe(ctx context.Context, kind models.RecipientKind, name string) (kms.KeyInfo, error) {
	backend := s.backend(kind)
	if backend == nil {
		return kms.KeyInfo{}, noBackend(kind)
	}
	return backend.Describe(ctx, name)
}

func noBackend(kind models.RecipientKind) error {
	return fault.New(fault.Unavailable, "This Keeper has no backend for keys of kind %s.", kind).
		WithHint("Start Keeper with the settings of that backend.")
}
