package rest

import (
	"strings"
	"testing"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/models"
)

// importOperations imports what strangers keep at a destination, adopts it, and gives it back.
func importOperations(t *testing.T, h *house, d api.Destination) {
	ctx, c := t.Context(), h.admin
	h.place.Edit("p/theirs", []byte(canary))
	h.place.Edit("p/their object", []byte(`{"user":"`+canary+`"}`))
	made, err := c.PreviewImport(ctx, d.ID, api.NewImport{Names: map[string]string{"p/their object": "object"}})
	must(t, err)
	items, err := client.Collect(c.ImportItems(ctx, made.ID, api.ListImportItemsParams{Search: "THEIR"}))
	must(t, err)
	if made.Status != api.ImportPreview || made.Prefix != "p/" || made.Counts.New != 2 || made.Counts.Left != 2 || len(items) != 2 {
		t.Fatalf("preview: got %+v with %+v", made, items)
	}
	object, theirs := items[0], items[1]
	if object.SecretName != "object" || object.SecretType != api.JSON || object.Facts.Keys[0] != "user" || object.Adoptable || !theirs.Adoptable || len(theirs.Hash) != 64 || theirs.Size != len(canary) {
		t.Errorf("items: got %+v and %+v", object, theirs)
	}
	_, err = c.ApplyImport(ctx, made.ID, api.ImportChoice{Side: "both"})
	isKind(t, err, "invalid", "side")
	done, err := c.ApplyImport(ctx, made.ID, api.ImportChoice{Adopt: true})
	must(t, err)
	if done.Status != api.ImportApplied || done.Counts.Imported != 2 || done.Counts.Adopted != 1 || done.DecidedBy == "" {
		t.Errorf("applied: got %+v", done)
	}
	_, err = c.ApplyImport(ctx, made.ID, api.ImportChoice{Adopt: true})
	isKind(t, err, "conflict", "")
	h.work(d.ID)
	if again, err := c.GetImport(ctx, made.ID); err != nil || again != done {
		t.Errorf("read again: got %+v, %v", again, err)
	}
	if list, err := c.ListImports(ctx, api.ListImportsParams{EnvironmentID: "production", DestinationID: d.ID}); err != nil || len(list.Items) != 1 {
		t.Errorf("listed: got %+v, %v", list, err)
	}
	secret, err := c.FindSecret(ctx, api.EnvironmentNamed("production"), "theirs", false)
	must(t, err)
	if there, _ := h.place.Get("p/theirs"); there.Remote.Mark.Secret != models.SecretID(secret.ID) || there.Writes != 1 {
		t.Errorf("after the pass there is %+v", there.Remote)
	}
	must(t, c.ReleaseCopy(ctx, d.ID, secret.ID))
	if there, _ := h.place.Get("p/theirs"); !there.Remote.Mark.Zero() || string(there.Value) != canary {
		t.Errorf("after the release there is %+v", there.Remote)
	}
	isKind(t, c.ReleaseCopy(ctx, d.ID, secret.ID), "not_found", "")
	importRefusals(t, h, d, made, secret)
}

func importRefusals(t *testing.T, h *house, d api.Destination, made api.Import, secret api.Secret) {
	ctx := t.Context()
	editor := h.client(h.token("importing-editor", models.RoleUser, map[int64]models.EnvironmentRole{h.production.ID: models.RoleEditor}))
	stranger := h.client(h.token("importing-stranger", models.RoleUser, map[int64]models.EnvironmentRole{h.staging.ID: models.RoleManager}))
	for kind, c := range map[string]*client.Client{"forbidden": editor, "not_found": stranger} {
		_, err := c.PreviewImport(ctx, d.ID, api.NewImport{})
		isKind(t, err, kind, "")
		_, err = c.GetImport(ctx, made.ID)
		isKind(t, err, kind, "")
		_, err = client.Collect(c.ImportItems(ctx, made.ID, api.ListImportItemsParams{}))
		isKind(t, err, kind, "")
		_, err = c.ApplyImport(ctx, made.ID, api.ImportChoice{})
		isKind(t, err, kind, "")
		isKind(t, c.ReleaseCopy(ctx, d.ID, secret.ID), kind, "")
	}
	for path, field := range map[string]string{"items?status=odd": "status", "items?result=odd": "result"} {
		response, _, body := h.raw(h.token("importing-"+field, models.RoleAdmin, nil), "GET", "/api/sync/imports/"+made.ID+"/"+path, "")
		if response.StatusCode != 400 && response.StatusCode != 422 || !strings.Contains(body, field) {
			t.Errorf("%s: got %d %s", path, response.StatusCode, body)
		}
	}
	if list, err := editor.ListImports(ctx, api.ListImportsParams{EnvironmentID: "production"}); err != nil || len(list.Items) != 0 {
		t.Errorf("an editor lists %+v, %v", list.Items, err)
	}
	_, err := h.admin.PreviewImport(ctx, d.ID, api.NewImport{Purpose: "adopt", Prefix: new("elsewhere/")})
	isKind(t, err, "invalid", "")
}
