package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/test/scenario"
)

// importStory is what a destination held before Keeper came.
type importStory struct {
	destination, preview, adoption, done, release string // pages' paths
}

// furnishImports puts what an older system left into the Vault of production, and imports some.
func furnishImports(ctx context.Context, w *scenario.World) (story importStory, err error) {
	production, err := vaultOf(ctx, w, "production", func(*api.DestinationConfig) {})
	if err != nil {
		return story, err
	}
	data := func(name string, values map[string]string) {
		if err == nil {
			err = vault(ctx, w, http.MethodPost, "data/"+name, map[string]any{"data": values})
		}
	}
	for _, name := range []string{"billing/db.password", "billing/api-key", "mail/smtp pass", "crm/token", "crm/webhook-secret", "search/password"} {
		data("legacy/"+name, map[string]string{"value": "left by an older system: " + name})
	}
	data("legacy/payments/db/password", map[string]string{"value": "another one"})
	data("legacy/billing/database", map[string]string{"host": "db.internal", "user": "billing", "password": "left there"})
	data("legacy/empty", map[string]string{"value": ""})
	data("production/reports/api-key", map[string]string{"value": "theirs"})
	data("old/batch/password", map[string]string{"value": "older"})
	data("old/batch/token", map[string]string{"value": "older still"})
	if err != nil {
		return story, err
	}
	if _, err := w.Client().CreateSecret(ctx, api.NewSecret{Name: "reports/api-key", SecretType: "API_KEY", Value: api.NewValue("ours"), EnvironmentID: api.EnvironmentNamed("production")}); err != nil {
		return story, err
	}
	if _, err := pass(ctx, w, production); err != nil {
		return story, err
	}
	look := func(body api.NewImport) api.Import {
		var made api.Import
		if err == nil {
			made, err = w.Client().PreviewImport(ctx, production, body)
		}
		return made
	}
	legacy, old := "legacy/", "old/"
	preview := look(api.NewImport{Purpose: "import", Prefix: &legacy})
	adoption := look(api.NewImport{Purpose: "adopt"})
	done := look(api.NewImport{Purpose: "import", Prefix: &old})
	if err == nil {
		done, err = w.Client().ApplyImport(ctx, done.ID, api.ImportChoice{})
	}
	if err != nil {
		return story, err
	}
	secret, err := w.Client().FindSecret(ctx, api.EnvironmentNamed("production"), "payments/stripe/api-key", false)
	return importStory{
		destination: "/destinations/" + production, preview: "/sync/imports/" + preview.ID, adoption: "/sync/imports/" + adoption.ID, done: "/sync/imports/" + done.ID,
		release: fmt.Sprintf("/destinations/%s/copies/%d/release", production, secret.ID),
	}, err
}

// importPages are the pages of imports, adoptions and releases.
func importPages(story importStory) []page {
	return []page{
		{"import-list", story.destination + "/imports"},
		{"import-new", story.destination + "/imports/new"},
		{"import-adopt", story.destination + "/imports/new?purpose=adopt"},
		{"import-preview", story.preview},
		{"import-apply", story.preview + "/apply"},
		{"import-adoption", story.adoption},
		{"import-adoption-apply", story.adoption + "/apply"},
		{"import-done", story.done},
		{"import-release", story.release},
		{"import-destination", story.destination},
	}
}
