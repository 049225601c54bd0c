package main

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"time"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/test/scenario"
)

// furnishPast gives a world that is minutes old the 29 days before today, as figures alone:
// what the charts of the overview draw. Today's are counted by Keeper itself.
func furnishPast(ctx context.Context, w *scenario.World) error {
	list, err := w.Client().ListDestinations(ctx, api.ListDestinationsParams{EnvironmentID: "production"})
	if err != nil {
		return err
	}
	s, err := store.Open(ctx, store.Options{Dialect: store.SQLite, Path: filepath.Join(w.Keeper.Dir, "keeper.db")})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Second) { // somebody may count meanwhile
		err := s.Write(ctx, func(tx *store.Tx) error {
			counted, err := tx.FiguresCounted()
			if err != nil {
				return err
			}
			return tx.PutFigures(past(list.Items, counted))
		})
		if err == nil || time.Now().After(end) {
			return err
		}
	}
}

// past is a count of the 29 days before today, which leaves what is counted where it stands.
func past(destinations []api.Destination, counted time.Time) store.FigureCount {
	dice, today := rand.New(rand.NewPCG(29, 30)), models.DayOf(time.Now())
	count := store.FigureCount{After: counted, Until: counted, Keep: today.Add(-400)}
	for i := -29; i < 0; i++ {
		day := today.Add(i)
		count.Days = append(count.Days, day)
		add := func(metric models.Metric, n int, of ...api.Destination) {
			f := models.Figure{EnvironmentID: models.EnvironmentID(destinations[0].EnvironmentID), Day: day, Metric: metric, N: int64(n)}
			for _, d := range of {
				f.DestinationID = models.DestinationID(d.ID)
			}
			if n > 0 {
				count.Figures = append(count.Figures, f)
			}
		}
		busy := 1
		if day.Start().Weekday()%6 != 0 { // no weekend
			busy = 4
		}
		add(models.SecretsCreated, dice.IntN(2*busy))
		add(models.ValuesChanged, dice.IntN(4*busy))
		add(models.SecretsDeleted, dice.IntN(busy)/2)
		add(models.ReadsByPeople, dice.IntN(5*busy))
		add(models.ReadsByPrograms, 20+dice.IntN(15*busy))
		for _, d := range destinations {
			add(models.CopiesWritten, dice.IntN(6*busy), d)
		}
		if i%9 == 0 {
			add(models.CopiesDrifted, 2, destinations[0])
			add(models.CopiesRepaired, 2, destinations[0])
		}
	}
	return count
}
