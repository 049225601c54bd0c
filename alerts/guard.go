package alerts

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"syscall"

	"github.com/your-org/keeper/fault"
)

// guard keeps notices from addresses that nobody outside this machine's own cloud or link
// should reach through Keeper: whoever manages an environment chooses where its webhooks go.
// Addresses of private networks are allowed, since receivers often stand there.
type guard struct {
	loopback bool // this machine is allowed, also without TLS
}

var errRefusedAddress = errors.New("alerts: the address is refused")

// refused are link-local networks (the metadata services of most clouds among them), what is
// no host, and the metadata services that stand elsewhere.
var refused = prefixes(
	"0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4",
	"::/128", "fe80::/10", "fec0::/10", "ff00::/8",
	"100.100.100.200/32", // Alibaba Cloud
	"168.63.129.16/32",   // Azure
	"192.0.0.192/32",     // Oracle Cloud
	"fd00:ec2::/32",      // AWS
	"fd20:ce::/32",       // Google Cloud
)

// translated are the IPv6 networks that stand for IPv4 addresses, and at which byte those
// begin.
var translated = map[netip.Prefix]int{
	netip.MustParsePrefix("64:ff9b::/96"): 12, // NAT64
	netip.MustParsePrefix("2002::/16"):    2,  // 6to4
	netip.MustParsePrefix("::/96"):        12, // IPv4-compatible
}

// unseen cannot be told which IPv4 address they lead to, so that they lead nowhere.
var unseen = prefixes("64:ff9b:1::/48", "2001::/32")

func prefixes(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		all[i] = netip.MustParsePrefix(text)
	}
	return all
}

// allows reports whether a notice may go to the address.
func (g guard) allows(ip netip.Addr) bool {
	ip = ip.WithZone("").Unmap()
	if ip.IsLoopback() {
		return g.loopback
	}
	for _, p := range append(unseen[:len(unseen):len(unseen)], refused...) {
		if p.Contains(ip) {
			return false
		}
	}
	for p, at := range translated {
		if bytes := ip.As16(); ip.Is6() && p.Contains(ip) {
			return g.allows(netip.AddrFrom4([4]byte(bytes[at : at+4])))
		}
	}
	return true
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
