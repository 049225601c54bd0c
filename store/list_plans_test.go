package store_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

// TestListPlans holds that lists of secrets are read in the order of an index, and counts from an
// index alone, on SQLite, whose plans depend on nothing but the schema.
func TestListPlans(t *testing.T) {
	t.Parallel()
	s := storetest.SQLite(t)
	h := newHouse(t, s)
	here := []models.EnvironmentID{h.env.ID}
	plan := func(t *testing.T, ask func(*store.Tx) error) string {
		t.Helper()
		plans, err := s.Explain(t.Context(), ask)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(plans, "\n")
	}
	for _, sort := range []store.SecretSort{store.SortName, store.SortType, store.SortCreated, store.SortUpdated, store.SortChanged, store.SortExpires} {
		for _, desc := range []bool{false, true} {
			t.Run(string(sort), func(t *testing.T) {
				got := plan(t, func(tx *store.Tx) error {
					_, _, err := tx.ListSecrets(store.SecretQuery{Environments: here, Sort: sort, Desc: desc})
					return err
				})
				if strings.Contains(got, "TEMP B-TREE") {
					t.Errorf("it is sorted:\n%s", got)
				}
			})
		}
	}
	t.Run("Due", func(t *testing.T) {
		got := plan(t, func(tx *store.Tx) error {
			_, err := tx.DueSecrets(here, tx.Now(), 10)
			return err
		})
		if strings.Contains(got, "TEMP B-TREE") {
			t.Errorf("it is sorted:\n%s", got)
		}
	})
	for name, count := range map[string]func(*store.Tx) error{
		"Types":   func(tx *store.Tx) error { _, err := tx.CountTypes(h.env.ID); return err },
		"Secrets": func(tx *store.Tx) error { _, err := tx.CountSecrets(here); return err },
		"Deleted": func(tx *store.Tx) error { _, err := tx.CountDeleted(h.env.ID); return err },
		"States":  func(tx *store.Tx) error { _, err := tx.CountStates(here); return err },
		"Changed": func(tx *store.Tx) error { _, err := tx.CountChangedSince(here, tx.Now()); return err },
	} {
		t.Run(name, func(t *testing.T) {
			for line := range strings.Lines(plan(t, count)) {
				if strings.Contains(line, "secrets") && strings.Contains(line, "INDEX") && !strings.Contains(line, "COVERING") {
					t.Errorf("it looks at rows: %s", line)
				}
			}
		})
	}
	for name, list := range map[string]func(*store.Tx) error{
		"FewStates": func(tx *store.Tx) error {
			_, _, err := tx.ListStates(store.StateQuery{Environments: here, Search: "x", Among: []models.SecretID{1}})
			return err
		},
		"FewCopies": func(tx *store.Tx) error {
			_, _, err := tx.ListStates(store.StateQuery{Environments: here, DestinationID: "dst_new"})
			return err
		},
		"FewSecrets": func(tx *store.Tx) error {
			_, _, err := tx.ListSecrets(store.SecretQuery{Environments: here, Search: "x", Among: []models.SecretID{1}})
			return err
		},
		"FewStanding": func(tx *store.Tx) error {
			_, _, err := tx.ListSecrets(store.SecretQuery{Environments: here, States: store.StateFilter{Statuses: []models.SyncStatus{models.StatusDrifted}}})
			return err
		},
		"FewDeleted": func(tx *store.Tx) error {
			_, _, err := tx.ListSecrets(store.SecretQuery{Environments: here, Deleted: true})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := plan(t, list); strings.Contains(got, "secrets_environment_name") {
				t.Errorf("it goes through all:\n%s", got)
			}
		})
	}
	t.Run("Known", func(t *testing.T) {
		got := plan(t, func(tx *store.Tx) error { _, _, err := tx.IdentityPage("idp_1", "a", "", 50); return err })
		if !strings.Contains(got, "users_username") || !strings.Contains(got, "identities_user") || strings.Contains(got, "TEMP B-TREE FOR ORDER BY") {
			t.Errorf("it is not read in order:\n%s", got)
		}
	})
	for name, look := range map[string]func(*store.Tx) error{
		"Failing": func(tx *store.Tx) error { _, _, err := tx.FailingSecrets("dst_new", 3, 10); return err },
		"Waiting": func(tx *store.Tx) error { _, _, err := tx.WaitingSecrets("dst_new", 10); return err },
	} {
		t.Run(name, func(t *testing.T) {
			if got := plan(t, look); regexp.MustCompile(`sync_states_\w+ \(destination_id=\?\)`).MatchString(got) {
				t.Errorf("it goes through all copies:\n%s", got)
			}
		})
	}
}
