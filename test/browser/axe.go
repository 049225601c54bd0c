package browser

import (
	_ "embed"
	"fmt"
	"strings"
)

// axe is axe-core 4.14.1, as published on npm; its licence (MPL-2.0) stands beside it. It is
// for tests alone: nothing of it is in Keeper.
//
//go:embed axe/axe.min.js
var axe string

// WithAxe has every page that the tab opens from now on carry axe. Pages' content policy does
// not see it.
func (t *Tab) WithAxe() error {
	_, err := t.EvalOnNewDocument(axe)
	return err
}

// Violation is a rule that a page breaks, and where.
type Violation struct {
	Rule   string   `json:"rule"`
	Impact string   `json:"impact"`
	Help   string   `json:"help"`
	Where  []string `json:"where"`
}

func (v Violation) String() string {
	return fmt.Sprintf("%s (%s): %s\n\t%s", v.Rule, v.Impact, v.Help, strings.Join(v.Where, "\n\t"))
}

const violations = `async () => {
	const found = await axe.run(document, {
		iframes: false, resultTypes: ["violations"],
		runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
	});
	return found.violations.map((v) => ({
		rule: v.id, impact: v.impact, help: v.help,
		where: v.nodes.slice(0, 4).map((n) => n.target.join(" ") + ": " + n.html.slice(0, 160) + " – " + n.failureSummary.split("\n").slice(1).join("; ").trim().slice(0, 240)),
	}));
}`

// Violations are the rules of WCAG 2.2 AA, and of axe's good practice, that the page breaks.
func (t *Tab) Violations() (found []Violation, err error) {
	err = t.Ask(&found, violations)
	return found, err
}
