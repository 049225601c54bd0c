package auth

import (
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"

	"github.com/jellydator/ttlcache/v3"

	"github.com/your-org/keeper/fault"
)

// Guessing is slowed per account and network: so many tries in a window, then none until it
// is over. It is keyed by both, so that nobody can lock another out from elsewhere.
const (
	attemptWindow  = 5 * time.Minute
	attemptLimit   = 10
	attemptEntries = 50_000 // remembered at once; beyond, the longest unused is forgotten
)

// attempts counts tries. A try counts from its beginning, so that many at once gain nothing.
type attempts struct {
	mu   sync.Mutex
	seen *ttlcache.Cache[string, *int] // by digest, since what was tried may be long
}

func newAttempts() *attempts {
	return &attempts{seen: ttlcache.New(
		ttlcache.WithTTL[string, *int](attemptWindow),
		ttlcache.WithCapacity[string, *int](attemptEntries),
		ttlcache.WithDisableTouchOnHit[string, *int](),
	)}
}

// begin counts a try and returns which one of the window it is, from 1. What is beyond the
// limit must be refused.
func (a *attempts) begin(key string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	item, _ := a.seen.GetOrSet(shortened(key), new(int))
	n := item.Value()
	*n = min(*n+1, attemptLimit+2)
	return *n
}

// undo takes a try back that was none.
func (a *attempts) undo(key string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if item := a.seen.Get(shortened(key)); item != nil {
		*item.Value()--
	}
}

// forget begins anew after a success.
func (a *attempts) forget(key string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seen.Delete(shortened(key))
}

// guarded runs a try of a password, unless there were too many: Throttled. Again is set
// where that was said in this window before, so that a flood of tries does not become a
// flood of records.
func (s *Service) guarded(account, address string, try func() error) (again bool, err error) {
	key := account + "\x00" + network(address)
	if n := s.tries.begin(key); n > attemptLimit {
		return n > attemptLimit+1, fault.New(fault.Throttled, "Too many sign-ins failed.").WithHint("Wait five minutes and try again.")
	}
	err = try()
	switch {
	case err == nil:
		s.tries.forget(key)
	case !fault.Is(err, fault.Unauthenticated):
		s.tries.undo(key)
	}
	return false, err
}

// network is what one client can be told by: its address, or the /64 that an IPv6 client
// usually has for itself.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil || ip.Unmap().Is4() {
		return address
	}
	prefix, _ := ip.WithZone("").Prefix(64) // 64 fits every IPv6 address
	return prefix.String()
}

// shortened bounds the memory that a key takes, whatever was typed as a user name.
func shortened(key string) string {
	sum := sha256.Sum256([]byte(key))
	return string(sum[:])
}
