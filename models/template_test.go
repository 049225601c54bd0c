package models_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

func template(t testing.TB, text string) models.NameTemplate {
	t.Helper()
	parsed, problem := models.ParseNameTemplate(text)
	if problem != "" {
		t.Fatalf("%s %s", text, problem)
	}
	return parsed
}

func TestParseNameTemplate(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "",
		"{name}":                            "",
		"apps/{tag:team}/{type}-{name}.v1":  "",
		"{environment}/{name}":              "",
		"{tag:Cost Center}/{name}":          "",
		"fixed":                             "must hold {name}",
		"{type}":                            "must hold {name}",
		"{name":                             "without a } after",
		"name}":                             "without a { before",
		"{}{name}":                          "none of {environment}",
		"{Name}":                            "none of {environment}",
		"{name}{name}":                      "{name} twice",
		"{tag:a}/{name}/{tag:a}":            "{tag:a} twice",
		"{tag:}{name}":                      "no tag can have",
		"{tag:keeper:x}{name}":              "no tag can have",
		"a b/{name}":                        "may hold only letters",
		"{{name}}":                          "none of {environment}",
		"/{name}":                           "slash",
		"a//{name}":                         "slash",
		"{name}/":                           "slash",
		"{name}/../x":                       "segment",
		strings.Repeat("a", 600) + "{name}": "512 characters",
		"{tag:1}{tag:2}{tag:3}{tag:4}{tag:5}{tag:6}{tag:7}{tag:8}{tag:9}{name}": "8 tags",
	} {
		t.Run(text, func(t *testing.T) {
			_, problem := models.ParseNameTemplate(text)
			if want == "" && problem != "" || !strings.Contains(problem, want) {
				t.Errorf("got %q, want %q", problem, want)
			}
		})
	}
}

func TestNameTemplate(t *testing.T) {
	fields := func(name string, tags ...string) models.NameFields {
		f := models.NameFields{Name: name}
		for i := 0; i < len(tags); i += 2 {
			if f.Tags == nil {
				f.Tags = map[string]string{}
			}
			f.Tags[tags[i]] = tags[i+1]
		}
		return f
	}
	typed := func(f models.NameFields, environment string, kind models.SecretType) models.NameFields {
		f.Environment, f.Type = environment, kind
		return f
	}
	for _, c := range []struct {
		template string
		fields   models.NameFields
		want     string
	}{
		{"", fields("payments/db"), "payments/db"},
		{"{name}", fields("payments/db"), "payments/db"},
		{"{environment}/{name}", typed(fields("db"), "production", ""), "production/db"},
		{"x-{type}/{name}", typed(fields("db"), "", models.APIKey), "x-api_key/db"},
		{"{tag:team}/{name}", fields("a/b", "team", "core"), "core/a/b"},
		{"{name}.{tag:Tier}", fields("a/b", "Tier", "1"), "a/b.1"},
		{"{type}{name}", typed(fields("x"), "", models.JSON), "jsonx"},
	} {
		t.Run(c.template, func(t *testing.T) {
			parsed := template(t, c.template)
			got, err := parsed.Render(c.fields)
			if err != nil || got != c.want {
				t.Fatalf("got %s, %v; want %s", got, err, c.want)
			}
			back, ok := parsed.Match("production", got)
			if diff := cmp.Diff(c.fields, back); !ok || diff != "" {
				t.Errorf("read back as %+v, %t: %s", back, ok, diff)
			}
		})
	}
	t.Run("LacksTag", func(t *testing.T) {
		for _, tags := range []map[string]string{nil, {"team": ""}, {"Team": "x"}} {
			_, err := template(t, "{tag:team}/{name}").Render(models.NameFields{Name: "a", Tags: tags})
			if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "team") {
				t.Errorf("%v: got %v", tags, err)
			}
		}
	})
	t.Run("Literal", func(t *testing.T) {
		for text, want := range map[string]string{"": "", "a/{name}": "a/", "{environment}-x/{tag:t}{name}": "prod-x/", "{type}/{name}": ""} {
			if got := template(t, text).Literal("prod"); got != want {
				t.Errorf("%s begins with %q, want %q", text, got, want)
			}
		}
	})
}

func TestNameTemplateDoesNotMatch(t *testing.T) {
	for _, c := range []struct{ why, template, name string }{
		{"another literal", "a/{name}", "b/x"},
		{"nothing left for the name", "a/{name}", "a/"},
		{"another environment", "{environment}/{name}", "staging/x"},
		{"no such type", "{type}/{name}", "secret/x"},
		{"a type in capitals", "{type}/{name}", "TEXT/x"},
		{"two readings", "{tag:a}-{name}", "x-y-z"},
		{"two readings of two tags", "{tag:a}{tag:b}/{name}", "abc/x"},
		{"a slash in a tag", "{name}+{tag:a}", "x+y/z"},
		{"no name of a secret", "{name}", "a//b"},
		{"nothing", "{name}", ""},
	} {
		t.Run(c.why, func(t *testing.T) {
			if f, ok := template(t, c.template).Match("production", c.name); ok {
				t.Errorf("read as %+v", f)
			}
		})
	}
	t.Run("LongNamesTakeNoTime", func(t *testing.T) {
		text := "{tag:1}{tag:2}{tag:3}{tag:4}{tag:5}{tag:6}{tag:7}{tag:8}{name}"
		if _, ok := template(t, text).Match("production", strings.Repeat("a", 512)); ok {
			t.Error("read in one way")
		}
	})
}

// FuzzNameTemplate holds that a name which is read back is rendered again, and that one that
// was rendered is read as what it was, or not at all.
func FuzzNameTemplate(f *testing.F) {
	f.Add("{tag:team}/{name}", "core", "a/b", "core/a/b")
	f.Add("{type}{name}-{tag:x}", "t", "n-m", "jsonn-m")
	f.Add("p/{environment}/{name}", "", "n", "p/production/n")
	f.Fuzz(func(t *testing.T, text, tag, name, there string) {
		parsed, problem := models.ParseNameTemplate(text)
		if problem != "" || len(there) > 40 || len(name)+len(tag) > 40 || len(text) > 60 {
			return
		}
		if got, ok := parsed.Match("production", there); ok {
			again, err := parsed.Render(got)
			if err != nil || again != there {
				t.Fatalf("%q reads %q as %+v, which is rendered %q, %v", text, there, got, again, err)
			}
		}
		fields := models.NameFields{Environment: "production", Type: models.SSHKey, Name: name, Tags: map[string]string{}}
		for _, key := range parsed.Tags() {
			fields.Tags[key] = tag
		}
		rendered, err := parsed.Render(fields)
		if err != nil || models.NameProblem(name) != "" || strings.Contains(tag, "/") {
			return
		}
		if got, ok := parsed.Match("production", rendered); ok && got.Name != name {
			t.Fatalf("%q renders %q as %q, and reads %q", text, name, rendered, got.Name)
		}
	})
}
