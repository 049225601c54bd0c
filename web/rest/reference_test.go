package rest

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/andybalholm/cascadia"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/templates"
)

// referencePages are the pages of the reference, parsed.
func referencePages(t *testing.T) map[string]*html.Node {
	t.Helper()
	read, err := readDocument(api.Document)
	must(t, err)
	made, err := reference(read.json)
	must(t, err)
	parsed := map[string]*html.Node{}
	for path, text := range made {
		parsed[path], err = html.Parse(bytes.NewReader(text))
		must(t, err)
	}
	return parsed
}

func find(root *html.Node, selector string) []*html.Node {
	return cascadia.QueryAll(root, cascadia.MustCompile(selector))
}

func said(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func attributeOf(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// TestReference holds that every operation and every type of the document stands in the
// reference once, and that nothing in it leads nowhere.
func TestReference(t *testing.T) {
	all := referencePages(t)
	document, err := specification()
	must(t, err)
	t.Run("Operations", func(t *testing.T) {
		var want, got []string
		for path, item := range document.Paths.Map() {
			for method, o := range item.Operations() {
				want = append(want, o.OperationID+" "+method+" "+path)
			}
		}
		for path, page := range all {
			if path == "/docs/types" {
				continue
			}
			for _, one := range find(page, ".ref-operation") {
				got = append(got, attributeOf(one, "id")+" "+said(find(one, ".ref-path")[0]))
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-document +reference\n%s", diff)
		}
	})
	t.Run("Types", func(t *testing.T) {
		var want, got []string
		for name := range document.Components.Schemas {
			want = append(want, name)
		}
		for _, one := range find(all["/docs/types"], ".ref-operation") {
			got = append(got, attributeOf(one, "id"))
		}
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-document +reference\n%s", diff)
		}
	})
	t.Run("Links", func(t *testing.T) {
		for path, page := range all {
			for _, link := range find(page, "a[href]") {
				to := attributeOf(link, "href")
				at, name, named := strings.Cut(to, "#")
				if at == "" {
					at = path
				}
				there := all[at]
				if named && there == nil || strings.HasPrefix(at, "/docs") && there == nil || named && len(find(there, "#"+name)) != 1 {
					t.Errorf("%s leads to %s, which is not there", path, to)
				}
			}
		}
	})
	t.Run("Fields", func(t *testing.T) {
		rows := func(page, id string) (all []string) {
			for _, row := range find(referencePages(t)[page], "#"+id+" tbody tr") {
				all = append(all, said(row))
			}
			return all
		}
		got := rows("/docs/secrets", "createSecret")
		for _, want := range []string{"name string required Letters, digits and / _ + = . @ - 512 characters at most", "environment_id EnvironmentRef required"} {
			if !slices.Contains(got, want) {
				t.Errorf("creating a secret takes %q, want %q among it", got, want)
			}
		}
		if first := rows("/docs/types", "SecretWithValue"); len(first) < 10 || !strings.HasPrefix(first[0], "id ") || !strings.HasPrefix(first[len(first)-1], "value_hidden ") {
			t.Errorf("the members of SecretWithValue stand as %q", first)
		}
		if limit := rows("/docs/secrets", "listSecrets"); !slices.Contains(limit, "limit in the query integer How many at most. 1 to 200; 50 if not given") {
			t.Errorf("listing secrets takes %q", limit)
		}
	})
	t.Run("Words", func(t *testing.T) {
		var ids []string
		for _, item := range document.Paths.Map() {
			for _, o := range item.Operations() {
				if strings.ToLower(o.OperationID) != o.OperationID { // others are words, too
					ids = append(ids, o.OperationID)
				}
			}
		}
		for path, page := range all {
			for _, text := range find(page, "p, li") {
				for _, word := range strings.FieldsFunc(said(text), func(r rune) bool { return !unicode.IsLetter(r) }) {
					if slices.Contains(ids, word) {
						t.Errorf("%s says %s for a call, in: %s", path, word, said(text))
					}
				}
			}
		}
	})
	t.Run("Open", func(t *testing.T) {
		var open []string
		for _, page := range all {
			for _, one := range find(page, ".ref-operation") {
				if strings.Contains(said(one), "Asks for no token") {
					open = append(open, attributeOf(one, "id"))
				}
			}
		}
		if diff := cmp.Diff([]string{"revokeTokenByText"}, open); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

func TestProse(t *testing.T) {
	got := prose("One\nline with `code`.\n\nThen:\n- a `b`\n  on\n- c\n")
	want := []templates.ReferenceBlock{
		{Text: []templates.ReferenceSpan{{Text: "One line with "}, {Text: "code", Code: true}, {Text: "."}}},
		{Text: []templates.ReferenceSpan{{Text: "Then:"}}},
		{List: [][]templates.ReferenceSpan{{{Text: "a "}, {Text: "b", Code: true}, {Text: " on"}}, {{Text: "c"}}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestReferenceRefuses(t *testing.T) {
	for name, operation := range map[string]string{
		"OfNoPart":  `{"operationId": "x", "summary": "Do x", "tags": ["b"], "responses": {}}`,
		"NoSummary": `{"operationId": "x", "tags": ["a"], "responses": {}}`,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := reference([]byte(`{"tags": [{"name": "a"}], "paths": {"/x": {"get": ` + operation + `}}}`)); err == nil {
				t.Errorf("%s stands in the reference", operation)
			}
		})
	}
	t.Run("NothingElse", func(t *testing.T) {
		_, err := reference([]byte(`{"tags": [{"name": "a"}], "paths": {"/x": {"get": {"operationId": "x", "summary": "Do x", "tags": ["a"], "responses": {}}}}}`))
		must(t, err)
	})
}
