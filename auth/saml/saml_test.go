package saml_test

import (
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/your-org/keeper/auth/saml"
	"github.com/your-org/keeper/auth/saml/samltest"
	"github.com/your-org/keeper/fault"
)

var ada = samltest.User{NameID: "ada@example.com", Email: "ada@example.com", Name: "Ada Lovelace", Groups: []string{"keeper-admins", "engineering"}}

const (
	entityID = "https://keeper.example/saml/okta/metadata"
	acsURL   = "https://keeper.example/saml/okta/acs"
	sloURL   = "https://keeper.example/saml/okta/slo"
)

// These are made once: making RSA keys is slow.
var (
	ourKey      = sync.OnceValue(func() saml.KeyPair { return mustPair("Keeper") })
	theirKey    = sync.OnceValue(func() saml.KeyPair { return mustPair("Identity provider") })
	strangerKey = sync.OnceValue(func() saml.KeyPair { return mustPair("Stranger") })
)

func mustPair(name string) saml.KeyPair {
	pair, err := samltest.NewKeyPair(name)
	if err != nil {
		panic(err)
	}
	return pair
}

// world is an identity provider and Keeper's side of it, which know each other.
type world struct {
	t        *testing.T
	idp      *samltest.IDP
	provider *saml.Provider
	memory   *saml.Memory
	cfg      saml.Config

	mu  sync.Mutex
	now time.Time // zero for the real time
}

func newWorld(t *testing.T, change ...func(*saml.Config)) *world {
	t.Helper()
	return newWorldWith(t, theirKey(), change...)
}

func newWorldWith(t *testing.T, pair saml.KeyPair, change ...func(*saml.Config)) *world {
	t.Helper()
	idp := samltest.StartWith(pair, ada)
	t.Cleanup(idp.Close)
	w := &world{t: t, idp: idp, memory: saml.NewMemory(), cfg: saml.Config{
		ID: "okta", Name: "Okta", Metadata: idp.Metadata(), EntityID: entityID, ACSURL: acsURL, SLOURL: sloURL,
		Keys: []saml.KeyPair{ourKey()}, EmailAttribute: samltest.AttributeEmail, NameAttribute: samltest.AttributeName,
		GroupsAttribute: samltest.AttributeGroups, EncryptAssertions: true,
	}}
	for _, c := range change {
		c(&w.cfg)
	}
	w.provider = w.newProvider()
	metadata, err := w.provider.Metadata()
	if err != nil {
		t.Fatal(err)
	}
	if err := idp.Register(metadata); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) newProvider() *saml.Provider {
	w.t.Helper()
	p, err := saml.New(w.cfg, saml.Deps{Requests: w.memory, Replays: w.memory, Now: w.clock})
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.now.IsZero() {
		return time.Now()
	}
	return w.now
}

func (w *world) setClock(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = now
}

// ask begins a sign-in and returns the RelayState and the ID of the request, as the identity provider sees them.
func (w *world) ask(options saml.BeginOptions) (relayState, requestID string) {
	w.t.Helper()
	message, err := w.provider.Begin(w.t.Context(), options)
	if err != nil {
		w.t.Fatal(err)
	}
	root := w.sent(message)
	u, err := url.Parse(message.URL)
	if err != nil {
		w.t.Fatal(err)
	}
	return u.Query().Get("RelayState"), root.SelectAttrValue("ID", "")
}

// sent is the XML of a message that goes by redirect.
func (w *world) sent(message saml.Message) *etree.Element {
	w.t.Helper()
	u, err := url.Parse(message.URL)
	if err != nil || message.URL == "" {
		w.t.Fatalf("no redirect: %v, %v", message, err)
	}
	value := u.Query().Get("SAMLRequest") + u.Query().Get("SAMLResponse")
	return parse(w.t, inflate(w.t, value))
}

// answer makes a response to what was asked.
func (w *world) answer(requestID string, m samltest.Making) []byte {
	w.t.Helper()
	response, err := w.idp.Respond(w.cfg.EntityID, requestID, ada.NameID, m)
	if err != nil {
		w.t.Fatal(err)
	}
	return response
}

func (w *world) finish(response []byte, relayState string) (saml.SignIn, error) {
	return w.provider.Finish(w.t.Context(), saml.Incoming{SAMLResponse: samltest.Encode(response), RelayState: relayState})
}

// signIn goes all the way with one making.
func (w *world) signIn(m samltest.Making) (saml.SignIn, error) {
	w.t.Helper()
	relayState, requestID := w.ask(saml.BeginOptions{ReturnTo: "/secrets"})
	return w.finish(w.answer(requestID, m), relayState)
}

// wantReason checks that an error is a refusal for one reason, and that its text tells nothing.
func wantReason(t *testing.T, err error, want saml.Reason) {
	t.Helper()
	if err == nil {
		t.Fatalf("accepted, want it refused as %s", want)
	}
	got, detail := saml.ReasonOf(err)
	if got != want {
		t.Fatalf("reason %q (%s; %v), want %q", got, detail, err, want)
	}
	if detail == "" || strings.ContainsAny(detail, "\n\r") || len(detail) > 1000 {
		t.Errorf("the detail %q does not fit an audit entry", detail)
	}
	if strings.Contains(detail, ada.Name) || strings.Contains(detail, ada.NameID) {
		t.Errorf("the detail %q names a person", detail)
	}
	const public = "Sign-in through the identity provider was refused. Try again; if it stays, ask an administrator to look into the audit log."
	if shown := fault.Public(err).Error(); shown != public || err.Error() != public {
		t.Errorf("a browser is told %q", shown)
	}
	if fault.KindOf(err) != fault.Unauthenticated {
		t.Errorf("kind %s, want unauthenticated", fault.KindOf(err))
	}
}

func parse(t *testing.T, text []byte) *etree.Element {
	t.Helper()
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(text); err != nil || doc.Root() == nil {
		t.Fatalf("no XML: %v", err)
	}
	return doc.Root()
}

func write(t *testing.T, el *etree.Element) []byte {
	t.Helper()
	doc := etree.NewDocument()
	doc.SetRoot(el.Copy())
	text, err := doc.WriteToBytes()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// browser is an HTTP client with cookies that follows no redirect and submits forms.
type browser struct {
	t      *testing.T
	client *http.Client
}

func newBrowser(t *testing.T) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, client: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

var (
	formAction = regexp.MustCompile(`action="([^"]*)"`)
	formField  = regexp.MustCompile(`name="([^"]*)" value="([^"]*)"`)
)

// form reads the one form of a page.
func form(page string) (action string, fields url.Values) {
	fields = url.Values{}
	if found := formAction.FindStringSubmatch(page); found != nil {
		action = unescape(found[1])
	}
	for _, field := range formField.FindAllStringSubmatch(page, -1) {
		fields.Set(field[1], unescape(field[2]))
	}
	return action, fields
}

func unescape(s string) string {
	return strings.NewReplacer("&#43;", "+", "&#34;", `"`, "&#39;", "'", "&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(s)
}

func postRequest(t *testing.T, target string, fields url.Values) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodPost, target, strings.NewReader(fields.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}
