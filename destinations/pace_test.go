package destinations_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/memory"
)

// strict is a place that takes two values of a name in a row, then one in ten minutes.
type strict struct{ *memory.Driver }

func (strict) Quota() keepersync.Quota {
	return keepersync.Quota{Scope: "s", Pace: keepersync.Pace{Burst: 2, Every: 10 * time.Minute}}
}

func TestPostponedValue(t *testing.T) {
	h := sqlite(t)
	now := time.Now()
	h.Now = func() time.Time { return now }
	limiter := keepersync.NewLimiter(1)
	h.Open = func(_ context.Context, d models.Destination, _ models.DestinationCredentials) (keepersync.Driver, error) {
		return keepersync.Limit(strict{memory.New(memory.Options{Place: h.places.at(d.Config.Mount), Prefix: d.Config.Prefix})}, limiter), nil
	}
	d := h.destination(t, "one")
	secret := h.put(t, "a", "v0")
	h.work(t, d)
	for i := range 3 {
		if i > 0 {
			secret.Revision = 0 // whatever it is
		}
		h.update(t, secret, "v"+strconv.Itoa(i+1))
		now = now.Add(time.Second)
		h.work(t, d)
	}

	there, _ := h.places.at(d.Config.Mount).Get(d.Config.Prefix + "a")
	if string(there.Value) != "v1" || there.Writes != 2 {
		t.Fatalf("%d writes, the last of %q", there.Writes, there.Value)
	}
	state := h.state(t, secret, d)
	if state.Status != models.StatusSourceChanged || state.Dirty || state.Attempts != 0 || !strings.Contains(state.LastError, "goes out at") {
		t.Errorf("the state is %+v", state)
	}
	if state.NextTryAt == nil || state.NextTryAt.Before(now.Add(9*time.Minute)) || state.NextTryAt.After(now.Add(11*time.Minute)) {
		t.Fatalf("due again at %v, now it is %v", state.NextTryAt, now)
	}
	next := h.work(t, d)
	if next == nil || next.After(*state.NextTryAt) {
		t.Errorf("the next pass is at %v, the value is due at %v", next, state.NextTryAt)
	}
}
