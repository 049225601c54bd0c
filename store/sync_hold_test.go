package store_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// testVersionsHeld asks for versions by secret and number: not the other versions of those secrets,
// no ciphertext, and nothing for what is gone.
func testVersionsHeld(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	a, b := h.secret(t, "a"), h.secret(t, "b")
	h.change(t, &a)
	h.change(t, &b)
	got := read(t, s, func(tx *store.Tx) ([]models.SecretVersion, error) {
		return tx.VersionsHeld([]models.SyncHold{{SecretID: a.ID, Version: 1}, {SecretID: b.ID, Version: 2}, {SecretID: b.ID, Version: 9}, {SecretID: 4711, Version: 1}})
	})
	var found []string
	for _, v := range got {
		found = append(found, fmt.Sprint(v.SecretID, v.Number, len(v.Ciphertext), len(v.Hash) > 0, v.CreatedBy))
	}
	slices.Sort(found)
	same(t, found, []string{fmt.Sprint(a.ID, 1, 0, true, "ada"), fmt.Sprint(b.ID, 2, 0, true, "ada")})
	same(t, len(read(t, s, func(tx *store.Tx) ([]models.SecretVersion, error) { return tx.VersionsHeld(nil) })), 0)
}
