// Package standin is a stateful stand-in for AWS Secrets Manager, AWS KMS and the little of AWS STS that clients of
// the two need. It speaks their wire protocols to the real SDKs and to the aws command, on one port, so that drivers
// are tested over HTTP with real clients, under AWS's quotas and with faults that AWS shows only on bad days.
//
// It is for tests and demonstrations: it checks no signatures, and keeps values unencrypted in memory.
package standin

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// DefaultAccount is the account of every access key that Options.Accounts does not name.
const DefaultAccount = "123456789012"

// Options configure a Server. The zero value is a fast and consistent AWS with one account and no quotas.
type Options struct {
	// Account is the account of access keys that Accounts does not name; DefaultAccount when empty.
	Account string
	// Accounts maps access key ids to twelve-digit accounts.
	Accounts map[string]string
	// Roles are the roles whose external id AssumeRole checks. Any other role can be assumed by anybody.
	Roles []Role
	// KMSAliases are aliases ("alias/keeper") that exist in every account and region, each with a key of its own.
	KMSAliases []string
	// Quotas are requests per second by API family, counted per account and region; nil for none. See RealQuotas.
	Quotas map[string]float64
	// Latency is added to every call.
	Latency time.Duration
	// KMSLatency is added to every call of KMS, besides Latency.
	KMSLatency time.Duration
	// ListDelay is how old the state is that ListSecrets, and BatchGetSecretValue with filters, see.
	ListDelay time.Duration
	// ForceDeleteDelay is how long a secret deleted without recovery keeps its name; 0 frees it at once.
	ForceDeleteDelay time.Duration
	// Seed seeds the faults that hit a share of calls.
	Seed uint64
}

// Role is a role that can be assumed.
type Role struct {
	ARN string
	// ExternalID is what AssumeRole must be given; empty for no check.
	ExternalID string
}

// Server is the stand-in. It is an http.Handler, safe for concurrent use.
type Server struct {
	// URL is where Start listens: "http://127.0.0.1:port". Empty for a Server that New made.
	URL string

	opts     Options
	clock    clock
	faults   *faultTable
	calls    *callLog
	quotas   *quotas
	sessions *sessions
	dirty    atomic.Bool
	// replication is the status that replicas in a region show, where it is not InSync.
	replication sync.Map

	closing   chan struct{}
	closeOnce sync.Once

	mu      sync.Mutex
	regions map[regionKey]*region
}

// New returns an empty Server. Close it when it is no longer served.
func New(opts Options) *Server {
	if opts.Account == "" {
		opts.Account = DefaultAccount
	}
	return &Server{
		opts:     opts,
		faults:   newFaultTable(opts.Seed),
		calls:    newCallLog(),
		quotas:   newQuotas(opts.Quotas),
		sessions: newSessions(),
		closing:  make(chan struct{}),
		regions:  make(map[regionKey]*region),
	}
}

// Close ends the calls that a fault keeps hanging.
func (s *Server) Close() { s.closeOnce.Do(func() { close(s.closing) }) }

// ServeHTTP answers AWS calls at any path, and the admin endpoint below /_standin/.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if isAdmin(r.URL.Path) {
		s.serveAdmin(w, r)
		return
	}
	s.serveAWS(w, r)
}

type regionKey struct{ account, name string }

// region is all that one account has in one region.
type region struct {
	regionKey
	secrets *secretStore
	keys    *keyring
}

// region returns the account's region, which begins to exist when it is first asked for.
func (s *Server) region(account, name string) *region {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := regionKey{account, name}
	if r := s.regions[key]; r != nil {
		return r
	}
	r := s.newRegion(key)
	s.regions[key] = r
	return r
}

func (s *Server) newRegion(key regionKey) *region {
	r := &region{regionKey: key, secrets: newSecretStore(key, s.opts.ListDelay), keys: newKeyring(key)}
	s.makeKeys(r)
	return r
}

// makeKeys gives a region the keys of Options.KMSAliases that it does not have yet.
func (s *Server) makeKeys(r *region) {
	now := s.clock.now()
	for _, alias := range s.opts.KMSAliases {
		if _, err := r.keys.get(alias, now); err != nil {
			k := r.keys.create(keySpec{description: "made at the start for " + alias}, now)
			r.keys.setAlias(alias, k.ID, now)
			s.dirty.Store(true)
		}
	}
}

func (s *Server) allRegions() []*region {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*region, 0, len(s.regions))
	for _, r := range s.regions {
		all = append(all, r)
	}
	return all
}
