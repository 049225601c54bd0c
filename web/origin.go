package web

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/your-org/keeper/auth"
)

// headerRequestID carries the identifier by which a request is found in the log.
const headerRequestID = "X-Request-Id"

// Origin tells where requests come from. What a client says of itself in X-Forwarded-For
// counts only where the connection comes from a proxy that is trusted.
type Origin struct{ trusted []netip.Prefix }

// NewOrigin trusts the proxies of these networks.
func NewOrigin(trusted []netip.Prefix) Origin { return Origin{trusted} }

// Of tells the origin of requests that come through a front: "web" or "api".
func (o Origin) Of(via string) func(*http.Request) auth.Origin {
	return func(r *http.Request) auth.Origin {
		return auth.Origin{Via: via, Address: o.Address(r), UserAgent: r.UserAgent(), RequestID: r.Header.Get(headerRequestID)}
	}
}

// Address is the client's IP: the last address on the way here that is not a trusted
// proxy's. "" where the connection has none.
func (o Origin) Address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return ""
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && o.trusts(address); i-- {
		next, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		address = next
	}
	return address.Unmap().String()
}

func (o Origin) trusts(address netip.Addr) bool {
	for _, network := range o.trusted {
		if network.Contains(address.Unmap()) {
			return true
		}
	}
	return false
}

// isLocal reports whether a request comes from this machine itself, or from a trusted
// network. One that a proxy passed on is judged by whom it was passed on for: a proxy on
// this machine that is not trusted speaks for somebody unknown.
func (o Origin) isLocal(r *http.Request) bool {
	address, err := netip.ParseAddr(o.Address(r))
	if err != nil {
		return false
	}
	if o.trusts(address) {
		return true
	}
	forwarded := r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Forwarded") != ""
	return address.IsLoopback() && !forwarded
}

// local lets in only this machine and trusted networks: metrics tell of an installation's
// inside.
func (w *Web) local(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !w.Origin.isLocal(r) {
			http.NotFound(rw, r)
			return
		}
		next.ServeHTTP(rw, r)
	})
}
