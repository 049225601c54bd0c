package alerts

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"syscall"

	"github.com/your-org/keeper/egress"
	"github.com/your-org/keeper/fault"
)

// guard keeps notices from addresses that nobody outside this machine's own cloud or link
// should reach through Keeper: whoever manages an environment chooses where its webhooks go.
// Addresses of private networks are allowed, since receivers often stand there.
type guard struct {
	loopback bool // this machine is allowed, also without TLS
}

var errRefusedAddress = errors.New("alerts: the address is refused")

// noHost are addresses that are no host's, and IPv6 networks of which it cannot be told which
// IPv4 address they lead to, so that they lead nowhere.
var noHost = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("224.0.0.0/4"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("::/128"), netip.MustParsePrefix("fec0::/10"), netip.MustParsePrefix("ff00::/8"),
	netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("2001::/32"),
}

// allows reports whether a notice may go to the address: what egress refuses to all of Keeper,
// and more.
func (g guard) allows(ip netip.Addr) bool {
	ip = ip.WithZone("").Unmap()
	reached := egress.Reached(ip)
	if ip.IsLoopback() || reached.IsLoopback() {
		return g.loopback
	}
	for _, p := range noHost {
		if p.Contains(ip) || p.Contains(reached) {
			return false
		}
	}
	return egress.Allowed(ip)
}

// control is asked by the dialer about each address right before it is connected to: what a
// name led to earlier does not count.
func (g guard) control(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !g.allows(to.Addr()) {
		return errRefusedAddress
	}
	return nil
}

// check says what is wrong with a URL that notices are to go to.
func (g guard) check(field, text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return fault.InvalidField(field, "must be a URL without a user and a fragment")
	}
	ip, notIP := netip.ParseAddr(u.Hostname())
	here := u.Hostname() == "localhost" || notIP == nil && ip.Unmap().IsLoopback()
	switch {
	case here && !g.loopback, notIP == nil && !g.allows(ip):
		return fault.InvalidField(field, "must not lead to this machine, its link, or a metadata service")
	case u.Scheme == "https", u.Scheme == "http" && here:
		return nil
	default:
		return fault.InvalidField(field, "must be a URL that begins with https://")
	}
}

// isLoopback reports whether a host's name is one of this machine's own.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
