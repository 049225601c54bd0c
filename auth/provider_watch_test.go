package auth_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/auth/saml/samltest"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

// watched is a house with the provider okta, whose signals are kept.
type watched struct {
	*house
	idp  *samltest.IDP
	told map[string]models.Signal // the last of each subject
}

// newWatched has a provider whose certificate ends after a span.
func newWatched(t *testing.T, ends time.Duration, on bool) *watched {
	t.Helper()
	pair, err := samltest.NewKeyPairValid("okta", time.Now().Add(-time.Hour), time.Now().Add(ends), 2048)
	if err != nil {
		t.Fatal(err)
	}
	w := &watched{idp: samltest.StartWith(pair), told: map[string]models.Signal{}}
	t.Cleanup(w.idp.Close)
	w.house = newHouseWith(t, storetest.SQLite(t), auth.Deps{
		PublicURL: "http://127.0.0.1:8989",
		Alert: func(_ *store.Tx, signals ...models.Signal) error {
			for _, s := range signals {
				w.told[s.Subject] = s
			}
			return nil
		},
	})
	ctx, root := context.Background(), models.System()
	if _, err := w.CreateProvider(ctx, root, auth.NewProvider{Name: "okta", Config: models.ProviderConfig{DisplayName: "Okta", MetadataURL: w.idp.MetadataURL()}}); err != nil {
		t.Fatal(err)
	}
	if on {
		if _, err := w.UpdateProvider(ctx, root, "okta", auth.ProviderChange{Enabled: ptr(true), Untested: true}, 0); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// look runs the job once, and returns in how long it wants to run again.
func (w *watched) look(t *testing.T) time.Duration {
	t.Helper()
	clear(w.told)
	next, err := w.WatchProviders(t.Context(), models.Job{})
	if err != nil || next == nil {
		t.Fatalf("next %v, %v", next, err)
	}
	return next.Sub(w.clock()).Round(time.Minute)
}

// held are the spans for which people are told of a side's certificate.
func (w *watched) held(side string) (spans []string) {
	for subject, s := range w.told {
		if parts := strings.Split(subject, "/"); s.Holds && len(parts) == 3 && parts[1] == side {
			spans = append(spans, parts[2])
		}
	}
	slices.Sort(spans)
	return spans
}

func (w *watched) view(t *testing.T) auth.ProviderView {
	t.Helper()
	p, err := w.Provider(t.Context(), models.System(), "okta")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (w *watched) health(t *testing.T) auth.ProviderHealth {
	t.Helper()
	all, err := w.ProvidersHealth(t.Context())
	if err != nil || len(all) != 1 || all[0].Name != "okta" {
		t.Fatalf("health %+v, %v", all, err)
	}
	return all[0]
}

func TestWatchProviders(t *testing.T) {
	w := newWatched(t, 90*24*time.Hour, true)
	t.Run("Fetches", func(t *testing.T) {
		before := len(w.view(t).Certificates)
		if err := w.idp.Rotate(); err != nil {
			t.Fatal(err)
		}
		if in := w.look(t); in != time.Hour {
			t.Errorf("again in %v", in)
		}
		if p := w.view(t); len(p.Certificates) != before+1 || p.FetchedAt == nil || p.LastError != "" {
			t.Errorf("%d certificates, fetched %v, %q", len(p.Certificates), p.FetchedAt, p.LastError)
		}
		if h := w.health(t); !h.OK {
			t.Errorf("the health says %+v", h)
		}
	})
	t.Run("Fails", func(t *testing.T) { // and the last good metadata stays
		before := w.view(t)
		w.idp.Close()
		if in := w.look(t); in != 5*time.Minute {
			t.Errorf("again in %v", in)
		}
		if p := w.view(t); p.LastError == "" || len(p.Certificates) != len(before.Certificates) || p.Problem != "" {
			t.Errorf("%q, %d certificates, %q", p.LastError, len(p.Certificates), p.Problem)
		}
		if h := w.health(t); h.OK || !strings.Contains(h.Detail, "the last good metadata is used") {
			t.Errorf("the health says %+v", h)
		}
	})
}

func TestCertificatesThatEnd(t *testing.T) {
	w := newWatched(t, 40*24*time.Hour, true)
	for _, step := range []struct {
		wait  time.Duration
		spans []string
		words string
		good  bool
	}{
		{0, nil, "", true},
		{11 * 24 * time.Hour, []string{"30"}, "ends in 28 days", true},
		{22 * 24 * time.Hour, []string{"30", "7"}, "ends in 6 days", false},
		{6 * 24 * time.Hour, []string{"1", "30", "7"}, "ends within a day", false},
		{2 * 24 * time.Hour, []string{"1", "30", "7"}, "ended on", false},
	} {
		w.wait(step.wait)
		w.look(t)
		if got := w.held("theirs"); !slices.Equal(got, step.spans) {
			t.Errorf("%s: told of %v", step.words, got)
		}
		if got := w.held("ours"); len(got) != 0 {
			t.Errorf("%s: told of Keeper's own: %v", step.words, got)
		}
		for subject, s := range w.told {
			if s.Kind != models.AlertCertificateExpiring || s.SubjectName != "okta" || s.Holds && (!strings.Contains(s.Summary, step.words) || s.Hint == "") {
				t.Errorf("%s is %+v, want %q", subject, s, step.words)
			}
		}
		if h := w.health(t); h.OK != step.good || !step.good && !strings.Contains(h.Detail, step.words) {
			t.Errorf("%s: the health says %+v", step.words, h)
		}
	}
}

// TestCertificateSignalsEnd holds that a new certificate ends what people were told of, and
// that a provider that is off tells of nothing.
func TestCertificateSignalsEnd(t *testing.T) {
	t.Run("Rotated", func(t *testing.T) {
		w := newWatched(t, 24*time.Hour, true)
		w.look(t)
		if got := w.held("theirs"); len(got) != 3 {
			t.Fatalf("told of %v", got)
		}
		next, err := samltest.NewKeyPairValid("next", time.Now().Add(-time.Hour), time.Now().Add(400*24*time.Hour), 2048)
		if err != nil {
			t.Fatal(err)
		}
		w.idp.SetKeys(append(w.idp.Keys(), next)...)
		w.look(t)
		if got := w.held("theirs"); len(got) != 0 || len(w.told) != 6 {
			t.Errorf("told of %v in %d signals", got, len(w.told))
		}
	})
	t.Run("Off", func(t *testing.T) {
		w := newWatched(t, 24*time.Hour, false)
		w.look(t)
		if got := w.held("theirs"); len(got) != 0 || len(w.told) != 6 {
			t.Errorf("told of %v in %d signals", got, len(w.told))
		}
		if all, err := w.ProvidersHealth(t.Context()); err != nil || len(all) != 0 {
			t.Errorf("health %+v, %v", all, err)
		}
	})
	t.Run("Deleted", func(t *testing.T) {
		w := newWatched(t, 24*time.Hour, true)
		w.look(t)
		clear(w.told)
		if err := w.DeleteProvider(t.Context(), models.System(), "okta", 0); err != nil {
			t.Fatal(err)
		}
		for subject, s := range w.told {
			if s.Holds || !s.Quiet {
				t.Errorf("%s is %+v", subject, s)
			}
		}
		if len(w.told) != 6 {
			t.Errorf("%d signals", len(w.told))
		}
	})
}
