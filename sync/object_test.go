package sync_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/fault"
	keepersync "github.com/your-org/keeper/sync"
)

func TestCanonicalObject(t *testing.T) {
	for text, want := range map[string]string{
		`{}`:                                 `{}`,
		" {\n}\t":                            `{}`,
		`{"b" : 1, "a":{"d":[ ],"c" :{ } }}`: `{"a":{"c":{},"d":[]},"b":1}`,
		`{"n":[1.0, 1e2 ,-0,12345678901234567890]}`: `{"n":[1.0,1e2,-0,12345678901234567890]}`,
		`{"l":[true, false,null]}`:                  `{"l":[true,false,null]}`,
		`{"\u0061":"\u003c\/\u00e9\ud83d\ude00"}`:   `{"a":"</é😀"}`,
		`{"s":"\"\\\b\f\n\r\t\u0000\u001f"}`:        `{"s":"\"\\\u0008\u000c\u000a\u000d\u0009\u0000\u001f"}`,
		"{\"s\":\"\u2028\"}":                        "{\"s\":\"\u2028\"}",
		`{"":0,"B":1,"a":2,"é":3}`:                  `{"":0,"B":1,"a":2,"é":3}`,
		`{"o":[{"b":1,"a":2}]}`:                     `{"o":[{"a":2,"b":1}]}`,
		nest(100):                                   nest(100),
	} {
		got, err := keepersync.CanonicalObject([]byte(text))
		if err != nil || string(got) != want {
			t.Errorf("%s became %s, %v; want %s", text, got, err, want)
		}
	}
}

func nest(depth int) string {
	return strings.Repeat(`{"a":`, depth-1) + "{}" + strings.Repeat("}", depth-1)
}

func TestCanonicalObjectRefused(t *testing.T) {
	for name, text := range map[string]string{
		"Empty": ``, "Array": `["c4n4ry"]`, "String": `"c4n4ry"`, "Null": `null`, "Cut": `{"c4n4ry":`, "Two": `{"c4n4ry":1}{}`,
		"KeyTwice": `{"c4n4ry":1,"c4n4ry":1}`, "KeyTwiceEscaped": `{"c4n4ry":1,"\u00634n4ry":2}`, "KeyTwiceInside": `{"a":[{"c4n4ry":1,"c4n4ry":1}]}`,
		"Deep": nest(101), "DeepArrays": `{"c4n4ry":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`,
		"HalfCharacter": `{"c4n4ry":"\ud83d"}`, "HalvesSwapped": `{"c4n4ry":"\ude00\ud83d"}`, "HalfKey": `{"c4n4ry\ud83dx":1}`,
		"NotText": "{\"c4n4ry\":\"\xff\"}",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := keepersync.CanonicalObject([]byte(text))
			if got != nil || !fault.Is(err, fault.Invalid) {
				t.Fatalf("got %s, %v", got, err)
			}
			if strings.Contains(err.Error(), "c4n4ry") {
				t.Errorf("the error quotes the text: %v", err)
			}
		})
	}
}

func TestMembers(t *testing.T) {
	known := func(keys ...string) func(string) bool {
		return func(key string) bool { return slices.Contains(keys, key) }
	}
	for name, c := range map[string]struct {
		text  string
		known func(string) bool
		want  map[string]string
	}{
		"Texts":              {`{"b":"x","a":""}`, nil, map[string]string{"a": "", "b": "x"}},
		"OtherValues":        {`{"n":1.0,"o":{"b":1, "a":2},"l":[null]}`, nil, map[string]string{"n": "1.0", "o": `{"a":2,"b":1}`, "l": "[null]"}},
		"Binary":             {`{"k_base64":"/wA="}`, nil, map[string]string{"k": "\xff\x00"}},
		"BinaryOfAKnownKey":  {`{"k_base64":"/wA="}`, known("k"), map[string]string{"k": "\xff\x00"}},
		"TextOfAKnownKey":    {`{"k_base64":"dg=="}`, known("k"), map[string]string{"k": "v"}},
		"AKeyThatEndsSo":     {`{"k_base64":"/wA="}`, known("k", "k_base64"), map[string]string{"k_base64": "/wA="}},
		"NobodysKey":         {`{"k_base64":"/wA="}`, known("x"), map[string]string{"k_base64": "/wA="}},
		"Beside":             {`{"k_base64":"/wA=","k":"v"}`, known("k"), map[string]string{"k": "v", "k_base64": "/wA="}},
		"TextThatDecodes":    {`{"k_base64":"dg=="}`, nil, map[string]string{"k_base64": "dg=="}},
		"NotBase64":          {`{"k_base64":"?"}`, known("k"), map[string]string{"k_base64": "?"}},
		"SloppyBase64":       {`{"k_base64":"/wB="}`, known("k"), map[string]string{"k_base64": "/wB="}},
		"NumberUnderASuffix": {`{"k_base64":1234}`, known("k"), map[string]string{"k_base64": "1234"}},
		"Empty":              {`{}`, nil, map[string]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := keepersync.Members([]byte(c.text), c.known)
			if err != nil {
				t.Fatal(err)
			}
			texts := map[string]string{}
			for key, value := range got {
				texts[key] = string(value)
			}
			if diff := cmp.Diff(c.want, texts); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestObjectOf(t *testing.T) {
	t.Run("ThereAndBack", func(t *testing.T) {
		values := map[string][]byte{"b": []byte("\"\n<é"), "a": {}, "bin": {0xff, 0}, "tls_base64": []byte("/wA="), "a/b": []byte("{}")}
		object, err := keepersync.ObjectOf(values)
		if err != nil {
			t.Fatal(err)
		}
		want := `{"a":"","a/b":"{}","b":"\"\u000a<é","bin_base64":"/wA=","tls_base64":"/wA="}`
		if string(object) != want {
			t.Errorf("got %s, want %s", object, want)
		}
		back, err := keepersync.Members(object, func(key string) bool { _, ok := values[key]; return ok })
		if err != nil || !maps.EqualFunc(back, values, bytes.Equal) {
			t.Errorf("back: %q, %v", back, err)
		}
	})
	t.Run("TwoOfOneKey", func(t *testing.T) {
		_, err := keepersync.ObjectOf(map[string][]byte{"k": {0xff}, "k_base64": []byte("c4n4ry")})
		if !fault.Is(err, fault.Invalid) || strings.Contains(err.Error(), "c4n4ry") {
			t.Errorf("got %v", err)
		}
	})
}

// FuzzCanonicalObject holds the canonical text against the standard library's reading.
func FuzzCanonicalObject(f *testing.F) {
	for _, seed := range []string{`{"a":[1,{"b":"\u00e9\n"}],"\ud83d\ude00":-0.0e+1}`, `{"a":1,"a":2}`, `[]`, nest(101), `{"a":"\ud800"}`, " {\t\"x\" :null } "} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		before := bytes.Clone(text)
		got, err := keepersync.CanonicalObject(text)
		if !bytes.Equal(text, before) {
			t.Fatal("the text was written to")
		}
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatal(err)
			}
			return
		}
		if again, err := keepersync.CanonicalObject(got); err != nil || !bytes.Equal(again, got) {
			t.Fatalf("%q is not canonical: %q, %v", got, again, err)
		}
		if !reflect.DeepEqual(read(t, text), read(t, got)) {
			t.Fatalf("%q reads differently from %q", got, text)
		}
		if members, err := keepersync.Members(text, nil); err != nil || len(members) == 0 != (string(got) == "{}") {
			t.Fatalf("%d members of %q, %v", len(members), got, err)
		}
	})
}

func read(t *testing.T, text []byte) map[string]any {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil {
		t.Fatal(err)
	}
	return object
}
