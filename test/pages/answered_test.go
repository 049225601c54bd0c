package pages

import (
	"slices"
	"strings"
	"testing"

	"github.com/your-org/keeper/test/browser"
	"github.com/your-org/keeper/test/scenes"
)

// answer is a page that no address opens: it stands after somebody has done something.
type answer struct {
	name  string
	at    string // the page on which it is done; parameters are ids of the house
	does  string // JavaScript, as in package scenes
	title string // of the page that stands then
	shows string // selector of what it shows then, and did not before
	focus string // selector of what has the focus then; "": nothing in particular
	stays bool   // the page is the one on which it is done
	phone bool   // it is on phones alone
	may   string // what the console may say: the refusal that it is
}

// refused is a form that is sent back with what is wrong, and begins at that.
func refused(name, at, does, title string) answer {
	return answer{name: name, at: at, does: does, title: title, shows: "#summary", focus: "#summary", may: "status of 400"}
}

// moved is a form that is sent back since what it was about is not any more what it was filled
// from.
func moved(name, at, does, title string) answer {
	a := refused(name, at, does, title)
	a.may = "status of 409"
	return a
}

// answered are the pages that are answers, and what opens over a page.
var answered = []answer{
	{name: "Palette", at: "/secrets", does: scenes.Palette, title: "Secrets", shows: "#palette [role=option]", focus: "#palette-query", stays: true},
	{name: "Sidebar", at: "/secrets", does: scenes.Sidebar, title: "Secrets", shows: "#sidebar.show:not(.showing)", focus: "#sidebar", stays: true, phone: true},
	{name: "UserMenu", at: "/secrets", does: scenes.UserMenu, title: "Secrets", shows: ".user-menu[open] form", stays: true},
	{name: "Filter", at: "/secrets", does: scenes.Filter, title: "Secrets", shows: "#results details[open]", stays: true},

	{name: "Value", at: "/secrets/{secret}", does: scenes.Press("[data-reveal-button]"), title: "payments/stripe/api-key", shows: ".secret-shown", stays: true},
	{name: "ValuePage", at: "/secrets/{secret}", does: scenes.Send("form[data-reveal]"), title: "Value", shows: "[data-shown]"},
	{name: "HoldSides", at: "/destinations/{destination}/holds/{held}", does: scenes.Press("[data-reveal-button]"), title: "payments/db/password", shows: ".side:first-child:has(.secret-shown) ~ .side .secret-shown", stays: true},
	{name: "HoldPage", at: "/destinations/{destination}/holds/{held}", does: scenes.Send(".side ~ .side form[data-reveal]"), title: "Value at aws", shows: "[data-shown]"},
	{name: "Difference", at: "/secrets/{secret}/versions/diff", does: scenes.Fill("form[data-reveal-part]"), title: "Compare versions", shows: "#difference .diff-text", focus: "#difference", stays: true},
	{name: "DifferencePage", at: "/secrets/{secret}/versions/diff", does: scenes.Send("form[data-reveal-part]"), title: "Compare versions", shows: "#difference .diff-text"},

	{name: "Token", at: "/tokens/new", does: scenes.NewToken, title: "Token created", shows: "[data-shown]"},
	{name: "TokenOfService", at: "/admin/users/{service}/tokens/new", does: scenes.NewToken, title: "Token created", shows: "[data-shown]"},
	{name: "Account", at: "/admin/users/new", does: scenes.NewUser, title: "One-time password", shows: "[data-shown]"},
	{name: "NewPassword", at: "/admin/users/{user}/password", does: scenes.Fill("form.form-sheet"), title: "One-time password", shows: "[data-shown]"},
	{name: "ChannelKey", at: "/alerts/channels/new?kind=webhook", does: scenes.Fill("form.form-sheet", "#f-name", "pager", "#f-address", "http://127.0.0.1:9/keeper"), title: "Signing key", shows: "[data-shown]"},
	{name: "AuthenticatorApp", at: "/profile/factors", does: scenes.NewTOTP, title: "Authenticator app", shows: "#f-code", focus: "#f-code"},

	{name: "KeyTest", at: "/keys", does: scenes.Press("#act-test"), title: "Connection test", shows: "table"},
	{name: "KeyTestOfEnvironment", at: "/environments/{environment}/keys", does: scenes.Press("#act-test"), title: "Connection test", shows: "table"},
	{name: "Drill", at: "/environments/{environment}/keys", does: scenes.Press("#act-drill"), title: "Drill", shows: "#results-title"},
	{name: "PermissionTest", at: "/destinations/{destination}", does: scenes.Press("form[action$='/test'] button"), title: "aws", shows: "#permissions"},
	{name: "PermissionTestRefused", at: "/destinations/{away}", does: scenes.Press("form[action$='/test'] button"), title: "standby", shows: "#permissions"},
	{name: "ReceiptReadAgain", at: "/sync/runs/{run}/receipt", does: scenes.Press("#act-verify"), title: "Receipt", shows: "#again-title"},
	{name: "ChannelTest", at: "/alerts/channels", does: scenes.Press("form[action$='{channel}/test'] button"), title: "Channels", shows: ".flash"},
	{name: "Doctor", at: "/admin/providers/{provider}/doctor", does: scenes.Fill("form[action$='/doctor']", "#f-response", "<Response>of something else</Response>"), title: "SAML doctor", shows: "#found-title"},
	{name: "DryRun", at: "/admin/providers/{provider}/doctor", does: scenes.Fill("form[action$='/dry-run']", "#f-name-id", "lin@okta.example", "#f-groups", "keeper-devs"), title: "SAML doctor", shows: "#dry-title"},

	refused("RefusedSecret", "/secrets/new?environment=production", scenes.RefusedSecret, "New secret"),
	refused("RefusedVersion", "/secrets/{payments/config}/versions/new", scenes.Fill("form[action$='/versions']", "#f-value", "{"), "New version"),
	refused("RefusedEnvironment", "/environments/new", scenes.RefusedEnvironment, "New environment"),
	refused("RefusedDestination", "/environments/production/destinations/new?kind=vault_kv_v2", scenes.RefusedDestination, "New destination"),
	{name: "RefusedMember", at: "/environments/{environment}/members", does: scenes.Fill("form.panel-form", "#f-user", "not there"), title: "Members", shows: "#summary", focus: "#summary", may: "status of 404"},
	refused("RefusedDelete", "/secrets/{secret}/delete", scenes.Fill("form.form-sheet", "#f-confirm", "another"), "Delete"),
	refused("RefusedRecipient", "/environments/{environment}/keys/recipients/new?kind=recovery", scenes.Fill("form.form-sheet", "#f-key", "no key"), "Add a recovery recipient"),
	refused("RefusedRewrap", "/environments/{environment}/keys/rewrap", scenes.Fill("form.form-sheet", "#f-to-key", nextAlias, "#f-confirm", "another"), "Re-wrap"),
	refused("RefusedEmptyKey", "/keys/rewrap?key={key}", scenes.Fill("form.form-sheet", "#f-to-key", nextAlias, "#f-confirm", "another"), "Empty a wrapping key"),
	refused("RefusedChannel", "/alerts/channels/new?kind=email", scenes.Fill("form.form-sheet", "#f-name", "No Name", "#f-address", "nobody"), "New channel"),
	refused("RefusedToken", "/tokens/new", scenes.Fill("form.form-sheet", "#f-networks", "nowhere"), "New token"),
	refused("RefusedAccount", "/admin/users/new", scenes.Fill("form.form-sheet", "#f-username", "No Name"), "New person"),
	refused("RefusedGroup", "/admin/groups/new", scenes.Fill("form.form-sheet"), "New group"),
	refused("RefusedProvider", "/admin/providers/new", scenes.Fill("form.form-sheet", "#f-name", "No Name"), "New identity provider"),
	refused("RefusedPassword", "/password", scenes.Fill("form.form-sheet", "#f-current-password", "wrong", "#f-new-password", "a", "#f-repeat-password", "b"), "Change password"),

	refused("RefusedBulkEdit", "/secrets/bulk?act=edit&id={secret}", scenes.Fill("#bulk-form", "#f-new-owner", "Platform", "#f-rotate-every-days", "-1"), "Edit secrets"),
	refused("RefusedBulkDelete", "/secrets/bulk?act=delete&id={secret}&id={held}", scenes.Fill("form.form-sheet[method=post]", "#f-confirm", "another"), "Delete secrets"),
	moved("MovedBulkEdit", "/secrets/bulk?act=edit&id={secret}&new_owner=Platform", scenes.Fill("form.form-sheet[method=post]", "[name=digest]", "another"), "Edit secrets"),
	moved("MovedBulkDelete", "/secrets/bulk?act=delete&id={held}", scenes.Fill("form.form-sheet[method=post]", "#f-confirm", "delete 1 secret", "[name=digest]", "another"), "Delete secrets"),
	refused("RefusedImport", "/destinations/{destination}/imports/new", scenes.Fill("form.form-sheet", "#f-prefix", "not a name!", "#f-names", "one column"), "New import"),
	refused("RefusedImportApply", "/sync/imports/{import}/apply", scenes.Fill("form.form-sheet", "#f-side-none", "keeper"), "Apply"),
	refused("RefusedAdoptionApply", "/sync/imports/{adoption}/apply", scenes.Fill("form.form-sheet", "#f-side-none", "keeper", "#f-confirm", "another"), "Apply"),
	moved("MovedImport", "/sync/imports/{import}", scenes.SendTo("#choice", "/sync/imports/{imported}"), "Import"),
	{name: "ImportAway", at: "/sync/imports/{away-import}", does: scenes.Fill("#choice", "[name^='name.']", "left/renamed"), title: "Import", shows: "#summary", focus: "#summary", may: "status of 403"},
	moved("MovedHold", "/destinations/{destination}/holds/{held}", scenes.Fill(".side-act", "[name=version]", "99"), "payments/db/password"),
	moved("MovedPlan", "/sync/plans/{plan}/apply", scenes.Fill("form.form-sheet", "[name=digest]", "another"), "Apply"),
}

// walk does what the answer is to, and looks at the page that stands then as at any other.
func (a answer) walk(t *testing.T, w *walk, tab *browser.Tab) {
	path := w.fill(a.at)
	first := ways[0].look
	if a.phone {
		first = browser.Phone
	}
	must(t, tab.Look(first))
	must(t, tab.Open(path))
	// No countdown ends what is shown while it is looked at.
	must(t, tab.Ask(new(bool), `() => { window.setInterval = () => 0; window.left = true; return true; }`))
	does := a.does
	for name, id := range w.ids {
		does = strings.ReplaceAll(does, "{"+name+"}", id)
	}
	_, err := tab.Eval(does)
	must(t, err)
	a.arrive(t, tab)
	w.read(t, tab, path)
	seen := map[string]bool{}
	for _, way := range ways {
		if !a.phone || way.look.Width == first.Width {
			w.look(t, tab, way, path, seen)
		}
	}
	if !a.phone {
		wide(t, tab)
	}
	a.stands(t, tab)
	must(t, tab.Look(first))
	typed(t, tab) // past the last one Tab leaves the page: what is revealed hides then
	silent(t, tab, a.may)
}

// arrive waits for the page, and looks where a person would be in it.
func (a answer) arrive(t *testing.T, tab *browser.Tab) {
	t.Helper()
	if !a.stays {
		must(t, tab.Until("the answer", `() => !window.left && document.readyState === "complete"`))
	}
	err := tab.UntilFor(arrival, a.shows, `(shows) => document.querySelector(shows)?.checkVisibility() ?? false`, a.shows)
	if err != nil {
		var page string
		must(t, tab.Ask(&page, `() => document.title + ": " + document.querySelector("main").innerText.slice(0, 600)`))
		t.Fatalf("%v: there is %s", err, page)
	}
	a.stands(t, tab)
	var live bool
	must(t, tab.Ask(&live, `() => document.body.dataset.events !== undefined`))
	if live && !a.stays {
		t.Error("the answer to a form wants to hear what moves, and its address gives no page to fetch anew")
	}
	if a.focus == "" {
		return
	}
	if err := tab.UntilFor(arrival, "the focus", `(focus) => document.activeElement?.matches(focus) ?? false`, a.focus); err != nil {
		var at string
		must(t, tab.Ask(&at, `() => document.activeElement?.outerHTML.slice(0, 120) ?? ""`))
		t.Errorf("the focus is not on %s: it is on %s", a.focus, at)
	}
}

// stands fails where the page is not, or no longer, what it should be.
func (a answer) stands(t *testing.T, tab *browser.Tab) {
	t.Helper()
	var page struct {
		Title string
		Shows bool
	}
	must(t, tab.Ask(&page, `(shows) => ({ Title: document.title.replace(/ · Keeper$/, ""), Shows: document.querySelector(shows)?.checkVisibility() ?? false })`, a.shows))
	if page.Title != a.title || !page.Shows {
		t.Errorf("the page is %q, want %q; it shows %s: %t", page.Title, a.title, a.shows, page.Shows)
	}
}

// unopened are the templates that the walk does not come to, and why.
var unopened = map[string]string{
	"providers/onward": "it sends itself on as soon as it stands, by a script; the journeys sign in through it",
}

// TestUnopened holds what is kept apart to templates that there are.
func TestUnopened(t *testing.T) {
	all := templateFiles(t)
	for name := range unopened {
		if !slices.Contains(all, name) {
			t.Errorf("%s is kept apart, and no template", name)
		}
	}
}
