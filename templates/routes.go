package templates

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Route is one method and path that pages link or post to. Parts in braces are parameters.
type Route struct {
	Method string
	Path   string
}

// Routes are all that pages link to, post to or fetch. A test holds the pages to the list;
// the web holds its router to it.
var Routes = []Route{
	{"GET", "/sign-in"},
	{"POST", "/sign-in"},
	{"GET", "/sign-in/step"},
	{"POST", "/sign-in/step"},
	{"POST", "/sign-in/passkey/begin"},
	{"POST", "/sign-in/passkey"},
	{"GET", "/prove"}, // ?next= says where to go afterwards
	{"POST", "/prove"},
	{"POST", "/prove/passkey/begin"},
	{"POST", "/prove/passkey"},
	{"POST", "/sign-out"},
	{"GET", "/password"},
	{"POST", "/password"},

	{"GET", "/"},
	{"GET", "/search"}, // ?q= is looked for in everything that the actor may see
	{"POST", "/guide/hide"},
	{"GET", "/events"}, // server-sent events; ?topics= names what the page shows

	{"GET", "/secrets"},
	{"GET", "/secrets/new"},
	{"POST", "/secrets"},
	{"GET", "/secrets/deleted"},
	{"GET", "/secrets/bulk"}, // ?act= and ?id=, or ?all=true and a filter: see BulkPage
	{"POST", "/secrets/bulk"},
	{"GET", "/secrets/{secret}"},
	{"GET", "/secrets/{secret}/edit"},
	{"POST", "/secrets/{secret}/edit"},
	{"GET", "/secrets/{secret}/versions"},
	{"GET", "/secrets/{secret}/versions/new"},
	{"POST", "/secrets/{secret}/versions"},
	{"GET", "/secrets/{secret}/versions/diff"}, // ?from= and ?to= are the two versions
	{"POST", "/secrets/{secret}/versions/diff"},
	{"POST", "/secrets/{secret}/versions/{version}/reveal"},
	{"GET", "/secrets/{secret}/versions/{version}/rollback"},
	{"POST", "/secrets/{secret}/versions/{version}/rollback"},
	{"GET", "/secrets/{secret}/access"},
	{"GET", "/secrets/{secret}/activity"},
	{"GET", "/secrets/{secret}/delete"},
	{"POST", "/secrets/{secret}/delete"},
	{"POST", "/secrets/{secret}/undelete"},

	{"GET", "/environments"},
	{"GET", "/environments/new"},
	{"POST", "/environments"},
	{"GET", "/environments/{environment}"},
	{"GET", "/environments/{environment}/edit"},
	{"POST", "/environments/{environment}/edit"},
	{"GET", "/environments/{environment}/delete"},
	{"POST", "/environments/{environment}/delete"},
	{"GET", "/environments/{environment}/export"},
	{"POST", "/environments/{environment}/export"}, // answers with a file
	{"GET", "/environments/{environment}/destinations"},
	{"GET", "/environments/{environment}/destinations/new"},
	{"POST", "/environments/{environment}/destinations"},
	{"POST", "/environments/{environment}/destinations/test"},

	{"GET", "/environments/{environment}/members"},
	{"POST", "/environments/{environment}/members"},

	{"GET", "/environments/{environment}/keys"},
	{"GET", "/environments/{environment}/keys/recipients/new"},
	{"POST", "/environments/{environment}/keys/recipients"},
	{"GET", "/environments/{environment}/keys/recipients/remove"},
	{"POST", "/environments/{environment}/keys/recipients/remove"},
	{"GET", "/environments/{environment}/keys/rewrap"},
	{"POST", "/environments/{environment}/keys/rewrap"},
	{"GET", "/environments/{environment}/keys/reencrypt"},
	{"POST", "/environments/{environment}/keys/reencrypt"},
	{"POST", "/environments/{environment}/keys/drill"},

	{"GET", "/destinations/{destination}"},
	{"GET", "/destinations/{destination}/runs"},
	{"GET", "/destinations/{destination}/edit"},
	{"POST", "/destinations/{destination}/edit"},
	{"GET", "/destinations/{destination}/delete"},
	{"POST", "/destinations/{destination}/delete"},
	{"POST", "/destinations/{destination}/test"},
	{"POST", "/destinations/{destination}/sync"},
	{"POST", "/destinations/{destination}/pause"},
	{"POST", "/destinations/{destination}/resume"},
	{"GET", "/destinations/{destination}/receipts"},
	{"GET", "/destinations/{destination}/plans"},
	{"POST", "/destinations/{destination}/plans"},
	{"GET", "/destinations/{destination}/holds"},
	{"GET", "/destinations/{destination}/holds/{secret}"},
	{"POST", "/destinations/{destination}/holds/{secret}"},
	{"POST", "/destinations/{destination}/holds/{secret}/reveal"},

	{"GET", "/destinations/{destination}/imports"},
	{"GET", "/destinations/{destination}/imports/new"},
	{"POST", "/destinations/{destination}/imports"},
	{"GET", "/destinations/{destination}/copies/{secret}/release"},
	{"POST", "/destinations/{destination}/copies/{secret}/release"},

	{"GET", "/sync"},
	{"POST", "/sync"},
	{"POST", "/sync/pause"},
	{"POST", "/sync/resume"},
	{"GET", "/sync/plans/{plan}"},
	{"GET", "/sync/plans/{plan}/apply"},
	{"POST", "/sync/plans/{plan}/apply"},
	{"POST", "/sync/plans/{plan}/discard"},
	{"GET", "/sync/imports/{import}"},
	{"POST", "/sync/imports/{import}"},
	{"GET", "/sync/imports/{import}/names"},
	{"GET", "/sync/imports/{import}/apply"},
	{"POST", "/sync/imports/{import}/apply"},
	{"GET", "/sync/runs"},
	{"GET", "/sync/runs/{run}"},
	{"POST", "/sync/runs/{run}/retry"},
	{"GET", "/sync/runs/{run}/receipt"},
	{"GET", "/sync/runs/{run}/receipt/download"},
	{"POST", "/sync/runs/{run}/receipt/verify"},
	{"GET", "/sync/receipts/verify"},
	{"POST", "/sync/receipts/verify"},

	{"GET", "/alerts"},
	{"GET", "/alerts/channels"},
	{"GET", "/alerts/channels/new"},
	{"POST", "/alerts/channels"},
	{"GET", "/alerts/channels/{channel}/edit"},
	{"POST", "/alerts/channels/{channel}/edit"},
	{"POST", "/alerts/channels/{channel}/test"},
	{"GET", "/alerts/channels/{channel}/delete"},
	{"POST", "/alerts/channels/{channel}/delete"},
	{"GET", "/alerts/{alert}"},

	{"GET", "/keys"},
	{"POST", "/keys/test"},
	{"POST", "/keys/scrub"},
	{"GET", "/keys/rewrap"}, // ?key= names a wrapping key by its id
	{"POST", "/keys/rewrap"},
	{"GET", "/keys/runs"},
	{"GET", "/keys/runs/{run}"},
	{"GET", "/keys/runs/{run}/cancel"},
	{"POST", "/keys/runs/{run}/cancel"},

	{"GET", "/audit"},
	{"GET", "/audit/export"}, // ?format= is csv or jsonl; the log's filter

	{"GET", "/profile"},
	{"GET", "/profile/factors"},
	{"POST", "/profile/totp"},
	{"POST", "/profile/totp/confirm"},
	{"POST", "/profile/totp/remove"},
	{"POST", "/profile/recovery-codes"},
	{"POST", "/profile/passkeys/begin"},
	{"POST", "/profile/passkeys"},
	{"POST", "/profile/passkeys/{passkey}/rename"},
	{"POST", "/profile/passkeys/{passkey}/remove"},
	{"POST", "/profile/sessions/revoke-others"},
	{"POST", "/profile/sessions/{session}/revoke"},
	{"GET", "/tokens"},
	{"GET", "/tokens/new"},
	{"POST", "/tokens"},
	{"GET", "/tokens/leaked"},
	{"POST", "/tokens/leaked"},
	{"POST", "/tokens/{token}/revoke"},
	{"GET", "/tokens/{token}/rotate"},
	{"POST", "/tokens/{token}/rotate"},

	{"GET", "/saml/{provider}/sign-in"},
	{"POST", "/saml/{provider}/acs"},
	{"GET", "/saml/{provider}/metadata"},
	{"GET", "/saml/{provider}/certificate"},
	{"GET", "/saml/{provider}/slo"},
	{"POST", "/saml/{provider}/slo"},
	{"GET", "/admin/providers"},
	{"GET", "/admin/providers/new"},
	{"POST", "/admin/providers"},
	{"GET", "/admin/providers/{provider}"},
	{"GET", "/admin/providers/{provider}/edit"},
	{"POST", "/admin/providers/{provider}/edit"},
	{"POST", "/admin/providers/{provider}/switch"},
	{"POST", "/admin/providers/{provider}/refresh"},
	{"POST", "/admin/providers/{provider}/keys"},
	{"POST", "/admin/providers/{provider}/keys/use"},
	{"POST", "/admin/providers/{provider}/keys/remove"},
	{"POST", "/admin/providers/{provider}/groups"},
	{"POST", "/admin/providers/{provider}/people"},
	{"POST", "/admin/providers/{provider}/people/remove"},
	{"GET", "/admin/providers/{provider}/doctor"},
	{"POST", "/admin/providers/{provider}/doctor"},
	{"POST", "/admin/providers/{provider}/dry-run"},
	{"GET", "/admin/providers/{provider}/delete"},
	{"POST", "/admin/providers/{provider}/delete"},

	{"GET", "/admin/users"},
	{"GET", "/admin/users/new"},
	{"POST", "/admin/users"},
	{"GET", "/admin/users/{user}"},
	{"GET", "/admin/users/{user}/edit"},
	{"POST", "/admin/users/{user}/edit"},
	{"GET", "/admin/users/{user}/disable"},
	{"POST", "/admin/users/{user}/disable"},
	{"POST", "/admin/users/{user}/enable"},
	{"GET", "/admin/users/{user}/password"},
	{"POST", "/admin/users/{user}/password"},
	{"GET", "/admin/users/{user}/factors"},
	{"POST", "/admin/users/{user}/factors"},
	{"GET", "/admin/users/{user}/delete"},
	{"POST", "/admin/users/{user}/delete"},
	{"POST", "/admin/users/{user}/roles"},
	{"POST", "/admin/users/{user}/sessions/revoke-all"},
	{"POST", "/admin/users/{user}/sessions/{session}/revoke"},
	{"GET", "/admin/users/{user}/tokens/new"},
	{"POST", "/admin/users/{user}/tokens"},
	{"GET", "/admin/users/{user}/tokens/{token}/rotate"},
	{"POST", "/admin/users/{user}/tokens/{token}/rotate"},
	{"GET", "/admin/groups"},
	{"GET", "/admin/groups/new"},
	{"POST", "/admin/groups"},
	{"GET", "/admin/groups/{group}"},
	{"GET", "/admin/groups/{group}/edit"},
	{"POST", "/admin/groups/{group}/edit"},
	{"GET", "/admin/groups/{group}/delete"},
	{"POST", "/admin/groups/{group}/delete"},
	{"POST", "/admin/groups/{group}/members"},
	{"POST", "/admin/groups/{group}/members/remove"},
	{"POST", "/admin/groups/{group}/roles"},
	{"GET", "/admin/tokens"},
	{"GET", "/admin/access"},
}

// Path fills a route's parameters, each escaped as one segment: Path("/secrets/{secret}", 7).
// A path that is not in Routes, or a wrong number of parameters, is an error.
func Path(pattern string, parameters ...any) (string, error) {
	known := slices.ContainsFunc(Routes, func(r Route) bool { return r.Path == pattern })
	if !known {
		return "", fmt.Errorf("templates: %q is not in Routes", pattern)
	}
	var filled strings.Builder
	rest, used := pattern, 0
	for {
		before, after, found := strings.Cut(rest, "{")
		filled.WriteString(before)
		if !found {
			break
		}
		_, rest, _ = strings.Cut(after, "}")
		if used == len(parameters) {
			return "", fmt.Errorf("templates: too few parameters for %q", pattern)
		}
		segment := fmt.Sprint(parameters[used])
		if segment == "" || segment == "." || segment == ".." {
			return "", fmt.Errorf("templates: parameter %d of %q would change the path", used+1, pattern)
		}
		filled.WriteString(url.PathEscape(segment))
		used++
	}
	if used != len(parameters) {
		return "", fmt.Errorf("templates: too many parameters for %q", pattern)
	}
	return filled.String(), nil
}

// MustPath is Path for parameters that cannot be wrong: identifiers and slugs.
func MustPath(pattern string, parameters ...any) string {
	path, err := Path(pattern, parameters...)
	if err != nil {
		panic(err)
	}
	return path
}

// withQuery appends the pairs whose value is not empty.
func withQuery(path string, values url.Values) string {
	for key, all := range values {
		if len(all) == 0 || all[0] == "" {
			values.Del(key)
		}
	}
	if len(values) == 0 {
		return path
	}
	return path + "?" + values.Encode()
}
