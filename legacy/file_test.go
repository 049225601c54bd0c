package legacy

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// collect reads all rows, and the error that cut them.
func collect(rows Rows) (all []Row, cut error) {
	for row, err := range rows {
		if err != nil {
			return all, err
		}
		all = append(all, row)
	}
	return all, nil
}

// TestTheSameRows reads one set of rows in its forms.
func TestTheSameRows(t *testing.T) {
	read := func(name string) []Row {
		file, err := os.Open("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		rows, err := collect(Read(file, name))
		if err != nil || len(rows) != 16 {
			t.Fatalf("%s: %d rows, %v", name, len(rows), err)
		}
		for i := range rows {
			if rows[i].Place == "" {
				t.Errorf("%s: row %d has no place", name, i)
			}
			rows[i].Place = ""
		}
		return rows
	}
	want := read("export.json")
	if first := want[0]; first.Name != "payments/db/password" || first.Environment != "production" || first.Type != "PASSWORD" ||
		!strings.HasPrefix(first.Token, "gAAAA") || first.Description != "of the database" || first.CreatedAt == "" {
		t.Errorf("the first row is %+v", first)
	}
	for _, name := range []string{"export.jsonl", "export.csv"} {
		if diff := cmp.Diff(want, read(name)); diff != "" {
			t.Errorf("%s: -JSON +this\n%s", name, diff)
		}
	}
}

func TestForms(t *testing.T) {
	for name, c := range map[string]struct {
		file, text string
		want       []string // names, or problems
		cut        string
	}{
		"array":            {"", `[{"name":"a"},{"NAME":"b"}]`, []string{"a", "b"}, ""},
		"wrapped":          {"", `{"count":2,"secrets":[{"name":"a"},{"name":"b"}],"more":{}}`, []string{"a", "b"}, ""},
		"one object":       {"", "{\n\"name\": \"a\"\n}", []string{"a"}, ""},
		"objects":          {"", "{\n\"name\": \"a\"\n}\n{\n\"name\": \"b\"\n}", []string{"a", "b"}, ""},
		"lines":            {"", "{\"name\":\"a\"}\n\n{\"name\":\"b\"}", []string{"a", "b"}, ""},
		"a bad line":       {"", "{\"name\":\"a\"}\n{\"name\n{\"name\":\"c\"}", []string{"a", "It is not a JSON object.", "c"}, ""},
		"a bad first line": {"x.jsonl", "{\"name\n{\"name\":\"c\"}", []string{"It is not a JSON object.", "c"}, ""},
		"no objects":       {"", `[1,null,"x",{"name":"a"}]`, []string{"It is not a JSON object.", "It is not a JSON object.", "It is not a JSON object.", "a"}, ""},
		"byte order mark":  {"", "\ufeff[{\"name\":\"a\"}]", []string{"a"}, ""},
		"cut array":        {"", `[{"name":"a"},{"na`, []string{"a"}, "further than 1 rows"},
		"not closed":       {"", `[{"name":"a"}`, []string{"a"}, "further than 1 rows"},
		"cut wrapper":      {"", `{"secrets":[{"name":"a"}]`, []string{"a"}, "further than 1 rows"},
		"garbage behind":   {"", `[{"name":"a"}] x`, []string{"a"}, "further than 1 rows"},
		"null secrets":     {"", `{"secrets":null}`, nil, "further than 0 rows"},
		"CSV":              {"", "\ufeffName, Ciphertext\na,x\n\"b\nb\",y\n", []string{"a", "b\nb"}, ""},
		"CSV, short row":   {"", "name,ciphertext\na\nb,x\n", []string{"It has 1 fields, the line of names 2.", "b"}, ""},
		"CSV, bare quote":  {"", "name,ciphertext\na,x\"y\nb,x\n", []string{"It has a quote inside a field that is not quoted.", "b"}, ""},
		"CSV, open quote":  {"", "name,ciphertext\na,x\n\"b,x\nc,x\n", []string{"a"}, "further than 1 rows"},
		"CSV, no header":   {"", "a,b\nc,d\n", nil, "does not name its columns"},
		"nothing":          {"", "", nil, "does not name its columns"},
		"an empty array":   {"", "[]", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			rows, err := collect(Read(strings.NewReader(c.text), c.file))
			var got []string
			for _, row := range rows {
				if row.Problem != "" {
					got = append(got, row.Problem)
					continue
				}
				got = append(got, row.Name)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("rows: -want +got\n%s", diff)
			}
			if (err == nil) != (c.cut == "") || err != nil && !strings.Contains(err.Error(), c.cut) {
				t.Errorf("got %v, want an error with %q", err, c.cut)
			}
		})
	}
}

func TestColumns(t *testing.T) {
	rows, err := collect(Read(strings.NewReader(`[{"name":" a ","encrypted_value":null,"ciphertext":"t","environment_name":"e","type":"TEXT","created_at":5}]`), ""))
	want := []Row{{Place: "row 1", Name: "a", Environment: "e", Type: "TEXT", Token: "t", CreatedAt: "5"}}
	if diff := cmp.Diff(want, rows); diff != "" || err != nil {
		t.Errorf("-want +got\n%s, %v", diff, err)
	}
}

// fuzz reads whatever there is; a row is never without its place.
func fuzz(f *testing.F, read func(text string) Rows, seeds ...string) {
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		rows, _ := collect(read(text))
		for _, row := range rows {
			if row.Place == "" {
				t.Errorf("a row without a place")
			}
		}
		if len(rows) > len(text) {
			t.Errorf("%d rows of %d bytes", len(rows), len(text))
		}
	})
}

func FuzzJSON(f *testing.F) {
	fuzz(f, func(text string) Rows { return rowsOfJSON(strings.NewReader(text)) },
		`[{"name":"a"}]`, `{"secrets":[{"name":"a"}],"x":1}`, `{"name":"a"}{"name":"b"}`, `[1,{"name":[]}]`)
}

func FuzzLines(f *testing.F) {
	fuzz(f, func(text string) Rows { return rowsOfLines(strings.NewReader(text)) }, "{\"name\":\"a\"}\n{}\n", "x\n\n[]")
}

func FuzzCSV(f *testing.F) {
	fuzz(f, func(text string) Rows { return rowsOfCSV(strings.NewReader(text)) },
		"name,ciphertext\na,b\n", "name,ciphertext\n\"a\nb\",c\nx\n", "name,ciphertext\na,b\"c\n\"")
}
