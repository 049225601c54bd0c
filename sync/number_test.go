package sync_test

import (
	"encoding/json"
	"strconv"
	"testing"

	keepersync "github.com/your-org/keeper/sync"
)

func TestRoundNumbers(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "-0": "-0", "0.0e5": "0", "1.0": "1", "1e2": "100", "100": "100", "0.1": "0.1", "1E-7": "1e-7", "0.0000001": "1e-7", "1e21": "1e+21",
		"9007199254740993": "", "9007199254740992": "9007199254740992", "12345678901234567890": "", "12345678901234567000": "12345678901234567000",
		"3.14159265358979323846": "", "1e400": "", "1e-400": "", "1e-99999999999999999999": "", "0e99999999999999999999": "0", "1.50": "1.5", "-2.50e1": "-25",
	} {
		got, exact := keepersync.RoundNumbers([]byte(`{"a":[` + text + `,"1.0"]}`))
		if exact != (want != "") {
			t.Errorf("%s is exact: %t", text, exact)
		}
		if want == "" {
			want = text
		}
		if string(got) != `{"a":[`+want+`,"1.0"]}` {
			t.Errorf("%s became %s, want %s", text, got, want)
		}
	}
}

// FuzzRoundNumbers holds that what is rounded is what the standard library reads and writes
// again, and that it stays so.
func FuzzRoundNumbers(f *testing.F) {
	for _, seed := range []string{"1.0", "-0.0e-3", "9007199254740993", "1e308", "5e-324", "0.30000000000000004"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		float, err := strconv.ParseFloat(text, 64)
		canonical, invalid := keepersync.CanonicalObject([]byte(`{"a":` + text + `}`))
		if err != nil || invalid != nil {
			return
		}
		rounded, exact := keepersync.RoundNumbers(canonical)
		if again, _ := keepersync.RoundNumbers(rounded); string(again) != string(rounded) {
			t.Fatalf("%s became %s and then %s", text, rounded, again)
		}
		if encoded, _ := json.Marshal(map[string]float64{"a": float}); exact && string(encoded) != string(rounded) {
			t.Fatalf("%s became %s, want %s", text, rounded, encoded)
		}
	})
}
