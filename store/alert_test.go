package store_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

func (h *house) alert(kind models.AlertKind, subject string) models.Alert {
	return models.Alert{
		ID: models.NewAlertID(), EnvironmentID: h.env.ID, Kind: kind, Subject: subject, SubjectName: "d", Summary: "s", Hint: "h",
		Secrets: []string{"a", "b"}, Total: 2, Count: 1, OpenedAt: at,
	}
}

// open opens an alert that must not stand yet.
func (h *house) open(t *testing.T, a models.Alert) models.Alert {
	t.Helper()
	write(t, h.s, func(tx *store.Tx) error {
		opened, err := tx.OpenAlert(&a)
		if err == nil && !opened {
			t.Errorf("%s of %s was not opened", a.Kind, a.Subject)
		}
		return err
	})
	return a
}

func (h *house) channel(t *testing.T, name string) models.AlertChannel {
	t.Helper()
	c := models.AlertChannel{
		ID: models.NewChannelID(), EnvironmentID: h.env.ID, Name: name, Kind: models.ChannelWebhook, Address: "https://a.example/x",
		Secret: []byte{1, 0}, SecretKeyID: h.key.ID, Kinds: []models.AlertKind{models.AlertDrift}, Enabled: true, CreatedAt: at, CreatedBy: "ada",
	}
	write(t, h.s, func(tx *store.Tx) error { return tx.CreateAlertChannel(&c) })
	return c
}

func testAlerts(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	a := h.open(t, h.alert(models.AlertDrift, "dst_1"))
	get := func(id models.AlertID) models.Alert {
		return read(t, s, func(tx *store.Tx) (models.Alert, error) { return tx.Alert(id) })
	}
	t.Run("OK", func(t *testing.T) {
		same(t, get(a.ID), a)
		if a.OpenedAt != micros(at) || a.LastSeenAt != a.OpenedAt || a.NotifiedAt != a.OpenedAt || a.ResolvedAt != nil {
			t.Errorf("got %+v", a)
		}
	})
	t.Run("OpenOnce", func(t *testing.T) {
		again := h.alert(models.AlertDrift, "dst_1")
		write(t, s, func(tx *store.Tx) error {
			opened, err := tx.OpenAlert(&again)
			if opened {
				t.Error("a second one was opened")
			}
			return err
		})
		h.open(t, h.alert(models.AlertHeld, "dst_1"))
		h.open(t, h.alert(models.AlertDrift, "dst_2"))
	})
	t.Run("See", func(t *testing.T) {
		seen := a
		seen.Count, seen.Summary, seen.Secrets, seen.LastSeenAt, seen.OpenedAt = 2, "other", nil, at.Add(time.Hour), at.Add(time.Hour)
		write(t, s, func(tx *store.Tx) error { return tx.SeeAlert(&seen) })
		want := a
		want.Count, want.Summary, want.Secrets, want.LastSeenAt = 2, "other", nil, micros(at.Add(time.Hour))
		a = want
		same(t, get(a.ID), a)
	})
	t.Run("Resolve", func(t *testing.T) {
		write(t, s, func(tx *store.Tx) error { return tx.ResolveAlert(&a, at.Add(2*time.Hour)) })
		same(t, get(a.ID), a)
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { again := a; return tx.ResolveAlert(&again, at) })
		_, err := tryRead(s, func(tx *store.Tx) (models.Alert, error) { return tx.OpenAlertFor(h.env.ID, models.AlertDrift, "dst_1") })
		wantKind(t, err, fault.NotFound)
		next := h.alert(models.AlertDrift, "dst_1")
		next.OpenedAt = at.Add(3 * time.Hour)
		h.open(t, next)
	})
	t.Run("List", func(t *testing.T) { testAlertList(t, h) })
	t.Run("Remind", func(t *testing.T) { testAlertRemind(t, h) })
}

func testAlertList(t *testing.T, h *house) {
	list := func(q store.AlertQuery) (rows []models.Alert) {
		t.Helper()
		for {
			var page []models.Alert
			var err error
			write(t, h.s, func(tx *store.Tx) error {
				var around store.Around
				page, around, err = tx.Alerts(q)
				q.Cursor = around.Next
				return err
			})
			if rows = append(rows, page...); q.Cursor == "" {
				return rows
			}
		}
	}
	here := []models.EnvironmentID{h.env.ID}
	for name, c := range map[string]struct {
		q    store.AlertQuery
		want int
	}{
		"All":     {store.AlertQuery{Environments: here, Limit: 1}, 4},
		"Open":    {store.AlertQuery{Environments: here, Open: true, Limit: 2}, 3},
		"Kind":    {store.AlertQuery{Environments: here, Kind: models.AlertHeld}, 1},
		"Subject": {store.AlertQuery{Environments: here, Subject: "dst_2"}, 1},
		"None":    {store.AlertQuery{}, 0},
		"Other":   {store.AlertQuery{Environments: []models.EnvironmentID{99}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			rows := list(c.q)
			if len(rows) != c.want {
				t.Fatalf("got %d alerts, want %d", len(rows), c.want)
			}
			for i := range max(0, len(rows)-1) {
				if rows[i].OpenedAt.Before(rows[i+1].OpenedAt) {
					t.Error("not the newest first")
				}
			}
		})
	}
	_, err := tryRead(h.s, func(tx *store.Tx) (store.Around, error) {
		_, around, err := tx.Alerts(store.AlertQuery{Environments: here, Cursor: "x"})
		return around, err
	})
	wantKind(t, err, fault.Invalid)
}

func testAlertRemind(t *testing.T, h *house) {
	due := func(since time.Time, limit int) (rows []models.Alert) {
		write(t, h.s, func(tx *store.Tx) (err error) {
			rows, err = tx.LockAlertsToRemind(since, limit)
			return err
		})
		return rows
	}
	if got := len(due(at.Add(-time.Second), 10)); got != 0 {
		t.Errorf("got %d before their time", got)
	}
	if got := len(due(at, 10)); got != 2 { // neither the one that is over nor the one that came later
		t.Errorf("got %d, want 2", got)
	}
	first := due(at, 1)
	write(t, h.s, func(tx *store.Tx) error { return tx.TouchAlert(first[0].ID, at.Add(time.Hour)) })
	if got := due(at, 10); len(got) != 1 || got[0].ID == first[0].ID {
		t.Errorf("got %v after one was told", got)
	}
}

// testAlertRace has several replicas see the same condition at once.
func testAlertRace(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	var opened atomic.Int32
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			a := h.alert(models.AlertDrift, "dst_1")
			var done bool
			err := s.Write(context.Background(), func(tx *store.Tx) (err error) {
				done, err = tx.OpenAlert(&a)
				return err
			})
			if err != nil && !fault.Is(err, fault.Unavailable) {
				t.Error(err)
			}
			if err == nil && done {
				opened.Add(1)
			}
		})
	}
	wait.Wait()
	if opened.Load() != 1 {
		t.Errorf("%d were opened, want 1", opened.Load())
	}
}

func testAlertChannels(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	c := h.channel(t, "ops")
	get := func(id models.ChannelID) models.AlertChannel {
		return read(t, s, func(tx *store.Tx) (models.AlertChannel, error) { return tx.AlertChannel(id) })
	}
	t.Run("OK", func(t *testing.T) {
		same(t, get(c.ID), c)
		same(t, read(t, s, func(tx *store.Tx) ([]models.AlertChannel, error) {
			return tx.AlertChannels([]models.EnvironmentID{h.env.ID})
		}), []models.AlertChannel{c})
	})
	t.Run("Conflict", func(t *testing.T) {
		failing(t, s, fault.Conflict, func(tx *store.Tx) error {
			other := c
			other.ID = models.NewChannelID()
			return tx.CreateAlertChannel(&other)
		})
	})
	t.Run("Update", func(t *testing.T) {
		write(t, s, func(tx *store.Tx) error { return tx.SetChannelHealth(c.ID, at, "") })
		write(t, s, func(tx *store.Tx) error { return tx.SetChannelHealth(c.ID, at.Add(time.Hour), "broken") })
		changed := c
		changed.Name, changed.Kind, changed.Kinds, changed.Enabled, changed.LastError = "other", models.ChannelSlack, nil, false, "never"
		write(t, s, func(tx *store.Tx) error { return tx.UpdateAlertChannel(&changed, 1) })
		want := c
		told := micros(at)
		want.Name, want.Kinds, want.Enabled, want.Revision, want.UpdatedAt = "other", nil, false, 2, changed.UpdatedAt
		want.DeliveredAt, want.LastError = &told, "broken"
		same(t, get(c.ID), want)
		failing(t, s, fault.Stale, func(tx *store.Tx) error { return tx.UpdateAlertChannel(&c, 1) })
	})
	t.Run("For", func(t *testing.T) {
		own, everywhere := h.channel(t, "own"), h.channel(t, "everywhere")
		everywhere.Everywhere = true
		write(t, s, func(tx *store.Tx) error { return tx.UpdateAlertChannel(&everywhere, 0) })
		for environment, want := range map[models.EnvironmentID][]models.ChannelID{h.env.ID: {own.ID, everywhere.ID}, 99: {everywhere.ID}} {
			var got []models.AlertChannel
			write(t, s, func(tx *store.Tx) (err error) {
				got, err = tx.AlertChannelsFor(environment)
				return err
			})
			if len(got) != len(want) {
				t.Errorf("environment %d has %d channels, want %d", environment, len(got), len(want))
			}
		}
		failing(t, s, fault.Conflict, func(tx *store.Tx) error { return tx.DeleteEnvironment(h.env.ID) })
		write(t, s, func(tx *store.Tx) error { return tx.DeleteAlertChannel(everywhere.ID) })
	})
	t.Run("DataKeyStays", func(t *testing.T) {
		later := at.AddDate(2, 0, 0)
		unused := func() (n int64) {
			write(t, s, func(tx *store.Tx) (err error) {
				n, err = tx.DeleteUnusedDataKeys(h.env.ID, later, 0)
				return err
			})
			return n
		}
		if n := unused(); n != 0 {
			t.Fatal("the data key of a channel's secret was deleted")
		}
		for _, one := range read(t, s, func(tx *store.Tx) ([]models.AlertChannel, error) {
			return tx.AlertChannels([]models.EnvironmentID{h.env.ID})
		}) {
			write(t, s, func(tx *store.Tx) error { return tx.DeleteAlertChannel(one.ID) })
		}
		if n := unused(); n != 1 {
			t.Errorf("%d data keys were deleted, want 1", n)
		}
		gone := models.AlertChannel{ID: models.NewChannelID(), EnvironmentID: h.env.ID, Name: "x", SecretKeyID: h.key.ID}
		failing(t, s, fault.Conflict, func(tx *store.Tx) error { return tx.CreateAlertChannel(&gone) })
	})
	t.Run("NotFound", func(t *testing.T) {
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { return tx.DeleteAlertChannel("chn_none") })
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { return tx.SetChannelHealth("chn_none", at, "") })
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { return tx.UpdateAlertChannel(&models.AlertChannel{ID: "chn_none"}, 0) })
	})
}

func testNotices(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	c, a := h.channel(t, "ops"), h.open(t, h.alert(models.AlertDrift, "dst_1"))
	notice := func(o models.Occasion) models.Notice {
		return models.Notice{
			UID: models.NewNoticeID(), AlertID: a.ID, ChannelID: c.ID, Occasion: o, Body: `{"a":"ä"}`, Status: models.NoticePending, CreatedAt: at,
		}
	}
	write(t, s, func(tx *store.Tx) error {
		return tx.AddNotices([]models.Notice{notice(models.OccasionOpened), notice(models.OccasionRecovered)})
	})
	pending := func() []models.Notice {
		return read(t, s, func(tx *store.Tx) ([]models.Notice, error) { return tx.PendingNotices(c.ID, 10) })
	}
	t.Run("Pending", func(t *testing.T) {
		got := pending()
		if len(got) != 2 || got[0].Occasion != models.OccasionOpened || got[0].Body != `{"a":"ä"}` || got[0].NextTryAt != micros(at) {
			t.Fatalf("got %+v", got)
		}
		got[0].Status, got[0].Attempts, got[0].DeliveredAt = models.NoticeDelivered, 2, &at
		write(t, s, func(tx *store.Tx) error { return tx.UpdateNotice(&got[0]) })
		if left := pending(); len(left) != 1 || left[0].Occasion != models.OccasionRecovered {
			t.Errorf("got %+v", left)
		}
		all := read(t, s, func(tx *store.Tx) ([]models.Notice, error) { return tx.Notices(a.ID, 0) })
		if len(all) != 2 || all[0].Attempts != 2 || *all[0].DeliveredAt != micros(at) {
			t.Errorf("got %+v", all)
		}
		told := read(t, s, func(tx *store.Tx) ([]models.ChannelID, error) { return tx.ToldChannels(a.ID) })
		same(t, told, []models.ChannelID{c.ID})
	})
	sweep := func() (n int) {
		write(t, s, func(tx *store.Tx) (err error) {
			n, err = tx.DeleteAlertsBefore(at.Add(time.Hour))
			return err
		})
		return n
	}
	t.Run("Sweep", func(t *testing.T) {
		open := h.open(t, h.alert(models.AlertHeld, "dst_1"))
		write(t, s, func(tx *store.Tx) error { return tx.ResolveAlert(&a, at) })
		if n := sweep(); n != 0 {
			t.Error("an alert with a pending notice was removed")
		}
		last := pending()[0]
		last.Status = models.NoticeGivenUp
		write(t, s, func(tx *store.Tx) error { return tx.UpdateNotice(&last) })
		if n := sweep(); n != 1 {
			t.Errorf("%d were removed, want 1", n)
		}
		if got := read(t, s, func(tx *store.Tx) ([]models.Notice, error) { return tx.Notices(a.ID, 0) }); len(got) != 0 {
			t.Errorf("notices stay: %v", got)
		}
		a = open
	})
	t.Run("DeleteEnvironment", func(t *testing.T) {
		write(t, s, func(tx *store.Tx) error {
			if err := tx.EnqueueJob("alert", string(c.ID), "", at); err != nil {
				return err
			}
			return tx.AddNotices([]models.Notice{notice(models.OccasionOpened)})
		})
		write(t, s, func(tx *store.Tx) error { return tx.DeleteEnvironment(h.env.ID) })
		_, err := tryRead(s, func(tx *store.Tx) (models.AlertChannel, error) { return tx.AlertChannel(c.ID) })
		wantKind(t, err, fault.NotFound)
		if got := read(t, s, func(tx *store.Tx) ([]models.Job, error) { return tx.Jobs("alert") }); len(got) != 0 {
			t.Errorf("jobs stay: %v", got)
		}
	})
}

func testAlertNames(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	d := h.destination(t, "d")
	for i, name := range []string{"c", "b", "a"} {
		secret := h.secret(t, name)
		state := models.SyncState{SecretID: secret.ID, DestinationID: d.ID, RemoteName: name, Status: models.StatusInSync, Since: at, UpdatedAt: at, Attempts: i}
		if i == 0 {
			state.Status = models.StatusConflict
		}
		write(t, s, func(tx *store.Tx) error {
			return tx.RecordSync([]store.SyncOutcome{{State: state, Version: 1}})
		})
		if i > 0 {
			hold := models.SyncHold{SecretID: secret.ID, DestinationID: d.ID, HeldAt: at, Version: 1, RemoteVersion: "7"}
			write(t, s, func(tx *store.Tx) error { return tx.PutHolds([]models.SyncHold{hold}) })
		}
		if i == 2 {
			ruling := models.SyncHold{SecretID: secret.ID, DestinationID: d.ID, Version: 1, RemoteVersion: "7", Ruling: models.SideKeeper}
			write(t, s, func(tx *store.Tx) error { return tx.Rule(ruling) })
		}
	}
	group := models.SyncGroup{DestinationID: d.ID, Folder: "app", RemoteName: "production/app", Hash: []byte("one"), Size: 3}
	member := h.secret(t, "app/d")
	write(t, s, func(tx *store.Tx) error {
		if err := tx.CreateSyncGroup(&group); err != nil {
			return err
		}
		state := models.SyncState{SecretID: member.ID, DestinationID: d.ID, GroupID: group.ID, Status: models.StatusInSync, Since: at, UpdatedAt: at}
		if err := tx.RecordSync([]store.SyncOutcome{{State: state, Version: 1}}); err != nil {
			return err
		}
		return tx.PutHolds([]models.SyncHold{{SecretID: group.State().SecretID, DestinationID: d.ID, HeldAt: at, Version: 1, RemoteVersion: "7"}})
	})
	for name, c := range map[string]struct {
		look func(*store.Tx) ([]string, int, error)
		want []string
		n    int
	}{
		"Failing": {func(tx *store.Tx) ([]string, int, error) { return tx.FailingSecrets(d.ID, 1, 1) }, []string{"a"}, 2},
		"Waiting": {func(tx *store.Tx) ([]string, int, error) { return tx.WaitingSecrets(d.ID, 10) }, []string{"app/d", "b", "c"}, 3},
		"None":    {func(tx *store.Tx) ([]string, int, error) { return tx.FailingSecrets(d.ID, 3, 10) }, nil, 0},
		"Other":   {func(tx *store.Tx) ([]string, int, error) { return tx.WaitingSecrets("dst_none", 10) }, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var n int
			got := read(t, s, func(tx *store.Tx) (names []string, err error) {
				names, n, err = c.look(tx)
				return names, err
			})
			same(t, got, c.want)
			same(t, n, c.n)
		})
	}
}
