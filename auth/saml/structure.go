package saml

import (
	"slices"

	"github.com/beevik/etree"
)

// checkResponseShape refuses a response in which anything could stand for something else: an assertion or a
// signature anywhere but in its one place, an identifier that two elements have, and elements of other namespaces that
// carry the names of SAML's. All known ways of wrapping a signed assertion need one of these.
func checkResponseShape(root *etree.Element) *Refusal {
	if root.Tag == "Response" && root.NamespaceURI() != nsProtocol {
		return refuse(ReasonForeignNamespace, "the Response is of the namespace %s", quote(root.NamespaceURI()))
	}
	if !is(root, nsProtocol, "Response") {
		return refuse(ReasonMalformed, "the root element is %s and no Response", quote(root.Tag))
	}
	return checkShape(root)
}

// checkAssertionShape does the same for an assertion that was encrypted.
func checkAssertionShape(root *etree.Element) *Refusal {
	if !is(root, nsAssertion, "Assertion") {
		return refuse(ReasonMalformed, "what was encrypted is %s and no assertion", quote(root.Tag))
	}
	return checkShape(root)
}

func checkShape(root *etree.Element) *Refusal {
	var refusal *Refusal
	ids := map[string]bool{}
	each(root, func(el *etree.Element) bool {
		if refusal == nil {
			refusal = checkIDs(el, ids)
		}
		if refusal == nil {
			refusal = checkPlace(el, root)
		}
		return refusal == nil
	})
	if refusal == nil {
		refusal = checkNamespaces(root)
	}
	return refusal
}

// checkIDs refuses an ID that stands twice, and one that a reader might or might not take for an ID.
func checkIDs(el *etree.Element, seen map[string]bool) *Refusal {
	for _, a := range el.Attr {
		if a.Key != "ID" {
			continue
		}
		if a.Space != "" || a.Value == "" || seen[a.Value] {
			return refuse(ReasonWrapped, "an ID that is empty, stands twice, or has a prefix, at %s", quote(el.Tag))
		}
		seen[a.Value] = true
	}
	return nil
}

// checkPlace refuses what may stand in one place only, elsewhere.
func checkPlace(el, root *etree.Element) *Refusal {
	parent := el.Parent()
	switch el.Tag {
	case "Response":
		if el != root {
			return refuse(ReasonWrapped, "a Response inside %s", quote(parent.Tag))
		}
	case "Assertion", "EncryptedAssertion":
		if el.NamespaceURI() != nsAssertion {
			return refuse(ReasonForeignNamespace, "an %s of the namespace %s", el.Tag, quote(el.NamespaceURI()))
		}
		if el != root && parent != root {
			return refuse(ReasonWrapped, "an %s inside %s", el.Tag, quote(parent.Tag))
		}
		if el != root && root.Tag != "Response" {
			return refuse(ReasonWrapped, "an assertion inside another")
		}
	case "Signature":
		return checkSignaturePlace(el, root)
	}
	return nil
}

func checkSignaturePlace(el, root *etree.Element) *Refusal {
	parent := el.Parent()
	switch {
	case el.NamespaceURI() != nsSignature:
		return refuse(ReasonForeignNamespace, "a Signature of the namespace %s", quote(el.NamespaceURI()))
	case el == root, parent != root && !is(parent, nsAssertion, "Assertion"):
		return refuse(ReasonWrapped, "a Signature inside %s", quote(parent.Tag))
	case len(all(parent, nsSignature, "Signature")) > 1:
		return refuse(ReasonWrapped, "two Signatures in one %s", quote(parent.Tag))
	}
	return checkSignatureShape(el, attribute(parent, "ID"))
}

// checkSignatureShape demands the one form of signature that SAML allows: it covers the element it stands in and nothing
// else, and holds nothing but itself (SAML core 5.4).
func checkSignatureShape(signature *etree.Element, id string) *Refusal {
	info := only(signature, nsSignature, "SignedInfo")
	if info == nil || only(signature, nsSignature, "SignatureValue") == nil {
		return refuse(ReasonSignature, "a Signature without its one SignedInfo and SignatureValue")
	}
	for _, child := range signature.ChildElements() {
		if child.NamespaceURI() != nsSignature || !slices.Contains([]string{"SignedInfo", "SignatureValue", "KeyInfo"}, child.Tag) {
			return refuse(ReasonWrapped, "%s of the namespace %s inside a Signature", quote(child.Tag), quote(child.NamespaceURI()))
		}
	}
	references := all(info, nsSignature, "Reference")
	if len(references) != 1 {
		return refuse(ReasonWrapped, "a Signature with %d references", len(references))
	}
	if uri := attribute(references[0], "URI"); id == "" || uri != "#"+id {
		return refuse(ReasonWrapped, "a Signature that covers %s, and stands in %s", quote(uri), quote("#"+id))
	}
	return nil
}

// checkNamespaces demands SAML's own namespaces: every element of an assertion, outside of signatures and of attribute
// values, and every direct child of a response. The library matches NameID, Attribute and SubjectConfirmation in any.
func checkNamespaces(root *etree.Element) *Refusal {
	var refusal *Refusal
	each(root, func(el *etree.Element) bool {
		namespace := el.NamespaceURI()
		switch {
		case refusal != nil, is(el, nsSignature, "Signature"), is(el, nsEncrypted, "EncryptedData"), is(el, nsEncrypted, "EncryptedKey"):
			return false
		case is(el, nsProtocol, "Extensions"), is(el, nsProtocol, "StatusDetail"):
			return false // anything may stand here; checkPlace has seen that no assertion does
		case namespace != nsAssertion && namespace != nsProtocol && namespace != nsEncrypted:
			refusal = refuse(ReasonForeignNamespace, "%s of the namespace %s", quote(el.Tag), quote(namespace))
		case inAssertion(el) && namespace != nsAssertion:
			refusal = refuse(ReasonForeignNamespace, "%s of the namespace %s in an assertion", quote(el.Tag), quote(namespace))
		case is(el, nsAssertion, "AttributeValue"):
			return false
		}
		return refusal == nil
	})
	return refusal
}

func inAssertion(el *etree.Element) bool {
	for ; el != nil; el = el.Parent() {
		if is(el, nsAssertion, "Assertion") {
			return true
		}
	}
	return false
}
