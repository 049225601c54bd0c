package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/api"
)

const canary = "canary-7f3a"

// carriers are all types that hold a value, each with the canary as its value.
var carriers = []any{
	api.SecretWithValue{Value: api.NewValue(canary)},
	api.VersionWithValue{Value: api.NewValue(canary)},
	api.CreatedToken{Text: api.NewValue(canary)},
	api.CreatedUser{Password: api.NewValue(canary)},
	api.OneTimePassword{Password: api.NewValue(canary)},
	api.FoundToken{Text: api.NewValue(canary)},
	api.AlertChannelWithKey{SigningKey: api.NewValue(canary)},
	api.NewAlertChannel{Secret: api.NewValue(canary)},
	api.AlertChannelChange{Secret: api.NewValue(canary)},
	api.NewSecret{Name: "a", Value: api.NewValue(canary)},
	api.ReplaceSecret{Value: api.NewValue(canary)},
	api.SecretChange{Value: api.NewValue(canary)},
	api.NewDestination{Credentials: api.DestinationCredentials{SecretAccessKey: api.NewValue(canary)}},
	api.DestinationChange{Credentials: &api.DestinationCredentials{VaultToken: api.NewValue(canary)}},
	api.DestinationChange{Credentials: &api.DestinationCredentials{JWT: api.NewValue(canary)}},
}

func TestValueHidesItself(t *testing.T) {
	for _, carrier := range carriers {
		t.Run(reflect.TypeOf(carrier).Name(), func(t *testing.T) {
			var out bytes.Buffer
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
				fmt.Fprintf(&out, verb, carrier)
			}
			slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "y", carrier)
			slog.New(slog.NewTextHandler(&out, nil)).Info("x", "y", carrier)
			plain, err := json.Marshal([]any{carrier, &carrier})
			if err != nil {
				t.Fatal(err)
			}
			out.Write(plain)
			if text := out.String(); strings.Contains(text, canary) || strings.Contains(text, fmt.Sprintf("%x", canary)) {
				t.Errorf("the value shows: %s", text)
			}
		})
	}
}

func TestMarshal(t *testing.T) {
	for _, carrier := range carriers {
		t.Run(reflect.TypeOf(carrier).Name(), func(t *testing.T) {
			wire, err := api.Marshal(carrier)
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(wire), canary); n != 1 {
				t.Errorf("the value stands %d times in %s, want once", n, wire)
			}
			back := reflect.New(reflect.TypeOf(carrier))
			if err := json.Unmarshal(wire, back.Interface()); err != nil {
				t.Fatal(err)
			}
			// Compared by reflect: go-cmp prints what differs, and cannot see the values.
			if got := back.Elem().Interface(); !reflect.DeepEqual(got, carrier) {
				t.Errorf("it came back changed from %s", wire)
			}
		})
	}
	t.Run("NothingElseIsExposed", func(t *testing.T) {
		wire, err := api.Marshal([]api.SecretWithValue{{Value: api.NewValue(canary)}})
		if err != nil || strings.Contains(string(wire), canary) {
			t.Errorf("got %s, %v; want no value", wire, err)
		}
	})
	t.Run("NotGiven", func(t *testing.T) {
		wire, err := api.Marshal(api.SecretChange{})
		if err != nil || strings.TrimSpace(string(wire)) != "{}" {
			t.Errorf("got %s, %v; want {}", wire, err)
		}
	})
}

func TestValueUnmarshalJSON(t *testing.T) {
	for raw, want := range map[string]string{
		`""`:                          "",
		`"a\nb"`:                      "a\nb",
		`"\ud83d\ude00"`:              "😀",
		`"\uD83D\uDE00\\ud83d"`:       `😀\ud83d`,
		`"\ufffd"`:                    "\ufffd",
		"\"\ufffd\"":                  "\ufffd",
		`"\\\\ud800"`:                 `\\ud800`,
		`"<&>` + "\u2028" + `\u2029"`: "<&>\u2028\u2029",
	} {
		var v api.Value
		if err := json.Unmarshal([]byte(raw), &v); err != nil || v.Reveal() != want || v.IsZero() {
			t.Errorf("%s is %q, %v; want %q", raw, v.Reveal(), err, want)
		}
	}
	for _, raw := range []string{
		`null`, `1234567`, `true`, `{"a":1234567}`, `["1234567"]`,
		`"1234567\ud800"`, `"1234567\udc00\ud800"`, `"1234567\ud83dx"`, `"1234567\ud83d\n"`, `"1234567\ud83d\u0041"`, "\"1234567\xff\"",
	} {
		var v api.Value
		err := json.Unmarshal([]byte(raw), &v)
		if err == nil {
			t.Errorf("%q was accepted", raw)
		} else if strings.Contains(err.Error(), "1234567") {
			t.Errorf("the error quotes the value: %v", err)
		}
	}
}

func FuzzValueUnmarshalJSON(f *testing.F) {
	f.Add("plain")
	f.Add("\ufffd\"\\u\u2028😀")
	f.Fuzz(func(t *testing.T, text string) {
		wire, err := api.Marshal(api.NewSecret{Value: api.NewValue(text)})
		if (err == nil) != utf8.ValidString(text) {
			t.Fatalf("%q: got %v", text, err)
		}
		if err != nil {
			return
		}
		var back api.NewSecret
		if err := json.Unmarshal(wire, &back); err != nil {
			t.Fatal(err)
		}
		if back.Value.Reveal() != text {
			t.Errorf("%q came back as %q", text, back.Value.Reveal())
		}
	})
}

func TestEnvironmentRef(t *testing.T) {
	for raw, want := range map[string]api.EnvironmentRef{
		`3`: api.EnvironmentByID(3), `"3"`: api.EnvironmentByID(3), `"production"`: api.EnvironmentNamed("production"),
	} {
		var got api.EnvironmentRef
		if err := json.Unmarshal([]byte(raw), &got); err != nil || got != want {
			t.Errorf("%s is %v, %v; want %v", raw, got, err, want)
		}
	}
	for _, raw := range []string{`null`, `1.5`, `{}`, `true`, `99999999999999999999`} {
		var got api.EnvironmentRef
		if err := json.Unmarshal([]byte(raw), &got); err == nil {
			t.Errorf("%s was accepted", raw)
		}
	}
	if out, _ := json.Marshal([]api.EnvironmentRef{api.EnvironmentNamed("7"), api.EnvironmentNamed("a")}); string(out) != `[7,"a"]` {
		t.Errorf("got %s", out)
	}
}

func TestExpiry(t *testing.T) {
	at := time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)
	for raw, want := range map[string]*time.Time{
		`{}`: nil, `{"expires_at":null}`: {}, `{"expires_at":"2027-01-02T03:04:05Z"}`: &at,
	} {
		var change api.SecretChange
		if err := json.Unmarshal([]byte(raw), &change); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, change.ExpiresAt.Time()); diff != "" {
			t.Errorf("%s: -want +got\n%s", raw, diff)
		}
		if back, _ := api.Marshal(change); strings.TrimSpace(string(back)) != raw {
			t.Errorf("%s came back as %s", raw, back)
		}
	}
	var change api.SecretChange
	if err := json.Unmarshal([]byte(`{"expires_at":"tomorrow"}`), &change); err == nil {
		t.Error("a word was accepted as a time")
	}
}

func TestHoldsValue(t *testing.T) {
	for _, carrier := range carriers {
		for _, held := range []any{carrier, &carrier, []any{1, carrier}, map[string]any{"a": carrier}, struct{ X any }{carrier}} {
			if !api.HoldsValue(held) {
				t.Errorf("%T: its value was not found", carrier)
			}
		}
		if empty := reflect.Zero(reflect.TypeOf(carrier)).Interface(); api.HoldsValue(empty) {
			t.Errorf("%T: a value was found in an empty one", carrier)
		}
	}
	if !api.HoldsValue(api.Export{Items: []api.ExportedSecret{{}, {Value: api.NewValue("")}}}) {
		t.Error("a value in a list was not found, though it is empty")
	}
	for _, without := range []any{nil, api.Secret{CreatedAt: time.Now(), Tags: api.Tags{"a": "b"}}, api.Problem{}, "text", (*api.CreatedToken)(nil)} {
		if api.HoldsValue(without) {
			t.Errorf("%T: a value was found", without)
		}
	}
}
