package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/your-org/keeper/app"
	"github.com/your-org/keeper/config"
	"github.com/your-org/keeper/models"
)

// usersResetPasswordCommand is for whoever lost all ways in.
func (e *env) usersResetPasswordCommand() *cobra.Command {
	return &cobra.Command{
		Use: "reset-password USER", Short: "Give a user a one-time password, on the server's own machine", Args: cobra.ExactArgs(1),
		Long: `Give a user a one-time password, which has to be changed at the next sign-in. All sessions of
the user end. It works on the database itself, so it is run where the server's settings are;
whoever can do that is an administrator already. It is recorded in the audit log. The
password is printed to standard output, this once.`,
		Example: `  keeper users reset-password admin`,
		RunE: func(cmd *cobra.Command, args []string) error {
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
}

func (e *env) usersResetFactorsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "reset-factors USER", Short: "Take all second factors from a user, on the server's own machine", Args: cobra.ExactArgs(1),
		Long: `Take the authenticator app, the passkeys and the recovery codes from a user who lost them. The
password alone opens the account then. All sessions of the user end. It works on the database
itself, so it is run where the server's settings are; whoever can do that is an administrator
already. It is recorded in the audit log.`,
		Example: `  keeper users reset-factors admin`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.locally(cmd.Context(), func(a *app.App, local models.Actor) error {
				user, err := a.Auth.Local(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if err := a.Auth.AdminResetFactors(cmd.Context(), local, user.UserID); err != nil {
					return err
				}
				_, err = fmt.Fprintf(e.std.Err, "%s has no second factor any more, and is signed out everywhere.\n", user.Name)
				return err
			})
		},
	}
}

// locally does what whoever administers the server's own machine may do, on the database
// itself.
func (e *env) locally(ctx context.Context, do func(*app.App, models.Actor) error) error {
	c, err := config.FromEnvironment()
	if err != nil {
		return err
	}
	a, err := app.New(ctx, c, app.Options{Log: e.quietLog(), Version: Version})
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }() // nothing is left to write
	local := models.System()
	local.Via = "cli"
	return do(a, local)
}
