package templates

import (
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSecretFilterRoundTrip(t *testing.T) {
	want := SecretFilter{Query: "a&b=c d", Environment: "production", Type: "API_KEY", State: "drifted", Tag: "team=pay&ments", Sort: "-changed"}
	parsed, err := url.Parse(want.URL())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, ParseSecretFilter(parsed.Query())); diff != "" {
		t.Error(diff)
	}
}

func TestSecretFilterIgnoresWhatItDoesNotKnow(t *testing.T) {
	got := ParseSecretFilter(url.Values{"type": {"PIN"}, "state": {"fine"}, "sort": {"id; drop"}, "q": {"  x "}})
	if diff := cmp.Diff(SecretFilter{Query: "x"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestSecretFilterURLs(t *testing.T) {
	filter := SecretFilter{Environment: "production", Type: "JSON"}
	for name, test := range map[string]struct{ got, want string }{
		"Plain":   {SecretFilter{}.URL(), "/secrets"},
		"With":    {filter.With("state", "failed"), "/secrets?environment=production&state=failed&type=JSON"},
		"Without": {filter.With("type", ""), "/secrets?environment=production"},
		"Page":    {filter.Page("c2"), "/secrets?cursor=c2&environment=production&type=JSON"},
		"Sort":    {filter.SortURL("name"), "/secrets?environment=production&sort=-name&type=JSON"},
		"Cleared": {filter.Cleared().URL(), "/secrets?environment=production"},
		"Chip":    {filter.Chips()[0].Remove, "/secrets?environment=production"},
	} {
		t.Run(name, func(t *testing.T) {
			if test.got != test.want {
				t.Errorf("got %s, want %s", test.got, test.want)
			}
		})
	}
}

func TestAuditFilterRoundTrip(t *testing.T) {
	want := AuditFilter{Actor: "maria", Action: "secret.reveal", Outcome: "refused", Environment: "production", Object: "a/b", From: "2026-11-01", Until: "2026-11-22"}
	parsed, err := url.Parse(want.Page(""))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, ParseAuditFilter(parsed.Query())); diff != "" {
		t.Error(diff)
	}
}

func TestPath(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		got, err := Path("/secrets/{secret}/versions/{version}/reveal", 7, "a/b?c")
		if want := "/secrets/7/versions/a%2Fb%3Fc/reveal"; err != nil || got != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	})
	for name, call := range map[string]func() (string, error){
		"NotInRoutes": func() (string, error) { return Path("/elsewhere") },
		"TooFew":      func() (string, error) { return Path("/secrets/{secret}") },
		"TooMany":     func() (string, error) { return Path("/secrets", 7) },
		"Empty":       func() (string, error) { return Path("/secrets/{secret}", "") },
		"Upwards":     func() (string, error) { return Path("/secrets/{secret}", "..") },
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := call(); err == nil {
				t.Errorf("got %q, want an error", got)
			}
		})
	}
}
