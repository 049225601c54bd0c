// Package scenario is Keeper's main job as a story with checks: secrets in two environments
// arrive in AWS Secrets Manager and in Vault, change, drift, go and come back, and survive a
// kill. The demo tells it; the end-to-end test holds it on every database.
package scenario

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/client"
)

// Many is how many secrets are under way when Keeper is killed.
const Many = 500

// patience bounds every wait.
const patience = 60 * time.Second

// World is where the story plays.
type World struct {
	Keeper *Keeper
	AWS    AWS
	Vault  Vault
	Tell   func(format string, args ...any) // a line for people
	client *client.Client
}

// environments are the two of the story.
var environments = []string{"staging", "production"}

// first are the secrets that the story begins with, in both environments.
func first(environment string) []api.NewSecret {
	secret := func(name, kind, value, description string) api.NewSecret {
		return api.NewSecret{
			EnvironmentID: api.EnvironmentNamed(environment), Name: name, SecretType: kind,
			Value: api.NewValue(value), Description: description, Owner: "payments team", Tags: api.Tags{"team": "payments"},
		}
	}
	return []api.NewSecret{
		secret("payments/db/password", "PASSWORD", "correct-horse-"+environment, "Password of the payments database"),
		secret("payments/stripe/api-key", "API_KEY", "sk_test_4f9a"+environment, "Key of the payment provider"),
		secret("payments/config", "JSON", `{"currency":"EUR","retries":3,"environment":"`+environment+`"}`, "Settings of the payments service"),
		secret("web/flags", "YAML", "checkout:\n  new: true\nenvironment: "+environment+"\n", "Feature flags"),
	}
}

type step struct {
	title string
	play  func(context.Context) error
}

func (w *World) steps() []step {
	return []step{
		{"Two environments, each synced to AWS Secrets Manager and to Vault", w.connect},
		{"Secrets are written once", w.create},
		{"One of them changes", w.update},
		{"Somebody changes copies behind Keeper's back", w.drift},
		{"A secret is deleted, and brought back", w.deleteAndUndelete},
		{fmt.Sprintf("Keeper is killed in the middle of syncing %d secrets", Many), w.kill},
		{"Everything is compared once more", w.compareAll},
	}
}

// Run plays the whole story and stops at the first thing that is not as it should be.
func (w *World) Run(ctx context.Context) error { return w.play(ctx, w.steps()) }

// Begin plays the story up to where everything has happened once, without the kill: a world
// that looks lived in.
func (w *World) Begin(ctx context.Context) error { return w.play(ctx, w.steps()[:5]) }

// Client is the API of the world's Keeper, once the story has begun.
func (w *World) Client() *client.Client { return w.client }

func (w *World) play(ctx context.Context, steps []step) error {
	for i, step := range steps {
		w.Tell("\n%d. %s", i+1, step.title)
		if err := step.play(ctx); err != nil {
			return fmt.Errorf("step %d (%s): %w", i+1, step.title, err)
		}
	}
	return nil
}

func (w *World) connect(ctx context.Context) error {
	if err := w.signIn(ctx); err != nil {
		return err
	}
	for _, name := range environments {
		if _, err := w.client.CreateEnvironment(ctx, api.NewEnvironment{Name: name}); err != nil {
			return err
		}
		for _, destination := range w.destinations(name) {
			if _, err := w.client.CreateDestination(ctx, destination); err != nil {
				return fmt.Errorf("connect %s of %s: %w", destination.Name, name, err)
			}
		}
		w.Tell("   %-11s → AWS Secrets Manager as %s/…, Vault KV v2 as %s/%s/…", name, name, w.Vault.Mount, name)
	}
	return nil
}

func (w *World) signIn(ctx context.Context) error {
	token, err := w.Keeper.NewToken(ctx)
	if err != nil {
		return err
	}
	w.client, err = client.New(w.Keeper.URL, token)
	return err
}

func (w *World) destinations(environment string) []api.NewDestination {
	return []api.NewDestination{
		{
			EnvironmentID: api.EnvironmentNamed(environment), Name: "aws", Kind: "aws_secrets_manager",
			Config: api.DestinationConfig{Region: w.AWS.Region, Endpoint: w.AWS.URL},
			Credentials: api.DestinationCredentials{
				AccessKeyID: api.NewValue(w.AWS.AccessKey), SecretAccessKey: api.NewValue(w.AWS.SecretKey),
			},
		},
		{
			EnvironmentID: api.EnvironmentNamed(environment), Name: "vault", Kind: "vault_kv_v2",
			Config:      api.DestinationConfig{Address: w.Vault.URL, Mount: w.Vault.Mount},
			Credentials: api.DestinationCredentials{VaultToken: api.NewValue(w.Vault.Token)},
		},
	}
}

func (w *World) create(ctx context.Context) error {
	for _, environment := range environments {
		for _, secret := range first(environment) {
			if _, err := w.client.CreateSecret(ctx, secret); err != nil {
				return err
			}
		}
	}
	took, err := w.settled(ctx)
	if err != nil {
		return err
	}
	w.Tell("   %d secrets, encrypted in Keeper's database, stood in both destinations %s after the last was saved.", len(environments)*len(first("")), seconds(took))
	return w.compare(ctx, "staging", "payments/db/password", "payments/stripe/api-key", "payments/config", "web/flags")
}

func (w *World) update(ctx context.Context) error {
	const name = "payments/stripe/api-key"
	secret, err := w.find(ctx, "production", name)
	if err != nil {
		return err
	}
	_, err = w.client.UpdateSecret(ctx, secret.ID, api.SecretChange{Value: api.NewValue("sk_live_rotated_9c1e"), Comment: "rotated"}, secret.Revision)
	if err != nil {
		return err
	}
	took, err := w.settled(ctx)
	if err != nil {
		return err
	}
	w.Tell("   production/%s: version 2 was in both destinations %s after it was saved.", name, seconds(took))
	return w.compare(ctx, "production", name)
}

func (w *World) drift(ctx context.Context) error {
	const name = "payments/db/password"
	if err := w.AWS.write(ctx, "production/"+name, "changed-in-the-console"); err != nil {
		return err
	}
	if err := w.Vault.write(ctx, "production/"+name, "changed-with-the-vault-command"); err != nil {
		return err
	}
	w.Tell("   production/%s was given another value with the aws command, and another in Vault.", name)
	secret, err := w.find(ctx, "production", name)
	if err != nil {
		return err
	}
	repaired, err := w.syncNow(ctx, "production")
	if err != nil {
		return err
	}
	if repaired != 2 {
		return fmt.Errorf("%d copies were repaired, want 2", repaired)
	}
	w.Tell("   The next pass saw both as drifted and wrote version %d again; what was there stays as an earlier version.", secret.Version)
	return w.compare(ctx, "production", name)
}

// syncNow runs a full pass over an environment's destinations and says how many copies were
// repaired.
func (w *World) syncNow(ctx context.Context, environment string) (repaired int, err error) {
	list, err := w.client.Sync(ctx, api.SyncRequest{EnvironmentID: api.EnvironmentNamed(environment)})
	if err != nil {
		return 0, err
	}
	for _, run := range list.Items {
		if run, err = w.finished(ctx, run.ID); err != nil {
			return 0, err
		}
		if run.Status != "succeeded" {
			return 0, fmt.Errorf("run %s ended %s: %s", run.ID, run.Status, run.Error)
		}
		repaired += run.Counts.Repaired
	}
	return repaired, nil
}

func (w *World) finished(ctx context.Context, id string) (api.SyncRun, error) {
	var run api.SyncRun
	err := eventually(ctx, "the run to end", func() (bool, error) {
		var err error
		run, err = w.client.GetRun(ctx, id)
		return !run.FinishedAt.IsZero(), err
	})
	return run, err
}

func (w *World) deleteAndUndelete(ctx context.Context) error {
	const name = "web/flags"
	secret, err := w.find(ctx, "staging", name)
	if err != nil {
		return err
	}
	deleted, err := w.client.DeleteSecret(ctx, secret.ID, secret.Revision)
	if err != nil {
		return err
	}
	gone := func() (bool, error) {
		inAWS, err := w.AWS.deleted(ctx, "staging/"+name)
		if err != nil || !inAWS {
			return false, err
		}
		return w.Vault.deleted(ctx, "staging/"+name)
	}
	if err := eventually(ctx, "both copies to be deleted", gone); err != nil {
		return err
	}
	w.Tell("   staging/%s is deleted; AWS keeps it for its recovery window, Vault as a deleted version, Keeper until %s.",
		name, deleted.UndeleteUntil.Format(time.DateOnly))
	if _, err := w.client.UndeleteSecret(ctx, secret.ID); err != nil {
		return err
	}
	if _, err := w.settled(ctx); err != nil {
		return err
	}
	w.Tell("   It is undeleted: both copies are back.")
	return w.compare(ctx, "staging", name)
}

func manyName(i int) string  { return fmt.Sprintf("bulk/secret-%03d", i) }
func manyValue(i int) string { return "bulk-value-" + strconv.Itoa(i*7919) }

func (w *World) kill(ctx context.Context) error {
	group, creating := errgroup.WithContext(ctx)
	group.SetLimit(16)
	for i := range Many {
		group.Go(func() error {
			_, err := w.client.CreateSecret(creating, api.NewSecret{
				EnvironmentID: api.EnvironmentNamed("staging"), Name: manyName(i), SecretType: "TEXT", Value: api.NewValue(manyValue(i)),
			})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	err := eventually(ctx, "the sync to be half way", func() (bool, error) {
		n, err := w.AWS.count(ctx, "staging/bulk/")
		return n > Many/20, err
	})
	if err != nil {
		return err
	}
	w.Keeper.Kill()
	there, err := w.AWS.count(ctx, "staging/bulk/")
	if err != nil {
		return err
	}
	if there >= Many {
		return fmt.Errorf("the sync was over before the kill: all %d secrets are there", there)
	}
	w.Tell("   Killed (SIGKILL) with %d of %d in AWS. Starting it again.", there, Many)
	if err := w.Keeper.Start(ctx); err != nil {
		return err
	}
	took, err := w.settled(ctx)
	if err != nil {
		return err
	}
	w.Tell("   It went on by itself and was done after %s.", seconds(took))
	return w.nothingTwice(ctx)
}

// nothingTwice checks that every one of the many secrets has exactly one version everywhere.
func (w *World) nothingTwice(ctx context.Context) error {
	for i := range Many {
		name := "staging/" + manyName(i)
		inAWS, err := w.AWS.versions(ctx, name)
		if err != nil {
			return err
		}
		inVault, err := w.Vault.versions(ctx, name)
		if err != nil {
			return err
		}
		if inAWS != 1 || inVault != 1 {
			return fmt.Errorf("%s has %d versions in AWS and %d in Vault, want 1 and 1", name, inAWS, inVault)
		}
	}
	w.Tell("   Nothing lost, nothing twice: each of the %d has one version in AWS and one in Vault.", Many)
	return nil
}
