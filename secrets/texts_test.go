package secrets

import (
	"context"
	"fmt"
	"slices"
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
}
