package vaultkv_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/drivertest"
)

func write(c *counterpart, name, value string, version models.VersionNumber, replaces keepersync.Remote) keepersync.Write {
	return keepersync.Write{
		Name: c.Prefix() + name, Value: models.NewPlaintext([]byte(value)), Version: version, Replaces: replaces,
		Mark: keepersync.Mark{Owner: "ins_1", Destination: "dst_1", Secret: 7},
	}
}

func (c *counterpart) put(w keepersync.Write) keepersync.Remote {
	c.t.Helper()
	r, err := c.driver.Put(c.t.Context(), w)
	c.must(err)
	return r
}

func (c *counterpart) describe(name string) keepersync.Remote {
	c.t.Helper()
	r, err := c.driver.Describe(c.t.Context(), c.Prefix()+name)
	c.must(err)
	return r
}

func wantKind(t *testing.T, err error, want fault.Kind, words ...string) {
	t.Helper()
	if err == nil || fault.KindOf(err) != want {
		t.Fatalf("got %v (%v), want %v", err, fault.KindOf(err), want)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the error does not say %q: %v", w, err)
		}
	}
}

func testForeignShapes(t *testing.T, v vault) {
	c := start(t, v, nil)
	for want, entry := range map[string]map[string]any{
		`{"password":"p","user":"u"}`:         {"user": "u", "password": "p"},
		`{"other":"o","value":"v"}`:           {"value": "v", "other": "o"},
		`{"value":1234567890123}`:             {"value": json.Number("1234567890123")},
		`{"value":{"a":[1,2],"b":null}}`:      {"value": map[string]any{"b": nil, "a": []int{1, 2}}},
		`{"value_base64":"not base64!"}`:      {"value_base64": "not base64!"},
		`{"value":"v","value_base64":"dg=="}`: {"value": "v", "value_base64": "dg=="},
		`{}`:                                  {},
		"plain":                               {"value": "plain"},
		string([]byte{0xff, 0x00}):            {"value_base64": "/wA="},
	} {
		name := c.Prefix() + "x"
		c.editEntry(name, entry)
		got := c.driver.Fetch(t.Context(), []string{name})[name]
		c.must(got.Err)
		if string(got.Value.Reveal()) != want {
			t.Errorf("the entry %v reads as %q, want %q", entry, got.Value.Reveal(), want)
		}
		if odd := strings.HasPrefix(want, "{"); odd != (got.Odd != "") {
			t.Errorf("the entry %v is said to be odd: %q", entry, got.Odd)
		}
	}
}

// A crash or a failure between the value and the mark: the same Write again marks.
func testMarkFails(t *testing.T, v vault) {
	c := start(t, v, nil)
	w := write(c, "x", "one", 1, keepersync.Remote{})
	c.front.spoil(rule{op: drivertest.OpMark, status: 503})
	_, err := c.driver.Put(t.Context(), w)
	wantKind(t, err, fault.Unavailable, "x", "sealed")
	if r := c.describe("x"); !r.Mark.Zero() || r.Version != "1" {
		t.Errorf("afterwards: %+v", r)
	}
	c.Mend()
	if r := c.put(w); r.Mark != w.Mark || r.Version != "1" {
		t.Errorf("the same Write gives %+v", r)
	}
}

func testWithoutPatch(t *testing.T, v vault) {
	for _, status := range []int{404, 405} {
		c := start(t, v, nil)
		name := c.Prefix() + "x"
		c.Edit(name, []byte("theirs"))
		c.Label(name, "team", "payments")
		_, err := c.stranger.JSONMergePatch(t.Context(), c.path("metadata", name), map[string]any{
			"max_versions": 7, "cas_required": true, "delete_version_after": "720h0m0s",
		})
		c.must(err)
		c.front.spoil(rule{op: drivertest.OpMark, status: status})
		mark := keepersync.Mark{Owner: "ins_1", Destination: "dst_1", Secret: 7}
		r, err := c.driver.Mark(t.Context(), name, mark)
		c.must(err)
		if r.Mark != mark || r.Version != "1" {
			t.Errorf("Mark answered %+v", r)
		}
		keeps := func() {
			t.Helper()
			if got := c.Labels(name)["team"]; got != "payments" {
				t.Errorf("another's label became %q", got)
			}
			m := c.metadata(name)
			if m["max_versions"] != json.Number("7") || m["cas_required"] != true || m["delete_version_after"] != "720h0m0s" {
				t.Errorf("the settings became %v", m)
			}
		}
		keeps()
		r, err = c.driver.Unmark(t.Context(), name, mark)
		c.must(err)
		if !r.Mark.Zero() || r.Version != "1" {
			t.Errorf("Unmark answered %+v", r)
		}
		keeps()
	}
}

// What has no value and no way back: ours can be written again, another's is taken.
func testNoValue(t *testing.T, v vault) {
	destroy := func(c *counterpart, name string) {
		t.Helper()
		_, err := c.stranger.Write(c.path("destroy", name), map[string]any{"versions": []int{c.Versions(name)}})
		c.must(err)
	}
	t.Run("OursDestroyed", func(t *testing.T) {
		c := start(t, v, nil)
		w := write(c, "x", "one", 1, keepersync.Remote{})
		c.put(w)
		destroy(c, w.Name)
		r := c.describe("x")
		if r.Version != "" || r.Deleted || r.Mark != w.Mark {
			t.Errorf("destroyed: %+v", r)
		}
		if r := c.put(write(c, "x", "one", 1, r)); r.Version != "2" {
			t.Errorf("written again: %+v", r)
		}
	})
	t.Run("OursWrittenMeanwhile", func(t *testing.T) {
		c := start(t, v, nil)
		w := write(c, "x", "one", 1, keepersync.Remote{})
		c.put(w)
		destroy(c, w.Name)
		r := c.describe("x")
		c.Edit(w.Name, []byte("theirs"))
		_, err := c.driver.Put(t.Context(), write(c, "x", "one", 1, r))
		wantKind(t, err, fault.Conflict, w.Name)
		if got, _ := c.Read(w.Name); string(got) != "theirs" {
			t.Errorf("it holds %q", got)
		}
	})
	t.Run("ForeignDestroyed", func(t *testing.T) {
		c := start(t, v, nil)
		c.Edit(c.Prefix()+"x", []byte("theirs"))
		destroy(c, c.Prefix()+"x")
		if r := c.describe("x"); !r.Exists() || r.Deleted || !r.Mark.Zero() {
			t.Errorf("destroyed: %+v", r)
		}
	})
	t.Run("ForeignWithoutVersion", func(t *testing.T) {
		c := start(t, v, nil)
		_, err := c.stranger.Write(c.path("metadata", c.Prefix()+"x"), map[string]any{"custom_metadata": map[string]any{"team": "payments"}})
		c.must(err)
		if r := c.describe("x"); !r.Exists() || !r.Mark.Zero() {
			t.Errorf("without a version: %+v", r)
		}
	})
}

// A version that is to be deleted some day is not deleted yet.
func testDeletionToCome(t *testing.T, v vault) {
	c := start(t, v, nil)
	w := write(c, "x", "one", 1, keepersync.Remote{})
	_, err := c.stranger.Write(c.path("metadata", w.Name), map[string]any{"delete_version_after": "720h"})
	c.must(err)
	c.put(w)
	if r := c.describe("x"); r.Deleted || r.Version != "1" {
		t.Errorf("described as %+v", r)
	}
}

// A prefix need not be a folder, and may be none at all.
func testPrefixes(t *testing.T, v vault) {
	c := start(t, v, nil)
	root := c.Prefix()
	for _, name := range []string{"pre", "pre-x", "prefix/a", "prefix/a/b", "other/a", "p"} {
		c.Edit(root+name, []byte("v"))
	}
	for prefix, want := range map[string][]string{
		root + "pre":        {"pre", "pre-x", "prefix/a", "prefix/a/b"},
		root + "prefix/a":   {"prefix/a", "prefix/a/b"},
		root + "prefix/a/":  {"prefix/a/b"},
		root + "no/such":    nil,
		root + "no/such/at": nil,
	} {
		o := c.options
		o.Prefix = prefix
		var got []string
		for r, err := range driver(t, o).List(t.Context()) {
			c.must(err)
			got = append(got, strings.TrimPrefix(r.Name, root))
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("prefix %q lists %v, want %v", strings.TrimPrefix(prefix, root), got, want)
		}
	}
	o := c.options
	o.Prefix = ""
	seen := 0
	for r, err := range driver(t, o).List(t.Context()) {
		c.must(err)
		if strings.HasPrefix(r.Name, root) {
			seen++
		}
	}
	if seen != 6 {
		t.Errorf("without a prefix %d of 6 names are listed", seen)
	}
}

func TestEntries(t *testing.T) {
	v := engine(t)
	t.Run("ForeignShapes", func(t *testing.T) { testForeignShapes(t, v) })
	t.Run("MarkFails", func(t *testing.T) { testMarkFails(t, v) })
	t.Run("WithoutPatch", func(t *testing.T) { testWithoutPatch(t, v) })
	t.Run("NoValue", func(t *testing.T) { testNoValue(t, v) })
	t.Run("DeletionToCome", func(t *testing.T) { testDeletionToCome(t, v) })
	t.Run("Prefixes", func(t *testing.T) { testPrefixes(t, v) })
	t.Run("Check", func(t *testing.T) { testCheck(t, v) })
}

func testCheck(t *testing.T, v vault) {
	for op, w := range wanted {
		t.Run(string(op), func(t *testing.T) {
			c := start(t, v, nil)
			c.options.Destroys = true
			all := driver(t, c.options)
			permission := c.Deny(op, "")
			wantKind(t, all.Check(t.Context()), fault.Forbidden, permission, w.capability)
			c.Mend()
			c.must(all.Check(t.Context()))
			if s, err := c.stranger.List(c.path("metadata", c.Prefix())); err != nil || s != nil {
				t.Errorf("the check left %v behind (%v)", s, err)
			}
		})
	}
}
