package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/test/scenario"
)

// decisionStory is what waits for a person.
type decisionStory struct {
	destination, holds, gone string // pages' paths
	plans, plan, held, run   string
}

// furnishDecisions lets somebody change and remove copies beside Keeper: in production, where
// a person decides, and in staging, where the brake stops the repair.
func furnishDecisions(ctx context.Context, w *scenario.World) (story decisionStory, err error) {
	production, err := vaultOf(ctx, w, "production", func(c *api.DestinationConfig) { c.Strategy = "manual" })
	if err != nil {
		return story, err
	}
	secret := func(name string) int64 {
		found, findErr := w.Client().FindSecret(ctx, api.EnvironmentNamed("production"), name, false)
		if findErr != nil {
			err = findErr
		}
		return found.ID
	}
	story.destination = "/destinations/" + production
	story.holds = fmt.Sprintf("%s/holds/%d", story.destination, secret("payments/db/password"))
	story.gone = fmt.Sprintf("%s/holds/%d", story.destination, secret("web/flags"))
	if err != nil {
		return story, err
	}
	for _, name := range []string{"production/payments/db/password", "production/payments/config"} {
		if err := overwrite(ctx, w, name); err != nil {
			return story, err
		}
	}
	if err := vault(ctx, w, http.MethodDelete, "metadata/production/web/flags", nil); err != nil {
		return story, err
	}
	if _, err := pass(ctx, w, production); err != nil {
		return story, err
	}
	return story, story.brake(ctx, w)
}

// brake has the brake of staging stop a run, after a plan of it was saved.
func (story *decisionStory) brake(ctx context.Context, w *scenario.World) error {
	one := 1
	staging, err := vaultOf(ctx, w, "staging", func(c *api.DestinationConfig) { c.BrakeMost = &one })
	if err != nil {
		return err
	}
	time.Sleep(time.Second) // the pass that the change began
	for _, name := range []string{"staging/payments/db/password", "staging/payments/config"} {
		if err := overwrite(ctx, w, name); err != nil {
			return err
		}
	}
	if err := vault(ctx, w, http.MethodDelete, "metadata/staging/web/flags", nil); err != nil {
		return err
	}
	plan, err := w.Client().PlanSync(ctx, staging)
	if err != nil {
		return err
	}
	run, err := pass(ctx, w, staging)
	story.plans = "/destinations/" + staging + "/plans"
	story.plan, story.held, story.run = "/sync/plans/"+plan.ID, "/sync/plans/"+run.PlanID, "/sync/runs/"+run.ID
	return err
}

// vaultOf changes the settings of an environment's Vault destination, and gives its id.
func vaultOf(ctx context.Context, w *scenario.World, environment string, change func(*api.DestinationConfig)) (string, error) {
	list, err := w.Client().ListDestinations(ctx, api.ListDestinationsParams{EnvironmentID: environment})
	if err != nil {
		return "", err
	}
	for _, d := range list.Items {
		if d.Kind == "vault_kv_v2" {
			change(&d.Config)
			_, err := w.Client().UpdateDestination(ctx, d.ID, api.DestinationChange{Config: &d.Config}, d.Revision)
			return d.ID, err
		}
	}
	return "", fmt.Errorf("%s has no Vault", environment)
}

// pass makes a full pass and waits for its end.
func pass(ctx context.Context, w *scenario.World, destination string) (api.SyncRun, error) {
	run, err := w.Client().SyncDestination(ctx, destination)
	for end := time.Now().Add(time.Minute); err == nil && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if run, err = w.Client().GetRun(ctx, run.ID); err != nil || !run.FinishedAt.IsZero() {
			return run, err
		}
	}
	return run, fmt.Errorf("the run %s does not end: %w", run.ID, err)
}

func overwrite(ctx context.Context, w *scenario.World, name string) error {
	return vault(ctx, w, http.MethodPost, "data/"+name, map[string]any{"data": map[string]string{"value": "changed by hand"}})
}

// vault does something beside Keeper.
func vault(ctx context.Context, w *scenario.World, method, path string, what any) error {
	body, err := json.Marshal(what)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, w.Vault.URL+"/v1/"+w.Vault.Mount+"/"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("X-Vault-Token", w.Vault.Token)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode >= 400 {
		return fmt.Errorf("vault answers %s to %s %s", answer.Status, method, path)
	}
	return nil
}

// decisionPages are the pages of plans and of differences that wait.
func decisionPages(story decisionStory) []page {
	return []page{
		{"decide-list", story.destination + "/holds"},
		{"decide", story.holds},
		{"decide-missing", story.gone},
		{"plan", story.plan},
		{"plan-filtered", story.plan + "?action=repair"},
		{"plan-apply", story.plan + "/apply"},
		{"plan-held", story.held},
		{"plan-list", story.plans},
		{"run-held", story.run},
	}
}
