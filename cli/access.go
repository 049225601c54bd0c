package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/client"
)

func (e *env) membersCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "members", Short: "Who has a role in an environment"}
	cmd.AddCommand(e.membersListCommand(), e.membersSetCommand(), e.membersRemoveCommand())
	return cmd
}

func (e *env) membersListCommand() *cobra.Command {
	var environment string
	cmd := e.onServer("list", "List users and groups with a role of their own in an environment", cobra.NoArgs, func(ctx context.Context, c *client.Client, _ []string) error {
		var groups []api.MemberGroup
		members, err := client.Collect(client.Iterate(func(cursor string) ([]api.Member, string, error) {
			list, err := c.ListMembers(ctx, environment, api.ListMembersParams{Cursor: cursor})
			groups = list.Groups
			return list.Items, list.Next, err
		}))
		if err != nil {
			return err
		}
		return e.print(map[string]any{"users": append([]api.Member{}, members...), "groups": groups}, func(w io.Writer) {
			var rows [][]any
			for _, m := range members {
				rows = append(rows, []any{m.Username, "user", m.Role, facet(m.Disabled, "disabled")})
			}
			for _, g := range groups {
				rows = append(rows, []any{g.Name, "group", g.Role, ""})
			}
			grid(w, []string{"who", "kind", "role", "state"}, rows)
		})
	})
	return inEnvironment(cmd, &environment)
}

func (e *env) membersSetCommand() *cobra.Command {
	var environment string
	cmd := e.onServer("set USER ROLE", "Give a user a role in an environment: viewer, reader, editor or manager", cobra.ExactArgs(2), func(ctx context.Context, c *client.Client, args []string) error {
		return c.SetMember(ctx, environment, args[0], args[1])
	})
	return inEnvironment(cmd, &environment)
}

func (e *env) membersRemoveCommand() *cobra.Command {
	var environment string
	cmd := e.onServer("remove USER", "Take a user's role in an environment away", cobra.ExactArgs(1), func(ctx context.Context, c *client.Client, args []string) error {
		return c.RemoveMember(ctx, environment, args[0])
	})
	return inEnvironment(cmd, &environment)
}

func (e *env) accessCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "access", Short: "Who may do what, and why"}
	cmd.AddCommand(e.accessExplainCommand(), e.accessWhoCanCommand())
	return cmd
}

func (e *env) accessExplainCommand() *cobra.Command {
	var params api.ExplainAccessParams
	cmd := e.onServer("explain", "Tell why somebody may do something, or why not", cobra.NoArgs, func(ctx context.Context, c *client.Client, _ []string) error {
		x, err := c.ExplainAccess(ctx, params)
		if err != nil {
			return err
		}
		err = e.print(x, func(w io.Writer) { explainAccess(w, x) })
		if err == nil && !x.Allowed {
			return quietExit(exitFailed)
		}
		return err
	})
	cmd.Long = `Tell why somebody may do something, or why not.

EXIT STATUS
  0  it may
  1  it may not`
	cmd.Example = `  keeper access explain --who grace --action secret.reveal --environment production`
	flags := cmd.Flags()
	flags.StringVar(&params.Who, "who", "", "a user's name or id, or a token's id; default: the token that is used")
	flags.StringVar(&params.Action, "action", "", "what is to be done, such as secret.reveal (required)")
	flags.StringVarP(&params.EnvironmentID, "environment", "e", "", "where, by name or id; left out for an action that concerns none")
	_ = cmd.MarkFlagRequired("action") // the flag exists
	return cmd
}

func explainAccess(w io.Writer, x api.Explanation) {
	verdict := "may not"
	if x.Allowed {
		verdict = "may"
	}
	who := x.User.Username
	if x.TokenID != "" {
		who += " (token " + x.TokenName + ")"
	}
	where := ""
	if x.Environment != "" {
		where = " in " + x.Environment
	}
	fmt.Fprintln(w, printable(fmt.Sprintf("%s %s do %s%s.", who, verdict, x.Action, where)))
	for _, s := range x.Through {
		fmt.Fprintln(w, printable("  through "+sourceText(s)))
	}
	for _, text := range append(x.Against, x.Notes...) {
		fmt.Fprintln(w, printable("  "+text))
	}
}

func sourceText(s api.AccessSource) string {
	role := "the role " + s.Role
	if s.Role == "" {
		role = "the global role " + s.GlobalRole
	}
	if s.GroupName == "" {
		return role + " of its own"
	}
	return role + " of the group " + s.GroupName
}

func (e *env) accessWhoCanCommand() *cobra.Command {
	var params api.WhoCanParams
	cmd := e.onServer("who-can ACTION", "List who may do something, and through what", cobra.ExactArgs(1), func(ctx context.Context, c *client.Client, args []string) error {
		params.Action = args[0]
		found, err := client.Collect(c.WhoCan(ctx, params))
		if err != nil {
			return err
		}
		return e.print(append([]api.WhoCan{}, found...), func(w io.Writer) {
			rows := make([][]any, len(found))
			for i, one := range found {
				through := make([]string, len(one.Through))
				for j, s := range one.Through {
					through[j] = sourceText(s)
				}
				rows[i] = []any{one.User.Username, one.Kind, listed(through...)}
			}
			grid(w, []string{"user", "kind", "through"}, rows)
		})
	})
	cmd.Flags().StringVarP(&params.EnvironmentID, "environment", "e", "", "where, by name or id; left out for an action that concerns none")
	return cmd
}
