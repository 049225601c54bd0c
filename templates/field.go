package templates

import (
	"fmt"
	"strings"
)

// Option is one choice of a select, or a hidden field's label and value.
type Option struct{ Value, Label string }

// Field is one labelled input with its hint and error.
type Field struct {
	Name, Label, Value, Error, Hint string

	Type         string // of the input: "text", "password", "date", "number", …; "textarea", "select" or "switch"
	Rows         int    // of a textarea
	Options      []Option
	Placeholder  string
	Autocomplete string
	Min, Max     string
	Required     bool
	Optional     bool // says so beside the label
	Mono         bool
	Focus        bool
	Narrow       bool
	Editor       bool // a secret's value: follows the type that is chosen
}

// ID is the input's id.
func (f Field) ID() string { return fieldID(f.Name) }

// Describe are the ids of what describes the input, for aria-describedby; "" for none.
func (f Field) Describe() string {
	var ids []string
	if f.Error != "" {
		ids = append(ids, f.ID()+"-error")
	}
	if f.Hint != "" {
		ids = append(ids, f.ID()+"-hint")
	}
	return strings.Join(ids, " ")
}

// On reports whether a switch is on.
func (f Field) On() bool { return f.Value == "true" }

func fieldID(name string) string { return "f-" + strings.NewReplacer(".", "-", "_", "-").Replace(name) }

// field makes a Field of a form. Settings are "hint=…", "type=…", "rows=…", "placeholder=…",
// "autocomplete=…", "min=…", "max=…", the words "required", "optional", "mono", "focus", "narrow", "editor", and
// the options of a select. A setting that is not known is an error.
func field(form Form, name, label string, settings ...any) (Field, error) {
	f := Field{Name: name, Label: label, Value: form.Value(name), Error: form.Error(name), Type: "text", Rows: 4}
	for _, setting := range settings {
		switch s := setting.(type) {
		case []Option:
			f.Type, f.Options = "select", s
		case string:
			if err := f.set(s); err != nil {
				return Field{}, fmt.Errorf("field %s: %w", name, err)
			}
		default:
			return Field{}, fmt.Errorf("field %s: setting of type %T", name, setting)
		}
	}
	f.Focus = f.Focus && !form.Failed() // a refused form begins at its summary
	return f, nil
}

func (f *Field) set(setting string) error {
	key, value, _ := strings.Cut(setting, "=")
	switch key {
	case "hint":
		f.Hint = value
	case "type":
		f.Type = value
	case "rows":
		_, err := fmt.Sscan(value, &f.Rows)
		return err
	case "placeholder":
		f.Placeholder = value
	case "autocomplete":
		f.Autocomplete = value
	case "min":
		f.Min = value
	case "max":
		f.Max = value
	case "required":
		f.Required = true
	case "optional":
		f.Optional = true
	case "mono":
		f.Mono = true
	case "focus":
		f.Focus = true
	case "narrow":
		f.Narrow = true
	case "editor":
		f.Editor = true
	default:
		return fmt.Errorf("unknown setting %q", setting)
	}
	return nil
}
