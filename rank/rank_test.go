package rank

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	for name, test := range map[string]struct {
		query string
		want  Words
	}{
		"Nothing":  {"  ", nil},
		"Case":     {"Stripe  API", Words{"stripe", "api"}},
		"Repeated": {"a b a", Words{"a", "b"}},
		"TooMany":  {"1 2 3 4 5 6 7 8 9", Words{"1", "2", "3", "4", "5", "6", "7", "8"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Parse(test.query)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestScore holds each line to its order: the best first.
func TestScore(t *testing.T) {
	for query, order := range map[string][]string{
		"stripe":     {"stripe", "payments/stripe", "stripe/key", "payments/stripe-key", "payments/old-stripe", "payments/old-stripes", "payments/restripe"},
		"stripe key": {"stripe/key", "stripe/old-key", "stripes/monkey"},
		"a":          {"a", "a/b", "ba"},
		"key":        {"service/key", "key/service-with-a-name", "service/key-with-a-longer-name"},
		"aa":         {"aaa", "baaa"}, // places that overlap
	} {
		t.Run(query, func(t *testing.T) {
			words := Parse(query)
			got := slices.Clone(order)
			slices.Reverse(got)
			slices.SortStableFunc(got, func(a, b string) int { return words.Score(b) - words.Score(a) })
			if diff := cmp.Diff(order, got); diff != "" {
				t.Errorf("order (-want +got):\n%s", diff)
			}
		})
	}
	for query, text := range map[string]string{"stripe x": "payments/stripe", "": "stripe", "stripes": "stripe"} {
		if got := Parse(query).Score(text); got != 0 {
			t.Errorf("%q in %q scores %d, want 0", query, text, got)
		}
	}
	if got := Parse("b").Score(strings.Repeat("a", 5000) + "b"); got <= 0 {
		t.Errorf("a long text that fits scores %d", got)
	}
}

func TestLongest(t *testing.T) {
	if got := Parse("of stripe key").Longest(); got != "stripe" {
		t.Errorf("got %q", got)
	}
}
