package saml_test

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/your-org/keeper/auth/saml"
	"github.com/your-org/keeper/auth/saml/samltest"
	"github.com/your-org/keeper/fault"
)

// giantCertificate is the Stranger's certificate with another public key: one whose modulus has so many bits.
func giantCertificate(t *testing.T, bits int) []byte {
	t.Helper()
	modulus := make([]byte, bits/8)
	_, _ = rand.Read(modulus)
	modulus[0] |= 0x80
	modulus[len(modulus)-1] |= 1
	key, err := asn1.Marshal(struct {
		N *big.Int
		E int
	}{new(big.Int).SetBytes(modulus), 1<<31 - 1})
	if err != nil {
		t.Fatal(err)
	}
	var whole struct {
		TBS struct {
			Version            int `asn1:"optional,explicit,default:0,tag:0"`
			SerialNumber       *big.Int
			SignatureAlgorithm pkix.AlgorithmIdentifier
			Issuer             asn1.RawValue
			Validity           asn1.RawValue
			Subject            asn1.RawValue
			PublicKey          struct {
				Algorithm pkix.AlgorithmIdentifier
				Key       asn1.BitString
			}
		}
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}
	if _, err := asn1.Unmarshal(plainCertificate(t), &whole); err != nil {
		t.Fatal(err)
	}
	whole.TBS.PublicKey.Key = asn1.BitString{Bytes: key, BitLength: 8 * len(key)}
	raw, err := asn1.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// plainCertificate has no extensions.
func plainCertificate(t *testing.T) []byte {
	t.Helper()
	key := strangerKey().Key
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// quickly is how long a message may take at most on a busy machine; those here took from ten seconds to hours.
const quickly = 5 * time.Second

func TestWorkIsBounded(t *testing.T) {
	t.Run("KeyThatAStrangerChose", func(t *testing.T) {
		w, start := newWorld(t), time.Now()
		const bits = 1 << 18
		certificate := base64Of(giantCertificate(t, bits))
		_, err := w.signIn(attack(func(root *etree.Element) {
			root.FindElement("//X509Certificate").SetText(certificate)
			root.FindElement("//SignatureValue").SetText(base64Of(make([]byte, bits/8)))
		}))
		wantReason(t, err, saml.ReasonSignature)
		if took := time.Since(start); took > quickly {
			t.Errorf("the refusal took %s", took)
		}
	})
	for name, c := range map[string]struct {
		declared, elements int // on each of 60 levels, and in the innermost
		want               saml.Reason
	}{
		"Namespaces":         {60, 19_000, saml.ReasonTooLarge},
		"NamespacesInBounds": {2, 19_000, saml.ReasonSignature},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			relayState, id := w.ask(saml.BeginOptions{})
			response := w.answer(id, samltest.Making{SignResponse: true})
			response = bytes.Replace(response, []byte("<samlp:Status>"), []byte(nested(c.declared, c.elements)+"<samlp:Status>"), 1)
			start := time.Now()
			_, err := w.finish(response, relayState)
			wantReason(t, err, c.want)
			if took := time.Since(start); took > quickly {
				t.Errorf("the refusal took %s", took)
			}
		})
	}
}

// nested are Extensions of 60 levels that each declare so many namespaces, around so many elements.
func nested(declared, elements int) string {
	var text strings.Builder
	text.WriteString(`<samlp:Extensions xmlns:x="urn:x">`)
	for level := range 60 {
		text.WriteString("<x:a")
		for i := range declared {
			fmt.Fprintf(&text, ` xmlns:n%d="u"`, level*declared+i)
		}
		text.WriteString(">")
	}
	text.WriteString(strings.Repeat("<x:b/>", elements))
	text.WriteString(strings.Repeat("</x:a>", 60))
	text.WriteString("</samlp:Extensions>")
	return text.String()
}

// TestSpaceIsPartOfAValue has people and groups that differ in a space stay two.
func TestSpaceIsPartOfAValue(t *testing.T) {
	for name, c := range map[string]struct{ sent, want string }{
		"Plain":       {"keeper-admins", "keeper-admins"},
		"Indented":    {"\n\t  keeper-admins\n  ", "keeper-admins"},
		"Space":       {"keeper-admins ", "keeper-admins "},
		"SpaceBefore": {" keeper-admins", " keeper-admins"},
		"NoBreak":     {"keeper-admins\u00a0", "keeper-admins\u00a0"},
		"Ideographic": {"\n\u3000keeper-admins\n", "\u3000keeper-admins"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := newWorld(t).signIn(xmlChange(func(el *etree.Element) {
				el.FindElement("./Subject/NameID").SetText(c.sent)
				el.FindElement("./AttributeStatement/Attribute[@Name='groups']/AttributeValue").SetText(c.sent)
			}))
			if err != nil {
				t.Fatal(err)
			}
			if got.Identity.NameID != c.want || got.Identity.Groups[0] != c.want {
				t.Errorf("%q in %q, want %q", got.Identity.NameID, got.Identity.Groups, c.want)
			}
		})
	}
	for name, blank := range map[string]string{"Spaces": "  ", "NoBreak": "\u00a0"} {
		t.Run("Blank"+name, func(t *testing.T) {
			_, err := newWorld(t).signIn(xmlChange(func(el *etree.Element) { el.FindElement("./Subject/NameID").SetText(blank) }))
			wantReason(t, err, saml.ReasonEmptyNameID)
		})
	}
}

// TestLongSessionIndex is one that has no room in a row: the sign-in is refused and does not fail.
func TestLongSessionIndex(t *testing.T) {
	for length, want := range map[int]saml.Reason{512: "", 513: saml.ReasonTooLarge} {
		_, err := newWorld(t).signIn(xmlChange(func(el *etree.Element) {
			el.FindElement("./AuthnStatement").CreateAttr("SessionIndex", strings.Repeat("x", length))
		}))
		if reason, detail := saml.ReasonOf(err); reason != want || want == "" && err != nil {
			t.Errorf("%d bytes: %q (%s; %v), want %q", length, reason, detail, err, want)
		}
	}
}

// TestConditionThatNobodyUnderstands: whether it holds cannot be told, so the assertion does not (SAML core 2.5.1.1).
func TestConditionThatNobodyUnderstands(t *testing.T) {
	for tag, want := range map[string]saml.Reason{"Condition": saml.ReasonCondition, "OneTimeUse": "", "ProxyRestriction": ""} {
		_, err := newWorld(t).signIn(xmlChange(func(el *etree.Element) {
			el.FindElement("./Conditions").CreateElement("saml:"+tag).CreateAttr("Count", "0")
		}))
		if reason, detail := saml.ReasonOf(err); reason != want || want == "" && err != nil {
			t.Errorf("%s: %q (%s; %v), want %q", tag, reason, detail, err, want)
		}
	}
}

// TestRenewedCertificateOfTheSameKey: metadata names a certificate that ended, and its successor of the same key.
func TestRenewedCertificateOfTheSameKey(t *testing.T) {
	ended := theirKey()
	template := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(-24 * time.Hour)}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &ended.Key.PublicKey, ended.Key)
	if err != nil {
		t.Fatal(err)
	}
	if ended.Certificate, err = x509.ParseCertificate(raw); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	w.idp.SetKeys(ended, theirKey())
	w.cfg.Metadata = w.idp.Metadata()
	w.provider = w.newProvider()
	if _, err := w.signIn(samltest.Making{}); err != nil {
		t.Errorf("a response: %v", err)
	}
	target, err := w.idp.LogoutURL(entityID, ada.NameID, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, target, http.NoBody)
	in, err := saml.FromRequest(r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.provider.HandleLogoutRequest(t.Context(), in); err != nil {
		t.Errorf("a logout: %v", err)
	}
	w.idp.SetKeys(ended)
	w.cfg.Metadata = w.idp.Metadata()
	w.provider = w.newProvider()
	_, err = w.signIn(samltest.Making{})
	wantReason(t, err, saml.ReasonCertificate)
}

// TestMetadataThatGrowsIntoAFederation is not taken: a provider that was told no entity id could not be made from it again.
func TestMetadataThatGrowsIntoAFederation(t *testing.T) {
	w := newWorld(t)
	good := string(w.idp.Metadata())
	other := strings.ReplaceAll(good, w.idp.EntityID(), "https://other.example")
	s := newSource(t, `<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata">`+other+good+"</EntitiesDescriptor>")
	w.cfg.MetadataURL = s.URL
	w.provider = w.newProvider()
	if err := w.provider.Refresh(t.Context()); fault.KindOf(err) != fault.Invalid {
		t.Errorf("taken: %v", err)
	}
	if kept := string(w.provider.IDPMetadata()); kept != string(w.cfg.Metadata) {
		t.Error("the last good metadata did not stay")
	}
}
