//go:build vaultcore

package vaultkv_test

import (
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/drivertest"
	"github.com/your-org/keeper/sync/vaultkv"
	"github.com/your-org/keeper/test/vaulttest"
)

func appRole(s *vaulttest.Server) func(*vaultkv.Options) {
	return func(o *vaultkv.Options) {
		o.RoleID, o.SecretID = models.NewPlaintext([]byte(s.RoleID)), models.NewPlaintext([]byte(s.SecretID))
	}
}

func TestCoreConformance(t *testing.T) {
	s := vaulttest.StartCore(t, vaulttest.CoreOptions{AppRole: true})
	for name, v := range map[string]vault{
		"Mount":       {s.URL, s.Token, s.Mount},
		"CASRequired": {s.URL, s.Token, s.CASMount},
	} {
		t.Run(name, func(t *testing.T) {
			drivertest.Run(t, func(t *testing.T) drivertest.Counterpart { return start(t, v, appRole(s)) })
		})
	}
}

// Tokens of the role end after two seconds and are not renewed: work goes on.
func TestCoreTokenEnds(t *testing.T) {
	s := vaulttest.StartCore(t, vaulttest.CoreOptions{AppRole: true, AppRoleTTL: 2 * time.Second})
	c := start(t, vault{s.URL, s.Token, s.Mount}, appRole(s))
	last := c.put(write(c, "x", "v", 1, keepersync.Remote{}))
	for i := range 5 {
		time.Sleep(time.Second)
		last = c.put(write(c, "x", "v"+string(rune('0'+i)), models.VersionNumber(i+2), last))
	}
	if got := c.Versions(c.Prefix() + "x"); got != 6 {
		t.Errorf("%d versions, want 6", got)
	}
}

// The policy in the package's documentation is enough, and each part of it is needed.
func TestCorePolicy(t *testing.T) {
	s := vaulttest.StartCore(t, vaulttest.CoreOptions{})
	const enough = `
		path "secret/data/keeper/*"     { capabilities = ["create", "read", "update"] }
		path "secret/metadata/keeper/*" { capabilities = ["read", "list", "patch"] }
		path "secret/delete/keeper/*"   { capabilities = ["update"] }
		path "secret/undelete/keeper/*" { capabilities = ["update"] }`
	t.Run("Enough", func(t *testing.T) {
		v := vault{s.URL, s.Token, s.Mount}
		drivertest.Run(t, func(t *testing.T) drivertest.Counterpart {
			return start(t, v, func(o *vaultkv.Options) { o.Token = policyToken(t, s, enough) })
		})
	})
	for name, c := range map[string]struct{ policy, missing string }{
		"Nothing": {`path "elsewhere/*" { capabilities = ["read"] }`, "list on secret/metadata/keeper/"},
		"NoRead": {
			`path "secret/metadata/keeper/*" { capabilities = ["list"] }`,
			"read on secret/metadata/keeper/",
		},
		"NoData": {
			`path "secret/metadata/keeper/*" { capabilities = ["list", "read", "patch"] }`,
			"read on secret/data/keeper/",
		},
		"NoWrite": {
			`path "secret/metadata/keeper/*" { capabilities = ["list", "read", "patch"] }
			path "secret/data/keeper/*" { capabilities = ["read"] }`,
			"create and update on secret/data/keeper/",
		},
		"NoUpdate": {
			`path "secret/metadata/keeper/*" { capabilities = ["list", "read", "patch"] }
			path "secret/data/keeper/*" { capabilities = ["read", "create"] }
			path "secret/delete/keeper/*" { capabilities = ["update"] }
			path "secret/undelete/keeper/*" { capabilities = ["update"] }`,
			"create and update on secret/data/keeper/",
		},
		"NoPatch": {
			`path "secret/metadata/keeper/*" { capabilities = ["list", "read"] }
			path "secret/data/keeper/*" { capabilities = ["read", "create", "update"] }`,
			"patch on secret/metadata/keeper/",
		},
		"NoDelete": {
			`path "secret/metadata/keeper/*" { capabilities = ["list", "read", "patch"] }
			path "secret/data/keeper/*" { capabilities = ["read", "create", "update"] }`,
			"update on secret/delete/keeper/",
		},
		"NoRestore": {
			`path "secret/metadata/keeper/*" { capabilities = ["list", "read", "patch"] }
			path "secret/data/keeper/*" { capabilities = ["read", "create", "update"] }
			path "secret/delete/keeper/*" { capabilities = ["update"] }`,
			"update on secret/undelete/keeper/",
		},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := vaultkv.New(vaultkv.Options{Address: s.URL, Mount: s.Mount, Prefix: "keeper/p/", Token: policyToken(t, s, c.policy)})
			if err != nil {
				t.Fatal(err)
			}
			wantKind(t, d.Check(t.Context()), fault.Forbidden, c.missing)
		})
	}
}

// A KV mount of version 1 is told from one of version 2, and keeps nothing of the check.
func TestCoreVersion1(t *testing.T) {
	s := vaulttest.StartCore(t, vaulttest.CoreOptions{})
	root := rootClient(t, s)
	if err := root.Sys().Mount("old", &api.MountInput{Type: "kv", Options: map[string]string{"version": "1"}}); err != nil {
		t.Fatal(err)
	}
	d, err := vaultkv.New(vaultkv.Options{Address: s.URL, Mount: "old", Token: models.NewPlaintext([]byte(s.Token))})
	if err != nil {
		t.Fatal(err)
	}
	wantKind(t, d.Check(t.Context()), fault.Invalid, "version 2")
	left, err := root.Logical().List("old")
	if err != nil || left != nil {
		t.Errorf("the check left %v behind (%v)", left, err)
	}
}

func TestCoreWrongSecretID(t *testing.T) {
	s := vaulttest.StartCore(t, vaulttest.CoreOptions{AppRole: true})
	d, err := vaultkv.New(vaultkv.Options{
		Address: s.URL, Mount: s.Mount,
		RoleID: models.NewPlaintext([]byte(s.RoleID)), SecretID: models.NewPlaintext([]byte("wrong")),
	})
	if err != nil {
		t.Fatal(err)
	}
	wantKind(t, d.Check(t.Context()), fault.Forbidden, "AppRole")
}

func rootClient(t *testing.T, s *vaulttest.Server) *api.Client {
	t.Helper()
	client, err := api.NewClient(&api.Config{Address: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	client.SetToken(s.Token)
	return client
}

func policyToken(t *testing.T, s *vaulttest.Server, policy string) models.Plaintext {
	t.Helper()
	root, name := rootClient(t, s), models.NewID("policy")
	if err := root.Sys().PutPolicy(name, policy); err != nil {
		t.Fatal(err)
	}
	made, err := root.Auth().Token().Create(&api.TokenCreateRequest{Policies: []string{name}})
	if err != nil {
		t.Fatal(err)
	}
	return models.NewPlaintext([]byte(made.Auth.ClientToken))
}
