package web

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/templates"
)

// TestTable holds the table to what the pages link and post to, in both directions.
func TestTable(t *testing.T) {
	var served []templates.Route
	publicOnes := []templates.Route{}
	for _, r := range (&Web{}).table() {
		served = append(served, templates.Route{Method: r.method, Path: r.path})
		if r.access == public {
			publicOnes = append(publicOnes, templates.Route{Method: r.method, Path: r.path})
		}
		if r.method == get && r.again != nil {
			t.Errorf("%s %s changes nothing, so there is nothing to send again", r.method, r.path)
		}
	}
	byPath := func(a, b templates.Route) int {
		return slices.Compare([]string{a.Path, a.Method}, []string{b.Path, b.Method})
	}
	linked := slices.SortedFunc(slices.Values(templates.Routes), byPath)
	slices.SortFunc(served, byPath)
	if diff := cmp.Diff(linked, served); diff != "" {
		t.Errorf("linked (-) and served (+) differ:\n%s", diff)
	}
	wanted := []templates.Route{
		{Method: get, Path: "/sign-in"},
		{Method: post, Path: "/sign-in"},
		{Method: get, Path: "/sign-in/step"},
		{Method: post, Path: "/sign-in/step"},
		{Method: post, Path: "/sign-in/passkey/begin"},
		{Method: post, Path: "/sign-in/passkey"},
		{Method: get, Path: "/saml/{provider}/sign-in"},
		{Method: get, Path: "/saml/{provider}/metadata"},
		{Method: get, Path: "/saml/{provider}/certificate"},
		{Method: get, Path: "/saml/{provider}/slo"},
	}
	if diff := cmp.Diff(wanted, publicOnes); diff != "" {
		t.Errorf("routes without a session:\n%s", diff)
	}
}

// TestServedByTable: what test/access asks, by the table, Beside and the API's document, is all
// that is served, so nothing else of the package gives a path to a router.
func TestServedByTable(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var given []string
	routing := regexp.MustCompile(`\b(mux|e|echo|router)\.(Handle|HandleFunc|Add|Any|Group|GET|POST|PUT|PATCH|DELETE)\([^,]*,`)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		given = append(given, routing.FindAllString(string(text), -1)...)
	}
	slices.Sort(given)
	want := []string{"e.Add(http.MethodHead,", "e.Add(r.method,", `mux.Handle("/",`, `mux.Handle("/api",`, `mux.Handle("/api/",`, "mux.Handle(pattern,"}
	if diff := cmp.Diff(want, given); diff != "" {
		t.Errorf("paths are given to routers (-want +got):\n%s", diff)
	}
}
