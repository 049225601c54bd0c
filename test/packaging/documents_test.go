package packaging

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/models"
)

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// matches are the first groups of all matches, sorted.
func matches(text, pattern string) (found []string) {
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		found = append(found, m[1])
	}
	slices.Sort(found)
	return found
}

// checkCommandDocument holds docs/cli.md to the commands that the binary has.
func checkCommandDocument(t *testing.T, binary string) {
	var commands func(path ...string) []string
	commands = func(path ...string) (all []string) {
		out, err := exec.Command(binary, append(path, "--help")...).Output()
		if err != nil {
			t.Fatalf("keeper %v --help: %v", path, err)
		}
		_, list, group := strings.Cut(string(out), "Available Commands:\n")
		if !group || slices.Equal(path, []string{"completion"}) {
			return []string{"keeper " + strings.Join(path, " ")}
		}
		list, _, _ = strings.Cut(list, "\n\n")
		for line := range strings.SplitSeq(list, "\n") {
			if name, _, _ := strings.Cut(strings.TrimSpace(line), " "); name != "" && name != "help" {
				all = append(all, commands(append(slices.Clone(path), name)...)...)
			}
		}
		return all
	}
	want := commands()
	slices.Sort(want)
	if diff := cmp.Diff(want, matches(read(t, "docs/cli.md"), "(?m)^### `(keeper [a-z -]+)`$")); diff != "" {
		t.Errorf("commands of keeper and of docs/cli.md (-want +got):\n%s", diff)
	}
}

// TestAccessDocument holds the table of docs/access.md to auth.Can.
func TestAccessDocument(t *testing.T) {
	const environment models.EnvironmentID = 7
	user := func(global models.GlobalRole, role models.EnvironmentRole) models.Actor {
		return models.Actor{
			Kind: models.ActorUser, ID: "usr_1", UserID: "usr_1", Role: global,
			Roles: map[models.EnvironmentID]models.EnvironmentRole{environment: role},
		}
	}
	columns := []models.Actor{
		user(models.RoleUser, models.RoleViewer), user(models.RoleUser, models.RoleReader), user(models.RoleUser, models.RoleEditor),
		user(models.RoleUser, models.RoleManager), user(models.RoleAuditor, ""), user(models.RoleAdmin, ""),
	}
	document := read(t, "docs/access.md")
	actions := matches(read(t, "auth/access.go"), `Action = "([a-z.]+)"`)
	if diff := cmp.Diff(actions, matches(document, "(?m)^\\| `([a-z]+\\.[a-z]+)` \\|")); diff != "" {
		t.Fatalf("actions of auth and of docs/access.md (-want +got):\n%s", diff)
	}
	for _, action := range actions {
		row := regexp.MustCompile("(?m)^\\| `" + regexp.QuoteMeta(action) + "` \\|(.*)\\|$").FindStringSubmatch(document)[1]
		cells := strings.Split(row, "|")
		if len(cells) != len(columns) {
			t.Fatalf("%s has %d cells, want %d", action, len(cells), len(columns))
		}
		for i, actor := range columns {
			// An action concerns an environment or none; asked the other way it is denied.
			may := auth.Can(actor, auth.Action(action), environment) || auth.Can(actor, auth.Action(action), auth.Global)
			if says := strings.TrimSpace(cells[i]) == "yes"; says != may {
				t.Errorf("%s, column %d: the document says %v, auth.Can %v", action, i+1, says, may)
			}
		}
	}
}

// TestSyncDocument holds the policies of docs/sync.md to the calls that the drivers make.
func TestSyncDocument(t *testing.T) {
	document := read(t, "docs/sync.md")
	want := matches(read(t, "sync/awssm/errors.go"), `operation\{"[^"]*", "([A-Za-z]+)"\}`)
	if diff := cmp.Diff(want, matches(document, `"secretsmanager:([A-Za-z]+)"`)); diff != "" || len(want) == 0 {
		t.Errorf("IAM actions (-want +got):\n%s", diff)
	}
	needed, told := map[string][]string{}, map[string][]string{}
	for _, m := range regexp.MustCompile(`(\w+)\s*= operation\{"[^"]*", "([a-z ]+)", "([a-z]+)"\}`).FindAllStringSubmatch(read(t, "sync/vaultkv/errors.go"), -1) {
		if m[1] != "opPostMark" { // for servers that know no PATCH; told of in words
			needed[m[3]] = append(needed[m[3]], strings.Split(m[2], " and ")...)
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^path "secret/([a-z]+)/production/\*"\s+\{ capabilities = \[(.*)\] \}$`).FindAllStringSubmatch(document, -1) {
		told[m[1]] = matches(m[2], `"([a-z]+)"`)
	}
	for _, capabilities := range needed {
		slices.Sort(capabilities)
	}
	if diff := cmp.Diff(needed, told); diff != "" || len(needed) == 0 {
		t.Errorf("Vault's capabilities by area (-want +got):\n%s", diff)
	}
}

// TestArchitectureDocument holds the table of ARCHITECTURE.md to that of arch_test.go.
func TestArchitectureDocument(t *testing.T) {
	want, got := map[string][]string{}, map[string][]string{}
	for name, imports := range mayImport(t) {
		if name == "." {
			name = "main"
		}
		if !strings.HasPrefix(name, "test/") {
			want[name] = imports
		}
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z/]+)` \\| [^|]+ \\|([^|]*)\\|$").FindAllStringSubmatch(read(t, "ARCHITECTURE.md"), -1) {
		got[row[1]] = matches(row[2], "`([a-z/]+)`")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("packages of arch_test.go and of ARCHITECTURE.md (-want +got):\n%s", diff)
	}
}

// mayImport reads the table of arch_test.go, sorted.
func mayImport(t *testing.T) map[string][]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, "arch_test.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	table := map[string][]string{}
	ast.Inspect(file.Scope.Lookup("mayImport").Decl.(ast.Node), func(n ast.Node) bool {
		pair, ok := n.(*ast.KeyValueExpr)
		if !ok {
			return true
		}
		var imports []string
		for _, one := range pair.Value.(*ast.CompositeLit).Elts {
			imports = append(imports, text(t, one))
		}
		slices.Sort(imports)
		table[text(t, pair.Key)] = imports
		return false
	})
	return table
}

func text(t *testing.T, literal ast.Expr) string {
	t.Helper()
	value, err := strconv.Unquote(literal.(*ast.BasicLit).Value)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// Pictures are made by a command of their own, "make screenshots".
var image = regexp.MustCompile(`!\[[^\]]*\]\([^)]*\)`)

// TestDocuments holds what documents point to: files, headings, make's targets.
func TestDocuments(t *testing.T) {
	targets := matches(read(t, "Makefile"), `(?m)^([a-z-]+):`)
	var documents []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/adr/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, found...)
	}
	if len(documents) < 20 {
		t.Fatalf("only %d documents were found", len(documents))
	}
	for _, document := range documents {
		relative, _ := filepath.Rel(root, document)
		content := image.ReplaceAllString(read(t, relative), "")
		for _, link := range matches(content, `\]\(([^):]+)\)`) {
			name, heading, _ := strings.Cut(link, "#")
			to := filepath.Join(filepath.Dir(relative), name)
			if name == "" {
				to = relative
			}
			if _, err := os.Stat(filepath.Join(root, to)); err != nil {
				t.Errorf("%s points to %s, which is not there", relative, link)
				continue
			}
			if heading != "" && !slices.Contains(anchors(read(t, to)), heading) {
				t.Errorf("%s points to %s, which has no such heading", relative, link)
			}
		}
		for _, target := range matches(content, "(?m)(?:`|^)make ([a-z-]+)") {
			if !slices.Contains(targets, target) {
				t.Errorf("%s names make %s, which the Makefile does not have", relative, target)
			}
		}
	}
}

// anchors are the names of a document's headings in links.
func anchors(content string) (names []string) {
	for _, heading := range matches(content, `(?m)^#+ (.*)$`) {
		plain := regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(heading), "")
		names = append(names, strings.ReplaceAll(plain, " ", "-"))
	}
	return names
}
