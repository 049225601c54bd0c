package kms_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/kms/drivertest"
	"github.com/your-org/keeper/kms/local"
	"github.com/your-org/keeper/models"
)

// sealMany seals n values from several goroutines and counts them by data key.
func sealMany(t *testing.T, e *kms.Envelope, n int) map[models.DataKeyID]int {
	t.Helper()
	const workers = 50
	var mu sync.Mutex
	counts := map[models.DataKeyID]int{}
	var wait sync.WaitGroup
	for range workers {
		wait.Go(func() {
			for range n / workers {
				sealer, err := e.Sealer(t.Context(), production)
				if err != nil {
					t.Error(err)
					return
				}
				sealed, err := sealer.Seal(label, models.NewPlaintext([]byte(canary)))
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				counts[sealed.DataKeyID]++
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	return counts
}

func TestBoundedReuse(t *testing.T) {
	for name, test := range map[string]struct {
		maxUses  int64
		generate int // calls that 3,000 seals may cost
		reserve  int
	}{
		"Default":    {0, 3, 50},
		"Odd":        {100, 30, 61},
		"FewerUses":  {7, 429, 430},
		"EachItsOwn": {1, 3000, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, kms.Options{MaxUses: test.maxUses})
			counts := sealMany(t, b.Envelope, 3000)
			limit := int(max(test.maxUses, 1))
			if test.maxUses == 0 {
				limit = 1024
			}
			for id, n := range counts {
				if n > limit {
					t.Errorf("data key %s sealed %d values, want %d at most", id, n, limit)
				}
			}
			if got := b.fake.Calls(drivertest.OpGenerate); got != test.generate || got != len(counts) {
				t.Errorf("got %d data keys made and %d used, want %d", got, len(counts), test.generate)
			}
			if got := b.keys.Counts().Reserve; got > test.reserve {
				t.Errorf("got %d reservations, want %d at most", got, test.reserve)
			}
			if got := b.fake.Calls(drivertest.OpUnwrap); got != 0 {
				t.Errorf("got %d unwraps, want none: new data keys are cached", got)
			}
		})
	}
}

// TestReuseAcrossProcesses: two envelopes over one store never seal more than MaxUses
// values under one data key between them, and use up what the other left.
func TestReuseAcrossProcesses(t *testing.T) {
	b := newBench(t, kms.Options{})
	total := map[models.DataKeyID]int{}
	for _, e := range []*kms.Envelope{b.Envelope, b.another(t, kms.Options{}), b.another(t, kms.Options{})} {
		for id, n := range sealMany(t, e, 500) {
			total[id] += n
		}
	}
	for id, n := range total {
		if n > 1024 {
			t.Errorf("data key %s sealed %d values, want 1024 at most", id, n)
		}
	}
	if len(total) != 2 {
		t.Errorf("1,500 values took %d data keys, want 2", len(total))
	}
}

func TestDataKeyAge(t *testing.T) {
	b := newBench(t, kms.Options{MaxAge: time.Hour})
	first := seal(t, b.Envelope, production, label, canary)
	b.now.advance(time.Hour - time.Second)
	if second := seal(t, b.Envelope, production, label, canary); second.DataKeyID != first.DataKeyID {
		t.Error("a young data key was given up")
	}
	b.now.advance(time.Second)
	third := seal(t, b.Envelope, production, label, canary)
	if third.DataKeyID == first.DataKeyID {
		t.Error("a data key sealed past its age")
	}
	opens(t, b.Envelope, production, label, first, canary)
}

func TestForgetTakesUpANewDataKey(t *testing.T) {
	b := newBench(t, kms.Options{})
	first := seal(t, b.Envelope, production, label, canary)
	b.keys.Change(first.DataKeyID, func(k *models.DataKey, _ *[]models.WrappedKey) { k.RetireAt = b.now.Now() })
	if again := seal(t, b.Envelope, production, label, canary); again.DataKeyID != first.DataKeyID {
		t.Fatal("want the reserved block to be used up without a look at the store")
	}
	b.Forget(production.ID)
	if next := seal(t, b.Envelope, production, label, canary); next.DataKeyID == first.DataKeyID {
		t.Error("a forgotten data key sealed on")
	}
	opens(t, b.Envelope, production, label, first, canary)
	if got := b.fake.Calls(drivertest.OpUnwrap); got != 1 {
		t.Errorf("got %d unwraps, want 1: the forgotten key is loaded anew", got)
	}
}

// TestForgetDuringRefill: what was asked for before Forget is not kept after it.
func TestForgetDuringRefill(t *testing.T) {
	b := newBench(t, kms.Options{})
	b.fake.Before(func(_ context.Context, op drivertest.Op) {
		if op == drivertest.OpGenerate {
			b.Forget(production.ID)
		}
	})
	sealed := seal(t, b.Envelope, production, label, canary)
	opens(t, b.Envelope, production, label, sealed, canary)
	if got := b.keys.Counts().Reserve; got != 2 {
		t.Errorf("got %d reservations, want 2: the store is asked again", got)
	}
}

// wrongKeys is a store that reserves what it must not.
type wrongKeys struct {
	*drivertest.Keys
	row models.DataKey
}

func (k wrongKeys) ReserveDataKey(context.Context, models.EnvironmentID, int64, time.Time) (models.DataKey, []models.WrappedKey, error) {
	return k.row, nil, nil
}

func TestStoreThatReservesWrongly(t *testing.T) {
	now := time.Now()
	good := models.DataKey{ID: "dek_x", EnvironmentID: 1, Purpose: models.PurposeSeal, MaxUses: 100, RetireAt: now.Add(time.Hour)}
	for name, change := range map[string]func(*models.DataKey){
		"OtherEnvironment": func(k *models.DataKey) { k.EnvironmentID = 2 },
		"HashKey":          func(k *models.DataKey) { k.Purpose = models.PurposeHash },
		"Retired":          func(k *models.DataKey) { k.RetireAt = now.Add(-time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			row := good
			change(&row)
			e, err := kms.NewEnvelope(wrongKeys{drivertest.NewKeys(), row}, drivertest.NewFake(models.RecipientKMS, "a"), kms.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			if _, err := e.Sealer(t.Context(), production); !fault.Is(err, fault.Internal) || !strings.Contains(err.Error(), "dek_x") {
				t.Errorf("got %v, want Internal that names the data key", err)
			}
		})
	}
}

// TestWrongMasterKey: with another master key than the database's, the start is refused
// with both keys named, and nothing is written under the wrong one.
func TestWrongMasterKey(t *testing.T) {
	keys := drivertest.NewKeys()
	openWith := func(masterKey string) *kms.Envelope {
		t.Helper()
		w, err := local.Parse(masterKey)
		if err != nil {
			t.Fatal(err)
		}
		e, err := kms.NewEnvelope(keys, w, kms.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(e.Close)
		return e
	}
	const right, wrong = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "ICECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	e := openWith(right)
	if err := e.Verify(t.Context(), production); err != nil {
		t.Fatal(err)
	}
	sealed := seal(t, e, production, label, canary)
	needs := e.Status().Backend
	if needs != models.RecipientLocal {
		t.Errorf("got backend %s, want local", needs)
	}

	other := openWith(wrong)
	err := other.Verify(t.Context(), production)
	if !fault.Is(err, fault.Unavailable) || strings.Count(err.Error(), "local:") != 2 || !strings.Contains(err.Error(), "KEEPER_MASTER_KEY") {
		t.Errorf("got %v, want Unavailable that names both keys and the setting", err)
	}
	if strings.Contains(err.Error(), right) || strings.Contains(err.Error(), wrong) {
		t.Error("a master key stands in an error")
	}
	if got, err := other.Open(t.Context(), production, label, sealed); !fault.Is(err, fault.Unavailable) || got.Len() != 0 {
		t.Errorf("got %v, want Unavailable: with the right key it opens", err)
	}
	before := len(keys.All())
	if _, err := other.Sealer(t.Context(), production); !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v, want Unavailable", err)
	}
	if got := len(keys.All()); got != before {
		t.Errorf("got %d data keys, want %d", got, before)
	}
	opens(t, openWith(right), production, label, sealed, canary)
}
