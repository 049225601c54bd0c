package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/client"
)

func (e *env) syncTestCommand() *cobra.Command {
	var environment, destination string
	cmd := &cobra.Command{
		Use: "test", Short: "Try each permission that syncing needs by itself", Args: cobra.NoArgs,
		Long: `Try each permission of a destination's credentials by itself, on a throw-away name under its
prefix of which nothing is left.

EXIT STATUS
  0  everything that syncing needs is allowed
  1  a permission is missing, or could not be tried`,
		Example: `  keeper sync test -d aws-main`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			destinations, err := chosen(cmd.Context(), c, environment, destination)
			if err != nil {
				return err
			}
			return e.tryPermissions(cmd.Context(), c, destinations)
		},
	}
	cmd.Flags().StringVarP(&environment, "environment", "e", "", "only this environment, by name or id")
	cmd.Flags().StringVarP(&destination, "destination", "d", "", "the destination, by name or id (required)")
	_ = cmd.MarkFlagRequired("destination") // the flag exists
	return cmd
}

// triedPermissions is what sync test prints of a destination as JSON.
type triedPermissions struct {
	Destination string           `json:"destination"`
	Permissions []api.Permission `json:"permissions"`
}

func (e *env) tryPermissions(ctx context.Context, c *client.Client, destinations []api.Destination) error {
	tried := make([]triedPermissions, len(destinations))
	var rows [][]any
	missing := false
	for i, d := range destinations {
		list, err := c.TryPermissions(ctx, d.ID)
		if err != nil {
			return fmt.Errorf("%s: %w", d.Name, err)
		}
		tried[i] = triedPermissions{Destination: d.Name, Permissions: list.Items}
		for _, p := range list.Items {
			rows = append(rows, []any{d.Name, p.Permission, howTried(p), strings.TrimSpace(p.Detail + " " + p.Hint)})
			missing = missing || !p.OK && !p.Optional
		}
	}
	err := e.print(tried, func(w io.Writer) { grid(w, []string{"destination", "permission", "result", "why"}, rows) })
	if err == nil && missing {
		return quietExit(exitFailed)
	}
	return err
}

func howTried(p api.Permission) string {
	switch {
	case p.OK:
		return "ok"
	case p.Optional:
		return "not ok, optional"
	default:
		return "not ok"
	}
}
