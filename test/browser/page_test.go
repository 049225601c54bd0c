package browser

import "testing"

func TestRaw(t *testing.T) {
	for text, want := range map[string]int{
		"3 secrets are in sync.":                             0,
		"ada revealed payments/db/password":                  0,
		"The copy failed: dial tcp 127.0.0.1:1: refused":     1,
		"ada did secret.reveal of payments/db":               1,
		"panic: runtime error: index out of range [3] <nil>": 3,
	} {
		if found := (Page{Path: "/", Text: text}).Raw(); len(found) != want {
			t.Errorf("%q: got %q, want %d", text, found, want)
		}
	}
}
