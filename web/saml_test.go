package web_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	crewjam "github.com/crewjam/saml"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/auth/saml"
	"github.com/your-org/keeper/auth/saml/samltest"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

var hiddenField = regexp.MustCompile(`name="([^"]*)" value="([^"]*)"`)

// atProvider goes where Keeper sends the browser, and returns what the provider has it send
// back.
func (v *visitor) atProvider(begin string) url.Values {
	v.t.Helper()
	p := v.staying().get(begin)
	if p.status != http.StatusSeeOther {
		v.t.Fatalf("%s answered %d: %s", begin, p.status, p.text("main"))
	}
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, p.header.Get("Location"), http.NoBody)
	must(v.t, err)
	answer, err := v.client.Do(r)
	must(v.t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	must(v.t, err)
	if answer.StatusCode != http.StatusOK {
		v.t.Fatalf("the provider answered %d: %s", answer.StatusCode, body)
	}
	return fieldsOf(string(body))
}

// samlSignIn signs in all the way, and returns what the sign-in was answered with.
func (v *visitor) samlSignIn() *page {
	v.t.Helper()
	return v.post("/saml/okta/acs", v.atProvider("/saml/okta/sign-in?next=/profile"))
}

func TestSAMLSignIn(t *testing.T) {
	h := newSAMLHouse(t, nil)
	v := h.visitor()
	if link := v.get("/sign-in").text(`a[href="/saml/okta/sign-in?next=%2F"]`); link != "Sign in with Okta" {
		t.Errorf("the sign-in page offers %q", link)
	}
	done := v.samlSignIn().want(http.StatusOK, "main", "You are signed in")
	done.onwards().want(http.StatusOK, "main", "ada@example.com")
	u := h.userNamed("ada@example.com")
	if u.Email != samlAda.Email || u.DisplayName != "Ada" || u.Role != models.RoleUser || u.PasswordHash != "" {
		t.Errorf("the account is %+v", u)
	}
	if e := h.entries("session.create")[0]; e.Outcome != models.OutcomeAllowed || e.Detail["method"] != "saml" || e.ActorName != u.Username {
		t.Errorf("the audit log says %+v", e)
	}
	actor, err := h.auth.Local(context.Background(), u.Username)
	must(t, err)
	if actor.Roles[1] != models.RoleEditor || actor.Role != models.RoleUser {
		t.Errorf("ada may %v %v", actor.Role, actor.Roles)
	}

	t.Run("GroupsChange", func(t *testing.T) {
		changed := samlAda
		changed.Groups = []string{"Keeper-Devs"} // another name
		h.idp.SetUser(changed)
		h.visitor().samlSignIn().want(http.StatusUnauthorized, "main", "The sign-in did not work")
		if got := h.refusal(); got != auth.ReasonNoMappedGroup {
			t.Errorf("refused for %s", got)
		}
		if p := v.get("/profile"); p.path() != "/sign-in" {
			t.Errorf("the session of before goes on: %s", p.path())
		}
		if actor, err = h.auth.Local(context.Background(), u.Username); err != nil || len(actor.Roles) != 0 {
			t.Errorf("ada keeps %v, %v", actor.Roles, err)
		}
		h.idp.SetUser(samlAda)
	})
	t.Run("Disabled", func(t *testing.T) {
		off := true
		_, err := h.auth.UpdateUser(context.Background(), models.System(), u.Username, auth.UserChange{Disabled: &off}, 0)
		must(t, err)
		h.visitor().samlSignIn().want(http.StatusUnauthorized, "main", "The sign-in did not work")
		if got := h.refusal(); got != auth.ReasonDisabled {
			t.Errorf("refused for %s", got)
		}
		off = false
		_, err = h.auth.UpdateUser(context.Background(), models.System(), u.Username, auth.UserChange{Disabled: &off}, 0)
		must(t, err)
	})
	t.Run("NobodyWithoutAGroup", func(t *testing.T) {
		h.idp.SetUser(samlEve)
		h.visitor().samlSignIn().want(http.StatusUnauthorized, "main", "The sign-in did not work")
		if got := h.refusal(); got != auth.ReasonNoMappedGroup {
			t.Errorf("refused for %s", got)
		}
		h.idp.SetUser(samlAda)
	})
	t.Run("LocalPathsOnly", func(t *testing.T) {
		for _, next := range []string{"https://evil.example/", "//evil.example", `/\evil.example`} {
			w := h.visitor()
			p := w.post("/saml/okta/acs", w.atProvider("/saml/okta/sign-in?next="+url.QueryEscape(next)))
			if got := p.header.Get("Refresh"); got != "0; url=/" {
				t.Errorf("%s leads to %q", next, got)
			}
		}
	})
}

func (h *house) userNamed(name string) models.User {
	h.t.Helper()
	var u models.User
	must(h.t, h.store.Read(context.Background(), func(tx *store.Tx) (err error) {
		u, err = tx.UserByName(name)
		return err
	}))
	return u
}

// TestSAMLTakesNoAccountOver tries to become somebody by what one is called at the provider.
func TestSAMLTakesNoAccountOver(t *testing.T) {
	h := newSAMLHouse(t, nil)
	for _, name := range []string{"root", "ROOT", " root", "system", "usr_1"} {
		h.idp.SetUser(samltest.User{NameID: name, Email: "root@example.com", Groups: []string{"keeper-devs"}})
		h.visitor().samlSignIn().want(http.StatusUnauthorized, "main", "The sign-in did not work")
		if got := h.refusal(); got != auth.ReasonUsernameTaken && got != auth.ReasonUsernameUnusable {
			t.Errorf("%q: refused for %s", name, got)
		}
	}
	ctx := context.Background()
	t.Run("Linked", func(t *testing.T) {
		must(t, h.auth.LinkIdentity(ctx, models.System(), "okta", "root", "root"))
		root := h.as("root")
		root.get("/admin/providers/okta").want(http.StatusOK, `#people [data-label="last sign-in"]`, "never")
		h.idp.SetUser(samltest.User{NameID: "root", Groups: []string{"keeper-devs"}})
		h.visitor().samlSignIn().onwards().want(http.StatusOK, "main", "root")
		if said := root.get("/admin/providers/okta").text(`#people [data-label="last sign-in"]`); strings.Contains(said, "never") || said == "" {
			t.Errorf("after the first sign-in the last one is %q", said)
		}
		err := h.auth.LinkIdentity(ctx, models.System(), "okta", "root", "root")
		if !fault.Is(err, fault.Conflict) {
			t.Errorf("linking twice: %v", err)
		}
	})
	t.Run("WithAOneTimePassword", func(t *testing.T) { // which is not what the person signs in with
		_, _, err := h.auth.CreateUser(ctx, models.System(), auth.NewUser{Username: "max"})
		must(t, err)
		must(t, h.auth.LinkIdentity(ctx, models.System(), "okta", "max", "max"))
		h.idp.SetUser(samltest.User{NameID: "max", Groups: []string{"keeper-devs"}})
		if p := h.visitor().samlSignIn().onwards(); p.path() != "/profile" {
			t.Errorf("it leads to %s", p.path())
		}
	})
	t.Run("CaseOfANameID", func(t *testing.T) {
		h.idp.SetUser(samltest.User{NameID: "Root", Groups: []string{"keeper-devs"}})
		h.visitor().samlSignIn().want(http.StatusUnauthorized, "", "")
	})
	t.Run("AnotherProvider", func(t *testing.T) {
		other, err := samltest.Start(samltest.User{NameID: "root", Groups: []string{"keeper-devs"}})
		must(t, err)
		defer other.Close()
		_, err = h.auth.CreateProvider(ctx, models.System(), auth.NewProvider{Name: "other", Config: models.ProviderConfig{MetadataURL: other.MetadataURL(), CreateUsers: true}})
		must(t, err)
		_, err = h.auth.CreateGroup(ctx, models.System(), auth.NewGroup{Provider: "other", Name: "keeper-devs"})
		must(t, err)
		on := true
		_, err = h.auth.UpdateProvider(ctx, models.System(), "other", auth.ProviderChange{Enabled: &on, Untested: true}, 0)
		must(t, err)
		metadata, err := h.auth.ProviderMetadata(ctx, "other")
		must(t, err)
		must(t, other.Register(metadata))
		v := h.visitor()
		v.post("/saml/other/acs", v.atProvider("/saml/other/sign-in")).want(http.StatusUnauthorized, "", "")
		if got := h.refusal(); got != auth.ReasonUsernameTaken {
			t.Errorf("refused for %s", got)
		}
		// An answer of one provider does not do at another.
		w := h.visitor()
		w.post("/saml/okta/acs", w.atProvider("/saml/other/sign-in")).want(http.StatusUnauthorized, "", "")
	})
	t.Run("AnotherIssuer", func(t *testing.T) {
		other, err := samltest.Start(samltest.User{NameID: "root"})
		must(t, err)
		defer other.Close()
		_, err = h.auth.UpdateProvider(ctx, models.System(), "okta", auth.ProviderChange{Metadata: other.Metadata()}, 0)
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("the provider became another one: %v", err)
		}
	})
}

func TestSAMLUnsolicited(t *testing.T) {
	h := newSAMLHouse(t, func(c *models.ProviderConfig) { c.AllowIDPInitiated = true })
	metadata, err := h.auth.Provider(context.Background(), models.System(), "okta")
	must(t, err)
	response, err := h.idp.Respond(metadata.EntityID, "", samlAda.NameID, samltest.Making{})
	must(t, err)
	fields := url.Values{"SAMLResponse": {samltest.Encode(response)}, "RelayState": {"https://evil.example/"}}
	p := h.visitor().post("/saml/okta/acs", fields).want(http.StatusOK, "main", "You are signed in")
	if got := p.header.Get("Refresh"); got != "0; url=/" {
		t.Errorf("it leads to %q", got)
	}
	again := &http.Request{Method: http.MethodPost, URL: &url.URL{}, Header: http.Header{}, PostForm: fields}
	if _, err := h.replica(t).FinishSAML(t.Context(), "okta", again, "", auth.Origin{}); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("another replica took it again: %v", err)
	}
	if got := h.refusal(); got != string(saml.ReasonReplayed) {
		t.Errorf("refused for %s", got)
	}
}

func TestSAMLLogout(t *testing.T) {
	h := newSAMLHouse(t, nil)
	t.Run("BegunHere", func(t *testing.T) {
		v := h.visitor()
		out := v.samlSignIn().onwards().form("/sign-out").submit().want(http.StatusOK, "main", "You are signed out")
		to, _ := cutRefresh(out.header.Get("Refresh"))
		if !strings.HasPrefix(to, h.idp.URL("/slo")) {
			t.Fatalf("it leads to %q", to)
		}
		answer, err := v.client.Get(to)
		must(t, err)
		defer answer.Body.Close()
		if answer.Request.URL.Path != "/sign-in" || len(h.idp.Ended()) != 1 || h.idp.Ended()[0] != samlAda.NameID {
			t.Errorf("it ended at %s, there %v ended", answer.Request.URL, h.idp.Ended())
		}
	})
	t.Run("BegunThere", func(t *testing.T) {
		v, w := h.visitor(), h.visitor()
		v.samlSignIn()
		w.samlSignIn()
		p, err := h.auth.Provider(context.Background(), models.System(), "okta")
		must(t, err)
		of := h.sessionsOf(samlAda.NameID)
		to, err := h.idp.LogoutURL(p.EntityID, samlAda.NameID, []string{of[len(of)-1].SessionIndex}, nil)
		must(t, err)
		h.visitor().staying().get(to).want(http.StatusSeeOther, "", "")
		if left := h.sessionsOf(samlAda.NameID); len(left) != len(of)-1 {
			t.Errorf("%d of %d sessions are left", len(left), len(of))
		}
		to, err = h.idp.LogoutURL(p.EntityID, samlAda.NameID, nil, nil)
		must(t, err)
		if bad := h.visitor().get(strings.Replace(to, "Signature=", "Signature=A", 1)); bad.status != http.StatusUnauthorized {
			t.Errorf("a forged logout was answered with %d", bad.status)
		}
		h.visitor().staying().get(to).want(http.StatusSeeOther, "", "")
		if left := h.sessionsOf(samlAda.NameID); len(left) != 0 {
			t.Errorf("%d sessions are left", len(left))
		}
	})
}

func (h *house) sessionsOf(name string) []models.Session {
	h.t.Helper()
	all, err := h.auth.SessionsOf(context.Background(), models.System(), name)
	must(h.t, err)
	return all
}

func TestSAMLProof(t *testing.T) {
	h := newSAMLHouse(t, nil)
	v := h.visitor()
	v.samlSignIn()
	before := v.cookie("keeper")
	if !v.get("/prove?next=/profile").has(`a[href^="/saml/okta/sign-in?for=prove"]`) {
		t.Error("the page offers no proof at the provider")
	}
	v.post("/saml/okta/acs", v.atProvider("/saml/okta/sign-in?for=prove&next=/profile")).onwards().want(http.StatusOK, "main", "ada@example.com")
	if v.cookie("keeper") == before {
		t.Error("the identifier of the session stayed")
	}
	t.Run("OldSessionThere", func(t *testing.T) {
		h.idp.Make(samltest.Making{Assertion: func(a *crewjam.Assertion) { a.AuthnStatements[0].AuthnInstant = time.Now().Add(-time.Hour) }})
		defer h.idp.Make(samltest.Making{})
		v.post("/saml/okta/acs", v.atProvider("/saml/okta/sign-in?for=prove")).want(http.StatusUnauthorized, "", "")
		if got := h.refusal(); got != auth.ReasonStaleAuthentication {
			t.Errorf("refused for %s", got)
		}
		w := h.visitor()
		w.samlSignIn()
		newest := slices.MaxFunc(h.sessionsOf(samlAda.NameID), func(a, b models.Session) int { return a.CreatedAt.Compare(b.CreatedAt) })
		if at := newest.ProvenAt; newest.Method != models.BySAML || at == nil || time.Since(*at) < 59*time.Minute {
			t.Errorf("an old sign-in there counts as a proof of %v here, by %s", at, newest.Method)
		}
	})
	t.Run("CountsFromTheActThere", func(t *testing.T) {
		at := func(age time.Duration) {
			h.idp.Make(samltest.Making{Assertion: func(a *crewjam.Assertion) { a.AuthnStatements[0].AuthnInstant = time.Now().Add(-age) }})
		}
		defer h.idp.Make(samltest.Making{})
		w := h.visitor()
		at(time.Hour)
		w.samlSignIn()
		at(7 * time.Minute)
		w.post("/saml/okta/acs", w.atProvider("/saml/okta/sign-in?for=prove&next=/profile")).want(http.StatusOK, "", "")
		newest := slices.MaxFunc(h.sessionsOf(samlAda.NameID), func(a, b models.Session) int { return a.CreatedAt.Compare(b.CreatedAt) })
		if age := time.Since(*newest.ProvenAt); age < 6*time.Minute || age > 8*time.Minute {
			t.Errorf("an act of seven minutes ago counts as one of %s ago", age)
		}
	})
	t.Run("AnotherPerson", func(t *testing.T) {
		bob := samltest.User{NameID: "bob@example.com", Groups: []string{"keeper-devs"}}
		h.idp.SetUser(bob)
		defer h.idp.SetUser(samlAda)
		v.post("/saml/okta/acs", v.atProvider("/saml/okta/sign-in?for=prove")).want(http.StatusUnauthorized, "", "")
		if got := h.refusal(); got != auth.ReasonOtherPerson {
			t.Errorf("refused for %s", got)
		}
	})
}

func TestSAMLTestSignIn(t *testing.T) {
	h := newSAMLHouse(t, nil)
	ctx := context.Background()
	admin := h.as("root")
	fields := admin.atProvider("/saml/okta/sign-in?for=test")
	h.visitor().post("/saml/okta/acs", fields).want(http.StatusUnauthorized, "", "") // another's test
	session := admin.cookie("keeper")
	p := admin.post("/saml/okta/acs", admin.atProvider("/saml/okta/sign-in?for=test")).want(http.StatusOK, "main", "accepted")
	if got := p.text("main"); !strings.Contains(got, "keeper-devs") || !strings.Contains(got, "everyone") || admin.cookie("keeper") != session {
		t.Errorf("the page says %s", got)
	}
	if view, err := h.auth.Provider(ctx, models.System(), "okta"); err != nil || view.TestedAt == nil {
		t.Errorf("the test is not noted: %v", err)
	}
	var count int
	must(t, h.store.Read(ctx, func(tx *store.Tx) (err error) { count, err = tx.CountUsers(); return err }))
	if count != 1 {
		t.Errorf("%d accounts after a test", count)
	}
	h.idp.Make(samltest.Making{UnsignedAssertion: true})
	admin.post("/saml/okta/acs", admin.atProvider("/saml/okta/sign-in?for=test")).want(http.StatusOK, "main", "Assertion Signature to Signed")
	h.user("grace", models.RoleAuditor, nil)
	h.as("grace").staying().get("/saml/okta/sign-in?for=test").want(http.StatusForbidden, "", "")
}
