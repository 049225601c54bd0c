package web_test

import (
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-rod/rod/lib/proto"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/models"
)

// serveAsLocalhost serves the house again under a host name: browsers make no passkeys for
// an address.
func (h *house) serveAsLocalhost(t *testing.T) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	_, port, err := net.SplitHostPort(listener.Addr().String())
	must(t, err)
	h.url = "http://localhost:" + port
	h.auth, err = auth.New(auth.Deps{Store: h.store, Now: time.Now, Secret: []byte("a secret for tests"), PublicURL: h.url})
	must(t, err)
	h.handler = h.newHandler(houseOptions{publicURL: h.url}, slog.New(slog.NewJSONHandler(h.log, nil)))
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: h.handler, ReadHeaderTimeout: time.Second}}
	server.Start()
	t.Cleanup(server.Close)
	t.Cleanup(h.feed.close)
}

// authenticator gives the tab a device that keeps passkeys and verifies its person.
func (b *tab) authenticator() proto.WebAuthnAuthenticatorID {
	b.t.Helper()
	must(b.t, proto.WebAuthnEnable{}.Call(b))
	added, err := proto.WebAuthnAddVirtualAuthenticator{Options: &proto.WebAuthnVirtualAuthenticatorOptions{
		Protocol: proto.WebAuthnAuthenticatorProtocolCtap2, Transport: proto.WebAuthnAuthenticatorTransportInternal,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
	}}.Call(b)
	must(b.t, err)
	return added.AuthenticatorID
}

func (b *tab) signOut() {
	b.t.Helper()
	b.open("/profile")
	wait := b.WaitNavigation(proto.PageLifecycleEventNameLoad)
	_, err := b.Eval(`() => document.querySelector('form[action="/sign-out"]').requestSubmit()`) // it stands in a menu
	must(b.t, err)
	wait()
	eventually(b.t, "the sign-in page", b.says("h1", "Sign in"))
}

// TestPasskeysInABrowser has Chromium make a passkey and use it wherever one serves.
func TestPasskeysInABrowser(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	h.serveAsLocalhost(t)
	b := newTab(t, h).held()
	device := b.authenticator()
	b.open("/sign-in")
	b.fill("#f-username", "ada")
	b.fill("#f-password", password)
	b.click(`form[action="/sign-in"] button`)
	eventually(t, "the overview", b.says("h1", "Overview"))

	t.Run("Register", func(t *testing.T) {
		b.open("/profile/factors")
		b.fill(`form[data-passkey="create"] input[name="name"]`, "Laptop")
		b.click(`form[data-passkey="create"] button`)
		eventually(t, "the passkey", b.says(".flash-done", "registered"))
		kept, err := proto.WebAuthnGetCredentials{AuthenticatorID: device}.Call(b)
		must(t, err)
		if len(kept.Credentials) != 1 || !kept.Credentials[0].IsResidentCredential || kept.Credentials[0].RpID != "localhost" {
			t.Fatalf("the device keeps %+v", kept.Credentials)
		}
		b.silent("registering")
	})
	t.Run("RecoveryCodes", func(t *testing.T) { keepCodes(t, b) })
	t.Run("Prove", func(t *testing.T) {
		h.age()
		b.open("/prove?next=/tokens")
		b.click(`form[action="/prove/passkey"] button`)
		eventually(t, "the page that asked", b.says(`[aria-current="page"]`, "API tokens"))
		b.silent("proving")
	})
	t.Run("SignIn", func(t *testing.T) {
		b.signOut()
		b.click(`form[action="/sign-in/passkey"] button`)
		eventually(t, "the overview", b.says("h1", "Overview"))
		b.silent("signing in")
	})
	t.Run("SecondStep", func(t *testing.T) {
		b.signOut()
		b.fill("#f-username", "ada")
		b.fill("#f-password", password)
		b.click(`form[action="/sign-in"] button`)
		eventually(t, "the second step", b.says("h1", "Second step"))
		b.click(`form[action="/sign-in/passkey"] button`)
		eventually(t, "the overview", b.says("h1", "Overview"))
		b.silent("the second step")
	})
	t.Run("ProveInAnotherTab", func(t *testing.T) { proveAside(t, h, b, device) })
	t.Run("Links", func(t *testing.T) { b.arrived(t, "") })
	t.Run("NobodyThere", func(t *testing.T) {
		b.signOut()
		must(t, proto.WebAuthnSetUserVerified{AuthenticatorID: device, IsUserVerified: false}.Call(b))
		must(t, b.find(`form[action="/sign-in/passkey"] button`).Click(proto.InputMouseButtonLeft, 1))
		eventually(t, "the browser to give none", b.says("[data-passkey-note]", "gave no passkey"))
	})
}

// keepCodes makes recovery codes, and keeps them as a file and on paper.
func keepCodes(t *testing.T, b *tab) {
	b.open("/profile/factors")
	b.click(`form[action="/profile/recovery-codes"] button`)
	eventually(t, "the codes", b.says("#codes-title", "Your recovery codes"))
	folder := t.TempDir()
	must(t, proto.BrowserSetDownloadBehavior{Behavior: proto.BrowserSetDownloadBehaviorBehaviorAllow, DownloadPath: folder}.Call(b.Browser()))
	must(t, b.find("[data-codes-keep]").Click(proto.InputMouseButtonLeft, 1))
	shown := strings.Fields(b.text("[data-codes]"))
	eventually(t, "the file", func() bool {
		text, err := os.ReadFile(filepath.Join(folder, "keeper-recovery-codes.txt"))
		if err != nil {
			return false
		}
		for _, code := range shown {
			if !strings.Contains(string(text), "\n"+code+"\n") {
				return false
			}
		}
		return len(shown) == 10 && strings.HasPrefix(string(text), "Recovery codes of ada for Keeper, at localhost:")
	})
	_, err := b.Eval(`() => { window.print = () => { document.body.dataset.printed = "yes" } }`)
	must(t, err)
	must(t, b.find("[data-codes-print]").Click(proto.InputMouseButtonLeft, 1))
	b.find(`body[data-printed="yes"]`)
	b.silent("keeping the codes")
}

// proveAside has the proof run out while a form is filled: it is given in another tab, and
// what was typed is sent as it stands.
func proveAside(t *testing.T, h *house, b *tab, device proto.WebAuthnAuthenticatorID) {
	b.open("/tokens/new")
	b.fill("#f-name", "typed before the proof")
	h.age()
	b.click(`form[action="/tokens"] button[type="submit"]`)
	link := b.find("[data-prove-aside]")
	if got, err := b.find("#f-name").Property("value"); err != nil || got.Str() != "typed before the proof" {
		t.Fatalf("the form holds %s, %v", got, err)
	}
	href, err := link.Attribute("href")
	must(t, err)
	_, err = b.Eval(`() => document.querySelector("[data-prove-aside]").addEventListener("click", (event) => event.preventDefault())`)
	must(t, err)
	must(t, link.Click(proto.InputMouseButtonLeft, 1))
	token := func() string {
		return b.find(`form[action="/tokens"] input[name="csrf_token"]`).MustProperty("value").Str()
	}
	before := token() // the browser may tell of the focus by itself
	aside := &tab{Page: b.Browser().MustPage().Timeout(wholeTab), t: t, url: b.url}
	kept, err := proto.WebAuthnGetCredentials{AuthenticatorID: device}.Call(b)
	must(t, err)
	copied := aside.authenticator() // a tab has devices of its own
	for _, one := range kept.Credentials {
		must(t, proto.WebAuthnAddCredential{AuthenticatorID: copied, Credential: one}.Call(aside))
	}
	aside.open(*href)
	aside.click(`form[action="/prove/passkey"] button`)
	eventually(t, "the proof", func() bool { return strings.HasSuffix(aside.MustInfo().URL, "/profile/factors") })
	must(t, aside.Page.Close())
	_, err = b.Eval(`() => dispatchEvent(new Event("focus"))`)
	must(t, err)
	eventually(t, "the form's new token", func() bool { return token() != before })
	b.click(`form[action="/tokens"] button[type="submit"]`)
	eventually(t, "the token", b.says("main", "typed before the proof"))
	eventually(t, "the token", b.says("main", "kpr_"))
	b.mu.Lock()
	b.noise = nil // the refusal is an error of the console
	b.mu.Unlock()
}
