package api

import (
	"encoding/json"
	"reflect"
	"strconv"
)

// EnvironmentRef names an environment by its id or by its name. On the wire it is a number
// or a string; a string of digits is an id too.
type EnvironmentRef struct{ text string }

// EnvironmentByID names an environment by its id.
func EnvironmentByID(id int64) EnvironmentRef {
	return EnvironmentRef{text: strconv.FormatInt(id, 10)}
}

// EnvironmentNamed names an environment by its name, or by its id in decimal.
func EnvironmentNamed(name string) EnvironmentRef { return EnvironmentRef{text: name} }

// String is the name, or the id in decimal.
func (r EnvironmentRef) String() string { return r.text }

// ID is the id, and whether it is named by one: names begin with a letter.
func (r EnvironmentRef) ID() (int64, bool) {
	id, err := strconv.ParseInt(r.text, 10, 64)
	return id, err == nil
}

// IsZero reports whether none is named.
func (r EnvironmentRef) IsZero() bool { return r.text == "" }

// MarshalJSON writes a number or a string.
func (r EnvironmentRef) MarshalJSON() ([]byte, error) {
	if id, ok := r.ID(); ok {
		return strconv.AppendInt(nil, id, 10), nil
	}
	return json.Marshal(r.text)
}

// UnmarshalJSON reads an integer or a string.
func (r *EnvironmentRef) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		return json.Unmarshal(raw, &r.text)
	}
	var id int64
	if string(raw) == "null" || json.Unmarshal(raw, &id) != nil {
		return &json.UnmarshalTypeError{Value: kindOf(raw), Type: reflect.TypeFor[EnvironmentRef]()}
	}
	r.text = strconv.FormatInt(id, 10)
	return nil
}
