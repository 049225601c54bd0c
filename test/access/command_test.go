package access

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/your-org/keeper/cli"
)

// calls are how the commands that ask a server are called: what follows their name. <name>
// stands for a thing of the place or of the caller.
var calls = map[string]string{
	"keeper access explain":              "--who <user-name> --action secret.reveal -e <environment>",
	"keeper access who-can":              "secret.reveal -e <environment>",
	"keeper alerts list":                 "--all",
	"keeper alerts channels list":        "",
	"keeper alerts channels create":      "new -e <environment> --kind webhook --address https://hooks.example.com/x",
	"keeper alerts channels update":      "<channel-name> -e <environment> --name other",
	"keeper alerts channels delete":      "<channel-name> -e <environment> --yes",
	"keeper alerts channels test":        "<channel-name> -e <environment>",
	"keeper audit list":                  "",
	"keeper audit export":                "--format csv",
	"keeper environments list":           "",
	"keeper environments create":         "new",
	"keeper environments update":         "<environment> --display-name Other",
	"keeper environments delete":         "<environment> --yes",
	"keeper environments members list":   "-e <environment>",
	"keeper environments members set":    "<user-name> viewer -e <environment>",
	"keeper environments members remove": "<user-name> -e <environment>",
	"keeper groups list":                 "",
	"keeper groups show":                 "<group>",
	"keeper groups create":               "new",
	"keeper groups update":               "<group> --description other",
	"keeper groups delete":               "<group> --yes",
	"keeper groups add":                  "<group> <user-name>",
	"keeper groups remove":               "<group> <user-name>",
	"keeper groups grant":                "<group> viewer -e <environment>",
	"keeper groups revoke":               "<group> -e <environment>",
	"keeper health":                      "",
	"keeper kms cancel":                  "<key-run>",
	"keeper kms drill":                   "-e <environment>",
	"keeper kms key-info":                "",
	"keeper kms recipients list":         "-e <environment>",
	"keeper kms recipients add":          "-e <environment> --kms k3 --detach",
	"keeper kms recipients remove":       "-e <environment> --kms k2 --detach",
	"keeper kms reencrypt":               "-e <environment> --detach",
	"keeper kms rotate":                  "-e <environment> --detach",
	"keeper kms run":                     "<key-run>",
	"keeper kms runs":                    "",
	"keeper kms test-connection":         "-e <environment>",
	"keeper providers create":            "new --metadata-url <metadata-url>",
	"keeper providers delete":            "<provider> --yes",
	"keeper providers disable":           "<provider>",
	"keeper providers enable":            "<provider>",
	"keeper providers link":              "<provider> halfway new",
	"keeper providers list":              "",
	"keeper providers map":               "<provider> new",
	"keeper providers new-key":           "<provider>",
	"keeper providers people":            "<provider>",
	"keeper providers refresh":           "<provider>",
	"keeper providers remove-key":        "<provider> <fingerprint>",
	"keeper providers show":              "<provider>",
	"keeper providers unlink":            "<provider> <user-name>",
	"keeper providers update":            "<provider> --display-name Other",
	"keeper providers use-key":           "<provider> <fingerprint>",
	"keeper saml check":                  "--provider <provider> --name-id lin",
	"keeper scrub":                       "--detach",
	"keeper secrets list":                "",
	"keeper secrets create":              "new -e <environment>",
	"keeper secrets get":                 "<secret-name> -e <environment>",
	"keeper secrets reveal":              "<secret-name> -e <environment>",
	"keeper secrets export":              "-e <environment>",
	"keeper secrets update":              "<secret-name> -e <environment>",
	"keeper secrets versions":            "<secret-name> -e <environment>",
	"keeper secrets rollback":            "<secret-name> -e <environment> --version 1",
	"keeper secrets delete":              "<secret-name> -e <environment> --yes",
	"keeper secrets undelete":            "<deleted-name> -e <environment>",
	"keeper secrets bulk":                "<secret-name> -e <environment> --set-owner other --yes",
	"keeper sync adopt":                  "-e <environment> -d <destination> --yes",
	"keeper sync apply":                  "<plan> --detach",
	"keeper sync conflicts":              "",
	"keeper sync import":                 "-e <environment> -d <destination> --yes",
	"keeper sync pause":                  "-d <destination>",
	"keeper sync plan":                   "-d <destination>",
	"keeper sync receipt":                "<run>",
	"keeper sync receipt-key":            "-e <environment>",
	"keeper sync release":                "<released-name> -e <environment> -d <destination>",
	"keeper sync resolve":                "<secret-name> -e <environment> -d <destination> --keeper",
	"keeper sync resume":                 "-d <destination>",
	"keeper sync retry":                  "<failed-run> --detach",
	"keeper sync run":                    "-d <destination> --detach",
	"keeper sync runs":                   "",
	"keeper sync status":                 "--all",
	"keeper sync test":                   "-d <destination>",
	"keeper sync verify":                 "<receipt-file>",
	"keeper sync watch":                  "<run>",
	"keeper tokens list":                 "",
	"keeper tokens revoke":               "<token>",
	"keeper tokens rotate":               "<token>",
	"keeper users create":                "new",
	"keeper users delete":                "<user-name> --yes",
	"keeper users disable":               "<user-name>",
	"keeper users enable":                "<user-name>",
	"keeper users list":                  "",
	"keeper users revoke-sessions":       "<user-name>",
	"keeper users sessions":              "<user-name>",
	"keeper users show":                  "<user-name>",
	"keeper users update":                "<user-name> --display-name Other",
}

// TestCommands calls every command that asks a server as every program.
func TestCommands(t *testing.T) {
	w := newWorld(t)
	receipt := filepath.Join(t.TempDir(), "receipt.txt")
	must(t, os.WriteFile(receipt, []byte(w.here.ids["receipt"]), 0o600))
	w.here.ids["receipt-file"] = receipt
	t.Setenv("KEEPER_URL", w.url)
	t.Setenv("KEEPER_TOKEN", "")
	m := matrix{world: w, kind: "command", forms: "calls in test/access/command_test.go", asked: commands(t)}
	m.callers = w.programs(w.watch, w.here, w.away)
	m.ask = func(t *testing.T, e entry, c *caller) reply {
		arguments, known := calls[e.asked]
		if !known {
			t.Fatalf("`%s` is not among the calls in test/access/command_test.go: say there what follows its name", e.asked)
		}
		return w.call(t, e.asked, arguments, c)
	}
	m.run(t)
}

// call runs a command with a caller's token. What the shell would complete for the caller
// stands in the reply too.
func (w *world) call(t *testing.T, asked, text string, c *caller) reply {
	t.Helper()
	must(t, os.Setenv("KEEPER_TOKEN", c.token)) // TestCommands puts the one of before back
	command := strings.Fields(asked)[1:]
	arguments := slices.Clone(command)
	for field := range strings.FieldsSeq(text) {
		arguments = append(arguments, w.filled(t, asked, field, c, func(s string) string { return s }))
	}
	w.refusal.Store(0)
	before := w.asked.Load()
	code, said := keeper(t, arguments...)
	if w.asked.Load() == before && c.token != "" {
		t.Errorf("`%s` as %s asks no server: %s", asked, c.name, said)
	}
	status := int(w.refusal.Load())
	_, completes := keeper(t, append(append([]string{"__complete"}, command...), "")...)
	for _, own := range arguments { // what a caller asked with is no news to it
		said = strings.ReplaceAll(said, own, "")
	}
	got := exited(code, status, w.asked.Load() > before)
	if code == 1 && strings.HasPrefix(said, "keeper: There is no") { // of a command that tells with 2 that there is something to do
		got = absent
	}
	return reply{answer: got, body: said + completes, status: status}
}

// exited is what an exit code says, of which 5 stands for two answers, and 1 for all where a
// command has exit codes of its own.
func exited(code, status int, asked bool) answer {
	switch {
	case (code == 5 || code == 1) && (status == http.StatusUnauthorized || !asked):
		return signIn
	case code == 5, code == 1 && status == http.StatusForbidden:
		return refused
	case code == 3:
		return absent
	case code == 6, status >= http.StatusInternalServerError:
		return answer(http.StatusText(status))
	default:
		return allowed
	}
}

// keeper runs the command in this process, and returns what it printed.
func keeper(t *testing.T, arguments ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	code := cli.Main(t.Context(), arguments, cli.Stdio{In: strings.NewReader("typed\n"), Out: &out, Err: &out})
	return code, out.String()
}

// commands are all that do something by themselves, as they are typed.
func commands(t *testing.T, path ...string) []string {
	t.Helper()
	code, help := keeper(t, append(path, "--help")...)
	if code != 0 {
		t.Fatalf("keeper %v --help: exit code %d", path, code)
	}
	_, list, group := strings.Cut(help, "Available Commands:\n")
	if !group || len(path) == 1 && path[0] == "completion" {
		return []string{"keeper " + strings.Join(path, " ")}
	}
	list, _, _ = strings.Cut(list, "\n\n")
	var all []string
	for line := range strings.Lines(list) {
		if name, _, _ := strings.Cut(strings.TrimSpace(line), " "); name != "" && name != "help" {
			all = append(all, commands(t, append(slices.Clone(path), name)...)...)
		}
	}
	return all
}
