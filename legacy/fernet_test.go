package legacy

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/fernet/fernet-go"
)

// vector is one of the Fernet specification's.
type vector struct {
	Desc, Token, Secret, Src string
}

func vectors(t *testing.T, file string) []vector {
	t.Helper()
	text, err := os.ReadFile("testdata/spec/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	if err := json.Unmarshal(text, &all); err != nil || len(all) == 0 {
		t.Fatal(len(all), err)
	}
	return all
}

func ring(t testing.TB, keys string) *Keyring {
	t.Helper()
	k, err := ParseKeys(keys)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSpecification(t *testing.T) {
	for _, file := range []string{"generate.json", "verify.json"} {
		for _, v := range vectors(t, file) {
			value, err := ring(t, v.Secret).Open(v.Token)
			if err != nil || string(value.Reveal()) != v.Src {
				t.Errorf("%s: got %q, %v; want %q", file, value.Reveal(), err, v.Src)
			}
		}
	}
	for _, v := range vectors(t, "invalid.json") {
		t.Run(v.Desc, func(t *testing.T) {
			value, err := ring(t, v.Secret).Open(v.Token)
			// Of the invalid ones these two are so by their age alone, which does not count here.
			if v.Desc == "expired TTL" || strings.HasPrefix(v.Desc, "far-future TS") {
				if err != nil {
					t.Errorf("got %v, want it to open whatever its age", err)
				}
				return
			}
			if err == nil || value.Len() != 0 {
				t.Errorf("it opens")
			}
		})
	}
}

const specKey = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="

func sealed(t testing.TB, key, value string) string {
	t.Helper()
	token, err := fernet.EncryptAndSignAtTime([]byte(value), ring(t, key).keys[0], time.Unix(1, 0))
	if err != nil {
		t.Fatal(err)
	}
	return string(token)
}

func TestOpen(t *testing.T) {
	other := base64.URLEncoding.EncodeToString(make([]byte, 32))
	token := sealed(t, specKey, "value")
	raw, err := base64.URLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.URLEncoding.EncodeToString
	for name, c := range map[string]struct {
		keys, token string
		want        error // nil: it opens to "value"
	}{
		"the key":                {specKey, token, nil},
		"the second key":         {other + ", " + specKey, token, nil},
		"space around":           {specKey, " " + token + "\n", nil},
		"as Python prints bytes": {specKey, "b'" + token + "'", nil},
		"as PostgreSQL does":     {specKey, fmt.Sprintf(`\x%x`, token), nil},
		"another key":            {other, token, ErrNoKey},
		"nothing":                {specKey, "", ErrNotFernet},
		"not base64":             {specKey, "gAAAA*", ErrNotFernet},
		"garbage behind":         {specKey, token + "%%%%", ErrNotFernet},
		"a byte less":            {specKey, encode(raw[:len(raw)-1]), ErrNotFernet},
		"a block less":           {specKey, encode(raw[:len(raw)-16]), ErrNotFernet},
		"another version":        {specKey, encode(append([]byte{0x81}, raw[1:]...)), ErrNotFernet},
		"a head alone":           {specKey, encode(raw[:headSize]), ErrNotFernet},
	} {
		t.Run(name, func(t *testing.T) {
			value, err := ring(t, c.keys).Open(c.token)
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if c.want == nil && string(value.Reveal()) != "value" {
				t.Errorf("got another value")
			}
		})
	}
}

// TestEveryByteCounts flips each byte of a token: none of it opens, to whatever value.
func TestEveryByteCounts(t *testing.T) {
	k := ring(t, specKey)
	raw, err := base64.URLEncoding.DecodeString(sealed(t, specKey, "a value of some length"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		raw[i] ^= 0x10
		if _, err := k.Open(base64.URLEncoding.EncodeToString(raw)); err == nil {
			t.Errorf("it opens with byte %d changed", i)
		}
		raw[i] ^= 0x10
	}
}

func TestParseKeys(t *testing.T) {
	for _, text := range []string{"", "canary", specKey + ",canary!", specKey + ",", strings.Repeat("zz", 32)} {
		_, err := ParseKeys(text)
		if err == nil || strings.Contains(fmt.Sprintf("%v %v", err, errors.Unwrap(err)), "canary") || strings.Contains(err.Error(), "'z'") {
			t.Errorf("of %d characters: got %v", len(text), err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(sealed(f, specKey, "value"))
	f.Add("gAAAAABdnQ1TUKh2OE_ggbyCIxfg")
	f.Add(`\x67`)
	f.Add("b''")
	k := ring(f, specKey)
	f.Fuzz(func(t *testing.T, text string) {
		value, err := k.Open(text)
		if err != nil && (value.Len() != 0 || !errors.Is(err, ErrNoKey) && !errors.Is(err, ErrNotFernet)) {
			t.Errorf("got %d bytes, %v", value.Len(), err)
		}
	})
}
