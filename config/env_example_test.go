package config_test

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/joho/godotenv"

	"github.com/your-org/keeper/config"
)

// A setting stands in .env.example as #NAME=default, words as "# words".
var exampleLine = regexp.MustCompile(`(?m)^#([A-Z][A-Z0-9_]*)=(.*)$`)

func TestEnvExample(t *testing.T) {
	text, err := os.ReadFile("../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	t.Run("NamesEverySettingOnce", func(t *testing.T) {
		var names []string
		for _, line := range exampleLine.FindAllStringSubmatch(string(text), -1) {
			names = append(names, line[1])
		}
		slices.Sort(names)
		if diff := cmp.Diff(config.Names(), names); diff != "" {
			t.Errorf("settings of Keeper and of .env.example (-want +got):\n%s", diff)
		}
	})
	t.Run("SetsNothing", func(t *testing.T) {
		set, err := godotenv.Parse(bytes.NewReader(text))
		if err != nil || len(set) > 0 {
			t.Errorf("copied as it is, it sets %v, %v; want nothing", set, err)
		}
	})
	t.Run("ShowsTheDefaults", func(t *testing.T) {
		// With every line in force Keeper must be as it is with none.
		set, err := godotenv.Parse(bytes.NewReader(exampleLine.ReplaceAll(text, []byte("$1=$2"))))
		if err != nil {
			t.Fatal(err)
		}
		got, err := config.Load(nil, set)
		if err != nil {
			t.Fatal(err)
		}
		want, err := config.Load(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		same := cmp.Comparer(func(a, b config.Secret) bool { return a.Reveal() == b.Reveal() })
		if diff := cmp.Diff(want, got, same); diff != "" {
			t.Errorf("defaults and .env.example (-want +got):\n%s", diff)
		}
	})
}

// A row of docs/settings.md begins with the setting and its default.
var settingRow = regexp.MustCompile("(?m)^\\| `([A-Z][A-Z0-9_]*)` \\| ([^|]*) \\|")

func TestSettingsDocument(t *testing.T) {
	document, err := os.ReadFile("../docs/settings.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	want, got := map[string]string{}, map[string]string{}
	for _, line := range exampleLine.FindAllStringSubmatch(string(example), -1) {
		want[line[1]] = line[2]
	}
	for _, row := range settingRow.FindAllStringSubmatch(string(document), -1) {
		got[row[1]] = strings.Trim(strings.TrimSpace(row[2]), "`")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings and defaults of .env.example and docs/settings.md (-want +got):\n%s", diff)
	}
}
