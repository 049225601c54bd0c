package main

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/vault/api"
)

const (
	mountName    = "secret"
	casMountName = "secret-cas"
	roleName     = "keeper"
	readyTimeout = 30 * time.Second
	readyProbe   = "keeper-core-ready"
)

// policy lets a role use the two mounts and nothing else; the default policy adds its own token.
const policy = `
path "secret/*"     { capabilities = ["create", "read", "update", "patch", "delete", "list"] }
path "secret-cas/*" { capabilities = ["create", "read", "update", "patch", "delete", "list"] }
`

// provision makes what is missing of mounts, auth methods and role, through Vault's own API.
func provision(ctx context.Context, url, token string, o options) (Ready, error) {
	client, err := newClient(url, token)
	if err != nil {
		return Ready{}, err
	}
	mounts := []string{mountName, casMountName}
	if err := enableMounts(ctx, client, mounts); err != nil {
		return Ready{}, err
	}
	if err := enableAuth(ctx, client, "approle", "jwt", "kubernetes"); err != nil {
		return Ready{}, err
	}
	ready := Ready{Addr: url, Token: token, Mount: mountName, Mounts: mounts, CASMount: casMountName}
	if o.appRole {
		ready.RoleID, ready.SecretID, err = makeRole(ctx, client, o.appRoleTTL)
	}
	return ready, err
}

func newClient(url, token string) (*api.Client, error) {
	config := api.DefaultConfig()
	if config.Error != nil {
		return nil, config.Error
	}
	config.Address, config.MaxRetries = url, 0
	client, err := api.NewClient(config)
	if err != nil {
		return nil, err
	}
	client.ClearNamespace()
	client.SetToken(token)
	return client, nil
}

func enableMounts(ctx context.Context, client *api.Client, paths []string) error {
	present, err := client.Sys().ListMountsWithContext(ctx)
	if err != nil {
		return err
	}
	for _, path := range paths {
		if present[path+"/"] == nil {
			input := &api.MountInput{Type: "kv", Options: map[string]string{"version": "2"}}
			if err := client.Sys().MountWithContext(ctx, path, input); err != nil {
				return err
			}
		}
		if err := waitReady(ctx, client, path); err != nil {
			return err
		}
	}
	_, err = client.Logical().WriteWithContext(ctx, casMountName+"/config", map[string]any{"cas_required": true})
	return err
}

// waitReady returns when a write works: a new KV v2 mount refuses calls until its upgrade check is over.
func waitReady(ctx context.Context, client *api.Client, mount string) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for {
		err := probe(ctx, client.KVv2(mount))
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("mount %s not ready: %w", mount, err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// probe writes a name and removes every trace of it, and of a probe that was cut off.
func probe(ctx context.Context, kv *api.KVv2) error {
	if err := kv.DeleteMetadata(ctx, readyProbe); err != nil {
		return err
	}
	if _, err := kv.Put(ctx, readyProbe, map[string]any{"ready": "yes"}, api.WithCheckAndSet(0)); err != nil {
		return err
	}
	return kv.DeleteMetadata(ctx, readyProbe)
}

func enableAuth(ctx context.Context, client *api.Client, kinds ...string) error {
	present, err := client.Sys().ListAuthWithContext(ctx)
	if err != nil {
		return err
	}
	for _, kind := range kinds {
		if present[kind+"/"] != nil {
			continue
		}
		if err := client.Sys().EnableAuthWithOptionsWithContext(ctx, kind, &api.EnableAuthOptions{Type: kind}); err != nil {
			return err
		}
	}
	return nil
}

// makeRole writes the role, which keeps its identifier, and gives it a new secret identifier.
func makeRole(ctx context.Context, client *api.Client, ttl time.Duration) (roleID, secretID string, err error) {
	if err := client.Sys().PutPolicyWithContext(ctx, roleName, policy); err != nil {
		return "", "", err
	}
	path := "auth/approle/role/" + roleName
	role := map[string]any{"token_policies": roleName, "token_ttl": ttl.String()}
	if _, err := client.Logical().WriteWithContext(ctx, path, role); err != nil {
		return "", "", err
	}
	if roleID, err = field(client.Logical().ReadWithContext(ctx, path+"/role-id"))("role_id"); err != nil {
		return "", "", err
	}
	secretID, err = field(client.Logical().WriteWithContext(ctx, path+"/secret-id", nil))("secret_id")
	return roleID, secretID, err
}

// field reads one text out of an answer.
func field(answer *api.Secret, err error) func(name string) (string, error) {
	return func(name string) (string, error) {
		if err != nil {
			return "", err
		}
		if answer != nil {
			if text, ok := answer.Data[name].(string); ok {
				return text, nil
			}
		}
		return "", fmt.Errorf("Vault's answer has no %s", name) //nolint:staticcheck // a name
	}
}
