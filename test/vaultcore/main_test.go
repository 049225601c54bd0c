package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/vault/api"
)

// vaultRun is one run of the command, ended by end or by the test.
type vaultRun struct {
	Ready
	t      *testing.T
	cancel context.CancelFunc
	ended  chan error
}

func start(t *testing.T, args ...string) *vaultRun {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	v := &vaultRun{t: t, cancel: cancel, ended: make(chan error, 1)}
	out, stdout := io.Pipe()
	go func() {
		err := run(ctx, append([]string{"-addr", "127.0.0.1:0", "-log-level", "off"}, args...), nil, stdout, io.Discard)
		stdout.CloseWithError(errors.Join(err, io.EOF))
		v.ended <- err
	}()
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(line, &v.Ready); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.end)
	return v
}

func (v *vaultRun) end() {
	v.t.Helper()
	v.cancel()
	if err, open := <-v.ended; open {
		close(v.ended)
		if err != nil {
			v.t.Error(err)
		}
	}
}

func (v *vaultRun) client(token string) *api.Client {
	v.t.Helper()
	client, err := newClient(v.Addr, token)
	if err != nil {
		v.t.Fatal(err)
	}
	return client
}

// wantStatus fails the test unless err is Vault's answer with that status.
func wantStatus(t *testing.T, err error, status int) {
	t.Helper()
	var answer *api.ResponseError
	if !errors.As(err, &answer) || answer.StatusCode != status {
		t.Errorf("got %v, want status %d", err, status)
	}
}

func TestStorages(t *testing.T) {
	for _, storage := range []string{storageInmem, storageFile, storageRaft} {
		t.Run(storage, func(t *testing.T) {
			args := []string{"-storage", storage}
			if storage != storageInmem {
				args = append(args, "-dir", t.TempDir())
			}
			v := start(t, args...)
			kv := v.client(v.Token).KVv2(v.Mount)
			written, err := kv.Put(t.Context(), "app/key", map[string]any{"a": "1"}, api.WithCheckAndSet(0))
			if err != nil || written.VersionMetadata.Version != 1 {
				t.Fatalf("got %+v, %v", written, err)
			}
			read, err := kv.Get(t.Context(), "app/key")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(map[string]any{"a": "1"}, read.Data); diff != "" {
				t.Error(diff)
			}
			_, err = kv.Put(t.Context(), "app/key", map[string]any{"a": "2"}, api.WithCheckAndSet(0))
			wantStatus(t, err, 400)
			if err := kv.Delete(t.Context(), "app/key"); err != nil {
				t.Fatal(err)
			}
			deleted, err := kv.Get(t.Context(), "app/key")
			if err != nil || deleted.Data != nil || deleted.VersionMetadata.DeletionTime.IsZero() {
				t.Errorf("got %+v, %v", deleted, err)
			}
			if _, err := kv.Get(t.Context(), "missing"); !errors.Is(err, api.ErrSecretNotFound) {
				t.Errorf("got %v", err)
			}
			names, err := v.client(v.Token).Logical().ListWithContext(t.Context(), "secret/metadata")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]any{"app/"}, names.Data["keys"]); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCASRequired(t *testing.T) {
	v := start(t)
	kv := v.client(v.Token).KVv2(v.CASMount)
	_, err := kv.Put(t.Context(), "key", map[string]any{"a": "1"})
	wantStatus(t, err, 400)
	if _, err := kv.Put(t.Context(), "key", map[string]any{"a": "1"}, api.WithCheckAndSet(0)); err != nil {
		t.Error(err)
	}
}

func TestRestart(t *testing.T) {
	for _, storage := range []string{storageFile, storageRaft} {
		t.Run(storage, func(t *testing.T) {
			args := []string{"-storage", storage, "-dir", t.TempDir(), "-approle"}
			first := start(t, args...)
			if _, err := first.client(first.Token).KVv2(first.Mount).Put(t.Context(), "key", map[string]any{"a": "1"}); err != nil {
				t.Fatal(err)
			}
			first.end()
			if _, err := http.Get(first.Addr + "/v1/sys/health"); err == nil {
				t.Error("it still answers")
			}
			second := start(t, args...)
			if second.Token != first.Token || second.RoleID != first.RoleID || second.SecretID == first.SecretID {
				t.Error("want the same token and role, and a new secret identifier")
			}
			read, err := second.client(second.Token).KVv2(second.Mount).Get(t.Context(), "key")
			if err != nil || read.Data["a"] != "1" || read.VersionMetadata.Version != 1 {
				t.Errorf("got %+v, %v", read, err)
			}
			info, err := os.Stat(keysPath(args[3]))
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("got %v, %v", info.Mode(), err)
			}
		})
	}
	t.Run("KeysMissing", func(t *testing.T) {
		dir := t.TempDir()
		start(t, "-storage", "file", "-dir", dir).end()
		if err := os.Remove(keysPath(dir)); err != nil {
			t.Fatal(err)
		}
		err := run(t.Context(), []string{"-addr", "127.0.0.1:0", "-storage", "file", "-dir", dir}, nil, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), filepath.Base(keysPath(dir))) {
			t.Errorf("got %v", err)
		}
	})
}

func TestAppRole(t *testing.T) {
	v := start(t, "-approle", "-approle-ttl", "90s")
	login, err := v.client("").Logical().WriteWithContext(t.Context(), "auth/approle/login",
		map[string]any{"role_id": v.RoleID, "secret_id": v.SecretID})
	if err != nil {
		t.Fatal(err)
	}
	if login.Auth.LeaseDuration != 90 || !login.Auth.Renewable {
		t.Errorf("got a lease of %d s, renewable %v", login.Auth.LeaseDuration, login.Auth.Renewable)
	}
	client := v.client(login.Auth.ClientToken)
	for _, mount := range v.Mounts {
		kv := client.KVv2(mount)
		if _, err := kv.Put(t.Context(), "key", map[string]any{"a": "1"}, api.WithCheckAndSet(0)); err != nil {
			t.Error(err)
		}
		if _, err := kv.Patch(t.Context(), "key", map[string]any{"b": "2"}, api.WithCheckAndSet(1)); err != nil {
			t.Error(err)
		}
		if err := kv.DeleteMetadata(t.Context(), "key"); err != nil {
			t.Error(err)
		}
	}
	if _, err := client.Auth().Token().RenewSelfWithContext(t.Context(), 60); err != nil {
		t.Error(err)
	}
	_, err = client.Sys().ListMountsWithContext(t.Context())
	wantStatus(t, err, 403)
	_, err = client.Logical().ReadWithContext(t.Context(), "elsewhere/data/key")
	wantStatus(t, err, 403)
	_, err = v.client("").Logical().WriteWithContext(t.Context(), "auth/approle/login",
		map[string]any{"role_id": v.RoleID, "secret_id": "wrong"})
	wantStatus(t, err, 400)
}

func TestAuthMethods(t *testing.T) {
	v := start(t)
	methods, err := v.client(v.Token).Sys().ListAuthWithContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"approle", "jwt", "kubernetes"} {
		if methods[kind+"/"] == nil || methods[kind+"/"].Type != kind {
			t.Errorf("%s: got %+v", kind, methods[kind+"/"])
		}
	}
}

func TestRefuses(t *testing.T) {
	for name, args := range map[string][]string{
		"UnknownStorage": {"-storage", "paper"},
		"NoDir":          {"-storage", "raft"},
		"DirUnused":      {"-dir", t.TempDir()},
		"BadAddress":     {"-addr", "127.0.0.1:notaport"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout strings.Builder
			if err := run(t.Context(), args, nil, &stdout, io.Discard); err == nil || stdout.Len() > 0 {
				t.Errorf("got %v and %q", err, stdout.String())
			}
		})
	}
}

func TestEndsWithStdin(t *testing.T) {
	stdin, holder := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(t.Context(), []string{"-addr", "127.0.0.1:0", "-log-level", "off", "-end-with-stdin"}, stdin, io.Discard, io.Discard)
	}()
	select {
	case err := <-ended:
		t.Fatalf("ended before stdin: %v", err)
	case <-time.After(time.Second):
	}
	holder.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
