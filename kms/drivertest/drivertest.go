// Package drivertest is what every key backend must do, as one test suite, with a fake
// backend and a store of data keys in memory for the tests of what stands above.
package drivertest

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
)

// Harness is one fresh backend under test, with what the suite needs around it.
type Harness struct {
	Wrapper kms.Wrapper
	// Foreign is a backend of the same kind that has none of Wrapper's keys.
	Foreign kms.Wrapper
	// DefaultKey is the id of the key that "" names, as Wrapped.RecipientID gives it.
	DefaultKey string
	// OtherKey names a second key of Wrapper, and OtherKeyID is its id.
	OtherKey, OtherKeyID string
	// UnknownKey is a well-formed name of a key that does not exist.
	UnknownKey string
	// Outages are ways in which the default key can be out of reach for a while: disabled,
	// denied, cut off. Each makes it so and returns how to mend it. Where a part of the key
	// or the step that mends it is to stand in the error, Says names it.
	Outages map[string]Outage
}

// Outage is one way in which the default key is out of reach.
type Outage struct {
	Begin func(t *testing.T) (end func())
	Says  string
	// Silent is whether nothing is answered, or nothing but a defect of the backend's own or a
	// throttle, so that ErrUnreachable is to be in the chain. It is not to be there otherwise.
	Silent bool
}

var testContext = kms.Context{"keeper:environment": "production", "team": "Payments"}

// Run runs the suite; open makes a fresh harness for each part.
func Run(t *testing.T, open func(*testing.T) Harness) {
	for name, test := range map[string]func(*testing.T, Harness){
		"RoundTrip": testRoundTrip, "FreshKeys": testFreshKeys, "NamedKey": testNamedKey,
		"WrongContext": testWrongContext, "FlippedBytes": testFlippedBytes, "Truncated": testTruncated,
		"SwappedRecipient": testSwappedRecipient, "ForeignKey": testForeignKey,
		"Wrap": testWrap, "WrapRefused": testWrapRefused, "Rewrap": testRewrap,
		"RewrapRefused": testRewrapRefused, "UnknownKey": testUnknownKey, "Describe": testDescribe,
		"CancelledCall": testCancelledCall, "Outages": testOutages,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func testRoundTrip(t *testing.T, h Harness) {
	for name, ec := range map[string]kms.Context{
		"usual": testContext, "one pair": {"keeper:environment": "dev"}, "not ASCII": {"équipe": "zürich ☂"},
	} {
		t.Run(name, func(t *testing.T) {
			plain, wrapped := generate(t, h.Wrapper, "", ec)
			if wrapped.RecipientID != h.DefaultKey {
				t.Errorf("got recipient %q, want %q", wrapped.RecipientID, h.DefaultKey)
			}
			if bytes.Contains(wrapped.Blob, plain) {
				t.Error("the blob holds the key in the clear")
			}
			opens(t, h.Wrapper, wrapped, ec, plain)
			opens(t, h.Wrapper, wrapped, maps.Clone(ec), plain) // again, from an equal context
		})
	}
}

func testFreshKeys(t *testing.T, h Harness) {
	plains, blobs := map[string]bool{}, map[string]bool{}
	const n = 20
	for range n {
		plain, wrapped := generate(t, h.Wrapper, "", testContext)
		plains[string(plain)], blobs[string(wrapped.Blob)] = true, true
	}
	if len(plains) != n || len(blobs) != n {
		t.Errorf("got %d different keys in %d different blobs, want %d", len(plains), len(blobs), n)
	}
}

func testNamedKey(t *testing.T, h Harness) {
	plain, wrapped := generate(t, h.Wrapper, h.OtherKey, testContext)
	if wrapped.RecipientID != h.OtherKeyID {
		t.Errorf("got recipient %q, want %q", wrapped.RecipientID, h.OtherKeyID)
	}
	opens(t, h.Wrapper, wrapped, testContext, plain)
}

func testWrongContext(t *testing.T, h Harness) {
	_, wrapped := generate(t, h.Wrapper, "", testContext)
	change := func(f func(kms.Context)) kms.Context {
		ec := maps.Clone(testContext)
		f(ec)
		return ec
	}
	for name, ec := range map[string]kms.Context{
		"other environment": change(func(c kms.Context) { c["keeper:environment"] = "staging" }),
		"case of a value":   change(func(c kms.Context) { c["team"] = "payments" }),
		"case of a key":     change(func(c kms.Context) { c["Team"] = c["team"]; delete(c, "team") }),
		"pair missing":      change(func(c kms.Context) { delete(c, "team") }),
		"pair added":        change(func(c kms.Context) { c["more"] = "x" }),
		"key and value swapped": change(func(c kms.Context) {
			c[c["team"]] = "team"
			delete(c, "team")
		}),
		"empty": {},
	} {
		t.Run(name, func(t *testing.T) { refuses(t, h.Wrapper, wrapped, ec, fault.Invalid) })
	}
}

func testFlippedBytes(t *testing.T, h Harness) {
	plain, wrapped := generate(t, h.Wrapper, "", testContext)
	for i := range wrapped.Blob {
		changed := wrapped
		changed.Blob = slices.Clone(wrapped.Blob)
		changed.Blob[i] ^= 1 << (i % 8)
		if got, err := h.Wrapper.Unwrap(t.Context(), changed, testContext); !fault.Is(err, fault.Invalid) || got != nil {
			t.Errorf("byte %d flipped: got a key %t and error %v, want Invalid", i, got != nil, err)
		}
	}
	opens(t, h.Wrapper, wrapped, testContext, plain)
}

func testTruncated(t *testing.T, h Harness) {
	_, wrapped := generate(t, h.Wrapper, "", testContext)
	for _, n := range []int{1, 2, 12, 16, 28, len(wrapped.Blob) - 1} {
		changed := wrapped
		changed.Blob = wrapped.Blob[:n]
		refuses(t, h.Wrapper, changed, testContext, fault.Invalid)
	}
	changed := wrapped
	changed.Blob = append(slices.Clone(wrapped.Blob), 0)
	refuses(t, h.Wrapper, changed, testContext, fault.Invalid)
}

func testSwappedRecipient(t *testing.T, h Harness) {
	_, wrapped := generate(t, h.Wrapper, "", testContext)
	wrapped.RecipientID = h.OtherKeyID
	refuses(t, h.Wrapper, wrapped, testContext, fault.Invalid)
}

// testForeignKey: the backend does not have the key, which is no damage.
func testForeignKey(t *testing.T, h Harness) {
	_, wrapped := generate(t, h.Wrapper, "", testContext)
	says(t, refuses(t, h.Foreign, wrapped, testContext, fault.Unavailable), wrapped.RecipientID)
}

// testWrap: a data key that stands already is wrapped again, under any key.
func testWrap(t *testing.T, h Harness) {
	plain, wrapped := generate(t, h.Wrapper, "", testContext)
	given := slices.Clone(plain)
	for name, want := range map[string]string{"": h.DefaultKey, h.DefaultKey: h.DefaultKey, h.OtherKey: h.OtherKeyID} {
		again, err := h.Wrapper.Wrap(t.Context(), name, given, testContext)
		if err != nil {
			t.Fatal(err)
		}
		if again.RecipientID != want {
			t.Errorf("wrapped under %q: got recipient %q, want %q", name, again.RecipientID, want)
		}
		if bytes.Contains(again.Blob, plain) || bytes.Equal(again.Blob, wrapped.Blob) {
			t.Errorf("wrapped under %q: the blob holds the key in the clear, or is one of before", name)
		}
		opens(t, h.Wrapper, again, testContext, plain)
		for i := range again.Blob {
			changed := kms.Wrapped{RecipientID: again.RecipientID, Blob: slices.Clone(again.Blob)}
			changed.Blob[i] ^= 1
			refuses(t, h.Wrapper, changed, testContext, fault.Invalid)
		}
	}
	if !bytes.Equal(given, plain) {
		t.Error("the key that was given was changed or cleared")
	}
}

func testWrapRefused(t *testing.T, h Harness) {
	plain, _ := generate(t, h.Wrapper, "", testContext)
	again, err := h.Wrapper.Wrap(t.Context(), "", plain, testContext)
	if err != nil {
		t.Fatal(err)
	}
	other := maps.Clone(testContext)
	other["keeper:environment"] = "staging"
	refuses(t, h.Wrapper, again, other, fault.Invalid)
	if got, err := h.Wrapper.Wrap(t.Context(), h.UnknownKey, plain, testContext); !fault.Is(err, fault.Unavailable) || len(got.Blob) > 0 {
		t.Errorf("unknown key: got %d bytes and error %v, want Unavailable", len(got.Blob), err)
	} else {
		says(t, err, h.UnknownKey)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := h.Wrapper.Wrap(ctx, "", plain, testContext); err != nil && (!fault.Is(err, fault.Unavailable) || len(got.Blob) > 0) {
		t.Errorf("cancelled: got %d bytes and error %v, want a blob or Unavailable", len(got.Blob), err)
	}
}

func testRewrap(t *testing.T, h Harness) {
	plain, wrapped := generate(t, h.Wrapper, "", testContext)
	moved, err := h.Wrapper.Rewrap(t.Context(), wrapped, h.OtherKey, testContext)
	if err != nil {
		t.Fatal(err)
	}
	if moved.RecipientID != h.OtherKeyID {
		t.Errorf("got recipient %q, want %q", moved.RecipientID, h.OtherKeyID)
	}
	opens(t, h.Wrapper, moved, testContext, plain)
	opens(t, h.Wrapper, wrapped, testContext, plain) // the old wrap stands until its row is replaced

	back, err := h.Wrapper.Rewrap(t.Context(), moved, "", testContext)
	if err != nil {
		t.Fatal(err)
	}
	if back.RecipientID != h.DefaultKey {
		t.Errorf("got recipient %q, want %q", back.RecipientID, h.DefaultKey)
	}
	opens(t, h.Wrapper, back, testContext, plain)
}

func testRewrapRefused(t *testing.T, h Harness) {
	_, wrapped := generate(t, h.Wrapper, "", testContext)
	if _, err := h.Wrapper.Rewrap(t.Context(), wrapped, h.OtherKey, kms.Context{}); !fault.Is(err, fault.Invalid) {
		t.Errorf("wrong context: got %v, want Invalid", err)
	}
	if _, err := h.Wrapper.Rewrap(t.Context(), wrapped, h.UnknownKey, testContext); !fault.Is(err, fault.Unavailable) {
		t.Errorf("unknown key: got %v, want Unavailable", err)
	}
	damaged := wrapped
	damaged.Blob = slices.Clone(wrapped.Blob)
	damaged.Blob[len(damaged.Blob)-1] ^= 1
	if _, err := h.Wrapper.Rewrap(t.Context(), damaged, h.OtherKey, testContext); !fault.Is(err, fault.Invalid) {
		t.Errorf("damaged: got %v, want Invalid", err)
	}
}

func testUnknownKey(t *testing.T, h Harness) {
	plain, _, err := h.Wrapper.GenerateDataKey(t.Context(), h.UnknownKey, testContext)
	if !fault.Is(err, fault.Unavailable) || plain != nil {
		t.Fatalf("got a key %t and error %v, want Unavailable", plain != nil, err)
	}
	says(t, err, h.UnknownKey)
	_, err = h.Wrapper.Describe(t.Context(), h.UnknownKey)
	if !fault.Is(err, fault.NotFound) {
		t.Fatalf("describe: got %v, want NotFound", err)
	}
	says(t, err, h.UnknownKey)
}

func testDescribe(t *testing.T, h Harness) {
	for name, want := range map[string]string{"": h.DefaultKey, h.DefaultKey: h.DefaultKey, h.OtherKey: h.OtherKeyID} {
		got, err := h.Wrapper.Describe(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if got.ID != want || !got.Enabled || got.State != "Enabled" {
			t.Errorf("describe %q: got %+v, want %s, enabled", name, got, want)
		}
	}
}

// testCancelledCall: a call whose caller is gone succeeds, or says Unavailable.
func testCancelledCall(t *testing.T, h Harness) {
	plain, wrapped := generate(t, h.Wrapper, "", testContext)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got, err := h.Wrapper.Unwrap(ctx, wrapped, testContext)
	if err == nil && !bytes.Equal(got, plain) || err != nil && !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v, want the key or Unavailable", err)
	}
}

func testOutages(t *testing.T, h Harness) {
	for name, outage := range h.Outages {
		t.Run(name, func(t *testing.T) {
			plain, wrapped := generate(t, h.Wrapper, "", testContext)
			end := outage.Begin(t)
			err := refuses(t, h.Wrapper, wrapped, testContext, fault.Unavailable)
			says(t, err, h.DefaultKey, outage.Says)
			if _, _, err := h.Wrapper.GenerateDataKey(t.Context(), h.DefaultKey, testContext); !fault.Is(err, fault.Unavailable) {
				t.Errorf("generate: got %v, want Unavailable", err)
			}
			if _, err := h.Wrapper.Wrap(t.Context(), h.DefaultKey, plain, testContext); !fault.Is(err, fault.Unavailable) || errors.Is(err, kms.ErrUnreachable) != outage.Silent {
				t.Errorf("wrap: got %v, want Unavailable and ErrUnreachable %t", err, outage.Silent)
			}
			if _, err := h.Wrapper.Rewrap(t.Context(), wrapped, h.OtherKey, testContext); !fault.Is(err, fault.Unavailable) {
				t.Errorf("rewrap: got %v, want Unavailable", err)
			}
			end()
			opens(t, h.Wrapper, wrapped, testContext, plain)
		})
	}
}

func generate(t *testing.T, w kms.Wrapper, key string, ec kms.Context) ([]byte, kms.Wrapped) {
	t.Helper()
	plain, wrapped, err := w.GenerateDataKey(t.Context(), key, ec)
	if err != nil {
		t.Fatal(err)
	}
	if len(plain) != kms.KeySize {
		t.Fatalf("got a key of %d bytes, want %d", len(plain), kms.KeySize)
	}
	return plain, wrapped
}

func opens(t *testing.T, w kms.Wrapper, wrapped kms.Wrapped, ec kms.Context, want []byte) {
	t.Helper()
	got, err := w.Unwrap(t.Context(), wrapped, ec)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("another key came out than went in")
	}
}

func refuses(t *testing.T, w kms.Wrapper, wrapped kms.Wrapped, ec kms.Context, kind fault.Kind) error {
	t.Helper()
	got, err := w.Unwrap(t.Context(), wrapped, ec)
	if !fault.Is(err, kind) || got != nil {
		t.Fatalf("got a key %t and error %v of kind %v, want %v", got != nil, err, fault.KindOf(err), kind)
	}
	return err
}

func says(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("got the error %q, want it to say %q", err, part)
		}
	}
}
