package scenario

import (
	"context"
	"fmt"
	"time"

	"github.com/your-org/keeper/api"
)

// eventually asks again and again until the answer is yes.
func eventually(ctx context.Context, what string, ask func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var last error
	for {
		yes, err := ask()
		if yes && err == nil {
			return nil
		}
		last = err
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited %s for %s in vain (last error: %w)", patience, what, last)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// settled waits until every copy of every secret is in sync, and says how long that took.
func (w *World) settled(ctx context.Context) (time.Duration, error) {
	start := time.Now()
	err := eventually(ctx, "every copy to be in sync", func() (bool, error) {
		want := 0
		for secret, err := range w.client.Secrets(ctx, api.ListSecretsParams{}) {
			if err != nil || secret.ID == 0 {
				return false, err
			}
			want += 2
		}
		got := 0
		for state, err := range w.client.States(ctx, api.ListStatesParams{}) {
			if err != nil {
				return false, err
			}
			if state.Status != "in_sync" || state.Pending {
				return false, nil
			}
			got++
		}
		return got == want, nil
	})
	return time.Since(start), err
}

func (w *World) find(ctx context.Context, environment, name string) (api.Secret, error) {
	return w.client.FindSecret(ctx, api.EnvironmentNamed(environment), name, false)
}

// compare holds Keeper's value against what the aws command and Vault's API answer.
func (w *World) compare(ctx context.Context, environment string, names ...string) error {
	for _, name := range names {
		secret, err := w.find(ctx, environment, name)
		if err != nil {
			return err
		}
		revealed, err := w.client.RevealSecret(ctx, secret.ID)
		if err != nil {
			return err
		}
		inAWS, err := w.AWS.read(ctx, environment+"/"+name)
		if err != nil {
			return err
		}
		inVault, err := w.Vault.read(ctx, environment+"/"+name)
		if err != nil {
			return err
		}
		if want := revealed.Value.Reveal(); inAWS != want || inVault != want {
			return fmt.Errorf("%s/%s differs: equal in AWS %t, equal in Vault %t", environment, name, inAWS == want, inVault == want)
		}
		w.Tell("   = %s/%s: %s and Vault's API answer Keeper's value.", environment, name, w.AWS.tool())
	}
	return nil
}

// compareAll holds every secret of Keeper against both destinations.
func (w *World) compareAll(ctx context.Context) error {
	compared := 0
	for _, environment := range environments {
		copies, err := w.AWS.all(ctx, environment+"/")
		if err != nil {
			return err
		}
		for secret, err := range w.client.Secrets(ctx, api.ListSecretsParams{EnvironmentID: []string{environment}}) {
			if err != nil {
				return err
			}
			revealed, err := w.client.RevealSecret(ctx, secret.ID)
			if err != nil {
				return err
			}
			name := environment + "/" + secret.Name
			inVault, err := w.Vault.read(ctx, name)
			if err != nil {
				return err
			}
			want := revealed.Value.Reveal()
			if copies[name] != want || inVault != want {
				return fmt.Errorf("%s differs: equal in AWS %t, equal in Vault %t", name, copies[name] == want, inVault == want)
			}
			delete(copies, name)
			compared++
		}
		if len(copies) > 0 {
			return fmt.Errorf("%d copies in AWS have no secret in Keeper", len(copies))
		}
	}
	w.Tell("   All %d secrets are equal in Keeper, AWS Secrets Manager and Vault.", compared)
	return nil
}

func seconds(d time.Duration) string { return d.Round(10 * time.Millisecond).String() }
