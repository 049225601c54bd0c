package alerts_test

import (
	"strings"
	"testing"

	"github.com/your-org/keeper/alerts"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

func TestGuardAddresses(t *testing.T) {
	for ip, want := range map[string]bool{
		"93.184.216.34": true, "10.1.2.3": true, "192.168.1.1": true, "172.16.0.9": true, "2606:2800:220:1::1": true, "fd12::1": true,
		"169.254.169.254": false, "169.254.0.1": false, "0.0.0.0": false, "0.1.2.3": false, "224.0.0.1": false, "255.255.255.255": false,
		"100.100.100.200": false, "168.63.129.16": false, "192.0.0.192": false, "fd00:ec2::254": false, "fd20:ce::254": false,
		"fe80::1": false, "fe80::1%eth0": false, "ff02::1": false, "::": false,
		"::ffff:169.254.169.254": false, "::ffff:10.0.0.1": true, "64:ff9b::a9fe:a9fe": false, "64:ff9b::5db8:d822": true,
		"2002:a9fe:a9fe::1": false, "2002:5db8:d822::1": true, "::169.254.169.254": false, "64:ff9b:1::1": false, "2001:0:1::1": false,
	} {
		if got := alerts.Allows(true, ip); got != want {
			t.Errorf("%s: allowed %v, want %v", ip, got, want)
		}
	}
	for _, ip := range []string{"127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"} {
		if alerts.Allows(false, ip) || !alerts.Allows(true, ip) {
			t.Errorf("%s: allowed %v in production and %v in development", ip, alerts.Allows(false, ip), alerts.Allows(true, ip))
		}
	}
	for _, address := range []string{"169.254.169.254:80", "[fe80::1%lo]:80", "no-address", "/var/run/docker.sock"} {
		if alerts.Control(true, address) == nil {
			t.Errorf("%s may be dialed", address)
		}
	}
	if err := alerts.Control(false, "93.184.216.34:443"); err != nil {
		t.Error(err)
	}
}

func TestGuardURLs(t *testing.T) {
	for url, want := range map[string][2]bool{ // in production, in development
		"https://hooks.example.com/x?y=z":     {true, true},
		"https://10.0.0.1/":                   {true, true},
		"http://hooks.example.com/":           {false, false},
		"http://10.0.0.1/":                    {false, false},
		"http://localhost:8080/":              {false, true},
		"http://127.0.0.1:8080/":              {false, true},
		"http://[::1]:8080/":                  {false, true},
		"https://localhost/":                  {false, true},
		"http://localhost.example.com/":       {false, false},
		"https://169.254.169.254/latest":      {false, false},
		"https://[::ffff:169.254.169.254]/":   {false, false},
		"https://user:pass@hooks.example.com": {false, false},
		"https://hooks.example.com/#f":        {false, false},
		"ftp://hooks.example.com":             {false, false},
		"file:///etc/passwd":                  {false, false},
		"hooks.example.com":                   {false, false},
		"":                                    {false, false},
	} {
		for i, development := range []bool{false, true} {
			if err := alerts.CheckURL(development, url); (err == nil) != want[i] {
				t.Errorf("%q in development %v: %v", url, development, err)
			}
		}
	}
}

// TestGuardAtDial holds that what counts is where a name leads when it is dialed: in
// production a name that leads to this machine is refused although its URL looks well.
func TestGuardAtDial(t *testing.T) {
	h, r := newHouse(t, setup{production: true}), newReceiver(t)
	port := r.URL[strings.LastIndexByte(r.URL, ':'):]
	t.Run("Name", func(t *testing.T) {
		c, _ := h.channel(t, alerts.Draft{Kind: models.ChannelWebhook, Address: "https://LOCALHOST" + port})
		wantFault(t, h.TestChannel(t.Context(), manager, c.ID), fault.Invalid) // refused, not merely unreachable
	})
	t.Run("Development", func(t *testing.T) {
		_, _, err := h.CreateChannel(t.Context(), admin, alerts.Draft{Environment: h.env.ID, Name: "x", Kind: models.ChannelWebhook, Address: r.URL})
		wantFault(t, err, fault.Invalid)
		_, _, err = h.CreateChannel(t.Context(), admin, alerts.Draft{
			Environment: h.env.ID, Name: "x", Kind: models.ChannelSlack, Secret: models.NewPlaintext([]byte(r.URL)),
		})
		wantFault(t, err, fault.Invalid)
	})
	if len(r.requests()) > 0 {
		t.Error("something arrived")
	}
}
