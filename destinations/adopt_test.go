package destinations_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/memory"
)

// taken is a house with a secret whose name at the destination is taken by a value of
// somebody else's.
func taken(t *testing.T, s *store.Store, ours, theirs string) (*house, models.Secret, models.Destination, *memory.Place) {
	t.Helper()
	h := newHouse(t, s)
	secret := h.put(t, "a", ours)
	d := h.destination(t, "main")
	place := h.places.at("main")
	place.Edit("production/a", []byte(theirs))
	h.work(t, d)
	h.wantForeign(t, secret, d, theirs)
	return h, secret, d, place
}

// wantForeign fails where the name is not its owner's, with this value and no mark.
func (h *house) wantForeign(t *testing.T, s models.Secret, d models.Destination, value string) {
	t.Helper()
	there, _ := h.places.at(d.Config.Mount).Get("production/" + s.Name)
	if string(there.Value) != value || !there.Remote.Mark.Zero() || there.Remote.Deleted {
		t.Errorf("%s holds %q under %+v, want %q without a mark", s.Name, there.Value, there.Remote, value)
	}
	if st := h.state(t, s, d); st.Status != models.StatusForeign {
		t.Errorf("%s is %s, want foreign: %s", s.Name, st.Status, st.LastError)
	}
}

// wantOwn fails where the name is not Keeper's, in sync with this value.
func (h *house) wantOwn(t *testing.T, s models.Secret, d models.Destination, value string) {
	t.Helper()
	there, _ := h.places.at(d.Config.Mount).Get("production/" + s.Name)
	want := keepersync.Mark{Owner: "keeper_test", Destination: d.ID, Secret: s.ID}
	if string(there.Value) != value || there.Remote.Mark != want || there.Remote.Deleted {
		t.Errorf("%s holds %q under %+v, want %q with Keeper's mark", s.Name, there.Value, there.Remote, value)
	}
	if st := h.state(t, s, d); st.Status != models.StatusInSync || st.BaseAt == nil {
		t.Errorf("%s is %s with base %v: %s", s.Name, st.Status, st.BaseAt, st.LastError)
	}
}

func TestAdopt(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Run("Equal", func(t *testing.T) {
				h, s, d, place := taken(t, storetest.Open(t, dialect), "same", "same")
				place.Edit("production/stranger", []byte("x"))
				place.ResetCalls()
				i := h.adoption(t, d)
				if n := place.Calls()[memory.OpFetch]; n != 1 {
					t.Errorf("%d values were read, want only the one of a secret", n)
				}
				items := h.items(t, i)
				if i.Counts.Equal != 1 || i.Counts.New != 1 || items["production/stranger"].Status != models.ItemNew {
					t.Errorf("compared: %+v", i.Counts)
				}
				i = h.apply(t, i, destinations.ImportChoice{Adopt: true})
				if i.Counts.Adopted != 1 || i.Counts.Imported+i.Counts.Skipped != 0 {
					t.Errorf("applied: %+v with %+v", i.Counts, h.items(t, i))
				}
				// The process ends before the mark: another one comes to it.
				h.another(t).work(t, d)
				h.wantOwn(t, s, d, "same")
				if there, _ := place.Get("production/a"); there.Writes != 1 {
					t.Errorf("the value was written %d times", there.Writes)
				}
				if _, err := h.secrets.FindSecret(t.Context(), admin, h.env, "stranger"); !fault.Is(err, fault.NotFound) {
					t.Errorf("an adoption made a secret: %v", err)
				}
				h.update(t, s, "newer")
				h.work(t, d)
				h.wantOwn(t, s, d, "newer")
			})
			t.Run("KeepersValueCounts", func(t *testing.T) {
				h, s, d, place := taken(t, storetest.Open(t, dialect), "ours", "theirs")
				h.apply(t, h.adoption(t, d), destinations.ImportChoice{Adopt: true, Side: models.SideKeeper})
				h.work(t, d)
				h.wantOwn(t, s, d, "ours")
				if there, _ := place.Get("production/a"); there.Writes != 2 {
					t.Errorf("the value was written %d times", there.Writes)
				}
			})
			t.Run("TheirsCounts", func(t *testing.T) {
				h, s, d, _ := taken(t, storetest.Open(t, dialect), "ours", "theirs")
				h.apply(t, h.adoption(t, d), destinations.ImportChoice{Adopt: true, Side: models.SideRemote})
				h.work(t, d)
				h.wantOwn(t, s, d, "theirs")
				if v, n := h.value(t, s); v != "theirs" || n != 2 {
					t.Errorf("the secret is %q at version %d", v, n)
				}
			})
			t.Run("NobodySaysWhose", func(t *testing.T) {
				h, s, d, _ := taken(t, storetest.Open(t, dialect), "ours", "theirs")
				if i := h.apply(t, h.adoption(t, d), destinations.ImportChoice{Adopt: true}); i.Counts.Adopted != 0 || i.Counts.Skipped != 1 {
					t.Errorf("applied: %+v", i.Counts)
				}
				h.work(t, d)
				h.wantForeign(t, s, d, "theirs")
			})
			// Somebody writes a value after the comparison: it is not the one that was adopted.
			t.Run("ChangedBeforeTheMark", func(t *testing.T) {
				for _, side := range []models.Side{models.SideKeeper, models.SideRemote} {
					h, s, d, place := taken(t, storetest.Open(t, dialect), "ours", "theirs")
					h.apply(t, h.adoption(t, d), destinations.ImportChoice{Adopt: true, Side: side})
					place.Edit("production/a", []byte("newer"))
					h.work(t, d)
					h.wantForeign(t, s, d, "newer")
				}
			})
			t.Run("ReleasedAndAdoptedAgain", func(t *testing.T) {
				h, s, d, place := taken(t, storetest.Open(t, dialect), "same", "same")
				for range 2 {
					h.apply(t, h.adoption(t, d), destinations.ImportChoice{Adopt: true})
					h.work(t, d)
					h.wantOwn(t, s, d, "same")
					if err := h.Release(t.Context(), admin, d.ID, s.ID); err != nil {
						t.Fatal(err)
					}
					h.wantForeign(t, s, d, "same")
				}
				h.update(t, s, "newer")
				if _, err := h.Trigger(t.Context(), admin, d.ID); err != nil {
					t.Fatal(err)
				}
				h.work(t, d)
				h.wantForeign(t, s, d, "same")
				wantFault(t, h.Release(t.Context(), admin, d.ID, s.ID), fault.NotFound)
				if there, _ := place.Get("production/a"); there.Writes != 1 {
					t.Errorf("the value was written %d times", there.Writes)
				}
				if n := count(h.actions(t), "sync.release allowed"); n != 2 {
					t.Errorf("%d releases on record", n)
				}
			})
			t.Run("TwoAtOnce", func(t *testing.T) {
				h, s, d, place := taken(t, storetest.Open(t, dialect), "ours", "theirs")
				other := h.another(t)
				one, two := h.adoption(t, d), other.adoption(t, d)
				var both sync.WaitGroup
				for _, c := range []struct {
					h    *house
					i    models.Import
					side models.Side
				}{{h, one, models.SideKeeper}, {other, two, models.SideRemote}} {
					both.Go(func() {
						if _, err := c.h.ApplyImport(t.Context(), admin, c.i.ID, destinations.ImportChoice{Adopt: true, Side: c.side}); err != nil {
							t.Error(err)
						}
					})
				}
				both.Wait()
				h.work(t, d)
				v, n := h.value(t, s)
				h.wantOwn(t, s, d, v)
				if there, _ := place.Get("production/a"); v == "ours" && (n != 1 || there.Writes != 2) || v == "theirs" && (n != 2 || there.Writes != 1) {
					t.Errorf("the secret is %q at version %d, written there %d times", v, n, there.Writes)
				}
			})
			// A pass that has read the state before the adoption must not write it over.
			t.Run("BehindAPass", func(t *testing.T) {
				h, s, d, place := taken(t, storetest.Open(t, dialect), "same", "same")
				i := h.adoption(t, d)
				h.Service.Open = func(_ context.Context, d models.Destination, _ models.DestinationCredentials) (keepersync.Driver, error) {
					driver := memory.New(memory.Options{Place: place, Prefix: d.Config.Prefix})
					return &between{Driver: driver, do: sync.OnceFunc(func() {
						h.another(t).apply(t, i, destinations.ImportChoice{Adopt: true})
					})}, nil
				}
				if _, err := h.Update(t.Context(), admin, d.ID, destinations.Change{Interval: new(1000)}, 0); err != nil {
					t.Fatal(err)
				}
				if _, err := h.Trigger(t.Context(), admin, d.ID); err != nil {
					t.Fatal(err)
				}
				h.work(t, d)
				if st := h.state(t, s, d); !st.Dirty || st.IntentAt == nil {
					t.Errorf("the pass undid the adoption: %+v", st)
				}
				h.work(t, d)
				h.wantOwn(t, s, d, "same")
			})
		})
	}
}

// between does something at the first look at a name.
type between struct {
	keepersync.Driver
	do func()
}

func (d *between) Describe(ctx context.Context, name string) (keepersync.Remote, error) {
	r, err := d.Driver.Describe(ctx, name)
	d.do()
	return r, err
}

func TestRelease(t *testing.T) {
	t.Run("WhatKeeperMade", func(t *testing.T) {
		h := sqlite(t)
		s := h.put(t, "a", "v")
		d := h.destination(t, "main")
		h.work(t, d)
		h.wantOwn(t, s, d, "v")
		if err := h.Release(t.Context(), admin, d.ID, s.ID); err != nil {
			t.Fatal(err)
		}
		// It is the owner's now, a deletion in Keeper included.
		if _, err := h.secrets.Delete(t.Context(), admin, s.ID, 0); err != nil {
			t.Fatal(err)
		}
		h.work(t, d)
		if !holds(h.places.at("main"), "production/a", "v") {
			t.Error("what was released was deleted")
		}
	})
	t.Run("LostAnswer", func(t *testing.T) {
		h := sqlite(t)
		s := h.put(t, "a", "v")
		d := h.destination(t, "main")
		h.work(t, d)
		h.places.at("main").Inject(memory.Fault{Op: memory.OpUnmark, Kind: fault.Unavailable, Acted: true, Times: 1})
		err := h.Release(t.Context(), admin, d.ID, s.ID)
		wantFault(t, err, fault.Unavailable)
		if !strings.Contains(err.Error(), "a could not be released") {
			t.Errorf("the error is %v", err)
		}
		if err := h.Release(t.Context(), admin, d.ID, s.ID); err != nil {
			t.Fatal(err)
		}
		h.wantForeign(t, s, d, "v")
	})
	t.Run("Refused", func(t *testing.T) {
		h := sqlite(t)
		s := h.put(t, "a", "v")
		d := h.destination(t, "main")
		wantFault(t, h.Release(t.Context(), admin, d.ID, s.ID), fault.NotFound) // never written
		h.work(t, d)
		place := h.places.at("main")
		taker := keepersync.Mark{Owner: "another", Destination: "dst", Secret: 1}
		place.Unmark("production/a")
		if _, err := memory.New(memory.Options{Place: place}).Mark(t.Context(), "production/a", taker); err != nil {
			t.Fatal(err)
		}
		wantFault(t, h.Release(t.Context(), admin, d.ID, s.ID), fault.Conflict)
		if there, _ := place.Get("production/a"); there.Remote.Mark != taker {
			t.Errorf("another's mark became %+v", there.Remote.Mark)
		}
		place.Purge("production/a")
		wantFault(t, h.Release(t.Context(), admin, d.ID, s.ID), fault.Conflict)

		staging, err := h.secrets.CreateEnvironment(t.Context(), admin, models.Environment{Name: "staging"})
		if err != nil {
			t.Fatal(err)
		}
		draft := h.draft("other")
		draft.Environment = staging.ID
		elsewhere, err := h.Create(t.Context(), admin, draft)
		if err != nil {
			t.Fatal(err)
		}
		wantFault(t, h.Release(t.Context(), admin, elsewhere.ID, s.ID), fault.NotFound)
	})
	t.Run("DuringAPass", func(t *testing.T) {
		h := sqlite(t)
		s := h.put(t, "a", "v")
		d := h.destination(t, "main")
		h.work(t, d)
		run := models.SyncRun{ID: models.NewRunID(), DestinationID: d.ID, EnvironmentID: h.env.ID, Status: models.RunRunning}
		if err := h.store.Write(t.Context(), func(tx *store.Tx) error { return tx.CreateRun(&run) }); err != nil {
			t.Fatal(err)
		}
		wantFault(t, h.Release(t.Context(), admin, d.ID, s.ID), fault.Conflict)
		h.wantOwn(t, s, d, "v")
	})
}
