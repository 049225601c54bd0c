package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/fault"
)

func (e *env) syncConflictsCommand() *cobra.Command {
	var environment, destination string
	cmd := &cobra.Command{
		Use: "conflicts", Short: "List the differences that wait for a person", Args: cobra.NoArgs,
		Long: `List the differences between Keeper and destinations that wait for a person, each with a row
for Keeper's side and one for the destination's: version, the beginning of the keyed hash of
the value, size, time and author, as far as they are known. Values are not shown, and equal
ones have equal hashes; keeper sync resolve decides. -o json has the whole hashes.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			destinations, err := chosen(cmd.Context(), c, environment, destination)
			if err != nil {
				return err
			}
			return e.printHolds(cmd.Context(), c, destinations)
		},
	}
	cmd.Flags().StringVarP(&environment, "environment", "e", "", "only this environment, by name or id")
	cmd.Flags().StringVarP(&destination, "destination", "d", "", "only this destination, by name or id")
	return cmd
}

func (e *env) printHolds(ctx context.Context, c *client.Client, destinations []api.Destination) error {
	all := []api.Hold{}
	var rows [][]any
	for _, d := range destinations {
		for after := int64(0); ; {
			list, err := c.ListHolds(ctx, d.ID, api.ListHoldsParams{After: after})
			if err != nil {
				return err
			}
			if len(list.Items) == 0 {
				break
			}
			for _, hold := range list.Items {
				secret, err := c.GetSecret(ctx, hold.SecretID)
				if err != nil {
					return err
				}
				rows = append(rows, bothSides(secret.Name, d.Name, hold)...)
				after = hold.SecretID
			}
			all = append(all, list.Items...)
		}
	}
	return e.print(all, func(w io.Writer) {
		if len(rows) == 0 {
			fmt.Fprintln(w, "Nothing waits for a person.")
			return
		}
		grid(w, []string{"secret", "destination", "state", "side", "version", "hash", "bytes", "changed", "by", "why"}, rows)
	})
}

// bothSides are the rows of a difference: Keeper's side, and the destination's, which does not
// say who wrote there.
func bothSides(secret, destination string, h api.Hold) [][]any {
	keeper := []any{secret, destination, h.Status, "keeper", h.Version, "", "", "", h.KeeperBy, h.Why}
	if h.KeeperHash != "" {
		keeper[5], keeper[6], keeper[7] = fingerprint(h.KeeperHash), h.KeeperSize, moment(h.KeeperAt)
	}
	remote := []any{secret, destination, h.Status, "remote", h.RemoteVersion, "", "", moment(h.RemoteChangedAt), "", ""}
	switch {
	case h.RemoteVersion == "":
		remote[4], remote[9] = "none", "Nothing is there."
	case h.RemoteHash == "":
		remote[9] = "The value there was not read."
	default:
		remote[5], remote[6] = fingerprint(h.RemoteHash), h.RemoteSize
	}
	return [][]any{keeper, remote}
}

// fingerprint is the beginning of a keyed hash in hex, enough to compare two by eye, as pages
// show it.
func fingerprint(hash string) string { return hash[:min(len(hash), 12)] }

func (e *env) syncResolveCommand() *cobra.Command {
	var environment, destination string
	var keeper, remote bool
	cmd := &cobra.Command{
		Use: "resolve SECRET", Short: "Decide a difference: Keeper's value counts, or the destination's", Args: cobra.ExactArgs(1),
		Long: `Decide a difference that waits for a person. With --keeper, Keeper's value is written at the
destination; with --remote, the destination's becomes a new version in Keeper and reaches
the other destinations. The other value stays restorable. The decision counts only for the
two versions that stand now: what changes meanwhile is asked about again.`,
		Example: `  keeper sync resolve payments/db/password -e production -d aws-main --keeper`,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			side := "keeper"
			if remote {
				side = "remote"
			}
			return e.resolve(cmd.Context(), c, environment, destination, args[0], side)
		},
	}
	cmd.Flags().StringVarP(&environment, "environment", "e", "", "the secret's environment, by name or id")
	cmd.Flags().StringVarP(&destination, "destination", "d", "", "the destination, by name or id")
	cmd.Flags().BoolVar(&keeper, "keeper", false, "Keeper's value counts")
	cmd.Flags().BoolVar(&remote, "remote", false, "the destination's value counts")
	cmd.MarkFlagsOneRequired("keeper", "remote")
	cmd.MarkFlagsMutuallyExclusive("keeper", "remote")
	_ = cmd.MarkFlagRequired("environment") // the flags exist
	_ = cmd.MarkFlagRequired("destination")
	return cmd
}

func (e *env) resolve(ctx context.Context, c *client.Client, environment, destination, name, side string) error {
	destinations, err := chosen(ctx, c, environment, destination)
	if err != nil {
		return err
	}
	if len(destinations) != 1 {
		return fault.New(fault.Invalid, "%s names %d destinations.", destination, len(destinations)).WithHint("Give the destination's id.")
	}
	secret, err := c.FindSecret(ctx, api.EnvironmentNamed(environment), name, false)
	if err != nil {
		return err
	}
	hold, err := c.GetHold(ctx, destinations[0].ID, secret.ID)
	if err != nil {
		return err
	}
	ruling := api.Ruling{Side: side, Version: hold.Version, RemoteVersion: hold.RemoteVersion}
	if err := c.Rule(ctx, destinations[0].ID, secret.ID, ruling); err != nil {
		return err
	}
	e.say("Decided; the next pass, which begins at once, carries it out.")
	return nil
}

// syncPauseCommand stops writing to destinations, or goes on.
func (e *env) syncPauseCommand(pause bool) *cobra.Command {
	var environment, destination string
	cmd := &cobra.Command{
		Use: "resume", Short: "Go on writing to destinations", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			destinations, err := chosen(cmd.Context(), c, environment, destination)
			if err != nil {
				return err
			}
			for i, d := range destinations {
				set, done := c.ResumeDestination, "resumed"
				if pause {
					set, done = c.PauseDestination, "paused"
				}
				if destinations[i], err = set(cmd.Context(), d.ID); err != nil {
					return err
				}
				e.say("%s is %s.", d.Name, done)
			}
			return nil
		},
	}
	if pause {
		cmd.Use, cmd.Short = "pause", "Stop writing to destinations, until they are resumed"
	}
	cmd.Flags().StringVarP(&environment, "environment", "e", "", "only this environment, by name or id")
	cmd.Flags().StringVarP(&destination, "destination", "d", "", "only this destination, by name or id")
	return cmd
}
