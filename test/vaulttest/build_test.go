package vaulttest

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestIsStale(t *testing.T) {
	begin := time.Now().Add(-time.Hour)
	newTree := func(t *testing.T) (binary, source string) {
		dir := t.TempDir()
		binary, source = filepath.Join(dir, "binary"), filepath.Join(dir, "source")
		for _, path := range []string{"go.mod", "main.go", "main_test.go", "README.md", "sub/part.go"} {
			write(t, filepath.Join(source, path), begin)
		}
		for _, path := range []string{"sub", "."} {
			setTime(t, filepath.Join(source, path), begin)
		}
		write(t, binary, begin.Add(time.Minute))
		return binary, source
	}
	check := func(t *testing.T, binary, source string, want bool) {
		t.Helper()
		if got, err := isStale(binary, source); err != nil || got != want {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
	}
	t.Run("Fresh", func(t *testing.T) {
		binary, source := newTree(t)
		check(t, binary, source, false)
	})
	t.Run("Missing", func(t *testing.T) {
		_, source := newTree(t)
		check(t, filepath.Join(source, "nothing"), source, true)
	})
	for path, want := range map[string]bool{
		"go.mod": true, "main.go": true, "sub/part.go": true, "sub": true, "main_test.go": false, "README.md": false,
	} {
		t.Run(path, func(t *testing.T) {
			binary, source := newTree(t)
			setTime(t, filepath.Join(source, path), begin.Add(2*time.Minute))
			check(t, binary, source, want)
		})
	}
	t.Run("NoSource", func(t *testing.T) {
		binary, source := newTree(t)
		if _, err := isStale(binary, source+"x"); err == nil {
			t.Error("no error")
		}
	})
}

func write(t *testing.T, path string, when time.Time) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	setTime(t, path, when)
}

func setTime(t *testing.T, path string, when time.Time) {
	t.Helper()
	if err := os.Chtimes(path, when, when); err != nil {
		t.Fatal(err)
	}
}

func TestLockWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lock(path)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan error, 1)
	go func() {
		second, err := lock(path)
		if err == nil {
			second()
		}
		got <- err
	}()
	select {
	case <-got:
		t.Fatal("two hold the lock")
	case <-time.After(50 * time.Millisecond):
	}
	unlock()
	if err := <-got; err != nil {
		t.Error(err)
	}
}

func TestRepositoryRoot(t *testing.T) {
	root, err := repositoryRoot()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "test", "vaulttest", "build.go")); err != nil {
		t.Error(err)
	}
	// From inside a nested module it is still Keeper's own.
	t.Chdir(filepath.Join(root, "test", "vaultengine"))
	if got, err := repositoryRoot(); err != nil || got != root {
		t.Errorf("got %s, %v, want %s", got, err, root)
	}
	t.Chdir(t.TempDir())
	if got, err := repositoryRoot(); err == nil {
		t.Errorf("got %s outside the repository", got)
	}
}
