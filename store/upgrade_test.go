package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

// beforeRecipients is the last migration of the schema that knew no recipients.
const beforeRecipients = 17

// old is what a program of that schema kept; TIME and BLOB stand for literals, which the
// databases spell differently.
var old = []string{
	"INSERT INTO environments (id, name, display_name, description, kms_key_alias, color, revision, created_at, updated_at) " +
		"VALUES (7, 'production', 'Prod', '', 'alias/old', 'red', 3, TIME, TIME)",
	"INSERT INTO data_keys (id, environment_id, purpose, uses, max_uses, created_at, retire_at) VALUES ('dek_old', 7, 'seal', 5, 9, TIME, TIME)",
	"INSERT INTO wrapped_keys (data_key_id, recipient_kind, recipient_id, `blob`, created_at) VALUES ('dek_old', 'kms', 'arn:old', BLOB, TIME)",
	"INSERT INTO secrets (id, environment_id, name, type, description, owner, rotate_every, current_version, current_size, revision, " +
		"created_at, created_by, updated_at, updated_by, value_changed_at) VALUES (4, 7, 'a', 'TEXT', '', '', 0, 1, 2, 1, TIME, 'ada', TIME, 'ada', TIME)",
	"INSERT INTO secret_versions (secret_id, number, data_key_id, format, ciphertext, hash, size, type, comment, rolled_from, created_at, created_by) " +
		"VALUES (4, 1, 'dek_old', 1, BLOB, BLOB, 2, 'TEXT', '', 0, TIME, 'ada')",
	"INSERT INTO users (id, username, display_name, password_hash, role, must_change_password, disabled, created_at, updated_at) " +
		"VALUES ('usr_new', 'new', '', 'x', 'user', TRUE, FALSE, TIME, TIME), ('usr_own', 'own', '', 'x', 'user', FALSE, FALSE, TIME, TIME)",
}

var literals = map[string]*strings.Replacer{
	store.SQLite:   strings.NewReplacer("TIME", "1795256430123456", "BLOB", "X'00ff'"),
	store.MySQL:    strings.NewReplacer("TIME", "'2026-11-21 10:20:30.123456'", "BLOB", "X'00ff'"),
	store.Postgres: strings.NewReplacer("TIME", "'2026-11-21 10:20:30.123456+00'", "BLOB", `'\x00ff'`, "`", ""),
}

// TestUpgrade brings a database of the schema before recipients to today's.
func TestUpgrade(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) { testUpgrade(t, storetest.Options(t, dialect)) })
	}
}

func testUpgrade(t *testing.T, options store.Options) {
	ctx := t.Context()
	s, err := store.Open(ctx, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.MigrateTo(ctx, beforeRecipients); err != nil {
		t.Fatal(err)
	}
	for _, text := range old {
		if err := s.Exec(ctx, literals[options.Dialect].Replace(text)); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	if err := s.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	testUpgraded(t, s)
	t.Run("Again", func(t *testing.T) {
		// As after a crash of a MySQL server between the DDL and the row that tells of it.
		if err := s.Exec(ctx, "DELETE FROM goose_db_version WHERE version_id > 17"); err != nil {
			t.Fatal(err)
		}
		if n, err := s.Pending(ctx); n == 0 || err != nil {
			t.Fatalf("got %d pending, %v", n, err)
		}
		if err := s.Migrate(ctx); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("OldProgram", func(t *testing.T) {
		// One that still runs beside the new one knows nothing of the new columns.
		for _, text := range old[:2] {
			text = strings.NewReplacer("(7,", "(8,", "'production'", "'staging'", "'dek_old', 7", "'dek_8', 8").Replace(text)
			if err := s.Exec(ctx, literals[options.Dialect].Replace(text)); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
		}
		e := read(t, s, func(tx *store.Tx) (models.Environment, error) { return tx.Environment(8) })
		same(t, e.KeyGeneration, 1)
	})
}

// testUpgraded holds that the old rows are all there, and serve.
func testUpgraded(t *testing.T, s *store.Store) {
	t.Helper()
	then := time.Date(2026, 11, 21, 10, 20, 30, 123456000, time.UTC)
	e := read(t, s, func(tx *store.Tx) (models.Environment, error) { return tx.Environment(7) })
	same(t, e, models.Environment{
		ID: 7, Name: "production", DisplayName: "Prod", KMSKeyAlias: "alias/old", KeyGeneration: 1, Color: "red", Revision: 3,
		CreatedAt: then, UpdatedAt: then,
	})
	h := &house{s: s, env: e}
	key, wrapped := h.wrapped(t, "dek_old")
	same(t, key, models.DataKey{
		ID: "dek_old", EnvironmentID: 7, Purpose: models.PurposeSeal, Uses: 5, MaxUses: 9, CreatedAt: then, RetireAt: then,
	})
	same(t, wrapped, []models.WrappedKey{
		{DataKeyID: "dek_old", RecipientKind: models.RecipientKMS, RecipientID: "arn:old", Blob: []byte{0, 255}, CreatedAt: then},
	})
	rows := read(t, s, func(tx *store.Tx) ([]store.VersionRow, error) {
		return tx.VersionsPage(store.VersionQuery{Environment: 7}, 0, 0, 9)
	})
	if len(rows) != 1 || rows[0].SecretName != "a" || string(rows[0].Ciphertext) != "\x00\xff" {
		t.Errorf("got versions %+v", rows)
	}
	// A one-time password of before has its time from now on, and one's own has no end.
	users := read(t, s, func(tx *store.Tx) ([]models.User, error) { return tx.Users() })
	if len(users) != 2 || users[0].PasswordExpiresAt == nil || users[1].PasswordExpiresAt != nil {
		t.Fatalf("got users %+v", users)
	}
	if left := time.Until(*users[0].PasswordExpiresAt); left < 71*time.Hour || left > 72*time.Hour {
		t.Errorf("the one-time password ends in %v", left)
	}
	generation, primary, others, err := store.Keys{Store: s}.Recipients(t.Context(), 7)
	if generation != 1 || primary != "alias/old" || len(others) != 0 || err != nil {
		t.Errorf("got generation %d, primary %q, others %v, %v", generation, primary, others, err)
	}
	added := models.DataKey{ID: models.NewDataKeyID(), EnvironmentID: 7, Purpose: models.PurposeSeal, MaxUses: 1, RetireAt: then, Check: []byte("sixteen bytes...")}
	if err := (store.Keys{Store: s}).AddDataKey(t.Context(), added, wrapped, generation); err != nil {
		t.Fatal(err)
	}
	long := "age1pq1" + strings.Repeat("q", 1952)
	write(t, s, func(tx *store.Tx) error {
		return tx.ReplaceWrapped("dek_old", []models.WrappedKey{{RecipientKind: models.RecipientRecovery, RecipientID: long, Blob: []byte{1}}}, wrapped, added.Check)
	})
	key, wrapped = h.wrapped(t, "dek_old")
	same(t, key.Check, added.Check)
	if len(wrapped) != 1 || wrapped[0].RecipientID != long {
		t.Errorf("got wrapped keys %+v", wrapped)
	}
}
