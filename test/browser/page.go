package browser

import (
	"fmt"
	"regexp"
	"strings"
)

// Page is what a page says, and where of its own server it leads.
type Page struct {
	Origin, Path, Text string
	Links              []string
}

// PageScript is the function of JavaScript that gives a Page.
const PageScript = `() => ({
	Origin: location.origin, Path: location.pathname, Text: document.body.innerText,
	Links: [...document.querySelectorAll("a[href]")].filter((a) => a.origin === location.origin && !a.getAttribute("href").startsWith("#")).map((a) => a.pathname + a.search),
})`

// raw are pieces of errors that no person should read.
var raw = []string{
	"<nil>", "%!", "panic:", "goroutine ", "runtime error", "SQLSTATE", "sql:", "constraint failed", "dial tcp", "context deadline", "context canceled",
	"unexpected EOF", "api error", "operation error", "https response error", "ZgotmplZ", "[object Object]", "undefined", "NaN",
}

// wordless is an act of the audit log that nobody has put into words.
var wordless = regexp.MustCompile(`\b(did|not do) [a-z]+\.[a-z_.]+`)

// Raw says what of a page's text is meant for no person: pieces of errors, acts without words.
func (p Page) Raw() (found []string) {
	for _, piece := range raw {
		if strings.Contains(p.Text, piece) {
			found = append(found, fmt.Sprintf("%s shows a raw %q", p.Path, piece))
		}
	}
	if act := wordless.FindString(p.Text); act != "" {
		found = append(found, fmt.Sprintf("%s shows %q", p.Path, act))
	}
	return found
}
