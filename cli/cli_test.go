package cli_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/your-org/keeper/cli"
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
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serving":  serving,
			"tokenenv": tokenEnv,
		},
	})
}

func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, err
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

// tokenEnv sets KEEPER_TOKEN to what a file holds.
func tokenEnv(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	for len(text) > 0 && text[len(text)-1] == '\n' {
		text = text[:len(text)-1]
	}
	ts.Setenv("KEEPER_TOKEN", text)
}
