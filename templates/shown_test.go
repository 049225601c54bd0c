package templates

import (
	"strings"
	"testing"
)

// TestFactsShown holds the pages to what the API tells besides.
func TestFactsShown(t *testing.T) {
	for _, one := range []struct{ page, selector, says string }{
		{"environment protected", "#protected", "protected"},
		{"tokens", "tbody tr:nth-child(2)", "by deploy pipeline, with the token deploy pipeline: it ends with that"},
		{"tokens", "tbody tr:nth-child(3)", "by gone, with another token: it ends with that"},
		{"versions", "tbody tr:nth-child(4)", "Text"},
		{"audit", "tbody tr:nth-child(3) .details", "request 0198f3c2-7a61-7c1e-9d4f-3b5a2c7e8f90"},
		{"profile empty", "aside", "Roleadminthrough a group; the account's own role is user"},
		{"profile", "aside", "Roleadmin Since"},
	} {
		t.Run(one.page, func(t *testing.T) {
			var said strings.Builder
			for _, n := range all(render(t, samplePages()[one.page]), one.selector) {
				said.WriteString(" " + text(n))
			}
			if got := strings.Join(strings.Fields(said.String()), " "); !strings.Contains(got, one.says) {
				t.Errorf("%s says %q, want %q in it", one.selector, got, one.says)
			}
		})
	}
	for page, selector := range map[string]string{"environment": "#protected", "versions": "tbody tr:first-child .type"} {
		if got := all(render(t, samplePages()[page]), selector); len(got) != 0 {
			t.Errorf("%s has %s, which says nothing there", page, selector)
		}
	}
}
