package cli

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/your-org/keeper/config"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/telemetry"
)

// healthTime bounds how long a server may take to say how it is.
const healthTime = 5 * time.Second

func (e *env) healthCommand() *cobra.Command {
	return &cobra.Command{
		Use: "health", Short: "Ask the server whether it can answer requests, and how what it depends on is", Args: cobra.NoArgs,
		Long: `Ask the server that KEEPER_URL names, or the one on this machine, whether it can answer
requests, and how what it depends on is. It needs no token; it is the image's health check.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.ForClient()
			if err != nil {
				return err
			}
			server, calls, err := healthServer(c)
			if err != nil {
				return err
			}
			health, err := askHealth(cmd.Context(), calls, server, c.MetricsToken)
			if err != nil {
				return err
			}
			err = e.print(health, func(w io.Writer) {
				rows := make([][]any, len(health.Components))
				for i, one := range health.Components {
					rows[i] = []any{one.Name, map[bool]string{true: "ok", false: "not ok"}[one.OK], one.Detail}
				}
				grid(w, []string{"what", "health", "detail"}, rows)
			})
			if err == nil && !health.Ready {
				return quietExit(exitUnavailable)
			}
			return err
		},
	}
}

// askHealth asks with the token for what is inside, where there is one: without it the server
// names no destinations.
func askHealth(ctx context.Context, calls *http.Client, server string, token config.Secret) (telemetry.Health, error) {
	ctx, cancel := context.WithTimeout(ctx, healthTime)
	defer cancel()
	var health telemetry.Health
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(server, "/")+"/readyz", nil)
	if err != nil {
		return health, err
	}
	if token.Set() {
		request.Header.Set("Authorization", "Bearer "+token.Reveal())
	}
	answer, err := calls.Do(request)
	if err != nil {
		return health, fault.Wrap(err, fault.Unavailable, "The server at %s does not answer.", server).WithHint("Check that it runs, and KEEPER_URL.")
	}
	defer func() { _ = answer.Body.Close() }() // it was read
	if err := json.NewDecoder(answer.Body).Decode(&health); err != nil {
		return health, fault.Wrap(err, fault.Unavailable, "What answers at %s is not a Keeper.", server).WithHint("Check KEEPER_URL.")
	}
	return health, nil
}
