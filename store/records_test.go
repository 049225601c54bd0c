package store_test

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

func entryOf(env models.EnvironmentID, action, object string) models.AuditEntry {
	return models.AuditEntry{
		UID: models.NewID("aud"), At: at, ActorKind: models.ActorUser, ActorID: "usr_1", ActorName: "Ada", Via: "api", Address: "::1",
		RequestID: "r", Action: action, Outcome: models.OutcomeAllowed, EnvironmentID: env, EnvironmentName: "production",
		ObjectKind: "secret", ObjectID: object, ObjectName: "pay/Stripe", Version: 2, Detail: map[string]string{"k": "v"},
	}
}

func audit(t *testing.T, s *store.Store, q store.AuditQuery) (all []models.AuditEntry) {
	t.Helper()
	for range 100 {
		var around store.Around
		rows := read(t, s, func(tx *store.Tx) (rows []models.AuditEntry, err error) {
			rows, around, err = tx.Audit(q)
			return rows, err
		})
		all = append(all, rows...)
		if q.Cursor = around.Next; q.Cursor == "" {
			return all
		}
	}
	t.Fatal("the walk does not end")
	return nil
}

func testAudit(t *testing.T, s *store.Store) {
	first := entryOf(1, "secret.reveal", "7")
	write(t, s, func(tx *store.Tx) error { return tx.AppendAudit(first) })
	got := audit(t, s, store.AuditQuery{Everything: true})
	if len(got) != 1 {
		t.Fatalf("got %d entries", len(got))
	}
	first.ID, first.At = got[0].ID, at.UTC().Truncate(time.Microsecond)
	same(t, got[0], first)
	refused := entryOf(2, "secret.update", "8")
	refused.Outcome, refused.ActorID, refused.At = models.OutcomeRefused, "usr_2", at.Add(time.Hour)
	global := models.AuditEntry{Action: "user.sign_in", ActorName: "Bob", Detail: nil}
	write(t, s, func(tx *store.Tx) error { return tx.AppendAudit(refused) })
	write(t, s, func(tx *store.Tx) error { return tx.AppendAudit(global) })
	hour := at.Add(30 * time.Minute)
	one := []models.EnvironmentID{1, 2}
	for name, c := range map[string]struct {
		q    store.AuditQuery
		want int
	}{
		"Nothing":     {store.AuditQuery{}, 0},
		"Global":      {store.AuditQuery{Global: true}, 1},
		"Environment": {store.AuditQuery{Environments: one[:1]}, 1},
		"Both":        {store.AuditQuery{Environments: one, Global: true, Limit: 1}, 3},
		"Actor":       {store.AuditQuery{Environments: one, ActorID: "usr_2"}, 1},
		"Action":      {store.AuditQuery{Environments: one, Action: "secret.reveal"}, 1},
		"Prefix":      {store.AuditQuery{Everything: true, Action: "secret."}, 2},
		"Object":      {store.AuditQuery{Environments: one, ObjectKind: "secret", ObjectID: "8"}, 1},
		"Outcome":     {store.AuditQuery{Environments: one, Outcome: models.OutcomeRefused}, 1},
		"Since":       {store.AuditQuery{Environments: one, Since: &hour}, 1},
		"Until":       {store.AuditQuery{Environments: one, Until: &hour}, 1},
		"Search":      {store.AuditQuery{Everything: true, Search: "STRIPE"}, 2},
		"SearchActor": {store.AuditQuery{Everything: true, Search: "bob"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			if got := audit(t, s, c.q); len(got) != c.want {
				t.Errorf("got %d entries, want %d", len(got), c.want)
			}
		})
	}
	t.Run("OfSecret", func(t *testing.T) {
		got := read(t, s, func(tx *store.Tx) ([]models.AuditEntry, error) {
			rows, _, err := tx.AuditOfSecret(7, "", 10)
			return rows, err
		})
		same(t, got, []models.AuditEntry{first})
	})
	t.Run("Unsequenced", func(t *testing.T) {
		got := read(t, s, func(tx *store.Tx) ([]models.AuditEntry, error) { return tx.AuditUnsequenced(2) })
		if len(got) != 2 || got[0].ID != first.ID {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("Long", func(t *testing.T) { testLongAudit(t, s) })
	t.Run("Hostile", func(t *testing.T) {
		entry := entryOf(1, "secret.create", strings.Repeat("9", 100))
		entry.ObjectName = "\xff\x00" + strings.Repeat("ä", 600)
		entry.RequestID = strings.Repeat("x", 1000)
		if err := s.Record(context.Background(), entry); err != nil {
			t.Fatal(err)
		}
		got := audit(t, s, store.AuditQuery{Everything: true, Action: "secret.create"})
		if len(got) != 1 || len(got[0].ObjectName) > 512 || !strings.HasSuffix(got[0].ObjectName, "ä") {
			t.Errorf("got %+v", got)
		}
	})
}

// testLongAudit has few entries that are asked for among many that are not.
func testLongAudit(t *testing.T, s *store.Store) {
	const many, apart = 50_000, 24_000
	write(t, s, func(tx *store.Tx) error {
		entries := make([]models.AuditEntry, many)
		for i := range entries {
			entries[i] = entryOf(9, "secret.update", "1")
			if i%apart == apart/2 {
				entries[i].ObjectName = "needle/" + strconv.Itoa(i/apart)
			}
		}
		return tx.AppendAudits(entries)
	})
	q := store.AuditQuery{Environments: []models.EnvironmentID{9}, Object: "NEEDLE", Limit: 5}
	var there, back []string
	pages := 0
	for ; pages < 10; pages++ {
		rows, around, err := pageIn(s, func(tx *store.Tx) ([]models.AuditEntry, store.Around, error) { return tx.Audit(q) })
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			there = append(there, row.ObjectName)
		}
		if around.Next == "" {
			break
		}
		q.Cursor = around.Next
	}
	same(t, there, []string{"needle/1", "needle/0"})
	same(t, pages, 2) // three stretches
	for range 10 {
		rows, around, err := pageIn(s, func(tx *store.Tx) ([]models.AuditEntry, store.Around, error) { return tx.Audit(q) })
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range slices.Backward(rows) {
			back = append(back, row.ObjectName)
		}
		if around.Prev == "" {
			break
		}
		q.Cursor = around.Prev
	}
	same(t, back, []string{"needle/0", "needle/1"})
}

func testRecord(t *testing.T, s *store.Store) {
	const writers, each = 40, 10
	var wait sync.WaitGroup
	for w := range writers {
		wait.Go(func() {
			for i := range each {
				if err := s.Record(context.Background(), entryOf(1, "secret.reveal", strconv.Itoa(w*each+i))); err != nil {
					t.Errorf("recording: %v", err)
				}
			}
		})
	}
	wait.Wait()
	seen := map[string]bool{}
	for _, e := range audit(t, s, store.AuditQuery{Everything: true}) {
		seen[e.ObjectID] = true
	}
	same(t, len(seen), writers*each)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	wantKind(t, s.Record(ended, entryOf(1, "x", "y")), fault.Unavailable)
}

func testSettings(t *testing.T, s *store.Store) {
	failing(t, s, fault.NotFound, func(tx *store.Tx) error { _, err := tx.Setting("a"); return err })
	stands := func(value string) (got string) {
		write(t, s, func(tx *store.Tx) (err error) { got, err = tx.PutSettingIfAbsent("a", value); return err })
		return got
	}
	same(t, stands("1"), "1")
	same(t, stands("2"), "1")
	write(t, s, func(tx *store.Tx) error { return tx.PutSetting("a", "3") })
	same(t, read(t, s, func(tx *store.Tx) (string, error) { return tx.Setting("a") }), "3")
	var wait sync.WaitGroup
	var all sync.Map
	for i := range 8 {
		wait.Go(func() {
			err := s.Write(context.Background(), func(tx *store.Tx) error {
				got, err := tx.PutSettingIfAbsent("race", strconv.Itoa(i))
				all.Store(i, got)
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	want := read(t, s, func(tx *store.Tx) (string, error) { return tx.Setting("race") })
	all.Range(func(_, got any) bool { same(t, got.(string), want); return true })
}

func claim(t *testing.T, s *store.Store, now time.Time, token string) []models.Job {
	t.Helper()
	var got []models.Job
	write(t, s, func(tx *store.Tx) (err error) {
		got, err = tx.Claim([]string{"k", "other"}, now, time.Minute, token, 10)
		return err
	})
	return got
}

func testJobs(t *testing.T, s *store.Store) {
	now := s0()
	job := func() models.Job {
		t.Helper()
		return read(t, s, func(tx *store.Tx) (models.Job, error) { return tx.Job("k", "1") })
	}
	write(t, s, func(tx *store.Tx) error { return tx.EnqueueJob("k", "1", "{}", now.Add(time.Hour)) })
	t.Run("Enqueue", func(t *testing.T) {
		write(t, s, func(tx *store.Tx) error { return tx.EnqueueJob("k", "1", `{"a":1}`, now) })
		write(t, s, func(tx *store.Tx) error { return tx.EnqueueJob("k", "1", `{"a":2}`, now.Add(time.Minute)) })
		write(t, s, func(tx *store.Tx) error { return tx.ScheduleJob("k", "1", "no", now.Add(-time.Hour)) })
		got := job()
		if got.Generation != 3 || !got.DueAt.Equal(now) || got.Payload != `{"a":2}` {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("EnqueueDestinations", func(t *testing.T) {
		h := newHouse(t, s)
		d := models.Destination{ID: models.NewDestinationID(), EnvironmentID: h.env.ID, Name: "queued", Kind: models.DestinationMemory}
		elsewhere := models.Environment{Name: "without-destinations"}
		write(t, s, func(tx *store.Tx) error { return tx.CreateDestination(&d) })
		write(t, s, func(tx *store.Tx) error { return tx.CreateEnvironment(&elsewhere) })
		for range 2 {
			write(t, s, func(tx *store.Tx) error { return tx.EnqueueDestinationJobs("pass", h.env.ID, now) })
			write(t, s, func(tx *store.Tx) error { return tx.EnqueueDestinationJobs("pass", elsewhere.ID, now) })
		}
		got := read(t, s, func(tx *store.Tx) (models.Job, error) { return tx.Job("pass", string(d.ID)) })
		if !got.DueAt.Equal(now) || got.Generation != 2 || got.LeaseToken != "" {
			t.Errorf("got %+v, want it due, and asked for twice", got)
		}
	})
	t.Run("Claim", func(t *testing.T) {
		if got := claim(t, s, now.Add(-time.Second), "early"); len(got) != 0 {
			t.Errorf("got %+v before it was due", got)
		}
		got := claim(t, s, now, "one")
		if len(got) != 1 || got[0].LeaseToken != "one" {
			t.Fatalf("got %+v", got)
		}
		stored := job()
		stored.UpdatedAt = got[0].UpdatedAt
		same(t, got[0], stored)
		if got := claim(t, s, now, "two"); len(got) != 0 {
			t.Errorf("got %+v, which is leased", got)
		}
		failing(t, s, fault.Conflict, func(tx *store.Tx) error { return tx.ExtendLease(got[0].ID, "two", now) })
		write(t, s, func(tx *store.Tx) error { return tx.ExtendLease(got[0].ID, "one", now.Add(2*time.Minute)) })
		if got := claim(t, s, now.Add(time.Minute), "two"); len(got) != 0 {
			t.Errorf("got %+v, whose lease was extended", got)
		}
	})
	t.Run("LostLease", func(t *testing.T) {
		got := claim(t, s, now.Add(2*time.Minute), "two")
		if len(got) != 1 {
			t.Fatalf("got %+v, want the job whose lease ran out", got)
		}
		failing(t, s, fault.Conflict, func(tx *store.Tx) error { return tx.CompleteJob(got[0].ID, "one", 3, nil) })
		failing(t, s, fault.Conflict, func(tx *store.Tx) error { return tx.FailJob(got[0].ID, "one", 3, "e", now) })
		failing(t, s, fault.Conflict, func(tx *store.Tx) error { return tx.ReleaseJob(got[0].ID, "one") })
	})
	id := job().ID
	t.Run("LostWakeup", func(t *testing.T) {
		write(t, s, func(tx *store.Tx) error { return tx.EnqueueJob("k", "1", "{}", now) })
		next := now.Add(time.Hour)
		write(t, s, func(tx *store.Tx) error { return tx.CompleteJob(id, "two", 3, &next) })
		got := claim(t, s, now, "three")
		if len(got) != 1 || got[0].Generation != 4 {
			t.Fatalf("got %+v, want the job that was asked for during the run", got)
		}
	})
	t.Run("Fail", func(t *testing.T) {
		write(t, s, func(tx *store.Tx) error { return tx.FailJob(id, "three", 4, "broken", now.Add(time.Minute)) })
		if got := job(); got.Attempts != 1 || got.LastError != "broken" || got.LeaseToken != "" || !got.DueAt.Equal(now.Add(time.Minute)) {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("AskedForWhileItFailed", func(t *testing.T) {
		claim(t, s, now.Add(time.Minute), "three and a half")
		asked := now.Add(30 * time.Second)
		write(t, s, func(tx *store.Tx) error { return tx.EnqueueJob("k", "1", "{}", asked) })
		write(t, s, func(tx *store.Tx) error { return tx.FailJob(id, "three and a half", 4, "broken", now.Add(time.Hour)) })
		if got := job(); got.Attempts != 2 || !got.DueAt.Equal(asked) || got.Generation != 5 {
			t.Errorf("got %+v, want it due as it was asked for", got)
		}
	})
	t.Run("Release", func(t *testing.T) {
		claim(t, s, now.Add(time.Minute), "four")
		write(t, s, func(tx *store.Tx) error { return tx.ReleaseJob(id, "four") })
		if got := claim(t, s, now.Add(time.Minute), "five"); len(got) != 1 || got[0].Attempts != 2 {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("Complete", func(t *testing.T) {
		next := now.Add(time.Hour)
		write(t, s, func(tx *store.Tx) error { return tx.CompleteJob(id, "five", 5, &next) })
		if got := job(); !got.DueAt.Equal(next) || got.Attempts != 0 || got.LastError != "" {
			t.Errorf("got %+v", got)
		}
		claim(t, s, next, "six")
		write(t, s, func(tx *store.Tx) error { return tx.CompleteJob(id, "six", 5, nil) })
		if got := claim(t, s, next.AddDate(100, 0, 0), "seven"); len(got) != 0 {
			t.Errorf("got %+v, which nobody asked for", got)
		}
		write(t, s, func(tx *store.Tx) error { return tx.EnqueueJob("k", "1", "{}", now) })
		if got := claim(t, s, now, "eight"); len(got) != 1 || got[0].Generation != 6 {
			t.Errorf("got %+v, want the job that was asked for again", got)
		}
	})
	t.Run("Delete", func(t *testing.T) {
		write(t, s, func(tx *store.Tx) error { return tx.DeleteJob("k", "1") })
		same(t, len(read(t, s, func(tx *store.Tx) ([]models.Job, error) { return tx.Jobs("k") })), 0)
		failing(t, s, fault.Conflict, func(tx *store.Tx) error { return tx.CompleteJob(id, "eight", 6, nil) })
	})
}

// testJobsRace lets eight workers claim at once: each job is got once.
func testJobsRace(t *testing.T, s *store.Store) {
	const jobs = 60
	now := s0()
	write(t, s, func(tx *store.Tx) error {
		for i := range jobs {
			if err := tx.EnqueueJob("k", strconv.Itoa(i), "", now); err != nil {
				return err
			}
		}
		return nil
	})
	var got sync.Map
	var total atomic.Int64
	var wait sync.WaitGroup
	for w := range 8 {
		wait.Go(func() {
			for total.Load() < jobs {
				err := s.Write(context.Background(), func(tx *store.Tx) error {
					claimed, err := tx.Claim([]string{"k"}, now, time.Minute, strconv.Itoa(w), 3)
					if err != nil {
						return err
					}
					for _, j := range claimed {
						if other, twice := got.LoadOrStore(j.Key, w); twice && other != w {
							t.Errorf("job %s was claimed by %v and %d", j.Key, other, w)
						}
						total.Add(1)
					}
					return nil
				})
				if err != nil {
					t.Errorf("claiming: %v", err)
					return
				}
			}
		})
	}
	wait.Wait()
	same(t, total.Load(), int64(jobs))
}
