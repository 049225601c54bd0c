package saml_test

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	crewjam "github.com/crewjam/saml"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/your-org/keeper/auth/saml"
	"github.com/your-org/keeper/auth/saml/samltest"
	"github.com/your-org/keeper/fault"
)

func inflate(t *testing.T, value string) []byte {
	t.Helper()
	packed, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(flate.NewReader(bytes.NewReader(packed)))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// wantAda is what every good sign-in gives.
func wantAda(t *testing.T, got saml.SignIn, idp *samltest.IDP) {
	t.Helper()
	want := saml.Identity{
		Provider: "okta", Issuer: idp.EntityID(), NameID: ada.NameID, NameIDFormat: string(crewjam.EmailAddressNameIDFormat),
		Username: ada.NameID, Email: ada.Email, DisplayName: ada.Name, Groups: ada.Groups,
	}
	ignored := cmpopts.IgnoreFields(saml.Identity{}, "SessionIndex", "AssertionID", "AuthnInstant", "NotOnOrAfter")
	if diff := cmp.Diff(want, got.Identity, ignored); diff != "" {
		t.Errorf("identity (-want +got):\n%s", diff)
	}
	if got.Identity.SessionIndex == "" || got.Identity.AssertionID == "" || got.Identity.AuthnInstant.IsZero() || got.Identity.NotOnOrAfter.IsZero() {
		t.Errorf("something of the session is missing: %+v", got.Identity)
	}
}

func TestGoodSignIns(t *testing.T) {
	stranger := strangerKey()
	cases := []struct {
		name   string
		change func(*saml.Config)
		making samltest.Making
	}{
		{name: "AssertionSigned"},
		{name: "BothSigned", making: samltest.Making{SignResponse: true}},
		{name: "ResponseOnlyWhereAllowed", change: func(c *saml.Config) { c.AllowResponseOnlySigned = true }, making: samltest.Making{UnsignedAssertion: true, SignResponse: true}},
		{name: "Encrypted", making: samltest.Making{Encrypt: true}},
		{name: "EncryptedAndBothSigned", making: samltest.Making{Encrypt: true, SignResponse: true}},
		{name: "EncryptedInSignedResponseOnly", change: func(c *saml.Config) { c.AllowResponseOnlySigned = true }, making: samltest.Making{Encrypt: true, UnsignedAssertion: true, SignResponse: true}},
		{name: "EncryptedAES128", making: samltest.Making{Encrypt: true, Cipher: okta128()}},
		{name: "EncryptedAES256GCM", making: samltest.Making{Encrypt: true, Cipher: oktaGCM(32, "http://www.w3.org/2009/xmlenc11#aes256-gcm")}},
		{name: "EncryptedAES128GCM", making: samltest.Making{Encrypt: true, Cipher: oktaGCM(16, "http://www.w3.org/2009/xmlenc11#aes128-gcm")}},
		{name: "EncryptedKeyBesideTheData", making: samltest.Making{Encrypt: true, Finished: func(root *etree.Element) {
			key := root.FindElement("//EncryptedKey")
			info := key.Parent()
			info.RemoveChild(key)
			info.Parent().RemoveChild(info)
			root.FindElement("./EncryptedAssertion").AddChild(key)
		}}},
		{name: "EncryptedForAnOlderKeyOfOurs", change: func(c *saml.Config) { c.Keys = append(c.Keys, stranger) }, making: samltest.Making{Encrypt: true, EncryptFor: &stranger}},
		{name: "SHA512", making: samltest.Making{Method: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"}},
		{name: "WithoutKeyInfo", making: samltest.Making{Finished: func(root *etree.Element) {
			for _, info := range root.FindElements("//KeyInfo") {
				info.Parent().RemoveChild(info)
			}
		}}},
		{name: "WithoutDestination", making: samltest.Making{Response: func(r *crewjam.Response) { r.Destination = "" }}},
		{name: "SeveralAudiencesOneOfThemOurs", making: samltest.Making{AssertionXML: func(el *etree.Element) {
			restriction := el.FindElement("./Conditions/AudienceRestriction")
			restriction.CreateElement("saml:Audience").SetText("https://other.example")
		}}},
		{name: "ClockWithinSkew", making: samltest.Making{Now: time.Now().Add(-2 * time.Minute)}},
		{name: "ClockAheadWithinSkew", making: samltest.Making{Now: time.Now().Add(2 * time.Minute)}},
		{name: "SpaceAroundTheName", making: samltest.Making{AssertionXML: func(el *etree.Element) {
			el.FindElement("./Subject/NameID").SetText("\n  " + ada.NameID + "\n")
		}}},
		{name: "SecondConfirmationOfAnotherMethod", making: samltest.Making{AssertionXML: func(el *etree.Element) {
			other := el.FindElement("./Subject").CreateElement("saml:SubjectConfirmation")
			other.CreateAttr("Method", "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches")
		}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			change := func(*saml.Config) {}
			if c.change != nil {
				change = c.change
			}
			w := newWorld(t, change)
			got, err := w.signIn(c.making)
			if err != nil {
				reason, detail := saml.ReasonOf(err)
				t.Fatalf("refused: %v (%s, %s)", err, reason, detail)
			}
			wantAda(t, got, w.idp)
			if got.ReturnTo != "/secrets" || !got.Solicited {
				t.Errorf("returns to %q, solicited %t", got.ReturnTo, got.Solicited)
			}
		})
	}
}

// TestOverHTTP goes through the identity provider's pages, as a browser does; the identity provider checks our signatures.
func TestOverHTTP(t *testing.T) {
	t.Run("Redirect", func(t *testing.T) { overHTTP(t, false) })
	t.Run("Post", func(t *testing.T) { overHTTP(t, true) })
}

func overHTTP(t *testing.T, post bool) {
	w := newWorld(t, func(c *saml.Config) { c.PreferPost = post })
	b := newBrowser(t)
	message, err := w.provider.Begin(t.Context(), saml.BeginOptions{ReturnTo: "/environments?x=1", Purpose: "test", ForceAuthn: true})
	if err != nil {
		t.Fatal(err)
	}
	if message.Origin() != w.idp.URL("") {
		t.Errorf("origin %q, want %q", message.Origin(), w.idp.URL(""))
	}
	_, page := b.send(message)
	action, fields := form(page)
	if action != acsURL {
		t.Fatalf("the identity provider posts to %q:\n%s", action, page)
	}
	in, err := saml.FromRequest(postRequest(t, action, fields))
	if err != nil {
		t.Fatal(err)
	}
	got, err := w.provider.Finish(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	wantAda(t, got, w.idp)
	if got.ReturnTo != "/environments?x=1" || got.Purpose != "test" || !got.Solicited {
		t.Errorf("%+v", got)
	}
}

// send follows a message to the identity provider.
func (b *browser) send(m saml.Message) (*http.Response, string) {
	b.t.Helper()
	if m.Form == nil {
		return b.get(m.URL)
	}
	fields := url.Values{}
	for _, f := range m.Form.Fields {
		fields.Set(f.Name, f.Value)
	}
	return b.do(postRequest(b.t, m.Form.Action, fields))
}

func (b *browser) get(target string) (*http.Response, string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, target, http.NoBody)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(r)
}

func (b *browser) do(r *http.Request) (*http.Response, string) {
	b.t.Helper()
	response, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return response, string(body)
}

func TestIDPInitiated(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		w := newWorld(t, func(c *saml.Config) { c.AllowIDPInitiated = true })
		_, page := newBrowser(t).get(w.idp.URL("/start?to=%2Fsecrets%2F7&sp=" + url.QueryEscape(entityID)))
		action, fields := form(page)
		in, err := saml.FromRequest(postRequest(t, action, fields))
		if err != nil {
			t.Fatal(err)
		}
		got, err := w.provider.Finish(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		wantAda(t, got, w.idp)
		if got.ReturnTo != "/secrets/7" || got.Solicited {
			t.Errorf("%+v", got)
		}
		t.Run("Replayed", func(t *testing.T) {
			_, err := w.provider.Finish(t.Context(), in)
			wantReason(t, err, saml.ReasonReplayed)
		})
	})
	t.Run("ForeignRelayState", func(t *testing.T) {
		w := newWorld(t, func(c *saml.Config) { c.AllowIDPInitiated = true })
		got, err := w.finish(w.answer("", samltest.Making{}), "https://evil.example/x")
		if err != nil {
			t.Fatal(err)
		}
		if got.ReturnTo != "/" {
			t.Errorf("returns to %q", got.ReturnTo)
		}
	})
	t.Run("NotAllowed", func(t *testing.T) {
		w := newWorld(t)
		_, err := w.finish(w.answer("", samltest.Making{}), "")
		wantReason(t, err, saml.ReasonUnsolicited)
	})
	t.Run("InResponseToOfNobody", func(t *testing.T) {
		w := newWorld(t, func(c *saml.Config) { c.AllowIDPInitiated = true })
		_, err := w.finish(w.answer("id-invented", samltest.Making{}), "")
		wantReason(t, err, saml.ReasonInResponseTo)
	})
	t.Run("InResponseToInTheSignedPartAlone", func(t *testing.T) {
		w := newWorld(t, func(c *saml.Config) { c.AllowIDPInitiated = true })
		_, err := w.finish(w.answer("id-invented", samltest.Making{Response: func(r *crewjam.Response) { r.InResponseTo = "" }}), "")
		wantReason(t, err, saml.ReasonInResponseTo)
	})
	t.Run("UnaskedUnderARequestsRelayState", func(t *testing.T) {
		w := newWorld(t, func(c *saml.Config) { c.AllowIDPInitiated = true })
		relayState, _ := w.ask(saml.BeginOptions{})
		_, err := w.finish(w.answer("", samltest.Making{}), relayState)
		wantReason(t, err, saml.ReasonInResponseTo)
	})
}

func TestSeveralProviders(t *testing.T) {
	a := newWorld(t)
	b := newWorldWith(t, strangerKey(), func(c *saml.Config) { c.ID, c.Name = "other", "Other" })
	b.memory = a.memory // one database
	b.provider = b.newProvider()

	t.Run("OwnResponse", func(t *testing.T) {
		if _, err := a.signIn(samltest.Making{}); err != nil {
			t.Error(err)
		}
		if got, err := b.signIn(samltest.Making{}); err != nil || got.Identity.Provider != "other" {
			t.Errorf("%+v, %v", got, err)
		}
	})
	t.Run("ResponseOfTheOther", func(t *testing.T) {
		relayState, requestID := a.ask(saml.BeginOptions{})
		_, err := a.finish(b.answer(requestID, samltest.Making{}), relayState)
		wantReason(t, err, saml.ReasonOtherKey)
	})
	t.Run("RequestOfTheOther", func(t *testing.T) {
		relayState, requestID := a.ask(saml.BeginOptions{})
		_, err := b.finish(b.answer(requestID, samltest.Making{}), relayState)
		wantReason(t, err, saml.ReasonInResponseTo)
	})
	t.Run("AnotherDoorOfTheSameProvider", func(t *testing.T) { // whose settings may allow more
		w := newWorld(t)
		w.cfg.ID, w.cfg.ACSURL = "other", "https://keeper.example/saml/other/acs"
		w.cfg.AllowIDPInitiated, w.cfg.AllowResponseOnlySigned = true, true
		w.provider = w.newProvider()
		_, err := w.finish(w.answer("", samltest.Making{}), "")
		wantReason(t, err, saml.ReasonDestination)
		_, err = w.finish(w.answer("", attack(func(root *etree.Element) { root.RemoveAttr("Destination") })), "") // which nobody signed
		wantReason(t, err, saml.ReasonRecipient)
	})
	t.Run("IDThatTheOtherUsed", func(t *testing.T) { // or who knows what comes could have it refused
		same := samltest.Making{Assertion: func(assertion *crewjam.Assertion) { assertion.ID = "id-same" }}
		for _, w := range []*world{a, b} {
			if _, err := w.signIn(same); err != nil {
				t.Error(saml.ReasonOf(err))
			}
			_, err := w.signIn(same)
			wantReason(t, err, saml.ReasonReplayed)
		}
	})
}

// TestHowANameIsWritten has no way of writing a name cut it: whatever a parser may stop at, the name is the one that was
// signed, whole.
func TestHowANameIsWritten(t *testing.T) {
	const whole = "root@example.com.evil.example"
	for name, text := range map[string]string{
		"CDATA":      "root@example.com<![CDATA[.evil.example]]>",
		"TwoOfCDATA": "<![CDATA[root@example.com]]><![CDATA[.evil.example]]>",
		"Character":  "root@example.com&#46;evil.example",
		"Hex":        "root@example.com&#x2e;evil.example",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			relayState, requestID := w.ask(saml.BeginOptions{})
			response := w.answer(requestID, samltest.Making{Assertion: func(a *crewjam.Assertion) { a.Subject.NameID.Value = whole }})
			written := bytes.Replace(response, []byte(">"+whole+"<"), []byte(">"+text+"<"), 1)
			if bytes.Equal(written, response) {
				t.Fatal("nothing was changed")
			}
			got, err := w.finish(written, relayState)
			if err != nil {
				t.Fatal(saml.ReasonOf(err)) // canonicalization writes them all in one way
			}
			if got.Identity.NameID != whole {
				t.Errorf("the name is %q", got.Identity.NameID)
			}
		})
	}
}

func TestAttributes(t *testing.T) {
	with := func(change func(*saml.Config), m samltest.Making) (saml.SignIn, error) {
		return newWorld(t, change).signIn(m)
	}
	attribute := func(name string, values ...string) func(*crewjam.Assertion) {
		return func(a *crewjam.Assertion) {
			at := crewjam.Attribute{Name: name}
			for _, v := range values {
				at.Values = append(at.Values, crewjam.AttributeValue{Value: v})
			}
			a.AttributeStatements = append(a.AttributeStatements, crewjam.AttributeStatement{Attributes: []crewjam.Attribute{at}})
		}
	}
	login := func(c *saml.Config) { c.UsernameAttribute = "login" }
	t.Run("Username", func(t *testing.T) {
		got, err := with(login, samltest.Making{Assertion: attribute("login", "ada")})
		if err != nil || got.Identity.Username != "ada" || got.Identity.NameID != ada.NameID {
			t.Errorf("%+v, %v", got.Identity, err)
		}
	})
	t.Run("UsernameMissing", func(t *testing.T) {
		_, err := with(login, samltest.Making{})
		wantReason(t, err, saml.ReasonNoUsername)
	})
	t.Run("UsernameTwice", func(t *testing.T) {
		_, err := with(login, samltest.Making{Assertion: attribute("login", "ada", "root")})
		wantReason(t, err, saml.ReasonNoUsername)
	})
	t.Run("UsernameThatTurnsTextAround", func(t *testing.T) {
		_, err := with(login, samltest.Making{Assertion: attribute("login", "ada\u202enimda")})
		wantReason(t, err, saml.ReasonAttribute)
	})
	t.Run("GroupsInSeveralAttributes", func(t *testing.T) {
		got, err := with(func(*saml.Config) {}, samltest.Making{Assertion: attribute("groups", "more", "engineering")})
		if diff := cmp.Diff([]string{"keeper-admins", "engineering", "more"}, got.Identity.Groups); diff != "" || err != nil {
			t.Errorf("%v, %s", err, diff)
		}
	})
	t.Run("ThousandsOfGroups", func(t *testing.T) {
		many := make([]string, 2_000)
		for i := range many {
			many[i] = fmt.Sprintf("department-%04d-of-a-large-organisation", i)
		}
		got, err := with(func(*saml.Config) {}, samltest.Making{Assertion: attribute("groups", many...)})
		if err != nil {
			t.Fatal(saml.ReasonOf(err))
		}
		if len(got.Identity.Groups) != 2_002 {
			t.Errorf("%d groups", len(got.Identity.Groups))
		}
	})
	t.Run("NoGroups", func(t *testing.T) {
		w := newWorld(t)
		w.idp.SetUser(samltest.User{NameID: ada.NameID})
		got, err := w.signIn(samltest.Making{})
		if err != nil || got.Identity.Groups != nil {
			t.Errorf("%+v, %v", got.Identity, err)
		}
	})
	t.Run("UnusedAttributeMayHoldAnything", func(t *testing.T) {
		if _, err := with(func(*saml.Config) {}, samltest.Making{Assertion: attribute("photo", strings.Repeat("A", 5_000), "a\nb")}); err != nil {
			t.Error(err)
		}
	})
}

// TestRequest looks at what leaves: signed with SHA-256 (the identity provider verifies it in TestOverHTTP), without any
// address of ours in its RelayState.
func TestRequest(t *testing.T) {
	w := newWorld(t, func(c *saml.Config) { c.NameIDFormat = string(crewjam.EmailAddressNameIDFormat) })
	message, err := w.provider.Begin(t.Context(), saml.BeginOptions{ReturnTo: "/somewhere"})
	if err != nil {
		t.Fatal(err)
	}
	query := mustURL(t, message.URL).Query()
	if got := query.Get("SigAlg"); got != "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256" {
		t.Errorf("signed with %q", got)
	}
	if state := query.Get("RelayState"); len(state) > 80 || len(state) < 22 || strings.Contains(state, "somewhere") {
		t.Errorf("RelayState %q", state)
	}
	var request crewjam.AuthnRequest
	if err := xml.Unmarshal(inflate(t, query.Get("SAMLRequest")), &request); err != nil {
		t.Fatal(err)
	}
	if request.AssertionConsumerServiceURL != acsURL || request.Issuer.Value != entityID || request.ProtocolBinding != crewjam.HTTPPostBinding || *request.NameIDPolicy.Format != string(crewjam.EmailAddressNameIDFormat) {
		t.Errorf("%+v", request)
	}
	t.Run("MetadataUnknown", func(t *testing.T) {
		w.cfg.Metadata, w.cfg.MetadataURL = nil, "https://idp.example/metadata"
		if _, err := w.newProvider().Begin(t.Context(), saml.BeginOptions{}); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("got %v, want unavailable", err)
		}
	})
}

func mustURL(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
