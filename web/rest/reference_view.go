package rest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// referencePage is one page of the reference: the first one, that of a part of the API, or
// that of the types.
type referencePage struct {
	Title   string
	Summary string // of the first page
	About   []block
	Style   string // the stylesheets and the script that chooses between light and dark
	Sheet   string
	Theme   string
	Mark    string
	Parts   []referencePart
	Here    string // the name of the part whose page this is; "" for the first, "types"
	Types   []typeView
}

// referencePart is what a tag of the document names.
type referencePart struct {
	Name, Title string
	About       []block
	Operations  []operationView
}

type operationView struct {
	ID, Method, Path, Summary string
	About                     []block
	Open                      bool // asks for no token
	Parameters                []fieldView
	Body                      *bodyView
	Answers                   []answerView
}

// Tone is the colour of the method: what takes something away stands out.
func (o operationView) Tone() string {
	switch o.Method {
	case http.MethodGet:
		return "grey"
	case http.MethodDelete:
		return "red"
	default:
		return "blue"
	}
}

type bodyView struct {
	About    []block
	Optional bool
	Media    string
	Type     []piece
	Fields   []fieldView
	Example  string
}

type answerView struct {
	Status string
	About  []block
	Media  string
	Type   []piece
	Heads  []string
}

// fieldView is a parameter, or a member of an object.
type fieldView struct {
	Name, In string
	Required bool
	Type     []piece
	About    []block
	Limits   string
}

type typeView struct {
	Name   string
	About  []block
	Type   []piece // of what is no object
	Values []string
	Fields []fieldView
}

// piece is a part of a type's name; To is the type that it leads to, or "".
type piece struct{ Text, To string }

// block is a paragraph, or a list.
type block struct {
	Text []span
	List [][]span
}

// span is text, or code in it.
type span struct {
	Text string
	Code bool
}

// prose reads a description: paragraphs, lists whose lines begin with a dash, and `code`.
func prose(text string) []block {
	var blocks []block
	for paragraph := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		var lines []string // of a list, each with what goes on below it
		plain := ""
		for line := range strings.Lines(paragraph) {
			line = strings.TrimSpace(line)
			item, isItem := strings.CutPrefix(line, "- ")
			switch {
			case isItem:
				lines = append(lines, item)
			case len(lines) > 0:
				lines[len(lines)-1] += " " + line
			default:
				plain += " " + line
			}
		}
		if plain = strings.TrimSpace(plain); plain != "" {
			blocks = append(blocks, block{Text: spans(plain)})
		}
		if len(lines) > 0 {
			list := block{}
			for _, line := range lines {
				list.List = append(list.List, spans(line))
			}
			blocks = append(blocks, list)
		}
	}
	return blocks
}

func spans(text string) []span {
	var all []span
	for i, part := range strings.Split(text, "`") {
		if part != "" {
			all = append(all, span{part, i%2 == 1})
		}
	}
	return all
}

const (
	toSchema    = "#/components/schemas/"
	toParameter = "#/components/parameters/"
	toResponse  = "#/components/responses/"
)

// typeOf is what a schema is, in words.
func typeOf(s specSchema) []piece {
	switch {
	case s.Ref != "":
		name := strings.TrimPrefix(s.Ref, toSchema)
		return []piece{{name, name}}
	case len(s.AllOf) == 1:
		return typeOf(s.AllOf[0])
	case len(s.OneOf) > 0:
		var all []piece
		for i, one := range s.OneOf {
			if i > 0 {
				all = append(all, piece{Text: " or "})
			}
			all = append(all, typeOf(one)...)
		}
		return all
	case s.Items != nil:
		return append([]piece{{Text: "list of "}}, typeOf(*s.Items)...)
	case s.Others.schema != nil:
		return append([]piece{{Text: "object of "}}, typeOf(*s.Others.schema)...)
	case s.Format != "":
		return []piece{{Text: strings.Join(s.Types, " or ") + ", " + s.Format}}
	case len(s.Types) > 0:
		return []piece{{Text: strings.Join(s.Types, " or ")}}
	default:
		return []piece{{Text: "object"}}
	}
}

// limits are the bounds of a schema, in words.
func limits(s specSchema) string {
	var all []string
	say := func(format string, text json.RawMessage) {
		if text != nil {
			all = append(all, fmt.Sprintf(format, text))
		}
	}
	if len(s.Enum) > 0 {
		all = append(all, "one of "+strings.Join(values(s.Enum), ", "))
	}
	if s.Minimum != nil && s.Maximum != nil {
		all = append(all, fmt.Sprintf("%s to %s", s.Minimum, s.Maximum))
	} else {
		say("%s at least", s.Minimum)
		say("%s at most", s.Maximum)
	}
	say("%s characters at most", s.MaxLength)
	say("%s entries at most", s.MaxItems)
	say("%s if not given", s.Default)
	return strings.Join(all, "; ")
}

func values(enum []any) []string {
	all := make([]string, len(enum))
	for i, one := range enum {
		all[i] = fmt.Sprint(one)
	}
	return all
}
