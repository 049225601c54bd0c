package web_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/crewjam/saml/samlidp"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/auth/saml"
	"github.com/your-org/keeper/auth/saml/samltest"
	"github.com/your-org/keeper/models"
)

// samlidpHouse is a house beside a whole identity provider of somebody else's making, with
// people, passwords and sessions of its own.
type samlidpHouse struct {
	*samlHouse
	there string // where the provider is
}

// samlidpForm posts to /sso: the library's own form posts to a handler that goes no further.
var samlidpForm = template.Must(template.New("login").Parse(`<p>{{.Toast}}</p><form method="post" action="/sso">` +
	`<input name="SAMLRequest" value="{{.SAMLRequest}}"><input name="RelayState" value="{{.RelayState}}"></form>`))

func newSamlidpHouse(t *testing.T) *samlidpHouse {
	t.Helper()
	pair, err := samltest.NewKeyPair("samlidp")
	must(t, err)
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	at, err := url.Parse(server.URL)
	must(t, err)
	idp, err := samlidp.New(samlidp.Options{
		URL: *at, Key: pair.Key, Certificate: pair.Certificate, Logger: log.New(io.Discard, "", 0),
		Store: &samlidp.MemoryStore{}, LoginFormTemplate: samlidpForm,
	})
	must(t, err)
	idp.IDP.SignatureMethod = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
	mux.Handle("/", idp)
	h := &samlidpHouse{&samlHouse{house: newHouse(t)}, server.URL}
	h.serveAs(t)
	h.furnish()
	return h
}

// furnish introduces the two to each other: Keeper reads the provider's metadata from its
// address, and the provider Keeper's.
func (h *samlidpHouse) furnish() {
	h.t.Helper()
	ctx, root := context.Background(), models.System()
	e := h.environment("production")
	h.user("root", models.RoleAdmin, nil)
	_, err := h.auth.CreateProvider(ctx, root, auth.NewProvider{Name: "okta", Config: models.ProviderConfig{
		DisplayName: "samlidp", MetadataURL: h.there + "/metadata", CreateUsers: true, EncryptAssertions: true,
		UsernameAttribute: "uid", GroupsAttribute: "eduPersonAffiliation",
	}})
	must(h.t, err)
	g, err := h.auth.CreateGroup(ctx, root, auth.NewGroup{Provider: "okta", Name: "navy"})
	must(h.t, err)
	must(h.t, h.auth.SetGroupRole(ctx, root, string(g.ID), e.ID, models.RoleEditor))
	h.set(auth.ProviderChange{Enabled: new(true), Untested: true})
	p, err := h.auth.Provider(ctx, root, "okta")
	must(h.t, err)
	shortcut, err := json.Marshal(samlidp.Shortcut{ServiceProviderID: p.EntityID, URISuffixAsRelayState: true})
	must(h.t, err)
	v := h.visitor()
	_, metadata := v.there(http.MethodGet, h.url+"/saml/okta/metadata", "")
	for path, body := range map[string]string{
		"/services/keeper": metadata, "/shortcuts/keeper": string(shortcut),
		"/users/grace": `{"name":"grace","password":"hopper!!","groups":["navy","everyone"],"email":"grace@example.com"}`,
		"/users/eve":   `{"name":"eve","password":"mallory!","groups":["everyone"],"email":"eve@example.com"}`,
	} {
		if status, text := v.there(http.MethodPut, h.there+path, body); status >= http.StatusBadRequest {
			h.t.Fatalf("PUT %s: %d %s", path, status, text)
		}
	}
}

func (h *samlidpHouse) set(c auth.ProviderChange) {
	h.t.Helper()
	_, err := h.auth.UpdateProvider(context.Background(), models.System(), "okta", c, 0)
	must(h.t, err)
}

// there asks for what is not a page of Keeper's.
func (v *visitor) there(method, target, body string) (status int, text string) {
	v.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, target, strings.NewReader(body))
	must(v.t, err)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := v.client.Do(r)
	must(v.t, err)
	defer answer.Body.Close()
	read, err := io.ReadAll(answer.Body)
	must(v.t, err)
	return answer.StatusCode, string(read)
}

// fieldsOf are those of a form that a provider answered with.
func fieldsOf(text string) url.Values {
	fields := url.Values{}
	for _, found := range hiddenField.FindAllStringSubmatch(text, -1) {
		fields.Set(found[1], unescaped.Replace(found[2]))
	}
	return fields
}

var unescaped = strings.NewReplacer("&#43;", "+", "&#34;", `"`, "&amp;", "&")

// samlidpSignIn types a name and a password at the provider, and brings its answer.
func (v *visitor) samlidpSignIn(there, user, with string) *page {
	v.t.Helper()
	fields := v.atProvider("/saml/okta/sign-in?next=/profile")
	fields.Set("user", user)
	fields.Set("password", with)
	_, answer := v.there(http.MethodPost, there+"/sso", fields.Encode())
	answered := fieldsOf(answer)
	if !answered.Has("SAMLResponse") {
		v.t.Fatalf("the provider answers %s", answer)
	}
	return v.post("/saml/okta/acs", answered)
}

// TestSamlidp goes through the whole house with a complete identity provider.
func TestSamlidp(t *testing.T) {
	h := newSamlidpHouse(t)
	v := h.visitor()
	t.Run("WrongPasswordThere", func(t *testing.T) {
		fields := v.atProvider("/saml/okta/sign-in")
		fields.Set("user", "grace")
		fields.Set("password", "wrong")
		if _, text := v.there(http.MethodPost, h.there+"/sso", fields.Encode()); !strings.Contains(text, "Invalid username or password") {
			t.Errorf("it answers %s", text)
		}
	})
	t.Run("SignIn", func(t *testing.T) {
		v.samlidpSignIn(h.there, "grace", "hopper!!").onwards().want(http.StatusOK, "main", "grace")
		if e := h.entries("session.create")[0]; e.Outcome != models.OutcomeAllowed || e.Detail["method"] != "saml" || e.ActorName != "grace" {
			t.Errorf("the audit log says %+v", e)
		}
		actor, err := h.auth.Local(context.Background(), "grace")
		must(t, err)
		if actor.Roles[1] != models.RoleEditor || actor.Role != models.RoleUser {
			t.Errorf("grace may %v %v", actor.Role, actor.Roles)
		}
		v.get("/secrets").want(http.StatusOK, "h1", "Secrets")
	})
	t.Run("NoMappedGroup", func(t *testing.T) {
		w := h.visitor()
		w.samlidpSignIn(h.there, "eve", "mallory!").want(http.StatusUnauthorized, "main", "The sign-in did not work")
		if got := h.refusal(); got != auth.ReasonNoMappedGroup || w.cookie("keeper") != "" {
			t.Errorf("refused for %s", got)
		}
	})
	t.Run("Encrypted", func(t *testing.T) {
		// The person's session there answers without a password.
		text, err := base64.StdEncoding.DecodeString(v.atProvider("/saml/okta/sign-in").Get("SAMLResponse"))
		must(t, err)
		if !bytes.Contains(text, []byte("EncryptedAssertion")) || bytes.Contains(text, []byte("grace")) {
			t.Errorf("the assertion is in the clear: %s", text)
		}
	})
	t.Run("SignOut", func(t *testing.T) { // samlidp knows no single logout: it ends here alone
		if p := v.get("/").form("/sign-out").submit(); p.path() != "/sign-in" {
			t.Errorf("it leads to %s: %s", p.path(), p.text("main"))
		}
		if left := h.sessionsOf("grace"); len(left) != 0 {
			t.Errorf("%d sessions are left", len(left))
		}
	})
	t.Run("IdPInitiated", func(t *testing.T) { h.begunThere(t, v) })
}

// begunThere comes from the provider's own shortcut, with nothing that Keeper asked.
func (h *samlidpHouse) begunThere(t *testing.T, v *visitor) {
	fields := func() url.Values {
		_, answer := v.there(http.MethodGet, h.there+"/login/keeper/secrets", "")
		return fieldsOf(answer)
	}
	v.post("/saml/okta/acs", fields()).want(http.StatusUnauthorized, "main", "The sign-in did not work")
	if got := h.refusal(); got != string(saml.ReasonUnsolicited) {
		t.Errorf("refused for %s", got)
	}
	p, err := h.auth.Provider(t.Context(), models.System(), "okta")
	must(t, err)
	p.Config.AllowIDPInitiated = true
	h.set(auth.ProviderChange{Config: &p.Config, Untested: true})
	brought := fields()
	v.post("/saml/okta/acs", brought).want(http.StatusOK, "main", "You are signed in").onwards().want(http.StatusOK, "h1", "Secrets")
	h.visitor().post("/saml/okta/acs", brought).want(http.StatusUnauthorized, "main", "The sign-in did not work")
	if got := h.refusal(); got != string(saml.ReasonReplayed) {
		t.Errorf("refused for %s", got)
	}
}
