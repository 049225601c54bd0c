package templates

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"
)

var referenceTemplate = template.Must(template.New("reference.html").Funcs(template.FuncMap{"asset": functions["asset"]}).ParseFS(files, "reference/reference.html"))

// Render makes the page.
func (p ReferencePage) Render() ([]byte, error) {
	var b bytes.Buffer
	if err := referenceTemplate.Execute(&b, p); err != nil {
		return nil, fmt.Errorf("render the reference of %s: %w", p.Title, err)
	}
	return b.Bytes(), nil
}

// ReferencePage is one page of the reference: the first one, that of a part of the API, or
// that of the types.
type ReferencePage struct {
	Title   string
	Summary string // of the first page
	About   []ReferenceBlock
	Sheet   string // where its own stylesheet is
	Parts   []ReferencePart
	Here    string // the name of the part whose page this is; "" for the first, "types"
	Types   []ReferenceType
}

// ReferencePart is what a tag of the document names.
type ReferencePart struct {
	Name, Title string
	About       []ReferenceBlock
	Operations  []ReferenceOperation
}

// ReferenceOperation is one call.
type ReferenceOperation struct {
	ID, Method, Path, Summary string
	About                     []ReferenceBlock
	Open                      bool // asks for no token
	Parameters                []ReferenceField
	Body                      *ReferenceBody
	Answers                   []ReferenceAnswer
}

// Tone is the colour of the method: what takes something away stands out.
func (o ReferenceOperation) Tone() string {
	switch o.Method {
	case http.MethodGet:
		return "grey"
	case http.MethodDelete:
		return "red"
	default:
		return "blue"
	}
}

// ReferenceBody is what a call sends.
type ReferenceBody struct {
	About    []ReferenceBlock
	Optional bool
	Media    string
	Type     []ReferencePiece
	Fields   []ReferenceField
	Example  string
}

// ReferenceAnswer is what may come back, by status; "else" stands for all others.
type ReferenceAnswer struct {
	Status string
	About  []ReferenceBlock
	Media  string
	Type   []ReferencePiece
	Heads  []string
}

// ReferenceField is a parameter, or a member of an object.
type ReferenceField struct {
	Name, In string
	Required bool
	Type     []ReferencePiece
	About    []ReferenceBlock
	Limits   string
}

// ReferenceType is a type that has a name: an object, a choice of values, or another word for a type.
type ReferenceType struct {
	Name   string
	About  []ReferenceBlock
	Type   []ReferencePiece // of what is no object
	Values []string
	Fields []ReferenceField
}

// ReferencePiece is a part of a type's name; To is the type that it leads to, or "".
type ReferencePiece struct{ Text, To string }

// ReferenceBlock is a paragraph, or a list.
type ReferenceBlock struct {
	Text []ReferenceSpan
	List [][]ReferenceSpan
}

// ReferenceSpan is text, or code in it.
type ReferenceSpan struct {
	Text string
	Code bool
}
