package access

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/your-org/keeper/api"
)

// bodies are what is sent to the API's operations: JSON, or a query after "?". <name> stands
// for a thing of the place or of the caller.
var bodies = map[string]string{
	"POST /api/secrets":                             `{"name":"new","secret_type":"TEXT","value":"typed","environment_id":<environment>}`,
	"POST /api/secrets/bulk":                        `{"ids":[<secret>],"owner":"other","digest":"x"}`,
	"PUT /api/secrets/{id}":                         `{"value":"typed-3"}`,
	"PATCH /api/secrets/{id}":                       `{"description":"other"}`,
	"POST /api/secrets/{id}/rollback":               `{"version":1}`,
	"POST /api/environments":                        `{"name":"new"}`,
	"PUT /api/environments/{id}":                    `{"display_name":"New"}`,
	"PATCH /api/environments/{id}":                  `{"display_name":"New"}`,
	"POST /api/environments/{id}/recipients":        `{"kind":"kms","key":"k3"}`,
	"DELETE /api/environments/{id}/recipients":      `?kind=kms&key=k2`,
	"POST /api/environments/{id}/drills/answers":    `{"recipient":"age1x","data_key_id":"dk_x","nonce":"AAAA","answer":"AAAA"}`,
	"POST /api/destinations":                        `{"environment_id":<environment>,"name":"new","kind":"memory","config":{"prefix":"n/"},"credentials":{"vault_token":"x"}}`,
	"PATCH /api/destinations/{id}":                  `{"interval_seconds":120}`,
	"POST /api/destinations/{id}/holds/{secret}":    `{"side":"keeper","version":2,"remote_version":"<remote-version>"}`,
	"POST /api/destinations/{id}/imports":           `{"purpose":"import"}`,
	"POST /api/sync/imports/{id}/apply":             `{"adopt":true,"side":"remote"}`,
	"POST /api/sync":                                `{}`,
	"GET /api/sync/receipts/key":                    `?environment_id=<environment>`,
	"POST /api/sync/receipts/verify":                `{"receipt":"<receipt>"}`,
	"POST /api/sync/plans/{id}/apply":               `{"digest":"<digest>"}`,
	"POST /api/alert-channels":                      `{"environment_id":<environment>,"name":"new","kind":"webhook","address":"https://hooks.example.com/x"}`,
	"PATCH /api/alert-channels/{id}":                `{"name":"other"}`,
	"POST /api/keys/test":                           `{"environment_id":<environment>}`,
	"POST /api/key-runs":                            `{"kind":"rewrap","environment_id":<environment>}`,
	"POST /api/tokens":                              `{"name":"new"}`,
	"POST /api/tokens/revoke":                       `{"token":"<found-text>"}`,
	"POST /api/users":                               `{"username":"new"}`,
	"PATCH /api/users/{user}":                       `{"display_name":"Other"}`,
	"POST /api/users/{user}/tokens":                 `{"name":"new","actions":["users.view"]}`,
	"POST /api/providers":                           `{"name":"new","settings":{"metadata_url":"<metadata-url>"}}`,
	"PATCH /api/providers/{provider}":               `{"enabled":false}`,
	"PUT /api/providers/{provider}/people/{member}": `{"name_id":"new"}`,
	"POST /api/providers/{provider}/check":          `{"name_id":"lin"}`,
	"POST /api/groups":                              `{"name":"new"}`,
	"PATCH /api/groups/{group}":                     `{"description":"other"}`,
	"PUT /api/groups/{group}/environments/{id}":     `{"role":"viewer"}`,
	"PUT /api/environments/{id}/members/{member}":   `{"role":"viewer"}`,
	"GET /api/access/explain":                       `?action=secret.reveal&environment_id=<environment>&who=<user-name>`,
	"GET /api/access/who-can":                       `?action=secret.reveal&environment_id=<environment>`,
}

// TestOperations asks every operation of the API as every program.
func TestOperations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := matrix{world: w, kind: "operation", forms: "bodies in test/access/operation_test.go"}
	document, err := openapi3.NewLoader().LoadFromData(api.Document)
	must(t, err)
	for path, item := range document.Paths.Map() {
		for method := range item.Operations() {
			m.asked = append(m.asked, method+" "+path)
		}
	}
	slices.Sort(m.asked)
	m.callers = w.programs(w.watch, w.here, w.away)
	m.ask = func(t *testing.T, e entry, c *caller) reply {
		method, _ := cut(e.asked)
		target, body := w.path(t, e.asked, c), bodies[e.asked]
		if query, is := strings.CutPrefix(body, "?"); is {
			return w.ask(t, method, target+"?"+w.filled(t, e.asked, query, c, url.QueryEscape), "application/json", "", c)
		}
		return w.ask(t, method, target, "application/json", w.filled(t, e.asked, body, c, asJSON), c)
	}
	m.run(t)
}
