package destinations_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/vaultkv"
	"github.com/your-org/keeper/test/vaulttest"
)

// stranger is a stranger's client of a KV v2 engine.
type stranger struct {
	t      *testing.T
	server *vaulttest.Server
}

func (k stranger) call(method, path string, body any) map[string]any {
	k.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		k.t.Fatal(err)
	}
	request, _ := http.NewRequestWithContext(k.t.Context(), method, k.server.URL+"/v1/"+path, bytes.NewReader(text))
	request.Header.Set("X-Vault-Token", k.server.Token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		k.t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct{ Data map[string]any }
	_ = json.NewDecoder(response.Body).Decode(&answer)
	if response.StatusCode/100 != 2 {
		k.t.Fatalf("%s %s: %d", method, path, response.StatusCode)
	}
	return answer.Data
}

func (k stranger) put(name string, entry map[string]any) {
	k.t.Helper()
	k.call("POST", "secret/data/"+name, map[string]any{"data": entry})
}

// stands is an entry with its version and its custom metadata.
func (k stranger) stands(name string) (entry map[string]any, version any, custom map[string]any) {
	k.t.Helper()
	data := k.call("GET", "secret/data/"+name, nil)
	about, _ := data["metadata"].(map[string]any)
	entry, _ = data["data"].(map[string]any)
	custom, _ = about["custom_metadata"].(map[string]any)
	return entry, about["version"], custom
}

// vaulted is a house with a destination at a KV v2 engine where others keep entries already.
func vaulted(t *testing.T, shape models.Shape) (*house, stranger, models.Destination) {
	t.Helper()
	k := stranger{t, vaulttest.StartEngine(t, vaulttest.EngineOptions{})}
	for name, entry := range map[string]map[string]any{
		"one":      {"value": "canary-1"},
		"many":     {"user": "canary-u", "password": "canary-p", "port": 5432},
		"nest/two": {"value": "canary-2"},
		"object":   {"value": `{"a":"canary-a"}`},
		"gone":     {"value": "x"},
	} {
		k.put("production/"+name, entry)
	}
	k.call("DELETE", "secret/data/production/gone", nil)
	h := sqlite(t)
	h.Service.Open = func(_ context.Context, d models.Destination, _ models.DestinationCredentials) (keepersync.Driver, error) {
		return vaultkv.New(vaultkv.Options{
			Address: k.server.URL, Mount: "secret", Prefix: d.Config.Prefix, Whole: d.Config.Shape.Whole(), Token: plain(k.server.Token),
		})
	}
	d, err := h.Create(t.Context(), admin, destinations.Draft{
		Environment: h.env.ID, Name: "vault", Kind: models.DestinationVault, SkipCheck: true,
		Config:      models.DestinationConfig{Address: k.server.URL, Mount: "secret", Shape: shape},
		Credentials: models.DestinationCredentials{VaultToken: plain(k.server.Token)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return h, k, d
}

func (h *house) wantItem(t *testing.T, items map[string]models.ImportItem, label string, status models.ImportItemStatus, kind models.SecretType, adoptable bool) {
	t.Helper()
	got := items["production/"+label]
	if got.Status != status || got.Type != kind || got.Adoptable != adoptable || got.SecretName == "" {
		t.Errorf("%s: %s %s, adoptable %t; want %s %s, %t: %s%s", label, got.Status, got.Type, got.Adoptable, status, kind, adoptable, got.Problem, got.Note)
	}
}

// An entry of several keys at a destination that keeps one value in each: its secret is JSON,
// and Keeper does not look after the entry, for it would give it another form.
func TestImportFromVaultValues(t *testing.T) {
	h, k, d := vaulted(t, models.ShapeValue)
	i := h.preview(t, d, destinations.ImportDraft{})
	items := h.items(t, i)
	h.wantItem(t, items, "one", models.ItemNew, models.Text, true)
	h.wantItem(t, items, "many", models.ItemNew, models.JSON, false)
	h.wantItem(t, items, "nest/two", models.ItemNew, models.Text, true)
	h.wantItem(t, items, "object", models.ItemNew, models.JSON, true)
	h.wantItem(t, items, "gone", models.ItemProblem, "", false)
	h.apply(t, i, destinations.ImportChoice{Adopt: true})
	h.work(t, d)
	for name, want := range map[string]string{
		"one": "canary-1", "nest/two": "canary-2", "many": `{"password":"canary-p","port":5432,"user":"canary-u"}`, "object": `{"a":"canary-a"}`,
	} {
		s, got := h.secretNamed(t, name)
		status := models.StatusInSync
		if name == "many" {
			status = models.StatusForeign
		}
		_, version, custom := k.stands("production/" + name)
		if st := h.state(t, s, d); got != want || st.Status != status || version != 1.0 || (custom["keeper_owner"] == nil) != (name == "many") {
			t.Errorf("%s is %q, %s (%s), there at version %v with %v", name, got, st.Status, st.LastError, version, custom)
		}
	}
}

// The same at a destination that keeps objects as whole entries: all can be adopted as they
// are, and given back.
func TestImportFromVaultObjects(t *testing.T) {
	h, k, d := vaulted(t, models.ShapeObject)
	same, err := h.secrets.Create(t.Context(), admin, secrets.NewSecret{
		Environment: h.env.ID, Name: "many", Type: models.JSON, Value: plain("{\"user\": \"canary-u\",\n \"port\": 5432, \"password\": \"canary-p\"}"),
	})
	if err != nil {
		t.Fatal(err)
	}
	i := h.preview(t, d, destinations.ImportDraft{})
	items := h.items(t, i)
	h.wantItem(t, items, "one", models.ItemNew, models.Text, true)
	h.wantItem(t, items, "many", models.ItemEqual, models.JSON, true)
	h.wantItem(t, items, "object", models.ItemNew, models.Text, true)
	h.apply(t, i, destinations.ImportChoice{Adopt: true})
	h.work(t, d)
	for _, name := range []string{"one", "many", "nest/two", "object"} {
		s, _ := h.secretNamed(t, name)
		_, version, custom := k.stands("production/" + name)
		if st := h.state(t, s, d); st.Status != models.StatusInSync || version != 1.0 || custom["keeper_owner"] != "keeper_test" {
			t.Errorf("%s is %s (%s), there at version %v with %v", name, st.Status, st.LastError, version, custom)
		}
	}
	k.call("POST", "secret/metadata/production/many", map[string]any{"custom_metadata": map[string]string{
		"team": "payments", "keeper_owner": "keeper_test", "keeper_destination": string(d.ID), "keeper_secret": custom(t, k, "production/many")["keeper_secret"].(string),
	}})
	if err := h.Release(t.Context(), admin, d.ID, same.ID); err != nil {
		t.Fatal(err)
	}
	entry, version, left := k.stands("production/many")
	if len(left) != 1 || left["team"] != "payments" || version != 1.0 || len(entry) != 3 {
		t.Errorf("after the release: %v at version %v with %v", entry, version, left)
	}
	if st := h.state(t, same, d); st.Status != models.StatusForeign {
		t.Errorf("released: %s", st.Status)
	}
}

func custom(t *testing.T, k stranger, name string) map[string]any {
	t.Helper()
	_, _, all := k.stands(name)
	return all
}

// A secret for each key, wherever the entries are.
func TestImportKeysFromVault(t *testing.T) {
	h, _, d := vaulted(t, models.ShapeValue)
	i := h.preview(t, d, destinations.ImportDraft{Split: new(true)})
	h.wantItem(t, h.items(t, i), "many#password", models.ItemNew, models.Password, false)
	h.apply(t, i, destinations.ImportChoice{Adopt: true})
	for name, want := range map[string]string{"many/user": "canary-u", "many/password": "canary-p", "many/port": "5432", "object/a": "canary-a", "one": "canary-1"} {
		if _, got := h.secretNamed(t, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}
