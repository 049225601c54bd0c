package saml_test

import (
	"encoding/json"
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

func (w *world) diagnose(pasted []byte) saml.Diagnosis {
	w.t.Helper()
	d, err := w.provider.Diagnose(w.t.Context(), pasted, w.clock())
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

func reasons(d saml.Diagnosis) []saml.Reason {
	var list []saml.Reason
	for _, f := range d.Findings {
		list = append(list, f.Reason)
	}
	return list
}

func TestDiagnoseGood(t *testing.T) {
	w := newWorld(t)
	relayState, requestID := w.ask(saml.BeginOptions{})
	response := w.answer(requestID, samltest.Making{SignResponse: true, Encrypt: true})
	encoded := samltest.Encode(response)
	for name, pasted := range map[string]string{
		"XML": string(response), "Base64": encoded, "Lines": strings.Join(slices.Collect(chunks(encoded, 76)), "\r\n"), "Escaped": url.QueryEscape(encoded),
		"Form": url.Values{"SAMLResponse": {encoded}, "RelayState": {"x"}}.Encode(), "Quoted": `"` + encoded + `"`,
	} {
		t.Run(name, func(t *testing.T) {
			d := w.diagnose([]byte(pasted))
			if !d.Accepted || len(d.Findings) != 0 {
				t.Fatalf("%+v", d.Findings)
			}
			fingerprint := w.provider.Certificates()[1].Fingerprint
			for part, s := range map[string]saml.SignatureFacts{"response": d.Response, "assertion": d.Assertion} {
				if !s.Present || !s.Valid || !s.Trusted || s.Certificate.Fingerprint != fingerprint || s.Algorithm == "" || s.Digest == "" || s.Certificate.NotAfter.IsZero() {
					t.Errorf("%s: %+v", part, s)
				}
			}
			if d.Issuer != w.idp.EntityID() || d.Recipient != acsURL || d.Destination != acsURL || d.InResponseTo != requestID || !slices.Equal(d.Audiences, []string{entityID}) || d.Encryption == "" {
				t.Errorf("%+v", d)
			}
			if !slices.Equal(d.AttributeNames, []string{"email", "displayName", "groups"}) || d.NameID != ada.NameID || !slices.Equal(d.Identity.Groups, ada.Groups) {
				t.Errorf("%+v", d)
			}
		})
	}
	t.Run("UsesNothingUp", func(t *testing.T) {
		if _, err := w.finish(response, relayState); err != nil {
			t.Error(err)
		}
	})
}

func chunks(s string, n int) func(func(string) bool) {
	return func(yield func(string) bool) {
		for len(s) > n {
			if !yield(s[:n]) {
				return
			}
			s = s[n:]
		}
		yield(s)
	}
}

// TestDiagnoseAgrees holds the doctor to Finish: what one refuses, the other does not accept, for the same reason first.
func TestDiagnoseAgrees(t *testing.T) {
	for _, c := range badResponses() {
		t.Run(c.Name, func(t *testing.T) {
			w := badWorld(t, c)
			response := w.brings(c, "id-asked")
			d := w.diagnose(response)
			if c.Want == saml.ReasonInResponseTo {
				return // of a request, which the doctor does not look at
			}
			if d.Accepted || len(d.Findings) == 0 {
				t.Fatalf("accepted; %+v", d)
			}
			first := d.Findings[0]
			if len(response) > 0 && first.Reason != c.Want && first.Reason != saml.ReasonMalformed {
				t.Errorf("refused for %v, want %s first", reasons(d), c.Want)
			}
			if first.Mend == "" || first.Detail == "" {
				t.Errorf("no way to mend: %+v", first)
			}
		})
	}
}

func TestDiagnoseTellsAllThatIsWrong(t *testing.T) {
	w := newWorld(t, func(c *saml.Config) { c.NameAttribute = "title" })
	stranger := strangerKey()
	d := w.diagnose(w.answer("", samltest.Making{
		Signer: &stranger, Now: time.Now().Add(-24 * time.Hour),
		Assertion: func(a *crewjam.Assertion) {
			a.Conditions.AudienceRestrictions[0].Audience.Value = "https://other.example"
		},
		AssertionXML: func(el *etree.Element) { samltest.Remove("./AuthnStatement")(el) },
	}))
	want := []saml.Reason{saml.ReasonOtherKey, saml.ReasonExpired, saml.ReasonExpired, saml.ReasonExpired, saml.ReasonAudience, saml.ReasonExpired, saml.ReasonNoAuthnStatement}
	if got := reasons(d); !slices.Equal(got, want) {
		t.Errorf("findings %v, want %v", got, want)
	}
	if d.Assertion.Trusted || !d.Assertion.Valid || d.Assertion.Certificate == nil || d.NameID != ada.NameID {
		t.Errorf("%+v", d)
	}
	notes := strings.Join(d.Notes, "\n")
	for _, part := range []string{`"title"`, "began this sign-in", "may be 5m0s old", "may differ by 3m0s"} {
		if !strings.Contains(notes, part) {
			t.Errorf("the notes do not speak of %s:\n%s", part, notes)
		}
	}
	if _, err := json.Marshal(d); err != nil {
		t.Error(err)
	}
}

func TestDiagnoseWithoutMetadata(t *testing.T) {
	w := newWorld(t)
	w.cfg.Metadata, w.cfg.MetadataURL = nil, "https://idp.example/metadata"
	if _, err := w.newProvider().Diagnose(t.Context(), []byte("<a/>"), time.Now()); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("got %v", err)
	}
}
