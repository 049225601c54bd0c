package web

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// Hosts are the names under which Keeper answers. A page of another site whose name was made
// to point here (DNS rebinding) asks under its own name, and gets nothing.
type Hosts struct {
	named map[string]bool
	// anyIP is set where no name is configured: people then type an address, and no site can
	// have its browser send one in its stead.
	anyIP bool
}

// NewHosts are the host of the public URL and the allowed ones. Where both are empty, every
// IP address does, and what the server listens on. This machine's own names always do.
func NewHosts(publicURL, listen string, allowed []string) Hosts {
	h := Hosts{named: map[string]bool{"localhost": true}, anyIP: publicURL == "" && len(allowed) == 0}
	if u, err := url.Parse(publicURL); err == nil && u.Hostname() != "" {
		h.named[strings.ToLower(u.Hostname())] = true
	}
	for _, name := range allowed {
		h.named[strings.ToLower(strings.Trim(name, "[]"))] = true
	}
	if h.anyIP && listen != "" {
		h.named[strings.ToLower(listen)] = true
	}
	return h
}

// takes reports whether a request is for one of the hosts.
func (h Hosts) takes(r *http.Request) bool {
	name := hostOf(r)
	if h.named[name] {
		return true
	}
	ip, err := netip.ParseAddr(name)
	return err == nil && (h.anyIP || ip.IsLoopback() || isProbe(r.URL.Path))
}

// isProbe is for what orchestrators ask by the address of a container.
func isProbe(path string) bool { return path == "/healthz" || path == "/readyz" || path == "/metrics" }

// guard refuses requests for other hosts.
func (h Hosts) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !h.takes(r) {
			http.Error(rw, "Keeper is not known by this host name; nothing was done. Its operator names it in KEEPER_PUBLIC_URL or KEEPER_ALLOWED_HOSTS.", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(rw, r)
	})
}

// RedirectToTLS answers on the port for plain HTTP. Reads go on to https://; what carries
// something is refused, so that a client that sends secrets in the clear is noticed.
func RedirectToTLS(hosts Hosts, publicURL, tlsPort string) http.Handler {
	base := ""
	if u, err := url.Parse(publicURL); err == nil && u.Scheme == "https" {
		base = u.Scheme + "://" + u.Host
	}
	return hosts.guard(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Cache-Control", "no-store")
		if r.Method != http.MethodGet && r.Method != http.MethodHead || r.Header.Get("Authorization") != "" {
			http.Error(rw, "Keeper answers over https:// only; nothing was done. What was sent went over the network in the clear: revoke or change it.", http.StatusForbidden)
			return
		}
		to := base
		if to == "" {
			to = httpsBase(hostOf(r), tlsPort)
		}
		rw.Header().Set("Location", to+(&url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}).RequestURI())
		rw.WriteHeader(http.StatusPermanentRedirect)
	}))
}

func httpsBase(host, port string) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port != "443" {
		host += ":" + port
	}
	return "https://" + host
}
