package destinations

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/keys"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/kms/drivertest"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
	keepersync "github.com/your-org/keeper/sync"
)

func hasher(t testing.TB) kms.Hasher {
	t.Helper()
	s := storetest.SQLite(t)
	envelope, err := kms.NewEnvelope(keys.NewRows(s), drivertest.NewFake(models.RecipientLocal, "k"), kms.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(envelope.Close)
	e := models.Environment{Name: "production"}
	if err := s.Write(t.Context(), func(tx *store.Tx) error { return tx.CreateEnvironment(&e) }); err != nil {
		t.Fatal(err)
	}
	h, err := envelope.Hasher(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func text(s string) models.Plaintext { return models.NewPlaintext([]byte(s)) }

var objects = form{object: true, key: "value"}

func TestForm(t *testing.T) {
	h := hasher(t)
	for name, c := range map[string]struct {
		kind         models.SecretType
		value, entry string
		back         string // "": the value itself
	}{
		"Object":           {models.JSON, `{ "b": 1.0, "a": {"d":2, "c":"é"} }`, `{"a":{"c":"é","d":2},"b":1}`, `{"a":{"c":"é","d":2},"b":1}`},
		"EmptyObject":      {models.JSON, " {} ", `{}`, `{}`},
		"Array":            {models.JSON, `[1, 2]`, `{"value":"[1, 2]"}`, ""},
		"JSONText":         {models.JSON, `"x"`, `{"value":"\"x\""}`, ""},
		"Text":             {models.Text, "x\n", `{"value":"x\u000a"}`, ""},
		"TextOfAnObject":   {models.Text, `{"value":"x"}`, `{"value":"{\"value\":\"x\"}"}`, ""},
		"YAML":             {models.YAML, "a: 1\n", `{"value":"a: 1\u000a"}`, ""},
		"LikeTheForm":      {models.JSON, `{"value":"[1]"}`, `{"value":"[1]"}`, ""},
		"LikeABinaryValue": {models.JSON, `{"value_base64":"/wA="}`, `{"value_base64":"/wA="}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			entry, err := objects.of(c.kind, text(c.value))
			if err != nil || string(entry.Reveal()) != c.entry {
				t.Fatalf("stands as %s, %v; want %s", entry.Reveal(), err, c.entry)
			}
			back, err := objects.back(c.kind, isObject(c.kind, []byte(c.value)), entry)
			want := c.value
			if c.back != "" {
				want = c.back
			}
			if err != nil || string(back.Reveal()) != want {
				t.Errorf("comes back as %s, %v; want %s", back.Reveal(), err, want)
			}
			agree(t, h, c.kind, []byte(c.value))
		})
	}
}

// agree holds that the hash which is known without opening a value is that of its form.
func agree(t testing.TB, h kms.Hasher, kind models.SecretType, value []byte) {
	t.Helper()
	v := models.NewPlaintext(bytes.Clone(value))
	var known []byte
	if kind == models.JSON {
		known = EntryHash(h, v)
	}
	want, err := objects.desired(h, kind, h.Sum(v), known)
	entry, formErr := objects.of(kind, v)
	if (err == nil) != (formErr == nil) {
		t.Fatalf("%s: known as %v, formed as %v", value, err, formErr)
	}
	if err != nil {
		if !fault.Is(err, fault.Invalid) {
			t.Fatal(err)
		}
		return
	}
	got, err := objects.hash(h, entry)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("the form of %s has another hash than is known (%v)", value, err)
	}
}

func TestFormOfWhatHasNone(t *testing.T) {
	for _, value := range []string{`{"a":1,"a":2}`, `{"a":"\ud800"}`, `{"a":[12345678901234567890]}`} {
		if _, err := objects.of(models.JSON, text(value)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", value, err)
		}
		agree(t, hasher(t), models.JSON, []byte(value))
	}
}

func TestBackOfOtherEntries(t *testing.T) {
	for name, c := range map[string]struct {
		kind      models.SecretType
		wasObject bool
		entry     string
		want      string // "": refused
	}{
		"MoreKeysOfAText":      {models.Text, false, `{"value":"x","more":"y"}`, ""},
		"AnotherKeyOfAText":    {models.Password, false, `{"other":"x"}`, ""},
		"ANumberForAText":      {models.Text, false, `{"value":5}`, ""},
		"NothingForAText":      {models.Text, false, `{}`, ""},
		"MoreKeysOfAnArray":    {models.JSON, false, `{"value":"[1]","more":"y"}`, `{"more":"y","value":"[1]"}`},
		"AnArrayForAnArray":    {models.JSON, false, `{"value":"[1]"}`, `[1]`},
		"NoJSONForAnArray":     {models.JSON, false, `{"value":"x"}`, `{"value":"x"}`},
		"AnObjectForAnArray":   {models.JSON, false, `{"value":"{}"}`, `{"value":"{}"}`},
		"AnArrayForAnObject":   {models.JSON, true, `{"value":"[1]"}`, `{"value":"[1]"}`},
		"OtherKeysOfAnObject":  {models.JSON, true, `{"z":1,"a":null}`, `{"a":null,"z":1}`},
		"ATextThatIsAnObject":  {models.Text, false, `{"value":"{}"}`, `{}`},
		"AnEmptyTextForAnyOne": {models.Text, false, `{"value":""}`, "empty"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := objects.back(c.kind, c.wasObject, text(c.entry))
			switch c.want {
			case "":
				if !fault.Is(err, fault.Invalid) || objects.untaken(c.kind, text(c.entry)) == "" {
					t.Errorf("got %s, %v", got.Reveal(), err)
				}
				return
			case "empty":
				c.want = ""
			}
			if err != nil || string(got.Reveal()) != c.want {
				t.Fatalf("got %s, %v; want %s", got.Reveal(), err, c.want)
			}
			again, err := objects.of(c.kind, got)
			canonical, _ := keepersync.CanonicalObject([]byte(c.entry))
			if err != nil || !bytes.Equal(again.Reveal(), canonical) {
				t.Errorf("what was taken would stand as %s, %v", again.Reveal(), err)
			}
		})
	}
}

// FuzzForm holds that whatever comes back of an entry has that entry as its form, that hashes
// agree, and that two entries have one hash only where they are one entry.
func FuzzForm(f *testing.F) {
	for _, seed := range [][2]string{
		{`{"value":"[1]"}`, `[1]`},
		{`{"a":1}`, `{"a":1.0}`},
		{`{"value_base64":"/wA="}`, `{"value":"x"}`},
		{`{"a":"b"}`, `{"a":{"b":"c"}}`},
		{`{"value":5}`, `{"value":"5"}`},
		{`{"a":1,"a":2}`, "\xff"},
	} {
		f.Add(seed[0], seed[1])
	}
	h := hasher(f)
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, kind := range []models.SecretType{models.JSON, models.Text} {
			if kind == models.JSON && !json.Valid([]byte(a)) {
				continue
			}
			agree(t, h, kind, []byte(a))
		}
		first, err := keepersync.CanonicalObject([]byte(a))
		if err != nil {
			return
		}
		for _, kind := range []models.SecretType{models.JSON, models.Text} {
			for _, wasObject := range []bool{true, false} {
				value, err := objects.back(kind, wasObject, text(a))
				if err != nil {
					continue
				}
				rounded, exact := keepersync.RoundNumbers(first)
				again, err := objects.of(kind, value)
				if !exact && err != nil {
					continue
				}
				if again, _ := keepersync.CanonicalObject(again.Reveal()); err != nil || !bytes.Equal(again, rounded) {
					t.Fatalf("%s comes back as %s, which stands as %s, %v", a, value.Reveal(), again, err)
				}
			}
		}
		second, err := keepersync.CanonicalObject([]byte(b))
		if err != nil {
			return
		}
		one, _ := objects.hash(h, text(a))
		two, _ := objects.hash(h, text(b))
		first, _ = keepersync.RoundNumbers(first)
		second, _ = keepersync.RoundNumbers(second)
		if bytes.Equal(one, two) != bytes.Equal(first, second) {
			t.Fatalf("%s and %s: one hash %t, one entry %t", a, b, bytes.Equal(one, two), bytes.Equal(first, second))
		}
	})
}
