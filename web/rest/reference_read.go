package rest

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// specText is the OpenAPI document as far as the reference shows it.
type specText struct {
	Info struct {
		Title       string `json:"title"`
		Summary     string `json:"summary"`
		Description string `json:"description"`
	} `json:"info"`
	Tags []struct {
		Name        string `json:"name"`
		Description string `json:"description"`
	} `json:"tags"`
	Paths      ordered[ordered[json.RawMessage]] `json:"paths"`
	Components struct {
		Parameters map[string]specParameter `json:"parameters"`
		Responses  map[string]specAnswer    `json:"responses"`
		Schemas    ordered[specSchema]      `json:"schemas"`
	} `json:"components"`
}

type specOperation struct {
	Tags        []string            `json:"tags"`
	ID          string              `json:"operationId"`
	Summary     string              `json:"summary"`
	Description string              `json:"description"`
	Parameters  []specParameter     `json:"parameters"`
	Body        *specBody           `json:"requestBody"`
	Answers     ordered[specAnswer] `json:"responses"`
	Security    *[]json.RawMessage  `json:"security"` // empty: no token is asked for
}

type specParameter struct {
	Ref         string     `json:"$ref"`
	Name        string     `json:"name"`
	In          string     `json:"in"`
	Description string     `json:"description"`
	Required    bool       `json:"required"`
	Schema      specSchema `json:"schema"`
}

type specBody struct {
	Description string             `json:"description"`
	Required    bool               `json:"required"`
	Content     ordered[specMedia] `json:"content"`
}

type specAnswer struct {
	Ref         string                   `json:"$ref"`
	Description string                   `json:"description"`
	Headers     ordered[json.RawMessage] `json:"headers"`
	Content     ordered[specMedia]       `json:"content"`
}

type specMedia struct {
	Schema  specSchema      `json:"schema"`
	Example json.RawMessage `json:"example"`
}

type specSchema struct {
	Ref         string              `json:"$ref"`
	Types       typeWords           `json:"type"`
	Format      string              `json:"format"`
	Description string              `json:"description"`
	Enum        []any               `json:"enum"`
	Items       *specSchema         `json:"items"`
	Properties  ordered[specSchema] `json:"properties"`
	Required    []string            `json:"required"`
	AllOf       []specSchema        `json:"allOf"`
	OneOf       []specSchema        `json:"oneOf"`
	Others      others              `json:"additionalProperties"`
	Default     json.RawMessage     `json:"default"`
	Minimum     json.RawMessage     `json:"minimum"`
	Maximum     json.RawMessage     `json:"maximum"`
	MaxLength   json.RawMessage     `json:"maxLength"`
	MaxItems    json.RawMessage     `json:"maxItems"`
}

// ordered is an object whose members keep the order of the document.
type ordered[T any] struct {
	names []string
	of    map[string]T
}

func (o *ordered[T]) UnmarshalJSON(text []byte) error {
	if err := json.Unmarshal(text, &o.of); err != nil {
		return err
	}
	o.names = nil
	decoder := json.NewDecoder(bytes.NewReader(text))
	if _, err := decoder.Token(); err != nil {
		return err
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return err
		}
		o.names = append(o.names, fmt.Sprint(name))
		var skipped json.RawMessage
		if err := decoder.Decode(&skipped); err != nil {
			return err
		}
	}
	return nil
}

// typeWords is one word or a list of them.
type typeWords []string

func (w *typeWords) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*w = typeWords{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(w))
}

// others says of what kind the members are that an object does not name; nil: it says
// nothing of them, or has none.
type others struct{ schema *specSchema }

func (o *others) UnmarshalJSON(text []byte) error {
	var allowed bool
	if json.Unmarshal(text, &allowed) == nil {
		return nil
	}
	o.schema = &specSchema{}
	return json.Unmarshal(text, o.schema)
}
