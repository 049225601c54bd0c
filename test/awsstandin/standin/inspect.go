package standin

import (
	"slices"
	"strings"
	"time"
)

// SecretState is what a test sees of a secret without calling AWS: no call is counted and no fault strikes.
type SecretState struct {
	Name        string
	ARN         string
	Description string
	KMSKeyID    string
	Tags        map[string]string
	Replicas    []string // regions
	// Stages maps each label to the version that has it.
	Stages map[string]string
	// Versions are oldest first.
	Versions []VersionState
	// Deleted is the end of the recovery window; zero for a live secret.
	Deleted time.Time
}

// VersionState is one version of a SecretState. Exactly one of Text and Binary is set.
type VersionState struct {
	ID      string
	Text    string
	Binary  []byte
	Created time.Time
}

// Current returns the version labelled AWSCURRENT, and false when there is none.
func (s SecretState) Current() (VersionState, bool) {
	i := slices.IndexFunc(s.Versions, func(v VersionState) bool { return v.ID == s.Stages[stageCurrent] })
	if i < 0 {
		return VersionState{}, false
	}
	return s.Versions[i], true
}

// Secret looks at a secret of the default account by name or ARN, deleted ones in their recovery window included.
func (s *Server) Secret(region, id string) (SecretState, bool) {
	found, err := s.region(s.opts.Account, region).secrets.get(id, s.clock.now())
	if err != nil {
		return SecretState{}, false
	}
	return stateOf(found), true
}

// Secrets looks at all secrets of an account's region, sorted by name.
func (s *Server) Secrets(account, region string) []SecretState {
	var states []SecretState
	now := s.clock.now()
	for _, kept := range s.region(account, region).secrets.all() {
		if !kept.purged(now) {
			states = append(states, stateOf(kept))
		}
	}
	slices.SortFunc(states, func(a, b SecretState) int { return strings.Compare(a.Name, b.Name) })
	return states
}

func stateOf(s *secret) SecretState {
	state := SecretState{
		Name: s.Name, ARN: s.ARN, Description: s.Description, KMSKeyID: s.KMSKeyID, Deleted: s.DeletedAt,
		Tags: make(map[string]string, len(s.Tags)), Stages: s.clone().Stages,
	}
	for _, r := range s.Replicas {
		state.Replicas = append(state.Replicas, r.Region)
	}
	for _, t := range s.Tags {
		state.Tags[t.Key] = t.Value
	}
	for _, v := range s.Versions {
		vs := VersionState{ID: v.ID, Binary: slices.Clone(v.Binary), Created: v.Created}
		if v.Text != nil {
			vs.Text = *v.Text
		}
		state.Versions = append(state.Versions, vs)
	}
	return state
}

// CreateKey makes a symmetric KMS key in the default account, with an alias unless that is empty, and returns its ARN.
func (s *Server) CreateKey(region, alias string) string { return s.CreateKeyFrom(region, alias, "") }

// CreateKeyFrom is CreateKey for a key whose material KMS did not make, and so does not rotate: of origin "EXTERNAL"
// (imported) or "AWS_CLOUDHSM" (a custom key store). It is enabled and works as any other.
func (s *Server) CreateKeyFrom(region, alias, origin string) string {
	kr := s.region(s.opts.Account, region).keys
	now := s.clock.now()
	k := kr.create(keySpec{origin: origin}, now)
	if alias != "" {
		kr.setAlias(alias, k.ID, now)
	}
	return kr.keyARN(k.ID)
}

// ResetState forgets all secrets, keys and temporary credentials; the keys of Options.KMSAliases are made anew.
func (s *Server) ResetState() {
	s.mu.Lock()
	clear(s.regions)
	s.mu.Unlock()
	s.sessions.clear()
	s.dirty.Store(true)
}

// Reset makes the server as it was when it was new.
func (s *Server) Reset() {
	s.ResetState()
	s.ClearFaults()
	s.ResetCalls()
	s.ResetClock()
}
