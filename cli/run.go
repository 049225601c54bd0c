package cli

import (
	"context"
	"errors"
	"log/slog"
	"net"

	"github.com/spf13/cobra"

	"github.com/your-org/keeper/app"
	"github.com/your-org/keeper/config"
	"github.com/your-org/keeper/telemetry"
)

func (e *env) runCommand() *cobra.Command {
	var host string
	var port int
	var debug bool
	cmd := &cobra.Command{
		Use: "run", Short: "Serve the dashboard and the API, and keep copies in sync", Args: cobra.NoArgs,
		Long: `Serve the dashboard and the API, and keep copies in sync.

With no settings at all Keeper uses SQLite in keeper.db, a local master key in keeper.key,
and makes a first administrator whose one-time password it prints once. Stop it with
Ctrl-C: what is under way is finished first.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.FromEnvironment()
			if err != nil {
				return err
			}
			if cmd.Flags().Changed("host") {
				c.Host = host
			}
			if cmd.Flags().Changed("port") {
				c.Port = port
			}
			level := c.SlogLevel()
			if debug {
				level = slog.LevelDebug
			}
			return e.serve(cmd.Context(), c, telemetry.NewLogger(e.std.Err, level))
		},
	}
	cmd.Flags().StringVar(&host, "host", "", "address to listen on (KEEPER_HOST; default 127.0.0.1)")
	cmd.Flags().IntVar(&port, "port", 0, "port to listen on (KEEPER_PORT; default 8989)")
	cmd.Flags().BoolVar(&debug, "debug", false, "log more; never values")
	return cmd
}

func (e *env) serve(ctx context.Context, c *config.Config, log *slog.Logger) (err error) {
	a, err := app.New(ctx, c, app.Options{Log: log, Server: true, Version: Version})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	listener, err := a.Listen(ctx)
	if err != nil {
		return err
	}
	e.welcome(a, listener)
	return a.Run(ctx, listener)
}

// welcome says where Keeper is, and the first password where there is one.
func (e *env) welcome(a *app.App, listener net.Listener) {
	address := a.Config.PublicURL
	if address == "" {
		_, port, _ := net.SplitHostPort(listener.Addr().String())
		scheme := "http://"
		if a.Config.ServesTLS() {
			scheme = "https://"
		}
		address = scheme + net.JoinHostPort(shownHost(a.Config.Host), port)
	}
	e.say("Keeper %s is at %s (%s, %s keys)", Version, address, a.Config.Database, a.Config.KeyBackend)
	if a.FirstPassword == "" {
		return
	}
	e.say("\n  First sign-in, shown this once:\n    user name  %s\n    password   %s\n  It has to be changed at the first sign-in, within 72 hours.\n", app.FirstUser, a.FirstPassword)
}

func shownHost(host string) string {
	switch host {
	case "127.0.0.1", "0.0.0.0", "::", "::1", "":
		return "localhost"
	default:
		return host
	}
}
