package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/fault"
)

func (e *env) tokensListCommand() *cobra.Command {
	var all, live bool
	cmd := e.onServer("list", "List your tokens, or everybody's", cobra.NoArgs, func(ctx context.Context, c *client.Client, _ []string) error {
		var found []api.Token
		var err error
		if all {
			found, err = client.Collect(c.AllTokens(ctx, api.ListAllTokensParams{Live: live}))
		} else {
			var list api.TokenList
			list, err = c.ListTokens(ctx)
			found = list.Items
		}
		if err != nil {
			return err
		}
		return e.print(append([]api.Token{}, found...), func(w io.Writer) {
			rows := make([][]any, len(found))
			for i, t := range found {
				rows[i] = []any{t.ID, t.Name, t.Username, t.TokenHint + "…", moment(t.ExpiresAt), moment(t.RevokedAt), moment(t.LastUsedAt), t.LastUsedFrom}
			}
			grid(w, []string{"id", "name", "user", "begins", "ends", "revoked", "last used", "from"}, rows)
		})
	})
	cmd.Flags().BoolVar(&all, "all", false, "everybody's; for administrators and auditors")
	cmd.Flags().BoolVar(&live, "live", false, "with --all: only those that are neither revoked nor expired")
	return cmd
}

func (e *env) tokensRotateCommand() *cobra.Command {
	var overlap time.Duration
	cmd := e.onServer("rotate ID", "Have a new token take over from one", cobra.ExactArgs(1), func(ctx context.Context, c *client.Client, args []string) error {
		made, err := c.RotateToken(ctx, args[0], api.TokenRotation{OverlapSeconds: int(overlap / time.Second)})
		if err != nil {
			return err
		}
		e.say("The token that takes over from %s, shown this once:", args[0])
		return e.print(map[string]any{"id": made.ID, "name": made.Name, "token": made.Text.Reveal(), "replaces": made.Replaces},
			func(w io.Writer) { fmt.Fprintln(w, made.Text.Reveal()) })
	})
	cmd.Long = `Have a new token of the same name and scope take over from one of yours, or of a service
account. It is printed to standard output, this once. The old one ends after the overlap.`
	cmd.Flags().DurationVar(&overlap, "overlap", 0, "how long the old one goes on, such as 24h, at most 168h")
	return cmd
}

func (e *env) tokensRevokeCommand() *cobra.Command {
	var found bool
	cmd := e.onServer("revoke [ID]", "End a token, with all that it made", cobra.MaximumNArgs(1), func(ctx context.Context, c *client.Client, args []string) error {
		if found == (len(args) == 1) {
			return fault.New(fault.Invalid, "Name the token by its id, or give --found to have its text read.").WithHint("keeper tokens list shows the ids.")
		}
		if !found {
			return c.RevokeToken(ctx, args[0])
		}
		text, err := e.readValue("")
		if err != nil {
			return err
		}
		if err := c.RevokeTokenByText(ctx, text); err != nil {
			return err
		}
		e.say("The token is revoked.")
		return nil
	})
	cmd.Long = `End a token, with all that it made: one of yours, or, for administrators, anybody's. With
--found the token itself is read from a prompt that does not show it, or from standard
input: whoever finds a token may end it.`
	cmd.Flags().BoolVar(&found, "found", false, "read the text of a token that was found")
	return cmd
}
