package store_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

func settings(t *testing.T, s *store.Store, keys ...string) (stand []string) {
	t.Helper()
	for _, key := range keys {
		_, err := tryRead(s, func(tx *store.Tx) (string, error) { return tx.Setting(key) })
		if err == nil {
			stand = append(stand, key)
		} else {
			wantKind(t, err, fault.NotFound)
		}
	}
	return stand
}

func testWrite(t *testing.T, s *store.Store) {
	ctx := context.Background()
	t.Run("Error", func(t *testing.T) {
		mine := errors.New("mine")
		err := s.Write(ctx, func(tx *store.Tx) error {
			if err := tx.PutSetting("error", "1"); err != nil {
				return err
			}
			return mine
		})
		if !errors.Is(err, mine) {
			t.Errorf("got %v, want the closure's own error", err)
		}
	})
	t.Run("Panic", func(t *testing.T) {
		func() {
			defer func() {
				if got := recover(); got == nil || !strings.Contains(panicText(got), "boom") {
					t.Errorf("got panic %v, want the closure's", got)
				}
			}()
			_ = s.Write(ctx, func(tx *store.Tx) error {
				if err := tx.PutSetting("panic", "1"); err != nil {
					return err
				}
				panic("boom")
			})
			t.Error("Write returned")
		}()
	})
	t.Run("Fault", func(t *testing.T) {
		failing(t, s, fault.Conflict, func(tx *store.Tx) error {
			if err := tx.PutSetting("fault", "1"); err != nil {
				return err
			}
			e := models.Environment{Name: "twice"}
			if err := tx.CreateEnvironment(&e); err != nil {
				return err
			}
			e.ID = 0
			return tx.CreateEnvironment(&e)
		})
	})
	t.Run("ContextEnded", func(t *testing.T) {
		ended, cancel := context.WithCancel(ctx)
		cancel()
		err := s.Write(ended, func(tx *store.Tx) error { return tx.PutSetting("ended", "1") })
		wantKind(t, err, fault.Unavailable)
	})
	t.Run("OK", func(t *testing.T) {
		write(t, s, func(tx *store.Tx) error { return tx.PutSetting("ok", "1") })
	})
	same(t, settings(t, s, "error", "panic", "fault", "ended", "ok"), []string{"ok"})
}

func panicText(value any) string {
	if err, ok := value.(error); ok {
		return err.Error()
	}
	text, _ := value.(string)
	return text
}

// testWriteRace has many writers at once, a third of which fail in one way or another, and
// holds that exactly the others' changes stand.
func testWriteRace(t *testing.T, s *store.Store) {
	const writers = 60
	ctx := context.Background()
	mine := errors.New("mine")
	var wait sync.WaitGroup
	for i := range writers {
		wait.Go(func() {
			defer func() {
				if recover() != nil && i%6 != 1 {
					t.Errorf("writer %d panicked", i)
				}
			}()
			err := s.Write(ctx, func(tx *store.Tx) error {
				e := models.Environment{Name: "e" + strconv.Itoa(i)}
				if err := tx.CreateEnvironment(&e); err != nil {
					return err
				}
				switch i % 6 {
				case 0:
					return mine
				case 1:
					panic(i)
				case 2:
					return tx.CreateEnvironment(&models.Environment{Name: e.Name}) // taken
				}
				return nil
			})
			if (err == nil) != (i%6 > 2) {
				t.Errorf("writer %d: got %v", i, err)
			}
		})
	}
	wait.Wait()
	got := read(t, s, func(tx *store.Tx) ([]models.Environment, error) { return tx.Environments(nil) })
	same(t, len(got), writers/2)
	for _, e := range got {
		if n, _ := strconv.Atoi(e.Name[1:]); n%6 < 3 {
			t.Errorf("%s stands, whose writer failed", e.Name)
		}
	}
}
