package web_test

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/auth/saml"
	"github.com/your-org/keeper/auth/saml/samltest"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// TestSAMLBadResponses brings every bad response that needs no other settings, and holds each to its own reason in the audit
// log. A browser gets the same page whatever it was, and no session.
func TestSAMLBadResponses(t *testing.T) {
	theirs, err := samltest.NewKeyPair("Identity provider")
	must(t, err)
	stranger, err := samltest.NewKeyPair("Stranger")
	must(t, err)
	bad := slices.DeleteFunc(samltest.BadResponses(theirs, stranger), func(c samltest.Bad) bool { return c.Config != nil })
	told, reasons := map[string]bool{}, map[saml.Reason]bool{}
	for some := range slices.Chunk(bad, 60) { // a network is not heard any more after a hundred
		h := newSAMLHouse(t, func(c *models.ProviderConfig) { c.EncryptAssertions = true })
		h.idp.SetKeys(theirs)
		_, err := h.auth.RefreshProvider(t.Context(), models.System(), "okta")
		must(t, err)
		for _, c := range some {
			t.Run(c.Name, func(t *testing.T) {
				told[h.brings(t, c)] = true
				reasons[c.Want] = true
			})
		}
		var accounts int
		must(t, h.store.Read(t.Context(), func(tx *store.Tx) (err error) { accounts, err = tx.CountUsers(); return err }))
		if accounts != 1 {
			t.Errorf("%d accounts after the bad responses", accounts)
		}
	}
	if len(told) != 1 || len(reasons) < 20 {
		t.Errorf("a browser is told %d things for %d reasons: %v", len(told), len(reasons), told)
	}
}

// brings has a visitor bring a bad response to the sign-in that it began, and returns what it is shown.
func (h *samlHouse) brings(t *testing.T, c samltest.Bad) string {
	t.Helper()
	h.idp.Make(c.Making)
	defer h.idp.Make(samltest.Making{})
	v := h.visitor()
	fields := v.atProvider("/saml/okta/sign-in?next=/profile")
	if c.Bytes != nil {
		response, err := base64.StdEncoding.DecodeString(fields.Get("SAMLResponse"))
		must(t, err)
		fields.Set("SAMLResponse", samltest.Encode(c.Bytes(response)))
	}
	p := v.post("/saml/okta/acs", fields).want(http.StatusUnauthorized, "main", "The sign-in did not work")
	e := h.entries("session.create")[0]
	if e.Outcome != models.OutcomeRefused || e.Detail["reason"] != string(c.Want) || e.Detail["provider"] != "okta" || e.Detail["detail"] == "" {
		t.Errorf("the audit log says %s %v, want %s", e.Outcome, e.Detail, c.Want)
	}
	if whole := fmt.Sprint(e); strings.Contains(whole, "ada@") || strings.Contains(whole, "root@") {
		t.Errorf("the audit log names whom nobody vouched for: %s", whole)
	}
	if v.cookie("keeper") != "" {
		t.Error("a session was opened")
	}
	return p.shown()
}

var drawn = regexp.MustCompile(`(name="csrf-token" content=|nonce=)"[^"]*"`)

// shown is all that a browser gets, but for what is drawn for each answer: the identifier of its request,
// the token of its forms and the nonce of its scripts.
func (p *page) shown() string {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(p.header)), func(name string) bool { return name == "Connection" }) // which ends after too much
	return fmt.Sprint(p.status, names, drawn.ReplaceAllString(strings.ReplaceAll(p.body, p.header.Get("X-Request-Id"), ""), "$1"))
}

// TestSAMLRefusals are those that are no matter of the response alone.
func TestSAMLRefusals(t *testing.T) {
	h := newSAMLHouse(t, nil)
	told := map[string]bool{}
	t.Run("NoMessage", func(t *testing.T) {
		told[h.visitor().post("/saml/okta/acs", url.Values{"SAMLResponse": {"%%%"}}).want(http.StatusUnauthorized, "", "").shown()] = true
		if got := h.refusal(); got != string(saml.ReasonMalformed) {
			t.Errorf("refused for %s", got)
		}
	})
	t.Run("Huge", func(t *testing.T) {
		told[h.visitor().post("/saml/okta/acs", url.Values{"SAMLResponse": {strings.Repeat("A", 3<<20)}}).want(http.StatusUnauthorized, "", "").shown()] = true
		if got := h.refusal(); got != string(saml.ReasonTooLarge) {
			t.Errorf("refused for %s", got)
		}
	})
	t.Run("Replayed", func(t *testing.T) {
		v := h.visitor()
		fields := v.atProvider("/saml/okta/sign-in")
		v.post("/saml/okta/acs", fields).want(http.StatusOK, "", "")
		// The second goes to another replica.
		again := &http.Request{Method: http.MethodPost, URL: &url.URL{}, Header: http.Header{}, PostForm: fields}
		_, err := h.replica(t).FinishSAML(t.Context(), "okta", again, v.cookie("keeper-saml"), auth.Origin{Address: "192.0.2.1"})
		if !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("got %v", err)
		}
		// The request is used up: that is seen before the assertion is.
		if got := h.refusal(); got != string(saml.ReasonInResponseTo) {
			t.Errorf("refused for %s", got)
		}
	})
	t.Run("AnotherBrowser", func(t *testing.T) {
		fields := h.visitor().atProvider("/saml/okta/sign-in")
		victim := h.visitor()
		told[victim.post("/saml/okta/acs", fields).want(http.StatusUnauthorized, "", "").shown()] = true
		if got := h.refusal(); got != string(saml.ReasonBrowser) || victim.cookie("keeper") != "" {
			t.Errorf("refused for %s", got)
		}
	})
	if len(told) != 1 {
		t.Errorf("a browser is told %d things: %v", len(told), told)
	}
}
