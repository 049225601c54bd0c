//go:build vaultcore

package vaulttest

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// shape is what must be equal of two answers: texts, times and identifiers differ.
type shape struct {
	Status int
	Errors bool     // an errors list that is not empty
	Data   []string // the keys of data
	Inner  []string // the keys of data.metadata
	Value  any      // data.data
	Auth   bool
}

func shapeOf(t *testing.T, s *Server, method, path, body, kind, token string) shape {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+"/v1/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Vault-Token", token)
	req.Header.Set("Content-Type", kind)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Errors []string       `json:"errors"`
		Data   map[string]any `json:"data"`
		Auth   map[string]any `json:"auth"`
	}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &answer); err != nil {
			t.Fatalf("%s %s: %v", method, path, err)
		}
	}
	inner, _ := answer.Data["metadata"].(map[string]any)
	return shape{
		Status: resp.StatusCode, Errors: len(answer.Errors) > 0, Auth: answer.Auth != nil,
		Data: slices.Sorted(maps.Keys(answer.Data)), Inner: slices.Sorted(maps.Keys(inner)), Value: answer.Data["data"],
	}
}

// TestCoreAndEngineAnswerAlike plays one script to both and compares each answer, so that what passes on the engine
// may be expected to pass on a real Vault.
func TestCoreAndEngineAnswerAlike(t *testing.T) {
	engine := StartEngine(t, EngineOptions{})
	core := StartCore(t, CoreOptions{})
	const (
		data, meta = "secret/data/app/key", "secret/metadata/app/key"
		plain      = "application/json"
		merge      = "application/merge-patch+json"
	)
	for _, step := range []struct{ method, path, body, kind string }{
		{"GET", "sys/health", "", ""},
		{"GET", data, "", ""},
		{"GET", meta, "", ""},
		{"LIST", "secret/metadata", "", ""},
		{"DELETE", data, "", ""},
		{"DELETE", meta, "", ""},
		{"POST", "secret/undelete/app/key", `{"versions":[1]}`, plain},
		{"POST", data, `{"data":{"a":"1"},"options":{"cas":1}}`, plain},
		{"POST", data, `{"data":{"a":"1"},"options":{"cas":0}}`, plain},
		{"PUT", data, `{"data":{"a":"2","n":1},"options":{"cas":1}}`, plain},
		{"POST", data, `{"data":{"a":"3"},"options":{"cas":1}}`, plain},
		{"POST", data, `{"data":{"a":"3"},"options":{"cas":"x"}}`, plain},
		{"POST", data, `{"data":"a text"}`, plain},
		{"POST", data, `{}`, plain},
		{"POST", data, ``, plain},
		{"POST", data, `{"data":`, plain},
		{"POST", data + "/", `{"data":{}}`, plain},
		{"GET", data, "", ""},
		{"GET", data + "?version=1", "", ""},
		{"GET", data + "?version=9", "", ""},
		{"GET", data + "?version=x", "", ""},
		{"PATCH", data, `{"data":{"a":null,"b":"3"}}`, merge},
		{"PATCH", data, `{"data":{"a":null,"b":"3"},"options":{"cas":1}}`, merge},
		{"PATCH", data, `{"data":{}}`, plain},
		{"PATCH", "secret/data/missing", `{"data":{"b":"3"}}`, merge},
		{"GET", data, "", ""},
		{"POST", meta, `{"custom_metadata":{"one":"1"},"max_versions":5}`, plain},
		{"PATCH", meta, `{"custom_metadata":{"two":"2"}}`, merge},
		{"PATCH", "secret/metadata/missing", `{"custom_metadata":{"two":"2"}}`, merge},
		{"POST", meta, `{"custom_metadata":{"one":""}}`, plain},
		{"GET", meta, "", ""},
		{"GET", "secret/subkeys/app/key", "", ""},
		{"GET", "secret/subkeys/missing", "", ""},
		{"LIST", "secret/metadata/", "", ""},
		{"GET", "secret/metadata/app?list=true", "", ""},
		{"GET", "secret/metadata/app?list=perhaps", "", ""},
		{"LIST", "secret/metadata/missing", "", ""},
		{"DELETE", data, "", ""},
		{"GET", data, "", ""},
		{"GET", "secret/subkeys/app/key", "", ""},
		{"POST", "secret/undelete/app/key", `{"versions":[3]}`, plain},
		{"GET", data, "", ""},
		{"POST", "secret/delete/app/key", `{"versions":[1,2]}`, plain},
		{"PUT", "secret/destroy/app/key", `{"versions":[1]}`, plain},
		{"POST", "secret/destroy/app/key", `{}`, plain},
		{"GET", data + "?version=1", "", ""},
		{"POST", "secret/config", `{"max_versions":7}`, plain},
		{"GET", "secret/config", "", ""},
		{"GET", "secret/data", "", ""},
		{"GET", "secret/nothing/app", "", ""},
		{"POST", "secret/app", `{"data":{}}`, plain},
		{"GET", "elsewhere/data/key", "", ""},
		{"POST", "elsewhere/data/key", `{"data":{}}`, plain},
		{"OPTIONS", data, "", ""},
		{"GET", "secret//data/app/key", "", ""},
		{"GET", "secret/data/a%00b", "", ""},
		{"GET", "sys/nothing", "", ""},
		{"GET", "sys/internal/ui/mounts/elsewhere", "", ""},
		{"GET", "sys/mounts/elsewhere", "", ""},
		{"POST", "auth/token/renew-self", `{}`, plain},
		{"DELETE", meta, "", ""},
		{"GET", data, "", ""},
	} {
		t.Run(step.method+" "+step.path, func(t *testing.T) {
			want := shapeOf(t, core, step.method, step.path, step.body, step.kind, core.Token)
			got := shapeOf(t, engine, step.method, step.path, step.body, step.kind, engine.Token)
			// Fields that came with later versions of the engine.
			later := func(key string) bool { return key == "created_by" || key == "deleted_by" || key == "last_updated_by" }
			got.Data, got.Inner = slices.DeleteFunc(got.Data, later), slices.DeleteFunc(got.Inner, later)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, token := range []string{"", "other"} {
		for _, path := range []string{data, "sys/mounts", "auth/token/lookup-self", "elsewhere/data/key", "sys/internal/ui/mounts/secret"} {
			t.Run("Token "+token+" "+path, func(t *testing.T) {
				want := shapeOf(t, core, "GET", path, "", "", token)
				if diff := cmp.Diff(want, shapeOf(t, engine, "GET", path, "", "", token)); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}
