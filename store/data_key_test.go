package store_test

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// dataKey adds a data key that is retired since a time, wrapped for the recipients.
func (h *house) dataKey(t *testing.T, retired time.Time, recipients ...string) models.DataKey {
	t.Helper()
	key := models.DataKey{
		ID: models.NewDataKeyID(), EnvironmentID: h.env.ID, Purpose: models.PurposeSeal, MaxUses: 9, CreatedAt: micros(retired.Add(-time.Hour)), RetireAt: micros(retired),
	}
	wrapped := make([]models.WrappedKey, len(recipients))
	for i, id := range recipients {
		wrapped[i] = models.WrappedKey{
			DataKeyID: key.ID, RecipientKind: models.RecipientKMS, RecipientID: id, Blob: []byte("by " + id), CreatedAt: micros(at),
		}
	}
	write(t, h.s, func(tx *store.Tx) error { return tx.AddDataKey(key, wrapped...) })
	return key
}

func micros(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

func (h *house) wrapped(t *testing.T, id models.DataKeyID) (models.DataKey, []models.WrappedKey) {
	t.Helper()
	var key models.DataKey
	rows := read(t, h.s, func(tx *store.Tx) (rows []models.WrappedKey, err error) {
		key, rows, err = tx.DataKey(id)
		return rows, err
	})
	return key, rows
}

func testDataKeyPages(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	other := house{s: s, env: models.Environment{Name: "other"}}
	write(t, s, func(tx *store.Tx) error { return tx.CreateEnvironment(&other.env) })
	ids := map[string][]models.DataKeyID{"all": {h.key.ID}, "mine": {h.key.ID}}
	for i := range 7 {
		key := h.dataKey(t, at, "a", "b")
		ids["all"], ids["mine"], ids["a"] = append(ids["all"], key.ID), append(ids["mine"], key.ID), append(ids["a"], key.ID)
		ids["mine under a"] = append(ids["mine under a"], key.ID)
		if i%2 == 0 {
			key = other.dataKey(t, at, "a")
			ids["all"], ids["a"] = append(ids["all"], key.ID), append(ids["a"], key.ID)
		}
	}
	bare := h.dataKey(t, at) // nobody can open it, and a run must come across it
	ids["all"], ids["mine"] = append(ids["all"], bare.ID), append(ids["mine"], bare.ID)
	for name, q := range map[string]store.DataKeyQuery{
		"all": {}, "mine": {Environment: h.env.ID}, "a": {Under: "a"}, "mine under a": {Environment: h.env.ID, Under: "a"}, "none": {Under: "c"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []models.DataKeyID
			for last := models.DataKeyID(""); ; {
				rows := read(t, s, func(tx *store.Tx) ([]store.DataKeyRow, error) { return tx.DataKeysPage(q, last, 3) })
				for _, row := range rows {
					key, wrapped := h.wrapped(t, row.Key.ID)
					same(t, row, store.DataKeyRow{Key: key, Wrapped: wrapped})
					got = append(got, row.Key.ID)
				}
				if len(rows) < 3 {
					break
				}
				last = rows[2].Key.ID
			}
			slices.Sort(ids[name])
			same(t, got, ids[name])
			n := read(t, s, func(tx *store.Tx) (int64, error) { return tx.CountDataKeysUnder(q.Environment, q.Under) })
			same(t, n, int64(len(got)))
		})
	}
}

func testReplaceWrapped(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	key := h.dataKey(t, at, "a", "b")
	_, stands := h.wrapped(t, key.ID)
	a, b := stands[0], stands[1]
	c := models.WrappedKey{DataKeyID: key.ID, RecipientKind: models.RecipientRecovery, RecipientID: "c", Blob: []byte{0, 255}, CreatedAt: micros(at)}
	replace := func(add, remove []models.WrappedKey, check string) func(*store.Tx) error {
		return func(tx *store.Tx) error { return tx.ReplaceWrapped(key.ID, add, remove, []byte(check)) }
	}
	holds := func(t *testing.T, check string, want ...models.WrappedKey) {
		t.Helper()
		got, wrapped := h.wrapped(t, key.ID)
		same(t, wrapped, want)
		same(t, string(got.Check), check)
	}
	holds(t, "", a, b)
	t.Run("OK", func(t *testing.T) {
		write(t, s, replace([]models.WrappedKey{c}, []models.WrappedKey{a}, "sixteen bytes..."))
		holds(t, "sixteen bytes...", b, c)
	})
	t.Run("Overwrite", func(t *testing.T) {
		before := b
		b.Blob = []byte("fresh")
		write(t, s, replace([]models.WrappedKey{b}, []models.WrappedKey{before}, "sixteen bytes..."))
		holds(t, "sixteen bytes...", b, c)
		c.Blob = []byte("fresher")
		write(t, s, replace([]models.WrappedKey{c}, nil, ""))
		holds(t, "sixteen bytes...", b, c)
	})
	t.Run("Stale", func(t *testing.T) {
		changed := b
		changed.Blob = []byte("another")
		failing(t, s, fault.Stale, replace([]models.WrappedKey{a}, []models.WrappedKey{changed}, ""))
		failing(t, s, fault.Stale, replace(nil, []models.WrappedKey{a}, ""))
		holds(t, "sixteen bytes...", b, c)
	})
	t.Run("Conflict", func(t *testing.T) {
		failing(t, s, fault.Conflict, replace(nil, []models.WrappedKey{b, c}, ""))
		failing(t, s, fault.Conflict, replace([]models.WrappedKey{a}, nil, "another check..."))
		holds(t, "sixteen bytes...", b, c)
	})
	t.Run("NotFound", func(t *testing.T) {
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { return tx.ReplaceWrapped("dek_none", []models.WrappedKey{a}, nil, nil) })
	})
	t.Run("Race", func(t *testing.T) {
		// Each of two takes one away: together they would leave nothing.
		var wait sync.WaitGroup
		var errs [2]error
		for i, w := range []models.WrappedKey{b, c} {
			wait.Go(func() { errs[i] = s.Write(context.Background(), replace(nil, []models.WrappedKey{w}, "")) })
		}
		wait.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("got %v and %v, want one of them refused", errs[0], errs[1])
		}
		for _, err := range errs {
			if err != nil {
				wantKind(t, err, fault.Conflict)
			}
		}
	})
}

func testRetire(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	now := time.Now()
	old, young := h.dataKey(t, now.Add(time.Minute), "a"), h.dataKey(t, now.Add(3*time.Hour), "a")
	retired := h.dataKey(t, now.Add(-time.Hour), "a")
	hash := models.DataKey{ID: models.NewDataKeyID(), EnvironmentID: h.env.ID, Purpose: models.PurposeHash, CreatedAt: at, RetireAt: now.Add(time.Hour)}
	write(t, s, func(tx *store.Tx) error { return tx.AddDataKey(hash) })
	write(t, s, func(tx *store.Tx) error {
		n, err := tx.RetireDataKeys(h.env.ID, now)
		same(t, n, 2) // the house's own too
		return err
	})
	for name, c := range map[string]struct {
		key     models.DataKey
		retires bool
	}{"Old": {old, true}, "Young": {young, false}, "Retired": {retired, false}, "Hash": {hash, false}} {
		got, _ := h.wrapped(t, c.key.ID)
		if c.retires && !got.RetireAt.Before(c.key.RetireAt) || !c.retires && !got.RetireAt.Equal(micros(c.key.RetireAt)) {
			t.Errorf("%s retires at %v, was to at %v", name, got.RetireAt, c.key.RetireAt)
		}
	}
}

func (h *house) deleteUnused(t *testing.T, limit int) (n int64) {
	t.Helper()
	write(t, h.s, func(tx *store.Tx) (err error) {
		n, err = tx.DeleteUnusedDataKeys(h.env.ID, time.Now(), limit)
		return err
	})
	return n
}

func (h *house) stands(t *testing.T, id models.DataKeyID) bool {
	t.Helper()
	_, err := tryRead(h.s, func(tx *store.Tx) (bool, error) { _, _, err := tx.DataKey(id); return true, err })
	if err != nil {
		wantKind(t, err, fault.NotFound)
	}
	return err == nil
}

func testDeleteUnused(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	past := time.Now().Add(-time.Hour)
	unused, sealing := h.dataKey(t, past, "a", "b"), h.dataKey(t, past, "a")
	credentials, young := h.dataKey(t, past, "a"), h.dataKey(t, time.Now().Add(time.Hour), "a")
	second := h.dataKey(t, past.Add(time.Minute), "a")
	hash := models.DataKey{ID: models.NewDataKeyID(), EnvironmentID: h.env.ID, Purpose: models.PurposeHash, CreatedAt: past, RetireAt: past}
	write(t, s, func(tx *store.Tx) error { return tx.AddDataKey(hash) })
	keep := h.key
	h.key = sealing
	h.secret(t, "x")
	h.key = keep
	d := models.Destination{
		ID: models.NewDestinationID(), EnvironmentID: h.env.ID, Name: "d", Kind: models.DestinationMemory, Credentials: []byte{1}, CredentialsKeyID: credentials.ID,
	}
	write(t, s, func(tx *store.Tx) error { return tx.CreateDestination(&d) })

	same(t, h.deleteUnused(t, 1), 1)
	same(t, []bool{h.stands(t, unused.ID), h.stands(t, second.ID)}, []bool{false, true})
	same(t, h.deleteUnused(t, 0), 1)
	same(t, h.deleteUnused(t, 0), 0)
	for name, key := range map[string]models.DataKey{"Sealing": sealing, "Credentials": credentials, "Young": young, "Hash": hash, "InUse": h.key} {
		if !h.stands(t, key.ID) {
			t.Errorf("%s is gone", name)
		}
	}
	t.Run("Gone", func(t *testing.T) {
		d.CredentialsKeyID = unused.ID
		failing(t, s, fault.Conflict, func(tx *store.Tx) error { return tx.UpdateDestination(&d, 0) })
		failing(t, s, fault.Conflict, func(tx *store.Tx) error {
			return tx.CreateDestination(&models.Destination{ID: "dst_2", EnvironmentID: h.env.ID, Name: "e", CredentialsKeyID: unused.ID})
		})
		failing(t, s, fault.Conflict, func(tx *store.Tx) error {
			_, err := tx.ResealCredentials(d.ID, credentials.ID, []byte{1}, unused.ID, []byte{2})
			return err
		})
	})
}

// testDeleteUnusedRace seals under data keys while they are deleted: whichever comes first
// wins, and no version stands without its data key.
func testDeleteUnusedRace(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	past := time.Now().Add(-time.Hour)
	var won, lost int
	for i := range 40 {
		key := h.dataKey(t, past, "a")
		secret := models.Secret{EnvironmentID: h.env.ID, Name: "s" + strconv.Itoa(i), Type: models.Password, CurrentVersion: 1}
		var wait sync.WaitGroup
		var sealed error
		wait.Go(func() {
			sealed = s.Write(context.Background(), func(tx *store.Tx) error {
				if err := tx.CreateSecret(&secret); err != nil {
					return err
				}
				v := h.version(secret.ID, 1)
				v.DataKeyID = key.ID
				return tx.AddVersion(v)
			})
		})
		wait.Go(func() {
			if i%2 == 0 {
				time.Sleep(time.Duration(i) * 20 * time.Microsecond)
			}
			err := s.Write(context.Background(), func(tx *store.Tx) error {
				_, err := tx.DeleteUnusedDataKeys(h.env.ID, time.Now(), 0)
				return err
			})
			if err != nil && !fault.Is(err, fault.Unavailable) {
				t.Errorf("deleting: %v", err)
			}
		})
		wait.Wait()
		if sealed == nil {
			won++
			if !h.stands(t, key.ID) {
				t.Fatal("a version stands whose data key is gone")
			}
			continue
		}
		lost++
		if !fault.Is(sealed, fault.Conflict) && !fault.Is(sealed, fault.Unavailable) {
			t.Errorf("sealing: %v", sealed)
		}
	}
	t.Logf("%d were sealed, %d refused", won, lost)
}

// testDeleteUnusedWaits has the two meet in each order, step by step.
func testDeleteUnusedWaits(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	secret := h.secret(t, "s")
	past := time.Now().Add(-time.Hour)
	for name, seal := range map[string]func(tx *store.Tx, key models.DataKeyID, n int) error{
		"Version": func(tx *store.Tx, key models.DataKeyID, n int) error {
			v := h.version(secret.ID, models.VersionNumber(n))
			v.DataKeyID = key
			return tx.AddVersion(v)
		},
		"Credentials": func(tx *store.Tx, key models.DataKeyID, n int) error {
			return tx.CreateDestination(&models.Destination{
				ID: models.NewDestinationID(), EnvironmentID: h.env.ID, Name: "d" + strconv.Itoa(n), Credentials: []byte{1}, CredentialsKeyID: key,
			})
		},
	} {
		remove := func(tx *store.Tx) error {
			_, err := tx.DeleteUnusedDataKeys(h.env.ID, time.Now(), 0)
			return err
		}
		t.Run(name+"First", func(t *testing.T) {
			key := h.dataKey(t, past, "a")
			first, second := inTurn(s, func(tx *store.Tx) error { return seal(tx, key.ID, 2) }, remove)
			if first != nil || second != nil || !h.stands(t, key.ID) {
				t.Errorf("got %v and %v, and the data key stands: %v", first, second, h.stands(t, key.ID))
			}
		})
		t.Run(name+"Second", func(t *testing.T) {
			key := h.dataKey(t, past, "a")
			first, second := inTurn(s, remove, func(tx *store.Tx) error { return seal(tx, key.ID, 3) })
			if first != nil || h.stands(t, key.ID) {
				t.Errorf("got %v, and the data key stands: %v", first, h.stands(t, key.ID))
			}
			wantKind(t, second, fault.Conflict)
		})
	}
}

// inTurn begins a second transaction when the first has done its work, which it commits a
// moment later.
func inTurn(s *store.Store, first, second func(*store.Tx) error) (errFirst, errSecond error) {
	worked := make(chan struct{})
	var once sync.Once
	var wait sync.WaitGroup
	wait.Go(func() {
		errFirst = s.Write(context.Background(), func(tx *store.Tx) error {
			err := first(tx)
			once.Do(func() { close(worked) })
			time.Sleep(50 * time.Millisecond)
			return err
		})
	})
	<-worked
	wait.Go(func() { errSecond = s.Write(context.Background(), second) })
	wait.Wait()
	return errFirst, errSecond
}
