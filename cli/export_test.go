package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/joho/godotenv"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/fault"
)

// awkward are values that quoting gets wrong where it can.
var awkward = map[string]string{
	"plain": "abc", "space": " a b ", "quote": "it's", "double": `say "x"`, "both": `it's "x"`, "dollar": "$HOME ${HOME} $(id)",
	"all": "'\"\\$`!#=\n\t", "backtick": "`id`", "two-lines": "a\nb\n", "crlf": "a\r\nb", "backslash": `a\b\\c\`, "slash-n": `a\nb`,
	"hash": "a # b", "json": `{"a": "b\n", "c": [1, 2]}`, "number": "0123", "bool": "yes", "null": "~", "date": "2026-01-01", "colon": "a: b",
	"unicode": "üñ日本\U0001F600", "breaks": "a\u0085b\u2028c\u2029d\ufeffe", "control": "\x01\x1b[31m\x7f", "tag": "!!binary x", "anchor": "&a *a",
	"quotes-at-ends": `"x"`, "single-at-ends": "'x'", "export": "export A=b", "percent": "%s%n", "empty-ish": " ",
}

func sample() exported {
	x := exported{Environment: "production"}
	for name, value := range awkward {
		x.Secrets = append(x.Secrets, exportedSecret{Name: name, Type: "TEXT", Value: value, Version: 3, Description: value, Tags: api.Tags{"k": value}})
	}
	return x
}

func TestExportJSONAndYAMLHoldEveryValue(t *testing.T) {
	want := sample()
	want.Unknown = []api.UnknownSecret{{ID: 7, Name: "gone", Problem: "Its key is away."}}
	asJSON, err := exportJSON(want)
	if err != nil {
		t.Fatal(err)
	}
	var got exported
	if err := json.Unmarshal(asJSON, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("JSON: -want +got\n%s", diff)
	}
	asYAML, err := exportYAML(want)
	if err != nil {
		t.Fatal(err)
	}
	// By way of JSON, for its names of the fields.
	var tree any
	if err := yaml.Unmarshal(asYAML, &tree); err != nil {
		t.Fatalf("%v\n%s", err, asYAML)
	}
	text, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	got = exported{}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("YAML: -want +got\n%s", diff)
	}
	none, err := exportYAML(exported{Environment: "e"})
	if err != nil || !strings.Contains(string(none), "secrets: []") {
		t.Errorf("of none: %s, %v", none, err)
	}
}

// TestDotenv reads the file by a shell, and what is said to be read alike by godotenv too.
func TestDotenv(t *testing.T) {
	var talk bytes.Buffer
	e := &env{std: Stdio{Err: &talk}}
	text, err := e.dotenv(sample())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "x.env")
	if err := writePrivate(file, text); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "/bin/sh", "-c", `set -a; . "$1"; exec env -0`, "sh", file)
	command.Env = []string{"HOME=/elsewhere"}
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	read := map[string]string{}
	for pair := range strings.SplitSeq(string(out), "\x00") {
		name, value, _ := strings.Cut(pair, "=")
		read[name] = value
	}
	_, list, _ := strings.Cut(talk.String(), "programs: ")
	list, _, _ = strings.Cut(list, ". Take")
	unsure := strings.Split(list, ", ")
	for name, value := range awkward {
		if got := read[variable(name)]; got != value {
			t.Errorf("%s: a shell reads %q, want %q", name, got, value)
		}
		quoted, alike := dotenvValue(value)
		if alike == slices.Contains(unsure, name) {
			t.Errorf("%s: read alike %t, but named are %v", name, alike, unsure)
		}
		if !alike {
			continue
		}
		parsed, err := godotenv.Unmarshal("A=" + quoted + "\nB=1\n")
		if err != nil || parsed["A"] != value || parsed["B"] != "1" {
			t.Errorf("%s: godotenv reads %q, %v; want %q", name, parsed["A"], err, value)
		}
	}
}

func TestDotenvRefuses(t *testing.T) {
	e := &env{std: Stdio{Err: &bytes.Buffer{}}}
	_, err := e.dotenv(exported{Secrets: []exportedSecret{{Name: "a/b", Value: "canary"}, {Name: "c"}, {Name: "A-b", Value: "canary"}}})
	if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "a/b and A-b (A_B)") || strings.Contains(err.Error(), "canary") {
		t.Errorf("two of one name: %v", err)
	}
	_, err = e.dotenv(exported{Secrets: []exportedSecret{{Name: "nul", Value: "a\x00b"}}})
	if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "nul") {
		t.Errorf("a NUL: %v", err)
	}
}

func TestVariable(t *testing.T) {
	for name, want := range map[string]string{"payments/stripe/api-key": "PAYMENTS_STRIPE_API_KEY", "1password": "_1PASSWORD", "a.b@c+d=e": "A_B_C_D_E"} {
		if got := variable(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

func TestWritePrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	if err := writePrivate(path, []byte("one")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := writePrivate(path, []byte("two")); !fault.Is(err, fault.Conflict) {
		t.Errorf("over a file: %v", err)
	}
	if text, err := os.ReadFile(path); string(text) != "one" || err != nil {
		t.Errorf("it holds %q, %v", text, err)
	}
}
