// Package egress keeps Keeper's connections to addresses that people enter away from where
// nobody but the machine itself should reach: the metadata services of clouds, which hand
// credentials to whoever asks, and what else is link-local. Loopback and private networks
// are allowed, since that is where a Vault or a proxy to AWS often stands.
package egress

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
)

// ErrRefused is in the chain of the error of a connection that was not made.
var ErrRefused = errors.New("egress: Keeper does not connect to this address")

var refused = prefixes(
	"169.254.0.0/16", "fe80::/10", // link-local; AWS, Azure, Google Cloud, Oracle Cloud, OpenStack and others
	"fd00:ec2::/32",      // AWS: instance metadata and pod identity
	"fd20:ce::/32",       // Google Cloud
	"fd00:c1::/32",       // Oracle Cloud
	"fd00:42::42/128",    // Scaleway
	"100.100.100.200/32", // Alibaba Cloud
	"168.63.129.16/32",   // Azure: the wire server
	"192.0.0.192/32",     // Oracle Cloud Classic
)

// embedding are the IPv6 networks whose addresses lead to an IPv4 address that they hold,
// and the byte at which it begins.
var embedding = map[netip.Prefix]int{
	netip.MustParsePrefix("::/96"):          12, // IPv4-compatible
	netip.MustParsePrefix("64:ff9b::/96"):   12, // NAT64
	netip.MustParsePrefix("64:ff9b:1::/48"): 12, // NAT64 of a network's own, where it translates by its last 32 bits
	netip.MustParsePrefix("2002::/16"):      2,  // 6to4
}

func prefixes(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		all[i] = netip.MustParsePrefix(text)
	}
	return all
}

// Allowed reports whether Keeper connects to an address.
func Allowed(ip netip.Addr) bool {
	for _, one := range []netip.Addr{ip.WithZone("").Unmap(), Reached(ip)} {
		for _, p := range refused {
			if p.Contains(one) {
				return false
			}
		}
	}
	return true
}

// Reached is the address that is reached under ip: the IPv4 address that it holds, where it
// is of a network that stands for one, else ip itself.
func Reached(ip netip.Addr) netip.Addr {
	ip = ip.WithZone("").Unmap()
	for p, at := range embedding {
		if p.Contains(ip) {
			bytes := ip.As16()
			return netip.AddrFrom4([4]byte(bytes[at : at+4]))
		}
	}
	return ip
}

// Control is a net.Dialer's: it is asked about each address right before it is connected to,
// so that it does not matter what a name led to earlier.
func Control(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !Allowed(to.Addr()) {
		return ErrRefused
	}
	return nil
}

// Proxy is an http.Transport's: what would go through a proxy is refused where its URL
// itself holds such an address. What a name leads to behind a proxy only the proxy knows.
func Proxy(choose func(*http.Request) (*url.URL, error)) func(*http.Request) (*url.URL, error) {
	return func(r *http.Request) (*url.URL, error) {
		if ip, err := netip.ParseAddr(r.URL.Hostname()); err == nil && !Allowed(ip) {
			return nil, ErrRefused
		}
		return choose(r)
	}
}
