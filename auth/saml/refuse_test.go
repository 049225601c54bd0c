package saml_test

import (
	"bytes"
	"testing"

	"github.com/beevik/etree"

	"github.com/your-org/keeper/auth/saml"
	"github.com/your-org/keeper/auth/saml/samltest"
)

func xmlChange(change func(el *etree.Element)) samltest.Making {
	return samltest.Making{AssertionXML: change}
}

func attack(change func(root *etree.Element)) samltest.Making {
	return samltest.Making{Finished: change}
}

func badResponses() []samltest.Bad {
	return append(samltest.BadResponses(theirKey(), strangerKey()), samltest.Bad{
		Name: "EncryptedGCMCutOff", Want: saml.ReasonUnreadable,
		Making: samltest.Making{Encrypt: true, Cipher: oktaGCM(32, "http://www.w3.org/2009/xmlenc11#aes256-gcm"), Finished: func(root *etree.Element) {
			root.FindElement("./EncryptedAssertion/EncryptedData/CipherData/CipherValue").SetText("AAAA")
		}},
	})
}

// badWorld is a world with the settings that a bad response takes.
func badWorld(t *testing.T, c samltest.Bad, more ...func(*saml.Config)) *world {
	t.Helper()
	if c.Config != nil {
		more = append(more, c.Config)
	}
	return newWorld(t, more...)
}

// brings makes a bad response to what was asked.
func (w *world) brings(c samltest.Bad, requestID string) []byte {
	w.t.Helper()
	response := w.answer(requestID, c.Making)
	if c.Bytes == nil {
		return response
	}
	changed := c.Bytes(bytes.Clone(response))
	if bytes.Equal(changed, response) {
		w.t.Fatal("the case changed nothing")
	}
	return changed
}

func TestBadResponses(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range badResponses() {
		if seen[c.Name] {
			t.Fatalf("two cases are named %s", c.Name)
		}
		seen[c.Name] = true
		t.Run(c.Name, func(t *testing.T) {
			w := badWorld(t, c)
			relayState, requestID := w.ask(saml.BeginOptions{})
			got, err := w.finish(w.brings(c, requestID), relayState)
			wantReason(t, err, c.Want)
			if got.Identity.NameID != "" || got.ReturnTo != "" {
				t.Errorf("a refusal comes with %+v", got)
			}
		})
	}
	if len(seen) < 100 {
		t.Errorf("%d bad responses", len(seen))
	}
}

// TestBadResponsesWhereMuchIsAllowed: what a provider may do besides lets in nothing but that.
func TestBadResponsesWhereMuchIsAllowed(t *testing.T) {
	allow := func(c *saml.Config) { c.AllowResponseOnlySigned, c.AllowIDPInitiated = true, true }
	for _, c := range badResponses() {
		t.Run(c.Name, func(t *testing.T) {
			w := badWorld(t, c, allow)
			relayState, requestID := w.ask(saml.BeginOptions{})
			got, err := w.finish(w.brings(c, requestID), relayState)
			if reason, _ := saml.ReasonOf(err); (reason == "") != (c.Want == saml.ReasonResponseOnly) || reason == saml.ReasonPanic {
				t.Errorf("refused as %q (%v): %+v", reason, err, got.Identity)
			}
		})
	}
}
