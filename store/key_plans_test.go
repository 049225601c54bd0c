package store_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

// numbered are sources of the numbers i from 1 to %d.
var numbered = map[string]string{
	store.SQLite:   "(WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < %d) SELECT i FROM c) n",
	store.MySQL:    "(SELECT seq AS i FROM seq_1_to_%d) n",
	store.Postgres: "(SELECT i FROM generate_series(1, %d) AS i) n",
}

// crowd fills a store with n data keys of three environments, each wrapped for two, and a
// version of 1 KiB under each, four to a secret. TIME, BLOB and DIV stand
// for what the databases spell differently.
func crowd(t testing.TB, s *store.Store, n int) {
	t.Helper()
	write := []string{
		"INSERT INTO environments (name, display_name, description, kms_key_alias, color, revision, created_at, updated_at) " +
			"SELECT CONCAT('e', i), '', '', '', 'red', 1, TIME, TIME FROM " + fmt.Sprintf(numbered[s.Dialect()], 3),
		"INSERT INTO data_keys (id, environment_id, purpose, uses, max_uses, created_at, retire_at) " +
			"SELECT CONCAT('dek_', i * 7919 % 1000003), 1 + i % 3, 'seal', 1, 1, TIME, TIME FROM " + fmt.Sprintf(numbered[s.Dialect()], n),
		"INSERT INTO wrapped_keys (data_key_id, recipient_kind, recipient_id, `blob`, created_at) SELECT k.id, 'kms', " +
			"CONCAT('arn:aws:kms:eu-central-1:123456789012:key/mrk-0123456789abcdef0123456789abcdef', r.i), BLOB184, TIME FROM data_keys k, " +
			strings.ReplaceAll(fmt.Sprintf(numbered[s.Dialect()], 2), ") n", ") r"),
		"INSERT INTO secrets (environment_id, name, type, description, owner, rotate_every, current_version, current_size, revision, " +
			"created_at, created_by, updated_at, updated_by, value_changed_at) " +
			"SELECT 1 + i % 3, CONCAT('s', i), 'TEXT', '', '', 0, 4, 9, 1, TIME, '', TIME, '', TIME FROM " + fmt.Sprintf(numbered[s.Dialect()], n/4),
		"INSERT INTO secret_versions (secret_id, number, data_key_id, format, ciphertext, hash, size, type, comment, rolled_from, created_at, created_by) " +
			"SELECT 1 + (i - 1) DIV 4, 1 + (i - 1) % 4, CONCAT('dek_', i * 7919 % 1000003), 1, BLOB1024, BLOB32, 9, 'TEXT', '', 0, TIME, '' FROM " +
			fmt.Sprintf(numbered[s.Dialect()], n),
	}
	switch s.Dialect() {
	case store.SQLite:
		write = append(write, "ANALYZE")
	case store.MySQL:
		write = append(write, "ANALYZE TABLE environments, data_keys, wrapped_keys, secrets, secret_versions")
	default:
		write = append(write, "VACUUM ANALYZE")
	}
	blob := map[string]string{store.SQLite: "zeroblob(%d)", store.MySQL: "REPEAT('x', %d)", store.Postgres: "decode(repeat('00', %d), 'hex')"}[s.Dialect()]
	spell := strings.NewReplacer("`", map[bool]string{true: "", false: "`"}[s.Dialect() == store.Postgres],
		"TIME", literals[s.Dialect()].Replace("TIME"), "DIV", map[bool]string{true: "DIV", false: "/"}[s.Dialect() == store.MySQL],
		"BLOB184", fmt.Sprintf(blob, 184), "BLOB1024", fmt.Sprintf(blob, 1024), "BLOB32", fmt.Sprintf(blob, 32))
	for _, text := range write {
		if err := s.Exec(t.Context(), spell.Replace(text)); err != nil {
			t.Fatalf("%s: %v", text[:40], err)
		}
	}
}

// BenchmarkKeys measures what runs over keys ask, among 100,000 data keys and versions.
func BenchmarkKeys(b *testing.B) {
	const n = 100_000
	for _, dialect := range storetest.Dialects {
		b.Run(dialect, func(b *testing.B) {
			s := storetest.Open(b, dialect)
			crowd(b, s, n)
			for name, ask := range questions(crowded) {
				b.Run(name, func(b *testing.B) {
					plans, err := s.Explain(b.Context(), ask)
					if err != nil {
						b.Fatal(err)
					}
					b.Log(strings.Join(plans, "\n"))
					for b.Loop() {
						if err := s.Read(b.Context(), ask); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		})
	}
}

// TestKeyPlans holds that pages over keys and versions are read by an index in its order, and
// that counting reads no ciphertexts. (SQLite tells its plans in words that stay.)
func TestKeyPlans(t *testing.T) {
	s := storetest.SQLite(t)
	crowd(t, s, 2000)
	for name, ask := range questions(crowded) {
		t.Run(name, func(t *testing.T) {
			plans, err := s.Explain(t.Context(), ask)
			if err != nil || len(plans) == 0 {
				t.Fatalf("got %d plans, %v", len(plans), err)
			}
			plan := strings.Join(plans, "\n")
			page := strings.Contains(name, "Page") || name == "ReserveDataKey"
			if page && (strings.Contains(plan, "FOR ORDER BY") || strings.Contains(plan, " SCAN ")) {
				t.Errorf("a page is sorted or scanned for: %s", plan)
			}
			for line := range strings.Lines(plan) {
				if !page && strings.Contains(line, "secret_versions USING") && !strings.Contains(line, "COVERING INDEX") {
					t.Errorf("ciphertexts are read: %s", plan)
				}
			}
		})
	}
}

// crowded is one of the two recipients of crowd.
const crowded = "arn:aws:kms:eu-central-1:123456789012:key/mrk-0123456789abcdef0123456789abcdef1"

// questions are what runs over keys ask, in the middle of their way.
func questions(recipient string) map[string]func(*store.Tx) error {
	middle := models.SecretID(12_500)
	versions := func(q store.VersionQuery) func(*store.Tx) error {
		return func(tx *store.Tx) error { _, err := tx.VersionsPage(q, middle, 2, 200); return err }
	}
	count := func(q store.VersionQuery) func(*store.Tx) error {
		return func(tx *store.Tx) error { _, err := tx.CountVersions(q); return err }
	}
	keys := func(q store.DataKeyQuery) func(*store.Tx) error {
		return func(tx *store.Tx) error { _, err := tx.DataKeysPage(q, "dek_5", 200); return err }
	}
	return map[string]func(*store.Tx) error{
		"ReserveDataKey": func(tx *store.Tx) error { // of which all are used up
			_, _, err := tx.ReserveDataKey(2, models.PurposeSeal, 1, at.AddDate(-1, 0, 0))
			if !fault.Is(err, fault.NotFound) {
				return fmt.Errorf("got %v, want NotFound", err)
			}
			return nil
		},
		"KeyUsage":                func(tx *store.Tx) error { _, err := tx.KeyUsage(0); return err },
		"KeyUsageEnvironment":     func(tx *store.Tx) error { _, err := tx.KeyUsage(2); return err },
		"DataKeysPage":            keys(store.DataKeyQuery{}),
		"DataKeysPageEnvironment": keys(store.DataKeyQuery{Environment: 2}),
		"DataKeysPageUnder":       keys(store.DataKeyQuery{Under: recipient}),
		"DataKeysPageBoth":        keys(store.DataKeyQuery{Environment: 2, Under: recipient}),
		"CountDataKeysUnder":      func(tx *store.Tx) error { _, err := tx.CountDataKeysUnder(2, recipient); return err },
		"VersionsPage":            versions(store.VersionQuery{}),
		"VersionsPageEnvironment": versions(store.VersionQuery{Environment: 2}),
		"VersionsPageBefore":      versions(store.VersionQuery{Environment: 2, DataKeyCreatedBefore: at.AddDate(1, 0, 0)}),
		"CountVersions":           count(store.VersionQuery{}),
		"CountVersionsBefore":     count(store.VersionQuery{Environment: 2, DataKeyCreatedBefore: at}),
		"MisplacedCurrent":        func(tx *store.Tx) error { _, err := tx.MisplacedCurrent(0, 0, 200); return err },
	}
}
