// Package redirect says where a browser may be sent on to: every path that came with a
// request, as next=, RelayState or in a form, goes through Local first.
package redirect

import (
	"net/url"
	"strings"
	"unicode"
)

// longest is how long such a path may be, in bytes.
const longest = 2048

// Local is text where a browser takes it as a path on this server and as nothing else, and
// "/" where not. Browsers read a backslash as a slash and drop tabs and line ends, so that
// "/\evil" and "/\t/evil" leave the server; so might "/%2f/evil" behind a proxy that decodes.
func Local(text string) string {
	if len(text) > longest || !strings.HasPrefix(text, "/") || strings.HasPrefix(text, "//") || strings.ContainsFunc(text, unsafe) {
		return "/"
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || strings.HasPrefix(u.Path, "//") || strings.ContainsFunc(u.Path, unsafe) {
		return "/"
	}
	return text
}

func unsafe(c rune) bool {
	return c == '\\' || c == unicode.ReplacementChar || unicode.IsControl(c) || unicode.IsSpace(c) || unicode.Is(unicode.Cf, c)
}
