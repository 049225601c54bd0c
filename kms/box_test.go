package kms_test

import (
	"bytes"
	"testing"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
)

func TestBox(t *testing.T) {
	box := kms.NewBox([]byte("an installation's secret of some length"))
	plain := []byte("a second factor's secret")
	sealed, err := box.Seal("totp", "usr_1", plain)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("OK", func(t *testing.T) {
		got, err := box.Open("totp", "usr_1", sealed)
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("got %q, %v", got, err)
		}
		if again, _ := box.Seal("totp", "usr_1", plain); bytes.Equal(again, sealed) || len(again) != len(plain)+kms.SealOverhead {
			t.Error("two sealings are equal, or of another length than promised")
		}
	})
	t.Run("NoSecret", func(t *testing.T) {
		if got, err := kms.NewBox(nil).Seal("totp", "usr_1", plain); got != nil || !fault.Is(err, fault.Unavailable) {
			t.Errorf("sealed %d bytes, %v", len(got), err)
		}
	})
	for name, open := range map[string]func() ([]byte, error){
		"OtherPurpose": func() ([]byte, error) { return box.Open("saml", "usr_1", sealed) },
		"OtherID":      func() ([]byte, error) { return box.Open("totp", "usr_2", sealed) },
		"Shifted":      func() ([]byte, error) { return box.Open("totpusr_", "1", sealed) },
		"OtherSecret":  func() ([]byte, error) { return kms.NewBox([]byte("another")).Open("totp", "usr_1", sealed) },
		"NoSecret":     func() ([]byte, error) { return kms.NewBox(nil).Open("totp", "usr_1", sealed) },
		"Cut":          func() ([]byte, error) { return box.Open("totp", "usr_1", sealed[:len(sealed)-1]) },
		"Empty":        func() ([]byte, error) { return box.Open("totp", "usr_1", nil) },
		"Flipped": func() ([]byte, error) {
			bad := bytes.Clone(sealed)
			bad[len(bad)/2] ^= 1
			return box.Open("totp", "usr_1", bad)
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := open(); err == nil {
				t.Errorf("opened as %q", got)
			}
		})
	}
}

func TestBoxDigest(t *testing.T) {
	digest := func(box *kms.Box, purpose string, parts ...string) string {
		t.Helper()
		var list [][]byte
		for _, part := range parts {
			list = append(list, []byte(part))
		}
		sum, err := box.Digest(purpose, list...)
		if err != nil || len(sum) != 32 {
			t.Fatalf("got %d bytes, %v", len(sum), err)
		}
		return string(sum)
	}
	box := kms.NewBox([]byte("an installation's secret of some length"))
	one := digest(box, "request", "POST", "/a")
	if again := digest(box, "request", "POST", "/a"); again != one {
		t.Error("the same parts have two digests")
	}
	for name, other := range map[string]string{
		"OtherPart":    digest(box, "request", "POST", "/b"),
		"Shifted":      digest(box, "request", "POST/", "a"),
		"OnePart":      digest(box, "request", "POST/a"),
		"OnePartMore":  digest(box, "request", "POST", "/a", ""),
		"OtherPurpose": digest(box, "key", "POST", "/a"),
		"OtherSecret":  digest(kms.NewBox([]byte("another")), "request", "POST", "/a"),
	} {
		if other == one {
			t.Errorf("%s: it has the same digest", name)
		}
	}
	if sum, err := kms.NewBox(nil).Digest("request"); sum != nil || !fault.Is(err, fault.Unavailable) {
		t.Errorf("without a secret: got %d bytes, %v", len(sum), err)
	}
}
