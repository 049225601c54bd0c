//go:build vaultcore

package vaulttest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestCoreInMemory(t *testing.T) {
	s := StartCore(t, CoreOptions{})
	if s.Mount != "secret" || s.CASMount != "secret-cas" || s.RoleID != "" || s.Dir != "" {
		t.Errorf("got %+v", s)
	}
	want(t, s, 200, "POST", "secret/data/a", `{"data":{"k":"v"},"options":{"cas":0}}`)
	want(t, s, 400, "POST", "secret/data/a", `{"data":{"k":"w"},"options":{"cas":0}}`)
	want(t, s, 400, "POST", "secret-cas/data/a", `{"data":{"k":"w"}}`)
	want(t, s, 404, "GET", "secret/data/missing", "")
}

func TestCoreAppRole(t *testing.T) {
	s := StartCore(t, CoreOptions{AppRole: true, AppRoleTTL: 3 * time.Second})
	login := fmt.Sprintf(`{"role_id":%q,"secret_id":%q}`, s.RoleID, s.SecretID)
	status, answer, err := call(t, s, "POST", "auth/approle/login", login)
	if err != nil || status != 200 {
		t.Fatalf("got %d, %v", status, err)
	}
	var body struct {
		Auth struct {
			ClientToken string `json:"client_token"`
		} `json:"auth"`
	}
	if err := json.Unmarshal([]byte(answer), &body); err != nil {
		t.Fatal(err)
	}
	s.Token = body.Auth.ClientToken
	want(t, s, 200, "POST", "secret/data/a", `{"data":{}}`)
	want(t, s, 403, "GET", "sys/mounts", "")
	for range 500 {
		if status, _, err := call(t, s, "GET", "secret/data/a", ""); err != nil {
			t.Fatal(err)
		} else if status == 403 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("the token did not end")
}

// TestCoreKeepsWhatItAcknowledged kills the core while it is written to, and wants every acknowledged version back.
func TestCoreKeepsWhatItAcknowledged(t *testing.T) {
	first := StartCore(t, CoreOptions{Storage: Raft})
	killed := make(chan struct{})
	written := 0
	for {
		if written == 20 {
			go func() {
				defer close(killed)
				first.Kill()
			}()
		}
		status, _, err := call(t, first, "POST", "secret/data/a", fmt.Sprintf(`{"data":{"n":%d}}`, written+1))
		if err != nil {
			break
		}
		if status != 200 {
			t.Fatalf("got %d", status)
		}
		written++
	}
	<-killed
	if written < 20 {
		t.Fatalf("ended by itself after %d writes", written)
	}
	again := StartCore(t, CoreOptions{Storage: Raft, Dir: first.Dir, Addr: strings.TrimPrefix(first.URL, "http://")})
	if again.URL != first.URL || again.Token != first.Token {
		t.Error("want the same address and token")
	}
	status, answer, err := call(t, again, "GET", "secret/data/a", "")
	if err != nil || status != 200 {
		t.Fatalf("got %d, %v", status, err)
	}
	var body struct {
		Data struct {
			Data     struct{ N int }
			Metadata struct{ Version int }
		}
	}
	if err := json.Unmarshal([]byte(answer), &body); err != nil {
		t.Fatal(err)
	}
	// The write whose answer was lost may have been carried out.
	if n := body.Data.Data.N; n < written || n > written+1 || n != body.Data.Metadata.Version {
		t.Errorf("got %+v after %d acknowledged writes", body.Data, written)
	}
}

func TestCoreFile(t *testing.T) {
	first := StartCore(t, CoreOptions{Storage: File})
	want(t, first, 200, "POST", "secret/data/a", `{"data":{}}`)
	first.Stop()
	want(t, StartCore(t, CoreOptions{Storage: File, Dir: first.Dir}), 200, "GET", "secret/data/a", "")
}
