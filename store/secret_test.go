package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

func testSecrets(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	expires := at.AddDate(0, 1, 0)
	secret := models.Secret{
		EnvironmentID: h.env.ID, Name: "pay/stripe", Type: models.Certificate, Description: "Ünïcode 🙂 \\ ' \" %", Owner: "team",
		Tags: map[string]string{"a": "1", "A": "2"}, ExpiresAt: &expires, RotateEvery: 30, CurrentVersion: 1, CurrentSize: 9,
		Facts:     models.Facts{Keys: []string{"x", "y"}, Certificate: &models.CertificateFacts{Subject: "CN=a", NotAfter: at.UTC()}},
		CreatedAt: at, CreatedBy: "ada", UpdatedBy: "ada",
	}
	write(t, s, func(tx *store.Tx) error {
		if err := tx.CreateSecret(&secret); err != nil {
			return err
		}
		return tx.AddVersion(h.version(secret.ID, 1))
	})
	get := func() models.Secret {
		return read(t, s, func(tx *store.Tx) (models.Secret, error) { return tx.Secret(secret.ID) })
	}
	t.Run("OK", func(t *testing.T) {
		same(t, get(), secret)
		same(t, read(t, s, func(tx *store.Tx) (models.Secret, error) { return tx.SecretByName(h.env.ID, "pay/stripe") }), secret)
	})
	t.Run("Update", func(t *testing.T) {
		changed := secret
		changed.Name, changed.Description, changed.Tags, changed.ExpiresAt = "no", "new", map[string]string{"b": "3"}, nil
		deleted := at
		changed.DeletedAt = &deleted
		write(t, s, func(tx *store.Tx) error { return tx.UpdateSecret(&changed, 1) })
		changed.Name = secret.Name
		same(t, get(), changed)
		changed.DeletedAt, changed.Tags = nil, nil
		write(t, s, func(tx *store.Tx) error { return tx.UpdateSecret(&changed, 2) })
		same(t, get(), changed)
	})
	t.Run("Stale", func(t *testing.T) {
		failing(t, s, fault.Stale, func(tx *store.Tx) error { return tx.UpdateSecret(&secret, 1) })
	})
	t.Run("Conflict", func(t *testing.T) {
		twin := models.Secret{EnvironmentID: h.env.ID, Name: "pay/stripe", Type: models.Text}
		failing(t, s, fault.Conflict, func(tx *store.Tx) error { return tx.CreateSecret(&twin) })
		orphan := models.Secret{EnvironmentID: 4711, Name: "x", Type: models.Text}
		failing(t, s, fault.Conflict, func(tx *store.Tx) error { return tx.CreateSecret(&orphan) })
	})
	t.Run("Purge", func(t *testing.T) {
		other := h.secret(t, "other")
		h.destination(t, "d")
		write(t, s, func(tx *store.Tx) error { return tx.MarkDirty(other.ID) })
		write(t, s, func(tx *store.Tx) error { return tx.PurgeSecret(other.ID) })
		_, err := tryRead(s, func(tx *store.Tx) (models.Secret, error) { return tx.Secret(other.ID) })
		wantKind(t, err, fault.NotFound)
		if got := read(t, s, func(tx *store.Tx) ([]models.SyncState, error) {
			return tx.StatesOfSecrets([]models.SecretID{other.ID})
		}); len(got) != 0 {
			t.Errorf("got states %v", got)
		}
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { return tx.PurgeSecret(other.ID) })
	})
}

func testSecretList(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	other := models.Environment{Name: "other"}
	write(t, s, func(tx *store.Tx) error { return tx.CreateEnvironment(&other) })
	soon, late := s0().AddDate(0, 0, 3), s0().AddDate(1, 0, 0)
	destination := h.destination(t, "d")
	// Groups of equal sort keys, so that a walk has to tell rows apart by ID.
	for i := range 25 {
		secret := models.Secret{
			EnvironmentID: h.env.ID, Name: "n" + strconv.Itoa(i), Type: models.SecretTypes[i%3], CurrentVersion: 1,
			CreatedAt: at.Add(time.Duration(i/7) * time.Hour), Owner: "Öwner " + strconv.Itoa(i%2), Tags: map[string]string{"parity": strconv.Itoa(i % 2)},
		}
		switch i % 5 {
		case 0:
			secret.ExpiresAt = &soon
		case 1:
			secret.ExpiresAt = &late
		}
		if i >= 20 {
			secret.DeletedAt = &soon
		}
		write(t, s, func(tx *store.Tx) error {
			if err := tx.CreateSecret(&secret); err != nil {
				return err
			}
			if i == 7 {
				return tx.MarkDirty(secret.ID)
			}
			return nil
		})
	}
	page := func(t *testing.T, q store.SecretQuery) (rows []models.Secret, around store.Around) {
		t.Helper()
		if q.Environments == nil {
			q.Environments = []models.EnvironmentID{h.env.ID, other.ID}
		}
		rows = read(t, s, func(tx *store.Tx) (rows []models.Secret, err error) {
			rows, around, err = tx.ListSecrets(q)
			return rows, err
		})
		return rows, around
	}
	list := func(t *testing.T, q store.SecretQuery) []models.Secret {
		t.Helper()
		var all []models.Secret
		for range 100 {
			rows, around := page(t, q)
			all = append(all, rows...)
			if around.Next == "" {
				return all
			}
			q.Cursor = around.Next
		}
		t.Fatal("the walk does not end")
		return nil
	}
	t.Run("Walk", func(t *testing.T) {
		for _, sort := range []store.SecretSort{store.SortName, store.SortUpdated, store.SortCreated, store.SortChanged, store.SortExpires, store.SortType} {
			whole := list(t, store.SecretQuery{Sort: sort})
			if len(whole) != 20 {
				t.Fatalf("%s: got %d, want 20", sort, len(whole))
			}
			same(t, list(t, store.SecretQuery{Sort: sort, Limit: 3}), whole)
			down := list(t, store.SecretQuery{Sort: sort, Limit: 3, Desc: true})
			for i := range down {
				if down[i].ID != whole[len(whole)-1-i].ID {
					t.Fatalf("%s: descending is not the reverse at %d", sort, i)
				}
			}
		}
	})
	t.Run("Back", func(t *testing.T) {
		for _, sort := range []store.SecretSort{store.SortName, store.SortUpdated, store.SortCreated, store.SortChanged, store.SortExpires, store.SortType} {
			for _, desc := range []bool{false, true} {
				q := store.SecretQuery{Sort: sort, Limit: 6, Desc: desc}
				first, around := page(t, q)
				if around.Prev != "" {
					t.Fatalf("%s: the first page leads back", sort)
				}
				pages := [][]models.Secret{first}
				for around.Next != "" {
					q.Cursor = around.Next
					var rows []models.Secret
					rows, around = page(t, q)
					pages = append(pages, rows)
				}
				for i := len(pages) - 2; i >= 0; i-- {
					if around.Prev == "" {
						t.Fatalf("%s: page %d leads nowhere back", sort, i+1)
					}
					q.Cursor = around.Prev
					var rows []models.Secret
					rows, around = page(t, q)
					same(t, rows, pages[i])
				}
				if len(pages) != 4 || around.Prev != "" || around.Next == "" {
					t.Errorf("%s: %d pages, and back at the first one %+v", sort, len(pages), around)
				}
			}
		}
	})
	t.Run("ExpiresOrder", func(t *testing.T) {
		rows := list(t, store.SecretQuery{Sort: store.SortExpires})
		if !rows[0].ExpiresAt.Equal(soon) || rows[19].ExpiresAt != nil {
			t.Errorf("got %v first and %v last", rows[0].ExpiresAt, rows[19].ExpiresAt)
		}
	})
	filters := map[string]struct {
		q    store.SecretQuery
		want int
	}{
		"Deleted":       {store.SecretQuery{Deleted: true}, 5},
		"Types":         {store.SecretQuery{Types: []models.SecretType{models.Password, models.APIKey}}, 14},
		"Tag":           {store.SecretQuery{TagKey: "parity", TagValue: "1"}, 10},
		"TagKey":        {store.SecretQuery{TagKey: "parity"}, 20},
		"TagCase":       {store.SecretQuery{TagKey: "Parity"}, 0},
		"Owner":         {store.SecretQuery{Owner: "Öwner 1"}, 10},
		"OwnerCase":     {store.SecretQuery{Owner: "öwner 1"}, 0},
		"Search":        {store.SecretQuery{Search: "N1"}, 11},
		"SearchUnicode": {store.SecretQuery{Search: "öWNER 0"}, 10},
		"SearchEscaped": {store.SecretQuery{Search: "n_"}, 0},
		"SearchPercent": {store.SecretQuery{Search: "%"}, 0},
		"SearchBang":    {store.SecretQuery{Search: "!"}, 0},
		"Status":        {store.SecretQuery{Status: models.StatusSourceChanged}, 1},
		"StatusNone":    {store.SecretQuery{Status: models.StatusDrifted}, 0},
		"Expiring":      {store.SecretQuery{ExpiringBefore: &late}, 4},
		"NoEnvironment": {store.SecretQuery{Environments: []models.EnvironmentID{}}, 0},
		"OtherOnly":     {store.SecretQuery{Environments: []models.EnvironmentID{other.ID}}, 0},
	}
	for name, c := range filters {
		t.Run(name, func(t *testing.T) {
			if got := list(t, c.q); len(got) != c.want {
				t.Errorf("got %d %v, want %d", len(got), names(got), c.want)
			}
		})
	}
	t.Run("BadCursor", func(t *testing.T) {
		var next string
		read(t, s, func(tx *store.Tx) (rows []models.Secret, err error) {
			rows, around, err := tx.ListSecrets(store.SecretQuery{Environments: []models.EnvironmentID{h.env.ID}, Limit: 1})
			next = around.Next
			return rows, err
		})
		for _, bad := range []string{"x", next[1:], next + "A", "e30"} {
			_, err := tryRead(s, func(tx *store.Tx) (string, error) {
				_, _, err := tx.ListSecrets(store.SecretQuery{Environments: []models.EnvironmentID{h.env.ID}, Cursor: bad})
				return "", err
			})
			wantKind(t, err, fault.Invalid)
		}
		_, err := tryRead(s, func(tx *store.Tx) (string, error) {
			_, _, err := tx.ListSecrets(store.SecretQuery{Environments: []models.EnvironmentID{h.env.ID}, Cursor: next, Desc: true})
			return "", err
		})
		wantKind(t, err, fault.Invalid)
	})
	t.Run("Counts", func(t *testing.T) {
		got := read(t, s, func(tx *store.Tx) ([]store.SecretCounts, error) {
			return tx.CountSecrets([]models.EnvironmentID{h.env.ID, other.ID})
		})
		same(t, got, []store.SecretCounts{{EnvironmentID: h.env.ID, Active: 20, Deleted: 5, Expiring: 4}})
		states := read(t, s, func(tx *store.Tx) ([]store.StateCount, error) {
			return tx.CountStates([]models.EnvironmentID{h.env.ID})
		})
		same(t, states, []store.StateCount{{DestinationID: destination.ID, Status: models.StatusSourceChanged, N: 1}})
	})
}

// s0 is now, in whole seconds.
func s0() time.Time { return time.Now().UTC().Truncate(time.Second) }

func testVersions(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	secret := h.secret(t, "a")
	for range 4 {
		h.change(t, &secret)
	}
	big := h.version(secret.ID, 6)
	big.Ciphertext = bytes.Repeat([]byte{0xff, 0, '\''}, 24_000)
	big.Facts = models.Facts{Keys: []string{"k"}}
	big.CreatedAt = at
	write(t, s, func(tx *store.Tx) error { return tx.AddVersion(big) })
	t.Run("OK", func(t *testing.T) {
		same(t, read(t, s, func(tx *store.Tx) (models.SecretVersion, error) { return tx.Version(secret.ID, 6) }), *big)
	})
	t.Run("List", func(t *testing.T) {
		got := read(t, s, func(tx *store.Tx) ([]models.SecretVersion, error) { return tx.Versions(secret.ID, 6, 2) })
		if len(got) != 2 || got[0].Number != 5 || got[1].Number != 4 || got[0].Ciphertext != nil || got[0].Hash == nil {
			t.Errorf("got %+v", got)
		}
		if got := read(t, s, func(tx *store.Tx) ([]models.SecretVersion, error) { return tx.Versions(secret.ID, 0, 0) }); len(got) != 6 {
			t.Errorf("got %d versions, want 6", len(got))
		}
	})
	t.Run("Current", func(t *testing.T) {
		wantSecret := read(t, s, func(tx *store.Tx) (models.Secret, error) { return tx.Secret(secret.ID) })
		wantVersion := read(t, s, func(tx *store.Tx) (models.SecretVersion, error) { return tx.Version(secret.ID, 5) })
		check := func(gotSecret models.Secret, gotVersion models.SecretVersion, err error) (int, error) {
			same(t, gotSecret, wantSecret)
			same(t, gotVersion, wantVersion)
			return 0, err
		}
		read(t, s, func(tx *store.Tx) (int, error) { return check(tx.CurrentVersion(secret.ID)) })
		read(t, s, func(tx *store.Tx) (int, error) { return check(tx.CurrentVersionByName(h.env.ID, "a")) })
		write(t, s, func(tx *store.Tx) error { _, err := check(tx.CurrentVersion(secret.ID)); return err })
	})
	t.Run("Lock", func(t *testing.T) {
		contended := h.secret(t, "contended")
		const writers = 8
		var wait sync.WaitGroup
		for range writers {
			wait.Go(func() {
				err := s.Write(context.Background(), func(tx *store.Tx) error {
					current, version, err := tx.LockCurrentVersion(contended.ID)
					if err != nil || version.Number != current.CurrentVersion {
						return errors.Join(err, fmt.Errorf("version %d of a secret at %d", version.Number, current.CurrentVersion))
					}
					current.CurrentVersion++
					if err := tx.AddVersion(h.version(contended.ID, current.CurrentVersion)); err != nil {
						return err
					}
					return tx.UpdateSecret(&current, current.Revision)
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		got := read(t, s, func(tx *store.Tx) (models.Secret, error) { return tx.Secret(contended.ID) })
		if got.CurrentVersion != writers+1 || got.Revision != contended.Revision+writers {
			t.Errorf("got version %d at revision %d after %d changes", got.CurrentVersion, got.Revision, writers)
		}
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { _, _, err := tx.LockCurrentVersion(99); return err })
	})
	t.Run("Conflict", func(t *testing.T) {
		failing(t, s, fault.Conflict, func(tx *store.Tx) error { return tx.AddVersion(h.version(secret.ID, 3)) })
	})
	t.Run("NotFound", func(t *testing.T) {
		_, err := tryRead(s, func(tx *store.Tx) (models.SecretVersion, error) { return tx.Version(secret.ID, 9) })
		wantKind(t, err, fault.NotFound)
		_, err = tryRead(s, func(tx *store.Tx) (models.Secret, error) { got, _, err := tx.CurrentVersion(99); return got, err })
		wantKind(t, err, fault.NotFound)
	})
}

func testKeys(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	now := s0()
	newest := models.DataKey{
		ID: models.NewDataKeyID(), EnvironmentID: h.env.ID, Purpose: models.PurposeSeal, MaxUses: 3, CreatedAt: now.Add(time.Hour), RetireAt: now.Add(2 * time.Hour),
	}
	wrapped := []models.WrappedKey{
		{DataKeyID: newest.ID, RecipientKind: models.RecipientKMS, RecipientID: "arn:x", Blob: []byte{0, 1}, CreatedAt: now},
		{DataKeyID: newest.ID, RecipientKind: models.RecipientLocal, RecipientID: "local/1", Blob: []byte{2}, CreatedAt: now},
	}
	write(t, s, func(tx *store.Tx) error { return tx.AddDataKey(newest, wrapped...) })
	reserve := func(n int64, now time.Time) (key models.DataKey, with []models.WrappedKey, err error) {
		err = s.Write(t.Context(), func(tx *store.Tx) error {
			key, with, err = tx.ReserveDataKey(h.env.ID, models.PurposeSeal, n, now)
			return err
		})
		return key, with, err
	}
	t.Run("Reserve", func(t *testing.T) {
		key, with, err := reserve(2, now)
		if err != nil || key.ID != newest.ID || key.Uses != 2 {
			t.Fatalf("got %+v, %v", key, err)
		}
		same(t, with, wrapped)
		if key, _, err = reserve(2, now); err != nil || key.ID != h.key.ID {
			t.Errorf("got %+v, %v, want the older key, since the newest has one use left", key, err)
		}
		if key, _, err = reserve(1, now); err != nil || key.ID != newest.ID || key.Uses != 3 {
			t.Errorf("got %+v, %v, want the newest key's last use", key, err)
		}
	})
	t.Run("NotFound", func(t *testing.T) {
		_, _, err := reserve(1001, now)
		wantKind(t, err, fault.NotFound)
		_, _, err = reserve(1, at.AddDate(2, 0, 0))
		wantKind(t, err, fault.NotFound)
		failing(t, s, fault.NotFound, func(tx *store.Tx) error {
			_, _, err := tx.ReserveDataKey(h.env.ID, models.PurposeHash, 1, now)
			return err
		})
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { _, _, err := tx.DataKey("dek_none"); return err })
	})
	t.Run("Conflict", func(t *testing.T) {
		failing(t, s, fault.Conflict, func(tx *store.Tx) error { return tx.AddDataKey(newest) })
	})
	t.Run("Usage", func(t *testing.T) {
		h.secret(t, "a")
		h.secret(t, "b")
		got := read(t, s, func(tx *store.Tx) ([]store.KeyUsage, error) { return tx.KeyUsage(h.env.ID) })
		same(t, got, []store.KeyUsage{
			{EnvironmentID: h.env.ID, RecipientKind: models.RecipientKMS, RecipientID: "arn:x", DataKeys: 1},
			{EnvironmentID: h.env.ID, RecipientKind: models.RecipientLocal, RecipientID: "local/1", DataKeys: 2, Versions: 2},
		})
		var key models.DataKey
		same(t, read(t, s, func(tx *store.Tx) (w []models.WrappedKey, err error) {
			key, w, err = tx.DataKey(newest.ID)
			return w, err
		}), wrapped)
		if key.Uses != 3 {
			t.Errorf("got %d uses, want 3", key.Uses)
		}
	})
}
