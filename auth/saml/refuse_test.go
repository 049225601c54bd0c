package saml_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	crewjam "github.com/crewjam/saml"
	"github.com/crewjam/saml/xmlenc"

	"github.com/your-org/keeper/auth/saml"
	"github.com/your-org/keeper/auth/saml/samltest"
)

// bad is one response that must be refused, and for what. Exactly one of the ways to make it is set, or none for a
// response that is good but for the configuration.
type bad struct {
	name   string
	want   saml.Reason
	change func(*saml.Config)
	making samltest.Making
	bytes  func(response []byte) []byte // changes the good response's text
}

func xmlChange(change func(el *etree.Element)) samltest.Making {
	return samltest.Making{AssertionXML: change}
}

func assertionChange(change func(a *crewjam.Assertion)) samltest.Making {
	return samltest.Making{Assertion: change}
}

func attack(change func(root *etree.Element)) samltest.Making {
	return samltest.Making{Finished: change}
}

func remove(paths ...string) func(*etree.Element) {
	return func(root *etree.Element) {
		for _, path := range paths {
			for _, el := range root.FindElements(path) {
				el.Parent().RemoveChild(el)
			}
		}
	}
}

func confirmationData(a *crewjam.Assertion) *crewjam.SubjectConfirmationData {
	return a.Subject.SubjectConfirmations[0].SubjectConfirmationData
}

// evil is a copy of an assertion or response that says what an attacker wants, without a signature.
func evil(el *etree.Element, id string) *etree.Element {
	forged := el.Copy()
	forged.CreateAttr("ID", id)
	if signature := forged.SelectElement("Signature"); signature != nil {
		forged.RemoveChild(signature)
	}
	for _, name := range forged.FindElements(".//NameID") {
		name.SetText("root@example.com")
	}
	return forged
}

const foreign = "urn:example:not-saml"

// inForeignNamespace moves an element into another namespace, under the same local name.
func inForeignNamespace(path string) func(*etree.Element) {
	return func(el *etree.Element) {
		target := el.FindElement(path)
		target.Space = "x"
		target.CreateAttr("xmlns:x", foreign)
	}
}

func badResponses() []bad {
	stranger := strangerKey()
	weak, err := samltest.NewKeyPairValid("Weak", time.Now().Add(-time.Hour), time.Now().Add(time.Hour), 1024)
	if err != nil {
		panic(err)
	}
	hour := time.Hour
	return []bad{
		// signatures
		{name: "Unsigned", want: saml.ReasonUnsigned, making: samltest.Making{UnsignedAssertion: true}},
		{name: "Stripped", want: saml.ReasonUnsigned, making: attack(remove("//Signature"))},
		{name: "StrippedFromTheAssertion", want: saml.ReasonSignature, making: samltest.Making{SignResponse: true, Finished: remove("./Assertion/Signature")}},
		{name: "ResponseOnlySigned", want: saml.ReasonResponseOnly, making: samltest.Making{UnsignedAssertion: true, SignResponse: true}},
		{name: "ResponseSignatureBroken", want: saml.ReasonSignature, making: samltest.Making{SignResponse: true, Finished: func(root *etree.Element) { root.CreateAttr("Consent", "x") }}},
		{name: "TamperedName", want: saml.ReasonSignature, making: attack(func(root *etree.Element) { root.FindElement("//NameID").SetText("root@example.com") })},
		{name: "TamperedAttribute", want: saml.ReasonSignature, making: attack(func(root *etree.Element) { root.FindElement("//AttributeValue").SetText("keeper-admins") })},
		{name: "TamperedDigest", want: saml.ReasonSignature, making: attack(func(root *etree.Element) { root.FindElement("//DigestValue").SetText("AAAA") })},
		{name: "TwoDigestValues", want: saml.ReasonSignature, making: attack(func(root *etree.Element) {
			value := root.FindElement("//DigestValue")
			value.Parent().AddChild(value.Copy())
		})},
		{name: "EmptySignatureValue", want: saml.ReasonSignature, making: attack(func(root *etree.Element) { root.FindElement("//SignatureValue").SetText("") })},
		{name: "SignatureWithoutSignedInfo", want: saml.ReasonSignature, making: attack(remove("//SignedInfo"))},
		{name: "SignedByAnotherKey", want: saml.ReasonOtherKey, making: samltest.Making{Signer: &stranger}},
		{name: "SignedByAnotherKeyUnderOurIdPsCertificate", want: saml.ReasonSignature, making: samltest.Making{Signer: &stranger, Finished: func(root *etree.Element) {
			root.FindElement("//X509Certificate").SetText(base64Of(theirKey().Certificate.Raw))
		}}},
		{name: "SignedByAnotherKeyWithoutKeyInfo", want: saml.ReasonSignature, making: samltest.Making{Signer: &stranger, Finished: remove("//KeyInfo")}},
		{name: "SHA1", want: saml.ReasonWeakAlgorithm, making: samltest.Making{Method: "http://www.w3.org/2000/09/xmldsig#rsa-sha1"}},
		{name: "SHA1Digest", want: saml.ReasonWeakAlgorithm, making: attack(func(root *etree.Element) {
			root.FindElement("//DigestMethod").CreateAttr("Algorithm", "http://www.w3.org/2000/09/xmldsig#sha1")
		})},
		{name: "HMAC", want: saml.ReasonWeakAlgorithm, making: attack(func(root *etree.Element) {
			root.FindElement("//SignatureMethod").CreateAttr("Algorithm", "http://www.w3.org/2000/09/xmldsig#hmac-sha1")
		})},
		{name: "CanonicalizationWithComments", want: saml.ReasonWeakAlgorithm, making: attack(func(root *etree.Element) {
			root.FindElement("//CanonicalizationMethod").CreateAttr("Algorithm", "http://www.w3.org/2001/10/xml-exc-c14n#WithComments")
		})},
		{name: "XSLTTransform", want: saml.ReasonWeakAlgorithm, making: attack(func(root *etree.Element) {
			root.FindElement("//Transform").CreateAttr("Algorithm", "http://www.w3.org/TR/1999/REC-xslt-19991116")
		})},
		{name: "ShortKey", want: saml.ReasonWeakAlgorithm, change: func(c *saml.Config) { c.Metadata = withCertificate(c.Metadata, weak) }, making: samltest.Making{Signer: &weak}},

		// wrapping: the signed content moves aside, and something else takes its place
		{name: "XSW1", want: saml.ReasonWrapped, making: samltest.Making{SignResponse: true, Finished: func(root *etree.Element) {
			original := root.Copy()
			original.RemoveChild(original.SelectElement("Signature"))
			turnEvil(root)
			root.SelectElement("Signature").AddChild(original)
		}}},
		{name: "XSW2", want: saml.ReasonWrapped, making: samltest.Making{SignResponse: true, Finished: func(root *etree.Element) {
			original := root.Copy()
			original.RemoveChild(original.SelectElement("Signature"))
			turnEvil(root)
			root.InsertChildAt(root.SelectElement("Signature").Index(), original)
		}}},
		{name: "XSW3", want: saml.ReasonSeveralAssertions, making: attack(func(root *etree.Element) {
			original := root.SelectElement("Assertion")
			root.InsertChildAt(original.Index(), evil(original, "id-evil"))
		})},
		{name: "XSW4", want: saml.ReasonWrapped, making: attack(func(root *etree.Element) {
			original := root.SelectElement("Assertion")
			forged := evil(original, "id-evil")
			root.RemoveChild(original)
			forged.AddChild(original)
			root.AddChild(forged)
		})},
		{name: "XSW5", want: saml.ReasonWrapped, making: attack(func(root *etree.Element) {
			original := root.SelectElement("Assertion")
			aside := original.Copy()
			aside.RemoveChild(aside.SelectElement("Signature"))
			original.CreateAttr("ID", "id-evil")
			original.FindElement(".//NameID").SetText("root@example.com")
			root.AddChild(aside)
		})},
		{name: "XSW6", want: saml.ReasonWrapped, making: attack(func(root *etree.Element) {
			original := root.SelectElement("Assertion")
			aside := original.Copy()
			aside.RemoveChild(aside.SelectElement("Signature"))
			original.CreateAttr("ID", "id-evil")
			original.FindElement(".//NameID").SetText("root@example.com")
			original.SelectElement("Signature").AddChild(aside)
		})},
		{name: "XSW7", want: saml.ReasonWrapped, making: attack(func(root *etree.Element) {
			original := root.SelectElement("Assertion")
			extensions := etree.NewElement("samlp:Extensions")
			extensions.AddChild(evil(original, "id-evil"))
			root.InsertChildAt(original.Index(), extensions)
		})},
		{name: "XSW8", want: saml.ReasonWrapped, making: attack(func(root *etree.Element) {
			original := root.SelectElement("Assertion")
			aside := original.Copy()
			aside.RemoveChild(aside.SelectElement("Signature"))
			original.CreateAttr("ID", "id-evil")
			original.SelectElement("Signature").CreateElement("ds:Object").AddChild(aside)
		})},
		{name: "SameIDTwice", want: saml.ReasonWrapped, making: attack(func(root *etree.Element) {
			original := root.SelectElement("Assertion")
			forged := evil(original, original.SelectAttrValue("ID", ""))
			root.InsertChildAt(original.Index(), forged)
		})},
		{name: "PrefixedID", want: saml.ReasonWrapped, making: attack(func(root *etree.Element) {
			root.CreateAttr("xmlns:x", foreign)
			root.CreateAttr("x:ID", "id-evil")
		})},
		{name: "SignatureOfTheResponseInTheAssertion", want: saml.ReasonWrapped, making: samltest.Making{UnsignedAssertion: true, SignResponse: true, Finished: func(root *etree.Element) {
			signature := root.SelectElement("Signature")
			root.RemoveChild(signature)
			root.SelectElement("Assertion").AddChild(signature)
		}}},
		{name: "ReferenceToNothing", want: saml.ReasonWrapped, making: attack(func(root *etree.Element) { root.FindElement("//Reference").CreateAttr("URI", "") })},
		{name: "TwoReferences", want: saml.ReasonWrapped, making: attack(func(root *etree.Element) {
			reference := root.FindElement("//Reference")
			reference.Parent().AddChild(reference.Copy())
		})},
		{name: "TwoSignatures", want: saml.ReasonWrapped, making: attack(func(root *etree.Element) {
			signature := root.FindElement("./Assertion/Signature")
			signature.Parent().AddChild(signature.Copy())
		})},
		{name: "TwoSignedAssertions", want: saml.ReasonSeveralAssertions, making: samltest.Making{Finished: func(root *etree.Element) {
			second := root.SelectElement("Assertion").Copy()
			second.CreateAttr("ID", "id-second")
			second.FindElement(".//Reference").CreateAttr("URI", "#id-second")
			root.AddChild(second)
		}}},

		// text and structure
		{name: "CommentInNameID", want: saml.ReasonCommentInNameID, bytes: replace(">ada@example.com</saml:NameID>", ">ada@example.com<!-- -->.evil.example</saml:NameID>")},
		{name: "CommentThatCutsASignedNameID", want: saml.ReasonCommentInNameID, making: samltest.Making{
			Assertion: func(a *crewjam.Assertion) { a.Subject.NameID.Value = "root@example.com.evil.example" },
			Finished: func(root *etree.Element) { // the signature still fits: canonicalization drops comments
				name := root.FindElement("//NameID")
				name.SetText("root@example.com")
				name.AddChild(etree.NewComment(""))
				name.AddChild(etree.NewText(".evil.example"))
			},
		}},
		{name: "InstructionInNameID", want: saml.ReasonCommentInNameID, bytes: replace(">ada@example.com</saml:NameID>", ">ada@example.com<?x y?></saml:NameID>")},
		{name: "CommentInAttribute", want: saml.ReasonComment, bytes: replace(">keeper-admins<", ">keeper-<!---->admins<")},
		{name: "Doctype", want: saml.ReasonEntities, bytes: func(b []byte) []byte { return append([]byte(`<!DOCTYPE Response>`), b...) }},
		{name: "Entity", want: saml.ReasonEntities, bytes: func(b []byte) []byte {
			return append([]byte(`<!DOCTYPE r [<!ENTITY who "root@example.com">]>`), replace(">ada@example.com</saml:NameID>", ">&who;</saml:NameID>")(b)...)
		}},
		{name: "ExternalEntity", want: saml.ReasonEntities, bytes: func(b []byte) []byte {
			return append([]byte(`<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>`), b...)
		}},
		{name: "BillionLaughs", want: saml.ReasonEntities, bytes: func(b []byte) []byte {
			return append([]byte(`<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>`), b...)
		}},
		{name: "UndeclaredEntity", want: saml.ReasonMalformed, bytes: replace(">ada@example.com</saml:NameID>", ">&who;</saml:NameID>")},
		{name: "Huge", want: saml.ReasonTooLarge, bytes: func(b []byte) []byte { return append(b, bytes.Repeat([]byte(" "), 3<<20)...) }},
		{name: "Deep", want: saml.ReasonTooLarge, bytes: func([]byte) []byte {
			return []byte(strings.Repeat("<a>", 100_000) + strings.Repeat("</a>", 100_000))
		}},
		{name: "ManyElements", want: saml.ReasonTooLarge, bytes: func([]byte) []byte { return []byte("<a>" + strings.Repeat("<b/>", 100_000) + "</a>") }},
		{name: "ManyAttributes", want: saml.ReasonTooLarge, bytes: func([]byte) []byte {
			var b strings.Builder
			for i := range 10_000 {
				fmt.Fprintf(&b, ` a%d=""`, i)
			}
			return []byte("<a" + b.String() + "/>")
		}},
		{name: "SameAttributeTwice", want: saml.ReasonMalformed, bytes: replace(`Recipient="`, `Recipient="https://evil.example" Recipient="`)},
		{name: "NoXML", want: saml.ReasonMalformed, bytes: func([]byte) []byte { return []byte("hello") }},
		{name: "Empty", want: saml.ReasonMalformed, bytes: func([]byte) []byte { return nil }},
		{name: "TwoRoots", want: saml.ReasonMalformed, bytes: func(b []byte) []byte { return append(b, b...) }},
		{name: "TextBeforeTheRoot", want: saml.ReasonMalformed, bytes: func(b []byte) []byte { return append([]byte("x"), b...) }},
		{name: "TextAfterTheRoot", want: saml.ReasonMalformed, bytes: func(b []byte) []byte { return append(b, 'x') }},
		{name: "CutOff", want: saml.ReasonMalformed, bytes: func(b []byte) []byte { return b[:len(b)-20] }},
		{name: "UTF16", want: saml.ReasonMalformed, bytes: func(b []byte) []byte { return append([]byte(`<?xml version="1.0" encoding="utf-16"?>`), b...) }},
		{name: "AnAssertionAlone", want: saml.ReasonMalformed, bytes: func(b []byte) []byte {
			start, end := bytes.Index(b, []byte("<saml:Assertion")), bytes.Index(b, []byte("</samlp:Response>"))
			return b[start:end]
		}},
		{name: "OtherVersion", want: saml.ReasonMalformed, making: samltest.Making{Response: func(r *crewjam.Response) { r.Version = "1.1" }}},
		{name: "AssertionOfOtherVersion", want: saml.ReasonMalformed, making: xmlChange(func(el *etree.Element) { el.CreateAttr("Version", "1.1") })},
		{name: "TimeThatIsNone", want: saml.ReasonMalformed, making: xmlChange(func(el *etree.Element) { el.FindElement("./Conditions").CreateAttr("NotBefore", "yesterday") })},

		// foreign namespaces, signed by the identity provider itself
		{name: "ForeignNameID", want: saml.ReasonForeignNamespace, making: xmlChange(inForeignNamespace("./Subject/NameID"))},
		{name: "ForeignNameIDBesideTheRealOne", want: saml.ReasonForeignNamespace, making: xmlChange(func(el *etree.Element) {
			admin := etree.NewElement("x:NameID")
			admin.CreateAttr("xmlns:x", foreign)
			admin.SetText("root@example.com")
			el.FindElement("./Subject").AddChild(admin)
		})},
		{name: "ForeignAttribute", want: saml.ReasonForeignNamespace, making: xmlChange(inForeignNamespace("./AttributeStatement/Attribute"))},
		{name: "ForeignConfirmation", want: saml.ReasonForeignNamespace, making: xmlChange(inForeignNamespace("./Subject/SubjectConfirmation"))},
		{name: "ForeignConditions", want: saml.ReasonForeignNamespace, making: xmlChange(inForeignNamespace("./Conditions"))},
		{name: "ForeignAssertion", want: saml.ReasonForeignNamespace, making: attack(inForeignNamespace("./Assertion"))},
		{name: "ForeignResponse", want: saml.ReasonForeignNamespace, bytes: replace(`xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"`, `xmlns:samlp="`+foreign+`"`)},
		{name: "ForeignSignature", want: saml.ReasonForeignNamespace, making: attack(inForeignNamespace("./Assertion/Signature"))},

		// what an assertion must have
		{name: "StatusNotSuccess", want: saml.ReasonStatus, making: samltest.Making{Response: func(r *crewjam.Response) { r.Status.StatusCode.Value = crewjam.StatusResponder }}},
		{name: "StatusMissing", want: saml.ReasonStatus, making: attack(remove("./Status"))},
		{name: "NoAssertion", want: saml.ReasonNoAssertion, making: attack(remove("./Assertion"))},
		{name: "NoConditions", want: saml.ReasonNoConditions, making: xmlChange(remove("./Conditions"))},
		{name: "NoSubject", want: saml.ReasonNoSubject, making: xmlChange(remove("./Subject"))},
		{name: "NoNameID", want: saml.ReasonNoSubject, making: xmlChange(remove("./Subject/NameID"))},
		{name: "TwoNameIDs", want: saml.ReasonMalformed, making: xmlChange(func(el *etree.Element) {
			el.FindElement("./Subject").AddChild(el.FindElement("./Subject/NameID").Copy())
		})},
		{name: "TwoSubjects", want: saml.ReasonMalformed, making: xmlChange(func(el *etree.Element) { el.AddChild(el.FindElement("./Subject").Copy()) })},
		{name: "ElementsInNameID", want: saml.ReasonMalformed, making: xmlChange(func(el *etree.Element) {
			el.FindElement("./Subject/NameID").CreateElement("saml:NameID").SetText("root@example.com")
		})},
		{name: "EmptyNameID", want: saml.ReasonEmptyNameID, making: xmlChange(func(el *etree.Element) { el.FindElement("./Subject/NameID").SetText("") })},
		{name: "BlankNameID", want: saml.ReasonEmptyNameID, making: xmlChange(func(el *etree.Element) { el.FindElement("./Subject/NameID").SetText(" \n ") })},
		{name: "LongNameID", want: saml.ReasonTooLarge, making: xmlChange(func(el *etree.Element) { el.FindElement("./Subject/NameID").SetText(strings.Repeat("a", 2_000)) })},
		{name: "NoConfirmation", want: saml.ReasonNoConfirmation, making: xmlChange(remove("./Subject/SubjectConfirmation"))},
		{name: "NoConfirmationData", want: saml.ReasonNoConfirmation, making: xmlChange(remove("./Subject/SubjectConfirmation/SubjectConfirmationData"))},
		{name: "ConfirmationWithoutEnd", want: saml.ReasonNoConfirmation, making: xmlChange(func(el *etree.Element) {
			el.FindElement("./Subject/SubjectConfirmation/SubjectConfirmationData").RemoveAttr("NotOnOrAfter")
		})},
		{name: "HolderOfKey", want: saml.ReasonNoConfirmation, making: assertionChange(func(a *crewjam.Assertion) {
			a.Subject.SubjectConfirmations[0].Method = "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"
		})},
		{name: "NoAuthnStatement", want: saml.ReasonNoAuthnStatement, making: xmlChange(remove("./AuthnStatement"))},
		{name: "AuthnStatementWithoutInstant", want: saml.ReasonNoAuthnStatement, making: xmlChange(func(el *etree.Element) { el.FindElement("./AuthnStatement").RemoveAttr("AuthnInstant") })},

		// who, for whom, when
		{name: "OtherIssuer", want: saml.ReasonIssuer, making: assertionChange(func(a *crewjam.Assertion) { a.Issuer.Value = "https://other.example" })},
		{name: "OtherIssuerOfTheResponse", want: saml.ReasonIssuer, making: samltest.Making{Response: func(r *crewjam.Response) { r.Issuer.Value = "https://other.example" }}},
		{name: "NoIssuer", want: saml.ReasonIssuer, making: xmlChange(remove("./Issuer"))},
		{name: "OtherDestination", want: saml.ReasonDestination, making: samltest.Making{Response: func(r *crewjam.Response) { r.Destination = "https://other.example/acs" }}},
		{name: "SignedWithoutDestination", want: saml.ReasonDestination, making: samltest.Making{SignResponse: true, Response: func(r *crewjam.Response) { r.Destination = "" }}},
		{name: "OtherRecipient", want: saml.ReasonRecipient, making: assertionChange(func(a *crewjam.Assertion) { confirmationData(a).Recipient = acsURL + "/" })},
		{name: "NoRecipient", want: saml.ReasonRecipient, making: assertionChange(func(a *crewjam.Assertion) { confirmationData(a).Recipient = "" })},
		{name: "OtherAudience", want: saml.ReasonAudience, making: assertionChange(func(a *crewjam.Assertion) {
			a.Conditions.AudienceRestrictions[0].Audience.Value = "https://other.example"
		})},
		{name: "NoAudience", want: saml.ReasonAudience, making: assertionChange(func(a *crewjam.Assertion) { a.Conditions.AudienceRestrictions = nil })},
		{name: "SecondRestrictionForAnother", want: saml.ReasonAudience, making: assertionChange(func(a *crewjam.Assertion) {
			a.Conditions.AudienceRestrictions = append(a.Conditions.AudienceRestrictions, crewjam.AudienceRestriction{Audience: crewjam.Audience{Value: "https://other.example"}})
		})},
		{name: "OtherInResponseTo", want: saml.ReasonInResponseTo, making: assertionChange(func(a *crewjam.Assertion) { confirmationData(a).InResponseTo = "id-other" })},
		{name: "NoInResponseToInTheSignedPart", want: saml.ReasonInResponseTo, making: assertionChange(func(a *crewjam.Assertion) { confirmationData(a).InResponseTo = "" })},
		{name: "OtherInResponseToOfTheResponse", want: saml.ReasonInResponseTo, making: samltest.Making{Response: func(r *crewjam.Response) { r.InResponseTo = "id-other" }}},
		{name: "OldResponse", want: saml.ReasonExpired, making: samltest.Making{Now: time.Now().Add(-hour)}},
		{name: "OldAssertion", want: saml.ReasonExpired, making: assertionChange(func(a *crewjam.Assertion) { a.IssueInstant = a.IssueInstant.Add(-hour) })},
		{name: "ConditionsEnded", want: saml.ReasonExpired, making: assertionChange(func(a *crewjam.Assertion) { a.Conditions.NotOnOrAfter = a.IssueInstant.Add(-hour) })},
		{name: "ConfirmationEnded", want: saml.ReasonExpired, making: assertionChange(func(a *crewjam.Assertion) { confirmationData(a).NotOnOrAfter = a.IssueInstant.Add(-hour) })},
		{name: "SessionEnded", want: saml.ReasonExpired, making: assertionChange(func(a *crewjam.Assertion) {
			ended := a.IssueInstant.Add(-hour)
			a.AuthnStatements[0].SessionNotOnOrAfter = &ended
		})},
		{name: "FutureResponse", want: saml.ReasonNotYetValid, making: samltest.Making{Now: time.Now().Add(hour)}},
		{name: "FutureAssertion", want: saml.ReasonNotYetValid, making: assertionChange(func(a *crewjam.Assertion) { a.IssueInstant = a.IssueInstant.Add(hour) })},
		{name: "FutureConditions", want: saml.ReasonNotYetValid, making: assertionChange(func(a *crewjam.Assertion) { a.Conditions.NotBefore = a.IssueInstant.Add(hour) })},
		{name: "FutureConfirmation", want: saml.ReasonNotYetValid, making: xmlChange(func(el *etree.Element) {
			el.FindElement("./Subject/SubjectConfirmation/SubjectConfirmationData").CreateAttr("NotBefore", time.Now().UTC().Add(hour).Format(time.RFC3339))
		})},
		{name: "FutureAuthentication", want: saml.ReasonNotYetValid, making: assertionChange(func(a *crewjam.Assertion) { a.AuthnStatements[0].AuthnInstant = a.IssueInstant.Add(hour) })},

		// encryption
		{name: "EncryptedForSomebodyElse", want: saml.ReasonUnreadable, making: samltest.Making{Encrypt: true, EncryptFor: &stranger}},
		{name: "EncryptedUnsigned", want: saml.ReasonUnsigned, making: samltest.Making{Encrypt: true, UnsignedAssertion: true}},
		{name: "EncryptedByAnotherSigner", want: saml.ReasonOtherKey, making: samltest.Making{Encrypt: true, Signer: &stranger}},
		{name: "EncryptedSomethingElse", want: saml.ReasonMalformed, making: samltest.Making{Encrypt: true, UnsignedAssertion: true, AssertionXML: func(el *etree.Element) { el.Tag = "Advice" }}},
		{name: "EncryptedForeignNameID", want: saml.ReasonForeignNamespace, making: samltest.Making{Encrypt: true, AssertionXML: inForeignNamespace("./Subject/NameID")}},
		{name: "EncryptedCommentInNameID", want: saml.ReasonCommentInNameID, making: samltest.Making{Encrypt: true, UnsignedAssertion: true, AssertionXML: func(el *etree.Element) { el.FindElement(".//NameID").AddChild(etree.NewComment("")) }}},
		{name: "EncryptedCutOff", want: saml.ReasonUnreadable, making: samltest.Making{Encrypt: true, Finished: func(root *etree.Element) {
			value := root.FindElement("./EncryptedAssertion/EncryptedData/CipherData/CipherValue")
			value.SetText(value.Text()[:8])
		}}},
		{name: "EncryptedGCMCutOff", want: saml.ReasonUnreadable, making: samltest.Making{Encrypt: true, Cipher: oktaGCM(32, "http://www.w3.org/2009/xmlenc11#aes256-gcm"), Finished: func(root *etree.Element) {
			root.FindElement("./EncryptedAssertion/EncryptedData/CipherData/CipherValue").SetText("AAAA")
		}}},
		{name: "EncryptedWithRSA15", want: saml.ReasonWeakAlgorithm, making: samltest.Making{Encrypt: true, Cipher: xmlenc.PKCS1v15()}},
		{name: "EncryptedWithTripleDES", want: saml.ReasonWeakAlgorithm, making: samltest.Making{Encrypt: true, Finished: func(root *etree.Element) {
			root.FindElement("./EncryptedAssertion/EncryptedData/EncryptionMethod").CreateAttr("Algorithm", "http://www.w3.org/2001/04/xmlenc#tripledes-cbc")
		}}},
		{name: "EncryptedAndPlain", want: saml.ReasonSeveralAssertions, making: samltest.Making{Encrypt: true, Finished: func(root *etree.Element) {
			plain := etree.NewElement("saml:Assertion")
			plain.CreateAttr("ID", "id-evil")
			root.AddChild(plain)
		}}},
	}
}

func TestBadResponses(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range badResponses() {
		if seen[c.name] {
			t.Fatalf("two cases are named %s", c.name)
		}
		seen[c.name] = true
		t.Run(c.name, func(t *testing.T) {
			change := func(*saml.Config) {}
			if c.change != nil {
				change = c.change
			}
			w := newWorld(t, change)
			relayState, requestID := w.ask(saml.BeginOptions{})
			response := w.answer(requestID, c.making)
			if c.bytes != nil {
				before := bytes.Clone(response)
				if response = c.bytes(response); bytes.Equal(before, response) {
					t.Fatal("the case changed nothing")
				}
			}
			got, err := w.finish(response, relayState)
			wantReason(t, err, c.want)
			if got.Identity.NameID != "" || got.ReturnTo != "" {
				t.Errorf("a refusal comes with %+v", got)
			}
		})
	}
	if len(seen) < 40 {
		t.Errorf("%d bad responses", len(seen))
	}
}

// turnEvil makes a signed response say what an attacker wants.
func turnEvil(root *etree.Element) {
	root.CreateAttr("ID", "id-evil")
	forged := evil(root.SelectElement("Assertion"), "id-evil-assertion")
	root.RemoveChild(root.SelectElement("Assertion"))
	root.AddChild(forged)
}

func replace(old, fresh string) func([]byte) []byte {
	return func(b []byte) []byte { return bytes.Replace(b, []byte(old), []byte(fresh), 1) }
}

// withCertificate replaces the certificate of the test identity provider in its metadata.
func withCertificate(metadata []byte, pair saml.KeyPair) []byte {
	return bytes.ReplaceAll(metadata, []byte(base64Of(theirKey().Certificate.Raw)), []byte(base64Of(pair.Certificate.Raw)))
}
