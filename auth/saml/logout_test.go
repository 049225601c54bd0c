package saml_test

import (
	"bytes"
	"compress/flate"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	crewjam "github.com/crewjam/saml"

	"github.com/your-org/keeper/auth/saml"
	"github.com/your-org/keeper/auth/saml/samltest"
	"github.com/your-org/keeper/fault"
)

func getRequest(t *testing.T, target string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func incoming(t *testing.T, target string) saml.Incoming {
	t.Helper()
	in, err := saml.FromRequest(getRequest(t, target))
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// TestLogoutByUs ends the session here and then at the identity provider, which verifies our signature.
func TestLogoutByUs(t *testing.T) {
	for name, post := range map[string]bool{"Redirect": false, "Post": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(c *saml.Config) {
				if post {
					c.Metadata = []byte(strings.Replace(string(c.Metadata), "<SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\"", "<SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\"", 1))
				}
			})
			in, err := w.signIn(samltest.Making{})
			if err != nil {
				t.Fatal(err)
			}
			message, err := w.provider.Logout(t.Context(), saml.Session{NameID: in.Identity.NameID, NameIDFormat: in.Identity.NameIDFormat, SessionIndex: in.Identity.SessionIndex}, "/bye")
			if err != nil {
				t.Fatal(err)
			}
			if (message.Form != nil) != post {
				t.Fatalf("%+v", message)
			}
			response, body := newBrowser(t).send(message)
			if response.StatusCode != http.StatusFound {
				t.Fatalf("%d %s", response.StatusCode, body)
			}
			answer := incoming(t, response.Header.Get("Location"))
			returnTo, err := w.provider.HandleLogoutResponse(t.Context(), answer)
			if err != nil || returnTo != "/bye" {
				t.Errorf("%q, %v", returnTo, err)
			}
			if got := w.idp.Ended(); !slices.Equal(got, []string{ada.NameID}) {
				t.Errorf("ended %v", got)
			}
			t.Run("AnswerTwice", func(t *testing.T) {
				_, err := w.provider.HandleLogoutResponse(t.Context(), answer)
				wantReason(t, err, saml.ReasonInResponseTo)
			})
		})
	}
	t.Run("NotSetUp", func(t *testing.T) {
		w := newWorld(t, func(c *saml.Config) { c.SLOURL = "" })
		if _, err := w.provider.Logout(t.Context(), saml.Session{NameID: ada.NameID}, "/"); fault.KindOf(err) != fault.NotFound {
			t.Errorf("got %v", err)
		}
	})
}

func TestLogoutResponses(t *testing.T) {
	begin := func(t *testing.T, w *world) (relayState, id string) {
		message, err := w.provider.Logout(t.Context(), saml.Session{NameID: ada.NameID}, "/")
		if err != nil {
			t.Fatal(err)
		}
		return mustURL(t, message.URL).Query().Get("RelayState"), w.sent(message).SelectAttrValue("ID", "")
	}
	answer := func(w *world, id string, change func(*crewjam.LogoutResponse)) *etree.Element {
		response := crewjam.LogoutResponse{
			ID: "id-answer", InResponseTo: id, Version: "2.0", IssueInstant: time.Now().UTC(), Destination: sloURL,
			Issuer: &crewjam.Issuer{Value: w.idp.EntityID()}, Status: crewjam.Status{StatusCode: crewjam.StatusCode{Value: crewjam.StatusSuccess}},
		}
		change(&response)
		return response.Element()
	}
	cases := map[string]struct {
		want   saml.Reason
		change func(*crewjam.LogoutResponse)
	}{
		"OK":                {"", func(*crewjam.LogoutResponse) {}},
		"OtherInResponseTo": {saml.ReasonInResponseTo, func(r *crewjam.LogoutResponse) { r.InResponseTo = "id-other" }},
		"OtherDestination":  {saml.ReasonDestination, func(r *crewjam.LogoutResponse) { r.Destination = acsURL }},
		"OtherIssuer":       {saml.ReasonIssuer, func(r *crewjam.LogoutResponse) { r.Issuer.Value = "https://other.example" }},
		"Old":               {saml.ReasonExpired, func(r *crewjam.LogoutResponse) { r.IssueInstant = r.IssueInstant.Add(-time.Hour) }},
		"Failed":            {saml.ReasonLogoutFailed, func(r *crewjam.LogoutResponse) { r.Status.StatusCode.Value = crewjam.StatusResponder }},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			relayState, id := begin(t, w)
			target, err := w.idp.Redirect(answer(w, id, c.change), sloURL, "SAMLResponse", relayState)
			if err != nil {
				t.Fatal(err)
			}
			_, err = w.provider.HandleLogoutResponse(t.Context(), incoming(t, target))
			if c.want == "" && err != nil {
				t.Error(err)
			}
			if c.want != "" {
				wantReason(t, err, c.want)
			}
		})
	}
	t.Run("Unsigned", func(t *testing.T) {
		w := newWorld(t)
		relayState, id := begin(t, w)
		text := write(t, answer(w, id, func(*crewjam.LogoutResponse) {}))
		_, err := w.provider.HandleLogoutResponse(t.Context(), saml.Incoming{SAMLResponse: samltest.Encode(text), RelayState: relayState})
		wantReason(t, err, saml.ReasonUnsigned)
	})
}

func TestLogoutRequests(t *testing.T) {
	sessions := []string{"session-1", "session-2"}
	keep := func(*crewjam.LogoutRequest) {}
	cases := []struct {
		name     string
		want     saml.Reason
		change   func(*crewjam.LogoutRequest)
		element  func(*etree.Element)
		sessions []string
	}{
		{name: "OK", change: keep, sessions: sessions},
		{name: "AllSessions", change: keep},
		{name: "OtherIssuer", want: saml.ReasonIssuer, change: func(r *crewjam.LogoutRequest) { r.Issuer.Value = "https://other.example" }},
		{name: "OtherDestination", want: saml.ReasonDestination, change: func(r *crewjam.LogoutRequest) { r.Destination = "https://other.example/slo" }},
		{name: "NoDestination", want: saml.ReasonDestination, change: func(r *crewjam.LogoutRequest) { r.Destination = "" }},
		{name: "Old", want: saml.ReasonExpired, change: func(r *crewjam.LogoutRequest) { r.IssueInstant = r.IssueInstant.Add(-time.Hour) }},
		{name: "Future", want: saml.ReasonNotYetValid, change: func(r *crewjam.LogoutRequest) { r.IssueInstant = r.IssueInstant.Add(time.Hour) }},
		{name: "Ended", want: saml.ReasonExpired, change: func(r *crewjam.LogoutRequest) {
			ended := time.Now().UTC().Add(-time.Hour)
			r.NotOnOrAfter = &ended
		}},
		{name: "NoNameID", want: saml.ReasonNoSubject, change: func(r *crewjam.LogoutRequest) { r.NameID = nil }},
		{name: "EmptyNameID", want: saml.ReasonEmptyNameID, change: func(r *crewjam.LogoutRequest) { r.NameID.Value = "" }},
		{name: "EmptySessionIndex", want: saml.ReasonMalformed, change: keep, sessions: []string{""}},
		{name: "ForeignNameID", want: saml.ReasonForeignNamespace, change: keep, element: samltest.InForeignNamespace("./NameID")},
		{name: "OtherVersion", want: saml.ReasonMalformed, change: keep, element: func(el *etree.Element) { el.CreateAttr("Version", "1.1") }},
		{name: "ManySessions", want: saml.ReasonTooLarge, change: keep, sessions: slices.Repeat([]string{"x"}, 200)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			el, target, err := w.idp.LogoutElement(entityID, ada.NameID, c.sessions, c.change)
			if err != nil {
				t.Fatal(err)
			}
			if c.element != nil {
				c.element(el)
			}
			redirect, err := w.idp.Redirect(el, target, "SAMLRequest", "state of the identity provider")
			if err != nil {
				t.Fatal(err)
			}
			posted, err := w.idp.SignedForm(el)
			if err != nil {
				t.Fatal(err)
			}
			for binding, in := range map[string]saml.Incoming{"Redirect": incoming(t, redirect), "Post": {SAMLRequest: posted, RelayState: "state of the identity provider"}} {
				p := w.provider
				if binding == "Post" { // the same request a second time, for a Keeper that has not seen it
					w.memory = saml.NewMemory()
					p = w.newProvider()
				}
				got, err := p.HandleLogoutRequest(t.Context(), in)
				if c.want != "" {
					wantReason(t, err, c.want)
					continue
				}
				if err != nil {
					t.Fatal(binding, err)
				}
				if got.NameID != ada.NameID || !slices.Equal(got.SessionIndexes, c.sessions) || got.RelayState != "state of the identity provider" {
					t.Errorf("%s: %+v", binding, got)
				}
				_, err = p.HandleLogoutRequest(t.Context(), in)
				wantReason(t, err, saml.ReasonReplayed)
			}
		})
	}
}

// TestNameInTwoParts is a name of which a reader may take the first part alone.
func TestNameInTwoParts(t *testing.T) {
	w := newWorld(t)
	el, target, err := w.idp.LogoutElement(entityID, "", nil, func(*crewjam.LogoutRequest) {})
	if err != nil {
		t.Fatal(err)
	}
	name := el.FindElement("./NameID")
	name.SetText("ada@")
	name.AddChild(etree.NewCData("example.com"))
	redirect, err := w.idp.Redirect(el, target, "SAMLRequest", "")
	if err != nil {
		t.Fatal(err)
	}
	got, err := w.provider.HandleLogoutRequest(t.Context(), incoming(t, redirect))
	if err != nil || got.NameID != "ada@example.com" {
		t.Errorf("the name is %q, %v", got.NameID, err)
	}
}

func TestLogoutRequestSignatures(t *testing.T) {
	w := newWorld(t)
	target, err := w.idp.LogoutURL(entityID, ada.NameID, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(t *testing.T, target string, want saml.Reason) {
		t.Helper()
		_, err := w.provider.HandleLogoutRequest(t.Context(), incoming(t, target))
		wantReason(t, err, want)
	}
	t.Run("Stripped", func(t *testing.T) {
		unsigned, _, _ := strings.Cut(target, "&SigAlg=")
		refused(t, unsigned, saml.ReasonUnsigned)
	})
	t.Run("OtherRelayState", func(t *testing.T) {
		refused(t, strings.Replace(target, "RelayState=ada", "RelayState=eve", 1), saml.ReasonSignature)
	})
	t.Run("OtherMessage", func(t *testing.T) {
		other, err := w.idp.LogoutURL(entityID, "somebody-else", nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, signature, _ := strings.Cut(target, "&RelayState=")
		message, _, _ := strings.Cut(other, "&RelayState=")
		refused(t, message+"&RelayState="+signature, saml.ReasonSignature)
	})
	t.Run("SHA1", func(t *testing.T) {
		refused(t, strings.Replace(target, url.QueryEscape("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"), url.QueryEscape("http://www.w3.org/2000/09/xmldsig#rsa-sha1"), 1), saml.ReasonWeakAlgorithm)
	})
	t.Run("ParameterTwice", func(t *testing.T) {
		refused(t, target+"&SigAlg=x", saml.ReasonMalformed)
		refused(t, target+"&Sig%41lg=x", saml.ReasonMalformed)
	})
	t.Run("ByAnotherKey", func(t *testing.T) {
		w.idp.SetKeys(strangerKey())
		defer w.idp.SetKeys(theirKey())
		other, err := w.idp.LogoutURL(entityID, ada.NameID, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		refused(t, other, saml.ReasonSignature)
	})
	t.Run("MessageThatTheQueryDoesNotHold", func(t *testing.T) {
		other, err := w.idp.LogoutURL(entityID, "somebody-else", nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		in := incoming(t, target)
		in.SAMLRequest = incoming(t, other).SAMLRequest
		_, err = w.provider.HandleLogoutRequest(t.Context(), in)
		wantReason(t, err, saml.ReasonMalformed)
	})
	t.Run("UnsignedForm", func(t *testing.T) {
		el, _, err := w.idp.LogoutElement(entityID, ada.NameID, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.provider.HandleLogoutRequest(t.Context(), saml.Incoming{SAMLRequest: samltest.Encode(write(t, el))})
		wantReason(t, err, saml.ReasonUnsigned)
	})
	t.Run("Bomb", func(t *testing.T) {
		in := incoming(t, sloURL+"?SAMLRequest="+url.QueryEscape(bomb(t)))
		_, err := w.provider.HandleLogoutRequest(t.Context(), in)
		wantReason(t, err, saml.ReasonTooLarge)
	})
	t.Run("AResponseIsNoLogout", func(t *testing.T) {
		_, err := w.provider.HandleLogoutRequest(t.Context(), saml.Incoming{SAMLRequest: samltest.Encode(w.answer("", samltest.Making{SignResponse: true}))})
		wantReason(t, err, saml.ReasonMalformed)
	})
	t.Run("NotSetUp", func(t *testing.T) {
		other := newWorld(t, func(c *saml.Config) { c.SLOURL = "" })
		_, err := other.provider.HandleLogoutRequest(t.Context(), incoming(t, target))
		wantReason(t, err, saml.ReasonMalformed)
	})
}

// TestAnswerLogout has the identity provider verify our answer.
func TestAnswerLogout(t *testing.T) {
	for name, ended := range map[string]bool{"Ended": true, "NotEnded": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			response, _ := newBrowser(t).get(w.idp.URL("/logout?sp=" + url.QueryEscape(entityID)))
			request, err := w.provider.HandleLogoutRequest(t.Context(), incoming(t, response.Header.Get("Location")))
			if err != nil {
				t.Fatal(err)
			}
			message, err := w.provider.AnswerLogout(request, ended)
			if err != nil {
				t.Fatal(err)
			}
			root := w.sent(message)
			want := map[bool]string{true: crewjam.StatusSuccess, false: crewjam.StatusResponder}[ended]
			if got := root.FindElement("./Status/StatusCode").SelectAttrValue("Value", ""); got != want {
				t.Errorf("status %q, want %q", got, want)
			}
			if got := root.SelectAttrValue("InResponseTo", ""); got != request.ID {
				t.Errorf("in response to %q, want %q", got, request.ID)
			}
			response, body := newBrowser(t).send(message)
			if response.StatusCode != http.StatusOK || !strings.Contains(body, "signed out everywhere") {
				t.Errorf("%d %s", response.StatusCode, body)
			}
		})
	}
}

// bomb is a small message that inflates to a large one.
func bomb(t *testing.T) string {
	t.Helper()
	var packed bytes.Buffer
	deflate, err := flate.NewWriter(&packed, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := deflate.Write(make([]byte, 100<<20)); err != nil {
		t.Fatal(err)
	}
	if err := deflate.Close(); err != nil {
		t.Fatal(err)
	}
	return samltest.Encode(packed.Bytes())
}
