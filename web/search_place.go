package web

import (
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/rank"
	"github.com/your-org/keeper/templates"
)

// place is a page, or something to begin, that is found by its name or other words for it.
type place struct {
	label, url, icon string
	words            string // that people may say instead, in lower case
	may              func(*request) (bool, error)
}

// places are where the palette leads. Those that are named for what they begin come first:
// without a query, all are offered in this order.
func (w *Web) places() []place {
	return []place{
		{"New secret", "/secrets/new", "plus-lg", "create add generate password", anywhere(auth.WriteSecret)},
		{"New environment", "/environments/new", "plus-lg", "create add", globally(auth.CreateEnvironment)},
		{"New API token", "/tokens/new", "plus-lg", "create add", everybody},
		{"New account", "/admin/users/new", "plus-lg", "create add user person service", globally(auth.ManageUsers)},
		{"New group", "/admin/groups/new", "plus-lg", "create add", globally(auth.ManageUsers)},
		{"New alert channel", "/alerts/channels/new", "plus-lg", "create add webhook e-mail", anywhere(auth.ManageAlerts)},
		{"Overview", "/", "grid-1x2", "dashboard home start", everybody},
		{"Secrets", "/secrets", "key", "", everybody},
		{"Deleted secrets", "/secrets/deleted", "trash", "undelete restore bin", everybody},
		{"Sync", "/sync", "arrow-repeat", "destinations status", everybody},
		{"Sync runs", "/sync/runs", "clock-history", "history", everybody},
		{"Failed runs", "/sync/runs?status=failed", "x-circle-fill", "history errors", everybody},
		{"Alerts", "/alerts", "bell", "notices", everybody},
		{"Alert channels", "/alerts/channels", "bell", "webhook e-mail", everybody},
		{"Environments", "/environments", "layers", "", everybody},
		{"Keys", "/keys", "shield-lock", "kms encryption wrapping", globally(auth.ViewKeys)},
		{"Key runs", "/keys/runs", "clock-history", "re-wrap scrub history", globally(auth.ViewKeys)},
		{"Audit log", "/audit", "journal-text", "activity history", w.mayReadAudit},
		{"Accounts", "/admin/users", "people", "users people admin", globally(auth.ViewUsers)},
		{"Groups", "/admin/groups", "people", "admin", globally(auth.ViewUsers)},
		{"Everybody's tokens", "/admin/tokens", "terminal", "api admin", globally(auth.ViewUsers)},
		{"Identity providers", "/admin/providers", "shield-lock", "saml okta sso single sign-on admin", globally(auth.ViewUsers)},
		{"Who may do what", "/admin/access", "question-circle", "access explain permissions roles", everybody},
		{"Profile and sessions", "/profile", "person", "me account sign out", everybody},
		{"Sign-in factors", "/profile/factors", "shield-lock", "passkey authenticator second factor recovery codes", everybody},
		{"API tokens", "/tokens", "terminal", "", everybody},
		{"A leaked token", "/tokens/leaked", "exclamation-triangle-fill", "revoke stolen found", everybody},
		{"Change password", "/password", "key", "", everybody},
		{"API reference", "/docs", "braces", "openapi rest", everybody},
	}
}

func everybody(*request) (bool, error) { return true, nil }

func globally(action auth.Action) func(*request) (bool, error) {
	return func(r *request) (bool, error) { return r.may(action, auth.Global), nil }
}

// anywhere asks for an action in one environment at least.
func anywhere(action auth.Action) func(*request) (bool, error) {
	return func(r *request) (bool, error) {
		all, err := r.inEnvironments(action)
		return len(all) > 0, err
	}
}

// findPlaces finds pages and what can be begun, also what is done within an environment.
// Without words it is all places.
func (w *Web) findPlaces(r *request, words rank.Words) ([]candidate, error) {
	var open []place
	for _, p := range w.places() {
		may, err := p.may(r)
		if err != nil {
			return nil, err
		}
		if may {
			open = append(open, p)
		}
	}
	as := func(p place) templates.Found { return templates.FoundPlace(p.label, p.icon, p.url) }
	if len(words) == 0 {
		all := make([]candidate, len(open))
		for i, p := range open {
			all[i].Found = as(p)
		}
		return all, nil
	}
	inside, err := r.placesInside()
	return fitting(words, append(open, inside...), func(p place) []string { return []string{p.label, p.words} }, as), err
}

// placesInside are those of each environment that the actor may see.
func (r *request) placesInside() ([]place, error) {
	environments, err := r.allEnvironments()
	var all []place
	for _, e := range environments {
		all = append(all,
			place{label: "Secrets in " + e.DisplayName, url: templates.SecretFilter{Environment: e.Name}.URL(), icon: "key", words: e.Name},
			place{label: "Destinations of " + e.DisplayName, url: templates.MustPath("/environments/{environment}/destinations", e.Name), icon: "hdd-network", words: e.Name},
		)
		if r.may(auth.ManageDestination, e.ID) {
			all = append(all, place{
				label: "Connect a destination to " + e.DisplayName, icon: "plus-lg", words: e.Name + " new add aws vault",
				url: templates.MustPath("/environments/{environment}/destinations/new", e.Name),
			})
		}
		if r.may(auth.ViewMembers, e.ID) {
			all = append(all, place{
				label: "Members of " + e.DisplayName, icon: "people", words: e.Name + " roles access people",
				url: templates.MustPath("/environments/{environment}/members", e.Name),
			})
		}
	}
	return all, err
}
