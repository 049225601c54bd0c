package templates

import (
	"slices"
	"time"

	"github.com/your-org/keeper/models"
)

// Chart is how often something happened, day by day, in up to four series. The table behind it
// holds the numbers; the picture is drawn from that table.
type Chart struct {
	ID, Title, Text string
	Days            []models.Day // the oldest first
	Series          []Series
}

// Series is one row of numbers, one for each day.
type Series struct {
	Name   string
	Values []int64
}

// Total is the sum of all days.
func (s Series) Total() int64 {
	total := int64(0)
	for _, n := range s.Values {
		total += n
	}
	return total
}

// Empty reports whether nothing happened on any day.
func (c Chart) Empty() bool {
	return !slices.ContainsFunc(c.Series, func(s Series) bool { return s.Total() > 0 })
}

// ChartRow is one day of the table.
type ChartRow struct {
	Day    models.Day
	Values []int64 // in the order of the series
}

// Rows are the days, the newest first.
func (c Chart) Rows() []ChartRow {
	rows := make([]ChartRow, len(c.Days))
	for i, day := range c.Days {
		row := ChartRow{Day: day, Values: make([]int64, len(c.Series))}
		for j, s := range c.Series {
			row.Values[j] = s.Values[i]
		}
		rows[len(rows)-1-i] = row
	}
	return rows
}

// Label is the day for people: "22 Nov".
func (r ChartRow) Label() string { return r.Day.Start().Format("2 Jan") }

// Weekday is the day of the week: "Sun".
func (r ChartRow) Weekday() string { return r.Day.Start().Format("Mon") }

// Charts are pictures of the same days.
type Charts struct {
	All     []Chart
	Counted time.Time // up to when the days were counted; zero: never yet
}

// Spark is a row of numbers as a picture the size of a word.
type Spark []int64

// The picture in units of its view box.
const (
	sparkStep   = 3
	sparkHeight = 16
)

// SparkBar is one bar of the picture.
type SparkBar struct{ X, Y, Height int }

// Bars are what is drawn: nothing for a zero, and for the least number enough to be seen.
func (s Spark) Bars() []SparkBar {
	if len(s) == 0 {
		return nil
	}
	most := slices.Max(s)
	var bars []SparkBar
	for i, n := range s {
		if n > 0 {
			height := max(3, int(n*sparkHeight/most))
			bars = append(bars, SparkBar{X: i * sparkStep, Y: sparkHeight - height, Height: height})
		}
	}
	return bars
}

// Width is the picture's.
func (s Spark) Width() int { return len(s) * sparkStep }

// Total is the sum.
func (s Spark) Total() int64 { return Series{Values: s}.Total() }

// Days is how many of the numbers are not zero.
func (s Spark) Days() int { return len(s.Bars()) }
