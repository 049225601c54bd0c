package models

import (
	"slices"
	"strings"

	"github.com/your-org/keeper/fault"
)

// NameTemplate is how names at a destination are made of secrets, after the destination's
// prefix: literal text with {environment}, {type}, {name} and {tag:KEY} in it. The zero
// NameTemplate is "{name}".
type NameTemplate struct{ parts []namePart }

// namePart is a literal text, or what a placeholder stands for.
type namePart struct {
	literal string
	field   string // "environment", "type", "name", "tag"; "": literal
	tag     string // key
}

// NameFields are what a name at a destination is made of.
type NameFields struct {
	Environment string
	Type        SecretType
	Name        string // the secret's
	Tags        map[string]string
}

// The most that a template may have of each.
const (
	maxTemplateLength = 512 // bytes
	maxTemplateTags   = 8
)

const templateHint = "{environment}, {type}, {name} or {tag:KEY}"

// ParseNameTemplate reads a template; "" is "{name}". The problem is a clause for people
// about the text, "" where there is none.
func ParseNameTemplate(text string) (t NameTemplate, problem string) {
	if len(text) > maxTemplateLength {
		return t, "must be 512 characters at most"
	}
	for rest := text; rest != ""; {
		literal, opened, open := strings.Cut(rest, "{")
		if literal != "" {
			if strings.Contains(literal, "}") {
				return t, "has a } without a { before it"
			}
			if slices.ContainsFunc([]byte(literal), func(c byte) bool { return !nameByte(c) }) {
				return t, "may hold only letters, digits and / _ + = . @ - beside " + templateHint
			}
			t.parts = append(t.parts, namePart{literal: literal})
		}
		if !open {
			break
		}
		inside, after, closed := strings.Cut(opened, "}")
		if !closed {
			return t, "has a { without a } after it"
		}
		part, problem := placeholder(inside)
		if problem != "" {
			return t, problem
		}
		if slices.Contains(t.parts, part) { // Match counts on it
			return t, "has {" + inside + "} twice"
		}
		t.parts, rest = append(t.parts, part), after
	}
	return t, t.problem(text)
}

func placeholder(inside string) (part namePart, problem string) {
	switch key, isTag := strings.CutPrefix(inside, "tag:"); {
	case isTag && tagProblem(key, "") == "":
		return namePart{field: "tag", tag: key}, ""
	case isTag:
		return part, "has a {tag:KEY} whose KEY no tag can have"
	case inside == "environment" || inside == "type" || inside == "name":
		return namePart{field: inside}, ""
	}
	return part, "has a placeholder that is none of " + templateHint
}

func (t NameTemplate) problem(text string) string {
	tags := len(slices.DeleteFunc(slices.Clone(t.parts), func(p namePart) bool { return p.field != "tag" }))
	switch {
	case text == "":
		return ""
	case !slices.Contains(t.parts, namePart{field: "name"}):
		return "must hold {name}"
	case tags > maxTemplateTags:
		return "may hold 8 tags at most"
	}
	sample := NameFields{Environment: "x", Type: Text, Name: "x", Tags: map[string]string{}}
	for _, key := range t.Tags() {
		sample.Tags[key] = "x"
	}
	name, _ := t.Render(sample)
	return NameProblem(name)
}

func (t NameTemplate) all() []namePart {
	if len(t.parts) == 0 {
		return []namePart{{field: "name"}}
	}
	return t.parts
}

// Tags are the keys of the tags that a secret must have.
func (t NameTemplate) Tags() (keys []string) {
	for _, p := range t.parts {
		if p.field == "tag" {
			keys = append(keys, p.tag)
		}
	}
	return keys
}

// Literal is the text that each name of an environment begins with.
func (t NameTemplate) Literal(environment string) string {
	var b strings.Builder
	for _, p := range t.all() {
		switch p.field {
		case "":
			b.WriteString(p.literal)
		case "environment":
			b.WriteString(environment)
		default:
			return b.String()
		}
	}
	return b.String()
}

// Render is the name of a secret. Invalid, for people, where it lacks a tag. Whether a
// destination takes the name, NameProblem tells.
func (t NameTemplate) Render(f NameFields) (string, error) {
	var b strings.Builder
	for _, p := range t.all() {
		if p.field == "tag" && f.Tags[p.tag] == "" {
			return "", fault.New(fault.Invalid, "The secret has no tag %s, which its name at the destination is made of.", p.tag).
				WithHint("Give it the tag, or take {tag:%s} out of the destination's name_template.", p.tag)
		}
		b.WriteString(p.text(f))
	}
	return b.String(), nil
}

func (p namePart) text(f NameFields) string {
	switch p.field {
	case "environment":
		return f.Environment
	case "type":
		return strings.ToLower(string(f.Type))
	case "name":
		return f.Name
	case "tag":
		return f.Tags[p.tag]
	}
	return p.literal
}

// Match reads a name of an environment back. It is false where no secret would get the name,
// and where it can be read in more than one way. A tag's value is taken to hold no slash.
// Rendering what it returns gives the name; what the template does not hold stays empty.
func (t NameTemplate) Match(environment, name string) (NameFields, bool) {
	m := matcher{parts: t.all(), environment: environment, name: name, ways: map[[2]int]reading{}}
	if m.count(0, 0).ways != 1 {
		return NameFields{}, false
	}
	var f NameFields
	for i, at := 0, 0; i < len(m.parts); i++ {
		end := m.ways[[2]int{i, at}].end
		m.parts[i].read(&f, name[at:end])
		at = end
	}
	return f, true
}

func (p namePart) read(f *NameFields, text string) {
	switch p.field {
	case "environment":
		f.Environment = text
	case "type":
		f.Type = SecretType(strings.ToUpper(text))
	case "name":
		f.Name = text
	case "tag":
		if f.Tags == nil {
			f.Tags = map[string]string{}
		}
		f.Tags[p.tag] = text
	}
}

// matcher counts in how many ways the rest of a name is the rest of a template.
type matcher struct {
	parts             []namePart
	environment, name string
	ways              map[[2]int]reading // by part and place in the name
}

// reading is how many ways there are, up to two, and where the part ends in one of them.
type reading struct{ ways, end int }

func (m *matcher) count(part, at int) reading {
	if part == len(m.parts) {
		if at == len(m.name) {
			return reading{ways: 1}
		}
		return reading{}
	}
	key := [2]int{part, at}
	if known, ok := m.ways[key]; ok {
		return known
	}
	var found reading
	for end := at + 1; end <= len(m.name) && found.ways < 2; end++ {
		if !m.fits(m.parts[part], m.name[at:end]) {
			continue
		}
		if after := m.count(part+1, end).ways; after > 0 {
			found = reading{min(2, found.ways+after), end}
		}
	}
	m.ways[key] = found
	return found
}

func (m *matcher) fits(p namePart, text string) bool {
	switch p.field {
	case "environment":
		return text == m.environment
	case "type":
		return strings.ToLower(text) == text && slices.Contains(SecretTypes, SecretType(strings.ToUpper(text)))
	case "name":
		return NameProblem(text) == ""
	case "tag":
		return !strings.Contains(text, "/")
	}
	return text == p.literal
}
