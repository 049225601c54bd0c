package vaultkv_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/drivertest"
	"github.com/your-org/keeper/sync/vaultkv"
)

// whole is a counterpart whose driver holds values as whole entries.
func whole(t *testing.T, v vault) *counterpart {
	return start(t, v, func(o *vaultkv.Options) {
		o.Token, o.Whole = models.NewPlaintext([]byte(v.token)), true
	})
}

func (c *counterpart) fetch(name string) keepersync.Fetched {
	c.t.Helper()
	return c.driver.Fetch(c.t.Context(), []string{name})[name]
}

// entry is what a stranger finds under a name.
func (c *counterpart) entry(name string) map[string]any {
	c.t.Helper()
	s, err := c.stranger.Read(c.path("data", name))
	c.must(err)
	data, _ := s.Data["data"].(map[string]any)
	return data
}

func TestWholeEntries(t *testing.T) {
	v := engine(t)
	t.Run("ThereAndBack", func(t *testing.T) {
		c := whole(t, v)
		const value = `{ "n": [1.0, 1e2, 0.1, -0, 1E21], "é": {"b": "<\u0000>", "a": null}, "t": true, "": "" }`
		r := c.put(write(c, "x", value, 1, keepersync.Remote{}))
		got := c.fetch(r.Name)
		c.must(got.Err)
		canonical, err := keepersync.CanonicalObject([]byte(value))
		c.must(err)
		want, exact := keepersync.RoundNumbers(canonical)
		if !exact || string(got.Value.Reveal()) != string(want) {
			t.Errorf("reads as %s, want %s", got.Value.Reveal(), want)
		}
		if data := c.entry(r.Name); len(data) != 4 || data["t"] != true || data["n"].([]any)[1] != json.Number("100") {
			t.Errorf("a stranger reads %v", data)
		}
	})
	// Vault keeps no more of a number than a 64-bit float does.
	t.Run("LongNumbers", func(t *testing.T) {
		c := whole(t, v)
		const value = `{"n":12345678901234567890}`
		r := c.put(write(c, "x", value, 1, keepersync.Remote{}))
		got := c.fetch(r.Name)
		c.must(got.Err)
		if _, exact := keepersync.RoundNumbers([]byte(value)); exact || string(got.Value.Reveal()) == value {
			t.Errorf("reads as %s, exact %t", got.Value.Reveal(), exact)
		}
	})
	t.Run("ForeignShapes", func(t *testing.T) {
		c := whole(t, v)
		for want, entry := range map[string]map[string]any{
			`{"value":"v"}`: {"value": "v"}, `{}`: {}, `{"value_base64":"/wA="}`: {"value_base64": "/wA="}, `{"b":1,"c":{"a":[]}}`: {"c": map[string]any{"a": []any{}}, "b": 1},
		} {
			name := c.Prefix() + "x"
			c.editEntry(name, entry)
			got := c.fetch(name)
			c.must(got.Err)
			if string(got.Value.Reveal()) != want {
				t.Errorf("the entry %v reads as %s, want %s", entry, got.Value.Reveal(), want)
			}
		}
	})
	t.Run("NoObject", func(t *testing.T) {
		c := whole(t, v)
		for _, value := range []string{"c4n4ry", `["c4n4ry"]`, `{"c4n4ry":1,"c4n4ry":2}`} {
			_, err := c.driver.Put(t.Context(), write(c, "x", value, 1, keepersync.Remote{}))
			wantKind(t, err, fault.Invalid, "x")
		}
		if c.metadata(c.Prefix()+"x") != nil {
			t.Error("something was written")
		}
	})
	t.Run("TheAnswerIsLost", func(t *testing.T) {
		c := whole(t, v)
		w := write(c, "x", `{"b":1, "a":2}`, 1, keepersync.Remote{})
		c.Lose(drivertest.OpCreate)
		_, err := c.driver.Put(t.Context(), w)
		wantKind(t, err, fault.Unavailable, "x")
		c.Mend()
		if r := c.put(w); r.Version != "1" || r.Mark != w.Mark {
			t.Errorf("the same Write gives %+v", r)
		}
		other := write(c, "x", `{"b":1,"a":3}`, 1, keepersync.Remote{})
		_, err = c.driver.Put(t.Context(), other)
		wantKind(t, err, fault.Conflict, "x")
	})
}

func TestDestroy(t *testing.T) {
	v := engine(t)
	begin := func(t *testing.T) (*counterpart, keepersync.Remote) {
		c := start(t, v, nil)
		first := c.put(write(c, "x", "one", 1, keepersync.Remote{}))
		second := c.put(write(c, "x", "two", 2, first))
		gone, err := c.driver.Delete(t.Context(), second)
		c.must(err)
		return c, gone
	}
	destroyed := func(c *counterpart, version string) bool {
		versions, _ := c.metadata(c.Prefix() + "x")["versions"].(map[string]any)
		one, _ := versions[version].(map[string]any)
		return one["destroyed"] == true
	}
	t.Run("TheDeletedVersionAlone", func(t *testing.T) {
		c, gone := begin(t)
		for range 2 {
			c.must(keepersync.Destroy(t.Context(), keepersync.Retry(c.driver), gone))
		}
		if !destroyed(c, "2") || destroyed(c, "1") {
			t.Errorf("versions: %v", c.metadata(gone.Name)["versions"])
		}
		if r := c.put(write(c, "x", "three", 3, c.describe("x"))); r.Version != "3" {
			t.Errorf("written again: %+v", r)
		}
	})
	t.Run("Undeleted", func(t *testing.T) {
		c, gone := begin(t)
		_, err := c.stranger.Write(c.path("undelete", gone.Name), map[string]any{"versions": []int{2}})
		c.must(err)
		wantKind(t, c.driver.Destroy(t.Context(), gone), fault.Conflict, "x")
	})
	t.Run("DeletedAgain", func(t *testing.T) {
		c, gone := begin(t)
		gone.ChangedAt = time.Now().Add(-2 * time.Hour) // when it was deleted as far as the caller knows
		wantKind(t, c.driver.Destroy(t.Context(), gone), fault.Conflict, "x")
		if destroyed(c, "2") {
			t.Error("destroyed")
		}
	})
	t.Run("NotDeletedYet", func(t *testing.T) {
		c := start(t, v, nil)
		wantKind(t, c.driver.Destroy(t.Context(), c.put(write(c, "x", "one", 1, keepersync.Remote{}))), fault.Conflict, "x")
	})
	t.Run("WrittenSince", func(t *testing.T) {
		c, gone := begin(t)
		c.Edit(gone.Name, []byte("theirs"))
		wantKind(t, c.driver.Destroy(t.Context(), gone), fault.Conflict, "x")
		if destroyed(c, "2") || destroyed(c, "3") {
			t.Error("destroyed")
		}
	})
	t.Run("AnothersMark", func(t *testing.T) {
		c, gone := begin(t)
		for _, mark := range []keepersync.Mark{{}, {Owner: "ins_1", Destination: "dst_1", Secret: 8}} {
			other := gone
			other.Mark = mark
			wantKind(t, c.driver.Destroy(t.Context(), other), fault.Conflict, "x")
		}
		if destroyed(c, "2") {
			t.Error("destroyed")
		}
	})
	t.Run("Gone", func(t *testing.T) {
		c, gone := begin(t)
		c.Purge(gone.Name)
		wantKind(t, c.driver.Destroy(t.Context(), gone), fault.NotFound, "x")
	})
	t.Run("PermissionIsMissing", func(t *testing.T) {
		c, gone := begin(t)
		c.front.spoil(rule{op: opDestroy, status: 403})
		wantKind(t, c.driver.Destroy(t.Context(), gone), fault.Forbidden, "x", "update on "+c.path("destroy", c.Prefix()))
		o := c.options
		o.Destroys = true
		wantKind(t, driver(t, o).Check(t.Context()), fault.Forbidden, "update on "+c.path("destroy", c.Prefix()))
		c.must(c.driver.Check(t.Context())) // who does not destroy needs no permission to
		c.Mend()
		c.must(driver(t, o).Check(t.Context()))
		c.must(c.driver.Destroy(t.Context(), gone))
	})
}
