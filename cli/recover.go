package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/your-org/keeper/app"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/keys"
	"github.com/your-org/keeper/kms/recovery"
)

func (e *env) kmsRecoverCommand() *cobra.Command {
	var environment, identity, to string
	cmd := &cobra.Command{
		Use: "recover", Short: "Bring everything back after a wrapping key was lost, with an offline recovery key", Args: cobra.NoArgs,
		Long: `Bring everything back after a wrapping key was lost, with an offline recovery key: each data key is
opened with the identity and wrapped for those for whom it should be. It works on the database
itself, with the settings that the server will run with; stop the server first. The key in those
settings, or the one of --to, is the wrapping key from now on. Doing it again goes on where it stood.

EXIT STATUS
  0  everything came back
  1  something does not open with this identity: it is named, and stays as it is`,
		Example: `  keeper kms recover --identity recovery.txt
  keeper kms recover --identity recovery.txt --environment production --to alias/keeper-new`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.recover(cmd.Context(), environment, identity, to)
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&environment, "environment", "e", "", "only this environment, by name or id")
	flags.StringVar(&identity, "identity", "", "file with the identity of the recovery key, as age-keygen writes it (required)")
	flags.StringVar(&to, "to", "", "the wrapping key from now on; default: the one in the settings")
	_ = cmd.MarkFlagRequired("identity") // the flag exists
	return cmd
}

func (e *env) recover(ctx context.Context, environment, identity, to string) error {
	held, err := readIdentity(identity)
	if err != nil {
		return err
	}
	defer clear(held)
	if held == nil {
		return fault.InvalidField("--identity", "must name a file")
	}
	backend, err := recovery.WithIdentities(bytes.NewReader(held))
	if err != nil {
		return err
	}
	a, actor, err := e.local(ctx, app.Options{Recover: true})
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }() // what was done is committed
	chosen, err := localEnvironment(ctx, a, actor, environment)
	if err != nil {
		return err
	}
	names, err := localNames(ctx, a, actor)
	if err != nil {
		return err
	}
	m := e.meter()
	report, err := a.Keys.Recover(ctx, actor, keys.RecoverOptions{Backend: backend, Environment: chosen, ToKey: to, Report: m.localProgress(names)})
	m.clear()
	if err != nil {
		return err
	}
	return e.showRecovered(report)
}

func (e *env) showRecovered(r keys.RecoverReport) error {
	e.sayLocalFindings(r.Findings)
	err := e.print(map[string]any{
		"environments": r.Environments, "data_keys": r.DataKeys, "versions": r.Versions, "removed": r.Removed, "findings": len(r.Findings),
	}, func(w io.Writer) {
		facts(w, "environments", fmt.Sprint(r.Environments), "data keys", fmt.Sprint(r.DataKeys), "versions opened", fmt.Sprint(r.Versions),
			"old wraps removed", fmt.Sprint(r.Removed), "not opened", fmt.Sprint(len(r.Findings)))
	})
	if err == nil && len(r.Findings) > 0 {
		return quietExit(exitFailed)
	}
	return err
}
