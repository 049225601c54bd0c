package main

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/vault/api"
)

func TestKV(t *testing.T) {
	const name = "/v1/secret/data/app/key"

	t.Run("WriteReadVersions", func(t *testing.T) {
		s := newSite(t, Options{})
		s.want(200, s.call("POST", name, `{"data":{"n":12345678901234567890}}`))
		s.want(200, s.call("PUT", name, `{"data":{"n":"two"},"options":{"cas":1}}`))
		got := s.want(200, s.call("GET", name, ""))
		if got.at("data", "data", "n") != "two" || got.at("data", "metadata", "version") != 2.0 || got.at("mount_type") != "kv" {
			t.Errorf("got %v", got.body)
		}
		old := s.want(200, s.call("GET", name+"?version=1", ""))
		if old.at("data", "metadata", "version") != 1.0 {
			t.Errorf("got %v", old.body)
		}
		if cache := got.header.Get("Cache-Control"); cache != "no-store" {
			t.Errorf("Cache-Control %q", cache)
		}
	})
	t.Run("CheckAndSet", func(t *testing.T) {
		s := newSite(t, Options{})
		s.want(200, s.call("POST", name, `{"data":{"a":"1"},"options":{"cas":0}}`))
		s.want(400, s.call("POST", name, `{"data":{"a":"2"},"options":{"cas":0}}`))
		s.want(204, s.call("POST", "/v1/secret/config", `{"cas_required":true}`))
		s.want(400, s.call("POST", name, `{"data":{"a":"2"}}`))
	})
	t.Run("SoftDeleted", func(t *testing.T) {
		s := newSite(t, Options{})
		s.want(200, s.call("POST", name, `{"data":{"a":"1"}}`))
		s.want(204, s.call("DELETE", name, ""))
		gone := s.want(404, s.call("GET", name, ""))
		if gone.at("data", "metadata", "deletion_time") == "" || gone.at("data", "metadata", "version") != 1.0 {
			t.Errorf("a soft-deleted version has no body: %v", gone.body)
		}
		s.want(204, s.call("POST", "/v1/secret/undelete/app/key", `{"versions":[1]}`))
		s.want(200, s.call("GET", name, ""))
		s.want(204, s.call("POST", "/v1/secret/delete/app/key", `{"versions":[1]}`))
		s.want(204, s.call("PUT", "/v1/secret/destroy/app/key", `{"versions":[1]}`))
		destroyed := s.want(404, s.call("GET", name, ""))
		if destroyed.at("data", "metadata", "destroyed") != true {
			t.Errorf("got %v", destroyed.body)
		}
	})
	t.Run("Missing", func(t *testing.T) {
		s := newSite(t, Options{})
		for _, call := range [][2]string{
			{"GET", name},
			{"GET", "/v1/secret/metadata/app/key"},
			{"LIST", "/v1/secret/metadata/app"},
			{"GET", "/v1/secret/metadata?list=true"},
		} {
			got := s.want(404, s.call(call[0], call[1], ""))
			if diff := cmp.Diff(map[string]any{"errors": []any{}}, got.body); diff != "" {
				t.Errorf("%v: %s", call, diff)
			}
		}
	})
	t.Run("Metadata", func(t *testing.T) {
		s := newSite(t, Options{})
		meta := "/v1/secret/metadata/app/key"
		s.want(200, s.call("POST", name, `{"data":{"a":{"b":"1"}}}`))
		s.want(204, s.call("POST", meta, `{"custom_metadata":{"one":"1"}}`))
		s.want(204, s.call("PATCH", meta, `{"custom_metadata":{"two":"2"}}`, "Content-Type", mergePatch))
		got := s.want(200, s.call("GET", meta, ""))
		want := map[string]any{"one": "1", "two": "2"}
		if diff := cmp.Diff(want, got.at("data", "custom_metadata")); diff != "" {
			t.Error(diff)
		}
		sub := s.want(200, s.call("GET", "/v1/secret/subkeys/app/key", ""))
		if diff := cmp.Diff(map[string]any{"a": map[string]any{"b": nil}}, sub.at("data", "subkeys")); diff != "" {
			t.Error(diff)
		}
		s.want(204, s.call("DELETE", meta, ""))
		s.want(404, s.call("GET", meta, ""))
	})
	t.Run("List", func(t *testing.T) {
		s := newSite(t, Options{})
		for _, path := range []string{"app/key", "app/deep/er", "top"} {
			s.want(200, s.call("POST", "/v1/secret/data/"+path, `{"data":{"a":"1"}}`))
		}
		want := []any{"app/", "top"}
		for _, got := range []answer{
			s.call("LIST", "/v1/secret/metadata", ""),
			s.call("GET", "/v1/secret/metadata/?list=true", ""),
		} {
			if diff := cmp.Diff(want, s.want(200, got).at("data", "keys")); diff != "" {
				t.Error(diff)
			}
		}
	})
	t.Run("Patch", func(t *testing.T) {
		s := newSite(t, Options{})
		s.want(200, s.call("POST", name, `{"data":{"a":"1","b":"2"}}`))
		s.want(200, s.call("PATCH", name, `{"data":{"b":null,"c":"3"}}`, "Content-Type", mergePatch))
		got := s.want(200, s.call("GET", name, ""))
		if diff := cmp.Diff(map[string]any{"a": "1", "c": "3"}, got.at("data", "data")); diff != "" {
			t.Error(diff)
		}
		s.want(404, s.call("PATCH", name+"/other", `{"data":{}}`, "Content-Type", mergePatch))
		s.want(415, s.call("PATCH", name, `{"data":{}}`, "Content-Type", "application/json"))
	})
	t.Run("BadRequests", func(t *testing.T) {
		s := newSite(t, Options{})
		got := s.want(400, s.call("POST", name, `{"data":{"a":"hunter2`))
		if diff := cmp.Diff([]any{"error parsing JSON"}, got.at("errors")); diff != "" {
			t.Error(diff)
		}
		wrong := s.want(400, s.call("POST", name, `{"data":"hunter2"}`))
		if diff := cmp.Diff([]any{"internal error"}, wrong.at("errors")); diff != "" {
			t.Error(diff)
		}
		s.want(400, s.call("POST", name, `{}`))
		s.want(400, s.call("POST", name+"/", `{"data":{}}`))
		s.want(404, s.call("GET", "/v1/elsewhere/data/app", ""))
		s.want(404, s.call("GET", "/v1/secret/nothing/app", ""))
		s.want(404, s.call("GET", "/other", ""))
	})
}

func TestMounts(t *testing.T) {
	s := newSite(t, Options{Mounts: []string{"secret", "team/kv/"}})
	s.want(200, s.call("POST", "/v1/team/kv/data/a", `{"data":{"a":"1"}}`))
	s.want(404, s.call("GET", "/v1/secret/data/a", ""))
	owner := s.want(200, s.call("GET", "/v1/sys/internal/ui/mounts/team/kv/data/a", ""))
	if owner.at("data", "path") != "team/kv/" || owner.at("data", "options", "version") != "2" {
		t.Errorf("got %v", owner.body)
	}
	s.want(403, s.call("GET", "/v1/sys/internal/ui/mounts/elsewhere", ""))
	list := s.want(200, s.call("GET", "/v1/sys/mounts", ""))
	if list.at("data", "team/kv/", "type") != "kv" || list.at("secret/", "type") != "kv" {
		t.Errorf("got %v", list.body)
	}
	s.want(200, s.call("GET", "/v1/sys/mounts/team/kv", ""))
	s.want(400, s.call("GET", "/v1/sys/mounts/team", ""))

	for _, paths := range [][]string{{"a", "a/"}, {"/"}, {"sys/kv"}} {
		if _, err := New(t.Context(), Options{Mounts: paths}); err == nil {
			t.Errorf("mounts %v: no error", paths)
		}
	}
}

func TestVaultClient(t *testing.T) {
	s := newSite(t, Options{})
	kv := s.client.KVv2("secret")
	if _, err := kv.Put(t.Context(), "app", map[string]any{"a": "1"}, api.WithCheckAndSet(0)); err != nil {
		t.Fatal(err)
	}
	if _, err := kv.Put(t.Context(), "app", map[string]any{"a": "2"}, api.WithCheckAndSet(0)); err == nil {
		t.Error("a stale check-and-set was taken")
	}
	if err := kv.PatchMetadata(t.Context(), "app", api.KVMetadataPatchInput{CustomMetadata: map[string]any{"k": "v"}}); err != nil {
		t.Fatal(err)
	}
	if err := kv.Delete(t.Context(), "app"); err != nil {
		t.Fatal(err)
	}
	deleted, err := kv.Get(t.Context(), "app")
	if err != nil || deleted.Data != nil || deleted.VersionMetadata.Version != 1 {
		t.Errorf("got %+v, %v", deleted, err)
	}
	if _, err := kv.Get(t.Context(), "missing"); !errors.Is(err, api.ErrSecretNotFound) {
		t.Errorf("got %v", err)
	}
	health, err := s.client.Sys().Health()
	if err != nil || !health.Initialized || health.Sealed {
		t.Errorf("got %+v, %v", health, err)
	}
	if mounts, err := s.client.Sys().ListMounts(); err != nil || mounts["secret/"].Options["version"] != "2" {
		t.Errorf("got %v, %v", mounts, err)
	}
}

func TestToken(t *testing.T) {
	t.Run("Wrong", func(t *testing.T) {
		s := newSite(t, Options{})
		for _, token := range []string{"", "other"} {
			for _, path := range []string{"/v1/secret/data/a", "/v1/auth/token/lookup-self", "/v1/sys/mounts", "/v1/elsewhere"} {
				got := s.want(403, s.call("GET", path, "", "X-Vault-Token", token))
				if diff := cmp.Diff([]any{"permission denied"}, got.at("errors")); diff != "" {
					t.Error(diff)
				}
			}
		}
		s.want(200, s.call("GET", "/v1/sys/health", "", "X-Vault-Token", ""))
		s.want(200, s.call("GET", "/v1/auth/token/lookup-self", "", "X-Vault-Token", "", "Authorization", "Bearer root"))
	})
	t.Run("Root", func(t *testing.T) {
		s := newSite(t, Options{})
		got := s.want(200, s.call("GET", "/v1/auth/token/lookup-self", ""))
		if got.at("data", "ttl") != 0.0 || got.at("data", "renewable") != false {
			t.Errorf("got %v", got.body)
		}
		s.want(400, s.call("POST", "/v1/auth/token/renew-self", ""))
	})
	t.Run("Renewable", func(t *testing.T) {
		s := newSite(t, Options{TokenTTL: time.Hour})
		for body, want := range map[string]int{`{}`: 3600, `{"increment":"60s"}`: 60, `{"increment":7200}`: 3600} {
			got := s.want(200, s.call("POST", "/v1/auth/token/renew-self", body))
			if got.at("auth", "lease_duration") != float64(want) || got.at("auth", "renewable") != true {
				t.Errorf("%s: got %v", body, got.body)
			}
		}
		s.want(400, s.call("POST", "/v1/auth/token/renew-self", `{"increment":"soon"}`))
		secret, err := s.client.Auth().Token().RenewSelf(60)
		if err != nil || secret.Auth.ClientToken != "root" || secret.Auth.LeaseDuration != 60 {
			t.Errorf("got %+v, %v", secret, err)
		}
	})
	t.Run("Ends", func(t *testing.T) {
		now := time.Unix(1_800_000_000, 0)
		token := newToken("root", time.Minute, func() time.Time { return now })
		now = now.Add(59 * time.Second)
		if !token.accepts("root") {
			t.Error("ended early")
		}
		token.renew(30 * time.Second)
		now = now.Add(29 * time.Second)
		if !token.accepts("root") {
			t.Error("ended in spite of the renewal")
		}
		now = now.Add(time.Second)
		if token.accepts("root") {
			t.Error("did not end")
		}
	})
}

func TestPathsAreCleanedAsVaultDoes(t *testing.T) {
	s := newSite(t, Options{})
	s.want(200, s.call("POST", "/v1/secret/data/a", `{"data":{}}`))
	s.want(http.StatusBadRequest, s.call("GET", "/v1/secret/data/a%00b", ""))
	s.want(200, s.call("GET", "/v1/secret//data/a", "")) // by a redirect
}
