package main

import (
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/hashicorp/go-secure-stdlib/parseutil"
	"github.com/hashicorp/vault/sdk/logical"
)

var errDenied = errors.New("permission denied")

// token is the only one that the engine accepts: without an end it is a root token, else a renewable service token.
type token struct {
	id      string
	ttl     time.Duration
	now     func() time.Time
	created time.Time

	mu      sync.Mutex
	expires time.Time
	renewed time.Time
}

func newToken(id string, ttl time.Duration, now func() time.Time) *token {
	created := now()
	return &token{id: id, ttl: ttl, now: now, created: created, expires: created.Add(ttl)}
}

// accepts tells whether id is the token and has not ended.
func (t *token) accepts(id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return id == t.id && (t.ttl == 0 || t.now().Before(t.expires))
}

// renew lets the token live for increment from now, at most its TTL; 0 asks for the TTL.
func (t *token) renew(increment time.Duration) time.Duration {
	if increment <= 0 || increment > t.ttl {
		increment = t.ttl
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.renewed = t.now()
	t.expires = t.renewed.Add(increment)
	return increment
}

func (t *token) policies() []string {
	if t.ttl == 0 {
		return []string{"root"}
	}
	return []string{"default", "keeper"}
}

// lookup gives the fields of Vault's lookup-self.
func (t *token) lookup() map[string]any {
	t.mu.Lock()
	defer t.mu.Unlock()
	data := map[string]any{
		"id": t.id, "accessor": "engine-accessor", "type": "service", "path": "auth/token/create",
		"display_name": "token", "entity_id": "", "meta": nil, "num_uses": 0, "orphan": true, "policies": t.policies(),
		"creation_time": t.created.Unix(), "creation_ttl": int64(t.ttl.Seconds()), "explicit_max_ttl": 0,
		"expire_time": nil, "ttl": int64(0), "renewable": t.ttl > 0,
	}
	if t.ttl == 0 {
		data["path"], data["display_name"] = "auth/token/root", "root"
		return data
	}
	data["issue_time"] = t.created.UTC().Format(time.RFC3339Nano)
	data["expire_time"] = t.expires.UTC().Format(time.RFC3339Nano)
	data["ttl"] = int64(t.expires.Sub(t.now()).Seconds())
	if !t.renewed.IsZero() {
		data["last_renewal"] = t.renewed.UTC().Format(time.RFC3339Nano)
		data["last_renewal_time"] = t.renewed.Unix()
	}
	return data
}

// serveToken answers the paths below auth/token/; false means that path is none of them.
func (e *Engine) serveToken(w http.ResponseWriter, r *http.Request, path string) bool {
	switch {
	case path == "auth/token/lookup-self" && r.Method == http.MethodGet:
		respondJSON(w, http.StatusOK, &logical.HTTPResponse{Data: e.token.lookup(), MountType: "token"})
	case path == "auth/token/renew-self" && method(r) == http.MethodPost:
		e.renewSelf(w, r)
	default:
		return false
	}
	return true
}

func (e *Engine) renewSelf(w http.ResponseWriter, r *http.Request) {
	req, status, err := logicalRequest(r)
	if status != 0 {
		respondError(w, status, err)
		return
	}
	increment, err := parseutil.ParseDurationSecond(req.Data["increment"])
	if err != nil {
		respondError(w, http.StatusBadRequest, errors.New("increment is not a duration"))
		return
	}
	if e.token.ttl == 0 {
		respondError(w, http.StatusBadRequest, errors.New("invalid lease ID"))
		return
	}
	granted := e.token.renew(increment)
	respondJSON(w, http.StatusOK, &logical.HTTPResponse{RequestID: req.ID, MountType: "token", Auth: &logical.HTTPAuth{
		ClientToken: e.token.id, Accessor: "engine-accessor", Policies: e.token.policies(), TokenPolicies: e.token.policies(),
		LeaseDuration: int(granted.Seconds()), Renewable: true, TokenType: "service", Orphan: true,
	}})
}
