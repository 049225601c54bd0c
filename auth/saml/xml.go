package saml

import (
	"strings"

	"github.com/beevik/etree"
)

// Namespaces of SAML and of what it stands on.
const (
	nsProtocol  = "urn:oasis:names:tc:SAML:2.0:protocol"
	nsAssertion = "urn:oasis:names:tc:SAML:2.0:assertion"
	nsSignature = "http://www.w3.org/2000/09/xmldsig#"
	nsEncrypted = "http://www.w3.org/2001/04/xmlenc#"
)

// is reports whether el is exactly this element. The name is never looked at without the namespace.
func is(el *etree.Element, namespace, tag string) bool {
	return el.Tag == tag && el.NamespaceURI() == namespace
}

// all is the direct children of el that are this element.
func all(el *etree.Element, namespace, tag string) []*etree.Element {
	var found []*etree.Element
	for _, child := range el.ChildElements() {
		if is(child, namespace, tag) {
			found = append(found, child)
		}
	}
	return found
}

// only is the one direct child that is this element; nil when there is none, or several.
func only(el *etree.Element, namespace, tag string) *etree.Element {
	if found := all(el, namespace, tag); len(found) == 1 {
		return found[0]
	}
	return nil
}

// attribute is the value of an attribute without a namespace, "" when it is missing.
func attribute(el *etree.Element, key string) string {
	for _, a := range el.Attr {
		if a.Space == "" && a.Key == key {
			return a.Value
		}
	}
	return ""
}

// text is all text directly in el, whatever stands in between, without the indentation around it.
func text(el *etree.Element) string {
	var whole strings.Builder
	for _, child := range el.Child {
		if data, ok := child.(*etree.CharData); ok {
			whole.WriteString(data.Data)
		}
	}
	return unindent(whole.String())
}

const xmlSpace = " \t\r\n"

// unindent takes off the white space that a document which is set out in lines puts around a text. Any other belongs to the
// value: who dropped it would have two names, or two groups, be one.
func unindent(s string) string {
	if rest := strings.TrimLeft(s, xmlSpace); strings.ContainsAny(s[:len(s)-len(rest)], "\r\n") {
		s = rest
	}
	if rest := strings.TrimRight(s, xmlSpace); strings.ContainsAny(s[len(rest):], "\r\n") {
		s = rest
	}
	return s
}

// blank reports whether there is nothing to see of a value.
func blank(s string) bool { return strings.TrimSpace(s) == "" }

// each calls visit for el and everything under it, parents first, until visit returns false for an element, whose
// children are then left out.
func each(el *etree.Element, visit func(*etree.Element) bool) {
	if !visit(el) {
		return
	}
	for _, child := range el.ChildElements() {
		each(child, visit)
	}
}
