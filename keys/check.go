package keys

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
)

// Test tries each permission that is needed on each key of an environment, or (0) of all, by
// using it on a throw-away data key.
func (s *Service) Test(ctx context.Context, actor models.Actor, env models.EnvironmentID) ([]Check, error) {
	if err := s.allow(ctx, actor, auth.ManageKeys); err != nil {
		return nil, err
	}
	environments, err := s.environments(ctx, env)
	if err != nil {
		return nil, err
	}
	if len(environments) == 0 {
		return s.try(ctx, models.Environment{}, want{Kind: s.Backends[0].Kind()}), nil
	}
	wants, err := s.wants(ctx, environments)
	if err != nil {
		return nil, err
	}
	results := make([][]Check, len(environments))
	var group errgroup.Group
	group.SetLimit(8)
	for i, e := range environments {
		group.Go(func() error {
			for _, w := range wants[e.ID] {
				results[i] = append(results[i], s.try(ctx, e, w)...)
			}
			return nil
		})
	}
	_ = group.Wait() // a refusal is a result
	entry := audit.Entry(actor, "keys.test")
	if env != 0 {
		entry = audit.OnEnvironment(actor, "keys.test", environments[0])
	}
	return slices.Concat(results...), s.Store.Record(ctx, entry)
}

// try tries one key for one environment.
func (s *Service) try(ctx context.Context, e models.Environment, w want) []Check {
	name := w.Name
	if name == "" {
		name = w.ID
	}
	check := Check{Environment: e.Name, Kind: w.Kind, Key: name}
	backend := s.backend(w.Kind)
	tester, ok := backend.(kms.Tester)
	switch {
	case backend == nil:
		return []Check{failed(check, noBackend(w.Kind))}
	case !ok:
		_, err := s.tryKey(ctx, e, w.Kind, w.Name)
		check.Permission = "wrap and open"
		return []Check{failed(check, err)}
	}
	var all []Check
	for _, tried := range tester.Try(ctx, w.Name, s.Envelope.Context(e)) {
		one := check
		one.Permission = tried.Permission
		one = failed(one, tried.Err)
		one.OK = tried.OK
		if tried.Optional && !tried.OK {
			one.Skipped = true
		}
		all = append(all, one)
	}
	return all
}

func failed(c Check, err error) Check {
	if c.OK = err == nil; !c.OK {
		said := fault.Public(err)
		c.Message, c.Hint = said.Message, said.Hint
	}
	return c
}
