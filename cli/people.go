package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/fault"
)

// onServer is a command that does one thing at the server.
func (e *env) onServer(use, short string, args cobra.PositionalArgs, do func(ctx context.Context, c *client.Client, args []string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: args,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			return do(cmd.Context(), c, args)
		},
	}
}

// surely asks before something is removed for good, unless --yes was given.
func (e *env) surely(yes bool, noun, name string) error {
	if yes || e.confirm("This removes the "+noun+" "+name+" for good. Type its name to go on: ", name) {
		return nil
	}
	return fault.New(fault.Invalid, "Nothing was removed.").WithHint("Type the name when asked, or give --yes.")
}

// given is the value of a flag, nil where it was not given.
func given[T any](cmd *cobra.Command, flag string, value T) *T {
	if !cmd.Flags().Changed(flag) {
		return nil
	}
	return &value
}

// facet names what a switch says, "" where it is off.
func facet(on bool, name string) string {
	if on {
		return name
	}
	return ""
}

func listed(parts ...string) string {
	var kept []string
	for _, part := range parts {
		if part != "" {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, ", ")
}
