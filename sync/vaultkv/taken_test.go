package vaultkv_test

import (
	"encoding/json"
	"testing"

	"github.com/your-org/keeper/fault"
	keepersync "github.com/your-org/keeper/sync"
)

// hollow is a name that is Keeper's and holds no value any more.
func hollow(t *testing.T, c *counterpart) keepersync.Remote {
	t.Helper()
	gone, err := c.driver.Delete(t.Context(), c.put(write(c, "x", "one", 1, keepersync.Remote{})))
	c.must(err)
	c.must(c.driver.Destroy(t.Context(), gone))
	r := c.describe("x")
	if r.Version != "" || r.Mark.Zero() {
		t.Fatalf("without a value: %+v", r)
	}
	return r
}

// TestHollow has a name without a value become somebody else's, or go, before Keeper writes.
func TestHollow(t *testing.T) {
	v := engine(t)
	t.Run("AnothersMark", func(t *testing.T) {
		c := start(t, v, nil)
		r := hollow(t, c)
		c.Label(r.Name, "keeper_secret", "8")
		_, err := c.driver.Put(t.Context(), write(c, "x", "two", 2, r))
		wantKind(t, err, fault.Conflict, "x")
		if n := c.Versions(r.Name); n != 1 {
			t.Errorf("it has %d versions", n)
		}
	})
	t.Run("Gone", func(t *testing.T) {
		c := start(t, v, nil)
		r := hollow(t, c)
		c.Purge(r.Name)
		w := write(c, "x", "two", 2, r)
		if got := c.put(w); got.Mark != w.Mark || c.describe("x").Mark != w.Mark {
			t.Errorf("written without the mark: %+v", got)
		}
	})
}

// TestBase64IsAForm has somebody put a text in the form that only what is no text has: who reads
// the value under its key finds none, so it is not the value.
func TestBase64IsAForm(t *testing.T) {
	c := start(t, engine(t), nil)
	name := c.put(write(c, "x", "text", 1, keepersync.Remote{})).Name
	for text, entry := range map[string]map[string]any{
		`{"value_base64":"dGV4dA=="}`: {"value_base64": "dGV4dA=="},
		`{"value_base64":"/w\r\nA="}`: {"value_base64": "/w\r\nA="},
		`{"value_base64":"/wB="}`:     {"value_base64": "/wB="}, // bits behind the end
	} {
		c.editEntry(name, entry)
		got := c.driver.Fetch(t.Context(), []string{name})[name]
		c.must(got.Err)
		if odd := got.Odd != ""; !odd || json.Unmarshal(got.Value.Reveal(), new(map[string]string)) != nil {
			t.Errorf("%s reads as %q, odd %v", text, got.Value.Reveal(), odd)
		}
	}
}
