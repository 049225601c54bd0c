package samltest

import (
	"github.com/beevik/etree"

	"github.com/your-org/keeper/auth/saml"
)

// badWrappings move signed content aside, and put something else in its place.
func badWrappings() []Bad {
	return []Bad{
		{Name: "XSW1", Want: saml.ReasonWrapped, Making: Making{SignResponse: true, Finished: intoTheSignature}},
		{Name: "XSW2", Want: saml.ReasonWrapped, Making: Making{SignResponse: true, Finished: besideTheSignature}},
		{Name: "XSW3", Want: saml.ReasonSeveralAssertions, Making: attack(func(root *etree.Element) {
			original := root.SelectElement("Assertion")
			root.InsertChildAt(original.Index(), Evil(original, "id-evil"))
		})},
		{Name: "XSW4", Want: saml.ReasonWrapped, Making: attack(func(root *etree.Element) {
			original := root.SelectElement("Assertion")
			forged := Evil(original, "id-evil")
			root.RemoveChild(original)
			forged.AddChild(original)
			root.AddChild(forged)
		})},
		{Name: "XSW5", Want: saml.ReasonWrapped, Making: attack(func(root *etree.Element) {
			original := root.SelectElement("Assertion")
			aside := original.Copy()
			aside.RemoveChild(aside.SelectElement("Signature"))
			original.CreateAttr("ID", "id-evil")
			original.FindElement(".//NameID").SetText("root@example.com")
			root.AddChild(aside)
		})},
		{Name: "XSW6", Want: saml.ReasonWrapped, Making: attack(func(root *etree.Element) {
			original := root.SelectElement("Assertion")
			aside := original.Copy()
			aside.RemoveChild(aside.SelectElement("Signature"))
			original.CreateAttr("ID", "id-evil")
			original.FindElement(".//NameID").SetText("root@example.com")
			original.SelectElement("Signature").AddChild(aside)
		})},
		{Name: "XSW7", Want: saml.ReasonWrapped, Making: attack(func(root *etree.Element) {
			original := root.SelectElement("Assertion")
			extensions := etree.NewElement("samlp:Extensions")
			extensions.AddChild(Evil(original, "id-evil"))
			root.InsertChildAt(original.Index(), extensions)
		})},
		{Name: "XSW8", Want: saml.ReasonWrapped, Making: attack(func(root *etree.Element) {
			original := root.SelectElement("Assertion")
			aside := original.Copy()
			aside.RemoveChild(aside.SelectElement("Signature"))
			original.CreateAttr("ID", "id-evil")
			original.SelectElement("Signature").CreateElement("ds:Object").AddChild(aside)
		})},
		{Name: "SameIDTwice", Want: saml.ReasonWrapped, Making: attack(func(root *etree.Element) {
			original := root.SelectElement("Assertion")
			forged := Evil(original, original.SelectAttrValue("ID", ""))
			root.InsertChildAt(original.Index(), forged)
		})},
		{Name: "PrefixedID", Want: saml.ReasonWrapped, Making: attack(func(root *etree.Element) {
			root.CreateAttr("xmlns:x", Foreign)
			root.CreateAttr("x:ID", "id-evil")
		})},
		{Name: "SignatureOfTheResponseInTheAssertion", Want: saml.ReasonWrapped, Making: Making{UnsignedAssertion: true, SignResponse: true, Finished: func(root *etree.Element) {
			signature := root.SelectElement("Signature")
			root.RemoveChild(signature)
			root.SelectElement("Assertion").AddChild(signature)
		}}},
		{Name: "ReferenceToNothing", Want: saml.ReasonWrapped, Making: attack(func(root *etree.Element) { root.FindElement("//Reference").CreateAttr("URI", "") })},
		{Name: "TwoReferences", Want: saml.ReasonWrapped, Making: attack(func(root *etree.Element) {
			reference := root.FindElement("//Reference")
			reference.Parent().AddChild(reference.Copy())
		})},
		{Name: "TwoSignatures", Want: saml.ReasonWrapped, Making: attack(func(root *etree.Element) {
			signature := root.FindElement("./Assertion/Signature")
			signature.Parent().AddChild(signature.Copy())
		})},
		{Name: "TwoSignedAssertions", Want: saml.ReasonSeveralAssertions, Making: Making{Finished: func(root *etree.Element) {
			second := root.SelectElement("Assertion").Copy()
			second.CreateAttr("ID", "id-second")
			second.FindElement(".//Reference").CreateAttr("URI", "#id-second")
			root.AddChild(second)
		}}},
		{Name: "ObjectInTheSignature", Want: saml.ReasonWrapped, Making: attack(func(root *etree.Element) {
			root.FindElement("./Assertion/Signature").CreateElement("ds:Object").CreateElement("ds:Manifest")
		})},
		{Name: "SignatureInTheSubject", Want: saml.ReasonWrapped, Making: attack(func(root *etree.Element) {
			signature := root.FindElement("./Assertion/Signature")
			signature.Parent().RemoveChild(signature)
			root.FindElement("./Assertion/Subject").AddChild(signature)
		})},
		{Name: "ReferenceElsewhere", Want: saml.ReasonWrapped, Making: attack(func(root *etree.Element) {
			root.FindElement("//Reference").CreateAttr("URI", "https://evil.example/assertion")
		})},
		{Name: "AssertionInsideAnEncryptedOne", Want: saml.ReasonWrapped, Making: attack(func(root *etree.Element) {
			original := root.SelectElement("Assertion")
			encrypted := etree.NewElement("saml:EncryptedAssertion")
			encrypted.CreateAttr("xmlns:saml", "urn:oasis:names:tc:SAML:2.0:assertion")
			root.AddChild(encrypted)
			encrypted.AddChild(original)
		})},
	}
}

// badResponseOnly are against providers that may sign the response alone: what vouches for the assertion is around it.
func badResponseOnly() []Bad {
	unsigned := func(change func(*etree.Element)) Making {
		return Making{UnsignedAssertion: true, SignResponse: true, Finished: change}
	}
	all := []Bad{
		{Name: "XSW1", Want: saml.ReasonWrapped, Making: unsigned(intoTheSignature)},
		{Name: "XSW2", Want: saml.ReasonWrapped, Making: unsigned(besideTheSignature)},
		{Name: "XSW3", Want: saml.ReasonSignature, Making: unsigned(func(root *etree.Element) {
			original := root.SelectElement("Assertion")
			root.InsertChildAt(original.Index(), Evil(original, "id-evil"))
		})},
		{Name: "XSW4", Want: saml.ReasonWrapped, Making: unsigned(func(root *etree.Element) {
			original := root.SelectElement("Assertion")
			forged := Evil(original, "id-evil")
			root.RemoveChild(original)
			forged.AddChild(original)
			root.AddChild(forged)
		})},
		{Name: "XSW7", Want: saml.ReasonWrapped, Making: unsigned(func(root *etree.Element) {
			extensions := etree.NewElement("samlp:Extensions")
			original := root.SelectElement("Assertion")
			root.AddChild(Evil(original, "id-evil"))
			root.InsertChildAt(original.Index(), extensions)
			extensions.AddChild(original)
		})},
		{Name: "XSW8", Want: saml.ReasonWrapped, Making: unsigned(func(root *etree.Element) {
			original := root.SelectElement("Assertion")
			root.AddChild(Evil(original, "id-evil"))
			root.SelectElement("Signature").CreateElement("ds:Object").AddChild(original)
		})},
		{Name: "Swapped", Want: saml.ReasonSignature, Making: unsigned(func(root *etree.Element) {
			original := root.SelectElement("Assertion")
			root.AddChild(Evil(original, original.SelectAttrValue("ID", "")))
			root.RemoveChild(original)
		})},
		{Name: "Stripped", Want: saml.ReasonUnsigned, Making: unsigned(Remove("./Signature"))},
		{Name: "Encrypted", Want: saml.ReasonUnsigned, Making: Making{UnsignedAssertion: true, Encrypt: true}},
	}
	for i := range all {
		all[i].Name = "ResponseOnly" + all[i].Name
		all[i].Config = func(c *saml.Config) { c.AllowResponseOnlySigned = true }
	}
	return all
}

// turnEvil makes a signed response say what an attacker wants.
func turnEvil(root *etree.Element) {
	root.CreateAttr("ID", "id-evil")
	forged := Evil(root.SelectElement("Assertion"), "id-evil-assertion")
	root.RemoveChild(root.SelectElement("Assertion"))
	root.AddChild(forged)
}

// intoTheSignature and besideTheSignature put the response that was signed into another.
func intoTheSignature(root *etree.Element) {
	original := unsignedCopy(root)
	turnEvil(root)
	root.SelectElement("Signature").AddChild(original)
}

func besideTheSignature(root *etree.Element) {
	original := unsignedCopy(root)
	turnEvil(root)
	root.InsertChildAt(root.SelectElement("Signature").Index(), original)
}

func unsignedCopy(el *etree.Element) *etree.Element {
	bare := el.Copy()
	bare.RemoveChild(bare.SelectElement("Signature"))
	return bare
}
