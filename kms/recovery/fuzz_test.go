package recovery_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/kms/recovery"
)

// FuzzUnwrap: of all blobs and contexts only the one that was wrapped opens.
func FuzzUnwrap(f *testing.F) {
	w, wrapped := with(f, pinnedIdentity), pinned(f)
	f.Add(wrapped.RecipientID, wrapped.Blob, "production")
	f.Add(wrapped.RecipientID, wrapped.Blob, "staging")
	f.Add(wrapped.RecipientID, wrapped.Blob[:100], "production")
	f.Add(wrapped.RecipientID, []byte("age-encryption.org/v1\n-> X25519 \n--- "), "production")
	f.Add("", []byte(nil), "")
	f.Fuzz(func(t *testing.T, recipient string, blob []byte, environment string) {
		ec := kms.Context{kms.ContextEnvironment: environment, "team": "payments"}
		plain, err := w.Unwrap(t.Context(), kms.Wrapped{RecipientID: recipient, Blob: blob}, ec)
		same := recipient == wrapped.RecipientID && bytes.Equal(blob, wrapped.Blob) && environment == "production"
		if same != (err == nil) || same != (plain != nil) {
			t.Fatalf("opened %t, want %t: %v", err == nil, same, err)
		}
		if err != nil && !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.Unavailable) {
			t.Fatalf("got kind %v", fault.KindOf(err))
		}
	})
}

// FuzzWithIdentities: a text either gives an identity that opens what is wrapped for it, or an
// Invalid error that does not quote it.
func FuzzWithIdentities(f *testing.F) {
	for _, text := range []string{pinnedIdentity, "# public key: age1\n" + pinnedIdentity + "\r\n", pinnedIdentity[:40], strings.ToLower(pinnedIdentity), pinnedRecipient, "AGE-SECRET-KEY-PQ-1", "\xff", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		w, err := recovery.WithIdentities(strings.NewReader(text))
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("got kind %v", fault.KindOf(err))
			}
			silent(t, err, text)
			return
		}
		plain, wrapped, err := w.GenerateDataKey(t.Context(), "", nil)
		if err != nil {
			t.Fatal(err)
		}
		if opened, err := w.Unwrap(t.Context(), wrapped, nil); err != nil || !bytes.Equal(opened, plain) {
			t.Fatalf("what was wrapped does not open: %v", err)
		}
	})
}
