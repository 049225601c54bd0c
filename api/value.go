package api

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"unicode/utf16"
	"unicode/utf8"
)

const redacted = "[redacted]"

// Value is a secret in the clear. Like models.Plaintext it prints as "[redacted]" with every
// verb, to logs and as JSON: only Marshal of this package writes it, and only Reveal reads
// it. The zero Value is one that was not given.
//
// The text stands behind a pointer since fmt, for a verb that does not fit a pointer to a
// struct, prints the struct's fields without asking their methods.
type Value struct{ text *clearText }

// clearText is a value on its way out.
type clearText string

// MarshalText refuses what JSON cannot carry unchanged.
func (c clearText) MarshalText() ([]byte, error) {
	if !utf8.ValidString(string(c)) {
		return nil, errors.New("a value must be UTF-8 text; encode binary data as base64")
	}
	return []byte(c), nil
}

// NewValue makes a value. One that is not UTF-8 text is refused by Marshal.
func NewValue(text string) Value { return Value{text: (*clearText)(&text)} }

// Reveal is the value itself.
func (v Value) Reveal() string {
	if v.text == nil {
		return ""
	}
	return string(*v.text)
}

// IsZero reports whether no value was given; an empty one was.
func (v Value) IsZero() bool { return v.text == nil }

// String hides the value.
func (v Value) String() string { return redacted }

// GoString hides the value from %#v.
func (v Value) GoString() string { return redacted }

// Format hides the value from every verb.
func (v Value) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue hides the value from slog.
func (v Value) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON hides the value from every encoder but Marshal.
func (v Value) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// UnmarshalJSON reads a value. Text that encoding/json would quietly replace by U+FFFD is
// refused: what is kept must be what was sent. No error of it quotes the value.
func (v *Value) UnmarshalJSON(raw []byte) error {
	if len(raw) == 0 || raw[0] != '"' {
		return &json.UnmarshalTypeError{Value: kindOf(raw), Type: reflect.TypeFor[string]()}
	}
	if !utf8.Valid(raw) || loneSurrogate(raw) {
		return &json.UnmarshalTypeError{Value: "text that is not Unicode", Type: reflect.TypeFor[string]()}
	}
	var text string
	err := json.Unmarshal(raw, &text)
	*v = NewValue(text)
	return err
}

// HoldsValue reports whether there is a value anywhere in what Marshal is given.
func HoldsValue(v any) bool { return holdsValue(reflect.ValueOf(v)) }

func holdsValue(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return !v.IsNil() && holdsValue(v.Elem())
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[Value]() {
			return !v.Field(0).IsNil()
		}
		for i := range v.NumField() {
			if holdsValue(v.Field(i)) {
				return true
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if holdsValue(v.Index(i)) {
				return true
			}
		}
	case reflect.Map:
		for entries := v.MapRange(); entries.Next(); {
			if holdsValue(entries.Value()) {
				return true
			}
		}
	}
	return false
}

// kindOf names the kind of a JSON value that is no string.
func kindOf(raw []byte) string {
	switch {
	case bytes.HasPrefix(raw, []byte("{")):
		return "object"
	case bytes.HasPrefix(raw, []byte("[")):
		return "array"
	case bytes.Equal(raw, []byte("null")):
		return "null"
	case bytes.HasPrefix(raw, []byte("t")), bytes.HasPrefix(raw, []byte("f")):
		return "bool"
	default:
		return "number"
	}
}

// loneSurrogate reports whether a JSON string, quotes included and known to be well formed,
// has half of a surrogate pair among its escapes.
func loneSurrogate(raw []byte) bool {
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		first := escaped(raw[i:])
		i++
		if !utf16.IsSurrogate(first) {
			continue
		}
		i += 4
		if utf16.DecodeRune(first, escaped(raw[i+1:])) == utf8.RuneError {
			return true
		}
		i += 6
	}
	return false
}

// escaped is the UTF-16 unit of an escape \uXXXX at the beginning of raw, else 0.
func escaped(raw []byte) rune {
	if len(raw) < 6 || raw[0] != '\\' || raw[1] != 'u' {
		return 0
	}
	var unit [2]byte
	if _, err := hex.Decode(unit[:], raw[2:6]); err != nil {
		return 0
	}
	return rune(unit[0])<<8 | rune(unit[1])
}
