package vaultkv

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/hashicorp/vault/api"
)

const (
	lookupPath = "auth/token/lookup-self"
	renewPath  = "auth/token/renew-self"

	lookAgain = 10 * time.Minute // after Vault did not tell of a fixed token
)

// session keeps the client signed in. A token near its end is renewed, where Vault lets it;
// else, and where it has ended, Keeper signs in again, unless the token was given. A loop of
// its own is not needed: who calls finds out what is due.
type session struct {
	wire
	client *api.Client
	login  login // the zero one: the token was given

	mu         sync.Mutex // held while signing in, so that one does and the others wait
	generation int        // of the token; 0: none yet, or nothing known of a given one
	renewable  bool
	renewAt    time.Time // zero: never
	expires    time.Time // zero: never
}

// begin makes sure that there is a token, and returns its generation.
func (s *session) begin(ctx context.Context) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	switch due := !s.renewAt.IsZero() && !time.Now().Before(s.renewAt); {
	case s.login.none() && (s.generation == 0 || due):
		s.attendGiven(ctx)
	case s.generation == 0:
		err = s.signIn(ctx)
	case due:
		err = s.attend(ctx)
	}
	return s.generation, err
}

// attendGiven looks after a token that was given: what is wrong with it shows in the call
// that follows.
func (s *session) attendGiven(ctx context.Context) {
	switch {
	case !s.renewable:
		s.learn(ctx)
	case !s.renew(ctx):
		s.renewAt = time.Now().Add(min(lookAgain, time.Until(s.expires)/4))
	}
	s.generation = 1
}

// attend renews a token that is near its end, or replaces it. Where neither succeeds, the
// token serves as long as it lives.
func (s *session) attend(ctx context.Context) error {
	if s.renewable && time.Now().Before(s.expires) && s.renew(ctx) {
		return nil
	}
	err := s.signIn(ctx)
	if err != nil && time.Now().Before(s.expires) {
		s.renewAt = s.expires
		return nil
	}
	return err
}

// lease notes how long the token lives, and when to look after it: with a third left, or,
// where it cannot be renewed, a tenth.
func (s *session) lease(lease time.Duration, renewable bool) {
	s.renewable, s.renewAt, s.expires = renewable, time.Time{}, time.Time{}
	if lease <= 0 {
		return
	}
	now := time.Now()
	s.expires, s.renewAt = now.Add(lease), now.Add(lease*9/10)
	if renewable {
		s.renewAt = now.Add(lease * 2 / 3)
	}
}

// learn asks how long a given token lives. Where Vault does not tell it is asked later; what
// is wrong shows in the call that follows.
func (s *session) learn(ctx context.Context) {
	a, err := s.once(ctx, s.get(lookupPath))
	var reply struct {
		Data *struct {
			TTL       int  `json:"ttl"` // seconds; 0: for ever
			Renewable bool `json:"renewable"`
		} `json:"data"`
	}
	if err != nil || !a.ok() || a.decode(&reply) != nil || reply.Data == nil {
		s.renewable, s.renewAt = false, time.Now().Add(lookAgain)
		return
	}
	s.lease(time.Duration(reply.Data.TTL)*time.Second, reply.Data.Renewable)
	if !reply.Data.Renewable {
		s.renewAt = time.Time{}
	}
}

// renew prolongs the token, and reports whether that gave it time: a token that nears its
// longest life is given less and less, and is replaced.
func (s *session) renew(ctx context.Context) bool {
	left := time.Until(s.expires)
	a, err := s.once(ctx, s.post(renewPath, map[string]any{}))
	var reply authReply
	if err != nil || !a.ok() || a.decode(&reply) != nil || reply.Auth.LeaseDuration <= 0 {
		return false
	}
	lease := time.Duration(reply.Auth.LeaseDuration) * time.Second
	if !s.login.none() && lease <= left {
		return false
	}
	s.lease(lease, reply.Auth.Renewable)
	return true
}

// replace signs in anew where the token of that generation has ended, and reports whether
// there is another one now: if not, the refusal stands.
func (s *session) replace(ctx context.Context, generation int) (bool, error) {
	if s.login.none() {
		return false, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.generation != generation {
		return true, nil // another call has signed in meanwhile
	}
	a, err := s.once(ctx, s.get(lookupPath))
	if err != nil {
		return false, unreachable(err, opLogin, "")
	}
	if a.status != http.StatusForbidden {
		return false, nil // the token lives
	}
	return true, s.signIn(ctx)
}

type authReply struct {
	Auth struct {
		ClientToken   string `json:"client_token"`
		LeaseDuration int    `json:"lease_duration"` // seconds
		Renewable     bool   `json:"renewable"`
	} `json:"auth"`
}

func (s *session) signIn(ctx context.Context) error {
	body, err := s.login.body()
	if err != nil {
		return err
	}
	path := s.login.path()
	a, err := s.once(ctx, s.post(path, body))
	if err != nil {
		return unreachable(err, opLogin, "")
	}
	if a.status == http.StatusBadRequest || a.status == http.StatusForbidden {
		return s.login.refused()
	}
	var reply authReply
	if !a.ok() || a.decode(&reply) != nil || reply.Auth.ClientToken == "" {
		return refused(a, opLogin, path, "")
	}
	s.client.SetToken(reply.Auth.ClientToken)
	s.generation++
	s.lease(time.Duration(reply.Auth.LeaseDuration)*time.Second, reply.Auth.Renewable)
	return nil
}
