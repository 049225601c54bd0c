package figures_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/figures"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

// desk is a service over a store, at a time that the test sets.
type desk struct {
	*figures.Service
	t     *testing.T
	store *store.Store
	now   time.Time
	env   [2]models.Environment
	dest  models.Destination
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func newDesk(t *testing.T) *desk {
	d := &desk{t: t, store: storetest.SQLite(t), now: noon}
	d.Service = figures.New(d.store, func() time.Time { return d.now })
	d.env[0].Name, d.env[1].Name = "production", "staging"
	d.dest = models.Destination{ID: models.NewDestinationID(), Name: "d", Kind: models.DestinationMemory}
	d.write(func(tx *store.Tx) error {
		for i := range d.env {
			if err := tx.CreateEnvironment(&d.env[i]); err != nil {
				return err
			}
		}
		d.dest.EnvironmentID = d.env[0].ID
		return tx.CreateDestination(&d.dest)
	})
	return d
}

func (d *desk) write(do func(*store.Tx) error) {
	d.t.Helper()
	if err := d.store.Write(context.Background(), do); err != nil {
		d.t.Fatal(err)
	}
}

// reveal writes down that a person read a secret.
func (d *desk) reveal(env int, at time.Time) {
	d.t.Helper()
	d.write(func(tx *store.Tx) error {
		return tx.AppendAudit(models.AuditEntry{
			Action: "secret.reveal", At: at, Outcome: models.OutcomeAllowed, EnvironmentID: d.env[env].ID, ActorKind: models.ActorUser,
		})
	})
}

func (d *desk) run(at time.Time, c models.RunCounts, found ...models.SecretID) {
	d.t.Helper()
	run := models.SyncRun{
		ID: models.NewRunID(), DestinationID: d.dest.ID, EnvironmentID: d.env[0].ID, Status: models.RunSucceeded,
		StartedAt: at, FinishedAt: &at, Counts: c,
	}
	d.write(func(tx *store.Tx) error {
		if err := tx.CreateRun(&run); err != nil {
			return err
		}
		var results []models.SyncResult
		for _, id := range found {
			results = append(results, models.SyncResult{RunID: run.ID, SecretID: id, Found: models.StatusDrifted})
		}
		return tx.AddResults(results)
	})
}

func (d *desk) count() {
	d.t.Helper()
	if err := d.Count(context.Background()); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) last(actor models.Actor) figures.Days {
	d.t.Helper()
	days, err := d.Last(context.Background(), actor)
	if err != nil {
		d.t.Fatal(err)
	}
	return days
}

// reads are the reads by people of the last days, as all who may see everything are told.
func (d *desk) reads(days int) []int64 {
	d.t.Helper()
	all := d.last(admin).Sum(models.ReadsByPeople)
	return all[len(all)-days:]
}

var admin = models.Actor{Kind: models.ActorUser, Role: models.RoleAdmin}

func same[T any](t *testing.T, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("difference (-want +got):\n%s", diff)
	}
}

func TestCount(t *testing.T) {
	const day = 24 * time.Hour
	t.Run("Never", func(t *testing.T) {
		d := newDesk(t)
		days := d.last(admin)
		if !days.Counted.IsZero() || len(days.Days) != figures.Shown || days.Days[figures.Shown-1] != "2026-11-22" {
			t.Errorf("got %+v", days)
		}
		same(t, days.Sum(models.ReadsByPeople), make([]int64, figures.Shown))
	})
	t.Run("FirstTime", func(t *testing.T) {
		d := newDesk(t)
		for _, ago := range []time.Duration{31 * day, 29 * day, 28 * day, day, 0} {
			d.reveal(0, noon.Add(-ago))
		}
		d.count()
		want := make([]int64, figures.Shown)
		want[0], want[1], want[28], want[29] = 1, 1, 1, 1
		same(t, d.reads(figures.Shown), want)
		same(t, d.last(admin).Counted, noon)
	})
	t.Run("Again", func(t *testing.T) {
		d := newDesk(t)
		d.reveal(0, noon)
		d.count()
		d.count()
		d.reveal(0, noon.Add(time.Minute))
		d.now = noon.Add(2 * time.Minute)
		d.count()
		same(t, d.reads(2), []int64{0, 2})
	})
	t.Run("Midnight", func(t *testing.T) {
		d := newDesk(t)
		midnight := noon.Add(12 * time.Hour)
		d.now = midnight.Add(-time.Minute)
		d.count()
		d.now = midnight.Add(10 * time.Minute)
		d.count()
		d.reveal(0, midnight.Add(-time.Second)) // committed after the count
		d.now = midnight.Add(20 * time.Minute)
		d.count()
		same(t, d.reads(2), []int64{1, 0})
	})
	t.Run("AfterAPause", func(t *testing.T) {
		d := newDesk(t)
		d.count()
		d.reveal(0, noon.Add(time.Hour))
		d.reveal(0, noon.Add(2*day))
		d.now = noon.Add(3 * day)
		d.count()
		same(t, d.reads(4), []int64{1, 0, 1, 0})
	})
	t.Run("SettledDaysStand", func(t *testing.T) {
		d := newDesk(t)
		d.run(noon.Add(-5*day), models.RunCounts{Created: 7})
		d.count()
		d.write(func(tx *store.Tx) error { _, err := tx.DeleteRunsBefore(noon, 0); return err }) // swept out
		d.now = noon.Add(time.Minute)
		d.count()
		same(t, d.last(admin).Sum(models.CopiesWritten)[24], 7)
	})
	t.Run("ClockSetBack", func(t *testing.T) {
		d := newDesk(t)
		d.count()
		d.now = noon.Add(-2 * day)
		d.reveal(0, d.now)
		d.count()
		same(t, d.reads(1), []int64{1})
	})
	t.Run("Replicas", func(t *testing.T) {
		d := newDesk(t)
		for i := range 40 {
			d.reveal(0, noon.Add(-time.Duration(i)*time.Minute))
		}
		var wait sync.WaitGroup
		for range 4 {
			wait.Go(func() {
				for range 5 {
					if err := d.Count(context.Background()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wait.Wait()
		same(t, d.reads(1), []int64{40})
	})
}

func TestWork(t *testing.T) {
	d := newDesk(t)
	next, err := d.Work(t.Context(), models.Job{})
	if err != nil || next == nil || next.Before(noon.Add(time.Minute)) {
		t.Errorf("got %v, %v; want again in a minute or later", next, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Work(ctx, models.Job{}); err == nil {
		t.Error("no error where the database does not answer")
	}
}

// TestLast holds that nobody is told of what it may not see.
func TestLast(t *testing.T) {
	d := newDesk(t)
	d.reveal(0, noon)
	d.reveal(0, noon)
	d.reveal(1, noon)
	d.run(noon, models.RunCounts{Repaired: 2}, 7, 8)
	d.count()
	inOne := func(env int, role models.EnvironmentRole) models.Actor {
		return models.Actor{Kind: models.ActorUser, Role: models.RoleUser, Roles: map[models.EnvironmentID]models.EnvironmentRole{d.env[env].ID: role}}
	}
	scoped := func(actions ...string) models.Actor {
		a := admin
		a.Kind, a.Scope = models.ActorToken, &models.TokenScope{Actions: actions}
		return a
	}
	for name, c := range map[string]struct {
		actor          models.Actor
		reads, drifted int64
	}{
		"Admin":            {admin, 3, 2},
		"Auditor":          {models.Actor{Kind: models.ActorUser, Role: models.RoleAuditor}, 3, 2},
		"ViewerHere":       {inOne(0, models.RoleViewer), 2, 2},
		"ManagerElsewhere": {inOne(1, models.RoleManager), 1, 0},
		"Nobody":           {models.Actor{Kind: models.ActorUser, Role: models.RoleUser}, 0, 0},
		"TokenOfSecrets":   {scoped("secret.view"), 3, 0},
		"TokenOfCopies":    {scoped("destination.view"), 0, 2},
	} {
		t.Run(name, func(t *testing.T) {
			days := d.last(c.actor)
			today := func(all []int64) int64 { return all[len(all)-1] }
			same(t, today(days.Sum(models.ReadsByPeople)), c.reads)
			same(t, today(days.Sum(models.CopiesDrifted)), c.drifted)
			same(t, today(days.At(d.dest.ID, models.CopiesDrifted)), c.drifted)
			if at := days.At("dst_other", models.CopiesDrifted); slices.Max(at) != 0 {
				t.Errorf("another destination has %v", at)
			}
		})
	}
}
