package local_test

import (
	"path/filepath"
	"testing"

	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/kms/drivertest"
	"github.com/your-org/keeper/kms/local"
)

func TestConformance(t *testing.T) {
	drivertest.Run(t, func(t *testing.T) drivertest.Harness {
		path := filepath.Join(t.TempDir(), "keeper.key")
		first := describe(t, open(t, path, true), "")
		second := addVersion(t, open(t, path, false))
		return drivertest.Harness{
			Wrapper: open(t, path, false), Foreign: open(t, filepath.Join(t.TempDir(), "foreign.key"), true),
			DefaultKey: second, OtherKey: first.ID, OtherKeyID: first.ID, UnknownKey: "local:00112233445566ff:1",
		}
	})
}

func open(t *testing.T, path string, create bool) *local.Wrapper {
	t.Helper()
	w, err := local.Open(path, create)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func describe(t *testing.T, w *local.Wrapper, key string) kms.KeyInfo {
	t.Helper()
	info, err := w.Describe(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return info
}
