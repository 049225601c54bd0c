package keys_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/keys"
	"github.com/your-org/keeper/kms/drivertest"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

func TestRewrapToAnotherKey(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			h := newHouse(t, setup{dialect: dialect})
			h.write(t, 20)
			before := h.under(t)
			p := h.finish(t, h.start(t, keys.Order{Kind: models.KeyRewrap, Environment: h.env.ID, ToKey: "a/two"}).ID)
			if p.Status != models.KeyRunSucceeded || p.KeyRun.Remaining != 0 || p.Done != p.Total || p.Done != int64(before[""]) {
				t.Errorf("the run ended as %+v", p.KeyRun)
			}
			if want := "Nothing stands under a/one any more; it may be disabled."; p.Hint != want {
				t.Errorf("it says %q, want %q", p.Hint, want)
			}
			want := map[string]int{"": before[""], "a/two": before[""]}
			if diff := cmp.Diff(want, h.under(t)); diff != "" {
				t.Errorf("what stands under what (-want +got):\n%s", diff)
			}
			if calls := int64(before[""]) + 10; p.Calls > calls {
				t.Errorf("%d calls for %d data keys", p.Calls, before[""])
			}
			h.readAll(t)
			h.write(t, 5)
			if h.under(t)["a/one"] != 0 {
				t.Error("a new data key stands under the old key")
			}
			for _, action := range []string{"keys.rewrap allowed begin", "keys.rewrap allowed end"} {
				if h.actions(t)[action] != 1 {
					t.Errorf("the audit log has %d entries %q", h.actions(t)[action], action)
				}
			}
		})
	}
}

func TestRewrapUnderTheSameKeyMakesEveryWrapAnew(t *testing.T) {
	h := newHouse(t, setup{})
	h.write(t, 10)
	before := map[models.DataKeyID]string{}
	for _, row := range h.dataKeys(t) {
		before[row.Key.ID] = string(row.Wrapped[0].Blob)
	}
	h.clock.move(time.Second)
	p := h.finish(t, h.start(t, keys.Order{Kind: models.KeyRewrap, Environment: h.env.ID}).ID)
	if p.Status != models.KeyRunSucceeded {
		t.Fatalf("the run ended as %+v", p.KeyRun)
	}
	for _, row := range h.dataKeys(t) {
		if len(row.Wrapped) != 1 || string(row.Wrapped[0].Blob) == before[row.Key.ID] {
			t.Errorf("data key %s has %d wraps, and the one of before", row.Key.ID, len(row.Wrapped))
		}
	}
	h.readAll(t)
}

// killed works on a run to its end, which dies so many times after up to so many calls of KMS,
// while another replica writes.
func (h *house) killed(t *testing.T, run models.KeyRunID, times, calls int, writer *house) {
	t.Helper()
	var writing sync.WaitGroup
	writing.Go(func() {
		for i := range 30 {
			if err := writer.writeOne(context.Background(), writer.env, fmt.Sprintf("late-%d", i)); err != nil {
				t.Errorf("a write meanwhile: %v", err)
			}
		}
	})
	for range times {
		ctx, cancel := h.dies(t, rand.N(calls))
		_, _ = h.step(ctx, run)
		cancel()
		h.serve(t)
	}
	writing.Wait()
	if p := h.finish(t, run); p.Status != models.KeyRunSucceeded || p.Failed != 0 {
		t.Errorf("the run ended as %+v", p.KeyRun)
	}
}

// TestRewrapIsResumed ends the work at random points, each time as a process that dies, while
// others write.
func TestRewrapIsResumed(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			h := newHouse(t, setup{dialect: dialect, uses: 1})
			h.write(t, 150)
			run := h.start(t, keys.Order{Kind: models.KeyRewrap, Environment: h.env.ID, ToKey: "b/three"})
			writer := *h
			writer.wrote = map[models.SecretID][]string{}
			h.killed(t, run.ID, 15, 60, &writer)
			u := h.under(t)
			if u["b/three"] != u[""] || u["a/one"] != 0 {
				t.Errorf("what stands under what: %v", u)
			}
			for id, values := range writer.wrote {
				h.wrote[id] = values
			}
			h.readAll(t)
		})
	}
}

func TestRewrapWaitsForKMS(t *testing.T) {
	h := newHouse(t, setup{})
	h.write(t, 12)
	run := h.start(t, keys.Order{Kind: models.KeyRewrap, Environment: h.env.ID, ToKey: "a/two"})
	h.kms.CutOff()
	if _, err := h.step(t.Context(), run.ID); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a try while KMS is away: %v, want Unavailable", err)
	}
	p := h.progress(t, run.ID)
	if p.Status != models.KeyRunRunning || p.Error == "" {
		t.Errorf("while KMS is away the run is %s and says %q", p.Status, p.Error)
	}
	h.kms.Mend()
	if p = h.finish(t, run.ID); p.Status != models.KeyRunSucceeded || p.Error != "" {
		t.Errorf("afterwards it is %s and says %q", p.Status, p.Error)
	}
	h.readAll(t)
}

func TestRewrapNamesWhatIsDamagedAndRefusesToSayDone(t *testing.T) {
	h := newHouse(t, setup{})
	h.write(t, 12)
	broken := h.dataKeys(t)[1]
	h.change(t, func(tx *store.Tx) error {
		bad := broken.Wrapped[0]
		bad.Blob = append([]byte{bad.Blob[0] ^ 1}, bad.Blob[1:]...)
		return tx.ReplaceWrapped(broken.Key.ID, []models.WrappedKey{bad}, nil, nil)
	})
	p := h.finish(t, h.start(t, keys.Order{Kind: models.KeyRewrap, Environment: h.env.ID, ToKey: "a/two"}).ID)
	if p.Status != models.KeyRunPartial || p.Failed != 1 || p.KeyRun.Remaining != 1 {
		t.Errorf("the run ended as %+v", p.KeyRun)
	}
	if strings.Contains(p.Hint, "may be disabled") {
		t.Errorf("it says %q while a data key stands under the old key", p.Hint)
	}
	found := h.findings(t, p.ID)
	if len(found) != 1 || found[0].DataKeyID != broken.Key.ID || found[0].Kind != models.FindingDamaged {
		t.Errorf("the findings are %+v", found)
	}
}

func TestRewrapTellsOfOtherEnvironments(t *testing.T) {
	h := newHouse(t, setup{})
	h.write(t, 4)
	other := h.environment(t, "staging")
	if err := h.writeOne(t.Context(), other, "other"); err != nil {
		t.Fatal(err)
	}
	p := h.finish(t, h.start(t, keys.Order{Kind: models.KeyRewrap, Environment: h.env.ID, ToKey: "a/two"}).ID)
	if p.KeyRun.Remaining != 2 || !strings.Contains(p.Hint, "Do not disable a/one") || !strings.Contains(p.Hint, "staging") {
		t.Errorf("%d remain, and it says %q", p.KeyRun.Remaining, p.Hint)
	}
	all, err := h.Start(t.Context(), admin, keys.Order{Kind: models.KeyRewrap, FromKey: "a/one", ToKey: "a/two"})
	if err != nil || len(all) != 1 || all[0].EnvironmentID != other.ID {
		t.Fatalf("emptying a/one began %+v, %v", all, err)
	}
	if p := h.finish(t, all[0].ID); !strings.Contains(p.Hint, "may be disabled") {
		t.Errorf("it says %q", p.Hint)
	}
}

func TestStartRefuses(t *testing.T) {
	h := newHouse(t, setup{})
	h.write(t, 3)
	refused := map[string]struct {
		order keys.Order
		kind  fault.Kind
	}{
		"a key that is not there":     {keys.Order{Kind: models.KeyRewrap, Environment: h.env.ID, ToKey: "a/none"}, fault.Invalid},
		"neither environment nor key": {keys.Order{Kind: models.KeyRewrap}, fault.Invalid},
		"an unknown environment":      {keys.Order{Kind: models.KeyReencrypt, Environment: 99}, fault.NotFound},
		"a key without anything":      {keys.Order{Kind: models.KeyRewrap, FromKey: "a/two"}, fault.Invalid},
		"a migration":                 {keys.Order{Kind: models.KeyMigrate, Environment: h.env.ID}, fault.Invalid},
	}
	for name, c := range refused {
		t.Run(name, func(t *testing.T) {
			if _, err := h.Start(t.Context(), admin, c.order); !fault.Is(err, c.kind) {
				t.Errorf("got %v, want %v", err, c.kind)
			}
		})
	}
	e, err := h.secrets.Environment(t.Context(), admin, h.env.ID)
	if err != nil || e.KMSKeyAlias != "" {
		t.Errorf("the environment's key is %q afterwards, %v", e.KMSKeyAlias, err)
	}
	t.Run("twice is once", func(t *testing.T) {
		first := h.start(t, keys.Order{Kind: models.KeyRewrap, Environment: h.env.ID, ToKey: "a/two"})
		if second := h.start(t, keys.Order{Kind: models.KeyRewrap, Environment: h.env.ID}); second.ID != first.ID {
			t.Errorf("a second run %s began beside %s", second.ID, first.ID)
		}
		_, err := h.Start(t.Context(), admin, keys.Order{Kind: models.KeyReencrypt, Environment: h.env.ID})
		if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), string(first.ID)) {
			t.Errorf("a re-encryption beside it: %v", err)
		}
	})
}

func TestCancel(t *testing.T) {
	h := newHouse(t, setup{uses: 1})
	h.write(t, 120)
	run := h.start(t, keys.Order{Kind: models.KeyRewrap, Environment: h.env.ID, ToKey: "a/two"})
	h.kms.Before(func(context.Context, drivertest.Op) {
		h.kms.Before(nil)
		if _, err := h.Cancel(context.Background(), admin, run.ID); err != nil {
			t.Errorf("cancelling: %v", err)
		}
	})
	if _, err := h.step(t.Context(), run.ID); err != nil {
		t.Errorf("the work that was cancelled says %v", err)
	}
	if p := h.progress(t, run.ID); p.Status != models.KeyRunCancelled {
		t.Errorf("the run is %s", p.Status)
	}
	if _, err := h.Cancel(t.Context(), admin, run.ID); !fault.Is(err, fault.Conflict) {
		t.Errorf("cancelling again: %v, want Conflict", err)
	}
	h.readAll(t)
}

// TestRewrapFromANameThatIsGone: whoever lost the alias of a wrapping key names another one, and
// goes on; without one, it is said that the name stands for nothing.
func TestRewrapFromANameThatIsGone(t *testing.T) {
	h := newHouse(t, setup{})
	h.write(t, 3)
	err := h.store.Write(t.Context(), func(tx *store.Tx) error {
		e, err := tx.Environment(h.env.ID)
		if err != nil {
			return err
		}
		e.KMSKeyAlias = "a/gone"
		return tx.UpdateEnvironment(&e, 0)
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Start(t.Context(), admin, keys.Order{Kind: models.KeyRewrap, Environment: h.env.ID}); err == nil {
		t.Error("a re-wrap begins under a key that is not there")
	}
	p := h.finish(t, h.start(t, keys.Order{Kind: models.KeyRewrap, Environment: h.env.ID, ToKey: "a/two"}).ID)
	if p.Status != models.KeyRunSucceeded || p.ToKey != "a/two" || p.Done == 0 {
		t.Errorf("the run is %+v", p)
	}
}
