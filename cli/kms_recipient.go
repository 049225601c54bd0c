package cli

import (
	"cmp"
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/fault"
)

func (e *env) recipientsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "recipients", Short: "For whom the data keys of an environment are wrapped"}
	cmd.AddCommand(e.recipientsListCommand(), e.recipientsAddCommand(), e.recipientsRemoveCommand())
	return cmd
}

// recipientFlags name a recipient of an environment.
type recipientFlags struct {
	environment, kms, recovery string
	detach                     bool
}

func (r *recipientFlags) bind(cmd *cobra.Command) *cobra.Command {
	flags := cmd.Flags()
	bindEnvironment(cmd, &r.environment)
	flags.StringVar(&r.kms, "kms", "", "ARN of a KMS key, in another region or account")
	flags.StringVar(&r.recovery, "recovery", "", "age recipient of an offline key: age1…")
	flags.BoolVar(&r.detach, "detach", false, "do not wait")
	cmd.PreRunE = func(*cobra.Command, []string) error { return r.check() }
	cmd.MarkFlagsMutuallyExclusive("kms", "recovery")
	cmd.MarkFlagsOneRequired("kms", "recovery")
	return cmd
}

// check keeps an identity that was taken for its recipient on this machine.
func (r *recipientFlags) check() error {
	if strings.Contains(strings.ToUpper(r.key()), "AGE-SECRET-KEY-") {
		return fault.InvalidField("--recovery", "must be the recipient, age1…, and not the identity: that one is secret, and now stands in this shell's history; make a new pair")
	}
	return nil
}

func bindEnvironment(cmd *cobra.Command, environment *string) {
	cmd.Flags().StringVarP(environment, "environment", "e", "", "environment, by name or id (required)")
	_ = cmd.MarkFlagRequired("environment") // the flag exists
}

func (r *recipientFlags) kind() api.RecipientKind {
	if r.kms != "" {
		return api.RecipientKMS
	}
	return api.RecipientRecovery
}

func (r *recipientFlags) key() string { return cmp.Or(r.kms, r.recovery) }

func (e *env) recipientsListCommand() *cobra.Command {
	var environment string
	cmd := &cobra.Command{
		Use: "list", Short: "List them, and when each was last proved to open a sample", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			keys, err := c.ListEnvironmentKeys(cmd.Context(), api.EnvironmentNamed(environment))
			if err != nil {
				return err
			}
			return e.print(keys.Items, func(w io.Writer) {
				var rows [][]any
				for _, k := range keys.Items {
					for _, u := range k.Usages {
						rows = append(rows, []any{u.Role, k.Kind, cmp.Or(k.ID, k.Name), u.Label, u.DataKeys, u.Missing, provedAt(u.Drill)})
					}
				}
				grid(w, []string{"role", "kind", "key", "label", "data keys", "missing", "last proved"}, rows)
			})
		},
	}
	bindEnvironment(cmd, &environment)
	return cmd
}

func (e *env) recipientsAddCommand() *cobra.Command {
	var r recipientFlags
	var label string
	cmd := &cobra.Command{
		Use: "add", Short: "Wrap every data key of an environment for one more, which then opens everything alone", Args: cobra.NoArgs,
		Long: `Wrap every data key of an environment for one more, which then opens everything alone: a KMS key
in another region, or an offline recovery key. It is tried first. Interrupting the command does
not stop the run that wraps the data keys.` + runExits,
		Example: `  keeper kms recovery-key --out recovery.txt
  keeper kms recipients add -e production --recovery age1… --label "safe in Zürich"
  keeper kms recipients add -e production --kms arn:aws:kms:eu-west-1:111122223333:key/…`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			c, err := e.client()
			if err != nil {
				return err
			}
			run, err := c.AddRecipient(ctx, api.EnvironmentNamed(r.environment), api.NewRecipient{Kind: r.kind(), Key: r.key(), Label: label})
			if err != nil {
				return err
			}
			return e.see(ctx, c, []api.KeyRun{run}, r.detach)
		},
	}
	cmd.Flags().StringVar(&label, "label", "", "for people: where it is, who has it")
	return r.bind(cmd)
}

func (e *env) recipientsRemoveCommand() *cobra.Command {
	var r recipientFlags
	cmd := &cobra.Command{
		Use: "remove", Short: "Wrap the data keys of an environment for one less", Args: cobra.NoArgs,
		Long: `Wrap the data keys of an environment for one less. Whoever copied the database before can still
open that copy with it: where it may have been stolen, run "keeper kms reencrypt" too.` + runExits,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			c, err := e.client()
			if err != nil {
				return err
			}
			run, err := c.RemoveRecipient(ctx, api.EnvironmentNamed(r.environment), api.RemoveRecipientParams{Kind: r.kind(), Key: r.key()})
			if err != nil {
				return err
			}
			return e.see(ctx, c, []api.KeyRun{run}, r.detach)
		},
	}
	return r.bind(cmd)
}

func (e *env) kmsDrillCommand() *cobra.Command {
	var environment, identity string
	cmd := &cobra.Command{
		Use: "drill", Short: "Prove that each recipient alone opens a sample", Args: cobra.NoArgs,
		Long: `Prove that each recipient of an environment alone opens a sample. Those in KMS are tried by the
server. An offline one is tried here, with its identity: the file never leaves this machine, only
the proof that it opened the sample does. Without --identity offline ones are left untried.

EXIT STATUS
  0  each that was tried opened it
  1  one did not`,
		Example: `  keeper kms drill -e production
  keeper kms drill -e production --identity recovery.txt`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.drill(cmd.Context(), environment, identity)
		},
	}
	bindEnvironment(cmd, &environment)
	cmd.Flags().StringVar(&identity, "identity", "", "file with the identity of an offline recipient, as age-keygen writes it")
	return cmd
}

func (e *env) drill(ctx context.Context, environment, identity string) error {
	c, err := e.client()
	if err != nil {
		return err
	}
	held, err := readIdentity(identity)
	if err != nil {
		return err
	}
	defer clear(held)
	all, err := c.Drill(ctx, api.EnvironmentNamed(environment))
	if err != nil {
		return err
	}
	for i := range all.Items {
		if all.Items[i], err = answered(ctx, c, environment, held, all.Items[i]); err != nil {
			return err
		}
	}
	err = e.print(all.Items, func(w io.Writer) {
		rows := make([][]any, len(all.Items))
		for i, r := range all.Items {
			rows[i] = []any{drillState(r), r.Kind, r.ID, r.Label, sentence(r.Error, r.Hint)}
		}
		grid(w, []string{"opens", "kind", "recipient", "label", "why"}, rows)
	})
	if err != nil {
		return err
	}
	return e.concludeDrill(all.Items, identity)
}

// concludeDrill says what was left untried, and ends with the exit code of a drill.
func (e *env) concludeDrill(results []api.DrillResult, identity string) error {
	failed := false
	for _, r := range results {
		switch {
		case r.Challenge != nil && identity == "":
			e.say("%s was not tried. Give its identity with: --identity FILE", printable(r.ID))
		case r.Challenge != nil:
			e.say("%s was not tried: its identity is not in %s.", printable(r.ID), identity)
		case !r.OK:
			failed = true
		}
	}
	if failed {
		return quietExit(exitFailed)
	}
	return nil
}

func drillState(r api.DrillResult) string {
	switch {
	case r.OK:
		return "yes"
	case r.Challenge != nil:
		return "not tried"
	default:
		return "NO"
	}
}

// answered answers the challenge of a result by an identity that is held here. A challenge
// that no held identity is for stays.
func answered(ctx context.Context, c *client.Client, environment string, held []byte, r api.DrillResult) (api.DrillResult, error) {
	if r.Challenge == nil || len(held) == 0 {
		return r, nil
	}
	answer, err := answerChallenge(held, *r.Challenge)
	if answer == nil || err != nil {
		return failedDrill(r, err), nil
	}
	proved, err := c.AnswerDrill(ctx, api.EnvironmentNamed(environment), api.DrillAnswer{
		Recipient: r.Challenge.Recipient, DataKeyID: r.Challenge.DataKeyID, Nonce: r.Challenge.Nonce, Answer: answer,
	})
	return proved, err
}

// failedDrill is a result whose identity did not open the sample; without an error it is one
// that was not tried.
func failedDrill(r api.DrillResult, err error) api.DrillResult {
	if err == nil {
		return r
	}
	r.Challenge, r.Error, r.Hint = nil, err.Error(), ""
	return r
}
