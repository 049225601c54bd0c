package access

import (
	"cmp"
	"net/url"
	"strings"
	"testing"

	"github.com/your-org/keeper/static"
	"github.com/your-org/keeper/templates"
	"github.com/your-org/keeper/web"
)

// forms are what is sent to the pages that change something, where an empty form would be
// refused for what is in it before it is asked who sends it. <name> stands for a thing of the
// place or of the caller.
var forms = map[string]string{
	"POST /sign-in":                                           "username=<user-name>&password=violet+harbour+lantern",
	"POST /password":                                          "current_password=violet+harbour+lantern&new_password=other+harbour+lantern+7&repeat_password=other+harbour+lantern+7",
	"POST /prove":                                             "code=<code>",
	"POST /secrets":                                           "environment_id=<environment>&name=new&secret_type=TEXT&value=typed",
	"GET /secrets/bulk":                                       "act=edit&id=<secret>",
	"POST /secrets/bulk":                                      "act=edit&id=<secret>&take=<secret>&new_owner=other&digest=x",
	"GET /audit/export":                                       "format=csv",
	"POST /secrets/{secret}/edit":                             "description=other&revision=2",
	"POST /secrets/{secret}/versions":                         "value=typed-3&revision=2",
	"POST /secrets/{secret}/versions/diff":                    "from=1&to=2",
	"POST /secrets/{secret}/delete":                           "confirm=<secret-name>",
	"POST /environments":                                      "name=new&display_name=New",
	"POST /environments/{environment}/edit":                   "display_name=New&color=green&revision=1",
	"POST /environments/{environment}/delete":                 "confirm=<environment-name>",
	"POST /environments/{environment}/destinations":           "name=new&kind=memory&credentials.vault_token=x",
	"POST /environments/{environment}/destinations/test":      "name=new&kind=memory&credentials.vault_token=x",
	"POST /environments/{environment}/keys/recipients":        "kind=kms&key=k3&confirm=<environment-name>",
	"POST /sign-in/passkey":                                   "response=<passkey-response>",
	"POST /prove/passkey":                                     "response=<prove-response>",
	"POST /sign-in/step":                                      "code=<halfway-code>",
	"GET /environments/{environment}/keys/recipients/new":     "kind=kms",
	"GET /environments/{environment}/keys/recipients/remove":  "kind=kms&key=k2",
	"POST /environments/{environment}/keys/recipients/remove": "kind=kms&key=k2&confirm=<environment-name>",
	"POST /environments/{environment}/keys/rewrap":            "confirm=<environment-name>",
	"POST /environments/{environment}/keys/reencrypt":         "confirm=<environment-name>",
	"POST /destinations/{destination}/edit":                   "name=<destination-name>&config.strategy=keeper_wins&config.prefix=<prefix>&revision=1",
	"POST /destinations/{destination}/delete":                 "confirm=<destination-name>",
	"POST /destinations/{destination}/holds/{secret}":         "side=keeper&version=2&remote_version=<remote-version>",
	"POST /destinations/{destination}/imports":                "purpose=import&prefix=<prefix>",
	"POST /sync/imports/{import}":                             "shown=1-2&take=1&go=all",
	"POST /sync/imports/{import}/apply":                       "adopt=true&side=remote",
	"POST /sync/receipts/verify":                              "text=<receipt>",
	"POST /sync/runs/{run}/receipt/verify":                    "read_again=true",
	"POST /alerts/channels":                                   "environment_id=<environment>&name=new&kind=webhook&address=https%3A%2F%2Fhooks.example.com%2Fx",
	"POST /alerts/channels/{channel}/edit":                    "name=other&address=https%3A%2F%2Fhooks.example.com%2Fx&enabled=true&revision=1",
	"POST /alerts/channels/{channel}/delete":                  "confirm=<channel-name>",
	"POST /sync/plans/{plan}/apply":                           "digest=<digest>&confirm=<destination-name>",
	"POST /keys/test":                                         "environment=<environment>",
	"GET /keys/rewrap":                                        "key=k",
	"POST /keys/rewrap":                                       "key=k&seen=<environment-name>+primary&to_key=k3&confirm=k",
	"GET /events":                                             "topics=sync+secrets",
	"POST /environments/{environment}/members":                "user=<user-name>&role=viewer",
	"POST /tokens/leaked":                                     "token=<found-text>",
	"POST /admin/users":                                       "kind=person&username=new&role=user",
	"POST /admin/users/{user}/edit":                           "display_name=Other&role=user",
	"POST /admin/users/{user}/delete":                         "confirm=<user-name>",
	"POST /admin/users/{user}/roles":                          "environment=<environment>&role=viewer",
	"POST /admin/users/{user}/tokens":                         "name=new&expires_in_days=7",
	"POST /admin/users/{user}/tokens/{token}/rotate":          "overlap=1",
	"POST /admin/groups":                                      "name=new&role=user",
	"POST /admin/groups/{group}/edit":                         "name=other&role=user",
	"POST /admin/groups/{group}/delete":                       "confirm=<group-name>",
	"POST /admin/groups/{group}/members":                      "user=<user-name>",
	"POST /admin/groups/{group}/members/remove":               "user=<user-name>",
	"POST /admin/groups/{group}/roles":                        "environment=<environment>&role=viewer",
	"POST /admin/providers":                                   "name=new&metadata_url=<metadata-url>",
	"POST /admin/providers/{provider}/edit":                   "display_name=Other&metadata_url=<metadata-url>",
	"POST /admin/providers/{provider}/switch":                 "enabled=false",
	"POST /admin/providers/{provider}/keys/use":               "fingerprint=<fingerprint>",
	"POST /admin/providers/{provider}/keys/remove":            "fingerprint=<fingerprint>",
	"POST /admin/providers/{provider}/groups":                 "group=new&role=user",
	"POST /admin/providers/{provider}/people":                 "user=halfway&name_id=new",
	"POST /admin/providers/{provider}/people/remove":          "user=<user-name>",
	"POST /admin/providers/{provider}/doctor":                 "response=eA",
	"POST /admin/providers/{provider}/dry-run":                "name_id=lin",
	"POST /admin/providers/{provider}/delete":                 "confirm=<provider-name>",
	"POST /tokens/{token}/rotate":                             "overlap=1",
	"POST /tokens":                                            "name=new&expires_in_days=7",
	"POST /profile/passkeys/{passkey}/rename":                 "name=other",
}

// below are paths of what is served at all that begin with one.
var below = map[string]string{"GET /static/": static.URL("keeper.css"), "GET /docs/": "/docs/reference.css", "GET /problems/": "/problems/not_found"}

// TestPages asks every page, and what is served beside them, as every visitor.
func TestPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := matrix{world: w, kind: "page", forms: "forms in test/access/page_test.go"}
	for _, route := range templates.Routes {
		m.asked = append(m.asked, route.Method+" "+route.Path)
	}
	for _, pattern := range web.Beside() {
		m.asked = append(m.asked, "GET "+strings.TrimPrefix(pattern, "GET "))
	}
	m.callers = w.visitors(w.watch, w.here, w.away)
	m.ask = func(t *testing.T, e entry, c *caller) reply {
		method, _ := cut(e.asked)
		target, form := cmp.Or(below[e.asked], w.path(t, e.asked, c)), w.filled(t, e.asked, forms[e.asked], c, url.QueryEscape)
		if method == "GET" && form != "" {
			target, form = target+"?"+form, ""
		}
		return w.ask(t, method, target, "application/x-www-form-urlencoded", form, c)
	}
	m.run(t)
}
