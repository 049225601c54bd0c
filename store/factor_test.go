package store_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

func testAttempts(t *testing.T, s *store.Store) {
	count := func(slot string, now time.Time) (a models.Attempt) {
		write(t, s, func(tx *store.Tx) (err error) {
			a, err = tx.CountAttempt(slot, now, time.Minute)
			return err
		})
		return a
	}
	t.Run("Window", func(t *testing.T) {
		first, second := count("a", at), count("a", at.Add(59*time.Second))
		if first.Count != 1 || second.Count != 2 || !second.EndsAt.Equal(first.EndsAt) || !second.StartsAt.Equal(first.StartsAt) {
			t.Errorf("got %+v, then %+v", first, second)
		}
		anew := count("a", at.Add(time.Minute))
		if anew.Count != 1 || !anew.StartsAt.After(first.StartsAt) || !anew.EndsAt.After(first.EndsAt) {
			t.Errorf("after the window: %+v", anew)
		}
		if other := count("b", at); other.Count != 1 {
			t.Errorf("another slot has %+v", other)
		}
	})
	t.Run("Back", func(t *testing.T) {
		count("c", at)
		count("c", at)
		write(t, s, func(tx *store.Tx) error { return tx.UncountAttempt("c") })
		if got := count("c", at); got.Count != 2 {
			t.Errorf("got %d", got.Count)
		}
		write(t, s, func(tx *store.Tx) error { return tx.DeleteAttempts("c") })
		write(t, s, func(tx *store.Tx) error { return tx.UncountAttempt("c") })
		if got := count("c", at); got.Count != 1 {
			t.Errorf("got %d", got.Count)
		}
	})
	t.Run("Race", func(t *testing.T) {
		const many = 20
		counts := make([]int, many)
		var all sync.WaitGroup
		for i := range many {
			all.Go(func() {
				err := s.Write(context.Background(), func(tx *store.Tx) error {
					a, err := tx.CountAttempt("race", at, time.Minute)
					counts[i] = a.Count
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		slices.Sort(counts)
		for i, n := range counts {
			if n != i+1 {
				t.Fatalf("counts %v", counts)
			}
		}
	})
	t.Run("Sweep", func(t *testing.T) {
		var n int
		write(t, s, func(tx *store.Tx) (err error) { n, err = tx.DeleteAttemptsBefore(at.Add(time.Hour)); return err })
		if n != 4 {
			t.Errorf("%d were removed", n)
		}
	})
}

func testFactors(t *testing.T, s *store.Store) {
	ada, bob := newUser(t, s, "ada"), newUser(t, s, "bob")
	t.Run("Steps", func(t *testing.T) {
		step := models.SignInStep{Hash: "aa", UserID: ada.ID, Purpose: "second_factor", Data: []byte("{}"), ExpiresAt: at}
		write(t, s, func(tx *store.Tx) error { return tx.CreateStep(&step) })
		same(t, read(t, s, func(tx *store.Tx) (models.SignInStep, error) { return tx.Step("aa") }), step)
		for want := 1; want <= 2; want++ {
			write(t, s, func(tx *store.Tx) error {
				got, err := tx.TryStep("aa")
				if got.Tries != want {
					t.Errorf("%d tries, want %d", got.Tries, want)
				}
				return err
			})
		}
		write(t, s, func(tx *store.Tx) error { return tx.SetStepData("aa", []byte("x")) })
		if got := read(t, s, func(tx *store.Tx) (models.SignInStep, error) { return tx.Step("aa") }); string(got.Data) != "x" || got.Tries != 2 {
			t.Errorf("got %+v", got)
		}
		write(t, s, func(tx *store.Tx) error { return tx.TakeStep("aa") })
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { return tx.TakeStep("aa") })
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { _, err := tx.TryStep("aa"); return err })
		for _, hash := range []string{"bb", "cc"} {
			write(t, s, func(tx *store.Tx) error {
				return tx.CreateStep(&models.SignInStep{Hash: hash, UserID: ada.ID, Purpose: "prove", ExpiresAt: at})
			})
		}
		write(t, s, func(tx *store.Tx) error { return tx.DeleteStepsOfUser(bob.ID) })
		var n int
		write(t, s, func(tx *store.Tx) (err error) { n, err = tx.DeleteStepsBefore(at.Add(time.Second)); return err })
		same(t, n, 2)
	})
	t.Run("Passkeys", func(t *testing.T) {
		key := models.Passkey{ID: "Key-a_", UserID: ada.ID, Name: "laptop", Credential: []byte(`{"id":1}`)}
		write(t, s, func(tx *store.Tx) error { return tx.CreatePasskey(&key) })
		failing(t, s, fault.Conflict, func(tx *store.Tx) error {
			return tx.CreatePasskey(&models.Passkey{ID: "Key-a_", UserID: bob.ID, Name: "theirs"})
		})
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { _, err := tx.LockPasskey("key-A_"); return err })
		key.Name, key.CloneWarning = "phone", true
		write(t, s, func(tx *store.Tx) error { return tx.UpdatePasskey(&key) })
		list := read(t, s, func(tx *store.Tx) ([]models.Passkey, error) { return tx.Passkeys(ada.ID) })
		if len(list) != 1 || list[0].Name != "phone" || !list[0].CloneWarning {
			t.Errorf("got %+v", list)
		}
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { return tx.DeletePasskey(bob.ID, key.ID) })
		write(t, s, func(tx *store.Tx) error { return tx.DeletePasskey(ada.ID, key.ID) })
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { return tx.DeletePasskey(ada.ID, key.ID) })
	})
	t.Run("RecoveryCodes", func(t *testing.T) {
		write(t, s, func(tx *store.Tx) error { return tx.ReplaceRecoveryCodes(ada.ID, []string{"aa", "bb"}) })
		write(t, s, func(tx *store.Tx) error { return tx.ReplaceRecoveryCodes(ada.ID, []string{"cc", "dd"}) })
		left := func() int {
			return read(t, s, func(tx *store.Tx) (int, error) { return tx.CountRecoveryCodes(ada.ID) })
		}
		same(t, left(), 2)
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { return tx.TakeRecoveryCode(ada.ID, "aa") })
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { return tx.TakeRecoveryCode(bob.ID, "cc") })
		write(t, s, func(tx *store.Tx) error { return tx.TakeRecoveryCode(ada.ID, "cc") })
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { return tx.TakeRecoveryCode(ada.ID, "cc") })
		same(t, left(), 1)
	})
}

func testReplacedSession(t *testing.T, s *store.Store) {
	ada := newUser(t, s, "ada")
	old := models.Session{Hash: "aa", UserID: ada.ID, Method: models.ByTOTP, Address: "::1", CreatedAt: at, LastSeenAt: at, ExpiresAt: at.AddDate(0, 0, 1)}
	write(t, s, func(tx *store.Tx) error { return tx.CreateSession(&old) })
	next := old
	next.Hash = "bb"
	write(t, s, func(tx *store.Tx) error { return tx.ReplaceSession("aa", &next, at.Add(10*time.Second)) })
	gone := read(t, s, func(tx *store.Tx) (models.Session, error) { return tx.Session("aa") })
	if gone.ReplacedBy != "bb" || !gone.ExpiresAt.Equal(at.Add(10*time.Second).UTC().Truncate(time.Microsecond)) {
		t.Errorf("the old one is %+v", gone)
	}
	if list := read(t, s, func(tx *store.Tx) ([]models.Session, error) { return tx.SessionsOfUser(ada.ID) }); len(list) != 1 || list[0].Hash != "bb" {
		t.Errorf("the list has %+v", list)
	}
	// Only one takes over from a session.
	another := old
	another.Hash = "cc"
	failing(t, s, fault.NotFound, func(tx *store.Tx) error { return tx.ReplaceSession("aa", &another, at) })
	failing(t, s, fault.NotFound, func(tx *store.Tx) error { return tx.ReplaceSession("zz", &another, at) })
	var n int
	write(t, s, func(tx *store.Tx) (err error) { n, err = tx.DeleteSessionsOfUser(ada.ID, "bb"); return err })
	same(t, n, 0) // the old one goes, and is none
	_, err := tryRead(s, func(tx *store.Tx) (models.Session, error) { return tx.Session("aa") })
	wantKind(t, err, fault.NotFound)
}
