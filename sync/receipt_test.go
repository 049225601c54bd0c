package sync_test

import (
	"crypto/ed25519"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
)

const keyName = "keeper_test/production"

func signingKey(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune(seed)), ed25519.SeedSize)))
}

// receipt is one of a run in which something of each kind was found.
func receipt(t *testing.T) (r keepersync.Receipt, text, public string) {
	t.Helper()
	w := busy(t)
	proven, ok, err := w.proven(t, w.options(true))
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	r = keepersync.Receipt{
		Engine: "1.2.3", Installation: "keeper_test", Environment: "production",
		Destination: keepersync.ReceiptDestination{ID: "dst_1", Name: "aws", Kind: models.DestinationAWS},
		Run:         "run_1", Plan: "pln_1", Started: noon, Ended: noon.Add(time.Second), ListingAge: 300, Proven: proven,
	}
	if text, err = r.Sign(keyName, signingKey('k')); err != nil {
		t.Fatal(err)
	}
	if public, err = keepersync.PublicKey(keyName, signingKey('k')); err != nil {
		t.Fatal(err)
	}
	return r, text, public
}

func TestReceipt(t *testing.T) {
	r, text, public := receipt(t)
	t.Run("OK", func(t *testing.T) {
		got, err := keepersync.OpenReceipt(text, public)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, got); diff != "" {
			t.Error(diff)
		}
		if got, err = keepersync.ReadReceipt(text); err != nil || got.Run != "run_1" {
			t.Error(got, err)
		}
	})
	t.Run("OneTextPerReceipt", func(t *testing.T) {
		again, err := r.Sign(keyName, signingKey('k'))
		if err != nil || again != text {
			t.Errorf("got %q, %v", again, err)
		}
		if !strings.HasPrefix(text, "keeper sync receipt v1\n{\n  \"engine\": \"1.2.3\",\n") {
			t.Errorf("got %q", text)
		}
	})
	t.Run("EveryByteCounts", func(t *testing.T) {
		body := strings.LastIndex(text, "\n\n— ") + 1 // behind it, base64 has a few bits to spare
		for i := range len(text) {
			for _, changed := range []string{text[:i] + text[i+1:], text[:i] + string([]byte{text[i] ^ 1}) + text[i+1:]} {
				got, err := keepersync.OpenReceipt(changed, public)
				switch {
				case err != nil && !fault.Is(err, fault.Invalid):
					t.Fatalf("byte %d: %v, want Invalid", i, err)
				case err == nil && (i < body || !cmp.Equal(got, r)):
					t.Fatalf("changed at byte %d, and it is believed", i)
				}
			}
		}
	})
	for name, key := range map[string]func() (string, error){
		"AnotherKey":  func() (string, error) { return keepersync.PublicKey(keyName, signingKey('x')) },
		"AnotherName": func() (string, error) { return keepersync.PublicKey("keeper_test/staging", signingKey('k')) },
		"NoKey":       func() (string, error) { return "", nil },
	} {
		t.Run(name, func(t *testing.T) {
			public, err := key()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := keepersync.OpenReceipt(text, public); !fault.Is(err, fault.Invalid) {
				t.Errorf("got %v, want Invalid", err)
			}
		})
	}
	// The owner of the key signs these; they are refused all the same.
	for name, change := range map[string]func(*keepersync.Receipt){
		"MoreEqualThanThere":    func(r *keepersync.Receipt) { r.Equal = 6 },
		"EvidenceForNothing":    func(r *keepersync.Receipt) { r.Evidence.Value++ },
		"ExceptionsLeftOut":     func(r *keepersync.Receipt) { r.Named = r.Named[:0] },
		"AboutNothing":          func(r *keepersync.Receipt) { r.Part = &keepersync.Part{First: []string{}} },
		"AboutLessThanItSays":   func(r *keepersync.Receipt) { r.Part = &keepersync.Part{Names: 1, First: []string{"a"}} },
		"AboutNamesLeftOut":     func(r *keepersync.Receipt) { r.Part = &keepersync.Part{Names: 9, First: []string{"a"}} },
		"NoExceptionsCounted":   func(r *keepersync.Receipt) { r.Exceptions, r.Named = 0, r.Named[:0] },
		"WholeWithUnequalRoots": func(r *keepersync.Receipt) { r.Exceptions, r.Named, r.Source.Names = 0, r.Named[:0], 5 },
	} {
		t.Run(name, func(t *testing.T) {
			wrong := r
			change(&wrong)
			text, err := wrong.Sign(keyName, signingKey('k'))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := keepersync.OpenReceipt(text, public); !fault.Is(err, fault.Invalid) {
				t.Errorf("got %v, want Invalid", err)
			}
		})
	}
}

func FuzzReadReceipt(f *testing.F) {
	proven, _ := new(keepersync.Proof).Proven()
	text, err := keepersync.Receipt{Run: "run_1", Started: noon, Ended: noon, Proven: proven}.Sign(keyName, signingKey('k'))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add("keeper sync receipt v1\n{}\n\n— k AAAA\n")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := keepersync.ReadReceipt(text)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Errorf("got %v, want Invalid", err)
			}
			return
		}
		again, err := r.Sign(keyName, signingKey('k'))
		if err != nil {
			t.Fatal(err)
		}
		public, _ := keepersync.PublicKey(keyName, signingKey('k'))
		if got, err := keepersync.OpenReceipt(again, public); err != nil || !cmp.Equal(got, r) {
			t.Errorf("what was read cannot be written and read again: %v", err)
		}
	})
}
