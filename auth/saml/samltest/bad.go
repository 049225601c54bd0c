package samltest

import (
	"bytes"
	"slices"
	"time"

	"github.com/beevik/etree"
	crewjam "github.com/crewjam/saml"

	"github.com/your-org/keeper/auth/saml"
)

// Bad is one response that must be refused, and for what.
type Bad struct {
	Name   string
	Want   saml.Reason
	Config func(*saml.Config)           // what it takes of the service provider's settings; nil for nothing
	Making Making                       // how the identity provider makes it
	Bytes  func(response []byte) []byte // changes the text of what was made; nil for nothing
}

// BadResponses are the known ways to be taken in by a response. All are about a User of the NameID ada@example.com, of an
// identity provider whose key is theirs; stranger is a key that nobody trusts.
func BadResponses(theirs, stranger saml.KeyPair) []Bad {
	weak, err := NewKeyPairValid("Weak", time.Now().Add(-time.Hour), time.Now().Add(time.Hour), 1024)
	if err != nil {
		panic(err)
	}
	return slices.Concat(
		badSignatures(theirs, stranger, weak), badWrappings(), badResponseOnly(), badText(), badNamespaces(), badContent(), badAddressees(), badEncryption(stranger),
	)
}

// Foreign is a namespace that is not SAML's.
const Foreign = "urn:example:not-saml"

// Evil is a copy of an assertion or response that says what an attacker wants, without a signature.
func Evil(el *etree.Element, id string) *etree.Element {
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

// Remove takes elements out.
func Remove(paths ...string) func(*etree.Element) {
	return func(root *etree.Element) {
		for _, path := range paths {
			for _, el := range root.FindElements(path) {
				el.Parent().RemoveChild(el)
			}
		}
	}
}

// InForeignNamespace moves an element into another namespace, under the same local name.
func InForeignNamespace(path string) func(*etree.Element) {
	return func(el *etree.Element) {
		target := el.FindElement(path)
		target.Space = "x"
		target.CreateAttr("xmlns:x", Foreign)
	}
}

func xmlChange(change func(el *etree.Element)) Making { return Making{AssertionXML: change} }

func assertionChange(change func(a *crewjam.Assertion)) Making { return Making{Assertion: change} }

func attack(change func(root *etree.Element)) Making { return Making{Finished: change} }

func confirmationData(a *crewjam.Assertion) *crewjam.SubjectConfirmationData {
	return a.Subject.SubjectConfirmations[0].SubjectConfirmationData
}

func replace(old, fresh string) func([]byte) []byte {
	return func(b []byte) []byte { return bytes.Replace(b, []byte(old), []byte(fresh), 1) }
}
