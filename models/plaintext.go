package models

import (
	"errors"
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// Plaintext is a secret's value in the clear. It cannot print itself: every formatting verb,
// JSON, text and log form is "[redacted]". Reveal is the one way to the bytes, so that each
// place where a value leaves can be found by searching for its name.
//
// The bytes stand behind a function, since fmt prints unexported fields, and what a verb does
// not fit, without asking any method: there it finds an address and no more.
type Plaintext struct{ bytes func() []byte }

// NewPlaintext takes over the bytes; the caller must not use them afterwards.
func NewPlaintext(b []byte) Plaintext { return Plaintext{bytes: func() []byte { return b }} }

// Reveal returns the bytes themselves, not a copy.
func (p Plaintext) Reveal() []byte {
	if p.bytes == nil {
		return nil
	}
	return p.bytes()
}

// Len is the value's size in bytes.
func (p Plaintext) Len() int { return len(p.Reveal()) }

// Zero overwrites the value in memory, as far as the runtime lets us.
func (p Plaintext) Zero() { clear(p.Reveal()) }

// String hides the value.
func (p Plaintext) String() string { return redacted }

// GoString hides the value from %#v.
func (p Plaintext) GoString() string { return redacted }

// Format hides the value from every verb, %x and %v of a struct field included.
func (p Plaintext) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue hides the value from slog.
func (p Plaintext) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON hides the value from encoders.
func (p Plaintext) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText hides the value from encoders.
func (p Plaintext) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalJSON is refused: a value enters through NewPlaintext only, where it is looked at.
func (p *Plaintext) UnmarshalJSON([]byte) error {
	return errors.New("models: a Plaintext is not read from JSON")
}
