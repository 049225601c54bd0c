package store_test

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

func (h *house) generation(t *testing.T) int64 {
	t.Helper()
	return read(t, h.s, func(tx *store.Tx) (int64, error) {
		e, err := tx.Environment(h.env.ID)
		return e.KeyGeneration, err
	})
}

func testRecipients(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	list := func() []models.Recipient {
		return read(t, s, func(tx *store.Tx) ([]models.Recipient, error) { return tx.Recipients(h.env.ID) })
	}
	second := models.Recipient{EnvironmentID: h.env.ID, Kind: models.RecipientKMS, Key: "arn:second", Label: "Zürich", CreatedAt: at, CreatedBy: "ada"}
	// As long as those of age that stand quantum computers.
	offline := models.Recipient{EnvironmentID: h.env.ID, Kind: models.RecipientRecovery, Key: "age1pq1" + strings.Repeat("q", 1952)}
	t.Run("OK", func(t *testing.T) {
		same(t, h.generation(t), 1)
		for _, r := range []*models.Recipient{&offline, &second} {
			write(t, s, func(tx *store.Tx) error { return tx.AddRecipient(r) })
		}
		same(t, list(), []models.Recipient{second, offline})
		same(t, h.generation(t), 3)
		generation, primary, others, err := store.Keys{Store: s}.Recipients(t.Context(), h.env.ID)
		if generation != 3 || primary != "" || err != nil {
			t.Errorf("got generation %d of %q, %v", generation, primary, err)
		}
		same(t, others, list())
	})
	t.Run("Conflict", func(t *testing.T) {
		failing(t, s, fault.Conflict, func(tx *store.Tx) error { again := second; return tx.AddRecipient(&again) })
		same(t, h.generation(t), 3)
	})
	t.Run("Remove", func(t *testing.T) {
		write(t, s, func(tx *store.Tx) error { return tx.RemoveRecipient(h.env.ID, second.Kind, second.Key) })
		same(t, list(), []models.Recipient{offline})
		same(t, h.generation(t), 4)
	})
	t.Run("NotFound", func(t *testing.T) {
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { return tx.RemoveRecipient(h.env.ID, second.Kind, second.Key) })
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { return tx.AddRecipient(&models.Recipient{EnvironmentID: 99, Key: "x"}) })
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { return tx.BumpKeyGeneration(99) })
		same(t, h.generation(t), 4)
	})
	t.Run("WrappingKey", func(t *testing.T) {
		e := read(t, s, func(tx *store.Tx) (models.Environment, error) { return tx.Environment(h.env.ID) })
		e.DisplayName, e.KeyGeneration = "Other", 77
		write(t, s, func(tx *store.Tx) error { return tx.UpdateEnvironment(&e, 0) })
		same(t, h.generation(t), 4)
		e.KMSKeyAlias = "alias/new"
		write(t, s, func(tx *store.Tx) error { return tx.UpdateEnvironment(&e, 0) })
		same(t, h.generation(t), 5)
		same(t, e.KeyGeneration, 5)
	})
	t.Run("Stale", func(t *testing.T) {
		key := models.DataKey{ID: models.NewDataKeyID(), EnvironmentID: h.env.ID, Purpose: models.PurposeSeal, MaxUses: 1, RetireAt: at}
		wrapped := []models.WrappedKey{{RecipientKind: models.RecipientRecovery, RecipientID: offline.Key, Blob: []byte{1}}}
		keys := store.Keys{Store: s}
		wantKind(t, keys.AddDataKey(t.Context(), key, wrapped, 4), fault.Stale)
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { _, _, err := tx.DataKey(key.ID); return err })
		if err := keys.AddDataKey(t.Context(), key, wrapped, 5); err != nil {
			t.Error(err)
		}
	})
}

// testKeyGenerationWaits holds that another wrapping key is not named while a data key is
// being added for the one of before.
func testKeyGenerationWaits(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	for name, bump := range map[string]func(*store.Tx) error{
		"UpdateEnvironment": func(tx *store.Tx) error { e := h.env; e.KMSKeyAlias = "alias/new"; return tx.UpdateEnvironment(&e, 0) },
		"AddRecipient": func(tx *store.Tx) error {
			return tx.AddRecipient(&models.Recipient{EnvironmentID: h.env.ID, Kind: models.RecipientKMS, Key: "arn:x"})
		},
		"RemoveRecipient": func(tx *store.Tx) error { return tx.RemoveRecipient(h.env.ID, models.RecipientKMS, "arn:x") },
	} {
		if name == "RemoveRecipient" {
			write(t, s, func(tx *store.Tx) error {
				return tx.AddRecipient(&models.Recipient{EnvironmentID: h.env.ID, Kind: models.RecipientKMS, Key: "arn:x"})
			})
		}
		t.Run(name, func(t *testing.T) { held(t, s, h.generation(t), h.env.ID, bump) })
		_ = s.Write(context.Background(), func(tx *store.Tx) error { return tx.RemoveRecipient(h.env.ID, models.RecipientKMS, "arn:x") })
	}
}

func held(t *testing.T, s *store.Store, generation int64, env models.EnvironmentID, bump func(*store.Tx) error) {
	t.Helper()
	holding, release := make(chan struct{}), make(chan struct{})
	var added atomic.Bool
	var wait sync.WaitGroup
	wait.Go(func() {
		err := s.Write(context.Background(), func(tx *store.Tx) error {
			if err := tx.HoldKeyGeneration(env, generation); err != nil {
				return err
			}
			close(holding)
			<-release
			added.Store(true)
			return nil
		})
		if err != nil {
			t.Errorf("holding: %v", err)
		}
	})
	<-holding
	wait.Go(func() {
		if err := s.Write(context.Background(), bump); err != nil {
			t.Errorf("bumping: %v", err)
		}
		if !added.Load() {
			t.Error("a new generation began while a data key was being added for the one before")
		}
	})
	time.Sleep(100 * time.Millisecond) // in which a bump that does not wait is done
	close(release)
	wait.Wait()
}

// testKeyGenerationRace makes data keys while the wrapping key changes again and again, and
// holds that nothing comes to stand under a key any more that was seen to be empty.
func testKeyGenerationRace(t *testing.T, s *store.Store) {
	const makers, rounds, each = 6, 8, 20
	h, ctx := newHouse(t, s), t.Context()
	e := read(t, s, func(tx *store.Tx) (models.Environment, error) { return tx.Environment(h.env.ID) })
	e.KMSKeyAlias = "key-0"
	write(t, s, func(tx *store.Tx) error { return tx.UpdateEnvironment(&e, 0) })
	wishes := make(chan struct{}, each)
	var refused atomic.Int64
	var wait sync.WaitGroup
	for range makers {
		wait.Go(func() {
			for range wishes {
				err := makeDataKey(ctx, s, h.env.ID)
				for ; fault.Is(err, fault.Stale); err = makeDataKey(ctx, s, h.env.ID) {
					refused.Add(1)
				}
				if err != nil {
					t.Errorf("adding a data key: %v", err)
				}
			}
		})
	}
	for n := 1; n <= rounds; n++ {
		for range each {
			wishes <- struct{}{}
		}
		e.KMSKeyAlias = "key-" + strconv.Itoa(n)
		write(t, s, func(tx *store.Tx) error { return tx.UpdateEnvironment(&e, 0) })
		rewrap(t, s, h.env.ID, "key-"+strconv.Itoa(n-1), e.KMSKeyAlias)
	}
	close(wishes)
	wait.Wait()
	for n := range rounds {
		if left := under(t, s, h.env.ID, "key-"+strconv.Itoa(n)); left != 0 {
			t.Errorf("%d data keys stand under key-%d, which was empty", left, n)
		}
	}
	t.Logf("%d data keys were refused at first", refused.Load())
	same(t, under(t, s, h.env.ID, e.KMSKeyAlias), rounds*each)
}

func makeDataKey(ctx context.Context, s *store.Store, env models.EnvironmentID) error {
	keys := store.Keys{Store: s}
	generation, primary, _, err := keys.Recipients(ctx, env)
	if err != nil {
		return err
	}
	key := models.DataKey{ID: models.NewDataKeyID(), EnvironmentID: env, Purpose: models.PurposeSeal, MaxUses: 1, RetireAt: at}
	wrapped := []models.WrappedKey{{RecipientKind: models.RecipientKMS, RecipientID: primary, Blob: []byte(key.ID)}}
	return keys.AddDataKey(ctx, key, wrapped, generation)
}

// rewrap moves what stands under one key to another, until nothing does.
func rewrap(t *testing.T, s *store.Store, env models.EnvironmentID, from, to string) {
	t.Helper()
	for under(t, s, env, from) > 0 {
		rows := read(t, s, func(tx *store.Tx) ([]store.DataKeyRow, error) {
			return tx.DataKeysPage(store.DataKeyQuery{Environment: env, Under: from}, "", 10)
		})
		for _, row := range rows {
			add := slices.Clone(row.Wrapped)
			add[0].RecipientID = to
			write(t, s, func(tx *store.Tx) error { return tx.ReplaceWrapped(row.Key.ID, add, row.Wrapped, nil) })
		}
	}
}

func under(t *testing.T, s *store.Store, env models.EnvironmentID, recipient string) int64 {
	t.Helper()
	return read(t, s, func(tx *store.Tx) (int64, error) { return tx.CountDataKeysUnder(env, recipient) })
}
