package cli

import (
	"bufio"
	"context"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"github.com/your-org/keeper/app"
	"github.com/your-org/keeper/config"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/telemetry"
)

func (e *env) initDBCommand() *cobra.Command {
	return &cobra.Command{
		Use: "init-db", Short: "Set the database up, or bring it to this version", Args: cobra.NoArgs,
		Long: `Set the database up, or bring it to this version, and make the first administrator where
there is none. Doing it again changes nothing. "keeper run" does it by itself.`,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			c, err := config.FromEnvironment()
			if err != nil {
				return err
			}
			a, err := app.New(cmd.Context(), c, app.Options{Log: e.quietLog(), Server: true, Version: Version})
			if err != nil {
				return err
			}
			if a.FirstPassword != "" {
				e.say("First sign-in, shown this once: user name %s, password %s", app.FirstUser, a.FirstPassword)
			}
			e.say("The database %s is set up.", c.Database)
			return a.Close()
		},
	}
}

func (e *env) resetDBCommand() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "reset-db", Short: "Remove everything from the database", Args: cobra.NoArgs,
		Long: `Remove everything from the database: every secret, key, user and audit entry. Copies at
destinations stay. This cannot be undone; it asks first, unless --yes is given.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.FromEnvironment()
			if err != nil {
				return err
			}
			if !yes && !e.confirm("This removes everything from "+c.Database.String()+" for good. Type reset to go on: ", "reset") {
				return fault.New(fault.Invalid, "Nothing was removed.").WithHint("Type reset when asked, or give --yes.")
			}
			return e.reset(cmd.Context(), c)
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func (e *env) reset(ctx context.Context, c *config.Config) error {
	s, err := app.OpenStore(ctx, c, app.Options{Log: e.quietLog(), Server: true})
	if err != nil {
		return err
	}
	if err := s.Reset(ctx); err != nil {
		_ = s.Close()
		return err
	}
	e.say("Everything was removed from %s.", c.Database)
	return s.Close()
}

// confirm asks on the terminal and reports whether the answer is the expected word.
func (e *env) confirm(question, word string) bool {
	_, _ = e.std.Err.Write([]byte(question))
	line, _ := bufio.NewReader(e.std.In).ReadString('\n')
	return strings.TrimSpace(line) == word
}

// quietLog is for commands that end at once: only what is wrong.
func (e *env) quietLog() *slog.Logger { return telemetry.NewLogger(e.std.Err, slog.LevelError) }
