package web_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/auth/saml/samltest"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// samlHouse is a house that knows its own address, with an identity provider beside it.
type samlHouse struct {
	*house
	idp     *samltest.IDP
	answers samlAnswers
}

var (
	samlAda = samltest.User{NameID: "ada@example.com", Email: "ada@example.com", Name: "Ada", Groups: []string{"keeper-devs", "everyone"}}
	samlEve = samltest.User{NameID: "eve@example.com", Email: "eve@example.com", Name: "Eve", Groups: []string{"everyone"}}
)

// newSAMLHouse sets a provider "okta" up, that is on and makes accounts, and maps the group
// keeper-devs to editor in production.
func newSAMLHouse(t *testing.T, change func(*models.ProviderConfig)) *samlHouse {
	t.Helper()
	idp, err := samltest.Start(samlAda, samlEve)
	must(t, err)
	t.Cleanup(idp.Close)
	h := &samlHouse{house: newHouse(t), idp: idp}
	h.serveAs(t)
	h.introduce(t, change)
	return h
}

// introduce sets the provider up on both sides.
func (h *samlHouse) introduce(t *testing.T, change func(*models.ProviderConfig)) {
	t.Helper()
	idp := h.idp
	e := h.environment("production")
	h.user("root", models.RoleAdmin, nil)
	config := models.ProviderConfig{
		DisplayName: "Okta", MetadataURL: idp.MetadataURL(), CreateUsers: true,
		EmailAttribute: samltest.AttributeEmail, NameAttribute: samltest.AttributeName,
	}
	if change != nil {
		change(&config)
	}
	ctx := context.Background()
	_, err := h.auth.CreateProvider(ctx, models.System(), auth.NewProvider{Name: "okta", Config: config})
	must(t, err)
	g, err := h.auth.CreateGroup(ctx, models.System(), auth.NewGroup{Provider: "okta", Name: "keeper-devs"})
	must(t, err)
	must(t, h.auth.SetGroupRole(ctx, models.System(), string(g.ID), e.ID, models.RoleEditor))
	on := true
	_, err = h.auth.UpdateProvider(ctx, models.System(), "okta", auth.ProviderChange{Enabled: &on, Untested: true}, 0)
	must(t, err)
	metadata, err := h.auth.ProviderMetadata(ctx, "okta")
	must(t, err)
	must(t, idp.Register(metadata))
}

// serveAs serves the house again from an address that its accounts know.
func (h *samlHouse) serveAs(t *testing.T) {
	t.Helper()
	listener := loopback(t)
	h.serveOn(t, listener, "http://"+listener.Addr().String(), (*httptest.Server).Start)
}

func loopback(t *testing.T) net.Listener {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	return listener
}

func (h *samlHouse) serveOn(t *testing.T, listener net.Listener, address string, start func(*httptest.Server)) {
	t.Helper()
	h.url = address
	h.auth = h.replica(t)
	h.handler = h.newHandler(houseOptions{publicURL: h.url}, slog.New(slog.NewJSONHandler(h.log, nil)))
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: h.answers.over(h.handler), ReadHeaderTimeout: 10 * time.Second}}
	start(server)
	t.Cleanup(server.Close)
	t.Cleanup(h.feed.close)
}

// samlAnswers keeps the headers of the providers' answers as browsers brought them.
type samlAnswers struct {
	mu   sync.Mutex
	came []http.Header
}

func (a *samlAnswers) over(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/acs") {
			a.mu.Lock()
			a.came = append(a.came, r.Header.Clone())
			a.mu.Unlock()
		}
		next.ServeHTTP(w, r)
	})
}

func (a *samlAnswers) all() []http.Header {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.came)
}

// replica is another service on the same database.
func (h *samlHouse) replica(t *testing.T) *auth.Service {
	t.Helper()
	s, err := auth.New(auth.Deps{Store: h.store, Now: time.Now, Secret: bytes.Repeat([]byte{3}, 32), PublicURL: h.url})
	must(t, err)
	return s
}

// onwards goes where a page goes by itself.
func (p *page) onwards() *page {
	p.v.t.Helper()
	if to, ok := cutRefresh(p.header.Get("Refresh")); ok {
		return p.v.get(to)
	}
	p.v.t.Fatalf("%s goes nowhere: %s", p.url, p.text("main"))
	return nil
}

func cutRefresh(header string) (string, bool) {
	const prefix = "0; url="
	if len(header) <= len(prefix) {
		return "", false
	}
	return header[len(prefix):], true
}

// entries are those of the audit log about an action, the newest first.
func (h *house) entries(action string) []models.AuditEntry {
	h.t.Helper()
	var found []models.AuditEntry
	must(h.t, h.store.Read(context.Background(), func(tx *store.Tx) error {
		entries, _, err := tx.Audit(store.AuditQuery{Everything: true, Action: action, Limit: 100})
		found = entries
		return err
	}))
	return found
}

// refusal is why the last sign-in was refused.
func (h *house) refusal() string {
	h.t.Helper()
	for _, e := range h.entries("session.create") {
		if e.Outcome == models.OutcomeRefused {
			return e.Detail["reason"]
		}
	}
	return ""
}
