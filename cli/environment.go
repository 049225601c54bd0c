package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/fault"
)

func (e *env) environmentsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "environments", Short: "Environments"}
	cmd.AddCommand(e.environmentsListCommand(), e.environmentsCreateCommand(), e.environmentsUpdateCommand(), e.environmentsDeleteCommand(), e.membersCommand())
	return cmd
}

func (e *env) environmentsListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List environments", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			all, err := c.ListEnvironments(cmd.Context())
			if err != nil {
				return err
			}
			return e.print(all.Items, func(w io.Writer) {
				rows := make([][]any, len(all.Items))
				for i, one := range all.Items {
					rows[i] = []any{one.ID, one.Name, one.DisplayName, one.KMSKeyAlias}
				}
				grid(w, []string{"id", "name", "shown as", "key alias"}, rows)
			})
		},
	}
}

func (e *env) environmentsCreateCommand() *cobra.Command {
	var n api.NewEnvironment
	cmd := &cobra.Command{
		Use: "create NAME", Short: "Make an environment", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			n.Name = args[0]
			created, err := c.CreateEnvironment(cmd.Context(), n)
			if err != nil {
				return err
			}
			return e.printEnvironment(created)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&n.DisplayName, "display-name", "", "how it is shown; default: the name")
	flags.StringVar(&n.Description, "description", "", "what it is for")
	flags.StringVar(&n.KMSKeyAlias, "kms-key-alias", "", "wrapping key of its own; default: the installation's")
	flags.StringVar(&n.Color, "color", "", "grey, green, blue, violet, amber or red")
	return cmd
}

func (e *env) printEnvironment(one api.Environment) error {
	return e.print(one, func(w io.Writer) {
		facts(w, "name", one.Name, "id", fmt.Sprint(one.ID), "shown as", one.DisplayName, "description", one.Description, "key alias", one.KMSKeyAlias, "color", one.Color)
	})
}

func (e *env) environmentsUpdateCommand() *cobra.Command {
	var display, description, alias, color string
	cmd := &cobra.Command{
		Use: "update NAME", Short: "Change an environment; what is not given stays", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			given := func(name string, value *string) *string {
				if cmd.Flags().Changed(name) {
					return value
				}
				return nil
			}
			updated, err := c.UpdateEnvironment(cmd.Context(), api.EnvironmentNamed(args[0]), api.EnvironmentChange{
				DisplayName: given("display-name", &display), Description: given("description", &description),
				KMSKeyAlias: given("kms-key-alias", &alias), Color: given("color", &color),
			}, 0)
			if err != nil {
				return err
			}
			return e.printEnvironment(updated)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&display, "display-name", "", "how it is shown")
	flags.StringVar(&description, "description", "", "what it is for")
	flags.StringVar(&alias, "kms-key-alias", "", "wrapping key for new data keys")
	flags.StringVar(&color, "color", "", "grey, green, blue, violet, amber or red")
	return cmd
}

func (e *env) environmentsDeleteCommand() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "delete NAME", Short: "Remove an environment that is empty", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			if !yes && !e.confirm("This removes the environment "+args[0]+" for good. Type its name to go on: ", args[0]) {
				return fault.New(fault.Invalid, "Nothing was removed.").WithHint("Type the name when asked, or give --yes.")
			}
			if err := c.DeleteEnvironment(cmd.Context(), api.EnvironmentNamed(args[0]), 0); err != nil {
				return err
			}
			e.say("The environment %s is removed.", args[0])
			return nil
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}
