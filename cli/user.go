package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/client"
)

func (e *env) usersCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "users", Short: "People's accounts, and programs'"}
	cmd.AddCommand(e.usersListCommand(), e.usersShowCommand(), e.usersCreateCommand(), e.usersUpdateCommand(),
		e.usersDisableCommand(true), e.usersDisableCommand(false), e.usersDeleteCommand(), e.usersSessionsCommand(), e.usersRevokeSessionsCommand(),
		e.usersResetPasswordCommand(), e.usersResetFactorsCommand())
	return cmd
}

func (e *env) usersListCommand() *cobra.Command {
	var params api.ListUsersParams
	var disabled bool
	var cmd *cobra.Command
	cmd = e.onServer("list", "List accounts", cobra.NoArgs, func(ctx context.Context, c *client.Client, _ []string) error {
		params.Disabled = given(cmd, "disabled", disabled)
		found, err := client.Collect(c.Users(ctx, params))
		if err != nil {
			return err
		}
		return e.print(append([]api.User{}, found...), func(w io.Writer) {
			rows := make([][]any, len(found))
			for i, u := range found {
				rows[i] = []any{u.Username, u.Kind, u.EffectiveRole, userState(u), moment(u.LastSignInAt), u.DisplayName}
			}
			grid(w, []string{"user", "kind", "role", "state", "last sign-in", "shown as"}, rows)
		})
	})
	flags := cmd.Flags()
	flags.StringVar(&params.Search, "search", "", "part of the user name, the display name or the address")
	flags.StringVar(&params.Kind, "kind", "", "only person, or only service")
	flags.StringVar(&params.Role, "role", "", "only those with this global role of their own")
	flags.BoolVar(&disabled, "disabled", false, "only disabled ones; --disabled=false: only the others")
	return cmd
}

func userState(u api.User) string {
	return listed(facet(u.Disabled, "disabled"), facet(u.BreakGlass, "break-glass"), facet(u.MustChangePassword, oneTimeState(u)))
}

func oneTimeState(u api.User) string {
	if u.PasswordExpiresAt.IsZero() {
		return "one-time password"
	}
	return "one-time password until " + moment(u.PasswordExpiresAt)
}

func (e *env) usersShowCommand() *cobra.Command {
	return e.onServer("show USER", "Show an account, and what gives it rights", cobra.ExactArgs(1), func(ctx context.Context, c *client.Client, args []string) error {
		u, err := c.GetUser(ctx, args[0])
		if err != nil {
			return err
		}
		return e.printUser(u)
	})
}

func (e *env) printUser(u api.User) error {
	return e.print(u, func(w io.Writer) {
		facts(w, "user", u.Username, "id", u.ID, "kind", u.Kind, "shown as", u.DisplayName, "address", u.Email, "description", u.Description,
			"role", u.Role, "role with its groups", u.EffectiveRole, "state", userState(u))
		rows := make([][]any, len(u.Grants))
		for i, g := range u.Grants {
			through := "itself"
			if g.GroupName != "" {
				through = "group " + g.GroupName
			}
			where := ""
			if g.EnvironmentID != 0 {
				where = fmt.Sprint(g.EnvironmentID)
			}
			rows[i] = []any{through, where, listed(g.Role, g.GlobalRole)}
		}
		if len(rows) > 0 {
			grid(w, []string{"through", "environment", "role"}, rows)
		}
	})
}

func (e *env) usersCreateCommand() *cobra.Command {
	var n api.NewUser
	var service bool
	cmd := e.onServer("create USER", "Make an account", cobra.ExactArgs(1), func(ctx context.Context, c *client.Client, args []string) error {
		n.Username, n.Kind = args[0], "person"
		if service {
			n.Kind = "service"
		}
		made, err := c.CreateUser(ctx, n)
		if err != nil {
			return err
		}
		if made.Password.IsZero() {
			e.say("The service account %s is made; make it a token with: keeper tokens create --user %s --name NAME", made.Username, made.Username)
			return e.print(made.User, func(io.Writer) {})
		}
		e.say("The account %s is made. Its one-time password, shown this once, until %s:", made.Username, moment(made.PasswordExpiresAt))
		return e.print(map[string]any{"id": made.ID, "username": made.Username, "one_time_password": made.Password.Reveal()},
			func(w io.Writer) { fmt.Fprintln(w, made.Password.Reveal()) })
	})
	cmd.Long = `Make an account. A person's one-time password is printed to standard output, this once; it
has to be changed at the first sign-in, within 72 hours. A service account has none: it has tokens.`
	cmd.Example = `  keeper users create grace --email grace@example.com
  keeper users create deployer --service --description "deploys from CI"`
	flags := cmd.Flags()
	flags.BoolVar(&service, "service", false, "a program's account, which cannot sign in")
	flags.StringVar(&n.DisplayName, "display-name", "", "how it is shown")
	flags.StringVar(&n.Email, "email", "", "address, for people to recognise")
	flags.StringVar(&n.Description, "description", "", "what it is for")
	flags.StringVar(&n.Role, "role", "", "global role: admin, auditor or user (default)")
	flags.BoolVar(&n.BreakGlass, "break-glass", false, "may sign in with its password while local sign-in is switched off")
	return cmd
}

func (e *env) usersUpdateCommand() *cobra.Command {
	var n api.NewUser
	var cmd *cobra.Command
	cmd = e.onServer("update USER", "Change an account; what is not given stays", cobra.ExactArgs(1), func(ctx context.Context, c *client.Client, args []string) error {
		changed, err := c.UpdateUser(ctx, args[0], api.UserChange{
			DisplayName: given(cmd, "display-name", n.DisplayName), Email: given(cmd, "email", n.Email), Description: given(cmd, "description", n.Description),
			Role: given(cmd, "role", n.Role), BreakGlass: given(cmd, "break-glass", n.BreakGlass),
		}, 0)
		if err != nil {
			return err
		}
		return e.printUser(changed)
	})
	flags := cmd.Flags()
	flags.StringVar(&n.DisplayName, "display-name", "", "how it is shown")
	flags.StringVar(&n.Email, "email", "", "address, for people to recognise")
	flags.StringVar(&n.Description, "description", "", "what it is for")
	flags.StringVar(&n.Role, "role", "", "global role: admin, auditor or user")
	flags.BoolVar(&n.BreakGlass, "break-glass", false, "may sign in with its password while local sign-in is switched off")
	return cmd
}

func (e *env) usersDisableCommand(disabled bool) *cobra.Command {
	use, short, done := "enable USER", "Let a disabled account act again, and its tokens", "may act again"
	if disabled {
		use, short, done = "disable USER", "Keep an account from acting: its sessions end, its tokens rest", "may do nothing any more"
	}
	return e.onServer(use, short, cobra.ExactArgs(1), func(ctx context.Context, c *client.Client, args []string) error {
		changed, err := c.UpdateUser(ctx, args[0], api.UserChange{Disabled: &disabled}, 0)
		if err == nil {
			e.say("%s %s.", changed.Username, done)
		}
		return err
	})
}

func (e *env) usersDeleteCommand() *cobra.Command {
	var yes bool
	cmd := e.onServer("delete USER", "Delete an account, with its roles, tokens and sessions", cobra.ExactArgs(1), func(ctx context.Context, c *client.Client, args []string) error {
		if err := e.surely(yes, "account", args[0]); err != nil {
			return err
		}
		err := c.DeleteUser(ctx, args[0], 0)
		if err == nil {
			e.say("The account %s is gone. History keeps its name.", args[0])
		}
		return err
	})
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func (e *env) usersSessionsCommand() *cobra.Command {
	return e.onServer("sessions USER", "List where a user is signed in", cobra.ExactArgs(1), func(ctx context.Context, c *client.Client, args []string) error {
		list, err := c.ListSessions(ctx, args[0])
		if err != nil {
			return err
		}
		return e.print(list.Items, func(w io.Writer) {
			rows := make([][]any, len(list.Items))
			for i, s := range list.Items {
				rows[i] = []any{s.ID, moment(s.CreatedAt), moment(s.LastSeenAt), moment(s.ExpiresAt), s.Method, s.Address, s.UserAgent}
			}
			grid(w, []string{"id", "since", "last used", "ends", "by", "address", "browser"}, rows)
		})
	})
}

func (e *env) usersRevokeSessionsCommand() *cobra.Command {
	session := ""
	cmd := e.onServer("revoke-sessions USER", "Sign a user out everywhere, or of one session", cobra.ExactArgs(1), func(ctx context.Context, c *client.Client, args []string) error {
		if session != "" {
			err := c.RevokeSession(ctx, args[0], session)
			if err == nil {
				e.say("The session has ended.")
			}
			return err
		}
		n, err := c.RevokeSessions(ctx, args[0])
		if err == nil {
			e.say("Sessions that ended: %d.", n)
		}
		return err
	})
	cmd.Flags().StringVar(&session, "session", "", "end this one alone, by its id: keeper users sessions USER")
	return cmd
}
