package templates

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/models"
)

func TestRelative(t *testing.T) {
	for _, test := range []struct {
		at   time.Duration // before now
		want string
	}{
		{0, "now"},
		{9 * time.Second, "now"},
		{59 * time.Second, "59 s ago"},
		{time.Minute, "1 min ago"},
		{59*time.Minute + 59*time.Second, "59 min ago"},
		{time.Hour, "1 h ago"},
		{24 * time.Hour, "1 d ago"},
		{364 * 24 * time.Hour, "364 d ago"},
		{800 * 24 * time.Hour, "2 y ago"},
		{-3 * time.Minute, "in 3 min"},
		{-20 * 24 * time.Hour, "in 20 d"},
	} {
		if got := relative(sampleNow, sampleNow.Add(-test.at)); got != test.want {
			t.Errorf("%v ago: got %q, want %q", test.at, got, test.want)
		}
	}
}

func TestWhen(t *testing.T) {
	t.Run("Exact", func(t *testing.T) {
		zone := time.FixedZone("CET", 3600)
		got, err := when(sampleNow, sampleNow.Add(-time.Hour).In(zone))
		want := `<time datetime="2026-11-22T13:30:00Z" title="2026-11-22 13:30:00 UTC">1 h ago</time>`
		if err != nil || string(got) != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	})
	t.Run("Never", func(t *testing.T) {
		for _, at := range []any{(*time.Time)(nil), time.Time{}} {
			if got, err := when(sampleNow, at); err != nil || got != `<span class="text-secondary">never</span>` {
				t.Errorf("got %q, %v", got, err)
			}
		}
	})
	t.Run("NoTime", func(t *testing.T) {
		if _, err := when(sampleNow, "yesterday"); err == nil {
			t.Error("a string passed for a time")
		}
	})
}

func TestCount(t *testing.T) {
	for n, want := range map[any]string{
		0: "0", 999: "999", 1000: "1,000", 12345: "12,345", int64(1234567): "1,234,567", -1234: "-1,234", -999: "-999", models.VersionNumber(1000): "1,000",
	} {
		if got := count(n); got != want {
			t.Errorf("%v: got %q, want %q", n, got, want)
		}
	}
}

func TestPlural(t *testing.T) {
	for n, want := range map[int]string{0: "0 secrets", 1: "1 secret", 1200: "1,200 secrets"} {
		if got := plural(n, "secret"); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
}

func TestShareHasAWidth(t *testing.T) {
	for percent := -3; percent <= 130; percent++ {
		if got := share(percent); got%5 != 0 || got < 0 || got > 100 {
			t.Errorf("%d %%: got %d, for which the stylesheet has no class", percent, got)
		}
	}
}

func TestIconThatDoesNotExist(t *testing.T) {
	if _, err := icon("no-such-icon"); err == nil {
		t.Error("an icon that the sprite does not hold was drawn")
	}
}

func TestAgent(t *testing.T) {
	for header, want := range map[string]string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0": "Edge on Windows",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 14_0) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15":            "Safari on macOS",
		"curl/8.5.0": "curl",
		"":           "an unknown program",
	} {
		if got := agent(header); got != want {
			t.Errorf("%q: got %q, want %q", header, got, want)
		}
	}
}

func TestDid(t *testing.T) {
	for _, test := range []struct {
		action  string
		outcome models.Outcome
		want    string
	}{
		{"secret.reveal", models.OutcomeAllowed, "revealed"},
		{"secret.reveal", models.OutcomeRefused, "may not reveal"},
		{"destination.test", models.OutcomeFailed, "could not test"},
		{"secret.view", models.OutcomeRefused, "may not look at secrets"},
		{"audit.view", models.OutcomeRefused, "may not look at the audit log"},
		{"audit.read", models.OutcomeAllowed, "read the audit log"},
		{"group.member_add", models.OutcomeAllowed, "added a member"},
		{"session.create", models.OutcomeAllowed, "signed in"},
		{"secret.transmogrify", models.OutcomeAllowed, "did secret.transmogrify"},
	} {
		if got := did(models.AuditEntry{Action: test.action, Outcome: test.outcome}); got != test.want {
			t.Errorf("%s, %s: got %q, want %q", test.action, test.outcome, got, test.want)
		}
	}
}

func TestDidNamesWhatItWasOn(t *testing.T) {
	for _, test := range []struct{ action, name, want string }{
		{"token.create", "deploy", "created the token"},
		{"group.delete", "Payments", "deleted the group"},
		{"secret.create", "payments/db/password", "created"},
		{"provider.key_new", "okta", "made a new key for"},
		{"environment.create", "", "created"},
	} {
		if got := did(models.AuditEntry{Action: test.action, ObjectName: test.name, Outcome: models.OutcomeAllowed}); got != test.want {
			t.Errorf("%s of %q: got %q, want %q", test.action, test.name, got, test.want)
		}
	}
}

func TestDetails(t *testing.T) {
	got := details(map[string]string{"user_id": "usr_1", "user": "edda", "remote_version": "1", "request_id": "req_1"})
	want := []AuditDetail{{"remote version", "1"}, {"request id", "req_1"}, {"user", "edda"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestEveryAlertHasWords(t *testing.T) {
	for _, k := range models.AlertKinds {
		if look := alertLook(k); look.Word == string(k) {
			t.Errorf("%s shows as it is spelled", k)
		}
	}
}

func TestFieldRefusesUnknownSettings(t *testing.T) {
	for _, setting := range []any{"colour=red", "rows=many", 7} {
		if _, err := field(Form{}, "name", "Name", setting); err == nil {
			t.Errorf("the setting %v was taken", setting)
		}
	}
}
