package saml_test

import (
	"context"
	"testing"
	"time"

	"github.com/your-org/keeper/auth/saml"
	"github.com/your-org/keeper/auth/saml/samltest"
)

// TestClocksMayDifferByThatMuch goes to both ends of the widest setting, and a second beyond.
func TestClocksMayDifferByThatMuch(t *testing.T) {
	const skew = 15 * time.Minute
	made := time.Now().UTC().Truncate(time.Second)
	ends := made.Add(5 * time.Minute) // as the test's identity provider has it
	for name, c := range map[string]struct {
		at   time.Time
		want saml.Reason
	}{
		"AtLast":   {ends.Add(skew - time.Second), ""},
		"TooLate":  {ends.Add(skew), saml.ReasonExpired},
		"AtFirst":  {made.Add(-skew), ""},
		"TooEarly": {made.Add(-skew - time.Second), saml.ReasonNotYetValid},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(c *saml.Config) { c.AllowIDPInitiated, c.MaxClockSkew, c.MaxIssueDelay = true, skew, time.Hour })
			w.setClock(c.at)
			_, err := w.finish(w.answer("", samltest.Making{Now: made}), "")
			if c.want != "" {
				wantReason(t, err, c.want)
			} else if err != nil {
				t.Error(saml.ReasonOf(err))
			}
		})
	}
}

// remembered is a place for replays that knows until when the last was to be remembered.
type remembered struct {
	*saml.Memory
	until time.Time
}

func (r *remembered) Use(ctx context.Context, key string, until time.Time) (bool, error) {
	r.until = until
	return r.Memory.Use(ctx, key, until)
}

// TestReplaysAreRememberedLongEnough: for longer than any setting would have the message taken, also one that a change of the
// settings makes good again.
func TestReplaysAreRememberedLongEnough(t *testing.T) {
	w := newWorld(t, func(c *saml.Config) { c.AllowIDPInitiated = true })
	replays := &remembered{Memory: w.memory}
	p, err := saml.New(w.cfg, saml.Deps{Requests: w.memory, Replays: replays, Now: w.clock})
	if err != nil {
		t.Fatal(err)
	}
	made := time.Now().UTC().Truncate(time.Second)
	if _, err := p.Finish(t.Context(), saml.Incoming{SAMLResponse: samltest.Encode(w.answer("", samltest.Making{Now: made}))}); err != nil {
		t.Fatal(saml.ReasonOf(err))
	}
	if last := made.Add(time.Hour + 15*time.Minute); replays.until.Before(last) {
		t.Errorf("remembered until %s, and good until %s under the widest settings", replays.until, last)
	}
}
