// Package figures says how often what happened: secrets written and read, copies written, put
// right and found changed by somebody else, by environment and day. A job counts, so that a
// page that shows a month asks for a few hundred rows however long the audit log is.
package figures

import (
	"context"
	"time"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// JobKind is the kind of the job that counts.
const JobKind = "figures"

// Shown is how many days are shown, today among them.
const Shown = 30

const (
	kept = 400 // days
	// late is how long after its time a change may be committed and still be counted on its
	// day: the days since the last count less this are counted anew.
	late = time.Hour
	// every is how often is counted. Where a count takes long, it comes as seldom as makes it
	// a sixtieth of the time.
	every = time.Minute
	share = 60
)

// Service counts, and tells what was counted.
type Service struct {
	store *store.Store
	now   func() time.Time
}

// New makes the service.
func New(s *store.Store, now func() time.Time) *Service { return &Service{store: s, now: now} }

// Work is the handler of the job.
func (s *Service) Work(ctx context.Context, _ models.Job) (*time.Time, error) {
	began := time.Now()
	if err := s.Count(ctx); err != nil {
		return nil, err
	}
	next := s.now().Add(max(every, share*time.Since(began)))
	return &next, nil
}

// Count counts the days that are not settled yet: today, until an hour past midnight
// yesterday too, and those since the last count; the first time a month. Whole days are
// counted anew and put in place of what stands, so that a count which a crash cut off, or
// which somebody else overtook, is no loss and counts nothing twice.
func (s *Service) Count(ctx context.Context) error {
	now := s.now()
	count := store.FigureCount{Until: now, Keep: models.DayOf(now).Add(-kept)}
	err := s.store.Read(ctx, func(tx *store.Tx) (err error) {
		if count.After, err = tx.FiguresCounted(); err != nil {
			return err
		}
		for day := unsettled(count.After, now); day <= models.DayOf(now); day = day.Next() {
			figures, err := tx.CountDay(day)
			if err != nil {
				return err
			}
			count.Days, count.Figures = append(count.Days, day), append(count.Figures, figures...)
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error { return tx.PutFigures(count) })
	if fault.Is(err, fault.Stale) {
		return nil // another replica counted at the same time
	}
	return err
}

// unsettled is the first day to count, after a count up to a time; zero: never.
func unsettled(counted, now time.Time) models.Day {
	if counted.After(now) { // the clock was set back
		counted = now
	}
	return max(models.DayOf(now).Add(1-Shown), models.DayOf(counted.Add(-late))) // the zero time is long ago
}

// Days are figures over the last days.
type Days struct {
	Days    []models.Day // the oldest first, today last
	Counted time.Time    // up to when; zero: never yet
	figures []models.Figure
}

// Last tells the figures of the days that are shown, of what the actor may see: of secrets
// where it may see secrets, of the sync where it may see destinations.
func (s *Service) Last(ctx context.Context, actor models.Actor) (Days, error) {
	var days Days
	today := models.DayOf(s.now())
	for i := range Shown {
		days.Days = append(days.Days, today.Add(i+1-Shown))
	}
	err := s.store.Read(ctx, func(tx *store.Tx) error {
		environments, err := tx.Environments(nil)
		if err != nil {
			return err
		}
		if days.Counted, err = tx.FiguresCounted(); err != nil {
			return err
		}
		for action, metrics := range shown {
			figures, err := tx.Figures(store.FigureQuery{
				Environments: ids(auth.Visible(actor, action, environments)), Metrics: metrics, Since: days.Days[0],
			})
			if err != nil {
				return err
			}
			days.figures = append(days.figures, figures...)
		}
		return nil
	})
	return days, err
}

// shown is which figures are told to whom may do what in an environment.
var shown = map[auth.Action][]models.Metric{
	auth.ViewSecret: {
		models.SecretsCreated, models.ValuesChanged, models.SecretsDeleted, models.ReadsByPeople, models.ReadsByPrograms,
	},
	auth.ViewDestination: {models.CopiesWritten, models.CopiesRepaired, models.CopiesFailed, models.CopiesDrifted},
}

func ids(environments []models.Environment) []models.EnvironmentID {
	all := make([]models.EnvironmentID, len(environments))
	for i, e := range environments {
		all[i] = e.ID
	}
	return all
}

// Sum adds a metric up day by day, over all environments and destinations.
func (d Days) Sum(metric models.Metric) []int64 {
	return d.sum(func(f models.Figure) bool { return f.Metric == metric })
}

// At is a metric day by day at one destination.
func (d Days) At(destination models.DestinationID, metric models.Metric) []int64 {
	return d.sum(func(f models.Figure) bool { return f.Metric == metric && f.DestinationID == destination })
}

func (d Days) sum(which func(models.Figure) bool) []int64 {
	byDay := map[models.Day]int64{}
	for _, f := range d.figures {
		if which(f) {
			byDay[f.Day] += f.N
		}
	}
	sums := make([]int64, len(d.Days))
	for i, day := range d.Days {
		sums[i] = byDay[day]
	}
	return sums
}
