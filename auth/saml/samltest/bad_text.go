package samltest

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/beevik/etree"
	crewjam "github.com/crewjam/saml"

	"github.com/your-org/keeper/auth/saml"
)

// badText are documents that parsers read in different ways, or at a great cost, or no responses.
func badText() []Bad {
	return []Bad{
		{Name: "CommentInNameID", Want: saml.ReasonCommentInNameID, Bytes: replace(">ada@example.com</saml:NameID>", ">ada@example.com<!-- -->.evil.example</saml:NameID>")},
		{Name: "CommentThatCutsASignedNameID", Want: saml.ReasonCommentInNameID, Making: Making{
			Assertion: func(a *crewjam.Assertion) { a.Subject.NameID.Value = "root@example.com.evil.example" },
			Finished: func(root *etree.Element) { // the signature still fits: canonicalization drops comments
				name := root.FindElement("//NameID")
				name.SetText("root@example.com")
				name.AddChild(etree.NewComment(""))
				name.AddChild(etree.NewText(".evil.example"))
			},
		}},
		{Name: "InstructionInNameID", Want: saml.ReasonCommentInNameID, Bytes: replace(">ada@example.com</saml:NameID>", ">ada@example.com<?x y?></saml:NameID>")},
		{Name: "CommentInAttribute", Want: saml.ReasonComment, Bytes: replace(">ada@example.com</saml:AttributeValue>", ">root<!---->@example.com</saml:AttributeValue>")},
		{Name: "Doctype", Want: saml.ReasonEntities, Bytes: func(b []byte) []byte { return append([]byte(`<!DOCTYPE Response>`), b...) }},
		{Name: "Entity", Want: saml.ReasonEntities, Bytes: func(b []byte) []byte {
			return append([]byte(`<!DOCTYPE r [<!ENTITY who "root@example.com">]>`), replace(">ada@example.com</saml:NameID>", ">&who;</saml:NameID>")(b)...)
		}},
		{Name: "ExternalEntity", Want: saml.ReasonEntities, Bytes: func(b []byte) []byte {
			return append([]byte(`<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>`), b...)
		}},
		{Name: "BillionLaughs", Want: saml.ReasonEntities, Bytes: func(b []byte) []byte {
			return append([]byte(`<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>`), b...)
		}},
		{Name: "UndeclaredEntity", Want: saml.ReasonMalformed, Bytes: replace(">ada@example.com</saml:NameID>", ">&who;</saml:NameID>")},
		{Name: "Huge", Want: saml.ReasonTooLarge, Bytes: replace("</samlp:Response>", strings.Repeat(" ", 1<<20)+"</samlp:Response>")},
		{Name: "Deep", Want: saml.ReasonTooLarge, Bytes: func([]byte) []byte {
			return []byte(strings.Repeat("<a>", 100_000) + strings.Repeat("</a>", 100_000))
		}},
		{Name: "ManyElements", Want: saml.ReasonTooLarge, Bytes: func([]byte) []byte { return []byte("<a>" + strings.Repeat("<b/>", 100_000) + "</a>") }},
		{Name: "ManyAttributes", Want: saml.ReasonTooLarge, Bytes: func([]byte) []byte {
			var b strings.Builder
			for i := range 10_000 {
				fmt.Fprintf(&b, ` a%d=""`, i)
			}
			return []byte("<a" + b.String() + "/>")
		}},
		{Name: "SameAttributeTwice", Want: saml.ReasonMalformed, Bytes: replace(`Recipient="`, `Recipient="https://evil.example" Recipient="`)},
		{Name: "NoXML", Want: saml.ReasonMalformed, Bytes: func([]byte) []byte { return []byte("hello") }},
		{Name: "Empty", Want: saml.ReasonMalformed, Bytes: func([]byte) []byte { return nil }},
		{Name: "TwoRoots", Want: saml.ReasonMalformed, Bytes: func(b []byte) []byte { return append(b, b...) }},
		{Name: "TextBeforeTheRoot", Want: saml.ReasonMalformed, Bytes: func(b []byte) []byte { return append([]byte("x"), b...) }},
		{Name: "TextAfterTheRoot", Want: saml.ReasonMalformed, Bytes: func(b []byte) []byte { return append(b, 'x') }},
		{Name: "CutOff", Want: saml.ReasonMalformed, Bytes: func(b []byte) []byte { return b[:len(b)-20] }},
		{Name: "UTF16", Want: saml.ReasonMalformed, Bytes: func(b []byte) []byte { return append([]byte(`<?xml version="1.0" encoding="utf-16"?>`), b...) }},
		{Name: "AnAssertionAlone", Want: saml.ReasonMalformed, Bytes: func(b []byte) []byte {
			start, end := bytes.Index(b, []byte("<saml:Assertion")), bytes.Index(b, []byte("</samlp:Response>"))
			return b[start:end]
		}},
		{Name: "OtherVersion", Want: saml.ReasonMalformed, Making: Making{Response: func(r *crewjam.Response) { r.Version = "1.1" }}},
		{Name: "AssertionOfOtherVersion", Want: saml.ReasonMalformed, Making: xmlChange(func(el *etree.Element) { el.CreateAttr("Version", "1.1") })},
		{Name: "TimeThatIsNone", Want: saml.ReasonMalformed, Making: xmlChange(func(el *etree.Element) { el.FindElement("./Conditions").CreateAttr("NotBefore", "yesterday") })},
		{Name: "NameWithTwoColons", Want: saml.ReasonMalformed, Bytes: replace("<saml:Subject>", `<saml:Subject a:b:c="x">`)},
	}
}

// badNamespaces are signed by the identity provider itself, with elements that only look like SAML's.
func badNamespaces() []Bad {
	return []Bad{
		{Name: "ForeignNameID", Want: saml.ReasonForeignNamespace, Making: xmlChange(InForeignNamespace("./Subject/NameID"))},
		{Name: "ForeignNameIDBesideTheRealOne", Want: saml.ReasonForeignNamespace, Making: xmlChange(func(el *etree.Element) {
			admin := etree.NewElement("x:NameID")
			admin.CreateAttr("xmlns:x", Foreign)
			admin.SetText("root@example.com")
			el.FindElement("./Subject").AddChild(admin)
		})},
		{Name: "ForeignAttribute", Want: saml.ReasonForeignNamespace, Making: xmlChange(InForeignNamespace("./AttributeStatement/Attribute"))},
		{Name: "ForeignConfirmation", Want: saml.ReasonForeignNamespace, Making: xmlChange(InForeignNamespace("./Subject/SubjectConfirmation"))},
		{Name: "ForeignConditions", Want: saml.ReasonForeignNamespace, Making: xmlChange(InForeignNamespace("./Conditions"))},
		{Name: "ForeignAssertion", Want: saml.ReasonForeignNamespace, Making: attack(InForeignNamespace("./Assertion"))},
		{Name: "ForeignResponse", Want: saml.ReasonForeignNamespace, Bytes: replace(`xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"`, `xmlns:samlp="`+Foreign+`"`)},
		{Name: "ForeignSignature", Want: saml.ReasonForeignNamespace, Making: attack(InForeignNamespace("./Assertion/Signature"))},
	}
}
