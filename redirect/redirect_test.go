package redirect_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/your-org/keeper/redirect"
)

// hostile are ways out of a server that browsers, proxies or parsers have taken somewhere.
var hostile = []string{
	"", "evil.example", "https://evil.example/", "//evil.example", "///evil.example", "////evil.example", `\\evil.example`, `/\evil.example`,
	`\/evil.example`, "/\t/evil.example", "/\n/evil.example", "/\r\n/evil.example", "\t//evil.example", " //evil.example", "/ /evil.example",
	"javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "https:evil.example", "https:/evil.example", "http:///evil.example",
	"//user@evil.example", "https://keeper.test@evil.example/", "/%09/evil.example", "/%2f/evil.example", "/%2Fevil.example", "/%5cevil.example",
	"/%5c%5cevil.example", "/secrets%0d%0aSet-Cookie:%20a=b", "/secrets\r\nSet-Cookie: a=b", "/\x00/evil.example", "/\u2028/evil.example",
	"/\u200b/evil.example", "/\u202e/evil.example", "/\u00a0/evil.example", "/\xff/evil.example", "/%", "/%zz", "?next=//evil.example", "#x", ".", "..", "./x", "../x",
	"/" + strings.Repeat("a", 2048),
}

func TestLocal(t *testing.T) {
	for _, text := range hostile {
		if got := redirect.Local(text); got != "/" {
			t.Errorf("%q goes to %q", text, got)
		}
	}
	for _, text := range []string{
		"/", "/secrets", "/secrets/12/edit", "/secrets?q=a%20b&page=2", "/secrets?q=%5C%0d//x", "/audit#top", "/secrets?next=https://other.example/",
		"/@user", "/a//b", "/\uff0f\uff0fx", "/d%C3%A9p%C3%B4t", "/dépôt", "/a/../b", "/.//x",
	} {
		if got := redirect.Local(text); got != text {
			t.Errorf("%q goes to %q", text, got)
		}
	}
}

// FuzzRedirect follows what Local lets through as browsers do, and holds it to this server.
func FuzzRedirect(f *testing.F) {
	for _, text := range append([]string{"/secrets?a=b", "/dépôt", "/.//x", "/a/../..//evil.example", "/\uff0f\uff0fevil.example"}, hostile...) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		local := redirect.Local(text)
		if again := redirect.Local(local); again != local {
			t.Fatalf("%q goes to %q, and that to %q", text, local, again)
		}
		stays(t, local)
		decoded, err := url.PathUnescape(local)
		if err == nil && !strings.ContainsAny(local, "?#") {
			stays(t, decoded) // as behind a proxy that decodes
		}
		out := httptest.NewRecorder()
		http.Redirect(out, httptest.NewRequest(http.MethodGet, "https://keeper.test/sign-in", nil), local, http.StatusSeeOther)
		stays(t, out.Header().Get("Location"))
	})
}

// stays fails where a browser that is at keeper.test leaves it for text. The steps are those
// of the WHATWG's URL parser for special schemes.
func stays(t *testing.T, text string) {
	t.Helper()
	seen := strings.TrimFunc(text, func(c rune) bool { return c <= ' ' })
	seen = strings.NewReplacer("\t", "", "\n", "", "\r", "", `\`, "/").Replace(seen)
	if !strings.HasPrefix(seen, "/") || strings.HasPrefix(seen, "//") {
		t.Fatalf("a browser takes %q for another place", text)
	}
	if strings.ContainsAny(text, "\r\n\x00") {
		t.Fatalf("%q ends a header", text)
	}
}
