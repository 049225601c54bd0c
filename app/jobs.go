package app

import (
	"context"
	"time"

	"github.com/your-org/keeper/alerts"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/figures"
	"github.com/your-org/keeper/jobs"
	"github.com/your-org/keeper/keys"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// Housekeeping: what is kept, and how often what is not is swept out.
const (
	janitorKind  = "janitor"
	janitorEvery = time.Hour
	tokenUse     = time.Minute
	// passes is how many destinations are worked on at once; each waits mostly for answers.
	passes = 16
	// lease is how long the work of a replica that died waits for another.
	lease       = 15 * time.Second
	keepRunsMin = 50 // newest runs of a destination that are kept whatever their age
)

func (a *App) buildJobs(ctx context.Context, o Options) error {
	if !o.Server {
		return nil
	}
	a.Jobs = jobs.New(a.Store, jobs.Options{Log: a.Log, Now: a.now, Lease: lease, Workers: passes})
	a.Jobs.Handle(destinations.JobKind, a.Destinations.Work)
	a.Jobs.Handle(keys.JobKind, a.Keys.Work)
	a.Jobs.Handle(keys.WatchJobKind, a.Keys.Work)
	a.Jobs.Handle(alerts.JobKind, a.Alerts.Work)
	a.Jobs.Handle(alerts.RemindJobKind, a.Alerts.Remind)
	a.Jobs.Handle(auth.ProviderJobKind, a.Auth.WatchProviders)
	a.Jobs.Handle(figures.JobKind, a.Figures.Work)
	a.Jobs.Handle(janitorKind, a.sweep)
	return a.Store.Write(ctx, func(tx *store.Tx) error {
		if a.Store.Dialect() == store.SQLite { // opened for this server alone
			if err := tx.ReleaseLeases(); err != nil {
				return err
			}
		}
		for _, kind := range []string{keys.WatchJobKind, alerts.RemindJobKind, auth.ProviderJobKind, figures.JobKind, janitorKind} {
			if err := tx.ScheduleJob(kind, "all", "", a.now()); err != nil {
				return err
			}
		}
		return nil
	})
}

// sweep removes what has ended: sessions, kept answers, old runs and alerts, what replicas that
// are gone said, and deleted secrets whose grace is over and whose copies are gone.
func (a *App) sweep(ctx context.Context, _ models.Job) (*time.Time, error) {
	next := a.now().Add(janitorEvery)
	if err := a.Auth.Sweep(ctx); err != nil {
		return nil, err
	}
	if err := a.Idempotency.Sweep(ctx); err != nil {
		return nil, err
	}
	if err := a.Secrets.Purge(ctx); err != nil {
		return nil, err
	}
	if err := a.Alerts.Sweep(ctx); err != nil {
		return nil, err
	}
	old := a.now().AddDate(0, 0, -a.Config.RunRetention)
	return &next, a.Store.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.DeletePlansBefore(old); err != nil {
			return err
		}
		if _, err := tx.DeleteImportsBefore(old); err != nil {
			return err
		}
		if _, err := tx.DeleteQuotaUsersBefore(a.now().Add(-janitorEvery)); err != nil {
			return err
		}
		_, err := tx.DeleteRunsBefore(old, keepRunsMin)
		return err
	})
}

// recordUse writes down when tokens were used, until the context ends.
func (a *App) recordUse(ctx context.Context) {
	ticker := time.NewTicker(tokenUse)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if err := a.Auth.RecordUse(ctx); err != nil {
				a.Log.WarnContext(ctx, "the last use of tokens was not written", "error", err)
			}
		case <-ctx.Done():
			return
		}
	}
}
