package browser

import (
	"errors"
	"os"
	"testing"
)

// For starts a Chromium that ends with the test. Where there is none the test is skipped,
// except where all tests are asked for.
func For(t testing.TB) *Browser {
	t.Helper()
	b, err := Start()
	if errors.Is(err, ErrMissing) && os.Getenv("CI") == "" && os.Getenv("KEEPER_TEST_ALL") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}
