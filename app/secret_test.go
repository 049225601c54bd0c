package app

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/your-org/keeper/config"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
)

func TestBoxSecret(t *testing.T) {
	build := func(t *testing.T) (*App, string) {
		t.Helper()
		folder := t.TempDir()
		return &App{Config: &config.Config{MasterKeyFile: filepath.Join(folder, "keeper.key")}, Log: slog.New(slog.DiscardHandler)}, filepath.Join(folder, secretFile)
	}
	t.Run("Drawn", func(t *testing.T) {
		a, path := build(t)
		if got, err := a.boxSecret(Options{}); got != nil || err != nil {
			t.Fatalf("beside the server: %d bytes, %v", len(got), err)
		}
		all := make([][]byte, 8)
		var at sync.WaitGroup
		for i := range all {
			at.Go(func() {
				var err error
				if all[i], err = a.boxSecret(Options{Server: true}); err != nil {
					t.Error(err)
				}
			})
		}
		at.Wait()
		later, err := a.boxSecret(Options{})
		if err != nil || len(later) != kms.KeySize {
			t.Fatalf("%d bytes, %v", len(later), err)
		}
		for _, one := range all {
			if !bytes.Equal(one, later) {
				t.Error("two that started at once have different ones")
			}
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
	})
	t.Run("SECRET_KEY", func(t *testing.T) {
		a, path := build(t)
		a.Config.SecretKey = config.NewSecret("0123456789abcdef0123456789abcdef")
		if got, err := a.boxSecret(Options{Server: true}); err != nil || string(got) != a.Config.SecretKey.Reveal() {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		if _, err := os.Stat(path); err == nil {
			t.Error("a file was written besides")
		}
	})
	t.Run("NowhereToKeep", func(t *testing.T) {
		a, _ := build(t)
		a.Config.MasterKeyFile = filepath.Join(t.TempDir(), "gone", "keeper.key")
		if got, err := a.boxSecret(Options{Server: true}); got != nil || err != nil {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	})
	for name, spoil := range map[string]func(path string) error{
		"Open to others": func(path string) error { return os.Chmod(path, 0o640) },
		"Cut":            func(path string) error { return os.Truncate(path, 20) },
	} {
		t.Run(name, func(t *testing.T) {
			a, path := build(t)
			if _, err := a.boxSecret(Options{Server: true}); err != nil {
				t.Fatal(err)
			}
			if err := spoil(path); err != nil {
				t.Fatal(err)
			}
			if got, err := a.boxSecret(Options{Server: true}); got != nil || !fault.Is(err, fault.Invalid) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
}
