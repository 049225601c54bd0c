package keys_test

import (
	"testing"
	"time"

	"github.com/your-org/keeper/keys"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// TestPeopleAreTold holds which conditions of keys people hear of, and when they are over.
func TestPeopleAreTold(t *testing.T) {
	h := newHouse(t, setup{})
	now := map[models.AlertKind]models.Signal{}
	h.Service.Alert = func(_ *store.Tx, signals ...models.Signal) error {
		for _, one := range signals {
			if one.EnvironmentID == h.env.ID {
				now[one.Kind] = one
			}
		}
		return nil
	}
	h.write(t, 3)
	look := func(wants bool) {
		t.Helper()
		h.clock.move(2 * time.Minute)
		if _, err := h.Work(t.Context(), models.Job{Kind: keys.WatchJobKind, Key: "all"}); err != nil {
			t.Fatal(err)
		}
		if got, told := now[models.AlertKeyUnusable]; !told || got.Holds != wants || wants && got.Summary == "" {
			t.Errorf("keys: told %t, got %+v, want it to hold: %t", told, got, wants)
		}
	}
	look(false)
	h.kms.CutOff()
	look(true)
	h.kms.Mend()
	look(false)

	scrub := func(wants bool) {
		t.Helper()
		h.finish(t, h.start(t, keys.Order{Kind: models.KeyScrub}).ID)
		if got, told := now[models.AlertDamage]; !told || got.Holds != wants || wants && got.Summary == "" {
			t.Errorf("damage: told %t, got %+v, want it to hold: %t", told, got, wants)
		}
	}
	scrub(false)
	row := h.versions(t)[1]
	h.damage(t, row, func(v *models.SecretVersion) { v.Ciphertext[0] ^= 1 })
	scrub(true)
}
