package templates

import (
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/models"
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

func TestAuditFilterURLs(t *testing.T) {
	filter := AuditFilter{Query: "a&b", Outcome: "refused", From: "2026-11-01"}
	var chips []string
	for _, c := range filter.Chips() {
		chips = append(chips, c.Label+" "+c.Value+" "+c.Remove)
	}
	want := []string{"outcome refused /audit?from=2026-11-01&q=a%26b", "from 2026-11-01 /audit?outcome=refused&q=a%26b"}
	if diff := cmp.Diff(want, chips); diff != "" {
		t.Errorf("chips (-want +got):\n%s", diff)
	}
	if got := filter.ExportURL("csv"); got != "/audit/export?format=csv&from=2026-11-01&outcome=refused&q=a%26b" {
		t.Errorf("the export is %s", got)
	}
	if got := filter.ClearURL(); got != "/audit" {
		t.Errorf("cleared it is %s", got)
	}
	if diff := cmp.Diff([]Option{{Value: "refused", Label: "outcome"}, {Value: "2026-11-01", Label: "from"}}, filter.Kept()); diff != "" {
		t.Errorf("the search keeps (-want +got):\n%s", diff)
	}
}

func TestRunHistoryChips(t *testing.T) {
	place := DestinationView{Destination: models.Destination{ID: "dst_1", Name: "aws"}, Environment: models.Environment{DisplayName: "Production"}}
	history := RunHistory{
		Path: "/sync/runs", Places: []DestinationView{place},
		Filter: RunFilter{Destination: "dst_1", Status: models.RunPartial, Secret: "pay", Since: "2026-11-01"},
	}
	var chips []string
	for _, c := range history.Chips() {
		chips = append(chips, c.Label+" "+c.Value+" "+c.Remove)
	}
	want := []string{
		"destination aws, Production /sync/runs?secret=pay&since=2026-11-01&status=partial",
		"result " + runStatusLook(models.RunPartial).Word + " /sync/runs?destination=dst_1&secret=pay&since=2026-11-01",
		"secret pay /sync/runs?destination=dst_1&since=2026-11-01&status=partial",
		"from 2026-11-01 /sync/runs?destination=dst_1&secret=pay&status=partial",
	}
	if diff := cmp.Diff(want, chips); diff != "" {
		t.Errorf("chips (-want +got):\n%s", diff)
	}
	if !history.Narrow() || history.ClearURL() != "/sync/runs" || len((RunHistory{Path: "/sync/runs"}).Chips()) != 0 {
		t.Error("an empty filter has chips, or one that is none is no filter")
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
