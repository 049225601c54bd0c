package saml

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestEveryReasonIsExplained holds mends and docs/okta.md to the reasons: each has its way to mend it, the same in both.
func TestEveryReasonIsExplained(t *testing.T) {
	source, err := os.ReadFile("reason.go")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/okta.md")
	if err != nil {
		t.Fatal(err)
	}
	reasons := regexp.MustCompile(`(?m)Reason = "(\w+)" +// (.*)$`).FindAllStringSubmatch(string(source), -1)
	if len(reasons) != len(mends) {
		t.Errorf("%d reasons, %d ways to mend", len(reasons), len(mends))
	}
	for _, r := range reasons {
		row := "| `" + r[1] + "` | " + r[2] + " | " + mends[Reason(r[1])] + " |\n"
		if mends[Reason(r[1])] == "" || !strings.Contains(string(page), row) {
			t.Errorf("docs/okta.md lacks the row\n%s", row)
		}
	}
}
