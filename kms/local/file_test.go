package local_test

import (
	"encoding/base64"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms/local"
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, text string, mode fs.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keeper.key")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // past the umask
		t.Fatal(err)
	}
	return path
}

// fails asserts that the file is refused with a message that says the parts.
func fails(t *testing.T, path string, parts ...string) {
	t.Helper()
	_, err := local.Open(path, true)
	if !fault.Is(err, fault.Invalid) {
		t.Fatalf("got %v, want Invalid", err)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("got %q, want it to say %q", err, part)
		}
	}
}

func TestOpen(t *testing.T) {
	t.Run("Creates", func(t *testing.T) {
		folder := t.TempDir()
		path := filepath.Join(folder, "keeper.key")
		first := describe(t, open(t, path, true), "")
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("got mode %v, %v, want 0600", info.Mode(), err)
		}
		if again := describe(t, open(t, path, true), ""); again.ID != first.ID {
			t.Error("a second start made another key")
		}
		if left, _ := os.ReadDir(folder); len(left) != 1 {
			t.Errorf("got %d files left behind, want the key alone", len(left))
		}
		if !strings.HasPrefix(read(t, path), "# keeper master key "+first.ID+"\n") {
			t.Error("the header does not name the key")
		}
	})
	t.Run("AbsentAndNotToBeMade", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "keeper.key")
		_, err := local.Open(path, false)
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), path) {
			t.Errorf("got %v, want Invalid that names the file", err)
		}
		if _, err := os.Stat(path); err == nil {
			t.Error("the file was made")
		}
	})
	t.Run("NoFolder", func(t *testing.T) {
		fails(t, filepath.Join(t.TempDir(), "none", "keeper.key"), "folder")
	})
	t.Run("Folder", func(t *testing.T) {
		fails(t, t.TempDir(), "not a regular file")
	})
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o620, 0o644, 0o666} {
		t.Run("Mode"+mode.String(), func(t *testing.T) {
			fails(t, write(t, keyA, mode), "chmod 600")
		})
	}
	for _, mode := range []fs.FileMode{0o400, 0o600} {
		t.Run("Mode"+mode.String(), func(t *testing.T) {
			open(t, write(t, keyA, mode), false)
		})
	}
}

// TestOpenAtOnce: of many first starts one makes the key, and all have it.
func TestOpenAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keeper.key")
	ids := make([]string, 16)
	var wait sync.WaitGroup
	for i := range ids {
		wait.Go(func() {
			w, err := local.Open(path, true)
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = describe(t, w, "").ID
		})
	}
	wait.Wait()
	for _, id := range ids {
		if id != ids[0] || id == "" {
			t.Fatalf("got the keys %q, want one", ids)
		}
	}
}

const (
	keyA = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	keyB = "ICECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
)

func TestParse(t *testing.T) {
	a, err := local.Parse(keyA)
	if err != nil {
		t.Fatal(err)
	}
	id := describe(t, a, "").ID
	fingerprint := strings.TrimSuffix(strings.TrimPrefix(id, "local:"), ":1")
	b, err := local.Parse(keyB)
	if err != nil {
		t.Fatal(err)
	}
	other := strings.TrimSuffix(describe(t, b, "").ID, ":1")

	t.Run("OK", func(t *testing.T) {
		for name, test := range map[string]struct{ text, newest string }{
			"bare":         {keyA, id},
			"white space":  {"\n  " + keyA + " \r\n\n", id},
			"comment":      {"# kept in the safe\n" + keyA, id},
			"header":       {"# keeper master key local:" + fingerprint + ":7\n" + keyA, "local:" + fingerprint + ":7"},
			"two versions": {"# keeper master key " + other + ":10\n" + keyB + "\n# keeper master key local:" + fingerprint + ":9\n" + keyA, other + ":10"},
		} {
			w, err := local.Parse(test.text)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if got := describe(t, w, "").ID; got != test.newest {
				t.Errorf("%s: got newest %s, want %s", name, got, test.newest)
			}
		}
	})
	for name, text := range map[string]string{
		"Empty": "", "OnlyComment": "# nothing\n",
		"NotBase64":       strings.Replace(keyA, "A", "!", 1),
		"Hex":             strings.Repeat("ab", 32),
		"Short":           base64.StdEncoding.EncodeToString(make([]byte, 31)),
		"Long":            base64.StdEncoding.EncodeToString(make([]byte, 33)),
		"TrailingBits":    strings.Replace(keyA, "Hh8=", "Hh9=", 1),
		"WrongHeader":     "# keeper master key " + other + ":1\n" + keyA,
		"BadHeader":       "# keeper master key local:1\n" + keyA,
		"VersionZero":     "# keeper master key local:" + fingerprint + ":0\n" + keyA,
		"VersionPadded":   "# keeper master key local:" + fingerprint + ":01\n" + keyA,
		"VersionTooLarge": "# keeper master key local:" + fingerprint + ":4294967296\n" + keyA,
		"TwoHeaders":      "# keeper master key " + id + "\n# keeper master key " + id + "\n" + keyA,
		"CutOff":          keyA + "\n# keeper master key " + other + ":2\n",
		"SameVersion":     keyA + "\n" + keyB,
		"SameKey":         keyA + "\n# keeper master key local:" + fingerprint + ":2\n" + keyA,
	} {
		t.Run(name, func(t *testing.T) {
			w, err := local.Parse(text)
			if !fault.Is(err, fault.Invalid) || w != nil {
				t.Fatalf("got %v, want Invalid", err)
			}
			for line := range strings.SplitSeq(text, "\n") {
				if len(line) > 20 && !strings.HasPrefix(line, "#") && strings.Contains(err.Error(), line[:12]) {
					t.Error("the error quotes a key")
				}
			}
		})
	}
}

// TestBareKey: a key that a file called version 2 opens the same when it is given alone.
func TestBareKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keeper.key")
	addVersion(t, open(t, path, true))
	plain, wrapped, err := open(t, path, false).GenerateDataKey(t.Context(), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(read(t, path)), "\n")
	bare, err := local.Parse(lines[len(lines)-1])
	if err != nil {
		t.Fatal(err)
	}
	opened, err := bare.Unwrap(t.Context(), wrapped, nil)
	if err != nil || string(opened) != string(plain) {
		t.Errorf("got %v, want the data key", err)
	}
}
