package cli

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/your-org/keeper/app"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

func (e *env) tokensCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "tokens", Short: "API tokens"}
	cmd.AddCommand(e.tokensCreateCommand(), e.tokensListCommand(), e.tokensRotateCommand(), e.tokensRevokeCommand())
	return cmd
}

// newToken is what the flags of tokens create say.
type newToken struct {
	user, name, expires string
	environments        []string
	actions, networks   []string
	readOnly            bool
}

func (e *env) tokensCreateCommand() *cobra.Command {
	var t newToken
	cmd := &cobra.Command{
		Use: "create", Short: "Make an API token for a user, on the server's own machine", Args: cobra.NoArgs,
		Long: `Make an API token for a user. It works on the database itself, so it is run where the
server's settings are; whoever can do that is an administrator already. The token is
printed to standard output, this once.`,
		Example: `  export KEEPER_TOKEN=$(keeper tokens create --name laptop --expires 90d)
  keeper tokens create --name ci --environment staging --read-only`,
		RunE: func(cmd *cobra.Command, _ []string) error { return e.createToken(cmd.Context(), t) },
	}
	flags := cmd.Flags()
	flags.StringVar(&t.user, "user", app.FirstUser, "whose token it is; it may do what the user may")
	flags.StringVar(&t.name, "name", "", "what the token is for (required)")
	flags.StringVar(&t.expires, "expires", "", "when it ends: 12h, 90d, or a date such as 2027-01-31; default: never")
	flags.StringSliceVar(&t.environments, "environment", nil, "environments it is bound to; default: all of the user's")
	flags.StringSliceVar(&t.actions, "action", nil, "only these actions, such as secret.reveal, with what they need")
	flags.StringSliceVar(&t.networks, "network", nil, "only from these networks, such as 192.0.2.0/24")
	flags.BoolVar(&t.readOnly, "read-only", false, "it may not change anything")
	_ = cmd.MarkFlagRequired("name") // the flag exists
	return cmd
}

func (e *env) createToken(ctx context.Context, t newToken) error {
	expires, err := parseExpiry(t.expires, time.Now())
	if err != nil {
		return err
	}
	scope := models.TokenScope{ReadOnly: t.readOnly, Actions: t.actions}
	for _, text := range t.networks {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return fault.InvalidField("--network", "must be a network such as 192.0.2.0/24 or 2001:db8::/32")
		}
		scope.Networks = append(scope.Networks, network)
	}
	return e.locallyAs(ctx, t.user, func(a *app.App, actor models.Actor) error {
		for _, named := range t.environments {
			found, err := a.Secrets.FindEnvironment(ctx, actor, named)
			if err != nil {
				return err
			}
			scope.Environments = append(scope.Environments, found.ID)
		}
		text, token, err := a.Auth.CreateToken(ctx, actor, auth.NewToken{Name: t.name, Scope: scope, ExpiresAt: expires})
		if err != nil {
			return err
		}
		e.say("A token for %s, named %q, shown this once:", t.user, token.Name)
		return e.print(map[string]any{"id": token.ID, "name": token.Name, "token": text, "expires_at": token.ExpiresAt},
			func(w io.Writer) { fmt.Fprintln(w, text) })
	})
}

// parseExpiry reads a span (12h, 90d) from now, or a date; "" is nil.
func parseExpiry(text string, now time.Time) (*time.Time, error) {
	if text == "" {
		return nil, nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n > 0 {
			at := now.AddDate(0, 0, n)
			return &at, nil
		}
	}
	if span, err := time.ParseDuration(text); err == nil && span > 0 {
		at := now.Add(span)
		return &at, nil
	}
	if at, err := time.Parse(time.DateOnly, text); err == nil {
		return &at, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return &at, nil
	}
	return nil, fault.InvalidField("--expires", "must be a span such as 12h or 90d, or a date such as 2027-01-31")
}
