package saml

import (
	"net/url"
	"strings"
	"unicode"
)

// LocalPath is text if a browser takes it as a path on this server and nothing else, and "/" if not.
func LocalPath(text string) string {
	if len(text) > 2048 || !strings.HasPrefix(text, "/") || strings.HasPrefix(text, "//") {
		return "/"
	}
	// Browsers read a backslash as a slash and drop tabs and line ends, so "/\evil" and "/\t/evil" leave the server.
	if strings.ContainsFunc(text, func(r rune) bool {
		return r == '\\' || unicode.IsControl(r) || unicode.IsSpace(r) || r == unicode.ReplacementChar
	}) {
		return "/"
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil {
		return "/"
	}
	return text
}
