package egress_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"testing"

	"github.com/your-org/keeper/egress"
)

func TestAllowed(t *testing.T) {
	for text, want := range map[string]bool{
		"169.254.169.254": false, "169.254.170.2": false, "169.254.0.1": false,
		"fe80::1": false, "fe80::1%eth0": false, "fe80::a9fe:a9fe": false, "febf::1": false,
		"fd00:ec2::254": false, "fd00:ec2::23": false, "fd20:ce::254": false, "fd00:c1::a9fe:a9fe": false, "fd00:42::42": false,
		"100.100.100.200": false, "168.63.129.16": false, "192.0.0.192": false,
		"::ffff:169.254.169.254": false, "64:ff9b::a9fe:a9fe": false, "64:ff9b:1::a9fe:a9fe": false,
		"2002:a9fe:a9fe::1": false, "::a9fe:a9fe": false,

		"127.0.0.1": true, "::1": true, "::ffff:127.0.0.1": true,
		"10.0.0.1": true, "172.16.4.2": true, "192.168.1.1": true, "fd12:3456::1": true, "100.64.0.1": true,
		"169.253.255.255": true, "169.255.0.0": true, "fec0::1": true, "168.63.129.17": true,
		"52.94.133.131": true, "2600:1f18::1": true, "64:ff9b::808:808": true, "2002:808:808::1": true,
	} {
		if got := egress.Allowed(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: allowed is %t, want %t", text, got, want)
		}
	}
}

func TestControl(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	dialer := net.Dialer{Control: egress.Control}
	conn, err := dialer.DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatalf("loopback: %v", err)
	}
	_ = conn.Close()
	for _, address := range []string{"169.254.169.254:80", "[::ffff:169.254.169.254]:80"} {
		if _, err := dialer.DialContext(t.Context(), "tcp", address); !errors.Is(err, egress.ErrRefused) {
			t.Errorf("%s: %v, want a refusal", address, err)
		}
	}
}

func TestProxy(t *testing.T) {
	asked := 0
	choose := egress.Proxy(func(*http.Request) (*url.URL, error) { asked++; return nil, nil })
	for target, want := range map[string]error{
		"http://169.254.169.254/latest": egress.ErrRefused, "http://[fd00:ec2::254]/": egress.ErrRefused,
		"http://vault.example.com": nil, "http://10.0.0.1:8200": nil,
	} {
		if _, err := choose(httptest.NewRequest(http.MethodGet, target, nil)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", target, err, want)
		}
	}
	if asked != 2 {
		t.Errorf("the proxy was chosen %d times, want 2", asked)
	}
}
