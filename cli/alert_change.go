package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/fault"
)

// channelChange is what the flags of alerts channels update say.
type channelChange struct {
	environment, name, address, file string
	tells                            []string
	everywhere, enabled              bool
	newKey, newSecret                bool
}

func (e *env) channelsUpdateCommand() *cobra.Command {
	var n channelChange
	cmd := &cobra.Command{
		Use: "update NAME", Short: "Change a channel", Args: cobra.ExactArgs(1),
		Long: `Change a channel: only what a flag names. --new-key has Keeper make a webhook's signing key
anew and prints it to standard output, this once; --new-secret takes one, or another URL of
Slack's, from a prompt that does not show it, from standard input, or from a file.`,
		Example: `  keeper alerts channels update ops --tells drift,held,braked
  keeper alerts channels update ops --enabled=false
  keeper alerts channels update ops --new-key`,
		RunE: func(cmd *cobra.Command, args []string) error {
			change := n.change(cmd.Flags().Changed)
			return e.updateChannel(cmd.Context(), args[0], n, change)
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&n.environment, "environment", "e", "", "the channel's environment, by name or id")
	flags.StringVar(&n.name, "name", "", "another name")
	flags.StringVar(&n.address, "address", "", "another URL of a webhook, or e-mail address")
	flags.StringSliceVar(&n.tells, "tells", nil, "only these kinds of alerts, such as drift; all for every kind")
	flags.BoolVar(&n.everywhere, "everywhere", false, "tell of all environments, or of its own alone; administrators may")
	flags.BoolVar(&n.enabled, "enabled", true, "tell of anything at all")
	flags.BoolVar(&n.newKey, "new-key", false, "have a webhook's signing key made anew")
	flags.BoolVar(&n.newSecret, "new-secret", false, "give another signing key, or another URL of Slack's")
	flags.StringVar(&n.file, "secret-file", "", "file that holds the new secret")
	cmd.MarkFlagsMutuallyExclusive("new-key", "new-secret")
	cmd.MarkFlagsMutuallyExclusive("new-key", "secret-file")
	return cmd
}

// change is what the flags that were given change, the secret aside.
func (n channelChange) change(given func(flag string) bool) api.AlertChannelChange {
	var c api.AlertChannelChange
	if given("name") {
		c.Name = &n.name
	}
	if given("address") {
		c.Address = &n.address
	}
	if given("everywhere") {
		c.Everywhere = &n.everywhere
	}
	if given("enabled") {
		c.Enabled = &n.enabled
	}
	if given("tells") {
		kinds := []api.AlertKind{}
		for _, kind := range n.tells {
			if kind != "all" {
				kinds = append(kinds, api.AlertKind(kind))
			}
		}
		c.Kinds = &kinds
	}
	return c
}

func (e *env) updateChannel(ctx context.Context, named string, n channelChange, change api.AlertChannelChange) error {
	c, err := e.client()
	if err != nil {
		return err
	}
	channel, err := findChannel(ctx, c, n.environment, named)
	if err != nil {
		return err
	}
	switch {
	case n.newKey && channel.Kind != api.ChannelWebhook:
		return fault.New(fault.Invalid, "Only a webhook has a signing key; nothing was changed.").WithHint("Give another URL of Slack's with --new-secret.")
	case n.newKey:
		change.Secret = api.NewValue("") // empty: the server makes one
	case n.newSecret || n.file != "":
		secret, err := e.readValue(n.file)
		if err != nil {
			return err
		}
		change.Secret = api.NewValue(strings.TrimSpace(secret.Reveal())) // a line, in a file too
	case change == (api.AlertChannelChange{}):
		return fault.New(fault.Invalid, "Nothing was changed: no flag says what.").WithHint("keeper alerts channels update --help lists what may change.")
	}
	changed, err := c.UpdateAlertChannel(ctx, channel.ID, change, channel.Revision)
	if err != nil {
		return err
	}
	e.say("The channel %s is changed; keeper alerts channels test %s tries it.", changed.Name, changed.Name)
	return e.printKey(changed)
}
