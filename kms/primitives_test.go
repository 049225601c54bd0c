package kms

import (
	"bytes"
	"encoding/hex"
	"testing"

	"pgregory.net/rapid"

	"github.com/your-org/keeper/models"
)

// field draws texts that are often alike and that look like lengths and separators.
func field(t *rapid.T, name string) string {
	return rapid.OneOf(rapid.StringOfN(rapid.RuneFrom([]rune{'a', 'b', 0, 1}), 0, 6, -1), rapid.String()).Draw(t, name)
}

func drawLabel(t *rapid.T) (Label, models.DataKeyID) {
	number := rapid.OneOf(rapid.Int64Range(0, 3), rapid.Int64())
	return Label{
		Kind: field(t, "kind"), Object: field(t, "object"),
		Environment: models.EnvironmentID(number.Draw(t, "environment")), Number: number.Draw(t, "number"),
	}, models.DataKeyID(field(t, "key"))
}

func TestAADIsInjective(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, aKey := drawLabel(t)
		b, bKey := drawLabel(t)
		same := a == b && aKey == bKey
		if got := bytes.Equal(appendAAD(nil, a, aKey), appendAAD(nil, b, bKey)); got != same {
			t.Fatalf("equal encodings: got %t, want %t", got, same)
		}
	})
}

// TestAADMovedBorders moves the borders between neighbouring fields of the same text.
func TestAADMovedBorders(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := field(t, "text") + field(t, "more")
		cut := func(name string) Label {
			at := rapid.IntRange(0, len(text)).Draw(t, name)
			return Label{Kind: text[:at], Object: text[at:]}
		}
		a, b := cut("a"), cut("b")
		if got := bytes.Equal(appendAAD(nil, a, "k"), appendAAD(nil, b, "k")); got != (a == b) {
			t.Fatalf("equal encodings: got %t, want %t", got, a == b)
		}
	})
}

func TestContextIsInjective(t *testing.T) {
	draw := func(t *rapid.T, name string) Context {
		small := rapid.StringOfN(rapid.RuneFrom([]rune{'a', 'b', 0}), 0, 3, -1)
		return rapid.MapOfN(small, small, 0, 3).Draw(t, name)
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw(t, "a"), draw(t, "b")
		same := len(a) == len(b)
		for key, value := range a {
			other, ok := b[key]
			same = same && ok && other == value
		}
		if got := bytes.Equal(AppendContext(nil, a), AppendContext(nil, b)); got != same {
			t.Fatalf("equal encodings: got %t, want %t", got, same)
		}
	})
}

// Computed apart from this code, after RFC 5869 and RFC 2104.
const (
	pinnedDerived = "86843a6442cd109b94484f11721d33bae0cb4937adfcf2957f6d7fcde979dfef"
	pinnedCheck   = "5108659787f17c70d75214ce94229fd9"
	pinnedAnswer  = "207bf1f10cce9d8d74d1adfce8fa83a316600936b798c3c12c5c18e7c2171b8d"
	pinnedHash    = "449762ee415eb0aacabeb3e8ba02c71633ef8910dde62ae7e8d9a24a636bf473"
)

// TestStoredFormsStay pins what databases hold: changing any of these would make every
// stored value unreadable, or every keyed hash different.
func TestStoredFormsStay(t *testing.T) {
	secret := bytes.Repeat([]byte{7}, KeySize)
	hash, err := newKeyedHash(secret)
	if err != nil {
		t.Fatal(err)
	}
	derived, err := DeriveKey(secret, "domain", AppendContext(nil, Context{"b": "2", "a": "1"}))
	if err != nil {
		t.Fatal(err)
	}
	check, err := Commitment(secret, "dek_x")
	if err != nil {
		t.Fatal(err)
	}
	answer, err := DrillAnswer(secret, []byte("nonce"))
	if err != nil {
		t.Fatal(err)
	}
	label := Label{Kind: KindVersion, Environment: 2, Object: "17", Number: 3}
	for name, test := range map[string]struct {
		got  []byte
		want string
	}{
		"additional data": {
			appendAAD(nil, label, "dek_x"),
			"00000001" + "0000000000000002" + "00000007" + "76657273696f6e" + "00000002" + "3137" + "0000000000000003" + "00000005" + "64656b5f78",
		},
		"encryption context": {
			AppendContext(nil, Context{"b": "2", "a": "1"}),
			"00000002" + "00000001" + "61" + "00000001" + "31" + "00000001" + "62" + "00000001" + "32",
		},
		"derived key":  {derived, pinnedDerived},
		"commitment":   {check, pinnedCheck},
		"drill answer": {answer, pinnedAnswer},
		"keyed hash":   {hash.sum([]byte("value")), pinnedHash},
	} {
		if got := hex.EncodeToString(test.got); got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
}

func TestKeysOfAnotherSize(t *testing.T) {
	for _, size := range []int{0, 16, 31, 33} {
		key := make([]byte, size)
		if _, err := NewAEAD(key); err == nil {
			t.Errorf("NewAEAD took a key of %d bytes", size)
		}
		if _, err := DeriveKey(key, "domain", nil); err == nil {
			t.Errorf("DeriveKey took a secret of %d bytes", size)
		}
		if _, err := Commitment(key, "dek_x"); err == nil {
			t.Errorf("Commitment took a key of %d bytes", size)
		}
		if _, err := DrillAnswer(key, nil); err == nil {
			t.Errorf("DrillAnswer took a key of %d bytes", size)
		}
	}
}

func TestDomainsSeparate(t *testing.T) {
	secret := bytes.Repeat([]byte{7}, KeySize)
	seen := map[string]string{}
	for name, derive := range map[string]func() ([]byte, error){
		"a":         func() ([]byte, error) { return DeriveKey(secret, "a", nil) },
		"b":         func() ([]byte, error) { return DeriveKey(secret, "b", nil) },
		"a, b":      func() ([]byte, error) { return DeriveKey(secret, "a", []byte("b")) },
		"ab":        func() ([]byte, error) { return DeriveKey(secret, "ab", nil) },
		"no domain": func() ([]byte, error) { return DeriveKey(secret, "", []byte("a")) },
	} {
		key, err := derive()
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := seen[string(key)]; ok {
			t.Errorf("%q and %q derive the same key", name, other)
		}
		seen[string(key)] = name
	}
}
