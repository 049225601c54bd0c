package destinations_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
	"github.com/your-org/keeper/sync/memory"
)

// TestMain holds that nothing goes on after the tests but the waiting for the database
// servers, which end with the process.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/your-org/keeper/test/databases.launch.func1"))
}

func TestChangesReachAllDestinations(t *testing.T) {
	h := sqlite(t)
	h.start(t)
	h.destination(t, "one")
	h.destination(t, "two")
	both := func(is func(*memory.Place) bool) func() bool {
		return func() bool { return is(h.places.at("one")) && is(h.places.at("two")) }
	}
	s := h.put(t, "db/password", "first")
	eventually(t, "created in both", both(func(p *memory.Place) bool { return holds(p, "production/db/password", "first") }))
	h.update(t, s, "second")
	eventually(t, "updated in both", both(func(p *memory.Place) bool { return holds(p, "production/db/password", "second") }))
	if _, err := h.secrets.Delete(t.Context(), admin, s.ID, 0); err != nil {
		t.Fatal(err)
	}
	eventually(t, "deleted in both", both(func(p *memory.Place) bool {
		got, ok := p.Get("production/db/password")
		return ok && got.Remote.Deleted
	}))
	if _, err := h.secrets.Undelete(t.Context(), admin, s.ID); err != nil {
		t.Fatal(err)
	}
	eventually(t, "restored in both", both(func(p *memory.Place) bool { return holds(p, "production/db/password", "second") }))
}

func TestFullPassRepairsDrift(t *testing.T) {
	h := sqlite(t)
	d := h.destination(t, "one")
	s := h.put(t, "a", "right")
	next := h.work(t, d)
	if until := time.Until(*next); until < 59*time.Minute || until > time.Hour {
		t.Errorf("next due in %v, want after the interval of an hour", until)
	}
	h.places.at("one").Edit("production/a", []byte("wrong"))
	h.work(t, d)
	if holds(h.places.at("one"), "production/a", "right") {
		t.Fatal("repaired before the interval was over: the test proves nothing")
	}
	h.Now = func() time.Time { return time.Now().Add(time.Hour) }
	h.work(t, d)
	if !holds(h.places.at("one"), "production/a", "right") {
		t.Error("the drift was not repaired at the interval")
	}
	run := h.runs(t, d)[0]
	if run.Trigger != models.TriggerSchedule || !run.Full || run.Counts.Repaired != 1 || run.Status != models.RunSucceeded {
		t.Errorf("run %+v", run)
	}
	if got := h.state(t, s, d); got.Status != models.StatusInSync {
		t.Errorf("state %+v", got)
	}
}

func TestNothingNewWritesNothing(t *testing.T) {
	h := sqlite(t)
	d := h.destination(t, "one")
	s := h.put(t, "a", "v")
	h.work(t, d)
	before, writes := h.state(t, s, d), h.places.at("one").Calls()[memory.OpPut]
	if _, err := h.Trigger(t.Context(), admin, d.ID); err != nil {
		t.Fatal(err)
	}
	h.work(t, d)
	if after := h.state(t, s, d); !after.UpdatedAt.Equal(before.UpdatedAt) || h.places.at("one").Calls()[memory.OpPut] != writes {
		t.Errorf("the state was written again: %v, then %v", before.UpdatedAt, after.UpdatedAt)
	}
	if h.work(t, d); len(h.runs(t, d)) != 2 {
		t.Errorf("%d runs; a wake-up with nothing to do makes none", len(h.runs(t, d)))
	}
}

func TestWhatIsBroughtInLineIsTold(t *testing.T) {
	h := sqlite(t)
	d := h.destination(t, "one")
	s := h.put(t, "a", "v")
	h.work(t, d)
	h.places.at("one").ChangeSettings()
	results := func() []models.SyncResult {
		run, err := h.Trigger(t.Context(), admin, d.ID)
		if err != nil {
			t.Fatal(err)
		}
		h.work(t, d)
		results, _, err := h.Results(t.Context(), admin, store.ResultQuery{Run: run.ID})
		if err != nil {
			t.Fatal(err)
		}
		return results
	}
	got := results()
	if len(got) != 1 || got[0].Action != models.ActionTune || got[0].Failed || got[0].Status != models.StatusInSync || got[0].Error == "" {
		t.Fatalf("results %+v", got)
	}
	if again := results(); len(again) != 0 {
		t.Errorf("results where nothing differs any more: %+v", again)
	}
	if state := h.state(t, s, d); state.Status != models.StatusInSync || state.LastError != "" {
		t.Errorf("state %+v", state)
	}
}

func TestTrigger(t *testing.T) {
	h := sqlite(t)
	d := h.destination(t, "one")
	h.work(t, d)
	first, err := h.Trigger(t.Context(), admin, d.ID)
	if err != nil || first.Status != models.RunQueued || !first.Full {
		t.Fatalf("run %+v, %v", first, err)
	}
	again, err := h.Trigger(t.Context(), admin, d.ID)
	if err != nil || again.ID != first.ID {
		t.Errorf("run %s, %v; want the one that is queued, %s", again.ID, err, first.ID)
	}
	h.work(t, d)
	done, err := h.Run(t.Context(), admin, first.ID)
	if err != nil || done.Status != models.RunSucceeded || done.Trigger != models.TriggerManual || done.Actor != "ada" {
		t.Errorf("run %+v, %v", done, err)
	}
	_, err = h.Trigger(t.Context(), admin, "dst_none")
	wantFault(t, err, fault.NotFound)
}

func TestPauseAndResume(t *testing.T) {
	h := sqlite(t)
	h.start(t)
	d := h.destination(t, "one")
	yes, no := true, false
	if _, err := h.Update(t.Context(), admin, d.ID, destinations.Change{Paused: &yes}, 0); err != nil {
		t.Fatal(err)
	}
	_, err := h.Trigger(t.Context(), admin, d.ID)
	wantFault(t, err, fault.Conflict)
	h.put(t, "a", "v")
	time.Sleep(300 * time.Millisecond)
	if names := h.places.at("one").Names(); len(names) != 0 {
		t.Errorf("a paused destination got %v", names)
	}
	if _, err := h.Update(t.Context(), admin, d.ID, destinations.Change{Paused: &no}, 0); err != nil {
		t.Fatal(err)
	}
	eventually(t, "synced after the resume", func() bool { return holds(h.places.at("one"), "production/a", "v") })
}

// TestPauseStopsAPass pauses while a pass works on a large page: it ends with what it had announced
// by then, and the resumed destination is looked at in full, as the pass that was cut off would have.
func TestPauseStopsAPass(t *testing.T) {
	h := sqlite(t)
	d := h.destination(t, "one")
	const all, until = 700, 320
	for i := range all {
		h.put(t, fmt.Sprintf("s%03d", i), "v")
	}
	yes, no := true, false
	var puts atomic.Int64
	h.onPut(t, d, func() {
		if puts.Add(1) == until {
			if _, err := h.Update(context.Background(), admin, d.ID, destinations.Change{Paused: &yes}, 0); err != nil {
				t.Error(err)
			}
		}
	})
	if next, err := h.Work(t.Context(), models.Job{Key: string(d.ID)}); next != nil || err != nil {
		t.Errorf("next %v, %v; want neither", next, err)
	}
	if n := len(h.places.at("one").Names()); n < until-10 || n > until+200 {
		t.Errorf("%d were written, paused after %d", n, until)
	}
	if run := h.runs(t, d)[0]; run.Status != models.RunInterrupted || run.Error == "" {
		t.Errorf("run %+v, want interrupted", run)
	}
	if got := h.reload(t, d); got.LastError != "" {
		t.Errorf("the destination is said to be unwell: %q", got.LastError)
	}
	if _, err := h.Update(t.Context(), admin, d.ID, destinations.Change{Paused: &no}, 0); err != nil {
		t.Fatal(err)
	}
	h.work(t, d)
	if run := h.runs(t, d)[0]; len(h.places.at("one").Names()) != all || !run.Full || run.Status != models.RunSucceeded {
		t.Errorf("%d written by %+v", len(h.places.at("one").Names()), run)
	}
}

// onPut calls hook once in the middle of each write to the destination.
func (h *house) onPut(t *testing.T, d models.Destination, hook func()) {
	t.Helper()
	open := h.OpenVersion
	h.OpenVersion = func(ctx context.Context, e models.Environment, v models.SecretVersion) (models.Plaintext, error) {
		hook()
		return open(ctx, e, v)
	}
	t.Cleanup(func() { h.OpenVersion = open })
}

// TestChangeBehindAPass changes what a long pass has come by: it must not wait for its end.
func TestChangeBehindAPass(t *testing.T) {
	h := sqlite(t)
	d := h.destination(t, "one")
	var all []models.Secret
	for i := range 350 {
		all = append(all, h.put(t, fmt.Sprintf("s%03d", i), "v"))
	}
	opened, before := 0, 0
	var mu sync.Mutex
	clock := time.Now()
	h.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return clock }
	h.onPut(t, d, func() {
		mu.Lock()
		opened++
		n := opened
		clock = clock.Add(20 * time.Millisecond)
		mu.Unlock()
		if n == 150 { // in the second page
			v := plain("changed")
			_, err := h.secrets.Update(context.Background(), admin, all[0].ID, secrets.Change{Value: &v}, 0)
			if err != nil {
				t.Error(err)
			}
		}
		mu.Lock()
		defer mu.Unlock()
		if before == 0 && holds(h.places.at("one"), "production/s000", "changed") {
			before = n
		}
	})
	h.work(t, d)
	if before == 0 || before > 320 {
		t.Errorf("the change arrived at write %d, want it before the pass over 350 ends", before)
	}
	if got := h.state(t, all[0], d); got.Status != models.StatusInSync || got.BaseVersion != 2 {
		t.Errorf("state %+v", got)
	}
}

// TestChangeDuringAPassStaysDue changes an entry between its reading and its record.
func TestChangeDuringAPassStaysDue(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			h := newHouse(t, storetest.Open(t, dialect))
			d := h.destination(t, "one")
			s := h.put(t, "a", "one")
			var once sync.Once
			h.onPut(t, d, func() { once.Do(func() { h.update(t, s, "two") }) })
			h.work(t, d)
			if got := h.state(t, s, d); !got.Dirty || got.BaseVersion != 1 || got.Status != models.StatusSourceChanged {
				t.Errorf("state %+v, want version 1 written and version 2 due", got)
			}
			h.work(t, d)
			if !holds(h.places.at("one"), "production/a", "two") {
				t.Error("the change was lost")
			}
		})
	}
}

func TestUnreachableDestination(t *testing.T) {
	h := sqlite(t)
	h.start(t)
	place := h.places.at("one")
	d := h.destination(t, "one")
	s := h.put(t, "a", "one")
	eventually(t, "synced", func() bool {
		return holds(place, "production/a", "one") && h.state(t, s, d).Status == models.StatusInSync
	})
	place.Inject(memory.Fault{Kind: fault.Unavailable})
	if _, err := h.Trigger(t.Context(), admin, d.ID); err != nil {
		t.Fatal(err)
	}
	eventually(t, "told", func() bool { return h.reload(t, d).LastError != "" })
	run := h.runs(t, d)[0]
	if run.Status != models.RunFailed && run.Status != models.RunRunning {
		t.Errorf("run %+v, want failed", run)
	}
	if got := h.state(t, s, d); got.Status != models.StatusUnknown || got.LastError == "" || got.NextTryAt != nil {
		t.Errorf("state %+v, want unknown until the next listing", got)
	}
	since := h.state(t, s, d).Since
	h.update(t, s, "two")
	place.ClearFaults()
	eventually(t, "recovered", func() bool {
		return holds(place, "production/a", "two") && h.reload(t, d).LastError == "" && h.state(t, s, d).Status == models.StatusInSync
	})
	if got := h.state(t, s, d); got.Attempts != 0 || got.NextTryAt != nil || got.LastError != "" || !got.Since.After(since) {
		t.Errorf("state %+v, want well", got)
	}
}

// TestUnlistableDestination may not be listed: what changed goes out all the same, retries
// keep their turn, and a failure that lasts does not fill the database.
func TestUnlistableDestination(t *testing.T) {
	h := sqlite(t)
	place := h.places.at("one")
	d := h.destination(t, "one")
	s, quiet := h.put(t, "a", "one"), h.put(t, "quiet", "v")
	h.work(t, d)
	place.Inject(memory.Fault{Op: memory.OpList, Kind: fault.Forbidden})
	job := models.Job{Key: string(d.ID)}
	if _, err := h.Trigger(t.Context(), admin, d.ID); err != nil {
		t.Fatal(err)
	}
	_, err := h.Work(t.Context(), job)
	wantFault(t, err, fault.Forbidden)
	first := h.state(t, quiet, d)
	h.update(t, s, "two")
	_, err = h.Work(t.Context(), job)
	wantFault(t, err, fault.Forbidden)
	if !holds(place, "production/a", "two") {
		t.Error("a change waits for the listing")
	}
	run := h.runs(t, d)[0]
	if run.Status != models.RunFailed || run.Counts.Updated != 1 || !run.Full {
		t.Errorf("run %+v", run)
	}
	if again := h.state(t, quiet, d); again.Status != models.StatusUnknown || !again.UpdatedAt.Equal(first.UpdatedAt) {
		t.Errorf("state %+v, want unknown and not written again", again)
	}
	results, _, err := h.Results(t.Context(), admin, destinations.ResultQuery{Run: run.ID, FailedOnly: true})
	if err != nil || len(results) != 0 {
		t.Errorf("%d results, %v; the run tells of the listing once", len(results), err)
	}
	// A failure of one secret keeps its own time beside that.
	place.Inject(memory.Fault{Op: memory.OpPut, Name: "production/a", Kind: fault.Throttled, Times: 1})
	h.update(t, s, "three")
	_, err = h.Work(t.Context(), job)
	wantFault(t, err, fault.Forbidden)
	if got := h.state(t, s, d); got.NextTryAt == nil || got.Attempts != 1 {
		t.Fatalf("state %+v, want a retry", got)
	}
	h.Now = func() time.Time { return time.Now().Add(time.Minute) }
	_, err = h.Work(t.Context(), job)
	wantFault(t, err, fault.Forbidden)
	if !holds(place, "production/a", "three") {
		t.Error("the retry waits for the listing")
	}
	place.ClearFaults()
	h.work(t, d)
	if got := h.reload(t, d); got.LastError != "" || h.state(t, quiet, d).Status != models.StatusInSync {
		t.Errorf("not recovered: %+v", got)
	}
}

func TestOneFailureAmongMany(t *testing.T) {
	h := sqlite(t)
	d := h.destination(t, "one")
	bad, good := h.put(t, "bad", "v"), h.put(t, "good", "v")
	h.places.at("one").Inject(memory.Fault{Op: memory.OpPut, Name: "production/bad", Kind: fault.Forbidden, Times: 1})
	next := h.work(t, d)
	if run := h.runs(t, d)[0]; run.Status != models.RunPartial || run.Counts.Failed != 1 || run.Counts.Created != 1 {
		t.Errorf("run %+v", run)
	}
	got := h.state(t, bad, d)
	if got.Attempts != 1 || got.LastHint == "" || got.NextTryAt == nil || !next.Equal(*got.NextTryAt) {
		t.Errorf("state %+v, next %v; want a retry, and the job due then", got, next)
	}
	if h.state(t, good, d).Status != models.StatusInSync {
		t.Error("the other one suffered")
	}
	if since := h.state(t, bad, d).Since; since.IsZero() {
		t.Error("no since")
	}
	h.Now = func() time.Time { return time.Now().Add(time.Minute) }
	h.work(t, d)
	if !holds(h.places.at("one"), "production/bad", "v") || h.state(t, bad, d).Attempts != 0 {
		t.Error("not tried again")
	}
}

// TestLostAnswer loses the answer of a write, and with it only the mark of who wrote: the
// intent must survive the failure, or Keeper's own value would look like a stranger's.
func TestLostAnswer(t *testing.T) {
	h := sqlite(t)
	place := h.places.at("one")
	d := h.destination(t, "one")
	s := h.put(t, "a", "v")
	place.Inject(memory.Fault{Op: memory.OpPut, Kind: fault.Unavailable, Acted: true, Times: 1})
	h.work(t, d)
	if got := h.state(t, s, d); got.Attempts != 1 || got.IntentAt == nil || got.IntentVersion != 1 || len(got.IntentHash) != 32 {
		t.Fatalf("state %+v, want a failure that keeps the intent", got)
	}
	place.Unmark("production/a")
	h.Now = func() time.Time { return time.Now().Add(time.Minute) }
	h.work(t, d)
	got, _ := place.Get("production/a")
	if state := h.state(t, s, d); state.Status != models.StatusInSync || state.IntentAt != nil || got.Writes != 1 || got.Remote.Mark.Zero() {
		t.Errorf("state %+v, %d writes, mark %+v", state, got.Writes, got.Remote.Mark)
	}
}

func TestSinceStaysWhileTheStatusDoes(t *testing.T) {
	h := sqlite(t)
	h.places.at("one").Edit("production/a", []byte("a stranger's"))
	d := h.destination(t, "one")
	s := h.put(t, "a", "ours")
	h.work(t, d)
	first := h.state(t, s, d)
	h.Now = func() time.Time { return time.Now().Add(time.Hour) }
	h.work(t, d)
	if again := h.state(t, s, d); again.Attempts <= first.Attempts || !again.Since.Equal(first.Since) {
		t.Errorf("since %v after %d tries, want still %v", again.Since, again.Attempts, first.Since)
	}
}

func TestForeignNameIsRefused(t *testing.T) {
	h := sqlite(t)
	place := h.places.at("one")
	place.Edit("production/a", []byte("a stranger's"))
	d := h.destination(t, "one")
	s := h.put(t, "a", "ours")
	h.work(t, d)
	if !holds(place, "production/a", "a stranger's") {
		t.Fatal("a stranger's value was overwritten")
	}
	if got := h.state(t, s, d); got.Status != models.StatusForeign || got.LastError == "" || got.LastHint == "" {
		t.Errorf("state %+v", got)
	}
	run := h.runs(t, d)[0]
	results, _, err := h.Results(t.Context(), admin, destinations.ResultQuery{Run: run.ID, FailedOnly: true})
	if err != nil || len(results) != 1 || results[0].Action != models.ActionRefuse || run.Status != models.RunPartial {
		t.Errorf("run %+v, results %+v, %v", run, results, err)
	}
}

// TestErrorIsNoAbsence takes the keys away: nothing is written, deleted or called gone.
func TestErrorIsNoAbsence(t *testing.T) {
	h := sqlite(t)
	d := h.destination(t, "one")
	s := h.put(t, "a", "one")
	h.work(t, d)
	h.update(t, s, "two")
	open := h.OpenVersion
	h.OpenVersion = func(context.Context, models.Environment, models.SecretVersion) (models.Plaintext, error) {
		return models.Plaintext{}, fault.New(fault.NotFound, "The key is away.")
	}
	h.work(t, d)
	if got := h.state(t, s, d); got.Status != models.StatusUnknown || got.NextTryAt == nil || !holds(h.places.at("one"), "production/a", "one") {
		t.Errorf("state %+v", got)
	}
	h.OpenVersion = open
	h.Now = func() time.Time { return time.Now().Add(time.Minute) }
	h.work(t, d)
	if !holds(h.places.at("one"), "production/a", "two") {
		t.Error("not recovered")
	}
}

// TestTakenOver cuts a pass off as SIGKILL does: whatever it leaves, another replica takes
// it over, does all of it, and writes nothing twice.
func TestTakenOver(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			h := newHouse(t, storetest.Open(t, dialect))
			d := h.destination(t, "one")
			h.work(t, d)
			const n = 40
			for i := range n {
				h.put(t, fmt.Sprintf("s%02d", i), "v")
			}
			asked, err := h.Trigger(t.Context(), admin, d.ID)
			if err != nil {
				t.Fatal(err)
			}
			dying := h.another(t)
			died := make(chan struct{})
			count := 0
			var mu sync.Mutex
			dying.onPut(t, d, func() {
				mu.Lock()
				count++
				at := count
				mu.Unlock()
				if at == n/2 {
					close(died)
				}
				if at >= n/2 {
					<-t.Context().Done() // the worker is gone with all that it would have done
				}
			})
			claim(t, h.store, 500*time.Millisecond)
			var corpse sync.WaitGroup
			corpse.Go(func() { _, _ = dying.Work(t.Context(), models.Job{Key: string(d.ID)}) })
			t.Cleanup(corpse.Wait)
			<-died
			if run, err := h.Run(t.Context(), admin, asked.ID); err != nil || run.Status != models.RunRunning {
				t.Fatalf("run %+v, %v", run, err)
			}
			h.start(t)
			place := h.places.at("one")
			eventually(t, "all are there", func() bool { return len(place.Names()) == n })
			eventually(t, "a full run succeeded in its place", func() bool {
				newest := h.runs(t, d)[0]
				return newest.Status == models.RunSucceeded && newest.Full && newest.Trigger == models.TriggerManual && newest.Actor == "ada"
			})
			for _, name := range place.Names() {
				if got, _ := place.Get(name); got.Writes != 1 {
					t.Errorf("%s was written %d times", name, got.Writes)
				}
			}
			if run, err := h.Run(t.Context(), admin, asked.ID); err != nil || run.Status != models.RunInterrupted {
				t.Errorf("run %+v, %v; want interrupted", run, err)
			}
		})
	}
}

// claim takes the lease of all due jobs, as a worker that then dies.
func claim(t *testing.T, s *store.Store, lease time.Duration) {
	t.Helper()
	err := s.Write(t.Context(), func(tx *store.Tx) error {
		claimed, err := tx.Claim([]string{destinations.JobKind}, time.Now(), lease, "lse_dead", 10)
		if len(claimed) == 0 {
			t.Error("nothing was due")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestStoppedInTheMiddle ends the process in good order: the run is interrupted, the
// destination is not said to be unwell, and the next start goes on.
func TestStoppedInTheMiddle(t *testing.T) {
	h := sqlite(t)
	d := h.destination(t, "one")
	for i := range 30 {
		h.put(t, fmt.Sprintf("s%02d", i), "v")
	}
	ctx, cancel := context.WithCancel(t.Context())
	h.onPut(t, d, cancel)
	if _, err := h.Work(ctx, models.Job{Key: string(d.ID)}); err == nil {
		t.Fatal("no error")
	}
	got := h.reload(t, d)
	if run := h.runs(t, d)[0]; run.Status != models.RunInterrupted || got.LastError != "" || got.LastFullAt != nil {
		t.Errorf("run %+v, destination %+v", run, got)
	}
	h.work(t, d)
	if len(h.places.at("one").Names()) != 30 {
		t.Errorf("%d are there", len(h.places.at("one").Names()))
	}
}

// TestTwoReplicas has two work on the same jobs while secrets change: one pass at a time,
// and no version twice.
func TestTwoReplicas(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			h := newHouse(t, storetest.Open(t, dialect))
			other := h.another(t)
			h.start(t)
			other.start(t)
			d := h.destination(t, "one")
			place := h.places.at("one")
			const n, versions = 8, 4
			var writers sync.WaitGroup
			for i := range n {
				s := h.put(t, fmt.Sprintf("s%d", i), "v1")
				writers.Go(func() {
					for v := 2; v <= versions; v++ {
						[]*house{h, other}[v%2].update(t, s, fmt.Sprintf("v%d", v))
						if v == 3 {
							if _, err := other.Trigger(t.Context(), admin, d.ID); err != nil {
								t.Errorf("%v; the cause: %v", err, errors.Unwrap(err))
							}
						}
					}
				})
			}
			writers.Wait()
			last := fmt.Sprintf("v%d", versions)
			eventually(t, "all are right", func() bool { return allHold(place, n, last) })
			eventually(t, "no run is left", func() bool {
				return !slices.ContainsFunc(h.runs(t, d), func(r models.SyncRun) bool {
					return r.Status == models.RunQueued || r.Status == models.RunRunning
				})
			})
			for i := range n {
				if got, _ := place.Get(fmt.Sprintf("production/s%d", i)); got.Writes > versions {
					t.Errorf("s%d was written %d times for %d versions", i, got.Writes, versions)
				}
			}
			overlap(t, h.runs(t, d))
		})
	}
}

func allHold(p *memory.Place, n int, value string) bool {
	for i := range n {
		if !holds(p, fmt.Sprintf("production/s%d", i), value) {
			return false
		}
	}
	return true
}

// overlap fails where two passes worked at once.
func overlap(t *testing.T, runs []models.SyncRun) {
	t.Helper()
	slices.Reverse(runs)
	for i := 1; i < len(runs); i++ {
		if before := runs[i-1]; before.FinishedAt == nil || runs[i].StartedAt.Before(*before.FinishedAt) {
			t.Errorf("run %s began at %v, before %s ended at %v", runs[i].ID, runs[i].StartedAt, before.ID, before.FinishedAt)
		}
	}
}

// TestManyTriggersAtOnce share one queued run, on every database.
func TestManyTriggersAtOnce(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			h := newHouse(t, storetest.Open(t, dialect))
			d := h.destination(t, "one")
			h.work(t, d)
			ids := make([]models.RunID, 10)
			var asking sync.WaitGroup
			for i := range ids {
				asking.Go(func() {
					run, err := h.Trigger(t.Context(), admin, d.ID)
					if err != nil {
						t.Error(err)
					}
					ids[i] = run.ID
				})
			}
			asking.Wait()
			slices.Sort(ids)
			if distinct := slices.Compact(ids); len(distinct) != 1 {
				t.Errorf("%d runs were queued, want 1", len(distinct))
			}
		})
	}
}

// TestDestinationRemovedDuringAPass ends the pass, keeps its record, and leaves no work.
func TestDestinationRemovedDuringAPass(t *testing.T) {
	h := sqlite(t)
	d := h.destination(t, "one")
	for i := range 250 {
		h.put(t, fmt.Sprintf("s%03d", i), "v")
	}
	var once sync.Once
	h.onPut(t, d, func() {
		once.Do(func() {
			if err := h.Service.Delete(context.Background(), admin, d.ID); err != nil {
				t.Error(err)
			}
		})
	})
	_, _ = h.Work(t.Context(), models.Job{Key: string(d.ID)})
	if n := len(h.places.at("one").Names()); n == 250 {
		t.Error("the pass went on")
	}
	if !slices.Contains(h.actions(t), "sync.run failed") {
		t.Error("what the pass did is not on record")
	}
	if next, err := h.Work(t.Context(), models.Job{Key: string(d.ID)}); next != nil || err != nil {
		t.Errorf("next %v, %v", next, err)
	}
}

// TestLedgerPages reads and settles more secrets than fit a page.
func TestLedgerPages(t *testing.T) {
	h := sqlite(t)
	d := h.destination(t, "one")
	const n = 1200
	for i := range n {
		h.put(t, fmt.Sprintf("s%04d", i), "v")
	}
	h.work(t, d)
	run := h.runs(t, d)[0]
	if len(h.places.at("one").Names()) != n || run.Counts.Created != n || run.Counts.Checked != n || run.Status != models.RunSucceeded {
		t.Errorf("%d names, counts %+v", len(h.places.at("one").Names()), run.Counts)
	}
	counts, err := h.Counts(t.Context(), admin)
	if err != nil || len(counts) != 1 || counts[0].N != n || counts[0].Status != models.StatusInSync {
		t.Errorf("counts %v, %v", counts, err)
	}
}

// TestPurgeWaitsForCopies keeps a deleted secret until its last copy is gone.
func TestPurgeWaitsForCopies(t *testing.T) {
	h := sqlite(t)
	d := h.destination(t, "one")
	s := h.put(t, "a", "v")
	h.work(t, d)
	if _, err := h.secrets.Delete(t.Context(), admin, s.ID, 0); err != nil {
		t.Fatal(err)
	}
	h.secrets.Now = func() time.Time { return time.Now().Add(2 * time.Hour) }
	exists := func() bool {
		if err := h.secrets.Purge(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, _, err := h.secrets.Get(t.Context(), admin, s.ID)
		return !fault.Is(err, fault.NotFound)
	}
	if !exists() {
		t.Fatal("purged while its copy stands")
	}
	h.work(t, d)
	if exists() {
		t.Error("not purged although its copy is gone")
	}
	if !slices.Contains(h.actions(t), "secret.purge allowed") {
		t.Error("the purge is not on record")
	}
}

// TestStraysAreTold names what bears the mark and has no secret, and leaves it alone.
func TestStraysAreTold(t *testing.T) {
	h := sqlite(t)
	d := h.destination(t, "one")
	s := h.put(t, "a", "v")
	h.work(t, d)
	err := h.store.Write(t.Context(), func(tx *store.Tx) error { return tx.PurgeSecret(s.ID) })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Trigger(t.Context(), admin, d.ID); err != nil {
		t.Fatal(err)
	}
	h.work(t, d)
	if run := h.runs(t, d)[0]; !strings.HasPrefix(run.Hint, "1 name") || !holds(h.places.at("one"), "production/a", "v") {
		t.Errorf("hint %q", run.Hint)
	}
}
