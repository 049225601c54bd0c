package saml_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/your-org/keeper/auth/saml"
	"github.com/your-org/keeper/auth/saml/samltest"
	"github.com/your-org/keeper/fault"
)

func base64Of(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func TestRequestState(t *testing.T) {
	t.Run("UsedOnce", func(t *testing.T) {
		w := newWorld(t)
		relayState, requestID := w.ask(saml.BeginOptions{})
		if _, err := w.finish(w.answer(requestID, samltest.Making{}), relayState); err != nil {
			t.Fatal(err)
		}
		_, err := w.finish(w.answer(requestID, samltest.Making{}), relayState)
		wantReason(t, err, saml.ReasonInResponseTo)
	})
	t.Run("ASlowSecondFactor", func(t *testing.T) {
		w := newWorld(t)
		relayState, requestID := w.ask(saml.BeginOptions{})
		later := time.Now().Add(14 * time.Minute)
		w.setClock(later)
		if _, err := w.finish(w.answer(requestID, samltest.Making{Now: later}), relayState); err != nil {
			t.Error(err)
		}
	})
	t.Run("TooSlow", func(t *testing.T) {
		w := newWorld(t)
		relayState, requestID := w.ask(saml.BeginOptions{})
		later := time.Now().Add(16 * time.Minute)
		w.setClock(later)
		_, err := w.finish(w.answer(requestID, samltest.Making{Now: later}), relayState)
		wantReason(t, err, saml.ReasonInResponseTo)
	})
	t.Run("RelayStateOfAnotherRequest", func(t *testing.T) {
		w := newWorld(t)
		_, first := w.ask(saml.BeginOptions{})
		second, _ := w.ask(saml.BeginOptions{})
		_, err := w.finish(w.answer(first, samltest.Making{}), second)
		wantReason(t, err, saml.ReasonInResponseTo)
	})
	t.Run("ReturnToElsewhere", func(t *testing.T) {
		w := newWorld(t)
		relayState, requestID := w.ask(saml.BeginOptions{ReturnTo: "https://evil.example/x"})
		got, err := w.finish(w.answer(requestID, samltest.Making{}), relayState)
		if err != nil || got.ReturnTo != "/" {
			t.Errorf("%q, %v", got.ReturnTo, err)
		}
	})
	t.Run("AnotherBrowser", func(t *testing.T) {
		w := newWorld(t)
		for _, c := range []struct {
			browser string
			want    saml.Reason
		}{{"this one", ""}, {"", saml.ReasonBrowser}, {"another", saml.ReasonBrowser}} {
			relayState, requestID := w.ask(saml.BeginOptions{Browser: "this one"})
			_, err := w.provider.Finish(t.Context(), saml.Incoming{
				SAMLResponse: samltest.Encode(w.answer(requestID, samltest.Making{})), RelayState: relayState, Browser: c.browser,
			})
			if reason, _ := saml.ReasonOf(err); reason != c.want {
				t.Errorf("browser %q: %v, want %q", c.browser, err, c.want)
			}
		}
	})
	t.Run("AwayIsUnavailableAndNoRefusal", func(t *testing.T) {
		w := newWorld(t)
		broken := away{fault.New(fault.Unavailable, "The database does not answer.")}
		p, err := saml.New(w.cfg, saml.Deps{Requests: broken, Replays: broken})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Begin(t.Context(), saml.BeginOptions{}); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("Begin: %v", err)
		}
		_, err = p.Finish(t.Context(), saml.Incoming{SAMLResponse: "x", RelayState: "y"})
		if reason, _ := saml.ReasonOf(err); reason != "" || fault.KindOf(err) != fault.Unavailable {
			t.Errorf("Finish: %v", err)
		}
	})
	t.Run("ReplaysAwayRefusesToSignIn", func(t *testing.T) {
		w := newWorld(t)
		p, err := saml.New(w.cfg, saml.Deps{Requests: w.memory, Replays: away{errors.New("no")}})
		if err != nil {
			t.Fatal(err)
		}
		relayState, requestID := w.ask(saml.BeginOptions{})
		got, err := p.Finish(t.Context(), saml.Incoming{SAMLResponse: samltest.Encode(w.answer(requestID, samltest.Making{})), RelayState: relayState})
		if err == nil || got.Identity.NameID != "" {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// TestReplayedAtOnce presents one response in many browsers at the same time.
func TestReplayedAtOnce(t *testing.T) {
	w := newWorld(t, func(c *saml.Config) { c.AllowIDPInitiated = true })
	response := w.answer("", samltest.Making{})
	var wg sync.WaitGroup
	results := make([]error, 20)
	for i := range results {
		wg.Go(func() { _, results[i] = w.finish(response, "") })
	}
	wg.Wait()
	accepted := 0
	for _, err := range results {
		if err == nil {
			accepted++
			continue
		}
		wantReason(t, err, saml.ReasonReplayed)
	}
	if accepted != 1 {
		t.Errorf("%d were signed in with one response", accepted)
	}
}

// away is a database that does not answer.
type away struct{ err error }

func (a away) Put(context.Context, string, saml.Request, time.Time) error { return a.err }
func (a away) Take(context.Context, string, time.Time) (saml.Request, bool, error) {
	return saml.Request{}, false, a.err
}
func (a away) Use(context.Context, string, time.Time) (bool, error) { return false, a.err }

// broken stands for a library that gives up on a message.
type broken struct{ *saml.Memory }

func (broken) Use(context.Context, string, time.Time) (bool, error) {
	panic("index out of range [3]\nwith length 3")
}

// TestAPanicIsARefusal: one message is refused, and the server goes on.
func TestAPanicIsARefusal(t *testing.T) {
	w := newWorld(t, func(c *saml.Config) { c.AllowIDPInitiated = true })
	p, err := saml.New(w.cfg, saml.Deps{Requests: w.memory, Replays: broken{w.memory}, Now: w.clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Run("Response", func(t *testing.T) {
		_, err := p.Finish(t.Context(), saml.Incoming{SAMLResponse: samltest.Encode(w.answer("", samltest.Making{}))})
		wantReason(t, err, saml.ReasonPanic)
	})
	t.Run("LogoutRequest", func(t *testing.T) {
		target, err := w.idp.LogoutURL(entityID, ada.NameID, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.HandleLogoutRequest(t.Context(), incoming(t, target))
		wantReason(t, err, saml.ReasonPanic)
	})
}

func TestFromRequest(t *testing.T) {
	const target = "https://keeper.example/acs"
	reason := func(t *testing.T, r *http.Request, want saml.Reason) {
		t.Helper()
		_, err := saml.FromRequest(r)
		wantReason(t, err, want)
	}
	t.Run("Nothing", func(t *testing.T) { reason(t, postRequest(t, target, url.Values{}), saml.ReasonMalformed) })
	t.Run("Both", func(t *testing.T) {
		reason(t, postRequest(t, target, url.Values{"SAMLRequest": {"a"}, "SAMLResponse": {"b"}}), saml.ReasonMalformed)
	})
	t.Run("Twice", func(t *testing.T) {
		reason(t, postRequest(t, target, url.Values{"SAMLResponse": {"a", "b"}}), saml.ReasonMalformed)
	})
	t.Run("ParameterOfTheAddressIsNotTheForms", func(t *testing.T) {
		reason(t, postRequest(t, target+"?SAMLResponse=x", url.Values{}), saml.ReasonMalformed)
	})
	t.Run("Huge", func(t *testing.T) {
		reason(t, postRequest(t, target, url.Values{"SAMLResponse": {strings.Repeat("A", saml.MaxBody)}}), saml.ReasonTooLarge)
	})
	t.Run("NoBase64", func(t *testing.T) {
		w := newWorld(t)
		_, err := w.provider.Finish(t.Context(), saml.Incoming{SAMLResponse: "%%%"})
		wantReason(t, err, saml.ReasonMalformed)
	})
	t.Run("ResponseByRedirect", func(t *testing.T) {
		w := newWorld(t)
		_, err := w.provider.Finish(t.Context(), saml.Incoming{SAMLResponse: "AAAA", RawQuery: "SAMLResponse=AAAA"})
		wantReason(t, err, saml.ReasonMalformed)
	})
}

func TestLocalPath(t *testing.T) {
	for text, want := range map[string]string{
		"/": "/", "/secrets/7?tab=versions#x": "/secrets/7?tab=versions#x", "": "/", "secrets": "/",
		"https://evil.example": "/", "//evil.example": "/", `/\evil.example`: "/", `\\evil.example`: "/", "/\t/evil.example": "/",
		"/a\nb": "/", "/\x00": "/", "javascript:alert(1)": "/", "/%2f/evil.example": "/", "/a:b@c": "/a:b@c",
		"///evil.example": "/", "/" + strings.Repeat("a", 3_000): "/", "/\u2028": "/", "\u0020/x": "/",
	} {
		if got := saml.LocalPath(text); got != want {
			t.Errorf("LocalPath(%q) is %q, want %q", text, got, want)
		}
	}
}
