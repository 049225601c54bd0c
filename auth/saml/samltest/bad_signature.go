package samltest

import (
	"bytes"

	"github.com/beevik/etree"

	"github.com/your-org/keeper/auth/saml"
)

// badSignatures have none, or none that is good.
func badSignatures(theirs, stranger, weak saml.KeyPair) []Bad {
	return []Bad{
		{Name: "Unsigned", Want: saml.ReasonUnsigned, Making: Making{UnsignedAssertion: true}},
		{Name: "Stripped", Want: saml.ReasonUnsigned, Making: attack(Remove("//Signature"))},
		{Name: "StrippedFromTheAssertion", Want: saml.ReasonSignature, Making: Making{SignResponse: true, Finished: Remove("./Assertion/Signature")}},
		{Name: "ResponseOnlySigned", Want: saml.ReasonResponseOnly, Making: Making{UnsignedAssertion: true, SignResponse: true}},
		{Name: "ResponseSignatureBroken", Want: saml.ReasonSignature, Making: Making{SignResponse: true, Finished: func(root *etree.Element) { root.CreateAttr("Consent", "x") }}},
		{Name: "TamperedName", Want: saml.ReasonSignature, Making: attack(func(root *etree.Element) { root.FindElement("//NameID").SetText("root@example.com") })},
		{Name: "TamperedAttribute", Want: saml.ReasonSignature, Making: attack(func(root *etree.Element) { root.FindElement("//AttributeValue").SetText("keeper-admins") })},
		{Name: "TamperedDigest", Want: saml.ReasonSignature, Making: attack(func(root *etree.Element) { root.FindElement("//DigestValue").SetText("AAAA") })},
		{Name: "TwoDigestValues", Want: saml.ReasonSignature, Making: attack(func(root *etree.Element) {
			value := root.FindElement("//DigestValue")
			value.Parent().AddChild(value.Copy())
		})},
		{Name: "EmptySignatureValue", Want: saml.ReasonSignature, Making: attack(func(root *etree.Element) { root.FindElement("//SignatureValue").SetText("") })},
		{Name: "SignatureWithoutSignedInfo", Want: saml.ReasonSignature, Making: attack(Remove("//SignedInfo"))},
		{Name: "SignedByAnotherKey", Want: saml.ReasonOtherKey, Making: Making{Signer: &stranger}},
		{Name: "SignedByAnotherKeyUnderOurIdPsCertificate", Want: saml.ReasonSignature, Making: Making{Signer: &stranger, Finished: func(root *etree.Element) {
			root.FindElement("//X509Certificate").SetText(Encode(theirs.Certificate.Raw))
		}}},
		{Name: "SignedByAnotherKeyWithoutKeyInfo", Want: saml.ReasonSignature, Making: Making{Signer: &stranger, Finished: Remove("//KeyInfo")}},
		{Name: "SHA1", Want: saml.ReasonWeakAlgorithm, Making: Making{Method: "http://www.w3.org/2000/09/xmldsig#rsa-sha1"}},
		{Name: "SHA1Digest", Want: saml.ReasonWeakAlgorithm, Making: attack(func(root *etree.Element) {
			root.FindElement("//DigestMethod").CreateAttr("Algorithm", "http://www.w3.org/2000/09/xmldsig#sha1")
		})},
		{Name: "HMAC", Want: saml.ReasonWeakAlgorithm, Making: attack(func(root *etree.Element) {
			root.FindElement("//SignatureMethod").CreateAttr("Algorithm", "http://www.w3.org/2000/09/xmldsig#hmac-sha1")
		})},
		{Name: "CanonicalizationWithComments", Want: saml.ReasonWeakAlgorithm, Making: attack(func(root *etree.Element) {
			root.FindElement("//CanonicalizationMethod").CreateAttr("Algorithm", "http://www.w3.org/2001/10/xml-exc-c14n#WithComments")
		})},
		{Name: "XSLTTransform", Want: saml.ReasonWeakAlgorithm, Making: attack(func(root *etree.Element) {
			root.FindElement("//Transform").CreateAttr("Algorithm", "http://www.w3.org/TR/1999/REC-xslt-19991116")
		})},
		{Name: "ShortKey", Want: saml.ReasonWeakAlgorithm, Config: func(c *saml.Config) { c.Metadata = withCertificate(c.Metadata, theirs, weak) }, Making: Making{Signer: &weak}},
		{Name: "KeyValueOfAnotherKey", Want: saml.ReasonSignature, Making: Making{Signer: &stranger, Finished: func(root *etree.Element) {
			info := root.FindElement("//KeyInfo")
			info.RemoveChild(info.SelectElement("X509Data"))
			value := info.CreateElement("ds:KeyValue").CreateElement("ds:RSAKeyValue")
			value.CreateElement("ds:Modulus").SetText(Encode(stranger.Key.N.Bytes()))
			value.CreateElement("ds:Exponent").SetText("AQAB")
		}}},
		{Name: "XPathTransform", Want: saml.ReasonWeakAlgorithm, Making: attack(func(root *etree.Element) {
			root.FindElement("//Transforms").CreateElement("ds:Transform").CreateAttr("Algorithm", "http://www.w3.org/TR/1999/REC-xpath-19991116")
		})},
		{Name: "NoTransforms", Want: saml.ReasonSignature, Making: attack(Remove("//Transforms"))},
		{Name: "RelativeNamespace", Want: saml.ReasonSignature, Making: Making{SignResponse: true, Finished: func(root *etree.Element) {
			root.CreateAttr("xmlns:x", "1") // some canonicalize a document with one to nothing, which fits every document
			root.FindElement("//NameID").SetText("root@example.com")
		}}},
	}
}

// withCertificate puts a certificate into metadata in place of another.
func withCertificate(metadata []byte, before, after saml.KeyPair) []byte {
	return bytes.ReplaceAll(metadata, []byte(Encode(before.Certificate.Raw)), []byte(Encode(after.Certificate.Raw)))
}
