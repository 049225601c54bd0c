package keys

import (
	"context"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// PlanMigration says what Migrate would do, and does nothing of it but try the keys.
func (s *Service) PlanMigration(ctx context.Context, actor models.Actor, env models.EnvironmentID) (MigrationPlan, error) {
	var plan MigrationPlan
	if err := s.allow(ctx, actor, auth.ManageKeys); err != nil {
		return plan, err
	}
	environments, err := s.environments(ctx, env)
	if err != nil {
		return plan, err
	}
	for _, e := range environments {
		p, err := s.planOne(ctx, e)
		if err != nil {
			return plan, err
		}
		plan.Environments = append(plan.Environments, p)
		plan.DataKeys += p.DataKeys - p.Standing
		plan.Versions += p.Versions
		plan.Calls += p.Calls
	}
	plan.Duration = s.duration(plan.Calls)
	return plan, nil
}

func (s *Service) duration(calls int64) time.Duration {
	return time.Duration(float64(calls) / float64(s.pace.limiter.Limit()) * float64(time.Second))
}

func (s *Service) planOne(ctx context.Context, e models.Environment) (EnvironmentPlan, error) {
	p := EnvironmentPlan{Environment: e}
	now, err := s.standing(ctx, e.ID)
	if err != nil {
		return p, err
	}
	p.DataKeys = int64(now.total)
	for _, u := range now.usage {
		p.Under = append(p.Under, Under{Kind: u.RecipientKind, ID: u.RecipientID, DataKeys: u.DataKeys, Versions: u.Versions})
	}
	targets, err := s.Envelope.Targets(ctx, e)
	if err == nil {
		_, err = s.tryKey(ctx, e, targets.Primary.Kind, targets.Primary.ID)
	}
	if ctx.Err() != nil {
		return p, err
	}
	if err != nil {
		said := fault.Public(err)
		p.Problem, p.Hint = said.Message, said.Hint
		return p, nil
	}
	for _, t := range targets.All() {
		p.Targets = append(p.Targets, t.ID)
	}
	samples, err := s.planKeys(ctx, &p, targets)
	if err != nil {
		return p, err
	}
	p.Duration = s.duration(p.Calls)
	return p, s.trySamples(ctx, &p, samples)
}

// trySamples opens a data key for each key that something is to be moved away from: a
// migration that cannot read what it moves is told before it begins.
func (s *Service) trySamples(ctx context.Context, p *EnvironmentPlan, samples map[string]models.DataKeyID) error {
	ring := s.newKeyring(p.Environment, new(atomic.Int64))
	for _, under := range slices.Sorted(maps.Keys(samples)) {
		if _, err := ring.open(ctx, samples[under]); ctx.Err() != nil {
			return err
		} else if err != nil && !damaged(err) { // what is damaged is a finding of the migration
			said := fault.Public(err)
			p.Problem, p.Hint = said.Message, said.Hint
			return nil
		}
	}
	return nil
}

// planKeys counts the data keys that would be moved, what is under them, and the calls that
// it takes. It returns one of them for each key that they stand under now.
func (s *Service) planKeys(ctx context.Context, p *EnvironmentPlan, want kms.Targets) (map[string]models.DataKeyID, error) {
	samples := map[string]models.DataKeyID{}
	for after := models.DataKeyID(""); ; {
		var rows []store.DataKeyRow
		err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
			if rows, err = tx.DataKeysPage(store.DataKeyQuery{Environment: p.Environment.ID}, after, 0); err != nil || len(rows) == 0 {
				return err
			}
			var moving []models.DataKeyID
			for _, row := range rows {
				if !exactly(row.Wrapped, want) {
					moving = append(moving, row.Key.ID)
				}
			}
			if len(moving) == 0 {
				return nil
			}
			n, err := tx.CountVersionsUnder(moving)
			if err != nil {
				return err
			}
			p.Versions += n
			under, err := settingsUnder(tx, p.Environment.ID, moving...)
			p.Credentials += int64(len(under))
			return err
		})
		if err != nil || len(rows) == 0 {
			return samples, err
		}
		for _, row := range rows {
			if exactly(row.Wrapped, want) {
				p.Standing++
				continue
			}
			for _, w := range row.Wrapped {
				samples[w.RecipientID] = row.Key.ID
			}
			p.Calls += callsOf(row, want)
		}
		after = rows[len(rows)-1].Key.ID
	}
}

// callsOf is how many calls of KMS it takes to move a data key: to open it where KMS alone
// can, and to wrap it for each key that it misses and to open that again.
func callsOf(row store.DataKeyRow, want kms.Targets) int64 {
	calls, local := int64(0), false
	for _, w := range row.Wrapped {
		local = local || w.RecipientKind == models.RecipientLocal
	}
	if !local {
		calls++
	}
	missing := false
	for _, t := range want.All() {
		stands := slices.ContainsFunc(row.Wrapped, func(w models.WrappedKey) bool { return w.RecipientKind == t.Kind && w.RecipientID == t.ID })
		if t.Kind == models.RecipientKMS && !stands {
			calls, missing = calls+2, true
		}
	}
	if !missing && want.Primary.Kind == models.RecipientKMS {
		calls++ // it is opened by the key that stays
	}
	return calls
}
