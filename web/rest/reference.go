package rest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/your-org/keeper/templates"
)

// typesPart is the page of the types, beside those of the parts.
const typesPart = "types"

// reference makes the pages of the reference from the document, by their paths.
func reference(document []byte) (map[string][]byte, error) {
	var spec specText
	if err := json.Unmarshal(document, &spec); err != nil {
		return nil, fmt.Errorf("rest: reading the OpenAPI document for its reference: %w", err)
	}
	parts, err := spec.parts()
	if err != nil {
		return nil, err
	}
	all := map[string][]byte{}
	put := func(path string, page templates.ReferencePage) error {
		page.Parts, page.Sheet = parts, "/docs/reference.css"
		text, err := page.Render()
		if err != nil {
			return fmt.Errorf("rest: writing %s: %w", path, err)
		}
		all[path] = text
		return nil
	}
	if err := put("/docs", templates.ReferencePage{Title: "API reference", Summary: spec.Info.Summary, About: prose(spec.Info.Description)}); err != nil {
		return nil, err
	}
	for _, part := range parts {
		if err := put("/docs/"+part.Name, templates.ReferencePage{Title: part.Title, About: part.About, Here: part.Name}); err != nil {
			return nil, err
		}
	}
	return all, put("/docs/"+typesPart, templates.ReferencePage{Title: "Types", Here: typesPart, Types: spec.types()})
}

// parts are the operations, each under its first tag.
func (s *specText) parts() ([]templates.ReferencePart, error) {
	all := make([]templates.ReferencePart, len(s.Tags))
	for i, tag := range s.Tags {
		all[i] = templates.ReferencePart{Name: tag.Name, Title: strings.ToUpper(tag.Name[:1]) + tag.Name[1:], About: prose(tag.Description)}
	}
	for _, path := range s.Paths.names {
		item := s.Paths.of[path]
		var shared []specParameter
		if raw, ok := item.of["parameters"]; ok {
			if err := json.Unmarshal(raw, &shared); err != nil {
				return nil, fmt.Errorf("rest: reading the parameters of %s: %w", path, err)
			}
		}
		for _, name := range item.names {
			method := strings.ToUpper(name)
			if !slices.Contains(methods, method) {
				continue
			}
			var operation specOperation
			if err := json.Unmarshal(item.of[name], &operation); err != nil {
				return nil, fmt.Errorf("rest: reading %s %s: %w", method, path, err)
			}
			if operation.Summary == "" {
				return nil, fmt.Errorf("rest: %s %s has no summary, and the reference no heading for it", method, path)
			}
			i := slices.IndexFunc(all, func(p templates.ReferencePart) bool { return len(operation.Tags) > 0 && p.Name == operation.Tags[0] })
			if i < 0 {
				return nil, fmt.Errorf("rest: %s %s belongs to no part of the reference", method, path)
			}
			operation.Parameters = append(shared, operation.Parameters...)
			all[i].Operations = append(all[i].Operations, s.operation(method, path, operation))
		}
	}
	return all, nil
}

func (s *specText) operation(method, path string, o specOperation) templates.ReferenceOperation {
	view := templates.ReferenceOperation{
		ID: o.ID, Method: method, Path: path, Summary: o.Summary, About: prose(o.Description), Open: o.Security != nil && len(*o.Security) == 0,
	}
	for _, p := range o.Parameters {
		if p.Ref != "" {
			p = s.Components.Parameters[strings.TrimPrefix(p.Ref, toParameter)]
		}
		view.Parameters = append(view.Parameters, templates.ReferenceField{
			Name: p.Name, In: p.In, Required: p.Required, Type: typeOf(p.Schema), About: prose(p.Description), Limits: limits(p.Schema),
		})
	}
	if o.Body != nil && len(o.Body.Content.names) > 0 {
		media := o.Body.Content.names[0]
		content := o.Body.Content.of[media]
		view.Body = &templates.ReferenceBody{
			About: prose(o.Body.Description), Optional: !o.Body.Required, Media: media, Type: typeOf(content.Schema), Fields: s.fields(content.Schema), Example: indented(content.Example),
		}
	}
	for _, status := range o.Answers.names {
		view.Answers = append(view.Answers, s.answer(status, o.Answers.of[status]))
	}
	return view
}

func (s *specText) answer(status string, a specAnswer) templates.ReferenceAnswer {
	if a.Ref != "" {
		a = s.Components.Responses[strings.TrimPrefix(a.Ref, toResponse)]
	}
	if status == "default" {
		status = "else"
	}
	view := templates.ReferenceAnswer{Status: status, About: prose(a.Description), Heads: a.Headers.names}
	if len(a.Content.names) > 0 {
		view.Media = a.Content.names[0]
		view.Type = typeOf(a.Content.of[view.Media].Schema)
	}
	return view
}

// indented is an example as people read it.
func indented(example json.RawMessage) string {
	var b bytes.Buffer
	if json.Indent(&b, example, "", "  ") != nil {
		return ""
	}
	return b.String()
}

// fields are the members of an object, those of what it is made of among them.
func (s *specText) fields(of specSchema) []templates.ReferenceField {
	if of.Ref != "" {
		of = s.Components.Schemas.of[strings.TrimPrefix(of.Ref, toSchema)]
	}
	var all []templates.ReferenceField
	for _, part := range of.AllOf {
		all = append(all, s.fields(part)...)
	}
	for _, name := range of.Properties.names {
		schema := of.Properties.of[name]
		all = append(all, templates.ReferenceField{
			Name: name, Required: slices.Contains(of.Required, name), Type: typeOf(schema), About: prose(schema.Description), Limits: limits(schema),
		})
	}
	return all
}

// types are all types that have a name, by name.
func (s *specText) types() []templates.ReferenceType {
	var all []templates.ReferenceType
	for _, name := range slices.Sorted(slices.Values(s.Components.Schemas.names)) {
		schema := s.Components.Schemas.of[name]
		view := templates.ReferenceType{Name: name, About: prose(schema.Description), Values: values(schema.Enum), Fields: s.fields(schema)}
		if len(view.Fields) == 0 {
			view.Type = typeOf(schema)
		}
		all = append(all, view)
	}
	return all
}
