package destinations_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
)

// ten is a Keeper with a destination and ten secrets that are due there.
func ten(t *testing.T) (*house, models.Destination, []models.Secret) {
	t.Helper()
	h := sqlite(t)
	d := h.destination(t, "one")
	var all []models.Secret
	for i := range 10 {
		all = append(all, h.put(t, fmt.Sprintf("s%02d", i), "v1"))
	}
	return h, d, all
}

// TestReadAheadOfAKeyThatWent: what was read ahead and cannot be opened any more is read anew.
func TestReadAheadOfAKeyThatWent(t *testing.T) {
	h, d, all := ten(t)
	open := h.OpenVersion
	var mu sync.Mutex
	tries := map[models.SecretID]int{}
	h.OpenVersion = func(ctx context.Context, e models.Environment, v models.SecretVersion) (models.Plaintext, error) {
		mu.Lock()
		tries[v.SecretID]++
		first := tries[v.SecretID] == 1
		mu.Unlock()
		if first {
			return models.Plaintext{}, fault.New(fault.Unavailable, "The key is gone.")
		}
		return open(ctx, e, v)
	}
	h.work(t, d)
	for _, s := range all {
		if state := h.state(t, s, d); state.Status != models.StatusInSync || state.LastError != "" {
			t.Errorf("%s: %+v", s.Name, state)
		}
	}
}

// TestReadAheadOfANewerVersion changes secrets after their page was read and before they are read
// ahead: the version that the page speaks of is written, and then the newer one.
func TestReadAheadOfANewerVersion(t *testing.T) {
	h, d, all := ten(t)
	open := h.Open
	var once sync.Once
	h.Service.Open = func(ctx context.Context, d models.Destination, c models.DestinationCredentials) (keepersync.Driver, error) {
		driver, err := open(ctx, d, c)
		return &looking{Driver: driver, look: func() {
			once.Do(func() {
				for _, s := range all {
					h.update(t, s, "v2")
				}
			})
		}}, err
	}
	if _, err := h.Work(t.Context(), models.Job{Kind: destinations.JobKind, Key: string(d.ID)}); err != nil {
		t.Fatal(err)
	}
	if run := h.runs(t, d)[0]; run.Counts.Unknown+run.Counts.Failed > 0 || run.Counts.Created != len(all) {
		t.Errorf("run %+v", run.Counts)
	}
	h.work(t, d)
	for _, s := range all {
		state := h.state(t, s, d)
		if state.Status != models.StatusInSync || state.BaseVersion != 2 || !holds(h.places.at("one"), "production/"+s.Name, "v2") {
			t.Errorf("%s: %+v", s.Name, state)
		}
	}
}

// looking does something before each look at a name.
type looking struct {
	keepersync.Driver
	look func()
	put  func()
}

func (d *looking) Describe(ctx context.Context, name string) (keepersync.Remote, error) {
	d.look()
	return d.Driver.Describe(ctx, name)
}

func (d *looking) Put(ctx context.Context, w keepersync.Write) (keepersync.Remote, error) {
	if d.put != nil {
		d.put()
	}
	return d.Driver.Put(ctx, w)
}
