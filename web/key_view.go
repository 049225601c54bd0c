package web

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/keys"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/templates"
)

func keyRunURL(id models.KeyRunID) string { return templates.MustPath("/keys/runs/{run}", id) }

func environmentKeysURL(e models.Environment) string {
	return templates.MustPath("/environments/{environment}/keys", e.Name)
}

// keyViews are wrapping keys as pages show them.
func keyViews(all []keys.Key) []templates.KeyView {
	views := make([]templates.KeyView, len(all))
	for i, k := range all {
		views[i] = templates.KeyView{
			Kind: k.Kind, Name: k.Name, ID: k.ID, Aliases: k.Info.Aliases, Enabled: k.Info.Enabled, State: k.Info.State, Rotation: k.Info.Rotation,
			Region: k.Info.Region, Replicas: k.Info.Replicas, Problem: k.Problem, Hint: k.Hint, CanClose: k.CanClose,
		}
		for _, u := range k.Usages {
			views[i].Uses = append(views[i].Uses, templates.KeyUse{
				Environment: u.Environment, Role: templates.KeyRole(u.Role), DataKeys: u.DataKeys, Missing: u.Missing, Versions: u.Versions,
				Label: u.Label, Drill: u.Drill,
			})
		}
	}
	return views
}

// keyRunViews are runs over keys as pages show them.
func (r *request) keyRunViews(all []keys.Progress) ([]templates.KeyRunView, error) {
	environments, err := r.allEnvironments()
	if err != nil {
		return nil, err
	}
	views := make([]templates.KeyRunView, len(all))
	for i, p := range all {
		views[i] = templates.KeyRunView{Run: p.KeyRun, Rate: p.Rate, Left: p.Remaining, Findings: p.Finding}
		for j := range environments {
			if environments[j].ID == p.EnvironmentID {
				views[i].Environment = &environments[j]
			}
		}
	}
	return views, nil
}

// keyRuns are the newest runs over the keys of an environment (0: of all).
func (w *Web) keyRuns(r *request, e models.EnvironmentID, limit int) ([]templates.KeyRunView, error) {
	runs, _, err := w.Keys.Runs(r.Context(), r.actor, keys.RunQuery{Environment: e, Limit: limit})
	if err != nil {
		return nil, err
	}
	return r.keyRunViews(runs)
}

// scrubFindings is how many findings of a scrub are looked at to tell how bad it is.
const scrubFindings = 1000

// lastScrub is the newest scrub, nil where there was none.
func (w *Web) lastScrub(r *request) (*templates.KeyRunView, error) {
	last, err := w.Keys.LastScrub(r.Context(), r.actor)
	if err != nil || last == nil {
		return nil, err
	}
	views, err := r.keyRunViews([]keys.Progress{*last})
	if err != nil {
		return nil, err
	}
	if last.Status == models.KeyRunPartial {
		found, err := w.Keys.Findings(r.Context(), r.actor, last.ID, 0, scrubFindings)
		if err != nil {
			return nil, err
		}
		views[0].Damaged = slices.ContainsFunc(found, func(f models.KeyFinding) bool { return f.Kind == models.FindingDamaged })
	}
	return &views[0], nil
}

// How old a report on keys may be. To make one, every key is looked up at its backend, which
// costs calls and, while the backend is away, time: so the overview, and pages that fetch
// themselves anew while a run moves, do with the last one.
const (
	overviewReportAge   = 15 * time.Second
	backgroundReportAge = 10 * time.Second
	overviewReportTime  = 2 * time.Second // that the overview waits for one
)

// keyReports keeps the last report on the keys of each environment (0: of all).
type keyReports struct {
	mu   sync.Mutex
	kept map[models.EnvironmentID]keyReport
}

type keyReport struct {
	at    time.Time
	runs  string // how the runs stood: a report of before one began or ended is out of date
	views []templates.KeyView
}

func (k *keyReports) get(e models.EnvironmentID, runs string, since time.Time) ([]templates.KeyView, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	last, ok := k.kept[e]
	return last.views, ok && last.runs == runs && last.at.After(since)
}

func (k *keyReports) put(e models.EnvironmentID, r keyReport) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.kept == nil {
		k.kept = map[models.EnvironmentID]keyReport{}
	}
	k.kept[e] = r
}

// forget drops all reports: something that they tell of has changed.
func (k *keyReports) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.kept)
}

// keyReport are the keys of an environment (0: of all), for who may see them: not older than
// age, and than the last beginning or end of the given runs.
func (w *Web) keyReport(ctx context.Context, r *request, e models.EnvironmentID, runs []templates.KeyRunView, age time.Duration) ([]templates.KeyView, error) {
	var stand strings.Builder
	for _, v := range runs {
		stand.WriteString(string(v.Run.ID) + " " + string(v.Run.Status) + "\n")
	}
	now, allowed := w.Now(), r.may(auth.ViewKeys, auth.Global) || e != auth.Global && r.mayKeys(e)
	if views, ok := w.reports.get(e, stand.String(), now.Add(-age)); ok && allowed {
		return views, nil
	}
	ask := func(ctx context.Context, actor models.Actor) ([]keys.Key, error) {
		return w.Keys.Environment(ctx, actor, e)
	}
	if e == auth.Global {
		ask = w.Keys.Report
	}
	all, err := ask(ctx, r.actor)
	if err != nil {
		return nil, err
	}
	views := keyViews(all)
	w.reports.put(e, keyReport{at: now, runs: stand.String(), views: views})
	return views, nil
}

// reportAge is how old a report may be on a page about keys: a person sees the present one.
func (r *request) reportAge() time.Duration {
	if isBackground(r.Request) {
		return backgroundReportAge
	}
	return 0
}

// keyHealth is what the health says of the key backend.
func (w *Web) keyHealth(r *request) templates.HealthItem {
	for _, c := range w.Health(r.Context()).Components {
		if strings.HasPrefix(c.Name, "encryption") {
			return healthItem(c, w.Now())
		}
	}
	return templates.HealthItem{Name: "Encryption", Health: templates.HealthUnknown}
}
