package vaultkv

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

const (
	loginPath  = "auth/approle/login"
	lookupPath = "auth/token/lookup-self"
)

// session keeps the client signed in. With a fixed token there is nothing to do. With an
// AppRole it signs in at the first call, and again when the token has ended: that costs one
// call, where renewing would want a loop of its own.
type session struct {
	wire
	client           *api.Client
	roleID, secretID models.Plaintext

	mu         sync.Mutex // held while signing in, so that one does and the others wait
	generation int        // of the token; 0: none yet
	expires    time.Time  // zero: never
}

func (s *session) fixed() bool { return s.roleID.Len() == 0 }

// begin makes sure that there is a token, and returns its generation.
func (s *session) begin(ctx context.Context) (int, error) {
	if s.fixed() {
		return 0, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.generation > 0 && (s.expires.IsZero() || time.Now().Before(s.expires)) {
		return s.generation, nil
	}
	err := s.login(ctx)
	return s.generation, err
}

// renew signs in anew where the token of that generation has ended, and reports whether
// there is another one now: if not, the refusal stands.
func (s *session) renew(ctx context.Context, generation int) (bool, error) {
	if s.fixed() {
		return false, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.generation != generation {
		return true, nil // another call has signed in meanwhile
	}
	a, err := once(ctx, s.get(lookupPath))
	if err != nil {
		return false, unreachable(err, opLogin, "")
	}
	if a.status != http.StatusForbidden {
		return false, nil // the token lives
	}
	return true, s.login(ctx)
}

func (s *session) login(ctx context.Context) error {
	credentials := map[string]string{"role_id": string(s.roleID.Reveal()), "secret_id": string(s.secretID.Reveal())}
	a, err := once(ctx, s.post(loginPath, credentials))
	if err != nil {
		return unreachable(err, opLogin, "")
	}
	if a.status == http.StatusBadRequest || a.status == http.StatusForbidden {
		return fault.New(fault.Forbidden, "Vault does not accept the AppRole's role id and secret id.").
			WithHint("Make a new secret id for the role, and check the namespace and that the role may sign in from here.")
	}
	var reply struct {
		Auth struct {
			ClientToken   string `json:"client_token"`
			LeaseDuration int    `json:"lease_duration"` // seconds
		} `json:"auth"`
	}
	if !a.ok() || a.decode(&reply) != nil || reply.Auth.ClientToken == "" {
		return refused(a, opLogin, loginPath, "")
	}
	s.client.SetToken(reply.Auth.ClientToken)
	s.generation++
	s.expires = time.Time{}
	if lease := time.Duration(reply.Auth.LeaseDuration) * time.Second; lease > 0 {
		s.expires = time.Now().Add(lease * 9 / 10)
	}
	return nil
}
