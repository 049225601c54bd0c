package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/fault"
)

func (e *env) alertsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "alerts", Short: "Conditions that people are told of, and the channels that tell them"}
	channels := &cobra.Command{Use: "channels", Short: "Ways to tell people"}
	channels.AddCommand(e.channelsListCommand(), e.channelsCreateCommand(), e.channelsUpdateCommand(), e.channelsTestCommand(), e.channelsDeleteCommand())
	cmd.AddCommand(e.alertsListCommand(), channels)
	return cmd
}

func (e *env) alertsListCommand() *cobra.Command {
	var environment string
	var all bool
	cmd := &cobra.Command{
		Use: "list", Short: "List what holds now, the newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			found, err := client.Collect(c.Alerts(cmd.Context(), api.ListAlertsParams{EnvironmentID: environment, Open: !all}))
			if err != nil {
				return err
			}
			return e.printAlerts(found)
		},
	}
	cmd.Flags().StringVarP(&environment, "environment", "e", "", "only this environment, by name or id")
	cmd.Flags().BoolVar(&all, "all", false, "list those that are over too")
	return cmd
}

func (e *env) printAlerts(found []api.Alert) error {
	if found == nil {
		found = []api.Alert{}
	}
	return e.print(found, func(w io.Writer) {
		if len(found) == 0 {
			fmt.Fprintln(w, "Nothing has to be told.")
			return
		}
		rows := make([][]any, len(found))
		for i, a := range found {
			rows[i] = []any{a.Kind, a.SubjectName, moment(a.OpenedAt), moment(a.ResolvedAt), a.Count, strings.TrimSpace(a.Summary + " " + a.Hint)}
		}
		grid(w, []string{"kind", "about", "since", "over", "seen", "what"}, rows)
	})
}

func (e *env) channelsListCommand() *cobra.Command {
	var environment string
	cmd := &cobra.Command{
		Use: "list", Short: "List the channels that you manage, without their secrets", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			list, err := c.ListAlertChannels(cmd.Context(), api.ListAlertChannelsParams{EnvironmentID: environment})
			if err != nil {
				return err
			}
			return e.print(list.Items, func(w io.Writer) {
				rows := make([][]any, len(list.Items))
				for i, one := range list.Items {
					rows[i] = []any{one.Name, one.Kind, one.Address, tellsOf(one), moment(one.DeliveredAt), one.LastError}
				}
				grid(w, []string{"channel", "kind", "address", "tells of", "last arrived", "last error"}, rows)
			})
		},
	}
	cmd.Flags().StringVarP(&environment, "environment", "e", "", "only this environment, by name or id")
	return cmd
}

func tellsOf(c api.AlertChannel) string {
	if !c.Enabled {
		return "nothing: it is off"
	}
	what := "everything"
	if len(c.Kinds) > 0 {
		kinds := make([]string, len(c.Kinds))
		for i, kind := range c.Kinds {
			kinds[i] = string(kind)
		}
		what = strings.Join(kinds, ", ")
	}
	if c.Everywhere {
		what += ", in all environments"
	}
	return what
}

// newChannel is what the flags of alerts channels create say.
type newChannel struct {
	environment, kind, address, file string
	tells                            []string
	everywhere, ownKey               bool
}

func (e *env) channelsCreateCommand() *cobra.Command {
	var n newChannel
	cmd := &cobra.Command{
		Use: "create NAME", Short: "Make a channel, which tells of what happens from now on", Args: cobra.ExactArgs(1),
		Long: `Make a channel, which tells of what happens from now on. Keeper makes a webhook's signing
key and prints it to standard output, this once; with --own-key you give it. That key, and
the URL of Slack's incoming webhook, are read from a prompt that does not show them, from
standard input, or from a file.`,
		Example: `  keeper alerts channels create ops -e production --kind webhook --address https://ops.example.com/keeper
  keeper alerts channels create team -e production --kind slack --secret-file slack-url
  keeper alerts channels create mail -e production --kind email --address ops@example.com --tells drift,held`,
		RunE: func(cmd *cobra.Command, args []string) error { return e.createChannel(cmd.Context(), args[0], n) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&n.environment, "environment", "e", "", "environment whose alerts it tells of, by name or id (required)")
	flags.StringVar(&n.kind, "kind", "", "webhook, email or slack (required)")
	flags.StringVar(&n.address, "address", "", "a webhook's URL, or an e-mail address")
	flags.StringVar(&n.file, "secret-file", "", "file that holds the secret")
	flags.StringSliceVar(&n.tells, "tells", nil, "only these kinds of alerts, such as drift")
	flags.BoolVar(&n.everywhere, "everywhere", false, "tell of all environments; administrators may")
	flags.BoolVar(&n.ownKey, "own-key", false, "give a webhook's signing key instead of having one made")
	_ = cmd.MarkFlagRequired("environment") // the flags exist
	_ = cmd.MarkFlagRequired("kind")
	return cmd
}

func (e *env) createChannel(ctx context.Context, name string, n newChannel) error {
	c, err := e.client()
	if err != nil {
		return err
	}
	draft := api.NewAlertChannel{
		EnvironmentID: api.EnvironmentNamed(n.environment), Name: name, Kind: api.ChannelKind(n.kind), Address: n.address, Everywhere: n.everywhere,
	}
	for _, kind := range n.tells {
		draft.Kinds = append(draft.Kinds, api.AlertKind(kind))
	}
	if n.ownKey || n.file != "" || draft.Kind == api.ChannelSlack {
		secret, err := e.readValue(n.file)
		if err != nil {
			return err
		}
		draft.Secret = api.NewValue(strings.TrimSpace(secret.Reveal())) // a line, in a file too
	}
	made, err := c.CreateAlertChannel(ctx, draft)
	if err != nil {
		return err
	}
	e.say("The channel %s is made; keeper alerts channels test %s tries it.", made.Name, made.Name)
	return e.printKey(made)
}

// printKey prints a channel, or the signing key that the server made for it.
func (e *env) printKey(made api.AlertChannelWithKey) error {
	if made.SigningKey.IsZero() {
		return e.print(made.AlertChannel, func(io.Writer) {})
	}
	e.say("Its signing key, shown this once:")
	return e.print(map[string]any{"id": made.ID, "name": made.Name, "signing_key": made.SigningKey.Reveal()},
		func(w io.Writer) { fmt.Fprintln(w, made.SigningKey.Reveal()) })
}

// findChannel finds the one channel that a name or an id stands for.
func findChannel(ctx context.Context, c *client.Client, environment, named string) (api.AlertChannel, error) {
	list, err := c.ListAlertChannels(ctx, api.ListAlertChannelsParams{EnvironmentID: environment})
	if err != nil {
		return api.AlertChannel{}, err
	}
	var found []api.AlertChannel
	for _, one := range list.Items {
		if one.ID == named || one.Name == named {
			found = append(found, one)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return api.AlertChannel{}, fault.New(fault.NotFound, "There is no channel %q.", named).WithHint("keeper alerts channels list shows which there are.")
	default:
		return api.AlertChannel{}, fault.New(fault.Invalid, "%d environments have a channel %q.", len(found), named).WithHint("Name one with -e.")
	}
}

func (e *env) channelsTestCommand() *cobra.Command {
	var environment string
	cmd := &cobra.Command{
		Use: "test NAME", Short: "Send a test notice now", Args: cobra.ExactArgs(1),
		Long: `Send a test notice now.

EXIT STATUS
  0  it arrived
  1  it did not`,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			channel, err := findChannel(cmd.Context(), c, environment, args[0])
			if err != nil {
				return err
			}
			result, err := c.TestAlertChannel(cmd.Context(), channel.ID)
			if err != nil {
				return err
			}
			err = e.print(result, func(w io.Writer) {
				if result.OK {
					fmt.Fprintln(w, "The test arrived.")
					return
				}
				fmt.Fprintln(w, printable(strings.TrimSpace(result.Detail+" "+result.Hint)))
			})
			if err == nil && !result.OK {
				return quietExit(exitFailed)
			}
			return err
		},
	}
	cmd.Flags().StringVarP(&environment, "environment", "e", "", "the channel's environment, by name or id")
	return cmd
}

func (e *env) channelsDeleteCommand() *cobra.Command {
	var environment string
	var yes bool
	cmd := &cobra.Command{
		Use: "delete NAME", Short: "Remove a channel, with what it was still to deliver", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			channel, err := findChannel(cmd.Context(), c, environment, args[0])
			if err != nil {
				return err
			}
			if !yes && !e.confirm("This removes the channel "+channel.Name+" for good. Type its name to go on: ", channel.Name) {
				return fault.New(fault.Invalid, "Nothing was removed.").WithHint("Type the name when asked, or give --yes.")
			}
			if err := c.DeleteAlertChannel(cmd.Context(), channel.ID, channel.Revision); err != nil {
				return err
			}
			e.say("The channel %s is removed.", channel.Name)
			return nil
		},
	}
	cmd.Flags().StringVarP(&environment, "environment", "e", "", "the channel's environment, by name or id")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}
