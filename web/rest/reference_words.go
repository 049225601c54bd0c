package rest

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/your-org/keeper/templates"
)

// prose reads a description: paragraphs, lists whose lines begin with a dash, and `code`.
func prose(text string) []templates.ReferenceBlock {
	var blocks []templates.ReferenceBlock
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
			blocks = append(blocks, templates.ReferenceBlock{Text: spans(plain)})
		}
		if len(lines) > 0 {
			list := templates.ReferenceBlock{}
			for _, line := range lines {
				list.List = append(list.List, spans(line))
			}
			blocks = append(blocks, list)
		}
	}
	return blocks
}

func spans(text string) []templates.ReferenceSpan {
	var all []templates.ReferenceSpan
	for i, part := range strings.Split(text, "`") {
		if part != "" {
			all = append(all, templates.ReferenceSpan{Text: part, Code: i%2 == 1})
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
func typeOf(s specSchema) []templates.ReferencePiece {
	switch {
	case s.Ref != "":
		name := strings.TrimPrefix(s.Ref, toSchema)
		return []templates.ReferencePiece{{Text: name, To: name}}
	case len(s.AllOf) == 1:
		return typeOf(s.AllOf[0])
	case len(s.OneOf) > 0:
		var all []templates.ReferencePiece
		for i, one := range s.OneOf {
			if i > 0 {
				all = append(all, templates.ReferencePiece{Text: " or "})
			}
			all = append(all, typeOf(one)...)
		}
		return all
	case s.Items != nil:
		return append([]templates.ReferencePiece{{Text: "list of "}}, typeOf(*s.Items)...)
	case s.Others.schema != nil:
		return append([]templates.ReferencePiece{{Text: "object of "}}, typeOf(*s.Others.schema)...)
	case s.Format != "":
		return []templates.ReferencePiece{{Text: strings.Join(s.Types, " or ") + ", " + s.Format}}
	case len(s.Types) > 0:
		return []templates.ReferencePiece{{Text: strings.Join(s.Types, " or ")}}
	default:
		return []templates.ReferencePiece{{Text: "object"}}
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
