// Package cli is the keeper command. Data goes to standard output, talk to standard error;
// an error ends with what to do next, and the exit code says of what kind it was.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/config"
	"github.com/your-org/keeper/fault"
)

// Version is this build's, set by the linker.
var Version = "dev"

// Stdio is where a command reads and writes.
type Stdio struct {
	In       io.Reader
	Out, Err io.Writer
}

// The exit codes, documented in the help of the root command.
const (
	exitOK = iota
	exitFailed
	exitUsage
	exitNotFound
	exitConflict
	exitDenied
	exitUnavailable
)

var exitCodes = map[fault.Kind]int{
	fault.Internal: exitFailed, fault.Invalid: exitUsage, fault.NotFound: exitNotFound, fault.Conflict: exitConflict,
	fault.Stale: exitConflict, fault.Unauthenticated: exitDenied, fault.Forbidden: exitDenied, fault.Unproven: exitDenied,
	fault.Throttled: exitUnavailable, fault.Unavailable: exitUnavailable,
}

const rootHelp = `Keeper keeps an organisation's secrets in one place, encrypted under its own keys, and
keeps every copy of them in AWS Secrets Manager and HashiCorp Vault true.

Start the server with "keeper run". Commands that work on secrets, environments and syncs
talk to a server: KEEPER_URL says where (http://localhost:8989 by default), KEEPER_TOKEN
with which token; "keeper tokens create", run beside the server, makes one.

EXIT STATUS
  0  done
  1  failed
  2  the call or its input is wrong; nothing was changed
  3  there is no such thing
  4  it clashes with what is there, or that has changed meanwhile
  5  not signed in, or not allowed
  6  the server, the database, a key or a destination does not answer now`

// Main runs the command with its arguments and returns the exit code.
func Main(ctx context.Context, args []string, std Stdio) int {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	root := newRoot(std)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	code, text := explain(err)
	if text == "" {
		return code
	}
	fmt.Fprintln(std.Err, "keeper: "+text)
	if _, tells := cmd.Annotations[tellsByExit]; tells {
		return exitFailed
	}
	return code
}

// tellsByExit annotates the commands whose exit code tells a pipeline what they found, such as
// 2 for changes. Whatever goes wrong with them, the way they are called included, is
// exitFailed: no error may look like a finding.
const tellsByExit = "tells by exit"

// tells is the annotation of such a command.
func tells() map[string]string { return map[string]string{tellsByExit: ""} }

// explain turns an error into an exit code and what to print of it.
func explain(err error) (code int, text string) {
	var quiet quietExit
	var problem *api.Problem
	var problems config.Problems
	var known *fault.Error
	switch {
	case errors.As(err, &quiet):
		return int(quiet), ""
	case errors.As(err, &problems):
		return exitUsage, problems.Error()
	case errors.As(err, &problem):
		return statusCode(problem.Status), problem.Error()
	case errors.As(err, &known):
		return exitCodes[known.Kind], known.Error()
	case errors.Is(err, context.Canceled):
		return exitFailed, "interrupted"
	case isUsage(err):
		return exitUsage, err.Error() + "\nRun the command with --help to see how it is called."
	default:
		return exitFailed, err.Error()
	}
}

// isUsage recognises cobra's own complaints, which have no type.
func isUsage(err error) bool {
	for _, start := range []string{
		"unknown command", "unknown flag", "unknown shorthand", "accepts ", "requires ", "required flag", "invalid argument", "flag needs",
		"at least one of the flags", "if any flags in the group",
	} {
		if strings.HasPrefix(err.Error(), start) {
			return true
		}
	}
	return false
}

func statusCode(status int) int {
	switch {
	case status == 404:
		return exitNotFound
	case status == 409 || status == 412:
		return exitConflict
	case status == 401 || status == 403:
		return exitDenied
	case status == 429 || status == 503:
		return exitUnavailable
	case status >= 400 && status < 500:
		return exitUsage
	default:
		return exitFailed
	}
}

// quietExit ends the command with a code and no words: all was said already.
type quietExit int

func (e quietExit) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// env is what commands share.
type env struct {
	std    Stdio
	output string // "table" or "json"
}

func newRoot(std Stdio) *cobra.Command {
	e := &env{std: std}
	root := &cobra.Command{
		Use: "keeper", Short: "Secrets, right everywhere", Long: rootHelp,
		SilenceUsage: true, SilenceErrors: true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if e.output != "table" && e.output != "json" {
				return fault.InvalidField("--output", "must be table or json")
			}
			return nil
		},
	}
	root.PersistentFlags().StringVarP(&e.output, "output", "o", "table", "form of printed data: table or json")
	root.SetIn(std.In)
	root.SetOut(std.Out)
	root.SetErr(std.Err)
	root.AddCommand(e.runCommand(), e.initDBCommand(), e.resetDBCommand(), e.tokensCommand(), e.secretsCommand(),
		e.environmentsCommand(), e.usersCommand(), e.groupsCommand(), e.providersCommand(), e.samlCommand(), e.accessCommand(), e.syncCommand(), e.alertsCommand(), e.auditCommand(), e.kmsCommand(), e.scrubCommand(), e.migrateCommand(), e.healthCommand(), e.versionCommand())
	return root
}

// say prints talk, which never goes where data goes.
func (e *env) say(format string, args ...any) { fmt.Fprintf(e.std.Err, format+"\n", args...) }

func (e *env) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return e.print(map[string]string{"version": Version}, func(w io.Writer) { fmt.Fprintln(w, "keeper "+Version) })
		},
	}
}
