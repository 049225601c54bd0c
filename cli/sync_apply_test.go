package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/your-org/keeper/api"
)

// TestApplyNamesWhatBegan has the list of destinations fail after runs began: they are named all
// the same, whether or not a plan was refused, and the failure is told.
func TestApplyNamesWhatBegan(t *testing.T) {
	items := []api.PlanItem{{SecretID: 1, SecretName: "a", Action: "create"}}
	for name, refuses := range map[string]bool{"AllBegan": false, "OneRefused": true} {
		t.Run(name, func(t *testing.T) {
			mux := http.NewServeMux()
			answer := func(w http.ResponseWriter, status int, v any) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(status)
				_ = json.NewEncoder(w).Encode(v)
			}
			refuse := func(w http.ResponseWriter, status int, says string) {
				w.Header().Set("Content-Type", "application/problem+json")
				w.WriteHeader(status)
				_ = json.NewEncoder(w).Encode(map[string]any{"title": "No", "status": status, "detail": says})
			}
			mux.HandleFunc("GET /api/sync/plans/{id}/items", func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Get("after") != "" {
					answer(w, http.StatusOK, api.PlanItemList{Items: []api.PlanItem{}})
					return
				}
				answer(w, http.StatusOK, api.PlanItemList{Items: items})
			})
			mux.HandleFunc("POST /api/sync/plans/{id}/apply", func(w http.ResponseWriter, r *http.Request) {
				if id := r.PathValue("id"); id == "pln_first" || !refuses {
					answer(w, http.StatusAccepted, api.SyncRun{ID: "run_of_" + id, DestinationID: "dst_of_" + id})
					return
				}
				refuse(w, http.StatusConflict, "It moved.")
			})
			mux.HandleFunc("GET /api/destinations", func(w http.ResponseWriter, _ *http.Request) {
				refuse(w, http.StatusForbidden, "Not any more.")
			})
			server := httptest.NewServer(mux)
			defer server.Close()
			plan := func(id string) savedPlan {
				return savedPlan{Plan: api.Plan{ID: id, Digest: "d"}, Destination: "aws", Items: items}
			}
			text, err := json.Marshal([]savedPlan{plan("pln_first"), plan("pln_second")})
			if err != nil {
				t.Fatal(err)
			}
			t.Chdir(t.TempDir())
			file := filepath.Join(t.TempDir(), "plans.json")
			if err := os.WriteFile(file, text, 0o600); err != nil {
				t.Fatal(err)
			}
			t.Setenv("KEEPER_URL", server.URL)
			t.Setenv("KEEPER_TOKEN", "kpr_test")
			var out, says bytes.Buffer
			code := Main(context.Background(), []string{"sync", "apply", file}, Stdio{In: strings.NewReader(""), Out: &out, Err: &says})
			if code != exitFailed {
				t.Errorf("it exits with %d", code)
			}
			begun, failure := []string{"run_of_pln_first over dst_of_pln_first", "run_of_pln_second over dst_of_pln_second"}, "Not any more."
			if refuses {
				begun, failure = begun[:1], "It moved."
			}
			for _, want := range append(begun, failure) {
				if !strings.Contains(says.String(), want) {
					t.Errorf("it says %q, and not %q", says.String(), want)
				}
			}
			if n := strings.Count(says.String(), "had begun"); n != len(begun) {
				t.Errorf("%d runs are named, want %d", n, len(begun))
			}
		})
	}
}
