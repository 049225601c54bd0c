package web

import (
	"github.com/your-org/keeper/figures"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/templates"
)

// fillCharts tells how the last month went, of what the actor may see.
func (w *Web) fillCharts(r *request, page *templates.DashboardPage, views []templates.DestinationView) error {
	if len(r.environments) == 0 {
		return nil
	}
	days, err := w.Figures.Last(r.Context(), r.actor)
	if err != nil {
		return err
	}
	page.Drift = make(map[models.DestinationID]templates.Spark, len(views))
	for _, v := range views {
		page.Drift[v.Destination.ID] = days.At(v.Destination.ID, models.CopiesDrifted)
	}
	page.Counts.Revealed = revealed(days)
	page.Charts = templates.Charts{Counted: days.Counted, All: charts(days)}
	return nil
}

// revealed is how many values were shown or fetched today; -1 where today was not counted yet.
func revealed(days figures.Days) int64 {
	today := len(days.Days) - 1
	if models.DayOf(days.Counted) < days.Days[today] {
		return -1
	}
	return days.Sum(models.ReadsByPeople)[today] + days.Sum(models.ReadsByPrograms)[today]
}

func charts(days figures.Days) []templates.Chart {
	series := func(name string, metric models.Metric) templates.Series {
		return templates.Series{Name: name, Values: days.Sum(metric)}
	}
	return []templates.Chart{
		{ID: "chart-sync", Title: "Sync results", Text: "Copies that runs dealt with, try by try.", Days: days.Days, Series: []templates.Series{
			series("written", models.CopiesWritten), series("put right", models.CopiesRepaired), series("failed", models.CopiesFailed),
		}},
		{ID: "chart-changes", Title: "Secret changes", Text: "Secrets created, given a new value, deleted.", Days: days.Days, Series: []templates.Series{
			series("created", models.SecretsCreated), series("changed", models.ValuesChanged), series("deleted", models.SecretsDeleted),
		}},
		{ID: "chart-reads", Title: "Reads", Text: "Values that were shown or fetched.", Days: days.Days, Series: []templates.Series{
			series("by people", models.ReadsByPeople), series("by programs", models.ReadsByPrograms),
		}},
	}
}
