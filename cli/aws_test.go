package cli_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	_ "modernc.org/sqlite" // for damage

	"github.com/your-org/keeper/test/awsstandin/standin"
)

const (
	home   = "eu-central-1"
	abroad = "eu-west-1"
)

// awsAccounts are the AWS stand-ins of the scripts, by their folders.
type awsAccounts struct{ servers sync.Map }

// open starts a stand-in with the keys alias/keeper and alias/keeper-next at home and
// alias/keeper abroad, and sets the script's settings to it. Their ARNs are in KEY, NEXT and
// ABROAD; KEY_MANAGEMENT_BACKEND is left as it is.
func (a *awsAccounts) open(t *testing.T, ts *testscript.TestScript) {
	server := standin.Start(t, standin.Options{})
	a.servers.Store(ts.Getenv("WORK"), server)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": home, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
		"KEY": server.CreateKey(home, "alias/keeper"), "NEXT": server.CreateKey(home, "alias/keeper-next"),
		"ABROAD": server.CreateKey(abroad, "alias/keeper"),
	} {
		ts.Setenv(name, value)
	}
}

// fault makes an operation of KMS, of one region where that is named, fail from now on:
// "awsfault Decrypt denied", "awsfault '*' reset eu-central-1". That of another service has
// its name: "awsfault secretsmanager:PutSecretValue denied". "awsfault mend" ends all.
func (a *awsAccounts) fault(ts *testscript.TestScript, args []string) {
	found, ok := a.servers.Load(ts.Getenv("WORK"))
	if !ok {
		ts.Fatalf("no stand-in: call awskms first")
	}
	server := found.(*standin.Server)
	if args[0] == "mend" {
		server.ClearFaults()
		return
	}
	fault := standin.Fault{Service: "kms", Operation: args[0], Kind: standin.FaultKind(args[1])}
	if service, operation, ok := strings.Cut(args[0], ":"); ok {
		fault.Service, fault.Operation = service, operation
	}
	if len(args) > 2 {
		fault.Region = args[2]
	}
	ts.Check(server.Inject(fault))
}

// damage cuts the last byte off each stored version of the secret with an id.
func damage(ts *testscript.TestScript, _ bool, args []string) {
	db, err := sql.Open("sqlite", filepath.Join(ts.Getenv("WORK"), "keeper.db")+"?_pragma=busy_timeout(5000)")
	ts.Check(err)
	defer db.Close()
	done, err := db.Exec("UPDATE secret_versions SET ciphertext = substr(ciphertext, 1, length(ciphertext) - 1) WHERE secret_id = ?", args[0])
	ts.Check(err)
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		ts.Fatalf("nothing was damaged: %v", err)
	}
}
