package web_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"
	"github.com/pquerna/otp/totp"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// enrol sets an authenticator app up on the pages, and gives its secret and the recovery codes.
func (v *visitor) enrol() (secret string, codes []string) {
	v.t.Helper()
	p := v.get("/profile/factors").form("/profile/totp").submit().want(http.StatusOK, "h1,.breadcrumb", "Authenticator app")
	secret = strings.TrimSpace(p.text("p.mono"))
	if src := attribute(p.all("img[alt^='QR']")[0], "src"); !strings.HasPrefix(src, "data:image/png;base64,") {
		v.t.Errorf("the picture is %.40s", src)
	}
	p.form("/profile/totp/confirm").set("code", "000000").submit().want(http.StatusBadRequest, ".summary", "not the one")
	p.form("/profile/totp/confirm").set("code", codeAt(v.t, secret, time.Now())).submit().want(http.StatusOK, ".flash-done", "set up")
	p = v.get("/profile/factors").form("/profile/recovery-codes").submit()
	for _, item := range p.all("ul.mono li") {
		codes = append(codes, strings.TrimSpace(textOf(item, "")))
	}
	if len(codes) != 10 {
		v.t.Fatalf("%d recovery codes are shown", len(codes))
	}
	return secret, codes
}

func codeAt(t testing.TB, secret string, at time.Time) string {
	t.Helper()
	code, err := totp.GenerateCode(secret, at)
	must(t, err)
	return code
}

func TestTwoSteps(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	secret, codes := h.as("ada").enrol()
	v := h.visitor()
	p := v.signIn("ada", password).want(http.StatusOK, "h1", "Second step")
	if v.cookie("keeper") != "" || v.cookie("keeper-step") == "" {
		t.Fatal("the first step alone gave a session, or no step")
	}
	if got := v.get("/secrets").path(); got != "/sign-in" {
		t.Errorf("between the steps /secrets leads to %s", got)
	}
	p.form("/sign-in/step").set("code", "000000").submit().want(http.StatusUnauthorized, ".summary", "wrong")
	form := v.get("/sign-in/step?next=%2Fsecrets").form("/sign-in/step")
	form.set("code", codeAt(t, secret, time.Now().Add(30*time.Second))) // the one of now confirmed the app
	form.submit().want(http.StatusOK, "h1", "Secrets")
	if v.cookie("keeper-step") != "" {
		t.Error("the step outlived the sign-in")
	}
	t.Run("RecoveryCode", func(t *testing.T) {
		send := func() *page {
			p := h.visitor().signIn("ada", password)
			values := url.Values{"recovery_code": {codes[0]}, "csrf_token": {tokenOf(p)}, "next": {"//evil.example"}}
			return p.v.post("/sign-in/step", values)
		}
		send().want(http.StatusOK, "h1", "Overview")
		send().want(http.StatusUnauthorized, ".summary", "used already")
	})
	t.Run("NoStep", func(t *testing.T) {
		v := h.visitor()
		if got := v.get("/sign-in/step").path(); got != "/sign-in" {
			t.Errorf("led to %s", got)
		}
		values := url.Values{"code": {codeAt(t, secret, time.Now())}, "csrf_token": {tokenOf(v.get("/sign-in"))}}
		v.post("/sign-in/step", values).want(http.StatusUnauthorized, "h1", "Sign in")
	})
	t.Run("NoToken", func(t *testing.T) {
		v := h.visitor()
		v.signIn("ada", password)
		v.post("/sign-in/step", url.Values{"recovery_code": {codes[1]}}).want(http.StatusForbidden, ".summary", "nothing was done")
	})
}

// age makes the proofs of all sessions older than they may be.
func (h *house) age() {
	h.t.Helper()
	must(h.t, h.store.Write(context.Background(), func(tx *store.Tx) error {
		users, err := tx.Users()
		if err != nil {
			return err
		}
		for _, u := range users {
			all, err := tx.SessionsOfUser(u.ID)
			if err != nil {
				return err
			}
			for _, s := range all {
				old := time.Now().Add(-11 * time.Minute)
				s.ProvenAt = &old
				if _, err := tx.DeleteSessionsOfUser(u.ID, ""); err != nil {
					return err
				}
				if err := tx.CreateSession(&s); err != nil {
					return err
				}
			}
		}
		return nil
	}))
}

func TestProve(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	v := h.as("ada")
	before := v.cookie("keeper")
	h.age()
	p := v.get("/profile/factors")
	p = v.post("/profile/totp", url.Values{"csrf_token": {tokenOf(p)}}, "Referer", v.h.url+"/profile/factors")
	p.want(http.StatusOK, "h1", "Prove who you are")
	if p.path() != "/prove" || p.form("/prove").value("next") != "/profile/factors" {
		t.Errorf("led to %s", p.path())
	}
	p.form("/prove").set("password", "wrong").submit().want(http.StatusBadRequest, "#f-password-error", "not right")
	p = v.get("/prove?next=//evil.example").form("/prove").set("password", password).submit()
	if p.path() != "/" || v.cookie("keeper") == before {
		t.Errorf("ended at %s; the identifier changed: %t", p.path(), v.cookie("keeper") != before)
	}
	v.get("/profile/factors").form("/profile/totp").submit().want(http.StatusOK, "p.mono", "")
	t.Run("TypedStays", func(t *testing.T) {
		h.age()
		p := v.get("/tokens/new").form("/tokens").set("name", "typed").submit()
		p.want(http.StatusForbidden, ".summary a[data-prove-aside]", "another tab")
		v.get("/prove").form("/prove").set("password", password).submit()
		// Without a script the form's token is that of before the proof: it is shown again, once.
		p = p.form("/tokens").submit().want(http.StatusForbidden, ".summary", "send it again")
		if got := p.form("/tokens").value("name"); got != "typed" {
			t.Errorf("the form holds %q", got)
		}
		p.form("/tokens").submit().want(http.StatusOK, "main", "kpr_")
	})
	t.Run("Script", func(t *testing.T) {
		h.age()
		p := v.get("/profile/factors")
		p = v.post("/profile/passkeys/begin", url.Values{"csrf_token": {tokenOf(p)}}, "Accept", "text/plain")
		if p.status != http.StatusForbidden || p.header.Get("Keeper-Prove") != "/prove" {
			t.Errorf("got %d and %q", p.status, p.header.Get("Keeper-Prove"))
		}
	})
}

func TestPasskeyPages(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	v := h.as("ada")
	device := virtualwebauthn.NewAuthenticator()
	key := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
	for len(key.Key.AttestationData()) != 77 { // of one in 128 the library drops a leading zero
		key = virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
	}
	party := virtualwebauthn.RelyingParty{ID: "localhost", Name: "Keeper", Origin: "http://localhost"}
	var made struct {
		PublicKey struct{ User struct{ ID string } }
	}
	p := v.get("/profile/factors")
	options := v.post("/profile/passkeys/begin", url.Values{"csrf_token": {tokenOf(p)}}, "Accept", "text/plain").body
	must(t, json.Unmarshal([]byte(options), &made))
	attested, err := virtualwebauthn.ParseAttestationOptions(options)
	must(t, err)
	form := p.form("/profile/passkeys").set("name", "Laptop")
	form.set("response", virtualwebauthn.CreateAttestationResponse(party, device, key, *attested))
	form.submit().want(http.StatusOK, ".flash-done", "registered")
	device.Options.UserHandle = []byte(attested.UserID)

	w := h.visitor()
	p = w.get("/sign-in?next=/tokens")
	options = w.post("/sign-in/passkey/begin", url.Values{"csrf_token": {tokenOf(p)}}, "Accept", "text/plain").body
	asserted, err := virtualwebauthn.ParseAssertionOptions(options)
	must(t, err)
	form = p.form("/sign-in/passkey").set("response", virtualwebauthn.CreateAssertionResponse(party, device, key, *asserted))
	if got := form.submit().path(); got != "/tokens" || w.cookie("keeper") == "" {
		t.Errorf("signing in ended at %s", got)
	}
	p = v.get("/profile/factors").want(http.StatusOK, "main", "")
	for _, f := range p.all(`form[action$="/rename"]`) {
		p.form(attribute(f, "action")).set("name", "Old one").submit().want(http.StatusOK, ".flash-done", "renamed")
	}
	p = v.get("/profile/factors")
	for _, f := range p.all(`form[action$="/remove"]`) {
		p.form(attribute(f, "action")).submit().want(http.StatusOK, ".flash-done", "removed")
	}
}
