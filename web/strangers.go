package web

import (
	"context"
	"crypto/sha256"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/jellydator/ttlcache/v3"
	"golang.org/x/time/rate"

	"github.com/your-org/keeper/static"
)

const (
	// strangersBurst is how many seconds' worth of requests may come at once.
	strangersBurst = 10
	strangersKept  = 50_000 // networks and credentials remembered at once; the longest unused go first
	networkMemory  = time.Minute
	// friendMemory is for how long a credential that was good passes without being counted.
	// Whether it still is good is asked each time, behind this.
	friendMemory = 10 * time.Minute
	// widely is how many times as many requests all the networks of an IPv6 /48 may make, which
	// one customer may have.
	widely = 16
)

// strangers bounds how many requests of people and programs that nobody knows a network may
// make, so that they do not keep the database from the others. It is cheap and each replica's
// own; what protects accounts is counted in the database.
type strangers struct {
	perSecond int
	networks  *ttlcache.Cache[string, *rate.Limiter]
	friends   *ttlcache.Cache[[sha256.Size]byte, struct{}]
}

// newStrangers is nil, which bounds nothing, where there is no limit.
func newStrangers(perSecond int) *strangers {
	if perSecond <= 0 {
		return nil
	}
	return &strangers{
		perSecond: perSecond,
		networks:  ttlcache.New(ttlcache.WithTTL[string, *rate.Limiter](networkMemory), ttlcache.WithCapacity[string, *rate.Limiter](strangersKept)),
		friends: ttlcache.New(
			ttlcache.WithTTL[[sha256.Size]byte, struct{}](friendMemory), ttlcache.WithCapacity[[sha256.Size]byte, struct{}](strangersKept),
			ttlcache.WithDisableTouchOnHit[[sha256.Size]byte, struct{}](),
		),
	}
}

// guard counts the requests that come with nothing that was good a while ago, and refuses
// those that are too many before anything is looked up for them.
func (w *Web) guardStrangers(next http.Handler) http.Handler {
	s := w.strangers
	if s == nil {
		return next
	}
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" || strings.HasPrefix(r.URL.Path, static.Prefix) { // out of memory
			next.ServeHTTP(rw, r)
			return
		}
		credential, any := w.credential(r)
		if any && s.friends.Get(credential) != nil {
			next.ServeHTTP(rw, r)
			return
		}
		if !s.allow(w.Origin.Address(r)) {
			rw.Header().Set("Retry-After", "1")
			http.Error(rw, "Too many requests come from this network without being signed in. Wait a second and try again.", http.StatusTooManyRequests)
			return
		}
		good := false
		rec := &recorder{ResponseWriter: rw}
		next.ServeHTTP(rec, r.WithContext(context.WithValue(r.Context(), goodKey{}, &good)))
		if any && (good || isAPI(r.URL.Path) && rec.status != http.StatusUnauthorized && rec.status < http.StatusInternalServerError) {
			s.friends.Set(credential, struct{}{}, ttlcache.DefaultTTL)
		}
	})
}

func isAPI(path string) bool { return strings.HasPrefix(path, "/api/") }

type goodKey struct{}

// wasGood notes that what the request came with stands for somebody. The API says so by its
// status: it asks for a token before all else.
func wasGood(r *http.Request) {
	if good, ok := r.Context().Value(goodKey{}).(*bool); ok {
		*good = true
	}
}

// credential is the hash of what a request says who it is with.
func (w *Web) credential(r *http.Request) (sum [sha256.Size]byte, any bool) {
	if isAPI(r.URL.Path) {
		text := r.Header.Get("Authorization")
		return sha256.Sum256([]byte("a" + text)), text != ""
	}
	cookie, err := r.Cookie(w.cookieName(r, "keeper"))
	if err != nil || cookie.Value == "" {
		return sum, false
	}
	return sha256.Sum256([]byte("c" + cookie.Value)), true
}

// allow takes one of the network's requests, and of the wider one's around it.
func (s *strangers) allow(address string) bool {
	near, wide := networks(address)
	return s.take(near, 1) && (wide == "" || s.take(wide, widely))
}

func (s *strangers) take(network string, times int) bool {
	most := s.perSecond * times
	item, _ := s.networks.GetOrSet(network, rate.NewLimiter(rate.Limit(most), most*strangersBurst))
	return item.Value().Allow()
}

// networks are what one client can be told by: its address, or the /64 that an IPv6 client
// usually has for itself, and the /48 around that; "" around an IPv4 address.
func networks(address string) (near, wide string) {
	ip, err := netip.ParseAddr(address)
	if err != nil || ip.Is4() {
		return address, ""
	}
	own, _ := ip.Prefix(64) // 64 and 48 fit every IPv6 address
	around, _ := ip.Prefix(48)
	return own.String(), around.String()
}
