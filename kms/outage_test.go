package kms_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/kms/drivertest"
	"github.com/your-org/keeper/models"
)

// The wrapping keys of these tests, in two regions.
const (
	near = "eu/a"
	far  = "us/b"
)

// outages runs a test in a bubble of its own time, over a backend with a key in each of two
// regions. Data keys are wrapped for the near one, and where both is said for both.
func outages(t *testing.T, options kms.Options, both bool, test func(*testing.T, *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{keys: drivertest.NewKeys(), fake: drivertest.NewFake(models.RecipientKMS, near, far)}
		if both {
			b.keys.SetRecipients(production.ID, "", models.Recipient{EnvironmentID: production.ID, Kind: models.RecipientKMS, Key: far})
		}
		b.Envelope = b.live(t, options)
		test(t, b)
	})
}

// live is a further envelope that runs on the bubble's time.
func (b *bench) live(t *testing.T, options kms.Options) *kms.Envelope {
	t.Helper()
	e, err := kms.NewEnvelope(b.keys, b.fake, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// hang has every call that is about to be made wait for its own end.
func (b *bench) hang() { b.fake.Before(func(ctx context.Context, _ drivertest.Op) { <-ctx.Done() }) }

// within asserts that f takes no longer than limit.
func within(t *testing.T, limit time.Duration, f func()) {
	t.Helper()
	began := time.Now()
	f()
	if took := time.Since(began); took > limit {
		t.Errorf("it took %v, want %v at most", took, limit)
	}
}

func away(t *testing.T, b *kms.Envelope, sealed kms.Sealed) error {
	t.Helper()
	got, err := b.Open(t.Context(), production, label, sealed)
	if !fault.Is(err, fault.Unavailable) || errors.Is(err, kms.ErrDamaged) || got.Len() != 0 {
		t.Fatalf("got %d bytes, %v, want Unavailable", got.Len(), err)
	}
	return err
}

// waysAway are the ways in which waiting may help.
var waysAway = map[string]func(*bench){
	"CutOff": func(b *bench) { b.fake.CutOff() },
	"Hangs":  func(b *bench) { b.hang() },
}

func (b *bench) mend() {
	b.fake.Mend()
	b.fake.Before(nil)
}

// TestGraceIsExact: what is cached reads on while the backend cannot be reached, to the end
// of its grace and no longer; then it is unknown. Recovery needs no hand.
func TestGraceIsExact(t *testing.T) {
	for name, begin := range waysAway {
		t.Run(name, func(t *testing.T) {
			outages(t, kms.Options{CacheTTL: 5 * time.Minute, CacheGrace: 10 * time.Minute}, false, func(t *testing.T, b *bench) {
				loaded := time.Now()
				sealed := seal(t, b.Envelope, production, label, canary)
				begin(b)
				end := loaded.Add(b.Status().Bound())
				for time.Now().Before(end.Add(-time.Second)) {
					within(t, time.Second, func() { opens(t, b.Envelope, production, label, sealed, canary) })
					time.Sleep(700 * time.Millisecond)
				}
				time.Sleep(time.Until(end.Add(-time.Nanosecond)))
				opens(t, b.Envelope, production, label, sealed, canary)
				if s := b.Status(); s.Reachable || s.Refused() || s.StaleKeys != 1 || s.Bound() != 15*time.Minute {
					t.Errorf("in grace: got %+v", s)
				}
				time.Sleep(time.Nanosecond)
				within(t, time.Second, func() { away(t, b.Envelope, sealed) })

				b.mend()
				time.Sleep(5 * time.Second)
				opens(t, b.Envelope, production, label, sealed, canary)
				if s := b.Status(); !s.Reachable || s.StaleKeys != 0 {
					t.Errorf("mended: got %+v", s)
				}
			})
		})
	}
}

// TestRefusalEndsUse: a backend that answers that the key may not be used ends its use at the
// next look, whatever grace there is.
func TestRefusalEndsUse(t *testing.T) {
	for name, begin := range map[string]func(*bench){
		"Refused":             func(b *bench) { b.fake.Refuse() },
		"KeyRefused":          func(b *bench) { b.fake.RefuseKey(near) },
		"RefusedAfterSilence": func(b *bench) { b.fake.CutOff() },
		"Damaged": func(b *bench) {
			b.damageRow(b.keys.All()[0].ID)
		},
		"Lost": func(b *bench) {
			b.keys.Change(b.keys.All()[0].ID, func(k *models.DataKey, _ *[]models.WrappedKey) { *k = models.DataKey{} })
		},
	} {
		t.Run(name, func(t *testing.T) {
			outages(t, kms.Options{CacheTTL: time.Minute, CacheGrace: time.Hour}, false, func(t *testing.T, b *bench) {
				sealed := seal(t, b.Envelope, production, label, canary)
				begin(b)
				time.Sleep(time.Minute - time.Nanosecond)
				opens(t, b.Envelope, production, label, sealed, canary)
				time.Sleep(time.Nanosecond)
				if name == "RefusedAfterSilence" {
					opens(t, b.Envelope, production, label, sealed, canary)
					b.fake.Mend()
					b.fake.RefuseKey(near)
					time.Sleep(3 * time.Second) // for the probe, which is answered
				}
				if got, err := b.Open(t.Context(), production, label, sealed); err == nil {
					t.Errorf("got %d bytes, want a refusal", got.Len())
				}
				s := b.Status()
				if s.CachedKeys != 0 {
					t.Errorf("got %d keys in memory, want none", s.CachedKeys)
				}
				if refused := strings.Contains(name, "Refused"); s.Refused() != refused || refused && s.Bound() != time.Minute {
					t.Errorf("refused: %t, with a bound of %v", s.Refused(), s.Bound())
				}
			})
		})
	}
}

// TestReloadedKeyIsTheSame: a wrapped key that was swapped while its data key was cached does
// not take its place, though the row commits to no key: a hash under another key would go
// unnoticed, and call equal values different.
func TestReloadedKeyIsTheSame(t *testing.T) {
	outages(t, kms.Options{CacheTTL: time.Minute, CacheGrace: time.Hour}, false, func(t *testing.T, b *bench) {
		sum(t, b.Envelope, production, canary)
		other := seal(t, b.Envelope, production, label, canary)
		_, rows, _ := b.keys.DataKey(t.Context(), other.DataKeyID)
		b.keys.Change("hash_1", func(k *models.DataKey, w *[]models.WrappedKey) { k.Check, (*w)[0].Blob = nil, rows[0].Blob })
		time.Sleep(time.Minute)
		if _, err := b.Hasher(t.Context(), production); !errors.Is(err, kms.ErrDamaged) {
			t.Errorf("got %v, want ErrDamaged", err)
		}
	})
}

// TestNoGrace: without it, and without a cache, nothing is used past its time.
func TestNoGrace(t *testing.T) {
	for name, options := range map[string]kms.Options{
		"NoGrace": {CacheTTL: time.Minute}, "NoCache": {CacheTTL: kms.NoCache, CacheGrace: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			outages(t, options, false, func(t *testing.T, b *bench) {
				sealed := seal(t, b.Envelope, production, label, canary)
				b.fake.CutOff()
				time.Sleep(time.Minute)
				away(t, b.Envelope, sealed)
				if got := b.Status().CacheGrace; got != 0 {
					t.Errorf("got a grace of %v, want none", got)
				}
			})
		})
	}
}

// TestWriteAtTheBeginningOfAnOutage: a write needs the hash key and a key that seals, and is
// answered within a second also where nobody knows yet that the backend hangs.
func TestWriteAtTheBeginningOfAnOutage(t *testing.T) {
	for name, coldSeal := range map[string]bool{"BothStale": false, "HashStaleSealCold": true} {
		t.Run(name, func(t *testing.T) {
			outages(t, kms.Options{CacheTTL: 10 * time.Second, CacheGrace: time.Hour}, false, func(t *testing.T, b *bench) {
				seal(t, b.Envelope, production, label, canary)
				sum(t, b.Envelope, production, canary)
				if coldSeal {
					b.keys.Change(b.keys.All()[0].ID, func(k *models.DataKey, _ *[]models.WrappedKey) { k.RetireAt = time.Now() })
					time.Sleep(kms.BlockLife)
				}
				time.Sleep(20 * time.Second)
				b.hang()
				within(t, time.Second, func() {
					sum(t, b.Envelope, production, canary)
					_, err := b.Sealer(t.Context(), production)
					if sealed := err == nil; sealed == coldSeal || !sealed && !fault.Is(err, fault.Unavailable) {
						t.Errorf("got %v", err)
					}
				})
			})
		})
	}
}

// TestSlowReloadIsNotWaitedFor: a stale key is loaded again behind its user's back where its
// backend takes longer than StaleWait, and a refusal that comes late ends its use all the
// same.
func TestSlowReloadIsNotWaitedFor(t *testing.T) {
	outages(t, kms.Options{CacheTTL: time.Minute, CacheGrace: time.Hour}, false, func(t *testing.T, b *bench) {
		sealed := seal(t, b.Envelope, production, label, canary)
		b.fake.Before(func(context.Context, drivertest.Op) { time.Sleep(300 * time.Millisecond) })
		time.Sleep(time.Minute)
		within(t, kms.StaleWait, func() { opens(t, b.Envelope, production, label, sealed, canary) })
		time.Sleep(300 * time.Millisecond)
		if s := b.Status(); s.StaleKeys != 0 || s.CachedKeys != 1 {
			t.Errorf("loaded again: got %+v", s)
		}
		b.fake.RefuseKey(near)
		time.Sleep(time.Minute)
		within(t, kms.StaleWait, func() { opens(t, b.Envelope, production, label, sealed, canary) })
		time.Sleep(300 * time.Millisecond)
		if got := b.Status().CachedKeys; got != 0 {
			t.Errorf("refused: got %d keys in memory, want none", got)
		}
	})
}

// TestStaleKeyIsNotWaitedFor: during an outage a read of a cached key costs a call now and
// then at most, and no time.
func TestStaleKeyIsNotWaitedFor(t *testing.T) {
	outages(t, kms.Options{CacheTTL: time.Minute, CacheGrace: time.Hour}, false, func(t *testing.T, b *bench) {
		sealed := seal(t, b.Envelope, production, label, canary)
		b.hang()
		time.Sleep(time.Minute)
		for range 4 { // until it is known that nobody answers
			opens(t, b.Envelope, production, label, sealed, canary)
			time.Sleep(2 * time.Second)
		}
		before := b.fake.Calls(drivertest.OpUnwrap)
		within(t, 0, func() {
			for range 1000 {
				opens(t, b.Envelope, production, label, sealed, canary)
			}
		})
		time.Sleep(10 * time.Second)
		within(t, 0, func() { opens(t, b.Envelope, production, label, sealed, canary) })
		if got := b.fake.Calls(drivertest.OpUnwrap) - before; got != 0 {
			t.Errorf("got %d calls behind an open breaker, want none", got)
		}
	})
}

// TestForgetEndsGrace: a key that is forgotten is not used on.
func TestForgetEndsGrace(t *testing.T) {
	outages(t, kms.Options{CacheTTL: time.Minute, CacheGrace: time.Hour}, false, func(t *testing.T, b *bench) {
		sealed := seal(t, b.Envelope, production, label, canary)
		b.fake.CutOff()
		time.Sleep(2 * time.Minute)
		opens(t, b.Envelope, production, label, sealed, canary)
		b.Forget(production.ID)
		away(t, b.Envelope, sealed)
	})
}

// TestGraceLeavesMemory: an idle process drops its keys when their grace is over.
func TestGraceLeavesMemory(t *testing.T) {
	outages(t, kms.Options{CacheTTL: time.Minute, CacheGrace: time.Minute}, false, func(t *testing.T, b *bench) {
		seal(t, b.Envelope, production, label, canary)
		time.Sleep(2*time.Minute - time.Second)
		if got := b.Status().CachedKeys; got != 1 {
			t.Errorf("got %d keys, want 1", got)
		}
		time.Sleep(17 * time.Second)
		if got := b.Status().CachedKeys; got != 0 {
			t.Errorf("got %d keys, want none", got)
		}
	})
}

// TestColdCallersAreAnswered: whatever is away, whoever needs a key that is not cached is
// told within a second, and soon at once.
func TestColdCallersAreAnswered(t *testing.T) {
	for name, begin := range waysAway {
		t.Run(name, func(t *testing.T) {
			outages(t, kms.Options{}, false, func(t *testing.T, b *bench) {
				sealed := seal(t, b.Envelope, production, label, canary)
				cold := b.live(t, kms.Options{})
				begin(b)
				for range 3 {
					within(t, time.Second, func() {
						if err := away(t, cold, sealed); !errors.Is(err, kms.ErrUnreachable) {
							t.Errorf("got %v, want ErrUnreachable", err)
						}
					})
				}
				calls := b.fake.Calls(drivertest.OpUnwrap)
				within(t, 0, func() {
					away(t, cold, sealed)
					if _, err := cold.Sealer(t.Context(), staging); !fault.Is(err, fault.Unavailable) {
						t.Errorf("seal: got %v, want Unavailable", err)
					}
					if _, err := cold.Hasher(t.Context(), production); !fault.Is(err, fault.Unavailable) {
						t.Errorf("hash: got %v, want Unavailable", err)
					}
				})
				if got := b.fake.Calls(drivertest.OpUnwrap); got != calls {
					t.Errorf("got %d calls behind an open breaker, want none", got-calls)
				}
				if p := cold.Status().Places; len(p) != 1 || !p[0].Cut || p[0].Reachable || p[0].Refused || p[0].Place != "eu" || p[0].AwaySince.IsZero() {
					t.Errorf("got places %+v", p)
				}
				b.mend()
				time.Sleep(5 * time.Second) // no traffic: the probe finds out
				if s := cold.Status(); !s.Reachable || s.Places[0].Cut {
					t.Errorf("mended: got %+v", s)
				}
				opens(t, cold, production, label, sealed, canary)
			})
		})
	}
}

// TestSlowBackend: one that takes longer than anybody waits is not lost: its answer is kept
// for those who ask again.
func TestSlowBackend(t *testing.T) {
	outages(t, kms.Options{}, false, func(t *testing.T, b *bench) {
		sealed := seal(t, b.Envelope, production, label, canary)
		cold := b.live(t, kms.Options{})
		b.fake.Before(func(context.Context, drivertest.Op) { time.Sleep(2 * time.Second) })
		within(t, time.Second, func() { away(t, cold, sealed) })
		time.Sleep(1200 * time.Millisecond)
		within(t, 0, func() { opens(t, cold, production, label, sealed, canary) })
	})
}

// TestRefusalsDoNotOpenTheBreaker: one disabled key keeps no other key of its region from
// being used.
func TestRefusalsDoNotOpenTheBreaker(t *testing.T) {
	outages(t, kms.Options{}, false, func(t *testing.T, b *bench) {
		sealed := seal(t, b.Envelope, production, label, canary)
		cold := b.live(t, kms.Options{})
		b.fake.Refuse()
		for range 10 {
			if err := away(t, cold, sealed); errors.Is(err, kms.ErrUnreachable) {
				t.Errorf("a refusal is called silence: %v", err)
			}
		}
		if p := cold.Status().Places[0]; p.Cut || !p.Reachable || !p.Refused {
			t.Errorf("got %+v, want a place that answers", p)
		}
		b.fake.Mend()
		opens(t, cold, production, label, sealed, canary)
	})
}

// TestSecondRecipientTakesOver: with the first away, in whatever way, reading and writing go
// on within a second, and then without the wait.
func TestSecondRecipientTakesOver(t *testing.T) {
	for name, begin := range map[string]func(*bench){
		"CutOff":  func(b *bench) { b.fake.CutOffKey(near) },
		"Refused": func(b *bench) { b.fake.RefuseKey(near) },
		"Hangs": func(b *bench) {
			b.fake.BeforeKey(func(ctx context.Context, _ drivertest.Op, key string) {
				if key == near || key == "" {
					<-ctx.Done()
				}
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			outages(t, kms.Options{}, true, func(t *testing.T, b *bench) {
				sealed := seal(t, b.Envelope, production, label, canary)
				cold := b.live(t, kms.Options{MaxUses: 1})
				begin(b)
				within(t, 500*time.Millisecond, func() { opens(t, cold, production, label, sealed, canary) })
				within(t, 500*time.Millisecond, func() {
					written := seal(t, cold, production, label, canary)
					row, rows, err := b.keys.DataKey(t.Context(), written.DataKeyID)
					if err != nil || len(rows) != 1 || rows[0].RecipientID != far || len(row.Check) != kms.CheckSize {
						t.Errorf("got %+v, %v, want one row for %s: the other is owed", rows, err, far)
					}
				})
				within(t, 0, func() { seal(t, cold, production, label, canary) })
				time.Sleep(6 * time.Second) // calls that hang have ended
				if cold.Status().Reachable {
					t.Error("the status hides that the primary is away")
				}
				b.mend()
				time.Sleep(6 * time.Second)
				written := seal(t, cold, production, label, canary)
				if _, rows, _ := b.keys.DataKey(t.Context(), written.DataKeyID); len(rows) != 2 {
					t.Errorf("mended: got %d rows, want both", len(rows))
				}
			})
		})
	}
}

// TestSecondAwayIsOwed: a second recipient that is away holds nobody up for long.
func TestSecondAwayIsOwed(t *testing.T) {
	for name, begin := range map[string]func(*bench){
		"CutOff": func(b *bench) { b.fake.CutOffKey(far) },
		"Hangs": func(b *bench) {
			b.fake.BeforeKey(func(ctx context.Context, _ drivertest.Op, key string) {
				if key == far {
					<-ctx.Done()
				}
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			outages(t, kms.Options{MaxUses: 1}, true, func(t *testing.T, b *bench) {
				begin(b)
				within(t, kms.HedgeAfter, func() { seal(t, b.Envelope, production, label, canary) })
				within(t, 0, func() { seal(t, b.Envelope, production, label, canary) })
				if !b.Status().Reachable {
					t.Error("the primary is called unreachable because the second is")
				}
			})
		})
	}
}

// TestPlaceOfNobodyIsForgotten: a region that is away and that nobody asks for any more is
// neither told of nor asked after for ever.
func TestPlaceOfNobodyIsForgotten(t *testing.T) {
	outages(t, kms.Options{MaxUses: 1}, true, func(t *testing.T, b *bench) {
		b.fake.CutOffKey(far)
		seal(t, b.Envelope, production, label, canary)
		b.keys.SetRecipients(production.ID, "")
		time.Sleep(59 * time.Minute)
		if got := len(b.Status().Places); got != 2 {
			t.Errorf("got %d places, want both", got)
		}
		time.Sleep(2 * time.Minute)
		if got := len(b.Status().Places); got != 1 {
			t.Errorf("got %d places, want the near one", got)
		}
		asked := b.fake.Calls(drivertest.OpDescribe)
		time.Sleep(time.Minute)
		if got := b.fake.Calls(drivertest.OpDescribe); got != asked {
			t.Errorf("got %d more probes, want none", got-asked)
		}
	})
}

// TestBothAway: nothing online answers, so nothing is made.
func TestBothAway(t *testing.T) {
	for name, begin := range waysAway {
		t.Run(name, func(t *testing.T) {
			outages(t, kms.Options{}, true, func(t *testing.T, b *bench) {
				begin(b)
				within(t, time.Second, func() {
					if _, err := b.Sealer(t.Context(), production); !fault.Is(err, fault.Unavailable) || !errors.Is(err, kms.ErrUnreachable) {
						t.Errorf("got %v, want Unavailable", err)
					}
				})
				if got := len(b.keys.All()); got != 0 {
					t.Errorf("got %d data keys stored, want none", got)
				}
				b.mend()
				time.Sleep(6 * time.Second)
				seal(t, b.Envelope, production, label, canary)
			})
		})
	}
}

// TestLateKeysAreCleared: keys of calls that nobody waits for any more are cleared too.
func TestLateKeysAreCleared(t *testing.T) {
	outages(t, kms.Options{}, true, func(t *testing.T, b *bench) {
		b.fake.BeforeKey(func(_ context.Context, _ drivertest.Op, key string) {
			if key == near || key == "" {
				time.Sleep(kms.HedgeAfter + 50*time.Millisecond)
			}
		})
		sealed := seal(t, b.Envelope, production, label, canary)
		opens(t, b.live(t, kms.Options{}), production, label, sealed, canary)
		time.Sleep(5 * time.Second)
		handed := b.fake.HandedOut()
		if len(handed) < 3 {
			t.Fatalf("got %d keys handed out, want the late ones as well", len(handed))
		}
		for i, key := range handed {
			if [kms.KeySize]byte(key) != [kms.KeySize]byte{} {
				t.Errorf("key %d is still in memory", i)
			}
		}
	})
}

// TestBlockLife: a data key that is retired in the store stops sealing within BlockLife in a
// process that nobody told.
func TestBlockLife(t *testing.T) {
	outages(t, kms.Options{}, false, func(t *testing.T, b *bench) {
		first := seal(t, b.Envelope, production, label, canary)
		b.keys.Change(first.DataKeyID, func(k *models.DataKey, _ *[]models.WrappedKey) { k.RetireAt = time.Now() })
		time.Sleep(kms.BlockLife - time.Nanosecond)
		if again := seal(t, b.Envelope, production, label, canary); again.DataKeyID != first.DataKeyID {
			t.Error("the block did not live its time")
		}
		time.Sleep(time.Nanosecond)
		if next := seal(t, b.Envelope, production, label, canary); next.DataKeyID == first.DataKeyID {
			t.Error("a retired data key sealed on after BlockLife")
		}
	})
}

// TestOwnKeyFirst: the wrapped key in the place of the environment's own key is opened first,
// wherever it stands among the rows.
func TestOwnKeyFirst(t *testing.T) {
	outages(t, kms.Options{}, true, func(t *testing.T, b *bench) {
		sealed := seal(t, b.Envelope, production, label, canary)
		var asked []string
		b.fake.BeforeKey(func(_ context.Context, op drivertest.Op, key string) {
			if op == drivertest.OpUnwrap {
				asked = append(asked, key)
			}
		})
		for range 2 {
			opens(t, b.live(t, kms.Options{}), production, label, sealed, canary)
			b.keys.Change(sealed.DataKeyID, func(_ *models.DataKey, w *[]models.WrappedKey) { slices.Reverse(*w) })
		}
		if !slices.Equal(asked, []string{near, near}) {
			t.Errorf("got %v asked, want the near key alone", asked)
		}
	})
}
