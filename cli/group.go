package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/client"
)

func (e *env) groupsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "groups", Short: "Users with roles in common"}
	cmd.AddCommand(e.groupsListCommand(), e.groupsShowCommand(), e.groupsCreateCommand(), e.groupsUpdateCommand(), e.groupsDeleteCommand(),
		e.groupsMemberCommand(true), e.groupsMemberCommand(false), e.groupsGrantCommand(), e.groupsRevokeCommand())
	return cmd
}

func (e *env) groupsListCommand() *cobra.Command {
	var params api.ListGroupsParams
	cmd := e.onServer("list", "List groups", cobra.NoArgs, func(ctx context.Context, c *client.Client, _ []string) error {
		found, err := client.Collect(c.Groups(ctx, params))
		if err != nil {
			return err
		}
		return e.print(append([]api.Group{}, found...), func(w io.Writer) {
			rows := make([][]any, len(found))
			for i, g := range found {
				rows[i] = []any{g.Name, g.ID, g.Role, g.ProviderID, g.Description}
			}
			grid(w, []string{"group", "id", "global role", "provider", "description"}, rows)
		})
	})
	cmd.Flags().StringVar(&params.Search, "search", "", "part of the name or the description")
	return cmd
}

func (e *env) groupsShowCommand() *cobra.Command {
	return e.onServer("show GROUP", "Show a group, what it gives, and who is in it", cobra.ExactArgs(1), func(ctx context.Context, c *client.Client, args []string) error {
		g, err := c.GetGroup(ctx, args[0])
		if err != nil {
			return err
		}
		members, err := client.Collect(c.GroupMembers(ctx, g.ID, api.ListGroupMembersParams{}))
		if err != nil {
			return err
		}
		return e.print(map[string]any{"group": g, "members": append([]api.UserName{}, members...)}, func(w io.Writer) {
			facts(w, "group", g.Name, "id", g.ID, "global role", g.Role, "provider", g.ProviderID, "description", g.Description)
			for _, r := range g.Roles {
				facts(w, "environment "+fmt.Sprint(r.EnvironmentID), r.Role)
			}
			rows := make([][]any, len(members))
			for i, u := range members {
				rows[i] = []any{u.Username, u.DisplayName, facet(u.Disabled, "disabled")}
			}
			grid(w, []string{"member", "shown as", "state"}, rows)
		})
	})
}

func (e *env) groupsCreateCommand() *cobra.Command {
	var n api.NewGroup
	cmd := e.onServer("create GROUP", "Make a group, without members", cobra.ExactArgs(1), func(ctx context.Context, c *client.Client, args []string) error {
		n.Name = args[0]
		made, err := c.CreateGroup(ctx, n)
		if err != nil {
			return err
		}
		return e.print(made, func(w io.Writer) { facts(w, "group", made.Name, "id", made.ID, "global role", made.Role) })
	})
	cmd.Flags().StringVar(&n.Description, "description", "", "what it is for")
	cmd.Flags().StringVar(&n.Role, "role", "", "global role that members get: admin, auditor or user (default: nothing more)")
	return cmd
}

func (e *env) groupsUpdateCommand() *cobra.Command {
	var n api.NewGroup
	var cmd *cobra.Command
	cmd = e.onServer("update GROUP", "Change a group; what is not given stays", cobra.ExactArgs(1), func(ctx context.Context, c *client.Client, args []string) error {
		g, err := c.UpdateGroup(ctx, args[0], api.GroupChange{
			Name: given(cmd, "name", n.Name), Description: given(cmd, "description", n.Description), Role: given(cmd, "role", n.Role),
		}, 0)
		if err != nil {
			return err
		}
		return e.print(g, func(w io.Writer) { facts(w, "group", g.Name, "id", g.ID, "global role", g.Role) })
	})
	cmd.Flags().StringVar(&n.Name, "name", "", "another name")
	cmd.Flags().StringVar(&n.Description, "description", "", "what it is for")
	cmd.Flags().StringVar(&n.Role, "role", "", "global role that members get: admin, auditor or user")
	return cmd
}

func (e *env) groupsDeleteCommand() *cobra.Command {
	var yes bool
	cmd := e.onServer("delete GROUP", "Delete a group; what it gave, its members have no more", cobra.ExactArgs(1), func(ctx context.Context, c *client.Client, args []string) error {
		if err := e.surely(yes, "group", args[0]); err != nil {
			return err
		}
		return c.DeleteGroup(ctx, args[0], 0)
	})
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func (e *env) groupsMemberCommand(in bool) *cobra.Command {
	if in {
		return e.onServer("add GROUP USER", "Put a user into a group", cobra.ExactArgs(2), func(ctx context.Context, c *client.Client, args []string) error {
			return c.AddGroupMember(ctx, args[0], args[1])
		})
	}
	return e.onServer("remove GROUP USER", "Take a user out of a group", cobra.ExactArgs(2), func(ctx context.Context, c *client.Client, args []string) error {
		return c.RemoveGroupMember(ctx, args[0], args[1])
	})
}

func (e *env) groupsGrantCommand() *cobra.Command {
	var environment string
	cmd := e.onServer("grant GROUP ROLE", "Give a group a role in an environment", cobra.ExactArgs(2), func(ctx context.Context, c *client.Client, args []string) error {
		return c.SetGroupRole(ctx, args[0], environment, args[1])
	})
	return inEnvironment(cmd, &environment)
}

func (e *env) groupsRevokeCommand() *cobra.Command {
	var environment string
	cmd := e.onServer("revoke GROUP", "Take a group's role in an environment away", cobra.ExactArgs(1), func(ctx context.Context, c *client.Client, args []string) error {
		return c.RemoveGroupRole(ctx, args[0], environment)
	})
	return inEnvironment(cmd, &environment)
}

// inEnvironment gives a command the flag that names its environment.
func inEnvironment(cmd *cobra.Command, environment *string) *cobra.Command {
	cmd.Flags().StringVarP(environment, "environment", "e", "", "environment, by name or id (required)")
	_ = cmd.MarkFlagRequired("environment") // the flag exists
	return cmd
}
