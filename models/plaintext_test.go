package models_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/your-org/keeper/models"
)

const canary = "canary-plaintext"

// holder holds a value as careless code would: in an unexported field, behind a pointer, in
// a slice, in a map.
type holder struct {
	Shown  models.Plaintext
	hidden models.Plaintext
	more   []models.Plaintext
	byName map[string]models.Plaintext
}

func TestPlaintextCannotPrintItself(t *testing.T) {
	value := models.NewPlaintext([]byte(canary))
	h := holder{Shown: value, hidden: value, more: []models.Plaintext{value}, byName: map[string]models.Plaintext{"a": value}}
	credentials := models.DestinationCredentials{VaultToken: value}
	forbidden := []string{canary, hex.EncodeToString([]byte(canary)), strings.Trim(fmt.Sprint([]byte(canary)), "[]"), "Y2FuYXJ5LXBsYWludGV4d"}
	check := func(how, text string) {
		t.Helper()
		for _, form := range forbidden {
			if strings.Contains(strings.ToLower(text), strings.ToLower(form)) {
				t.Errorf("%s prints the value: %s", how, text)
			}
		}
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%f", "%w", "%p", "%c", "%U"} {
		for _, what := range []any{value, &value, h, &h, []holder{h}, credentials, &credentials, struct {
			c *models.DestinationCredentials
		}{&credentials}} {
			check(fmt.Sprintf("%s of %T", verb, what), fmt.Sprintf(verb, what))
		}
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "value", value, "holder", h, "pointer", &h, "credentials", credentials)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "value", value, "holder", h, "pointer", &h, "credentials", credentials)
	check("slog", log.String())
	encoded, err := json.Marshal(map[string]any{"value": value, "holder": h, "credentials": credentials})
	if err != nil {
		t.Fatal(err)
	}
	check("JSON", string(encoded))
}

func TestPlaintextZero(t *testing.T) {
	b := []byte(canary)
	value := models.NewPlaintext(b)
	if string(value.Reveal()) != canary || value.Len() != len(canary) {
		t.Fatalf("the value does not come back")
	}
	value.Zero()
	if !bytes.Equal(b, make([]byte, len(canary))) {
		t.Error("the bytes are not overwritten")
	}
	var none models.Plaintext
	none.Zero()
	if none.Len() != 0 || none.Reveal() != nil {
		t.Error("the zero value holds something")
	}
}
