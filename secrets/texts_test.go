package secrets

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

// TestTexts holds that a search sees at once what was made and changed, and no longer what a
// secret was called before, on every database.
func TestTexts(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) { testTexts(t, storetest.Open(t, dialect)) })
	}
}

func testTexts(t *testing.T, s *store.Store) {
	found := newTexts()
	now := time.Now()
	e, other := models.Environment{Name: "a"}, models.Environment{Name: "b"}
	write := func(do func(tx *store.Tx) error) {
		t.Helper()
		if err := s.Write(context.Background(), do); err != nil {
			t.Fatal(err)
		}
	}
	create := func(in *models.Environment, name, description string) (one models.Secret) {
		t.Helper()
		one = models.Secret{EnvironmentID: in.ID, Name: name, Description: description, Owner: "Grete ÄSCHE", Type: models.Text, CurrentVersion: 1}
		write(func(tx *store.Tx) error { one.ID = 0; return tx.CreateSecret(&one) })
		return one
	}
	search := func(part string, at time.Time) (names []string) {
		t.Helper()
		err := s.Read(context.Background(), func(tx *store.Tx) error {
			q := store.SecretQuery{Environments: []models.EnvironmentID{e.ID}, Search: part}
			var err error
			if q.Among, err = found.holding(t.Context(), tx, q.Environments, part, false, func() time.Time { return at }); err != nil {
				return err
			}
			if q.Among == nil {
				return fmt.Errorf("%s is in too many", part)
			}
			rows, _, err := tx.ListSecrets(q)
			for _, one := range rows {
				names = append(names, one.Name)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
	want := func(part string, at time.Time, names ...string) {
		t.Helper()
		if got := search(part, at); !slices.Equal(got, names) {
			t.Errorf("%s finds %v, want %v", part, got, names)
		}
	}
	write(func(tx *store.Tx) error {
		if err := tx.CreateEnvironment(&e); err != nil {
			return err
		}
		return tx.CreateEnvironment(&other)
	})
	one := create(&e, "db/password", "of the Orders")
	create(&other, "db/other", "of the orders")
	want("ORDERS", now, "db/password")
	want("äsche", now, "db/password")
	want("100%", now)
	create(&e, "db/second", "orders too")
	want("orders", now, "db/password", "db/second")
	write(func(tx *store.Tx) error {
		one.Description = "of the invoices"
		return tx.UpdateSecret(&one, 0)
	})
	want("orders", now, "db/second")
	want("invoices", now.Add(time.Hour), "db/password")
	write(func(tx *store.Tx) error { return tx.PurgeSecret(one.ID) })
	want("invoices", now.Add(2*reloadAfter))
	if s.Dialect() != store.SQLite { // there nobody can overtake
		testOvertaken(t, s)
	}
}

// testOvertaken has a transaction under way that made a secret and changed another, while later
// ones are committed and searched for, and then commits it.
func testOvertaken(t *testing.T, s *store.Store) {
	found := newTexts()
	now := time.Now()
	e := models.Environment{Name: "overtaken"}
	secret := func(name string) models.Secret {
		return models.Secret{EnvironmentID: e.ID, Name: name, Type: models.Text, CurrentVersion: 1}
	}
	create := func(one models.Secret) models.Secret {
		t.Helper()
		if err := s.Write(t.Context(), func(tx *store.Tx) error { one.ID = 0; return tx.CreateSecret(&one) }); err != nil {
			t.Fatal(err)
		}
		return one
	}
	describe := func(tx *store.Tx, one models.Secret, text string) error {
		one.Description = text
		return tx.UpdateSecret(&one, 0)
	}
	want := func(after time.Duration, part string, n int) {
		t.Helper()
		err := s.Read(t.Context(), func(tx *store.Tx) error {
			ids, err := found.holding(t.Context(), tx, []models.EnvironmentID{e.ID}, part, false, func() time.Time { return now.Add(after) })
			if len(ids) != n {
				t.Errorf("after %s %s finds %v, want %d", after, part, ids, n)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Write(t.Context(), func(tx *store.Tx) error { return tx.CreateEnvironment(&e) }); err != nil {
		t.Fatal(err)
	}
	first, second := create(secret("first")), create(secret("second"))
	want(0, "first", 1)
	under, release, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		late, once := secret("late"), sync.OnceFunc(func() { close(under) })
		done <- s.Write(t.Context(), func(tx *store.Tx) error {
			late.ID = 0
			if err := tx.CreateSecret(&late); err != nil {
				return err
			}
			if err := describe(tx, first, "changed late"); err != nil {
				return err
			}
			once()
			<-release
			return nil
		})
	}()
	<-under
	create(secret("later"))
	if err := s.Write(t.Context(), func(tx *store.Tx) error { return describe(tx, second, "changed later") }); err != nil {
		t.Fatal(err)
	}
	want(settleAfter+time.Second, "later", 2) // everything is read once more
	want(settleAfter+time.Second, "late", 2)
	close(release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	want(settleAfter+2*time.Second, "late", 4)
	found.shelves = map[models.EnvironmentID]*shelf{} // as if nobody had searched
	want(3*settleAfter, "late", 4)
	want(5*settleAfter, "late", 4)
	create(secret("lately"))
	want(5*settleAfter, "late", 5)
}
