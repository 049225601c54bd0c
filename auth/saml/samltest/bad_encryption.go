package samltest

import (
	"bytes"

	"github.com/beevik/etree"
	"github.com/crewjam/saml/xmlenc"

	"github.com/your-org/keeper/auth/saml"
)

// badEncryption are encrypted: anybody can do that, who has Keeper's certificate.
func badEncryption(stranger saml.KeyPair) []Bad {
	return []Bad{
		{Name: "EncryptedForSomebodyElse", Want: saml.ReasonUnreadable, Making: Making{Encrypt: true, EncryptFor: &stranger}},
		{Name: "EncryptedUnsigned", Want: saml.ReasonUnsigned, Making: Making{Encrypt: true, UnsignedAssertion: true}},
		{Name: "EncryptedByAnotherSigner", Want: saml.ReasonOtherKey, Making: Making{Encrypt: true, Signer: &stranger}},
		{Name: "EncryptedSomethingElse", Want: saml.ReasonMalformed, Making: Making{Encrypt: true, UnsignedAssertion: true, AssertionXML: func(el *etree.Element) { el.Tag = "Advice" }}},
		{Name: "EncryptedForeignNameID", Want: saml.ReasonForeignNamespace, Making: Making{Encrypt: true, AssertionXML: InForeignNamespace("./Subject/NameID")}},
		{Name: "EncryptedCommentInNameID", Want: saml.ReasonCommentInNameID, Making: Making{Encrypt: true, UnsignedAssertion: true, AssertionXML: func(el *etree.Element) { el.FindElement(".//NameID").AddChild(etree.NewComment("")) }}},
		{Name: "EncryptedCutOff", Want: saml.ReasonUnreadable, Making: Making{Encrypt: true, Finished: func(root *etree.Element) {
			value := root.FindElement("./EncryptedAssertion/EncryptedData/CipherData/CipherValue")
			value.SetText(value.Text()[:8])
		}}},
		{Name: "EncryptedWithRSA15", Want: saml.ReasonWeakAlgorithm, Making: Making{Encrypt: true, Cipher: xmlenc.PKCS1v15()}},
		{Name: "EncryptedWithTripleDES", Want: saml.ReasonWeakAlgorithm, Making: Making{Encrypt: true, Finished: func(root *etree.Element) {
			root.FindElement("./EncryptedAssertion/EncryptedData/EncryptionMethod").CreateAttr("Algorithm", "http://www.w3.org/2001/04/xmlenc#tripledes-cbc")
		}}},
		{Name: "EncryptedAndPlain", Want: saml.ReasonSeveralAssertions, Making: Making{Encrypt: true, Finished: func(root *etree.Element) {
			plain := etree.NewElement("saml:Assertion")
			plain.CreateAttr("ID", "id-evil")
			root.AddChild(plain)
		}}},
		{Name: "EncryptedWithRSA15UnderAnotherName", Want: saml.ReasonUnreadable, Making: Making{Encrypt: true, Cipher: xmlenc.PKCS1v15(), Finished: func(root *etree.Element) {
			method := root.FindElement("//EncryptedKey/EncryptionMethod") // which a reader that goes by local names takes
			method.Space = "x"
			method.CreateAttr("xmlns:x", Foreign)
			shown := etree.NewElement("xenc:EncryptionMethod")
			shown.CreateAttr("Algorithm", xmlenc.OAEP().Algorithm())
			method.Parent().AddChild(shown)
		}}},
		{Name: "EncryptedGarbage", Want: saml.ReasonUnreadable, Making: Making{Encrypt: true, Sealed: func([]byte) []byte { return []byte("hello") }}},
		{Name: "EncryptedTwice", Want: saml.ReasonUnreadable, Making: Making{Encrypt: true, Sealed: func(b []byte) []byte { return append(b, b...) }}},
		{Name: "EncryptedTampered", Want: saml.ReasonSignature, Making: Making{Encrypt: true, Sealed: replace(">ada@example.com</saml:NameID>", ">root@example.com</saml:NameID>")}},
		{Name: "EncryptedDoctype", Want: saml.ReasonEntities, Making: Making{Encrypt: true, Sealed: func(b []byte) []byte { return append([]byte("<!DOCTYPE Assertion>"), b...) }}},
		{Name: "EncryptedWrapped", Want: saml.ReasonWrapped, Making: Making{Encrypt: true, Sealed: func(b []byte) []byte {
			forged := bytes.Replace(b, []byte(` ID="`), []byte(` ID="id-evil`), 1)
			forged = bytes.ReplaceAll(forged, []byte("ada@example.com"), []byte("root@example.com"))
			return bytes.Replace(forged, []byte("</saml:Assertion>"), append(b, "</saml:Assertion>"...), 1)
		}}},
	}
}
