package web

import (
	"strings"

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
	return &views[0], nil
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
