package pages

import (
	"slices"
	"strings"
	"testing"

	"github.com/your-org/keeper/templates"
)

// walked are the pages, and how each is opened: paths whose parameters are ids of the house.
// "" is the route itself.
var walked = map[string][]string{
	"/":                 {""},
	"/prove":            {"/prove?next=/admin/users"},
	"/password":         {""},
	"/secrets":          {"", "/secrets?environment=production&q=payments&sort=updated", "/secrets?q=nothing-is-called-so"},
	"/secrets/new":      {"/secrets/new?environment=production"},
	"/secrets/deleted":  {""},
	"/secrets/bulk":     {"/secrets/bulk?act=edit&all=true&q=payments&new_owner=Payments", "/secrets/bulk?act=tag&all=true&environment=production", "/secrets/bulk?act=delete&all=true&q=payments", "/secrets/bulk?act=sync&all=true&q=payments"},
	"/search":           {"", "?q=payments", "?q=nothing-is-called-so"},
	"/secrets/{secret}": {"", "/secrets/{payments/db/password}", "/secrets/{" + long + "}"},

	"/secrets/{secret}/edit":                        {""},
	"/secrets/{secret}/versions":                    {""},
	"/secrets/{secret}/versions/new":                {"", "/secrets/{payments/config}/versions/new", "/secrets/{web/flags}/versions/new"},
	"/secrets/{secret}/versions/{version}/rollback": {""},
	"/secrets/{secret}/versions/diff":               {""},
	"/secrets/{secret}/access":                      {""},
	"/secrets/{secret}/activity":                    {""},
	"/secrets/{secret}/delete":                      {""},

	"/environments":                                       {""},
	"/environments/new":                                   {""},
	"/environments/{environment}":                         {"", "/environments/development"},
	"/environments/{environment}/edit":                    {""},
	"/environments/{environment}/delete":                  {"", "/environments/development/delete"},
	"/environments/{environment}/export":                  {""},
	"/environments/{environment}/destinations":            {"", "/environments/development/destinations"},
	"/environments/{environment}/destinations/new":        {"", "?kind=aws_secrets_manager", "?kind=vault_kv_v2"},
	"/environments/{environment}/members":                 {""},
	"/environments/{environment}/keys":                    {"", "/environments/development/keys"},
	"/environments/{environment}/keys/recipients/new":     {"?kind=kms", "?kind=recovery"},
	"/environments/{environment}/keys/recipients/remove":  {"?kind=kms&key={recipient}"},
	"/environments/{environment}/keys/rewrap":             {""},
	"/environments/{environment}/keys/reencrypt":          {""},
	"/destinations/{destination}":                         {"", "/destinations/{away}"},
	"/destinations/{destination}/runs":                    {""},
	"/destinations/{destination}/edit":                    {"", "/destinations/{away}/edit"},
	"/destinations/{destination}/delete":                  {""},
	"/destinations/{destination}/receipts":                {""},
	"/destinations/{destination}/plans":                   {""},
	"/destinations/{destination}/holds":                   {""},
	"/destinations/{destination}/holds/{secret}":          {"/destinations/{destination}/holds/{held}"},
	"/destinations/{destination}/imports":                 {""},
	"/destinations/{destination}/imports/new":             {"", "?purpose=adopt"},
	"/destinations/{destination}/copies/{secret}/release": {""},

	"/sync":                        {""},
	"/sync/plans/{plan}":           {"", "?action=create", "/sync/plans/{moved-plan}"},
	"/sync/plans/{plan}/apply":     {""},
	"/sync/imports/{import}":       {"", "/sync/imports/{adoption}", "/sync/imports/{imported}"},
	"/sync/imports/{import}/apply": {"", "/sync/imports/{adoption}/apply"},
	"/sync/runs":                   {""},
	"/sync/runs/{run}":             {"", "/sync/runs/{failed-run}", "/sync/runs/{moved-run}"},
	"/sync/runs/{run}/receipt":     {""},

	"/sync/receipts/verify": {""},

	"/alerts":                           {""},
	"/alerts/{alert}":                   {""},
	"/alerts/channels":                  {""},
	"/alerts/channels/new":              {"", "?kind=webhook", "?kind=email"},
	"/alerts/channels/{channel}/edit":   {""},
	"/alerts/channels/{channel}/delete": {""},

	"/keys":                   {""},
	"/keys/rewrap":            {"?key={key}", "?key={recipient}"},
	"/keys/runs":              {""},
	"/keys/runs/{run}":        {"/keys/runs/{key-run}", "/keys/runs/{running}"},
	"/keys/runs/{run}/cancel": {"/keys/runs/{running}/cancel"},
	"/audit":                  {"", "/audit?action=secret.create&outcome=allowed"},

	"/profile":               {""},
	"/profile/factors":       {""},
	"/tokens":                {""},
	"/tokens/new":            {""},
	"/tokens/leaked":         {""},
	"/tokens/{token}/rotate": {""},

	"/admin/providers":                   {""},
	"/admin/providers/new":               {""},
	"/admin/providers/{provider}":        {"", "?q=LIN", "?q=nobody-is-named-so"},
	"/admin/providers/{provider}/edit":   {""},
	"/admin/providers/{provider}/doctor": {""},
	"/admin/providers/{provider}/delete": {""},

	"/admin/users":                              {"", "?kind=service"},
	"/admin/users/new":                          {""},
	"/admin/users/{user}":                       {"", "/admin/users/{service}"},
	"/admin/users/{user}/edit":                  {""},
	"/admin/users/{user}/disable":               {""},
	"/admin/users/{user}/password":              {""},
	"/admin/users/{user}/factors":               {""},
	"/admin/users/{user}/delete":                {""},
	"/admin/users/{user}/tokens/new":            {"/admin/users/{service}/tokens/new"},
	"/admin/users/{user}/tokens/{token}/rotate": {"/admin/users/{service}/tokens/{service-token}/rotate"},
	"/admin/groups":                             {""},
	"/admin/groups/new":                         {""},
	"/admin/groups/{group}":                     {""},
	"/admin/groups/{group}/edit":                {""},
	"/admin/groups/{group}/delete":              {""},
	"/admin/tokens":                             {""},
	"/admin/access":                             {"", "?user=lin&environment=production"},
}

// apart are the routes that are no pages, and the pages that the walk opens otherwise.
var apart = map[string]string{
	"/sign-in":                          "for who is not signed in; SignedOut walks it",
	"/events":                           "a stream",
	"/sync/imports/{import}/names":      "a file",
	"/sync/runs/{run}/receipt/download": "a file",
	"/audit/export":                     "a file",
	"/saml/{provider}/sign-in":          "sends on to the identity provider",
	"/saml/{provider}/metadata":         "XML, for the identity provider",
	"/saml/{provider}/certificate":      "a file",
	"/saml/{provider}/slo":              "for the identity provider's redirects",
	"/sign-in/step":                     "it follows a password; SecondStep walks it",
}

// beside are pages of what is not there.
var beside = []string{"/secrets/4711", "/no/such/page"}

// reference are pages of the API's reference, which anybody may read: all are of three sorts.
var reference = []string{"/docs", "/docs/secrets", "/docs/access", "/docs/types"}

// TestEveryPageIsWalked fails for a page that has no entry, and for an entry of no page.
func TestEveryPageIsWalked(t *testing.T) {
	var known []string
	for _, r := range templates.Routes {
		if r.Method != "GET" {
			continue
		}
		known = append(known, r.Path)
		if len(walked[r.Path]) == 0 && apart[r.Path] == "" {
			t.Errorf("the page %s is not walked: say in test/pages/routes_test.go how it is opened", r.Path)
		}
	}
	for path := range walked {
		if !slices.Contains(known, path) {
			t.Errorf("%s is walked, and no page", path)
		}
	}
	for path := range apart {
		if !slices.Contains(known, path) {
			t.Errorf("%s is kept apart, and no route", path)
		}
	}
}

// paths are all pages as they are opened in a house, in order.
func paths(h *house) []string {
	var all []string
	for route, ways := range walked {
		for _, way := range ways {
			if !strings.HasPrefix(way, "/") {
				way = route + way
			}
			all = append(all, h.fill(way))
		}
	}
	all = append(append(all, beside...), reference...)
	slices.Sort(all)
	return all
}
