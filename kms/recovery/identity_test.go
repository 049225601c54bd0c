package recovery_test

import (
	"bytes"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/kms/recovery"
)

func TestParse(t *testing.T) {
	identity := newIdentity(t)
	recipient := identity.Recipient().String()
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	t.Run("OK", func(t *testing.T) {
		if err := recovery.Parse(recipient); err != nil {
			t.Error(err)
		}
	})
	for name, text := range map[string]string{
		"Empty": "", "Misspelt": misspelt(recipient), "CutOff": recipient[:40], "UpperCase": strings.ToUpper(recipient),
		"WhiteSpace": " " + recipient, "Two": recipient + "\n" + recipient, "SSH": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAA",
		"Identity": identity.String(), "PostQuantum": hybrid.Recipient().String(),
	} {
		t.Run(name, func(t *testing.T) {
			err := recovery.Parse(text)
			if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "age") {
				t.Fatalf("got %v, want Invalid", err)
			}
			silent(t, err, identity.String())
		})
	}
}

// TestIdentityAsRecipient: an identity that stands where a recipient belongs is not quoted.
func TestIdentityAsRecipient(t *testing.T) {
	identity := newIdentity(t).String()
	for _, text := range []string{identity, strings.ToLower(identity), identity + "x"} {
		_, err := recovery.New().Describe(t.Context(), text)
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("got %v, want NotFound", err)
		}
		silent(t, err, text)
		_, err = recovery.New().Wrap(t.Context(), text, make([]byte, kms.KeySize), nil)
		if !fault.Is(err, fault.Unavailable) {
			t.Errorf("got %v, want Unavailable", err)
		}
		silent(t, err, text)
	}
}

func TestWithIdentities(t *testing.T) {
	identity := newIdentity(t)
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	t.Run("OK", func(t *testing.T) {
		for name, text := range map[string]string{
			"bare": identity.String(), "age-keygen": "# created: 2026-11-22\n# public key: x\n" + identity.String() + "\n",
			"twice": identity.String() + "\n" + identity.String(), "behind another kind": hybrid.String() + "\n" + identity.String(),
		} {
			w, err := recovery.WithIdentities(strings.NewReader(text))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if info, err := w.Describe(t.Context(), ""); err != nil || info.ID != identity.Recipient().String() {
				t.Errorf("%s: got %q, %v, want the recipient of the identity", name, info.ID, err)
			}
		}
	})
	changed := []byte(identity.String())
	changed[30] = map[bool]byte{true: 'P', false: 'Q'}[changed[30] == 'Q']
	for name, text := range map[string]string{
		"Empty": "", "OnlyComment": "# nothing\n", "Misspelt": string(changed), "CutOff": identity.String()[:50],
		"Recipient": identity.Recipient().String(), "LowerCase": strings.ToLower(identity.String()),
		"Encrypted": "-----BEGIN AGE ENCRYPTED FILE-----\n", "Binary": "AGE-SECRET-KEY-1\xff\xfe", "LongLine": strings.Repeat("A", 1<<17),
		"OtherKindAlone": hybrid.String(),
	} {
		t.Run(name, func(t *testing.T) {
			w, err := recovery.WithIdentities(strings.NewReader(text))
			if !fault.Is(err, fault.Invalid) || w != nil {
				t.Fatalf("got %v, want Invalid", err)
			}
			silent(t, err, text)
		})
	}
}

// silent asserts that no error of the chain quotes a part of a secret text.
func silent(t *testing.T, err error, secret string) {
	t.Helper()
	const prefix = len("AGE-SECRET-KEY-1")
	for line := range strings.Lines(secret) {
		if len(line) < prefix+12 || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "age1") {
			continue
		}
		for cause := err; cause != nil; cause = unwrap(cause) {
			if strings.Contains(strings.ToLower(cause.Error()), strings.ToLower(line[prefix:prefix+12])) {
				t.Error("an error quotes an identity")
			}
		}
	}
}

func unwrap(err error) error {
	if wrapping, ok := err.(interface{ Unwrap() error }); ok {
		return wrapping.Unwrap()
	}
	return nil
}

func TestAnswer(t *testing.T) {
	identity := newIdentity(t)
	recipient, ec, nonce := identity.Recipient().String(), kms.Context{kms.ContextEnvironment: "dev"}, bytes.Repeat([]byte{1}, 32)
	plain, wrapped, err := recovery.New().GenerateDataKey(t.Context(), recipient, ec)
	if err != nil {
		t.Fatal(err)
	}
	answer := func(text string, ec kms.Context) ([]byte, error) {
		return recovery.Answer(strings.NewReader(text), wrapped.Blob, recipient, ec, nonce)
	}
	t.Run("OK", func(t *testing.T) {
		want, err := kms.DrillAnswer(plain, nonce)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := answer(identity.String(), ec); err != nil || !bytes.Equal(got, want) {
			t.Errorf("got another answer than the data key gives: %v", err)
		}
	})
	t.Run("OtherIdentity", func(t *testing.T) {
		if _, err := answer(newIdentity(t).String(), ec); !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), recipient) {
			t.Errorf("got %v, want Unavailable that names the recipient", err)
		}
	})
	t.Run("OtherContext", func(t *testing.T) {
		if _, err := answer(identity.String(), nil); !fault.Is(err, fault.Invalid) {
			t.Errorf("got %v, want Invalid", err)
		}
	})
	t.Run("NoIdentities", func(t *testing.T) {
		if _, err := answer("", ec); !fault.Is(err, fault.Invalid) {
			t.Errorf("got %v, want Invalid", err)
		}
	})
}
