package destinations

import (
	"context"
	"time"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	keepersync "github.com/your-org/keeper/sync"
)

// longRun is how long a run must be expected to take for its forecast to be written down
// before anything else is.
const longRun = 5 * time.Second

// forecast tells what a run has before it, so that those who watch can be told how long it
// still takes. What it will find at the destination is not known yet: drift adds to it.
func (s *Service) forecast(ctx context.Context, driver keepersync.Driver, d models.Destination, run *models.SyncRun, book keepersync.Ledger) error {
	if run.PlanID != "" {
		return s.forecastPlan(ctx, run)
	}
	work, err := s.ahead(ctx, d, run, book)
	if err != nil {
		return err
	}
	listed := 0
	if run.Full {
		listed = work.Entries
	}
	_, lasts := keepersync.Estimate(driver, s.QuotaShare, listed, map[models.SyncAction]int{
		models.ActionCreate: work.Creates, models.ActionUpdate: work.Updates, models.ActionDelete: work.Deletes,
	})
	run.Progress = models.RunProgress{Total: work.Entries, Writes: work.Creates + work.Updates + work.Deletes, Seconds: lasts.Seconds()}
	if lasts >= longRun {
		s.progress(ctx, *run, models.RunCounts{})
	}
	return nil
}

// ahead is what a run has before it, as far as the database can tell.
func (s *Service) ahead(ctx context.Context, d models.Destination, run *models.SyncRun, book keepersync.Ledger) (work store.SyncWork, err error) {
	if groups, ok := book.(*groupLedger); ok {
		return groups.ahead(ctx, !run.Full)
	}
	err = s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		work, err = tx.CountWork(d.ID, !run.Full, s.Now())
		return err
	})
	return work, err
}

func (s *Service) forecastPlan(ctx context.Context, run *models.SyncRun) error {
	return s.Store.Read(ctx, func(tx *store.Tx) error {
		plan, err := tx.Plan(run.PlanID)
		c := plan.Counts
		writes := c.Creates + c.Updates + c.Repairs + c.Restores + c.Deletes + c.Takes
		run.Progress = models.RunProgress{Total: writes + c.Marks, Writes: writes, Seconds: c.Seconds}
		return err
	})
}
