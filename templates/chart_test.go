package templates

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/models"
)

func sampleCharts() Charts {
	days := []models.Day{"2026-11-20", "2026-11-21", "2026-11-22"}
	return Charts{Counted: sampleNow, All: []Chart{
		{ID: "chart-sync", Title: "Sync results", Text: "Copies that runs dealt with.", Days: days, Series: []Series{
			{"written", []int64{1200, 0, 34}}, {"put right", []int64{0, 0, 2}}, {"failed", []int64{0, 5, 0}},
		}},
		{ID: "chart-reads", Title: "Reads", Text: "Values that were shown.", Days: days, Series: []Series{{"by people", []int64{0, 0, 0}}}},
	}}
}

func TestChart(t *testing.T) {
	all := sampleCharts().All
	t.Run("Rows", func(t *testing.T) {
		want := []ChartRow{{"2026-11-22", []int64{34, 2, 0}}, {"2026-11-21", []int64{0, 0, 5}}, {"2026-11-20", []int64{1200, 0, 0}}}
		if diff := cmp.Diff(want, all[0].Rows()); diff != "" {
			t.Error(diff)
		}
		if row := all[0].Rows()[0]; row.Label() != "22 Nov" || row.Weekday() != "Sun" {
			t.Errorf("got %s %s", row.Weekday(), row.Label())
		}
	})
	t.Run("Empty", func(t *testing.T) {
		if all[0].Empty() || !all[1].Empty() || all[0].Series[0].Total() != 1234 {
			t.Error("the second alone is empty")
		}
	})
}

func TestSpark(t *testing.T) {
	for name, c := range map[string]struct {
		spark Spark
		bars  []SparkBar
		total int64
	}{
		"None":    {nil, nil, 0},
		"Zeros":   {Spark{0, 0}, nil, 0},
		"Heights": {Spark{0, 100, 50, 1}, []SparkBar{{3, 0, 16}, {6, 8, 8}, {9, 13, 3}}, 151},
		"Many":    {Spark{1 << 50, 1}, []SparkBar{{0, 0, 16}, {3, 13, 3}}, 1<<50 + 1},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.bars, c.spark.Bars()); diff != "" {
				t.Error(diff)
			}
			if got := c.spark.Total(); got != c.total || c.spark.Days() != len(c.bars) {
				t.Errorf("got %d on %d days", got, c.spark.Days())
			}
		})
	}
}

// TestDashboardCharts holds that each picture has its table, and that what never happened has
// none to draw.
func TestDashboardCharts(t *testing.T) {
	set, err := New()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := set.Render(&out, samplePages()["dashboard"]); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int{
		`data-chart="`: 1, `<details class="chart-table">`: 2, `data-n="1200">1,200<`: 1, "Nothing in these 3 days.": 1,
		"16 drifted on 3 days": 1, "no drift": 1,
	} {
		if got := bytes.Count(out.Bytes(), []byte(text)); got != want {
			t.Errorf("%q stands %d times, want %d", text, got, want)
		}
	}
}
