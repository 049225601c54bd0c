package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/your-org/keeper/app"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/models"
)

// usersResetPasswordCommand is for whoever lost all ways in.
func (e *env) usersResetPasswordCommand() *cobra.Command {
	remote := false
	cmd := &cobra.Command{
		Use: "reset-password USER", Short: "Give a user a one-time password, on the server's own machine", Args: cobra.ExactArgs(1),
		Long: `Give a user a one-time password, which has to be changed at the next sign-in, within 72 hours.
All sessions of the user end. It works on the database itself, so it is run where the server's settings are;
whoever can do that is an administrator already. With --remote the server is asked, with an
administrator's token. It is recorded in the audit log. The password is printed to standard
output, this once.`,
		Example: `  keeper users reset-password admin`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if remote {
				return e.remotely(func(c *client.Client) error {
					made, err := c.ResetPassword(cmd.Context(), args[0])
					if err != nil {
						return err
					}
					_, err = fmt.Fprintln(e.std.Out, made.Password.Reveal())
					return err
				})
			}
			return e.locally(cmd.Context(), func(a *app.App, local models.Actor) error {
				password, err := a.Auth.ResetPassword(cmd.Context(), local, args[0])
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(e.std.Out, password)
				return err
			})
		},
	}
	remoteFlag(cmd, &remote)
	return cmd
}

func (e *env) usersResetFactorsCommand() *cobra.Command {
	remote := false
	cmd := &cobra.Command{
		Use: "reset-factors USER", Short: "Take all second factors from a user, on the server's own machine", Args: cobra.ExactArgs(1),
		Long: `Take the authenticator app, the passkeys and the recovery codes from a user who lost them. The
password alone opens the account then. All sessions of the user end. It works on the database
itself, so it is run where the server's settings are; whoever can do that is an administrator
already. With --remote the server is asked, with an administrator's token. It is recorded in
the audit log.`,
		Example: `  keeper users reset-factors admin`,
		RunE: func(cmd *cobra.Command, args []string) error {
			reset := func(reset func() error) error {
				if err := reset(); err != nil {
					return err
				}
				_, err := fmt.Fprintf(e.std.Err, "%s has no second factor any more, and is signed out everywhere.\n", args[0])
				return err
			}
			if remote {
				return e.remotely(func(c *client.Client) error {
					return reset(func() error { return c.ResetFactors(cmd.Context(), args[0]) })
				})
			}
			return e.locally(cmd.Context(), func(a *app.App, local models.Actor) error {
				return reset(func() error { return a.Auth.AdminResetFactors(cmd.Context(), local, models.UserID(args[0])) })
			})
		},
	}
	remoteFlag(cmd, &remote)
	return cmd
}

func remoteFlag(cmd *cobra.Command, remote *bool) {
	cmd.Flags().BoolVar(remote, "remote", false, "ask the server, with KEEPER_TOKEN, in place of the database")
}

// remotely does what an administrator's token may do at the server.
func (e *env) remotely(do func(*client.Client) error) error {
	c, err := e.client()
	if err != nil {
		return err
	}
	return do(c)
}
