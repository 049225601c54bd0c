package templates

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/your-org/keeper/models"
)

// RunView is one run with where it ran.
type RunView struct {
	Run         models.SyncRun
	Destination models.Destination
	Environment models.Environment
}

// RunFilter is what a history of runs is narrowed to, by the names of its fields in the URL.
type RunFilter struct {
	Destination  models.DestinationID // destination
	Status       models.RunStatus     // status
	Trigger      models.RunTrigger    // trigger
	Secret       string               // secret: part of a name among the results
	Since, Until string               // since, until: dates, 2026-11-22, UTC, both included
}

// ParseRunFilter reads the filter from a URL's query. What it does not know it ignores.
func ParseRunFilter(q url.Values) RunFilter {
	f := RunFilter{
		Destination: models.DestinationID(q.Get("destination")), Status: models.RunStatus(q.Get("status")), Trigger: models.RunTrigger(q.Get("trigger")),
		Secret: strings.TrimSpace(q.Get("secret")), Since: knownDay(q.Get("since")), Until: knownDay(q.Get("until")),
	}
	if _, known := runLooks[f.Status]; !known {
		f.Status = ""
	}
	if !slices.Contains(runTriggers, f.Trigger) {
		f.Trigger = ""
	}
	return f
}

func knownDay(text string) string {
	if _, err := time.Parse(time.DateOnly, text); err != nil {
		return ""
	}
	return text
}

// Began is when the runs may have begun; a zero time does not narrow.
func (f RunFilter) Began() (since, until time.Time) {
	since, _ = time.Parse(time.DateOnly, f.Since) // checked, or empty
	if end, err := time.Parse(time.DateOnly, f.Until); err == nil {
		until = end.AddDate(0, 0, 1)
	}
	return since, until
}

// Narrow reports whether anything narrows the history.
func (f RunFilter) Narrow() bool { return f != RunFilter{} }

func (f RunFilter) values() url.Values {
	return url.Values{
		"destination": {string(f.Destination)}, "status": {string(f.Status)}, "trigger": {string(f.Trigger)}, "secret": {f.Secret},
		"since": {f.Since}, "until": {f.Until},
	}
}

// On is a page of a history with this filter, at a cursor.
func (f RunFilter) On(path, cursor string) string {
	values := f.values()
	values.Set("cursor", cursor)
	return withQuery(path, values)
}

// RunHistory is a page of runs as a filter chooses them.
type RunHistory struct {
	Path   string
	Filter RunFilter
	Places []DestinationView // to choose among; none: the path says which
	Runs   []RunView
	Pager  Pager
}

// Narrow reports whether anything narrows the history.
func (h RunHistory) Narrow() bool { return h.Filter.Narrow() }

// ClearURL is the whole history.
func (h RunHistory) ClearURL() string { return h.Path }

// Chips are the filters that are set.
func (h RunHistory) Chips() []Chip {
	f := h.Filter
	c := chips{without: func(key string) string {
		values := f.values()
		values.Del(key)
		return withQuery(h.Path, values)
	}}
	c.add("destination", "destination", string(f.Destination), h.place())
	c.add("status", "result", string(f.Status), runStatusLook(f.Status).Word)
	c.add("trigger", "began", string(f.Trigger), triggerWord(f.Trigger))
	c.add("secret", "secret", f.Secret, f.Secret)
	c.add("since", "from", f.Since, f.Since)
	c.add("until", "until", f.Until, f.Until)
	return c.set
}

// place is the name of the destination that the history is narrowed to.
func (h RunHistory) place() string {
	for _, p := range h.Places {
		if p.Destination.ID == h.Filter.Destination {
			return p.Destination.Name + ", " + p.Environment.DisplayName
		}
	}
	return string(h.Filter.Destination)
}

// RunHistoryPage is GET /sync/runs.
type RunHistoryPage struct {
	BasePage
	RunHistory
}

func (*RunHistoryPage) template() string { return "sync/runs" }

// Frame stands around the page.
func (p *RunHistoryPage) Frame() Frame {
	return Frame{Title: "Runs", Nav: NavSync, Crumbs: []Crumb{{"Sync", "/sync"}}, Topics: "sync"}
}

// RunPage is GET /sync/runs/{run}. While it runs, the page follows it. ?failed=1 shows only
// what another try may mend.
type RunPage struct {
	BasePage
	RunView
	Results    []models.SyncResult
	FailedOnly bool
	NotDone    int  // secrets that another try may mend
	Receipt    bool // the run left one
	Pager      Pager
	MaySync    bool
}

func (*RunPage) template() string { return "sync/run" }

// Frame stands around the page.
func (p *RunPage) Frame() Frame {
	f := destinationFrame(&p.Environment, &p.Destination, "Run")
	f.Nav, f.Topics = NavSync, "run:"+string(p.Run.ID)
	f.Crumbs = []Crumb{{"Sync", "/sync"}, {p.Destination.Name, MustPath("/destinations/{destination}", p.Destination.ID)}, {"Runs", MustPath("/destinations/{destination}/runs", p.Destination.ID)}}
	return f
}

// Pace is how far the run is, how fast it goes and how long it still takes at the page's Now.
func (p *RunPage) Pace() models.RunPace { return p.Run.Pace(p.Now) }

// Percent is how far the run is; 0 where the whole is not known.
func (p *RunPage) Percent() int {
	pace := p.Pace()
	return pace.Done * 100 / max(pace.Total, 1)
}

// URL is the page with another filter, at a cursor.
func (p *RunPage) URL(failedOnly bool, cursor string) string {
	failed := ""
	if failedOnly {
		failed = "1"
	}
	return withQuery(MustPath("/sync/runs/{run}", p.Run.ID), url.Values{"failed": {failed}, "cursor": {cursor}})
}

// MayRetry reports whether the run has ended and left something that another try may mend.
func (p *RunPage) MayRetry() bool { return p.MaySync && p.NotDone > 0 && p.Run.FinishedAt != nil }
