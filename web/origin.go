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

// Origin tells where requests come from. What a client says of itself in X-Forwarded-For and
// X-Forwarded-Proto counts only where the connection comes from a proxy that is trusted.
// Forwarded is not read: a proxy that writes the one passes on the other as the client sent it.
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
	address, _ := o.walk(r)
	if !address.IsValid() {
		return ""
	}
	return address.String()
}

// walk goes back on the way of a request, from the connection through the proxies that are
// trusted: to the client, and through how many.
func (o Origin) walk(r *http.Request) (client netip.Addr, proxies int) {
	client = peer(r)
	hops := listed(r.Header, "X-Forwarded-For")
	for i := len(hops) - 1; o.trusts(client); i-- {
		proxies++
		if i < 0 {
			break
		}
		next, err := parseHop(hops[i])
		if err != nil {
			break
		}
		client = next
	}
	return client, proxies
}

// peer is the other end of the connection; the zero address where it has none.
func peer(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap().WithZone("")
}

// parseHop reads an address as proxies write it, some with the port. The zone is free text
// and means nothing elsewhere.
func parseHop(text string) (netip.Addr, error) {
	address, err := netip.ParseAddr(text)
	if err != nil {
		at, withPort := netip.ParseAddrPort(text)
		if withPort != nil {
			return netip.Addr{}, err
		}
		address = at.Addr()
	}
	return address.Unmap().WithZone(""), nil
}

// listed are the parts of a header that is a list, over all its lines.
func listed(h http.Header, name string) []string {
	lines := h.Values(name)
	if len(lines) == 0 {
		return nil
	}
	parts := strings.Split(strings.Join(lines, ","), ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

func (o Origin) trusts(address netip.Addr) bool {
	for _, network := range o.trusted {
		if network.Contains(address) {
			return true
		}
	}
	return false
}

// isTLS reports whether the client's own connection is encrypted: to Keeper, or to the
// outermost proxy that is trusted.
func (o Origin) isTLS(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	said := listed(r.Header, "X-Forwarded-Proto")
	if len(said) == 0 {
		return false
	}
	_, proxies := o.walk(r)
	return proxies > 0 && strings.EqualFold(said[max(len(said)-proxies, 0)], "https")
}

// passedOn are headers, beside X-Forwarded-…, by which proxies tell of themselves.
var passedOn = []string{
	"Forwarded", "Via", "X-Real-Ip", "X-Client-Ip", "X-Original-Forwarded-For", "X-Envoy-External-Address",
	"True-Client-Ip", "Cf-Connecting-Ip", "Fastly-Client-Ip",
}

// isHere reports whether a request was made on this machine itself. One that a proxy on this
// machine passed on was not, wherever it came from.
func (o Origin) isHere(r *http.Request) bool {
	if !peer(r).IsLoopback() {
		return false
	}
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Forwarded-") {
			return false
		}
	}
	for _, name := range passedOn {
		if _, there := r.Header[name]; there {
			return false
		}
	}
	return true
}

// hostOf is the host that a request is for, without the port, in lower case.
func hostOf(r *http.Request) string {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
