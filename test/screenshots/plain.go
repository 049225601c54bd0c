package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/test/scenario"
)

// failingPages are the pages that say something when everything fails, by their names in the
// usual world.
func failingPages(usual []page) []page {
	shown := []string{
		"dashboard", "secrets", "secret", "secret-versions", "environments", "environment", "destinations", "destination", "destination-runs",
		"sync", "runs", "alerts", "audit", "users", "search", "bulk-edit", "secret-new",
	}
	var all []page
	for _, p := range usual {
		if slices.Contains(shown, p.name) {
			all = append(all, page{"failing-" + p.name, p.path})
		}
	}
	return all
}

// listPages are the pages that every installation has, whatever is in it.
func listPages(world string) []page {
	var all []page
	for _, p := range []page{
		{"dashboard", "/"},
		{"secrets", "/secrets"},
		{"secrets-deleted", "/secrets/deleted"},
		{"environments", "/environments"},
		{"sync", "/sync"},
		{"runs", "/sync/runs"},
		{"alerts", "/alerts"},
		{"alert-channels", "/alerts/channels"},
		{"keys", "/keys"},
		{"audit", "/audit"},
		{"users", "/admin/users"},
		{"groups", "/admin/groups"},
		{"providers", "/admin/providers"},
		{"tokens", "/tokens"},
		{"profile", "/profile"},
	} {
		all = append(all, page{world + "-" + p.name, p.path})
	}
	return all
}

// plainWorlds are Keepers without counterparts: one in which there is nothing yet, and one
// with very many secrets.
func plainWorlds(ctx context.Context, w *scenario.World, o options, dir string) error {
	binary := filepath.Join(dir, "keeper") // build has built it
	empty, err := plainKeeper(ctx, binary, filepath.Join(dir, "empty"))
	if err != nil {
		return err
	}
	err = shoot(empty.URL, o, append(listPages("empty"),
		page{"empty-guide", "/environments/new?guide=true"}, page{"empty-search", "/search?q=x"}, page{"empty-secret-new", "/secrets/new"}))
	empty.Stop()
	if err != nil || o.many == 0 {
		return err
	}
	many, err := plainKeeper(ctx, binary, filepath.Join(dir, "many"))
	if err != nil {
		return err
	}
	defer many.Stop()
	if err := crowd(ctx, many, w.Vault, o.many); err != nil {
		return err
	}
	time.Sleep(counted)
	return shoot(many.URL, o, append(listPages("many"),
		page{"many-secrets-searched", "/secrets?q=service-077"}, page{"many-environment", "/environments/production"},
		page{"many-bulk", "/secrets/bulk?act=tag&all=true"}, page{"many-search", "/search?q=service-077"}))
}

// plainKeeper starts a Keeper on SQLite and a local key.
func plainKeeper(ctx context.Context, binary, dir string) (*scenario.Keeper, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	port := listener.Addr().(*net.TCPAddr).Port
	if err := errors.Join(listener.Close(), os.Mkdir(dir, 0o700)); err != nil {
		return nil, err
	}
	k := &scenario.Keeper{Binary: binary, Dir: dir, Port: port, Log: io.Discard, Env: []string{"KEEPER_ADMIN_PASSWORD=" + password}}
	return k, k.Start(ctx)
}

// crowd fills two environments with secrets of many services, and has one of them synced.
func crowd(ctx context.Context, k *scenario.Keeper, vault scenario.Vault, many int) error {
	token, err := k.NewToken(ctx)
	if err != nil {
		return err
	}
	c, err := client.New(k.URL, token)
	if err != nil {
		return err
	}
	environments := []string{"production", "staging"}
	for _, name := range environments {
		if _, err := c.CreateEnvironment(ctx, api.NewEnvironment{Name: name}); err != nil {
			return err
		}
	}
	kinds := []string{"PASSWORD", "API_KEY", "TEXT"}
	group, making := errgroup.WithContext(ctx)
	group.SetLimit(32)
	for i := range many {
		group.Go(func() error {
			_, err := c.CreateSecret(making, api.NewSecret{
				EnvironmentID: api.EnvironmentNamed(environments[i%2]), Name: fmt.Sprintf("service-%03d/part-%02d/key-%d", i/200, i/10%20, i%10),
				SecretType: kinds[i%3], Value: api.NewValue(fmt.Sprintf("value-%d", i)), Owner: fmt.Sprintf("team %d", i%17),
			})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	_, err = c.CreateDestination(ctx, api.NewDestination{
		EnvironmentID: api.EnvironmentNamed("staging"), Name: "vault", Kind: "vault_kv_v2",
		Config:      api.DestinationConfig{Address: vault.URL, Mount: vault.Mount, Prefix: "many/"},
		Credentials: api.DestinationCredentials{VaultToken: api.NewValue(vault.Token)},
	})
	return err
}
