package local_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/kms/local"
)

func addVersion(t *testing.T, w *local.Wrapper) string {
	t.Helper()
	id, err := w.AddVersion(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func generate(t *testing.T, w *local.Wrapper) ([]byte, kms.Wrapped) {
	t.Helper()
	plain, wrapped, err := w.GenerateDataKey(t.Context(), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	return plain, wrapped
}

func opens(t *testing.T, w *local.Wrapper, wrapped kms.Wrapped, want []byte) {
	t.Helper()
	if got, err := w.Unwrap(t.Context(), wrapped, nil); err != nil || !bytes.Equal(got, want) {
		t.Errorf("what stands under %s does not open: %v", wrapped.RecipientID, err)
	}
}

func TestAddVersion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keeper.key")
	w := open(t, path, true)
	plain, wrapped := generate(t, w)
	second, third := addVersion(t, w), addVersion(t, w)
	if got := describe(t, w, "").ID; got != third || !strings.HasSuffix(third, ":3") {
		t.Errorf("got the newest %s, want %s, version 3", got, third)
	}
	if _, under := generate(t, w); under.RecipientID != third {
		t.Errorf("a new data key stands under %s, want %s", under.RecipientID, third)
	}
	for _, again := range []*local.Wrapper{w, open(t, path, false)} {
		if got := describe(t, again, second).ID; got != second {
			t.Errorf("got %s, want %s", got, second)
		}
		opens(t, again, wrapped, plain)
	}
}

// TestAddVersionKeepsTheFile: text, mode and link stay as they were.
func TestAddVersionKeepsTheFile(t *testing.T) {
	t.Run("TextWithoutLastNewline", func(t *testing.T) {
		text := "# kept in the safe\r\n" + keyA
		path := write(t, text, 0o600)
		addVersion(t, open(t, path, false))
		if got := read(t, path); !strings.HasPrefix(got, text+"\n# keeper master key local:") {
			t.Error("the file does not begin with what it held")
		}
	})
	t.Run("Mode", func(t *testing.T) {
		path := write(t, keyA, 0o400)
		addVersion(t, open(t, path, false))
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o400 {
			t.Errorf("got mode %v, %v, want 0400", info.Mode(), err)
		}
	})
	t.Run("Owner", func(t *testing.T) {
		if os.Geteuid() != 0 {
			t.Log("only root can give files away; that the owner stays is tried where tests run as root")
			return
		}
		path := write(t, keyA, 0o600)
		if err := os.Chown(path, 12345, 23456); err != nil {
			t.Fatal(err)
		}
		addVersion(t, open(t, path, false))
		for _, name := range []string{path, path + ".lock"} {
			info, err := os.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			if owner, ok := info.Sys().(*syscall.Stat_t); !ok || owner.Uid != 12345 || owner.Gid != 23456 {
				t.Errorf("%s: got owner %+v, want 12345:23456", name, owner)
			}
		}
	})
	t.Run("Link", func(t *testing.T) {
		path, link := write(t, keyA, 0o600), filepath.Join(t.TempDir(), "link.key")
		if err := os.Symlink(path, link); err != nil {
			t.Fatal(err)
		}
		addVersion(t, open(t, link, false))
		if info, err := os.Lstat(link); err != nil || info.Mode().Type() != fs.ModeSymlink {
			t.Errorf("got %v, %v, want a link still", info.Mode(), err)
		}
		if !strings.Contains(read(t, path), ":2\n") {
			t.Error("the file behind the link has no version 2")
		}
	})
}

func TestAddVersionRefused(t *testing.T) {
	refused := func(t *testing.T, w *local.Wrapper, kind fault.Kind, parts ...string) {
		t.Helper()
		_, err := w.AddVersion(t.Context())
		if !fault.Is(err, kind) {
			t.Fatalf("got %v, want %v", err, kind)
		}
		for _, part := range parts {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("got %q, want it to say %q", err, part)
			}
		}
	}
	t.Run("Setting", func(t *testing.T) {
		w, err := local.Parse(keyA)
		if err != nil {
			t.Fatal(err)
		}
		refused(t, w, fault.Conflict, "KEEPER_MASTER_KEY", "restart")
	})
	t.Run("Gone", func(t *testing.T) {
		path := write(t, keyA, 0o600)
		w := open(t, path, false)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		refused(t, w, fault.Invalid, path)
	})
	t.Run("LostVersion", func(t *testing.T) {
		path := write(t, keyA, 0o600)
		w := open(t, path, false)
		lost := addVersion(t, w)
		plain, wrapped := generate(t, w)
		if err := os.WriteFile(path, []byte(keyA), 0o600); err != nil {
			t.Fatal(err)
		}
		refused(t, w, fault.Unavailable, lost, "back")
		if got := read(t, path); got != keyA {
			t.Error("the file was changed")
		}
		opens(t, w, wrapped, plain) // this process still has it
	})
	t.Run("LastVersion", func(t *testing.T) {
		w, err := local.Parse(keyA)
		if err != nil {
			t.Fatal(err)
		}
		last := strings.TrimSuffix(describe(t, w, "").ID, ":1") + ":4294967295"
		refused(t, open(t, write(t, "# keeper master key "+last+"\n"+keyA, 0o600), false), fault.Conflict, "last version")
	})
	t.Run("Full", func(t *testing.T) {
		text := keyA + "\n#" + strings.Repeat("x", 1<<20-len(keyA)-10)
		path := write(t, text, 0o600)
		refused(t, open(t, path, false), fault.Invalid, "larger")
		if read(t, path) != text {
			t.Error("the file was changed")
		}
	})
	t.Run("HeldLock", func(t *testing.T) {
		path := write(t, keyA, 0o600)
		w := open(t, path, false)
		lock, err := os.Create(path + ".lock")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = lock.Close() }()
		if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		defer cancel()
		if _, err := w.AddVersion(ctx); !fault.Is(err, fault.Unavailable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want Unavailable around the deadline", err)
		}
	})
}

// TestTooLargeFile: a part of a file could miss versions.
func TestTooLargeFile(t *testing.T) {
	fails(t, write(t, keyA+"\n#"+strings.Repeat("x", 1<<20), 0o600), "larger")
}

// TestAddVersionAtOnce: wrappers that share nothing but the file lose none of the versions.
func TestAddVersionAtOnce(t *testing.T) {
	const n = 12
	path := filepath.Join(t.TempDir(), "keeper.key")
	open(t, path, true)
	ids := make([]string, n)
	var wait sync.WaitGroup
	for i := range n {
		w := open(t, path, false)
		wait.Go(func() {
			id, err := w.AddVersion(t.Context())
			if err != nil {
				t.Error(err)
			}
			ids[i] = id
		})
	}
	wait.Wait()
	holdsAll(t, path, ids)
}

// TestAddVersionByProcesses is the same with processes of their own.
func TestAddVersionByProcesses(t *testing.T) {
	const n = 6
	path := filepath.Join(t.TempDir(), "keeper.key")
	open(t, path, true)
	ids := make([]string, n)
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() {
			command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHelperAddsVersion$")
			command.Env = append(os.Environ(), helperFile+"="+path)
			out, err := command.Output()
			if err != nil {
				t.Error(err)
			}
			ids[i], _, _ = strings.Cut(string(out), "\n")
		})
	}
	wait.Wait()
	holdsAll(t, path, ids)
}

const helperFile = "KEEPER_TEST_KEY_FILE"

// TestHelperAddsVersion is what TestAddVersionByProcesses runs in processes of their own.
func TestHelperAddsVersion(t *testing.T) {
	if path := os.Getenv(helperFile); path != "" {
		_, _ = os.Stdout.WriteString(addVersion(t, open(t, path, false)) + "\n")
	}
}

func holdsAll(t *testing.T, path string, ids []string) {
	t.Helper()
	w := open(t, path, false)
	slices.Sort(ids)
	if different := slices.Compact(slices.Clone(ids)); len(different) != len(ids) {
		t.Fatalf("got %d different versions, want %d", len(different), len(ids))
	}
	for _, id := range ids {
		if got := describe(t, w, id).ID; got != id {
			t.Errorf("got %q, want %q", got, id)
		}
	}
}

// TestOtherProcess: what another process added is used without a restart.
func TestOtherProcess(t *testing.T) {
	t.Run("OpensAtOnce", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "keeper.key")
		here, there := open(t, path, true), open(t, path, true)
		added := addVersion(t, there)
		plain, wrapped := generate(t, there)
		opens(t, here, wrapped, plain)
		if got := describe(t, here, added).ID; got != added {
			t.Errorf("got %s, want %s", got, added)
		}
	})
	t.Run("WrapsWithinASecond", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "keeper.key")
		here, there := open(t, path, true), open(t, path, true)
		synctest.Test(t, func(t *testing.T) {
			first := describe(t, here, "").ID // has looked just now
			added := addVersion(t, there)
			if _, under := generate(t, here); under.RecipientID != first {
				t.Errorf("got %s, want %s: the file was looked at again within a second", under.RecipientID, first)
			}
			time.Sleep(time.Second)
			if _, under := generate(t, here); under.RecipientID != added {
				t.Errorf("got %s, want %s", under.RecipientID, added)
			}
		})
	})
	t.Run("FileAway", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "keeper.key")
		w := open(t, path, true)
		if err := os.Rename(path, path+".away"); err != nil {
			t.Fatal(err)
		}
		plain, wrapped := generate(t, w)
		opens(t, w, wrapped, plain)
		_, err := w.Unwrap(t.Context(), kms.Wrapped{RecipientID: "local:00112233445566ff:1"}, nil)
		if !fault.Is(err, fault.Unavailable) || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("got %v, want Unavailable because of the absent file", err)
		}
	})
}

func TestTry(t *testing.T) {
	w := open(t, filepath.Join(t.TempDir(), "keeper.key"), true)
	var names []string
	for _, tried := range w.Try(t.Context(), "", kms.Context{"a": "b"}) {
		names = append(names, tried.Permission)
		if !tried.OK || tried.Err != nil {
			t.Errorf("%s: got %v", tried.Permission, tried.Err)
		}
	}
	if !slices.Equal(names, []string{"seal", "open"}) {
		t.Errorf("got %q", names)
	}
	if tried := w.Try(t.Context(), "local:00112233445566ff:1", nil); len(tried) != 1 || tried[0].OK || !fault.Is(tried[0].Err, fault.Unavailable) {
		t.Errorf("unknown key: got %+v", tried)
	}
}

func TestWrapLength(t *testing.T) {
	w := open(t, filepath.Join(t.TempDir(), "keeper.key"), true)
	for _, n := range []int{0, 31, 33} {
		if _, err := w.Wrap(t.Context(), "", make([]byte, n), nil); !fault.Is(err, fault.Internal) {
			t.Errorf("%d bytes: got %v, want Internal", n, err)
		}
	}
}
