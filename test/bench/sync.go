package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/app"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
)

// copies is how many secrets are synced where nothing else is said.
const copies = 10_000

// syncBench is a Keeper, as it is released, on SQLite and a local key, with destinations
// beside it.
type syncBench struct {
	*keyBench
	e api.Environment
}

// openSyncBench makes one with so many secrets, serving. Full passes begin only when asked for.
func openSyncBench(ctx context.Context, dir, binary string, many int) (*syncBench, error) {
	b, err := openBench(dir, binary,
		"KEEPER_MASTER_KEY_FILE="+filepath.Join(dir, "keeper.key"), "KEEPER_SYNC_INTERVAL=86400", "KEEPER_QUOTA_SHARE=1",
	)
	if err != nil {
		return nil, err
	}
	s := &syncBench{keyBench: b}
	if err := errors.Join(b.fill(ctx, many, 1), b.restart(ctx)); err != nil {
		b.close()
		return nil, err
	}
	s.e, err = b.client.GetEnvironment(ctx, api.EnvironmentNamed("bench"))
	if err != nil {
		b.close()
		return nil, err
	}
	return s, nil
}

// awsDestination is the stand-in, with the quotas that AWS publishes.
func (s *syncBench) awsDestination() api.NewDestination {
	return api.NewDestination{
		EnvironmentID: api.EnvironmentByID(s.e.ID), Name: "aws", Kind: "aws_secrets_manager",
		Config:      api.DestinationConfig{Region: homeRegion, Endpoint: s.url},
		Credentials: api.DestinationCredentials{AccessKeyID: api.NewValue("test"), SecretAccessKey: api.NewValue("test")},
	}
}

func (s *syncBench) vaultDestination(vault *vaultCore) api.NewDestination {
	return api.NewDestination{
		EnvironmentID: api.EnvironmentByID(s.e.ID), Name: "vault", Kind: "vault_kv_v2",
		Config:      api.DestinationConfig{Address: vault.URL, Mount: vault.Mount},
		Credentials: api.DestinationCredentials{VaultToken: api.NewValue(vault.Token)},
	}
}

// connect makes a destination, and waits for its first pass.
func (s *syncBench) connect(ctx context.Context, d api.NewDestination) (api.Destination, api.SyncRun, error) {
	made, err := s.client.CreateDestination(ctx, d)
	if err != nil {
		return made, api.SyncRun{}, err
	}
	run, err := s.newest(ctx, made.ID, func(api.SyncRun) bool { return true })
	return made, run, err
}

// pass asks for a full pass, and waits for it.
func (s *syncBench) pass(ctx context.Context, destination string) (api.SyncRun, error) {
	asked, err := s.client.SyncDestination(ctx, destination)
	if err != nil {
		return asked, err
	}
	return s.newest(ctx, destination, func(run api.SyncRun) bool { return run.ID == asked.ID })
}

// newest waits until a destination's newest run of a kind has ended well.
func (s *syncBench) newest(ctx context.Context, destination string, wanted func(api.SyncRun) bool) (api.SyncRun, error) {
	for {
		runs, err := s.client.ListRuns(ctx, api.ListRunsParams{DestinationID: destination, Limit: new(1)})
		if err != nil {
			return api.SyncRun{}, err
		}
		if len(runs.Items) > 0 && wanted(runs.Items[0]) && !runs.Items[0].FinishedAt.IsZero() {
			run := runs.Items[0]
			if run.Status != "succeeded" {
				err = fmt.Errorf("the run ended %s: %s", run.Status, run.Error)
			}
			return run, err
		}
		select {
		case <-ctx.Done():
			return api.SyncRun{}, ctx.Err()
		case <-time.After(250 * time.Millisecond): // seldom: the server answers beside the run
		}
	}
}

// changeAll gives every secret a new value, with a mark of its own, while the server is down.
func (s *syncBench) changeAll(ctx context.Context, mark string) error {
	return s.inside(ctx, func(a *app.App) error {
		var ids []models.SecretID
		query := secrets.Query{Environments: []models.EnvironmentID{models.EnvironmentID(s.e.ID)}, Limit: 200}
		for {
			page, err := a.Secrets.List(ctx, models.System(), query)
			if err != nil {
				return err
			}
			for _, one := range page.Secrets {
				ids = append(ids, one.ID)
			}
			if query.Cursor = page.Next; query.Cursor == "" {
				break
			}
		}
		return inParallel(64, len(ids), func(i int) error {
			value := models.NewPlaintext([]byte(strings.Replace(firstValue(i), "0", mark, 1)))
			_, err := a.Secrets.Update(ctx, models.System(), ids[i], secrets.Change{Value: &value}, 0)
			return err
		})
	})
}

// more makes further secrets while the server is down.
func (s *syncBench) more(ctx context.Context, from, to int) error {
	return s.inside(ctx, func(a *app.App) error {
		return inParallel(64, to-from, func(i int) error {
			_, err := a.Secrets.Create(ctx, models.System(), secrets.NewSecret{
				Environment: models.EnvironmentID(s.e.ID), Name: fmt.Sprintf("bench/%05d", from+i), Type: models.Text,
				Value: models.NewPlaintext([]byte(firstValue(from + i))),
			})
			return err
		})
	})
}
