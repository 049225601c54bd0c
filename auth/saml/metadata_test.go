package saml_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	crewjam "github.com/crewjam/saml"

	"github.com/your-org/keeper/auth/saml"
	"github.com/your-org/keeper/auth/saml/samltest"
	"github.com/your-org/keeper/fault"
)

func TestOurMetadata(t *testing.T) {
	w := newWorld(t, func(c *saml.Config) { c.Keys = append(c.Keys, strangerKey()) })
	text, err := w.provider.Metadata()
	if err != nil {
		t.Fatal(err)
	}
	sp, err := samltest.ReadMetadata(text)
	if err != nil {
		t.Fatal(err)
	}
	role := sp.SPSSODescriptors[0]
	if sp.EntityID != entityID || len(role.AssertionConsumerServices) != 1 || role.AssertionConsumerServices[0].Location != acsURL {
		t.Errorf("%+v", sp)
	}
	if !*role.AuthnRequestsSigned || !*role.WantAssertionsSigned || len(role.SingleLogoutServices) != 2 {
		t.Errorf("%+v", role)
	}
	var uses []string
	for _, k := range role.KeyDescriptors {
		owner := "ours"
		if k.KeyInfo.X509Data.X509Certificates[0].Data == base64Of(strangerKey().Certificate.Raw) {
			owner = "older"
		}
		uses = append(uses, k.Use+" "+owner)
	}
	if got, want := fmt.Sprint(uses), "[signing ours signing older encryption ours encryption older]"; got != want {
		t.Errorf("keys %s, want %s", got, want)
	}
	t.Run("WithoutEncryption", func(t *testing.T) {
		w.cfg.EncryptAssertions = false
		text, err := w.newProvider().Metadata()
		if err != nil || bytes.Contains(text, []byte("encryption")) || !bytes.Contains(text, []byte("signing")) {
			t.Errorf("%s, %v", text, err)
		}
	})
	if bytes.Contains(text, []byte("PRIVATE")) {
		t.Error("a private key is in the metadata")
	}
}

func TestConfigIsChecked(t *testing.T) {
	good := newWorld(t).cfg
	cases := map[string]struct {
		field  string
		change func(*saml.Config)
	}{
		"NoID":        {"id", func(c *saml.Config) { c.ID = "" }},
		"NoMetadata":  {"metadata", func(c *saml.Config) { c.Metadata = nil }},
		"PlainURL":    {"metadata_url", func(c *saml.Config) { c.MetadataURL = "http://idp.example/metadata" }},
		"FileURL":     {"metadata_url", func(c *saml.Config) { c.MetadataURL = "file:///etc/passwd" }},
		"NoEntityID":  {"entity_id", func(c *saml.Config) { c.EntityID = "" }},
		"RelativeACS": {"acs_url", func(c *saml.Config) { c.ACSURL = "/saml/acs" }},
		"RelativeSLO": {"slo_url", func(c *saml.Config) { c.SLOURL = "/saml/slo" }},
		"NoKeys":      {"keys", func(c *saml.Config) { c.Keys = nil }},
		"ForeignKey": {"keys[0]", func(c *saml.Config) {
			c.Keys = []saml.KeyPair{{Key: ourKey().Key, Certificate: strangerKey().Certificate}}
		}},
		"WideSkew":        {"max_clock_skew", func(c *saml.Config) { c.MaxClockSkew = time.Hour }},
		"LongDelay":       {"max_issue_delay", func(c *saml.Config) { c.MaxIssueDelay = 24 * time.Hour }},
		"NegativeOfDelay": {"max_issue_delay", func(c *saml.Config) { c.MaxIssueDelay = -1 }},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			cfg := good
			c.change(&cfg)
			_, err := saml.New(cfg, saml.Deps{Requests: saml.NewMemory(), Replays: saml.NewMemory()})
			var f *fault.Error
			if !errors.As(err, &f) || f.Kind != fault.Invalid || len(f.Fields) != 1 || f.Fields[0].Name != c.field {
				t.Errorf("got %+v, want the field %s", err, c.field)
			}
		})
	}
	t.Run("NoState", func(t *testing.T) {
		if _, err := saml.New(good, saml.Deps{}); err == nil {
			t.Error("made without a place for requests")
		}
	})
}

func TestBadMetadata(t *testing.T) {
	w := newWorld(t)
	good := string(w.idp.Metadata())
	cases := map[string]string{
		"NoXML":          "hello",
		"OtherXML":       "<a/>",
		"Doctype":        "<!DOCTYPE a>" + good,
		"NoEntityID":     strings.Replace(good, `entityID="`+w.idp.EntityID()+`"`, `entityID=""`, 1),
		"NoCertificate":  strings.ReplaceAll(good, "KeyDescriptor", "Other"),
		"BadCertificate": strings.ReplaceAll(good, base64Of(theirKey().Certificate.Raw), "AAAA"),
		"NoSignOn":       strings.ReplaceAll(good, "SingleSignOnService", "Other"),
		"ScriptSignOn":   strings.ReplaceAll(good, w.idp.URL("/sso"), "javascript:alert(1)"),
		"PolicySignOn":   strings.ReplaceAll(good, w.idp.URL("/sso"), "https://a;script-src*/sso"),
		"Huge":           good + strings.Repeat(" ", 2<<20),
		"ManyKeys":       manyCertificates(t, good, 11),
		"GiantKey":       strings.ReplaceAll(good, base64Of(theirKey().Certificate.Raw), base64Of(giantCertificate(t, 1<<18))),
		"TwoProviders":   "<EntitiesDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\">" + good + good + "</EntitiesDescriptor>",
	}
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			cfg := w.cfg
			cfg.Metadata = []byte(text)
			_, err := saml.New(cfg, saml.Deps{Requests: w.memory, Replays: w.memory})
			if fault.KindOf(err) != fault.Invalid {
				t.Errorf("got %v, want invalid", err)
			}
		})
	}
	t.Run("AsManyKeysAsMayBe", func(t *testing.T) {
		cfg := w.cfg
		cfg.Metadata = []byte(manyCertificates(t, good, 10))
		p, err := saml.New(cfg, saml.Deps{Requests: w.memory, Replays: w.memory})
		if err != nil || len(p.Certificates()) != 1+10 {
			t.Errorf("not taken: %v", err)
		}
	})
	t.Run("OneOfAFederation", func(t *testing.T) {
		other := strings.ReplaceAll(good, w.idp.EntityID(), "https://other.example")
		cfg := w.cfg
		cfg.Issuer = w.idp.EntityID()
		cfg.Metadata = []byte("<EntitiesDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\">" + other + good + "</EntitiesDescriptor>")
		p, err := saml.New(cfg, saml.Deps{Requests: w.memory, Replays: w.memory})
		if err != nil || p.Status().EntityID != w.idp.EntityID() {
			t.Errorf("%v", err)
		}
	})
	t.Run("OfAnother", func(t *testing.T) {
		cfg := w.cfg
		cfg.Issuer = "https://other.example"
		if _, err := saml.New(cfg, saml.Deps{Requests: w.memory, Replays: w.memory}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("got %v", err)
		}
	})
	t.Run("WithComments", func(t *testing.T) {
		cfg := w.cfg
		cfg.Metadata = []byte("<!-- from Okta -->" + good)
		if _, err := saml.New(cfg, saml.Deps{Requests: w.memory, Replays: w.memory}); err != nil {
			t.Error(err)
		}
	})
}

// TestRollover changes the identity provider's certificate as one does it without an interruption, and then abruptly.
// manyCertificates is metadata with so many certificates, each of them another.
func manyCertificates(t *testing.T, metadata string, n int) string {
	t.Helper()
	key := theirKey().Key
	var all strings.Builder
	for i := range n {
		template := &x509.Certificate{SerialNumber: big.NewInt(int64(i + 1)), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
		raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString(`<KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>` + base64Of(raw) + `</X509Certificate></X509Data></KeyInfo></KeyDescriptor>`)
	}
	start, end := strings.Index(metadata, "<KeyDescriptor"), strings.LastIndex(metadata, "</KeyDescriptor>")+len("</KeyDescriptor>")
	return metadata[:start] + all.String() + metadata[end:]
}

func TestRollover(t *testing.T) {
	w := newWorld(t)
	w.cfg.Metadata, w.cfg.MetadataURL = nil, w.idp.MetadataURL()
	w.provider = w.newProvider()
	refresh := func() {
		t.Helper()
		if err := w.provider.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	signsIn := func(want saml.Reason) {
		t.Helper()
		_, err := w.signIn(samltest.Making{})
		if reason, _ := saml.ReasonOf(err); reason != want || want == "" && err != nil {
			t.Fatalf("got %q (%v), want %q", reason, err, want)
		}
	}
	refresh()
	signsIn("")
	if err := w.idp.Rotate(); err != nil {
		t.Fatal(err)
	}
	signsIn(saml.ReasonOtherKey) // the metadata here is older than the key
	refresh()
	signsIn("")
	old := w.idp.Keys()[1]
	response := func(m samltest.Making) error { _, err := w.signIn(m); return err }
	if err := response(samltest.Making{Signer: &old}); err != nil {
		t.Errorf("the older of two published keys: %v", err)
	}
	w.idp.DropOldKeys()
	refresh()
	signsIn("")
	wantReason(t, response(samltest.Making{Signer: &old}), saml.ReasonOtherKey)
}

func TestExpiredCertificate(t *testing.T) {
	ended, err := samltest.NewKeyPairValid("Ended", time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour), 2048)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorldWith(t, ended)
	_, err = w.signIn(samltest.Making{})
	wantReason(t, err, saml.ReasonCertificate)
	var warned []string
	for _, c := range w.provider.Certificates() {
		warned = append(warned, fmt.Sprintf("ours=%t signs=%t ends=%t", c.Ours, c.Signs, c.Expires(time.Now(), time.Hour)))
	}
	if got, want := strings.Join(warned, "; "), "ours=true signs=true ends=false; ours=false signs=true ends=true"; got != want {
		t.Errorf("certificates: %s, want %s", got, want)
	}
}

// source serves metadata and can be told to fail.
type source struct {
	*httptest.Server
	body   atomic.Pointer[string]
	status atomic.Int64
	asked  atomic.Int64
}

func newSource(t *testing.T, body string) *source {
	s := &source{}
	s.body.Store(&body)
	s.status.Store(http.StatusOK)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.asked.Add(1)
		w.WriteHeader(int(s.status.Load()))
		fmt.Fprint(w, *s.body.Load())
	}))
	t.Cleanup(s.Close)
	return s
}

func TestRefresh(t *testing.T) {
	w := newWorld(t)
	good := string(w.idp.Metadata())
	s := newSource(t, good)
	cfg := w.cfg
	cfg.Metadata, cfg.MetadataURL = nil, s.URL
	var kept [][]byte
	p, err := saml.New(cfg, saml.Deps{Requests: w.memory, Replays: w.memory, Keep: func(_ context.Context, raw []byte) error {
		kept = append(kept, raw)
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if status := p.Status(); status.Known || p.IDPMetadata() != nil {
		t.Errorf("known before it was fetched: %+v", status)
	}
	refuses := func(name string, kind fault.Kind) {
		t.Helper()
		err := p.Refresh(t.Context())
		if fault.KindOf(err) != kind {
			t.Errorf("%s: got %v, want %s", name, err, kind)
		}
		if status := p.Status(); !status.Known || status.FetchError == "" || string(p.IDPMetadata()) != good {
			t.Errorf("%s: the last good was not kept: %+v", name, status)
		}
	}
	for range 2 {
		if err := p.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(kept) != 1 || string(kept[0]) != good {
		t.Errorf("kept %d times, want once: the second fetch was the same", len(kept))
	}
	if status := p.Status(); !status.Known || status.EntityID != w.idp.EntityID() || status.FetchError != "" || !status.Logout || len(status.SignOnURLs) != 2 {
		t.Errorf("%+v", status)
	}
	s.status.Store(http.StatusInternalServerError)
	refuses("status 500", fault.Unavailable)
	s.status.Store(http.StatusOK)
	for name, body := range map[string]string{"garbage": "hello", "another provider": strings.ReplaceAll(good, w.idp.EntityID(), "https://other.example"), "huge": strings.Repeat("a", 2<<20)} {
		s.body.Store(&body)
		refuses(name, fault.Invalid)
	}
	s.Close()
	refuses("gone", fault.Unavailable)
}

func TestRefreshFollowsNoRedirectAwayFromTLS(t *testing.T) {
	w := newWorld(t)
	plain := newSource(t, string(w.idp.Metadata()))
	for name, target := range map[string]string{"ToPlain": plain.URL, "ToElsewhere": "http://idp.example/metadata", "ToAFile": "file:///etc/passwd"} {
		t.Run(name, func(t *testing.T) {
			secure := httptest.NewTLSServer(http.RedirectHandler(target, http.StatusFound))
			defer secure.Close()
			cfg := w.cfg
			cfg.Metadata, cfg.MetadataURL = nil, secure.URL
			p, err := saml.New(cfg, saml.Deps{Requests: w.memory, Replays: w.memory, HTTP: secure.Client()})
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Refresh(t.Context()); fault.KindOf(err) != fault.Unavailable {
				t.Errorf("got %v", err)
			}
		})
	}
	if plain.asked.Load() != 0 {
		t.Error("metadata was fetched without TLS")
	}
}

// TestRun lets hours pass: refreshed at the interval, sooner after a failure, and over when its context is.
func TestRun(t *testing.T) {
	metadata := newWorld(t).idp.Metadata()
	synctest.Test(t, func(t *testing.T) {
		var asked, fail atomic.Int64
		client := &http.Client{Transport: transport(func(*http.Request) (*http.Response, error) {
			asked.Add(1)
			if fail.Load() > 0 {
				return nil, errors.New("away")
			}
			return &http.Response{StatusCode: http.StatusOK, Body: body{bytes.NewReader(metadata)}}, nil
		})}
		p, err := saml.New(saml.Config{ID: "okta", MetadataURL: "https://idp.example/metadata", EntityID: entityID, ACSURL: acsURL, Keys: []saml.KeyPair{ourKey()}},
			saml.Deps{Requests: saml.NewMemory(), Replays: saml.NewMemory(), HTTP: client})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { p.Run(ctx, time.Hour); close(done) }()
		want := func(n int64) {
			t.Helper()
			synctest.Wait()
			if got := asked.Load(); got != n {
				t.Errorf("asked %d times, want %d", got, n)
			}
		}
		want(1)
		time.Sleep(time.Hour)
		want(2)
		fail.Store(1)
		time.Sleep(time.Hour)
		want(3)
		time.Sleep(5 * time.Minute)
		want(8)
		if !p.Status().Known {
			t.Error("the last good metadata is gone")
		}
		cancel()
		<-done
	})
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type body struct{ *bytes.Reader }

func (body) Close() error { return nil }

// TestChooseBinding signs in at an identity provider that takes forms only.
func TestChooseBinding(t *testing.T) {
	w := newWorld(t)
	cfg := w.cfg
	cfg.Metadata = bytes.ReplaceAll(cfg.Metadata, []byte(crewjam.HTTPRedirectBinding), []byte("urn:other"))
	p, err := saml.New(cfg, saml.Deps{Requests: w.memory, Replays: w.memory})
	if err != nil {
		t.Fatal(err)
	}
	message, err := p.Begin(t.Context(), saml.BeginOptions{})
	if err != nil || message.Form == nil || message.Form.Action != w.idp.URL("/sso") || message.Origin() != w.idp.URL("") {
		t.Errorf("%+v, %v", message, err)
	}
}
