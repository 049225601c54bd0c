package recovery_test

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/kms/drivertest"
	"github.com/your-org/keeper/kms/recovery"
	"github.com/your-org/keeper/models"
)

func newIdentity(t *testing.T) *age.X25519Identity {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return identity
}

func with(t testing.TB, identities ...string) *recovery.Wrapper {
	t.Helper()
	w, err := recovery.WithIdentities(strings.NewReader("# made in a test\n" + strings.Join(identities, "\n\n") + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestConformance(t *testing.T) {
	drivertest.Run(t, func(t *testing.T) drivertest.Harness {
		first, second, other := newIdentity(t), newIdentity(t), newIdentity(t)
		return drivertest.Harness{
			Wrapper: with(t, first.String(), second.String()), Foreign: with(t, other.String()),
			DefaultKey: first.Recipient().String(), OtherKey: second.Recipient().String(), OtherKeyID: second.Recipient().String(),
			UnknownKey: misspelt(first.Recipient().String()),
		}
	})
}

// misspelt is a recipient with one letter changed, which its checksum finds.
func misspelt(recipient string) string {
	changed := []byte(recipient)
	changed[10] = map[bool]byte{true: 'p', false: 'q'}[changed[10] == 'q']
	return string(changed)
}

// TestServing is a Keeper that has no identity: it wraps, and what it wraps opens offline.
func TestServing(t *testing.T) {
	identity := newIdentity(t)
	recipient := identity.Recipient().String()
	ec := kms.Context{kms.ContextEnvironment: "production"}
	w := recovery.New()
	plain, wrapped, err := w.GenerateDataKey(t.Context(), recipient, ec)
	if err != nil {
		t.Fatal(err)
	}
	if w.Kind() != models.RecipientRecovery || wrapped.RecipientID != recipient {
		t.Errorf("got %s %s, want recovery %s", w.Kind(), wrapped.RecipientID, recipient)
	}
	t.Run("Offline", func(t *testing.T) {
		got, err := with(t, identity.String()).Unwrap(t.Context(), wrapped, ec)
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("the identity does not open it: %v", err)
		}
	})
	t.Run("Unwrap", func(t *testing.T) {
		got, err := w.Unwrap(t.Context(), wrapped, ec)
		if !fault.Is(err, fault.Unavailable) || got != nil || !strings.Contains(err.Error(), "keeper kms recover") || !strings.Contains(err.Error(), recipient) {
			t.Errorf("got %v, want Unavailable that names the recipient and the command", err)
		}
	})
	t.Run("Rewrap", func(t *testing.T) {
		if _, err := w.Rewrap(t.Context(), wrapped, recipient, ec); !fault.Is(err, fault.Unavailable) {
			t.Errorf("got %v, want Unavailable", err)
		}
	})
	t.Run("NoName", func(t *testing.T) {
		if _, err := w.Wrap(t.Context(), "", plain, ec); !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "age1") {
			t.Errorf("got %v, want Unavailable that says what to name", err)
		}
	})
	t.Run("Length", func(t *testing.T) {
		if _, err := w.Wrap(t.Context(), recipient, plain[1:], ec); !fault.Is(err, fault.Internal) {
			t.Errorf("got %v, want Internal", err)
		}
	})
}

// TestForgedPayload: what age opens is still refused unless it is exactly context and key.
func TestForgedPayload(t *testing.T) {
	identity := newIdentity(t)
	recipient, ec := identity.Recipient(), kms.Context{kms.ContextEnvironment: "production"}
	bound, key := kms.AppendContext(nil, ec), bytes.Repeat([]byte{7}, kms.KeySize)
	w := with(t, identity.String())
	seal := func(t *testing.T, payload ...[]byte) []byte {
		t.Helper()
		var blob bytes.Buffer
		writer, err := age.Encrypt(&blob, recipient)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := writer.Write(slices.Concat(payload...)); err != nil {
			t.Fatal(err)
		}
		if err := writer.Close(); err != nil {
			t.Fatal(err)
		}
		return blob.Bytes()
	}
	if _, err := w.Unwrap(t.Context(), kms.Wrapped{RecipientID: recipient.String(), Blob: seal(t, bound, key)}, ec); err != nil {
		t.Fatal(err)
	}
	for name, payload := range map[string][]byte{
		"Empty": nil, "NoContext": key, "NoKey": bound, "ShortKey": slices.Concat(bound, key[1:]), "LongKey": slices.Concat(bound, key, []byte{0}),
		"OtherContext": slices.Concat(kms.AppendContext(nil, kms.Context{kms.ContextEnvironment: "productiom"}), key),
		"Huge":         make([]byte, 200_000),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := w.Unwrap(t.Context(), kms.Wrapped{RecipientID: recipient.String(), Blob: seal(t, payload)}, ec)
			if !fault.Is(err, fault.Invalid) || got != nil {
				t.Errorf("got %v, want Invalid", err)
			}
		})
	}
}

func TestTry(t *testing.T) {
	identity := newIdentity(t)
	recipient := identity.Recipient().String()
	short := func(tried []kms.Tried) (lines []string) {
		for _, one := range tried {
			line := one.Permission
			if one.Optional {
				line += " optional"
			}
			if one.OK != (one.Err == nil) {
				t.Errorf("%s: got OK %t with error %v", one.Permission, one.OK, one.Err)
			}
			if !one.OK {
				line += " failed"
			}
			lines = append(lines, line)
		}
		return lines
	}
	for name, test := range map[string]struct {
		w    *recovery.Wrapper
		key  string
		want []string
	}{
		"Serving":       {recovery.New(), recipient, []string{"seal", "open optional failed"}},
		"WithIdentity":  {with(t, identity.String()), recipient, []string{"seal", "open optional"}},
		"OtherIdentity": {with(t, newIdentity(t).String()), recipient, []string{"seal", "open optional failed"}},
		"Misspelt":      {recovery.New(), misspelt(recipient), []string{"seal failed"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, short(test.w.Try(t.Context(), test.key, nil))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A data key as it was wrapped for a recovery recipient once.
const (
	pinnedIdentity  = "AGE-SECRET-KEY-1368GHNU85SX89ZZDM9JQ972P3FR6JPNZNN07DY5HZA4EMZ3FE3YSUV8KCZ"
	pinnedRecipient = "age16rlysv5q5cs5px5t0u4trm0vwg4qacffgnzamqdepf56ps0weqgsy2cnyn"
	pinnedBlob      = "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSArR0U1VHYvTTcwcnU2WkpkVGRLUGJoVW9uRzZhSVA4SmFSTTFrWTRqRmhrCnhuVDVpY2syV2psWFdaV092SHUwR2pqNXhBUHZNOEZ6eDZGZmRxNXVYRzAKLS0tIEFOZEVGN3Y3TElrYmpxYWFkWkJ6YkQ0VFNnWkdhdnU1NzVEMHYwenRoNEUKMaBkgyaNffN/CMufpsZSu2Au3f9nN46H8cnkNYqLTHsRsSMl7bjAUa7L2o4NBXwvqKqInQyLDT/LDalwkfEK4mQdRFn41b06zqWHuzHWzASQyXHAjHNYsXzvsHS3s28fs5JDNKAcltA4gz15NXI6pbmS6N/ubGnSgSteNA=="
	pinnedDataKey   = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="
)

var pinnedContext = kms.Context{kms.ContextEnvironment: "production", "team": "payments"}

func pinned(t testing.TB) kms.Wrapped {
	t.Helper()
	blob, err := base64.StdEncoding.DecodeString(pinnedBlob)
	if err != nil {
		t.Fatal(err)
	}
	return kms.Wrapped{RecipientID: pinnedRecipient, Blob: blob}
}

// TestStoredFormStays: what databases and safes hold goes on opening.
func TestStoredFormStays(t *testing.T) {
	plain, err := with(t, pinnedIdentity).Unwrap(t.Context(), pinned(t), pinnedContext)
	if err != nil {
		t.Fatal(err)
	}
	if got := base64.StdEncoding.EncodeToString(plain); got != pinnedDataKey {
		t.Error("another data key came out")
	}
}
