package alerts

import (
	"net/netip"
	"time"
)

// SetTimeout bounds a webhook's answer for tests that wait for it.
func (s *Service) SetTimeout(d time.Duration) { s.web.Timeout = d }

// Allows asks the guard about an address.
func Allows(loopback bool, ip string) bool {
	return guard{loopback: loopback}.allows(netip.MustParseAddr(ip))
}

// CheckURL asks the guard about a URL.
func CheckURL(loopback bool, url string) error {
	return guard{loopback: loopback}.check("address", url)
}

// Control asks the guard about an address that is dialed.
func Control(loopback bool, address string) error {
	return guard{loopback: loopback}.control("tcp", address, nil)
}
