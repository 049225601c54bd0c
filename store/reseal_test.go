package store_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

func testVersionPages(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	other := house{s: s, env: models.Environment{Name: "other"}}
	write(t, s, func(tx *store.Tx) error { return tx.CreateEnvironment(&other.env) })
	other.key = other.dataKey(t, at, "a") // made an hour before at
	want := map[string][]store.VersionRow{}
	for i := range 8 {
		in := h
		if i%3 == 0 {
			in = &other
		}
		secret := in.secret(t, "s"+strconv.Itoa(i))
		for range i % 3 {
			in.change(t, &secret)
		}
		for n := range secret.CurrentVersion {
			v := read(t, s, func(tx *store.Tx) (models.SecretVersion, error) { return tx.Version(secret.ID, n+1) })
			row := store.VersionRow{SecretVersion: v, SecretName: secret.Name, EnvironmentID: in.env.ID}
			want["All"] = append(want["All"], row)
			if in == h {
				want["Environment"] = append(want["Environment"], row)
			} else {
				want["Before"], want["OtherBefore"] = append(want["Before"], row), append(want["OtherBefore"], row)
			}
		}
		if i == 4 {
			write(t, s, func(tx *store.Tx) error {
				secret.DeletedAt = &at
				return tx.UpdateSecret(&secret, 0)
			})
		}
	}
	for name, q := range map[string]store.VersionQuery{
		"All": {}, "Environment": {Environment: h.env.ID}, "Before": {DataKeyCreatedBefore: at}, "None": {Environment: 99},
		"OtherBefore": {Environment: other.env.ID, DataKeyCreatedBefore: at}, "EnvironmentBefore": {Environment: h.env.ID, DataKeyCreatedBefore: at},
	} {
		t.Run(name, func(t *testing.T) {
			for limit := 1; limit <= 4; limit++ {
				same(t, versions(t, s, q, limit), want[name])
			}
			n := read(t, s, func(tx *store.Tx) (int64, error) { return tx.CountVersions(q) })
			same(t, n, int64(len(want[name])))
		})
	}
}

func versions(t *testing.T, s *store.Store, q store.VersionQuery, limit int) (all []store.VersionRow) {
	t.Helper()
	var last store.VersionRow
	for {
		rows := read(t, s, func(tx *store.Tx) ([]store.VersionRow, error) {
			return tx.VersionsPage(q, last.SecretID, last.Number, limit)
		})
		all = append(all, rows...)
		if len(rows) < limit {
			return all
		}
		last = rows[len(rows)-1]
	}
}

// testManySecrets walks more secrets than one page of them holds, most of which have nothing
// that is asked for.
func testManySecrets(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	old := h.dataKey(t, at, "a")
	young := h.key
	const n = 450
	write(t, s, func(tx *store.Tx) error {
		for i := range n {
			secret := models.Secret{EnvironmentID: h.env.ID, Name: "s" + strconv.Itoa(i), Type: models.Password, CurrentVersion: 1}
			if err := tx.CreateSecret(&secret); err != nil {
				return err
			}
			h.key = young
			if i%200 == 199 || i == n-1 {
				h.key = old
			}
			if err := tx.AddVersion(h.version(secret.ID, 1)); err != nil {
				return err
			}
		}
		return nil
	})
	same(t, len(versions(t, s, store.VersionQuery{}, 7)), n)
	same(t, len(versions(t, s, store.VersionQuery{Environment: h.env.ID}, 200)), n)
	for limit := 1; limit <= 4; limit++ {
		same(t, len(versions(t, s, store.VersionQuery{Environment: h.env.ID, DataKeyCreatedBefore: at}, limit)), 3)
	}
}

func testReseal(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	secret, key := h.secret(t, "a"), h.dataKey(t, time.Now(), "a")
	get := func() models.SecretVersion {
		return read(t, s, func(tx *store.Tx) (models.SecretVersion, error) { return tx.Version(secret.ID, 1) })
	}
	reseal := func(v models.SecretVersion, oldKey models.DataKeyID, old []byte) (done bool) {
		write(t, s, func(tx *store.Tx) (err error) { done, err = tx.ResealVersion(&v, oldKey, old); return err })
		return done
	}
	before := get()
	fresh := before
	fresh.DataKeyID, fresh.Format, fresh.Ciphertext = key.ID, 2, []byte{7, 0, 255}
	t.Run("OtherKey", func(t *testing.T) {
		same(t, reseal(fresh, key.ID, before.Ciphertext), false)
		same(t, get(), before)
	})
	t.Run("OtherCiphertext", func(t *testing.T) {
		same(t, reseal(fresh, before.DataKeyID, []byte{1}), false)
		same(t, get(), before)
	})
	t.Run("OK", func(t *testing.T) {
		changed := fresh
		changed.Hash, changed.Size, changed.Comment = []byte{9}, 99, "never"
		same(t, reseal(changed, before.DataKeyID, before.Ciphertext), true)
		same(t, get(), fresh)
		same(t, reseal(changed, before.DataKeyID, before.Ciphertext), false)
	})
	t.Run("NoKey", func(t *testing.T) {
		gone := fresh
		gone.DataKeyID = "dek_none"
		failing(t, s, fault.Conflict, func(tx *store.Tx) error {
			_, err := tx.ResealVersion(&gone, fresh.DataKeyID, fresh.Ciphertext)
			return err
		})
	})
}

func testResealCredentials(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	key := h.dataKey(t, time.Now(), "a")
	d, bare := h.destination(t, "d"), h.destination(t, "bare")
	d.CredentialsKeyID = h.key.ID
	write(t, s, func(tx *store.Tx) error { return tx.UpdateDestination(&d, 0) })
	loaded := d
	list := func(env models.EnvironmentID, after models.DestinationID) []models.Destination {
		return read(t, s, func(tx *store.Tx) ([]models.Destination, error) {
			return tx.DestinationsWithCredentials(env, after, 10)
		})
	}
	reseal := func(oldKey models.DataKeyID, old string) (done bool) {
		write(t, s, func(tx *store.Tx) (err error) {
			done, err = tx.ResealCredentials(d.ID, oldKey, []byte(old), key.ID, []byte("fresh"))
			return err
		})
		return done
	}
	same(t, list(0, ""), []models.Destination{d})
	same(t, list(h.env.ID, ""), []models.Destination{d})
	same(t, len(list(99, "")), 0)
	same(t, len(list(0, d.ID)), 0)
	same(t, reseal(key.ID, string(d.Credentials)), false)
	same(t, reseal(h.key.ID, "x"), false)
	same(t, list(0, ""), []models.Destination{d})
	same(t, reseal(h.key.ID, string(d.Credentials)), true)
	d.Credentials, d.CredentialsKeyID, d.Revision = []byte("fresh"), key.ID, d.Revision+1
	same(t, list(0, ""), []models.Destination{d})
	// Who loaded it before does not bring the old seal back.
	failing(t, s, fault.Stale, func(tx *store.Tx) error { return tx.UpdateDestination(&loaded, loaded.Revision) })
	same(t, read(t, s, func(tx *store.Tx) (models.Destination, error) { return tx.Destination(bare.ID) }), bare)
}

func testMisplacedCurrent(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	var wrong []models.SecretID
	for i := range 6 {
		secret := h.secret(t, "s"+strconv.Itoa(i))
		h.change(t, &secret)
		if i%2 == 0 {
			secret.CurrentVersion = models.VersionNumber(1 + i) // behind, or beyond
			write(t, s, func(tx *store.Tx) error { return tx.UpdateSecret(&secret, 0) })
			wrong = append(wrong, secret.ID)
		}
	}
	list := func(env models.EnvironmentID, after models.SecretID, limit int) (ids []models.SecretID) {
		for _, secret := range read(t, s, func(tx *store.Tx) ([]models.Secret, error) { return tx.MisplacedCurrent(env, after, limit) }) {
			ids = append(ids, secret.ID)
		}
		return ids
	}
	same(t, list(0, 0, 0), wrong)
	same(t, list(h.env.ID, 0, 2), wrong[:2])
	same(t, list(h.env.ID, wrong[1], 2), wrong[2:])
	same(t, list(99, 0, 0), nil)
}
