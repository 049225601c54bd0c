package web_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-rod/rod/lib/proto"

	"github.com/your-org/keeper/auth/saml/samltest"
)

// TestSAMLFromAnotherSite signs a browser in where Keeper serves TLS as localhost and the
// provider is another site, 127.0.0.1: its form is posted across sites, and browsers take the
// cookies along that allow it alone.
func TestSAMLFromAnotherSite(t *testing.T) {
	idp, err := samltest.Start(samlAda, samlEve)
	must(t, err)
	t.Cleanup(idp.Close)
	h := &samlHouse{house: newHouse(t), idp: idp}
	listener := loopback(t)
	_, port, _ := strings.Cut(listener.Addr().String(), ":")
	h.serveOn(t, listener, "https://localhost:"+port, (*httptest.Server).StartTLS)
	h.introduce(t, nil)
	b := newTab(t, h.house)
	must(t, proto.SecuritySetIgnoreCertificateErrors{Ignore: true}.Call(b)) // the certificate is the test's own
	b.open("/sign-in?next=/profile")
	b.click(`a[href^="/saml/okta/sign-in"]`)
	eventually(t, "the profile", func() bool { return strings.HasSuffix(b.MustInfo().URL, "/profile") })
	if got := b.text("main"); !strings.Contains(got, samlAda.NameID) {
		t.Errorf("the profile says %s", got)
	}
	t.Run("Cookies", func(t *testing.T) {
		cookies, err := proto.NetworkGetCookies{Urls: []string{h.url}}.Call(b)
		must(t, err)
		want := map[string]proto.NetworkCookieSameSite{"__Host-keeper": proto.NetworkCookieSameSiteLax, "__Host-keeper-saml": proto.NetworkCookieSameSiteNone}
		for _, c := range cookies.Cookies {
			if site, known := want[c.Name]; known && (c.SameSite != site || !c.Secure || !c.HTTPOnly) {
				t.Errorf("%s is %+v", c.Name, c)
			}
			delete(want, c.Name)
		}
		if len(want) > 0 {
			t.Errorf("the browser has no %v", want)
		}
	})
	// Once more with a session: it stays at home, and the mark travels.
	b.open("/prove?next=/profile")
	b.click(`a[href^="/saml/okta/sign-in?for=prove"]`)
	eventually(t, "the profile again", func() bool { return strings.HasSuffix(b.MustInfo().URL, "/profile") })
	answers := h.answers.all()
	if len(answers) != 2 {
		t.Fatalf("%d answers came", len(answers))
	}
	for _, came := range answers {
		r := http.Request{Header: came}
		if site := came.Get("Sec-Fetch-Site"); site != "cross-site" {
			t.Errorf("the answer came %s", site)
		}
		if mark, err := r.Cookie("__Host-keeper-saml"); err != nil || mark.Value == "" {
			t.Error("the answer came without the mark")
		}
		if session, err := r.Cookie("__Host-keeper"); err == nil {
			t.Errorf("another site's form brought the session, %d characters", len(session.Value))
		}
	}
	t.Run("AnotherBrowsersAnswer", func(t *testing.T) { h.plant(t) })
}

// plant has the provider's page bring a victim the answer to what somebody else began.
func (h *samlHouse) plant(t *testing.T) {
	attacker := h.visitor()
	attacker.client.Transport = insecure()
	fields := attacker.atProvider("/saml/okta/sign-in")
	form := `<form method="post" action="` + h.url + `/saml/okta/acs">`
	for name := range fields {
		form += `<input type="hidden" name="` + name + `" value="` + fields.Get(name) + `">`
	}
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(form + `</form><script>document.forms[0].submit()</script>`))
	}))
	defer evil.Close()
	victim := newTab(t, h.house)
	must(t, proto.SecuritySetIgnoreCertificateErrors{Ignore: true}.Call(victim))
	before := len(h.entries("session.create"))
	must(t, victim.Navigate(evil.URL))
	eventually(t, "the refusal", func() bool { return len(h.entries("session.create")) > before })
	if e := h.entries("session.create")[0]; e.Outcome != "refused" || e.Detail["reason"] != "wrong_browser" {
		t.Errorf("the audit log says %s %v", e.Outcome, e.Detail)
	}
	eventually(t, "the answer", func() bool {
		at, err := url.Parse(victim.MustInfo().URL)
		return err == nil && at.Path == "/saml/okta/acs"
	})
	if got := victim.text("main"); !strings.Contains(got, "The sign-in did not work") {
		t.Errorf("the victim sees %s", got)
	}
}

// insecure takes any certificate.
func insecure() *http.Transport {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	return transport
}
