package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/test/ports"
	"github.com/your-org/keeper/test/scenario"
	"github.com/your-org/keeper/test/vaulttest"
)

// side is one of the two servers, and how a secret is read and written there.
type side struct {
	name    string
	address string // host:port
	header  string // the line that authenticates
	pid     int

	method        string                  // of a write
	path          func(secret int) string // of secret 0, 1, …
	before, after string                  // what stands around the value in a write's body
	create        func(ctx context.Context, secret int, value string) error
	idle          int64 // resident memory before any load, in bytes
}

// get reads a secret, whose value must be this one.
func (s *side) get(secret int, value string) *call {
	return newCall(s, http.MethodGet, s.path(secret), "", "", `"value":"`+value+`"`)
}

// set writes a secret; the value is made new at each sending.
func (s *side) set(secret int, value string) *call {
	return newCall(s, s.method, s.path(secret), s.before+value+s.after, value, `"version":`)
}

// startKeeper starts Keeper on SQLite and a local key.
func startKeeper(ctx context.Context, dir, binary string) (*side, func(), error) {
	port, err := ports.Free()
	if err != nil {
		return nil, nil, err
	}
	keeper := &scenario.Keeper{
		Binary: binary, Dir: dir, Port: port, Log: os.Stderr, Env: []string{"KEEPER_ADMIN_PASSWORD=keeper-bench-password", "KEEPER_LOG_LEVEL=warn"},
	}
	if err := keeper.Start(ctx); err != nil {
		return nil, nil, err
	}
	s, err := keeperSide(ctx, keeper)
	if err != nil {
		keeper.Stop()
		return nil, nil, err
	}
	s.pid = keeper.PID()
	return s, keeper.Stop, nil
}

func keeperSide(ctx context.Context, keeper *scenario.Keeper) (*side, error) {
	token, err := keeper.NewToken(ctx)
	if err != nil {
		return nil, err
	}
	return newKeeperSide(ctx, keeper.URL, token)
}

// newKeeperSide makes an environment for the secrets on the Keeper at an address.
func newKeeperSide(ctx context.Context, url, token string) (*side, error) {
	c, err := client.New(url, token)
	if err != nil {
		return nil, err
	}
	environment, err := c.CreateEnvironment(ctx, api.NewEnvironment{Name: "bench", DisplayName: "Bench"})
	if err != nil {
		return nil, err
	}
	var ids []int64
	return &side{
		name: "Keeper", address: strings.TrimPrefix(url, "http://"), header: "Authorization: Bearer " + token,
		method: http.MethodPatch, before: `{"value":"`, after: `"}`,
		path: func(secret int) string { return fmt.Sprintf("/api/secrets/%d", ids[secret]) },
		create: func(ctx context.Context, secret int, value string) error {
			made, err := c.CreateSecret(ctx, api.NewSecret{
				Name: fmt.Sprintf("bench/%d", secret), SecretType: "PASSWORD", Value: api.NewValue(value),
				EnvironmentID: api.EnvironmentByID(environment.ID),
			})
			ids = append(ids, made.ID)
			return err
		},
	}, nil
}

// startVault starts Vault's core on raft storage.
func startVault(ctx context.Context, dir string) (*side, func(), error) {
	vault, err := vaulttest.Run(ctx, "vaultcore", "-addr", "127.0.0.1:0", "-storage", "raft", "-dir", filepath.Join(dir, "vault"))
	if err != nil {
		return nil, nil, err
	}
	stop := func() {
		if err := vault.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "Vault:", err)
		}
	}
	path := func(secret int) string { return fmt.Sprintf("/v1/%s/data/bench/%d", vault.Mount, secret) }
	return &side{
		name: "Vault", address: strings.TrimPrefix(vault.URL, "http://"), header: "X-Vault-Token: " + vault.Token, pid: vault.PID,
		method: http.MethodPost, before: `{"data":{"value":"`, after: `"}}`, path: path,
		create: func(ctx context.Context, secret int, value string) error {
			return vaultWrite(ctx, vault.URL+path(secret), vault.Token, value)
		},
	}, stop, nil
}

func vaultWrite(ctx context.Context, url, token, value string) error {
	body, err := json.Marshal(map[string]any{"data": map[string]string{"value": value}})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("X-Vault-Token", token)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	if answer.StatusCode != http.StatusOK {
		err = errors.Join(err, fmt.Errorf("vault answers %s", answer.Status))
	}
	return errors.Join(err, answer.Body.Close())
}

// buildKeeper builds Keeper as it is released.
func buildKeeper(ctx context.Context, dir string) (string, error) {
	binary := filepath.Join(dir, "keeper")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, ".")
	build.Env, build.Stderr = append(os.Environ(), "CGO_ENABLED=0"), os.Stderr
	if err := build.Run(); err != nil {
		return "", fmt.Errorf("building Keeper: %w", err)
	}
	return binary, nil
}
