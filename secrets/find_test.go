package secrets_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/rank"
	"github.com/your-org/keeper/secrets"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

func (h *house) find(t *testing.T, actor models.Actor, query string, limit int) []string {
	t.Helper()
	found, err := h.Find(t.Context(), actor, rank.Parse(query), limit)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, s := range found {
		names = append(names, s.Name)
	}
	return names
}

func TestFind(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	now := time.Now()
	h.Now = func() time.Time { return now }
	staging, err := h.CreateEnvironment(t.Context(), h.admin, models.Environment{Name: "staging", DisplayName: "The Stage"})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"payments/Stripe/api-key", "stripe", "mail/key"} {
		h.create(t, name, "v")
	}
	there, err := h.Create(t.Context(), h.admin, secrets.NewSecret{Environment: staging.ID, Name: "stripe/staged", Type: models.Text, Value: plain("v")})
	if err != nil {
		t.Fatal(err)
	}
	check := func(t *testing.T, actor models.Actor, query string, want ...string) {
		t.Helper()
		if want == nil {
			want = []string{}
		}
		if diff := cmp.Diff(want, h.find(t, actor, query, 10)); diff != "" {
			t.Errorf("%q finds (-want +got):\n%s", query, diff)
		}
	}
	t.Run("Ranked", func(t *testing.T) { check(t, h.admin, "STRIPE", "stripe", "stripe/staged", "payments/Stripe/api-key") })
	t.Run("AllWords", func(t *testing.T) { check(t, h.admin, "key pay", "payments/Stripe/api-key") })
	t.Run("Nothing", func(t *testing.T) { check(t, h.admin, "paypal"); check(t, h.admin, " ") })
	t.Run("NoPattern", func(t *testing.T) { check(t, h.admin, "%"); check(t, h.admin, "_") })
	t.Run("Environment", func(t *testing.T) {
		check(t, h.admin, "stripe stag", "stripe/staged")
		check(t, h.admin, "stripe the", "stripe/staged")
		check(t, h.admin, "staging") // the environment alone is no secret
	})
	t.Run("Limit", func(t *testing.T) {
		if got := h.find(t, h.admin, "stripe", 1); len(got) != 1 || got[0] != "stripe" {
			t.Errorf("the first alone: %v", got)
		}
	})
	t.Run("Unseen", func(t *testing.T) {
		viewer := models.Actor{
			Kind: models.ActorUser, ID: "usr_v", UserID: "usr_v", Role: models.RoleUser, Via: "test",
			Roles: map[models.EnvironmentID]models.EnvironmentRole{staging.ID: models.RoleViewer},
		}
		check(t, viewer, "stripe", "stripe/staged")
		check(t, models.Actor{Kind: models.ActorUser, ID: "usr_n", Role: models.RoleUser}, "stripe")
	})
	t.Run("New", func(t *testing.T) {
		h.create(t, "late/stripe", "v")
		check(t, h.admin, "late", "late/stripe")
		now = now.Add(time.Minute) // what was new is settled
		h.create(t, "later/stripe", "v")
		check(t, h.admin, "lat str", "late/stripe", "later/stripe")
		check(t, h.admin, "lat str", "late/stripe", "later/stripe")
		now = now.Add(7 * time.Hour) // read anew
		check(t, h.admin, "lat str", "late/stripe", "later/stripe")
	})
	t.Run("Deleted", func(t *testing.T) {
		if _, err := h.Delete(t.Context(), h.admin, there.ID, 0); err != nil {
			t.Fatal(err)
		}
		check(t, h.admin, "staged")
		if _, err := h.Undelete(t.Context(), h.admin, there.ID); err != nil {
			t.Fatal(err)
		}
		check(t, h.admin, "staged", "stripe/staged")
	})
	t.Run("Purged", func(t *testing.T) {
		last := h.create(t, "gone", "v")
		check(t, h.admin, "gone", "gone")
		now = now.Add(time.Minute)
		check(t, h.admin, "gone", "gone")
		if err := h.store.Write(t.Context(), func(tx *store.Tx) error { return tx.PurgeSecret(last.ID) }); err != nil {
			t.Fatal(err)
		}
		check(t, h.admin, "gone")
		h.create(t, "next", "v") // on no database does it take the id of the one that is gone
		check(t, h.admin, "next", "next")
		check(t, h.admin, "gone")
	})
}

// TestFindMany has more fits than are put in order at once, most of them deleted.
func TestFindMany(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			h := houseOn(t, storetest.Open(t, dialect))
			gone := time.Now()
			err := h.store.Write(t.Context(), func(tx *store.Tx) error {
				for i := range 3000 {
					s := models.Secret{EnvironmentID: h.env.ID, Name: "service/key-" + strconv.Itoa(10_000+i), Type: models.Text, CurrentVersion: 1}
					if i%10 != 0 {
						s.DeletedAt = &gone
					}
					if err := tx.CreateSecret(&s); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			got := h.find(t, h.admin, "key", 20)
			if len(got) != 20 || !slices.IsSorted(got) || got[0] != "service/key-10000" || got[19] != "service/key-10190" {
				t.Errorf("the first twenty that stand: %v", got)
			}
		})
	}
}

// BenchmarkFind is one search among 100,000 secrets.
func BenchmarkFind(b *testing.B) {
	s := storetest.Open(b, store.SQLite)
	h := secrets.New(secrets.Deps{Store: s, Now: func() time.Time { return time.Now().Add(time.Hour) }})
	teams := []string{"payments", "billing", "search", "identity", "mail", "reports", "warehouse", "edge"}
	err := s.Write(b.Context(), func(tx *store.Tx) error {
		e := models.Environment{Name: "bench", DisplayName: "Bench"}
		if err := tx.CreateEnvironment(&e); err != nil {
			return err
		}
		for i := range 100_000 {
			one := models.Secret{EnvironmentID: e.ID, Name: teams[i%8] + "/service-" + strconv.Itoa(i/8) + "/api-key", Type: models.Text, CurrentVersion: 1}
			if err := tx.CreateSecret(&one); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	admin := models.Actor{Kind: models.ActorUser, Role: models.RoleAdmin}
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			if _, err := secrets.New(h.Deps).Find(b.Context(), admin, rank.Parse("key"), 12); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, query := range []string{"e", "key", "mail 9999", "zzzz"} {
		b.Run(query, func(b *testing.B) {
			for b.Loop() {
				if _, err := h.Find(b.Context(), admin, rank.Parse(query), 12); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
