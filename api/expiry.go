package api

import (
	"encoding/json"
	"reflect"
	"time"
)

// Expiry is an end that can be set, taken away, or left as it is, which is its zero.
type Expiry struct {
	at    time.Time
	given bool
}

// ExpiresAt is an end at a time.
func ExpiresAt(t time.Time) Expiry { return Expiry{at: t, given: true} }

// NeverExpires takes an end away.
func NeverExpires() Expiry { return Expiry{given: true} }

// IsZero reports whether nothing is said.
func (e Expiry) IsZero() bool { return !e.given }

// Time is the end: nil where nothing is said, and the zero time where it is taken away.
func (e Expiry) Time() *time.Time {
	if !e.given {
		return nil
	}
	return &e.at
}

// MarshalJSON writes a time, or null.
func (e Expiry) MarshalJSON() ([]byte, error) {
	if e.at.IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(e.at)
}

// UnmarshalJSON reads a time, or null.
func (e *Expiry) UnmarshalJSON(raw []byte) error {
	e.given = true
	if string(raw) == "null" {
		e.at = time.Time{}
		return nil
	}
	if json.Unmarshal(raw, &e.at) != nil || e.at.IsZero() {
		return &json.UnmarshalTypeError{Value: "text that is no time", Type: reflect.TypeFor[time.Time]()}
	}
	return nil
}
