package local_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/kms/local"
)

// A data key as it was wrapped for a database once, opened also by a program apart from
// this one.
const (
	pinnedRecipient = "local:4c38abb3ab338103:1"
	pinnedBlob      = "AQAAAAGT7RIRInhXJP1X+T5aj1DKOdVJKz4eJfLnYZ668dG5L1iV34DYAh+iNFk+r9nkErgwf0B7Zzv2F30jalk="
	pinnedDataKey   = "UhtA19JT8aj7iEZGPkHo6NACGgtLsK6Obb2Yz2FMODY="
)

var pinnedContext = kms.Context{kms.ContextEnvironment: "production"}

func pinned(t testing.TB) (*local.Wrapper, kms.Wrapped) {
	t.Helper()
	w, err := local.Parse(keyA)
	if err != nil {
		t.Fatal(err)
	}
	blob, err := base64.StdEncoding.DecodeString(pinnedBlob)
	if err != nil {
		t.Fatal(err)
	}
	return w, kms.Wrapped{RecipientID: pinnedRecipient, Blob: blob}
}

// TestStoredFormStays: what databases hold goes on opening.
func TestStoredFormStays(t *testing.T) {
	w, wrapped := pinned(t)
	plain, err := w.Unwrap(t.Context(), wrapped, pinnedContext)
	if err != nil {
		t.Fatal(err)
	}
	if got := base64.StdEncoding.EncodeToString(plain); got != pinnedDataKey {
		t.Error("another data key came out")
	}
}

// FuzzUnwrap: of all recipients and blobs only the one that was wrapped opens.
func FuzzUnwrap(f *testing.F) {
	w, wrapped := pinned(f)
	f.Add(wrapped.RecipientID, wrapped.Blob)
	f.Add(strings.TrimSuffix(wrapped.RecipientID, "1")+"2", wrapped.Blob)
	f.Add(wrapped.RecipientID, wrapped.Blob[:5])
	f.Add("local::", []byte{1})
	f.Add("", []byte(nil))
	f.Fuzz(func(t *testing.T, recipient string, blob []byte) {
		plain, err := w.Unwrap(t.Context(), kms.Wrapped{RecipientID: recipient, Blob: blob}, pinnedContext)
		same := recipient == wrapped.RecipientID && bytes.Equal(blob, wrapped.Blob)
		if same != (err == nil) || same != (plain != nil) {
			t.Fatalf("opened %t, want %t: %v", err == nil, same, err)
		}
		if err != nil && !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.Unavailable) {
			t.Fatalf("got kind %v", fault.KindOf(err))
		}
	})
}

// FuzzParse: a text either gives a key that wraps and opens, or an Invalid error.
func FuzzParse(f *testing.F) {
	for _, text := range []string{keyA, "# keeper master key local:0011223344556677:1\n" + keyA, "# keeper master key \n", keyA + "\n" + keyB, ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		w, err := local.Parse(text)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("got kind %v", fault.KindOf(err))
			}
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
