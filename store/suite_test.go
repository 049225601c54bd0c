package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

// TestSuite runs the same cases on every database.
func TestSuite(t *testing.T) {
	suite := map[string]func(*testing.T, *store.Store){
		"Schema": testSchema, "Overview": testOverview, "Figures": testFigures, "Environments": testEnvironments, "Secrets": testSecrets, "SecretList": testSecretList,
		"Versions": testVersions, "Keys": testKeys, "Destinations": testDestinations, "SyncStates": testSyncStates, "Groups": testGroups,
		"SyncEntries": testSyncEntries, "SyncRuns": testSyncRuns, "Receipts": testReceipts, "Users": testUsers, "Sessions": testSessions,
		"ReplacedSession": testReplacedSession, "Attempts": testAttempts, "Factors": testFactors,
		"Providers": testProviders, "SAMLState": testSAMLState, "NamedSessions": testNamedSessions,
		"Tokens": testTokens, "People": testPeople, "Audit": testAudit, "Record": testRecord, "Settings": testSettings, "Jobs": testJobs,
		"JobsRace": testJobsRace, "Write": testWrite, "WriteRace": testWriteRace, "Names": testNames,
		"Recipients": testRecipients, "KeyGenerationWaits": testKeyGenerationWaits, "KeyGenerationRace": testKeyGenerationRace,
		"DataKeyPages": testDataKeyPages, "ReplaceWrapped": testReplaceWrapped, "Retire": testRetire,
		"DeleteUnused": testDeleteUnused, "DeleteUnusedRace": testDeleteUnusedRace, "DeleteUnusedWaits": testDeleteUnusedWaits,
		"VersionPages": testVersionPages, "ManySecrets": testManySecrets, "Reseal": testReseal, "ResealCredentials": testResealCredentials,
		"MisplacedCurrent": testMisplacedCurrent, "KeyRuns": testKeyRuns, "KeyRunRace": testKeyRunRace, "KeyFindings": testKeyFindings,
		"Alerts": testAlerts, "AlertRace": testAlertRace, "AlertChannels": testAlertChannels, "Notices": testNotices, "AlertNames": testAlertNames,
		"KeyDrills": testKeyDrills, "QuotaUsers": testQuotaUsers, "IdempotencyKeys": testIdempotencyKeys, "IdempotencyRace": testIdempotencyRace, "BothWays": testBothWays, "BothWaysWithin": testBothWaysWithin, "RunHistory": testRunHistory, "QueuedFullRun": testQueuedFullRun, "RetryFailed": testRetryFailed, "CountWork": testCountWork, "TakenAway": testTakenAway, "VersionsHeld": testVersionsHeld, "DeleteEnvironmentKeys": testDeleteEnvironmentKeys,
	}
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			for name, test := range suite {
				t.Run(name, func(t *testing.T) { test(t, storetest.Open(t, dialect)) })
			}
			t.Run("MigrateRace", func(t *testing.T) { testMigrateRace(t, storetest.Options(t, dialect)) })
		})
	}
}

// at is a time with more digits than the databases keep.
var at = time.Date(2026, 11, 21, 10, 20, 30, 123456789, time.FixedZone("CET", 3600))

func write(t *testing.T, s *store.Store, do func(*store.Tx) error) {
	t.Helper()
	if err := s.Write(context.Background(), do); err != nil {
		t.Fatalf("writing: %v", err)
	}
}

func read[T any](t *testing.T, s *store.Store, do func(*store.Tx) (T, error)) T {
	t.Helper()
	got, err := tryRead(s, do)
	if err != nil {
		t.Fatalf("reading: %v", err)
	}
	return got
}

func tryRead[T any](s *store.Store, do func(*store.Tx) (T, error)) (got T, err error) {
	err = s.Read(context.Background(), func(tx *store.Tx) error {
		got, err = do(tx)
		return err
	})
	return got, err
}

func wantKind(t *testing.T, err error, want fault.Kind) {
	t.Helper()
	if err == nil || fault.KindOf(err) != want {
		t.Errorf("got error %v (%v), want kind %v", err, fault.KindOf(err), want)
	}
}

func failing(t *testing.T, s *store.Store, want fault.Kind, do func(*store.Tx) error) {
	t.Helper()
	wantKind(t, s.Write(context.Background(), do), want)
}

func same[T any](t *testing.T, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("difference (-want +got):\n%s", diff)
	}
}

// house is what most tests start from.
type house struct {
	s   *store.Store
	env models.Environment
	key models.DataKey
}

func newHouse(t *testing.T, s *store.Store) *house {
	t.Helper()
	h := &house{s: s, env: models.Environment{Name: "production", Color: "red"}}
	write(t, s, func(tx *store.Tx) error {
		if err := tx.CreateEnvironment(&h.env); err != nil {
			return err
		}
		h.key = models.DataKey{
			ID: models.NewDataKeyID(), EnvironmentID: h.env.ID, Purpose: models.PurposeSeal, MaxUses: 1000, RetireAt: at.AddDate(1, 0, 0),
		}
		return tx.AddDataKey(h.key, models.WrappedKey{RecipientKind: models.RecipientLocal, RecipientID: "local/1", Blob: []byte("wrapped")})
	})
	return h
}

// secret makes a secret with its first version.
func (h *house) secret(t *testing.T, name string) models.Secret {
	t.Helper()
	secret := models.Secret{
		EnvironmentID: h.env.ID, Name: name, Type: models.Password, CurrentVersion: 1, CurrentSize: 3, CreatedBy: "ada",
	}
	write(t, h.s, func(tx *store.Tx) error {
		if err := tx.CreateSecret(&secret); err != nil {
			return err
		}
		return tx.AddVersion(h.version(secret.ID, 1))
	})
	return secret
}

func (h *house) version(id models.SecretID, n models.VersionNumber) *models.SecretVersion {
	return &models.SecretVersion{
		SecretID: id, Number: n, DataKeyID: h.key.ID, Format: 1, Ciphertext: []byte{0, 255, byte(n)},
		Hash: []byte{1, 2, byte(n)}, Size: 3, Type: models.Password, CreatedBy: "ada",
	}
}

// change adds a version and makes it current.
func (h *house) change(t *testing.T, secret *models.Secret) {
	t.Helper()
	write(t, h.s, func(tx *store.Tx) error {
		secret.CurrentVersion++
		if err := tx.UpdateSecret(secret, 0); err != nil {
			return err
		}
		if err := tx.AddVersion(h.version(secret.ID, secret.CurrentVersion)); err != nil {
			return err
		}
		return tx.MarkDirty(secret.ID)
	})
}

func (h *house) destination(t *testing.T, name string) models.Destination {
	t.Helper()
	d := models.Destination{
		ID: models.NewDestinationID(), EnvironmentID: h.env.ID, Name: name, Kind: models.DestinationMemory,
		Config: models.DestinationConfig{Prefix: "keeper/"}, Credentials: []byte{1, 0}, Interval: 60,
	}
	write(t, h.s, func(tx *store.Tx) error { return tx.CreateDestination(&d) })
	return d
}

// testMigrateRace has several processes' worth of stores migrate an empty database at once.
func testMigrateRace(t *testing.T, options store.Options) {
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			s, err := store.Open(context.Background(), options)
			if err != nil {
				t.Errorf("opening: %v (%v)", err, errors.Unwrap(err))
				return
			}
			defer func() { _ = s.Close() }()
			if err := s.Migrate(context.Background()); err != nil {
				t.Errorf("migrating: %v (%v)", err, errors.Unwrap(err))
			}
			if n, err := s.Pending(context.Background()); n != 0 || err != nil {
				t.Errorf("got %d pending, %v", n, err)
			}
		})
	}
	wait.Wait()
}

func testSchema(t *testing.T, s *store.Store) {
	ctx := context.Background()
	if err := s.Migrate(ctx); err != nil {
		t.Fatalf("migrating again: %v", err)
	}
	pending := func() int {
		n, err := s.Pending(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := pending(); n != 0 {
		t.Errorf("got %d pending after Migrate, want 0", n)
	}
	newHouse(t, s).secret(t, "a")
	if err := s.Reset(ctx); err != nil {
		t.Fatalf("resetting: %v", err)
	}
	if n := pending(); n == 0 {
		t.Error("got nothing pending after Reset")
	}
	if err := s.Migrate(ctx); err != nil {
		t.Fatalf("migrating after a reset: %v", err)
	}
	if got := read(t, s, func(tx *store.Tx) ([]models.Environment, error) { return tx.Environments(nil) }); len(got) != 0 {
		t.Errorf("got %d environments after a reset", len(got))
	}
	if err := s.Ping(ctx); err != nil {
		t.Error(err)
	}
}

func testEnvironments(t *testing.T, s *store.Store) {
	e := models.Environment{Name: "staging", DisplayName: "Stägïng 🙂", Description: "d", KMSKeyAlias: "alias/x", Color: "amber", CreatedAt: at}
	b := models.Environment{Name: "alpha"}
	write(t, s, func(tx *store.Tx) error { return tx.CreateEnvironment(&e) })
	write(t, s, func(tx *store.Tx) error { return tx.CreateEnvironment(&b) })
	get := func(id models.EnvironmentID) models.Environment {
		return read(t, s, func(tx *store.Tx) (models.Environment, error) { return tx.Environment(id) })
	}
	t.Run("OK", func(t *testing.T) {
		same(t, get(e.ID), e)
		if e.Revision != 1 || e.CreatedAt.Nanosecond()%1000 != 0 || e.CreatedAt.Location() != time.UTC {
			t.Errorf("got %+v, want revision 1 and a time in UTC microseconds", e)
		}
		same(t, read(t, s, func(tx *store.Tx) (models.Environment, error) { return tx.EnvironmentByName("staging") }), e)
		same(t, read(t, s, func(tx *store.Tx) ([]models.Environment, error) { return tx.Environments(nil) }), []models.Environment{b, e})
		some := []models.EnvironmentID{e.ID}
		same(t, read(t, s, func(tx *store.Tx) ([]models.Environment, error) { return tx.Environments(&some) }), []models.Environment{e})
		none := []models.EnvironmentID{}
		if got := read(t, s, func(tx *store.Tx) ([]models.Environment, error) { return tx.Environments(&none) }); len(got) != 0 {
			t.Errorf("got %v for no IDs", got)
		}
	})
	t.Run("Update", func(t *testing.T) {
		changed := e
		changed.DisplayName, changed.Name = "New", "never"
		write(t, s, func(tx *store.Tx) error { return tx.UpdateEnvironment(&changed, 1) })
		got := get(e.ID)
		if got.DisplayName != "New" || got.Name != "staging" || got.Revision != 2 || !got.UpdatedAt.Equal(changed.UpdatedAt) {
			t.Errorf("got %+v", got)
		}
		write(t, s, func(tx *store.Tx) error { return tx.UpdateEnvironment(&changed, 0) })
		if got := get(e.ID); got.Revision != 3 {
			t.Errorf("got revision %d, want 3", got.Revision)
		}
	})
	t.Run("Stale", func(t *testing.T) {
		failing(t, s, fault.Stale, func(tx *store.Tx) error { return tx.UpdateEnvironment(&e, 1) })
	})
	t.Run("Conflict", func(t *testing.T) {
		failing(t, s, fault.Conflict, func(tx *store.Tx) error { return tx.CreateEnvironment(&models.Environment{Name: "alpha"}) })
	})
	t.Run("NotFound", func(t *testing.T) {
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { return tx.UpdateEnvironment(&models.Environment{ID: 99}, 0) })
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { return tx.DeleteEnvironment(99) })
		_, err := tryRead(s, func(tx *store.Tx) (models.Environment, error) { return tx.EnvironmentByName("STAGING") })
		wantKind(t, err, fault.NotFound)
	})
	t.Run("Delete", func(t *testing.T) {
		h := newHouse(t, s)
		user := models.User{ID: models.NewUserID(), Username: "ada"}
		write(t, s, func(tx *store.Tx) error {
			if err := tx.CreateUser(&user); err != nil {
				return err
			}
			return tx.SetMembership(models.Membership{UserID: user.ID, EnvironmentID: h.env.ID, Role: models.RoleEditor})
		})
		secret := h.secret(t, "x")
		failing(t, s, fault.Conflict, func(tx *store.Tx) error { return tx.DeleteEnvironment(h.env.ID) })
		write(t, s, func(tx *store.Tx) error { return tx.PurgeSecret(secret.ID) })
		d := h.destination(t, "d")
		failing(t, s, fault.Conflict, func(tx *store.Tx) error { return tx.DeleteEnvironment(h.env.ID) })
		write(t, s, func(tx *store.Tx) error { return tx.DeleteDestination(d.ID) })
		write(t, s, func(tx *store.Tx) error { return tx.DeleteEnvironment(h.env.ID) })
		_, err := tryRead(s, func(tx *store.Tx) (models.Environment, error) { return tx.Environment(h.env.ID) })
		wantKind(t, err, fault.NotFound)
		if got := read(t, s, func(tx *store.Tx) ([]models.Membership, error) { return tx.Memberships(user.ID) }); len(got) != 0 {
			t.Errorf("got memberships %v", got)
		}
	})
}

// testNames holds that names compare byte for byte, and that lists sort so.
func testNames(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	for _, name := range []string{"b", "B", "a", "A", "_", "a-b", "aB", "ab"} {
		h.secret(t, name)
	}
	rows := read(t, s, func(tx *store.Tx) ([]models.Secret, error) {
		rows, _, err := tx.ListSecrets(store.SecretQuery{Environments: []models.EnvironmentID{h.env.ID}})
		return rows, err
	})
	same(t, names(rows), []string{"A", "B", "_", "a", "a-b", "aB", "ab", "b"})
	got := read(t, s, func(tx *store.Tx) (models.Secret, error) { return tx.SecretByName(h.env.ID, "aB") })
	if got.Name != "aB" {
		t.Errorf("got %q", got.Name)
	}
}

func names(secrets []models.Secret) []string {
	var all []string
	for _, s := range secrets {
		all = append(all, s.Name)
	}
	return all
}
