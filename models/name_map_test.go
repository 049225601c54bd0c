package models_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

func TestParseNameMap(t *testing.T) {
	for name, one := range map[string]struct {
		text string
		want map[string]string
	}{
		"Comma":     {"name there,secret\na/b,c\n\"x,y\",\n", map[string]string{"a/b": "c", "x,y": ""}},
		"Tab":       {"a\t b \r\nc\td\r\n", map[string]string{"a": "b", "c": "d"}},
		"Mark":      {"\ufeffname there,secret\na,b", map[string]string{"a": "b"}},
		"Empty":     {"", map[string]string{}},
		"NoHeading": {"a,b\nname there,secret\n", map[string]string{"a": "b", "name there": "secret"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := models.ParseNameMap([]byte(one.text))
			if diff := cmp.Diff(one.want, got); diff != "" || err != nil {
				t.Errorf("%v\n%s", err, diff)
			}
		})
	}
	for name, one := range map[string]struct{ text, want string }{
		"Columns": {"a,b\nc\n", "Line 2"},
		"Quote":   {"a,b\n\"c,d\n", "Line 2"},
		"Twice":   {"name there,secret\na,b\na,c\n", "Line 3"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := models.ParseNameMap([]byte(one.text))
			if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), one.want) {
				t.Errorf("got %v, want %q", err, one.want)
			}
		})
	}
}

func TestWriteNameMap(t *testing.T) {
	var text bytes.Buffer
	err := models.WriteNameMap(&text, []models.NameMapping{{"a/b#k", "c"}, {`odd,"name"`, ""}, {"tab\there", "x"}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := models.ParseNameMap(text.Bytes())
	if diff := cmp.Diff(map[string]string{"a/b#k": "c", `odd,"name"`: "", "tab\there": "x"}, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}
