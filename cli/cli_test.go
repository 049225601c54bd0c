package cli_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/your-org/keeper/cli"
	"github.com/your-org/keeper/test/ports"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"keeper": func() {
			os.Exit(cli.Main(context.Background(), os.Args[1:], cli.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
		},
	})
}

// TestScripts runs the command as people do, each script in a folder and on a port of its
// own. The command "serving" waits until the script's server is ready.
func TestScripts(t *testing.T) {
	var accounts awsAccounts
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			port, err := freePort()
			if err != nil {
				return err
			}
			e.Setenv("KEEPER_PORT", port)
			e.Setenv("KEEPER_URL", "http://127.0.0.1:"+port)
			e.Setenv("KEEPER_ADMIN_PASSWORD", "a-password-for-tests")
			e.Setenv("KEEPER_LOG_LEVEL", "error")
			e.Setenv("DATABASE_URL", "sqlite:///keeper.db")
			legacy, err := filepath.Abs("../legacy/testdata")
			if err != nil {
				return err
			}
			e.Setenv("LEGACY", legacy)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serving":  serving,
			"tokenenv": func(ts *testscript.TestScript, _ bool, args []string) { setFromFile(ts, "KEEPER_TOKEN", args[0]) },
			"envfile":  func(ts *testscript.TestScript, _ bool, args []string) { setFromFile(ts, args[0], args[1]) },
			"idp":      func(ts *testscript.TestScript, _ bool, _ []string) { identityProvider(ts) },
			"respond":  func(ts *testscript.TestScript, _ bool, args []string) { respond(ts, args) },
			"awskms":   func(ts *testscript.TestScript, _ bool, _ []string) { accounts.open(t, ts) },
			"awsfault": func(ts *testscript.TestScript, _ bool, args []string) { accounts.fault(ts, args) },
			"awsedit":  func(ts *testscript.TestScript, _ bool, args []string) { editAtAWS(ts, args[0], args[1]) },
			"importid": func(ts *testscript.TestScript, _ bool, args []string) { importID(ts, args[0], args[1]) },
			"connect":  func(ts *testscript.TestScript, _ bool, args []string) { connect(ts, args) },
			"receiver": func(ts *testscript.TestScript, _ bool, args []string) { receiver(t, ts, args[0]) },
			"damage":   damage,
			"runid":    runID,
			"field":    field,
			"exits":    exits,
			"tells":    tells,
			"tamper":   tamper,
			"swap":     swap,
		},
	})
}

func freePort() (string, error) {
	port, err := ports.Free()
	return strconv.Itoa(port), err
}

func serving(ts *testscript.TestScript, _ bool, _ []string) {
	var last error
	for range 300 {
		answer, err := http.Get(ts.Getenv("KEEPER_URL") + "/readyz")
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return
			}
			err = fmt.Errorf("status %d", answer.StatusCode)
		}
		last = err
		time.Sleep(50 * time.Millisecond)
	}
	ts.Fatalf("the server is not ready: %v", last)
}

// setFromFile sets a variable to what a file holds, without the newline at its end.
func setFromFile(ts *testscript.TestScript, name, file string) {
	ts.Setenv(name, strings.TrimRight(ts.ReadFile(file), "\n"))
}

// runID sets a variable to the id of the first run in a file of JSON.
func runID(ts *testscript.TestScript, _ bool, args []string) {
	var runs []struct{ ID string }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[1])), &runs))
	if len(runs) == 0 {
		ts.Fatalf("%s holds no run", args[1])
	}
	ts.Setenv(args[0], runs[0].ID)
}

// exits runs a command and sees that it ends with an exit code: "exits 6 keeper scrub".
func exits(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		got = ended.ExitCode()
	} else {
		ts.Check(err)
	}
	if want := args[0]; strconv.Itoa(got) != want {
		ts.Fatalf("got exit code %d, want %s", got, want)
	}
}

// tells runs a command until what it prints matches, for what a server comes to know in its own
// time: "tells '^encryption +not ok' keeper health".
func tells(ts *testscript.TestScript, _ bool, args []string) {
	want := regexp.MustCompile("(?m)" + args[0])
	var said string
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		ts.Check(ts.Exec(args[1], args[2:]...))
		if said = ts.ReadFile("stdout"); want.MatchString(said) {
			return
		}
	}
	ts.Fatalf("%s does not come to match %q:\n%s", strings.Join(args[1:], " "), args[0], said)
}

// tamper changes one byte in the middle of a file.
func tamper(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	text, err := os.ReadFile(path)
	ts.Check(err)
	text[len(text)/2] ^= 1
	ts.Check(os.WriteFile(path, text, 0o600))
}

// swap puts one text in the place of another that a file holds: swap FILE OLD NEW.
func swap(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s does not hold %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.ReplaceAll(text, args[1], args[2])), 0o600))
}

// field sets a variable to a text field of a JSON file: field NAME FILE FIELD.
func field(ts *testscript.TestScript, _ bool, args []string) {
	var fields map[string]any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[1])), &fields))
	text, ok := fields[args[2]].(string)
	if !ok {
		ts.Fatalf("%s has no text %s", args[1], args[2])
	}
	ts.Setenv(args[0], text)
}
