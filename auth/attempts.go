package auth

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/jellydator/ttlcache/v3"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// limit is how many tries of something a window takes. They are counted in the database, for
// all replicas together; a try counts from its beginning, so that many at once gain nothing.
type limit struct {
	name   string
	most   int
	window time.Duration
}

var (
	// passwordLimit is per account and network, so that nobody can lock another out from
	// elsewhere; of a browser that the person signed in with before, and of a session, it is its own.
	passwordLimit = limit{"password", 10, 5 * time.Minute}
	// networkLimit is what a network may get wrong over all accounts: one password tried on many.
	networkLimit = limit{"network", 200, 5 * time.Minute}
	// Of IPv6, one customer has up to 65,536 networks of the size that is counted: the /48 around
	// them may get wrong what five of them may.
	widePasswordLimit = limit{"wide password", 50, 5 * time.Minute}
	wideNetworkLimit  = limit{"wide network", 1000, 5 * time.Minute}
	// Codes have a million values. They are counted per account from wherever they come: only
	// who knows the password, or holds a session, gets as far as a code, and it could try from
	// many networks and in many sign-ins. A right code begins nothing anew, so that the owner's
	// sign-ins give a guesser no further tries. Whoever knows the password has none of the
	// owner's browsers, which are counted each for itself.
	codeLimit      = limit{"code", 10, time.Hour}
	codeDailyLimit = limit{"code a day", 40, 24 * time.Hour}
	// passkeyLimit is how many sign-ins without a user name a network may begin.
	passkeyLimit = limit{"passkey", 200, 5 * time.Minute}
)

// refusedFor is how long a replica refuses on what it knows without asking the database.
const refusedFor = 10 * time.Second

// count is a counted try of a limit.
type count struct {
	limit
	key string
}

func (s *Service) slot(c count) string { return s.digest("attempt\x00" + c.name + "\x00" + c.key) }

// countTry counts a try in the slots up to the first that is over its limit, and returns by
// how much it is: up to 0 the try may be made.
func (s *Service) countTry(ctx context.Context, counts ...count) (over int, err error) {
	now := s.now()
	for _, c := range counts {
		if item := s.refused.Get(s.slot(c)); item != nil && now.Before(item.Value()) {
			return 2, nil
		}
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		for _, c := range counts { // always in one order, or two would wait for each other
			a, err := tx.CountAttempt(s.slot(c), now, c.window)
			if err != nil {
				return err
			}
			if over = a.Count - c.most; over > 0 {
				s.refused.Set(s.slot(c), now.Add(min(refusedFor, a.EndsAt.Sub(now))), ttlcache.DefaultTTL)
				return nil
			}
		}
		return nil
	})
	return over, err
}

// uncount takes a try back that was none.
func (s *Service) uncount(ctx context.Context, counts ...count) error {
	return s.store.Write(ctx, func(tx *store.Tx) error {
		for _, c := range counts {
			if err := tx.UncountAttempt(s.slot(c)); err != nil {
				return err
			}
		}
		return nil
	})
}

func tooMany() error {
	return fault.New(fault.Throttled, "Too many sign-ins failed.").WithHint("Wait five minutes and try again.")
}

// counted is what a try of a password counts in: what is shared with others, and what a right
// one begins anew.
type counted struct {
	shared []count
	own    count
}

func (c counted) all() []count { return append(slices.Clone(c.shared), c.own) }

// countedAt counts a try for an account by where it comes from: a device of that account's, or
// a network.
func countedAt(account, address string, d device) counted {
	if d.key != "" && d.user.Username == account {
		return counted{own: count{passwordLimit, d.key}}
	}
	near, wide := network(address), wideNetwork(address)
	c := counted{shared: []count{{networkLimit, near}}, own: count{passwordLimit, account + "\x00" + near}}
	if wide != "" {
		c.shared = append(c.shared, count{wideNetworkLimit, wide}, count{widePasswordLimit, account + "\x00" + wide})
	}
	return c
}

// countedIn counts a try of somebody who is signed in: strangers in the same network use none
// of it up.
func countedIn(actor models.Actor) counted {
	return counted{own: count{passwordLimit, "session\x00" + actor.SessionHash}}
}

// guarded runs a try of a password, unless there were too many: Throttled. Again is set
// where that was said in this window before, so that a flood of tries does not become a
// flood of records.
func (s *Service) guarded(ctx context.Context, c counted, try func() error) (again bool, err error) {
	over, err := s.countTry(ctx, c.all()...)
	if err != nil {
		return false, err
	}
	if over > 0 {
		return over > 1, tooMany()
	}
	err = try()
	var after error
	switch {
	case err == nil:
		after = s.store.Write(ctx, func(tx *store.Tx) error {
			for _, one := range c.shared {
				if err := tx.UncountAttempt(s.slot(one)); err != nil {
					return err
				}
			}
			return tx.DeleteAttempts(s.slot(c.own))
		})
	case !fault.Is(err, fault.Unauthenticated):
		after = s.uncount(context.WithoutCancel(ctx), c.all()...)
	}
	if err == nil {
		err = after
	}
	return false, err
}

// codesIn is what codes that are typed in an account's sessions are counted by: whoever has no
// more than the password uses none of them up.
func codesIn(actor models.Actor) string { return "session\x00" + string(actor.UserID) }

// guardedCode runs a try of a code, unless there were too many of what it is counted by.
func (s *Service) guardedCode(ctx context.Context, key string, try func() error) (again bool, err error) {
	counts := []count{{codeLimit, key}, {codeDailyLimit, key}}
	over, err := s.countTry(ctx, counts...)
	if err != nil {
		return false, err
	}
	if over > 0 {
		return over > 1, fault.New(fault.Throttled, "Too many codes were wrong.").
			WithHint("Wait an hour and try again, or use a passkey or a recovery code.")
	}
	err = try()
	if err != nil && fault.Is(err, fault.Unauthenticated) {
		return false, err
	}
	if after := s.uncount(context.WithoutCancel(ctx), counts...); err == nil {
		err = after
	}
	return false, err
}

// network is what one client can be told by: its address, or the /64 that an IPv6 client
// usually has for itself.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	if ip = ip.Unmap(); ip.Is4() { // however it was written
		return ip.String()
	}
	prefix, _ := ip.WithZone("").Prefix(64) // 64 fits every IPv6 address
	return prefix.String()
}

// wideNetwork is the /48 that an IPv6 client's provider may have given it as a whole; "" of
// other addresses.
func wideNetwork(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil || ip.Unmap().Is4() {
		return ""
	}
	prefix, _ := ip.WithZone("").Prefix(48) // 48 fits every IPv6 address
	return prefix.String()
}

// Records that were made a moment ago are not made again; forgetting one costs a record too
// many, so each replica remembers its own.
const (
	recordWindow  = 5 * time.Minute
	recordEntries = 50_000 // remembered at once; beyond, the longest unused is forgotten
)

// attempts counts what is recorded once a window.
type attempts struct {
	mu   sync.Mutex
	seen *ttlcache.Cache[string, *int]
}

func newAttempts() *attempts {
	return &attempts{seen: ttlcache.New(
		ttlcache.WithTTL[string, *int](recordWindow),
		ttlcache.WithCapacity[string, *int](recordEntries),
		ttlcache.WithDisableTouchOnHit[string, *int](),
	)}
}

// begin counts, and returns which one of the window it is, from 1 to 2 for all that follow.
func (a *attempts) begin(key string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	item, _ := a.seen.GetOrSet(key, new(int))
	n := item.Value()
	*n = min(*n+1, 2)
	return *n
}
