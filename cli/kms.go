package cli

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/your-org/keeper/api"
)

func (e *env) kmsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "kms", Short: "Wrapping keys: what stands under them, and moving it"}
	cmd.AddCommand(e.kmsTestCommand(), e.kmsInfoCommand(), e.kmsRotateCommand(), e.kmsReencryptCommand(), e.kmsRunsCommand(),
		e.kmsRunCommand(), e.kmsCancelCommand(), e.recipientsCommand(), e.kmsDrillCommand(), e.recoveryKeyCommand(), e.kmsRecoverCommand())
	return cmd
}

func (e *env) kmsTestCommand() *cobra.Command {
	var environment string
	cmd := &cobra.Command{
		Use: "test-connection", Short: "Try each permission that is needed on the wrapping keys, by using it", Args: cobra.NoArgs,
		Long: `Try each permission that is needed on the wrapping keys, by using it on a data key that is
thrown away. One line for each: ok, NO with what to do, or - where it is not needed here.

EXIT STATUS
  0  all are there
  1  some is not`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			checks, err := c.TestKeys(cmd.Context(), api.KeyTest{EnvironmentID: api.EnvironmentNamed(environment)})
			if err != nil {
				return err
			}
			err = e.print(checks.Items, func(w io.Writer) {
				for _, check := range checks.Items {
					fmt.Fprintln(w, printable(checkLine(check)))
				}
			})
			for _, check := range checks.Items {
				if err == nil && !check.OK && !check.Skipped {
					return quietExit(exitFailed)
				}
			}
			return err
		},
	}
	cmd.Flags().StringVarP(&environment, "environment", "e", "", "only the keys of this environment, by name or id")
	return cmd
}

// checkLine is one permission: "ok  kms:Decrypt  alias/keeper (production)".
func checkLine(check api.KeyCheck) string {
	mark := "NO"
	switch {
	case check.Skipped:
		mark = "-"
	case check.OK:
		mark = "ok"
	}
	line := fmt.Sprintf("%-3s %-28s %s", mark, check.Permission, check.Key)
	if check.Environment != "" {
		line += " (" + check.Environment + ")"
	}
	if why := sentence(check.Message, check.Hint); why != "" && mark != "ok" {
		line += ": " + why
	}
	return line
}

func (e *env) kmsInfoCommand() *cobra.Command {
	var environment string
	cmd := &cobra.Command{
		Use: "key-info", Short: "Show the wrapping keys, who uses them, and what stands under each", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			all, err := api.KeyList{}, error(nil)
			if environment == "" {
				all, err = c.ListKeys(cmd.Context())
			} else {
				all, err = c.ListEnvironmentKeys(cmd.Context(), api.EnvironmentNamed(environment))
			}
			if err != nil {
				return err
			}
			return e.print(all.Items, func(w io.Writer) {
				grid(w, []string{"key", "kind", "aliases", "state", "rotation", "environment", "role", "data keys", "versions", "missing", "last proved"}, keyRows(all.Items))
				e.keyRemarks(all.Items)
			})
		},
	}
	cmd.Flags().StringVarP(&environment, "environment", "e", "", "only the keys of this environment, by name or id")
	return cmd
}

// keyRows are a row for each use of each key.
func keyRows(keys []api.Key) [][]any {
	var rows [][]any
	for _, k := range keys {
		about := []any{cmp.Or(k.ID, k.Name), k.Kind, strings.Join(k.Info.Aliases, " "), keyState(k), rotationState(k.Info.Rotation)}
		for _, u := range k.Usages {
			rows = append(rows, append(append([]any{}, about...), u.Environment, u.Role, u.DataKeys, u.Versions, u.Missing, provedAt(u.Drill)))
		}
		if len(k.Usages) == 0 {
			rows = append(rows, append(about, "", "", 0, 0, 0, ""))
		}
	}
	return rows
}

// keyRemarks says of keys what no column holds.
func (e *env) keyRemarks(keys []api.Key) {
	for _, k := range keys {
		name := printable(cmp.Or(k.ID, k.Name))
		switch {
		case k.CanClose: // nobody needs to look it up any more
			e.say("Nothing stands under %s any more: it may be disabled.", name)
		case k.Problem != "":
			e.say("%s: %s", name, printable(sentence(k.Problem, k.Hint)))
		}
		for _, u := range k.Usages {
			if u.Missing > 0 {
				e.say("%d data keys of %s are not wrapped under %s yet; Keeper puts that right by itself, or now with: keeper kms rotate -e %s", u.Missing, printable(u.Environment), name, printable(u.Environment))
			}
		}
	}
}

func keyState(k api.Key) string {
	if k.Problem != "" {
		return "unknown"
	}
	return k.Info.State
}

func rotationState(on *bool) string {
	switch {
	case on == nil:
		return ""
	case *on:
		return "on"
	default:
		return "off"
	}
}

// provedAt is when a recipient last opened a sample alone.
func provedAt(d *api.KeyDrill) string {
	switch {
	case d == nil:
		return "never"
	case d.Error != "" && d.ProvedAt.IsZero():
		return "never; the last try failed"
	case d.Error != "":
		return moment(d.ProvedAt) + "; the last try failed"
	default:
		return moment(d.ProvedAt)
	}
}
