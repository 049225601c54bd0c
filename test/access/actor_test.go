package access

import (
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// caller is somebody who asks: with a session, with a token, or with nothing that counts.
type caller struct {
	name  string
	over  bool // what it holds counts for nothing: it ended, or serves elsewhere alone
	stale bool // signed in, and proved who it is too long ago
	role  models.GlobalRole
	here  models.EnvironmentRole // in the environment that is asked about
	away  models.EnvironmentRole // in the other
	scope *models.TokenScope     // of a token
	bound bool                   // by that scope to the other environment

	cookies []*http.Cookie
	form    string // the token of its forms
	token   string
	app     string            // the secret of its authenticator app
	ids     map[string]string // its own things
}

// rights are those that are asked with, each with a session and with a token.
func rights() []caller {
	return []caller{
		{name: "admin", role: models.RoleAdmin},
		{name: "auditor", role: models.RoleAuditor},
		{name: "stranger", role: models.RoleUser},
		{name: "viewer", role: models.RoleUser, here: models.RoleViewer},
		{name: "reader", role: models.RoleUser, here: models.RoleReader},
		{name: "editor", role: models.RoleUser, here: models.RoleEditor},
		{name: "manager", role: models.RoleUser, here: models.RoleManager},
		{name: "viewer-elsewhere", role: models.RoleUser, away: models.RoleViewer},
		{name: "reader-elsewhere", role: models.RoleUser, away: models.RoleReader},
		{name: "editor-elsewhere", role: models.RoleUser, away: models.RoleEditor},
		{name: "manager-elsewhere", role: models.RoleUser, away: models.RoleManager},
	}
}

// visitors are those who come with a browser, and those whose session does not count.
func (h *house) visitors(w *watch, here, elsewhere place) []*caller {
	h.t.Helper()
	var all []*caller
	for _, c := range rights() {
		u := h.member(c, here, elsewhere)
		c.enter(h, h.session(u), u)
		all = append(all, &c)
	}
	again := func(name string, change func(*caller, models.User, string)) {
		u := h.user("visitor-"+name, models.User{Role: models.RoleAdmin}, nil)
		c := caller{name: name, role: models.RoleAdmin}
		id := h.session(u)
		c.enter(h, id, u)
		change(&c, u, h.onlySession(u, c.ids["session"]))
		all = append(all, &c)
	}
	again("admin who proved it long ago", func(c *caller, _ models.User, hash string) {
		c.stale = true
		w.exec("UPDATE sessions SET proven_at = ? WHERE hash = ?", past(), hash)
	})
	again("expired session", func(c *caller, _ models.User, hash string) {
		c.over = true
		w.exec("UPDATE sessions SET expires_at = ? WHERE hash = ?", past(), hash)
	})
	again("idle session", func(c *caller, _ models.User, hash string) {
		c.over = true
		w.exec("UPDATE sessions SET last_seen_at = ? WHERE hash = ?", past(), hash)
	})
	again("revoked session", func(c *caller, _ models.User, hash string) {
		c.over = true
		must(h.t, h.store.Write(h.t.Context(), func(tx *store.Tx) error { return tx.DeleteSession(hash) }))
	})
	again("disabled user", func(c *caller, u models.User, _ string) {
		c.over = true
		w.exec("UPDATE users SET disabled = 1 WHERE id = ?", string(u.ID))
	})
	signedOut := caller{name: "signed out", over: true}
	token := caller{name: "token in place of a session", over: true, token: h.token("root", "page", models.TokenScope{})}
	all = append(all, &signedOut, &token)
	for _, c := range all {
		if c.over {
			c.visit(h)
		}
	}
	return all
}

// programs are those who come with a token, and those whose token does not count.
func (h *house) programs(w *watch, here, elsewhere place) []*caller {
	h.t.Helper()
	var all []*caller
	for _, c := range rights() {
		c.name += "'s token"
		all = append(all, c.equip(h, h.member(c, here, elsewhere)))
	}
	account := caller{name: "service account", role: models.RoleUser, here: models.RoleReader}
	robot := h.user("robot", models.User{Kind: models.UserService}, map[models.EnvironmentID]models.EnvironmentRole{here.environment.ID: models.RoleReader})
	all = append(all, account.equip(h, robot))
	for name, scope := range map[string]models.TokenScope{
		"token of this environment":    {Environments: []models.EnvironmentID{here.environment.ID}},
		"token of another environment": {Environments: []models.EnvironmentID{elsewhere.environment.ID}},
		"read-only token":              {ReadOnly: true},
		"token that reveals":           {Actions: []string{"secret.reveal"}},
		"token that manages users":     {Actions: []string{"users.manage"}},
	} {
		c := caller{name: name, role: models.RoleAdmin, scope: &scope, bound: slices.Contains(scope.Environments, elsewhere.environment.ID)}
		all = append(all, c.equip(h, h.member(c, here, elsewhere)))
	}
	over := func(name string, change func(u models.User, token models.TokenID)) {
		c := caller{name: name, role: models.RoleAdmin, over: true}
		u := h.member(c, here, elsewhere)
		var id models.TokenID
		c.token, id = h.tokenOf(u.Username, "over", models.TokenScope{})
		change(u, id)
		all = append(all, &c)
	}
	over("expired token", func(_ models.User, id models.TokenID) {
		w.exec("UPDATE tokens SET expires_at = ? WHERE id = ?", past(), string(id))
	})
	over("revoked token", func(_ models.User, id models.TokenID) {
		w.exec("UPDATE tokens SET revoked_at = ? WHERE id = ?", past(), string(id))
	})
	over("token of a disabled user", func(u models.User, _ models.TokenID) {
		w.exec("UPDATE users SET disabled = 1 WHERE id = ?", string(u.ID))
	})
	away := caller{name: "token of another network", role: models.RoleAdmin, over: true}
	u := h.member(away, here, elsewhere)
	away.token = h.token(u.Username, "away", models.TokenScope{Networks: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}})
	nobody, unknown := caller{name: "no token", over: true}, caller{name: "unknown token", over: true, token: "kpr_" + strings.Repeat("x", 32)}
	session := caller{name: "session in place of a token", over: true}
	session.cookies = browser(h.session(h.member(caller{name: session.name, role: models.RoleAdmin}, here, elsewhere)))
	all = append(all, &away, &nobody, &unknown, &session)
	slices.SortFunc(all, func(a, b *caller) int { return strings.Compare(a.name, b.name) })
	return all
}

// past is long enough ago for everything to be over, and as the store writes times.
func past() time.Time { return time.Now().UTC().Add(-3 * time.Hour).Truncate(time.Microsecond) }

// member makes the user of a caller.
func (h *house) member(c caller, here, elsewhere place) models.User {
	h.t.Helper()
	roles := map[models.EnvironmentID]models.EnvironmentRole{}
	if c.here != "" {
		roles[here.environment.ID] = c.here
	}
	if c.away != "" {
		roles[elsewhere.environment.ID] = c.away
	}
	name := strings.Map(func(r rune) rune {
		if r == ' ' || r == '\'' {
			return '-'
		}
		return r
	}, "asks-"+c.name)
	return h.user(name, models.User{Role: c.role}, roles)
}

var formToken = regexp.MustCompile(`name="csrf_token" value="([^"]+)"`)

// enter gives a caller a session, and things of its own to change.
func (c *caller) enter(h *house, session string, u models.User) {
	h.t.Helper()
	c.cookies = browser(session)
	page := h.get("/tokens/new", c.cookies...)
	found := formToken.FindStringSubmatch(page.Body.String())
	if found == nil {
		h.t.Fatalf("%s: no form on /tokens/new (%d)", c.name, page.Code)
	}
	c.form = found[1]
	c.own(h, u)
}

// browser is what a browser holds of a session.
func browser(session string) []*http.Cookie { return []*http.Cookie{{Name: "keeper", Value: session}} }

// visit brings a caller whose session does not count to the form that signs in.
func (c *caller) visit(h *house) {
	h.t.Helper()
	page := h.get("/sign-in", c.cookies...)
	c.form = formToken.FindStringSubmatch(page.Body.String())[1]
	c.cookies = append(c.cookies, page.Result().Cookies()...)
	c.ids = map[string]string{}
}

// equip gives a caller a token of its own user.
func (c caller) equip(h *house, u models.User) *caller {
	h.t.Helper()
	if c.scope == nil {
		c.scope = &models.TokenScope{}
	}
	c.token = h.token(u.Username, "asks", *c.scope)
	c.own(h, u)
	return &c
}

// own makes things that belong to a caller: another session, another token, a passkey.
func (c *caller) own(h *house, u models.User) {
	h.t.Helper()
	c.ids = map[string]string{}
	scope := models.TokenScope{}
	if c.scope != nil {
		scope = *c.scope
	}
	text, id := h.tokenOf(u.Username, "spare", scope)
	c.ids["token"], c.ids["token-text"] = string(id), text
	if c.cookies == nil {
		return
	}
	c.app = h.enrol(u)
	device := h.register(u)
	c.ids["passkey"] = device.id
	c.begun(h, device)
	before := h.hashes(u)
	h.session(u)
	for _, hash := range h.hashes(u) {
		if !slices.Contains(before, hash) {
			c.ids["session"] = hash
		}
	}
}

func (h *house) hashes(u models.User) []string {
	h.t.Helper()
	var hashes []string
	must(h.t, h.store.Read(h.t.Context(), func(tx *store.Tx) error {
		sessions, err := tx.SessionsOfUser(u.ID)
		for _, s := range sessions {
			hashes = append(hashes, s.Hash)
		}
		return err
	}))
	return hashes
}

// onlySession is the one session that a user has besides the spare one.
func (h *house) onlySession(u models.User, spare string) string {
	h.t.Helper()
	for _, hash := range h.hashes(u) {
		if hash != spare {
			return hash
		}
	}
	h.t.Fatalf("%s has no session", u.Username)
	return ""
}
