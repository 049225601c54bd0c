package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/fault"
)

func (e *env) auditCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "audit", Short: "What was done, by whom, allowed or refused"}
	cmd.AddCommand(e.auditListCommand(), e.auditExportCommand())
	return cmd
}

// auditSearch is what the flags of a command about the audit log say.
type auditSearch struct {
	environment, search, actor, action, object, outcome, since, until string
}

const auditTimes = `--since and --until take a day (2026-11-22), a time (2026-11-22T14:30:00Z), or how long ago
(36h).`

func (s *auditSearch) bind(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVarP(&s.environment, "environment", "e", "", "only this environment, by name or id")
	flags.StringVar(&s.search, "search", "", "part of who acted, of what on, or of the action")
	flags.StringVar(&s.actor, "actor", "", "part of the name of who acted")
	flags.StringVar(&s.action, "action", "", "such as secret.reveal; secret. is all of a noun")
	flags.StringVar(&s.object, "object", "", "part of the name of what it was done to")
	flags.StringVar(&s.outcome, "outcome", "", "allowed, refused or failed")
	flags.StringVar(&s.since, "since", "", "done then or later")
	flags.StringVar(&s.until, "until", "", "done before")
}

func (s *auditSearch) params(now time.Time) (p api.ListAuditParams, err error) {
	p = api.ListAuditParams{
		EnvironmentID: s.environment, Search: s.search, Actor: s.actor, Action: s.action, Object: s.object, Outcome: s.outcome,
	}
	if p.Since, err = timeFlag("since", s.since, now); err != nil {
		return p, err
	}
	p.Until, err = timeFlag("until", s.until, now)
	return p, err
}

func (e *env) auditListCommand() *cobra.Command {
	var s auditSearch
	var limit int
	cmd := &cobra.Command{
		Use: "list", Short: "Search the audit log, newest first", Args: cobra.NoArgs,
		Long:    "Search the audit log, the newest entry first. That it was read is recorded. " + auditTimes,
		Example: `  keeper audit list -e production --action secret.reveal --since 24h`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			params, err := s.params(now())
			if err != nil {
				return err
			}
			c, err := e.client()
			if err != nil {
				return err
			}
			entries := []api.AuditEntry{}
			for entry, err := range c.Audit(cmd.Context(), params) {
				if err != nil {
					return err
				}
				if len(entries) == limit {
					e.say("There are more; narrow the search, give a higher --limit, or export them.")
					break
				}
				entries = append(entries, entry)
			}
			return e.print(entries, func(w io.Writer) { printAudit(w, entries) })
		},
	}
	s.bind(cmd)
	cmd.Flags().IntVar(&limit, "limit", 50, "at most so many")
	return cmd
}

func printAudit(w io.Writer, entries []api.AuditEntry) {
	if len(entries) == 0 {
		fmt.Fprintln(w, "No entry is like that.")
		return
	}
	rows := make([][]any, len(entries))
	for i, one := range entries {
		rows[i] = []any{moment(one.At), one.Actor, one.Action, strings.TrimSpace(one.ObjectKind + " " + one.Object), one.Environment, one.Outcome, one.Via, one.Address}
	}
	grid(w, []string{"when", "who", "did", "to", "environment", "outcome", "via", "from"}, rows)
}

func (e *env) auditExportCommand() *cobra.Command {
	var s auditSearch
	var format, out string
	cmd := &cobra.Command{
		Use: "export", Short: "Export the audit log, oldest first", Args: cobra.NoArgs,
		Long: `Export all entries of the audit log that you may see and the flags choose, the oldest first, as
they stood when it began. That they were exported is recorded. In CSV, a cell that a
spreadsheet would take for a formula has an apostrophe before it; JSON lines hold every text
as it is. A file that could not be written as a whole is removed again.

` + auditTimes,
		Example: `  keeper audit export --since 2026-10-01 --until 2026-11-01 --out audit-2026-10.jsonl
  keeper audit export -e production --action secret.reveal --format csv > reveals.csv`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "csv" && format != "jsonl" {
				return fault.InvalidField("--format", "must be csv or jsonl")
			}
			params, err := s.params(now())
			if err != nil {
				return err
			}
			return e.exportAudit(cmd.Context(), params, format, out)
		},
	}
	s.bind(cmd)
	cmd.Flags().StringVar(&format, "format", "jsonl", "csv or jsonl")
	cmd.Flags().StringVar(&out, "out", "", "write to this new file, which only you may read; default: standard output")
	return cmd
}

func (e *env) exportAudit(ctx context.Context, p api.ListAuditParams, format, out string) error {
	c, err := e.patientClient()
	if err != nil {
		return err
	}
	params := api.ExportAuditParams{
		Format: format, EnvironmentID: p.EnvironmentID, Search: p.Search, Actor: p.Actor, Action: p.Action, Object: p.Object,
		Outcome: p.Outcome, Since: p.Since, Until: p.Until,
	}
	if out == "" {
		return c.ExportAudit(ctx, params, e.std.Out)
	}
	var failed error
	err = createPrivate(out, func(w io.Writer) error {
		buffered := bufio.NewWriter(w)
		if failed = c.ExportAudit(ctx, params, buffered); failed != nil {
			return failed
		}
		return buffered.Flush()
	})
	if failed != nil {
		return failed // what the server says, and not of the file
	}
	if err == nil {
		e.say("The audit log is in %s; the export is on record.", out)
	}
	return err
}
