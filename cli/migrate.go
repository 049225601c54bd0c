package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/app"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/keys"
	"github.com/your-org/keeper/models"
)

// rollbackFile is where the way back of a migration is written when no flag says otherwise.
// Its name is the same each time, so that a migration that was interrupted goes on in it.
const rollbackFile = "keeper-to-kms.rollback"

func (e *env) migrateCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "migrate", Short: "Move to AWS KMS and back, or here from the older Keeper"}
	cmd.AddCommand(e.toKMSCommand(), e.rollbackKMSCommand(), e.fromFernetCommand())
	return cmd
}

// localEnvironment is the id of the environment that a flag names; 0 for none.
func localEnvironment(ctx context.Context, a *app.App, actor models.Actor, named string) (models.EnvironmentID, error) {
	if named == "" {
		return 0, nil
	}
	found, err := a.Secrets.FindEnvironment(ctx, actor, named)
	return found.ID, err
}

// toKMS is what the flags of migrate to-kms say.
type toKMS struct {
	environment, rollback string
	dry, real             bool
	batch                 int
}

func (e *env) toKMSCommand() *cobra.Command {
	var m toKMS
	cmd := &cobra.Command{
		Use: "to-kms", Short: "Move data keys from the local master key to AWS KMS; shows only what it would do", Args: cobra.NoArgs,
		Long: `Move data keys from the local master key to AWS KMS. Without --no-dry-run it changes nothing and
shows what it would do, how many calls of KMS that takes, and how long.

It works on the database itself, beside a server or without one, with KEY_MANAGEMENT_BACKEND=kms,
KMS_KEY_ID or KMS_KEY_ALIAS, and the local master key as it was (KEEPER_MASTER_KEY, KEEPER_MASTER_KEY_FILE or
keeper.key). Restart the server with the same settings first: it then reads what stands under
either key.
Every version is opened under the new key before the old wrapped key is let go. What is let go
goes into the rollback file, which holds no plaintext and is authenticated. Interrupted, the same
command goes on where it stood.

EXIT STATUS
  0  done; of a dry run: it can be done
  1  something could not be moved and stays as it was; of a dry run: some environment cannot be moved now`,
		Example: `  keeper migrate to-kms
  keeper migrate to-kms --environment staging --no-dry-run`,
		RunE: func(cmd *cobra.Command, _ []string) error { return e.migrateToKMS(cmd.Context(), m) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&m.environment, "environment", "e", "", "only this environment, by name or id")
	flags.BoolVar(&m.dry, "dry-run", true, "show what would be done, and do none of it")
	flags.BoolVar(&m.real, "no-dry-run", false, "do it")
	flags.IntVar(&m.batch, "batch-size", 100, "data keys that are moved in one transaction, 1 to 200")
	flags.StringVar(&m.rollback, "rollback-file", rollbackFile, "where the way back is written")
	cmd.MarkFlagsMutuallyExclusive("dry-run", "no-dry-run")
	return cmd
}

func (e *env) migrateToKMS(ctx context.Context, m toKMS) error {
	if m.batch < 1 || m.batch > 200 {
		return fault.InvalidField("--batch-size", "must be between 1 and 200")
	}
	a, actor, err := e.local(ctx, app.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }() // what was done is committed
	if a.Config.KeyBackend != "kms" {
		return fault.New(fault.Invalid, "KEY_MANAGEMENT_BACKEND is %s: there is no KMS to move to. Nothing was changed.", a.Config.KeyBackend).
			WithHint("Set KEY_MANAGEMENT_BACKEND=kms and KMS_KEY_ID or KMS_KEY_ALIAS, leave the local master key where it is, and try again.")
	}
	environment, err := localEnvironment(ctx, a, actor, m.environment)
	if err != nil {
		return err
	}
	plan, err := a.Keys.PlanMigration(ctx, actor, environment)
	if err != nil {
		return err
	}
	if m.dry && !m.real {
		return e.showPlan(plan, a.Config.KMSRate)
	}
	e.sayPlan(plan, a.Config.KMSRate)
	return e.migrate(ctx, a, actor, keys.MigrateOptions{Environment: environment, BatchSize: m.batch, RollbackFile: m.rollback})
}

func (e *env) migrate(ctx context.Context, a *app.App, actor models.Actor, o keys.MigrateOptions) error {
	m := e.meter()
	names, err := localNames(ctx, a, actor)
	if err != nil {
		return err
	}
	o.Report = m.localProgress(names)
	report, err := a.Keys.Migrate(ctx, actor, o)
	m.clear()
	if err != nil {
		if ctx.Err() != nil {
			e.say("What was moved stays moved, and its way back is in %s. To go on: the same command again.", o.RollbackFile)
		}
		return err
	}
	e.sayLocalFindings(report.Findings)
	if report.Entries > 0 {
		e.say("The way back is in %s: keeper migrate rollback-kms %s", o.RollbackFile, o.RollbackFile)
		e.say("Keep it until you trust the new key, and the local master key as long as you keep backups of before.")
	}
	whole := len(report.Findings) == 0
	runs := make([]api.KeyRun, len(report.Runs))
	for i, p := range report.Runs {
		runs[i] = localRun(p)
		whole = whole && p.Status == models.KeyRunSucceeded
		if p.Error != "" {
			e.say("%s: %s", p.ID, printable(sentence(p.Error, p.Hint)))
		}
	}
	if err := e.printRuns(runs, names); err != nil || whole {
		return err
	}
	return quietExit(exitFailed)
}

func (e *env) rollbackKMSCommand() *cobra.Command {
	return &cobra.Command{
		Use: "rollback-kms FILE", Short: "Put the wrapped keys of before a migration back", Args: cobra.ExactArgs(1),
		Long: `Put the wrapped keys of before a migration back, from its rollback file, on the database itself.
The settings are those of the migration; once it is done, the server runs with the ones of before
it again. Doing it again changes nothing.

EXIT STATUS
  0  everything stands as it stood
  1  something does not: it is named, and stays as it is`,
		RunE: func(cmd *cobra.Command, args []string) error { return e.rollback(cmd.Context(), args[0]) },
	}
}

func (e *env) rollback(ctx context.Context, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "The rollback file %s cannot be read.", path).WithHint("Name the file that migrate to-kms wrote.")
	}
	defer func() { _ = f.Close() }() // nothing was written
	a, actor, err := e.local(ctx, app.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }() // what was done is committed
	names, err := localNames(ctx, a, actor)
	if err != nil {
		return err
	}
	m := e.meter()
	report, err := a.Keys.Rollback(ctx, actor, f, m.localProgress(names))
	m.clear()
	if err != nil {
		return err
	}
	for _, refused := range report.Refused {
		e.say("%s", printable(refused))
	}
	if report.Outside > 0 {
		e.say("%d data keys were made since the migration and stand under KMS alone. Keep the KMS key, or wrap them under the local key with: keeper kms rotate", report.Outside)
	}
	err = e.print(map[string]any{"data_keys": report.DataKeys, "standing": report.Standing, "refused": report.Refused, "outside": report.Outside}, func(w io.Writer) {
		facts(w, "put back", fmt.Sprint(report.DataKeys), "stood so already", fmt.Sprint(report.Standing), "left", fmt.Sprint(len(report.Refused)), "made since", fmt.Sprint(report.Outside))
	})
	if err == nil && len(report.Refused) > 0 {
		return quietExit(exitFailed)
	}
	return err
}

func localNames(ctx context.Context, a *app.App, actor models.Actor) (map[int64]string, error) {
	all, err := a.Secrets.Environments(ctx, actor)
	names := make(map[int64]string, len(all))
	for _, one := range all {
		names[int64(one.ID)] = one.Name
	}
	return names, err
}

func (e *env) sayLocalFindings(findings []models.KeyFinding) {
	for _, f := range findings {
		e.sayFinding(api.KeyFinding{Kind: api.KeyFindingKind(f.Kind), ObjectKind: f.ObjectKind, Object: f.Object, Problem: f.Problem})
	}
}

// localRun is a run as the API would tell it.
func localRun(p keys.Progress) api.KeyRun {
	return api.KeyRun{
		ID: string(p.ID), Kind: api.KeyRunKind(p.Kind), EnvironmentID: int64(p.EnvironmentID), FromKey: p.FromKey, ToKey: p.ToKey,
		Status: api.KeyRunStatus(p.Status), Total: p.Total, Done: p.Done, Failed: p.Failed, Calls: p.Calls, Remaining: p.KeyRun.Remaining,
		Rate: p.Rate, RemainingSeconds: int64(p.Remaining.Seconds()), Findings: p.Finding, Error: p.Error, Hint: p.Hint,
		CreatedAt: p.CreatedAt, CreatedBy: p.CreatedBy, StartedAt: orZero(p.StartedAt), UpdatedAt: p.UpdatedAt, FinishedAt: orZero(p.FinishedAt),
	}
}

func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// localProgress shows how far runs of this process are.
func (m *meter) localProgress(names map[int64]string) func(keys.Progress) {
	return func(p keys.Progress) {
		m.show(progressLine(environmentName(names, int64(p.EnvironmentID)), localRun(p)), now())
	}
}
