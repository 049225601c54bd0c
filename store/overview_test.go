package store_test

import (
	"testing"
	"time"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

func testOverview(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	env, now := []models.EnvironmentID{h.env.ID}, s0()
	h.secret(t, "plain")
	tagged := h.secret(t, "tagged")
	rotating := h.secret(t, "rotating")
	soon, past := now.Add(24*time.Hour), now.AddDate(0, 0, -40)
	write(t, s, func(tx *store.Tx) error {
		tagged.Tags, tagged.ExpiresAt, tagged.Type = map[string]string{"team": "pay", "key": "x"}, &soon, models.JSON
		rotating.RotateEvery, rotating.ValueChangedAt = 30, past
		if err := tx.UpdateSecret(&tagged, 0); err != nil {
			return err
		}
		return tx.UpdateSecret(&rotating, 0)
	})

	t.Run("Types", func(t *testing.T) {
		got := read(t, s, func(tx *store.Tx) (map[models.SecretType]int, error) { return tx.CountTypes(h.env.ID) })
		same(t, got[models.Password]+got[models.JSON]*10, 12)
	})
	t.Run("TagKeys", func(t *testing.T) {
		same(t, read(t, s, func(tx *store.Tx) ([]string, error) { return tx.TagKeys(env, 5) }), []string{"key", "team"})
	})
	t.Run("Due", func(t *testing.T) {
		due := func(before time.Time) []string {
			return names(read(t, s, func(tx *store.Tx) ([]models.Secret, error) { return tx.DueSecrets(env, before, 10) }))
		}
		same(t, due(now), []string{"rotating"})
		same(t, due(now.AddDate(0, 0, 2)), []string{"tagged", "rotating"})
		same(t, len(due(now.AddDate(0, 0, -20))), 0)
	})
	t.Run("Since", func(t *testing.T) {
		changed := func() int {
			return read(t, s, func(tx *store.Tx) (int, error) { return tx.CountChangedSince(env, now.Add(-time.Hour)) })
		}
		same(t, changed(), 2) // the rotating secret's value was last changed long ago
		gone := h.secret(t, "gone")
		same(t, changed(), 3)
		gone.DeletedAt = &now
		write(t, s, func(tx *store.Tx) error { return tx.UpdateSecret(&gone, 0) })
		same(t, changed(), 2)
		same(t, read(t, s, func(tx *store.Tx) (int, error) { return tx.CountDeleted(h.env.ID) }), 1)
	})
	t.Run("Keys", func(t *testing.T) {
		var n int
		key := read(t, s, func(tx *store.Tx) (key *models.DataKey, err error) {
			key, n, err = tx.NewestDataKey(h.env.ID)
			return key, err
		})
		if key == nil || key.ID != h.key.ID || n != 1 {
			t.Errorf("got %+v and %d keys", key, n)
		}
	})
	t.Run("States", func(t *testing.T) { testStanding(t, s, h) })
}

func testStanding(t *testing.T, s *store.Store, h *house) {
	running, paused := h.destination(t, "running"), h.destination(t, "paused")
	paused.Paused = true
	broken := h.secret(t, "broken")
	write(t, s, func(tx *store.Tx) error {
		if err := tx.UpdateDestination(&paused, 0); err != nil {
			return err
		}
		if err := tx.MarkDirty(broken.ID); err != nil {
			return err
		}
		state := models.SyncState{SecretID: broken.ID, DestinationID: running.ID, Status: models.StatusSourceChanged, LastError: "refused", Attempts: 1}
		return tx.RecordSync([]store.SyncOutcome{{State: state, Version: 1}})
	})
	yes, no := true, false
	filters := map[string]struct {
		filter store.StateFilter
		want   int
	}{
		"Failing":       {store.StateFilter{Failing: &yes}, 1},
		"NotFailing":    {store.StateFilter{Failing: &no}, 1},
		"Paused":        {store.StateFilter{Paused: &yes}, 1},
		"FailingPaused": {store.StateFilter{Failing: &yes, Paused: &yes}, 0},
		"Status":        {store.StateFilter{Statuses: []models.SyncStatus{models.StatusDrifted}}, 0},
	}
	for name, c := range filters {
		t.Run(name, func(t *testing.T) {
			env := []models.EnvironmentID{h.env.ID}
			states := read(t, s, func(tx *store.Tx) (rows []store.NamedState, err error) {
				rows, _, err = tx.ListStates(store.StateQuery{Environments: env, StateFilter: c.filter})
				return rows, err
			})
			secrets := read(t, s, func(tx *store.Tx) (rows []models.Secret, err error) {
				rows, _, err = tx.ListSecrets(store.SecretQuery{Environments: env, States: c.filter})
				return rows, err
			})
			same(t, []int{len(states), len(secrets)}, []int{c.want, c.want})
		})
	}
	counts := read(t, s, func(tx *store.Tx) ([]store.StateCount, error) {
		return tx.CountStates([]models.EnvironmentID{h.env.ID})
	})
	for _, c := range counts {
		same(t, c.Failing, c.DestinationID == running.ID)
	}
	same(t, len(counts), 2)
}
