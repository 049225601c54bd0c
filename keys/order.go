package keys

import (
	"context"
	"slices"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// Start begins a re-wrap, a re-encryption or a scrub. Where one of the same kind is at work
// on the environment that one is returned.
func (s *Service) Start(ctx context.Context, actor models.Actor, o Order) ([]Progress, error) {
	if err := s.allow(ctx, actor, auth.ManageKeys); err != nil {
		return nil, err
	}
	err := checkKeyName("from_key", o.FromKey)
	if err == nil {
		err = checkKeyName("to_key", o.ToKey)
	}
	if err != nil {
		return nil, err
	}
	var begun []begin
	switch o.Kind {
	case models.KeyRewrap:
		begun, err = s.orderRewrap(ctx, o)
	case models.KeyReencrypt:
		begun, err = s.orderReencrypt(ctx, o)
	case models.KeyScrub:
		begun, err = s.orderScrub(ctx, o)
	default:
		return nil, fault.InvalidField("kind", "must be one of rewrap, reencrypt, scrub")
	}
	if err != nil {
		return nil, err
	}
	return s.begin(ctx, actor, begun, nil)
}

// begin is a run to be created. The environment is as it shall stand from then on.
type begin struct {
	run      models.KeyRun
	env      models.Environment
	changes  bool  // the environment's wrapping key is another one from now on
	revision int64 // that the environment must still have then
}

// begin creates runs, all or none, together with what more belongs to them.
func (s *Service) begin(ctx context.Context, actor models.Actor, all []begin, also func(*store.Tx) error) ([]Progress, error) {
	runs := make([]models.KeyRun, len(all))
	err := s.Store.Write(ctx, func(tx *store.Tx) error {
		if also != nil {
			if err := also(tx); err != nil {
				return err
			}
		}
		for i, b := range all {
			if b.changes {
				if err := tx.UpdateEnvironment(&b.env, b.revision); err != nil {
					return err
				}
			}
			runs[i] = b.run
			if err := s.create(tx, actor, b.env, &runs[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.Wake()
	begun := make([]Progress, len(runs))
	for i, run := range runs {
		if begun[i], err = s.progress(ctx, run.ID); err != nil {
			return nil, err
		}
	}
	return begun, nil
}

func (s *Service) orderReencrypt(ctx context.Context, o Order) ([]begin, error) {
	if o.Environment == 0 {
		return nil, fault.InvalidField("environment_id", "must name an environment")
	}
	e, err := s.environment(ctx, o.Environment)
	return []begin{{run: models.KeyRun{Kind: o.Kind, EnvironmentID: e.ID}, env: e}}, err
}

func (s *Service) orderScrub(ctx context.Context, o Order) ([]begin, error) {
	var e models.Environment
	if o.Environment != 0 {
		var err error
		if e, err = s.environment(ctx, o.Environment); err != nil {
			return nil, err
		}
	}
	return []begin{{run: models.KeyRun{Kind: o.Kind, EnvironmentID: e.ID}, env: e}}, nil
}

// orderRewrap says which environments are to be re-wrapped from what to what. The key that is
// to wrap from now on is tried before anything depends on it.
func (s *Service) orderRewrap(ctx context.Context, o Order) ([]begin, error) {
	from := s.resolve(ctx, o.FromKey)
	environments, err := s.concerned(ctx, o.Environment, from)
	if err != nil {
		return nil, err
	}
	var all []begin
	for _, e := range environments {
		b, err := s.rewrapOf(ctx, e, from, o.ToKey)
		if err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	return all, s.versionLocal(ctx, all)
}

// resolve is the recipient id of a key that is named by an alias or an ARN. What cannot be
// looked up is taken for an id: a key that is gone is just what one wants to get away from.
func (s *Service) resolve(ctx context.Context, name string) string {
	if name == "" {
		return ""
	}
	for _, backend := range s.Backends {
		if info, err := backend.Describe(ctx, name); err == nil {
			return info.ID
		}
	}
	return name
}

// concerned are the one environment, or those in which something stands under a key.
func (s *Service) concerned(ctx context.Context, only models.EnvironmentID, from string) ([]models.Environment, error) {
	if only == 0 && from == "" {
		return nil, fault.New(fault.Invalid, "A re-wrap takes an environment, or the key that is to be emptied; nothing was begun.").
			WithHint("Name one of the two.")
	}
	all, err := s.environments(ctx, only)
	if err != nil || only != 0 {
		return all, err
	}
	var under []models.Environment
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		usage, err := tx.KeyUsage(0)
		under = slices.DeleteFunc(all, func(e models.Environment) bool {
			return !slices.ContainsFunc(usage, func(u store.KeyUsage) bool { return u.EnvironmentID == e.ID && u.RecipientID == from })
		})
		return err
	})
	if err == nil && len(under) == 0 {
		return nil, fault.New(fault.Invalid, "Nothing stands under %s; nothing was begun.", from).WithHint("keeper kms key-info shows what stands under which key.")
	}
	return under, err
}

func (s *Service) rewrapOf(ctx context.Context, e models.Environment, from, to string) (begin, error) {
	b := begin{run: models.KeyRun{Kind: models.KeyRewrap, EnvironmentID: e.ID, FromKey: from}, env: e, revision: e.Revision}
	if to != "" {
		if s.Backends[0].Kind() != models.RecipientKMS {
			return b, fault.InvalidField("to_key", "cannot be chosen: this Keeper wraps under one local master key")
		}
		if _, err := s.tryKey(ctx, e, models.RecipientKMS, to); err != nil {
			return b, ofField("to_key", err)
		}
		b.changes, b.env.KMSKeyAlias = e.KMSKeyAlias != to, to
		if err := b.env.Validate(); err != nil {
			return b, err
		}
	}
	targets, err := s.Envelope.TargetsUnder(ctx, b.env)
	if err != nil {
		return b, err
	}
	b.run.ToKey = targets.Primary.ID
	stands, err := s.standing(ctx, e.ID)
	if err != nil {
		return b, err
	}
	former := stands.former(targets)
	switch {
	case len(former) == 0 && stands.missing(targets) == 0:
		b.run.FromKey = b.run.ToKey // wrapped anew under the same key
	case b.run.FromKey == "" && len(former) > 0:
		b.run.FromKey = former[0].RecipientID
	}
	return b, nil
}

// versionLocal adds a version to the local master key where environments are to be wrapped
// anew under the one they stand under: one version serves all of them.
func (s *Service) versionLocal(ctx context.Context, all []begin) error {
	versioned, ok := s.Backends[0].(kms.Versioned)
	if !ok || !slices.ContainsFunc(all, func(b begin) bool { return b.run.FromKey == b.run.ToKey }) {
		return nil
	}
	active, err := s.anyActive(ctx, all)
	if err != nil || active {
		return err // the runs that are at work are what the caller gets
	}
	id, err := versioned.AddVersion(ctx)
	for i := range all {
		all[i].run.ToKey = id
	}
	return err
}

func (s *Service) anyActive(ctx context.Context, all []begin) (active bool, err error) {
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		for _, b := range all {
			for _, kind := range exclusive {
				_, err := tx.ActiveKeyRun(kind, b.env.ID)
				if err != nil && !fault.Is(err, fault.NotFound) {
					return err
				}
				active = active || err == nil
			}
		}
		return nil
	})
	return active, err
}
