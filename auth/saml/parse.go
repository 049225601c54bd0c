package saml

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/beevik/etree"
	"github.com/mattermost/xml-roundtrip-validator"
)

// Whether comments and processing instructions are let through. In a message they are refused: canonicalization drops
// them, so that whoever reads the text on one side of a comment reads another name than the one that was signed.
const (
	refuseComments = false
	leaveComments  = true
)

// parseXML reads a document that is within bounds and means the same to every parser.
func parseXML(raw []byte, comments bool) (*etree.Element, *Refusal) {
	if len(raw) > maxMessage {
		return nil, refuse(ReasonTooLarge, "the document is larger than %d bytes", maxMessage)
	}
	if refusal := scan(raw, comments); refusal != nil {
		return nil, refusal
	}
	if err := validator.Validate(bytes.NewReader(raw)); err != nil {
		return nil, refuse(ReasonMalformed, "parsers would read the XML in different ways")
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(raw); err != nil || doc.Root() == nil {
		return nil, refuse(ReasonMalformed, "no well-formed XML")
	}
	return doc.Root(), nil
}

// scan goes over the tokens before a tree is built, so that depth and number are bounded before anything recurses.
func scan(raw []byte, comments bool) *Refusal {
	decoder := xml.NewDecoder(bytes.NewReader(raw))
	var open []level
	elements, roots := 0, 0
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return refuse(ReasonMalformed, "no well-formed XML")
		}
		switch t := token.(type) {
		case xml.StartElement:
			if elements++; len(open) == 0 {
				roots++
			}
			open = append(open, within(open, t))
			if refusal := scanElement(t, open, elements); refusal != nil {
				return refusal
			}
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) == 0 && len(bytes.TrimSpace(t)) > 0 {
				return refuse(ReasonMalformed, "text outside the root element")
			}
		case xml.Directive:
			return refuse(ReasonEntities, "a document type declaration")
		case xml.Comment, xml.ProcInst:
			if refusal := scanAside(token, open); refusal != nil && !comments {
				return refusal
			}
		}
	}
	if roots != 1 {
		return refuse(ReasonMalformed, "%d root elements", roots)
	}
	return nil
}

// level is an element that is not closed yet.
type level struct {
	name       string
	namespaces int // declared on it and on what it stands in
}

func within(open []level, start xml.StartElement) level {
	at := level{name: start.Name.Local}
	if len(open) > 0 {
		at.namespaces = open[len(open)-1].namespaces
	}
	for _, a := range start.Attr {
		if a.Name.Space == "xmlns" || a.Name == (xml.Name{Local: "xmlns"}) {
			at.namespaces++
		}
	}
	return at
}

func scanElement(start xml.StartElement, open []level, number int) *Refusal {
	if len(open) > maxDepth || number > maxElements {
		return refuse(ReasonTooLarge, "more than %d levels or %d elements", maxDepth, maxElements)
	}
	if open[len(open)-1].namespaces > maxNamespaces { // canonicalization copies all of them for each element
		return refuse(ReasonTooLarge, "more than %d namespaces declared in one place", maxNamespaces)
	}
	if len(start.Attr) > maxAttributes {
		return refuse(ReasonTooLarge, "more than %d attributes in one element", maxAttributes)
	}
	for i, a := range start.Attr {
		if slices.ContainsFunc(start.Attr[:i], func(b xml.Attr) bool { return a.Name == b.Name }) {
			return refuse(ReasonMalformed, "an attribute stands twice in one element")
		}
	}
	return nil
}

// scanAside refuses a comment or a processing instruction, the XML declaration excepted.
func scanAside(token xml.Token, open []level) *Refusal {
	if instruction, ok := token.(xml.ProcInst); ok && instruction.Target == "xml" && len(open) == 0 {
		return nil
	}
	if len(open) > 0 && open[len(open)-1].name == "NameID" {
		return refuse(ReasonCommentInNameID, "a comment or processing instruction inside the NameID")
	}
	return refuse(ReasonComment, "a comment or processing instruction in the message")
}

// recovered turns a panic of the XML, signature or encryption library into a refusal. Those libraries read what a
// stranger wrote; a message that breaks one of them is one message refused, and not a server that falls.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = refuse(ReasonPanic, "%s", quote(fmt.Sprint(r))).public()
	}
}

// asFault is the refusal as an error, and no error for none.
func asFault(r *Refusal) error {
	if r == nil {
		return nil
	}
	return r.public()
}
