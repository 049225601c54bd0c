package client

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/api"
)

// TestKeyRequests sees how the calls about keys are spelled.
func TestKeyRequests(t *testing.T) {
	var got, body string
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		sent, _ := io.ReadAll(r.Body)
		got, body = r.Method+" "+r.RequestURI, string(sent)
		fmt.Fprint(w, `{"id":"krn_1","status":"queued","items":[]}`)
	})
	ctx, production := t.Context(), api.EnvironmentNamed("production")
	nonce := base64.StdEncoding.EncodeToString([]byte("nonce"))
	for want, call := range map[string]func() error{
		"GET /api/keys ":                         func() error { _, err := c.ListKeys(ctx); return err },
		"GET /api/environments/production/keys ": func() error { _, err := c.ListEnvironmentKeys(ctx, production); return err },
		"POST /api/keys/test {\"environment_id\":\"production\"}\n": func() error {
			_, err := c.TestKeys(ctx, api.KeyTest{EnvironmentID: production})
			return err
		},
		"POST /api/environments/production/recipients {\"key\":\"age1x\",\"kind\":\"recovery\",\"label\":\"safe\"}\n": func() error {
			_, err := c.AddRecipient(ctx, production, api.NewRecipient{Kind: api.RecipientRecovery, Key: "age1x", Label: "safe"})
			return err
		},
		"DELETE /api/environments/production/recipients?key=arn%3Aaws%3Akms%3Aeu-west-1%3A1%3Akey%2Fx&kind=kms ": func() error {
			_, err := c.RemoveRecipient(ctx, production, api.RemoveRecipientParams{Kind: api.RecipientKMS, Key: "arn:aws:kms:eu-west-1:1:key/x"})
			return err
		},
		"POST /api/environments/production/drills ": func() error { _, err := c.Drill(ctx, production); return err },
		"POST /api/environments/production/drills/answers {\"answer\":\"YQ==\",\"data_key_id\":\"dek_1\",\"nonce\":\"" + nonce + "\",\"recipient\":\"age1x\"}\n": func() error {
			_, err := c.AnswerDrill(ctx, production, api.DrillAnswer{Recipient: "age1x", DataKeyID: "dek_1", Nonce: []byte("nonce"), Answer: []byte("a")})
			return err
		},
		"POST /api/key-runs {\"environment_id\":7,\"kind\":\"rewrap\",\"to_key\":\"alias/b\"}\n": func() error {
			_, err := c.StartKeyRuns(ctx, api.NewKeyRun{Kind: api.KeyRewrap, EnvironmentID: api.EnvironmentByID(7), ToKey: "alias/b"})
			return err
		},
		"GET /api/key-runs?environment_id=production&kind=scrub ": func() error {
			_, err := c.ListKeyRuns(ctx, api.ListKeyRunsParams{Kind: api.KeyScrub, EnvironmentID: "production"})
			return err
		},
		"GET /api/key-runs/krn_1 ":         func() error { _, err := c.GetKeyRun(ctx, "krn_1"); return err },
		"POST /api/key-runs/krn_1/cancel ": func() error { _, err := c.CancelKeyRun(ctx, "krn_1"); return err },
		"GET /api/key-runs/krn_1/findings?cursor=9 ": func() error {
			_, err := c.ListKeyFindings(ctx, "krn_1", api.ListKeyFindingsParams{Cursor: "9"})
			return err
		},
	} {
		if err := call(); err != nil {
			t.Errorf("%s: %v", want, err)
		}
		if diff := cmp.Diff(want, got+" "+body); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	}
}

// TestKeyPages goes over findings and runs to their end.
func TestKeyPages(t *testing.T) {
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		next := map[string]string{"": "1", "1": "2", "2": ""}[r.URL.Query().Get("cursor")]
		if r.URL.Path == "/api/key-runs" {
			fmt.Fprintf(w, `{"items":[{"id":"krn_x"}],"next":%q}`, next)
			return
		}
		fmt.Fprintf(w, `{"items":[{"object":"a"}],"next":%q}`, next)
	})
	if runs, err := Collect(c.KeyRuns(t.Context(), api.ListKeyRunsParams{})); err != nil || len(runs) != 3 || runs[2].ID != "krn_x" {
		t.Errorf("runs: got %+v, %v", runs, err)
	}
	if found, err := Collect(c.KeyFindings(t.Context(), "krn_x")); err != nil || len(found) != 3 || found[2].Object != "a" {
		t.Errorf("findings: got %+v, %v", found, err)
	}
}
