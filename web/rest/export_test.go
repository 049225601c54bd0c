package rest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms/drivertest"
	"github.com/your-org/keeper/models"
)

func exportOperations(t *testing.T, h *house) {
	ctx, c := t.Context(), h.admin
	staging := api.EnvironmentNamed("staging")
	first, err := c.CreateSecret(ctx, api.NewSecret{
		Name: "export/a", SecretType: "PASSWORD", Value: api.NewValue(canary + "-a"), EnvironmentID: staging,
		Description: "d", Owner: "ada", Tags: api.Tags{"team": "a"},
	})
	must(t, err)
	second, err := c.CreateSecret(ctx, api.NewSecret{Name: "other", SecretType: "TEXT", Value: api.NewValue(canary + "\n<b>"), EnvironmentID: staging})
	must(t, err)
	all, err := c.ExportSecrets(ctx, staging, api.ExportSecretsParams{})
	must(t, err)
	want := api.Export{Items: []api.ExportedSecret{
		{ID: first.ID, Name: "export/a", SecretType: api.Password, Version: 1, Value: api.NewValue(canary + "-a"), Description: "d", Owner: "ada", Tags: api.Tags{"team": "a"}},
		{ID: second.ID, Name: "other", SecretType: api.Text, Version: 1, Value: api.NewValue(canary + "\n<b>")},
	}}
	if diff := cmp.Diff(want, all, cmp.Comparer(func(a, b api.Value) bool { return a.Reveal() == b.Reveal() })); diff != "" {
		t.Errorf("exported: -want +got\n%s", diff)
	}
	some, err := c.ExportSecrets(ctx, api.EnvironmentByID(h.staging.ID), api.ExportSecretsParams{Prefix: "export/", Partial: true})
	must(t, err)
	if len(some.Items) != 1 || some.Items[0].Name != "export/a" || len(some.Unknown) != 0 {
		t.Errorf("exported by prefix: got %+v", some)
	}
}

func TestExportRefused(t *testing.T) {
	h := newHouse(t)
	_, err := h.admin.CreateSecret(t.Context(), api.NewSecret{Name: "a", SecretType: "TEXT", Value: api.NewValue(canary), EnvironmentID: api.EnvironmentNamed("production")})
	must(t, err)
	viewer := h.client(h.token("vera", models.RoleUser, map[int64]models.EnvironmentRole{h.production.ID: models.RoleViewer}))
	_, err = viewer.ExportSecrets(t.Context(), api.EnvironmentNamed("production"), api.ExportSecretsParams{})
	isKind(t, err, "forbidden", "")
	_, err = viewer.ExportSecrets(t.Context(), api.EnvironmentNamed("staging"), api.ExportSecretsParams{})
	isKind(t, err, "not_found", "")
}

// TestExportOfWhatDoesNotOpen is an error that names it, or a list that does, never an
// export that is quietly shorter.
func TestExportOfWhatDoesNotOpen(t *testing.T) {
	h := newHouse(t)
	for _, name := range []string{"a", "b"} {
		_, err := h.admin.CreateSecret(t.Context(), api.NewSecret{Name: name, SecretType: "TEXT", Value: api.NewValue(canary), EnvironmentID: api.EnvironmentNamed("production")})
		must(t, err)
	}
	h.deps.Secrets.Envelope.Forget(models.EnvironmentID(h.production.ID))
	h.key.Fail(drivertest.OpUnwrap, fault.New(fault.Unavailable, "The key is away."))
	_, err := h.admin.ExportSecrets(t.Context(), api.EnvironmentNamed("production"), api.ExportSecretsParams{})
	isKind(t, err, "unavailable", "")
	if err == nil || !strings.Contains(err.Error(), "a, b") {
		t.Errorf("the error does not name them: %v", err)
	}
	export, err := h.admin.ExportSecrets(t.Context(), api.EnvironmentNamed("production"), api.ExportSecretsParams{Partial: true})
	must(t, err)
	if len(export.Items) != 0 || len(export.Unknown) != 2 || export.Unknown[0].Name != "a" || export.Unknown[0].Problem == "" {
		t.Errorf("a partial export: got %+v", export)
	}
}

func TestExportHasNoHead(t *testing.T) {
	h := newHouse(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodHead, h.url+"/api/environments/production/export", nil)
	must(t, err)
	r.Header.Set("Authorization", "Bearer "+h.token("bo", models.RoleAdmin, nil))
	response, err := http.DefaultClient.Do(r)
	must(t, err)
	defer response.Body.Close()
	if response.StatusCode != http.StatusBadRequest && response.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("got %d", response.StatusCode)
	}
}
