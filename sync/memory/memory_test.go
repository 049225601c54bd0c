package memory_test

import (
	"testing"

	"github.com/your-org/keeper/fault"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/drivertest"
	"github.com/your-org/keeper/sync/memory"
)

func TestConformance(t *testing.T) {
	drivertest.Run(t, func(*testing.T) drivertest.Counterpart {
		return &counterpart{memory.New(memory.Options{Prefix: "keeper/test/"})}
	})
}

type counterpart struct{ driver *memory.Driver }

var ops = map[drivertest.Op]memory.Op{
	drivertest.OpList: memory.OpList, drivertest.OpDescribe: memory.OpDescribe, drivertest.OpFetch: memory.OpFetch,
	drivertest.OpCreate: memory.OpPut, drivertest.OpUpdate: memory.OpPut, drivertest.OpMark: memory.OpMark,
	drivertest.OpUnmark: memory.OpUnmark, drivertest.OpDelete: memory.OpDelete,
	drivertest.OpRestore: memory.OpRestore,
}

func (c *counterpart) Driver() keepersync.Driver { return c.driver }
func (c *counterpart) Prefix() string            { return "keeper/test/" }

func (c *counterpart) Unreachable() keepersync.Driver {
	d := memory.New(memory.Options{})
	d.Place().Inject(memory.Fault{Kind: fault.Unavailable})
	return d
}

func (c *counterpart) Read(name string) ([]byte, bool) {
	e, ok := c.driver.Place().Get(name)
	return e.Value, ok && !e.Remote.Deleted
}

func (c *counterpart) Versions(name string) int {
	e, _ := c.driver.Place().Get(name)
	return e.Writes
}

func (c *counterpart) Labels(name string) map[string]string {
	e, _ := c.driver.Place().Get(name)
	return e.Labels
}

func (c *counterpart) Edit(name string, value []byte) { c.driver.Place().Edit(name, value) }
func (c *counterpart) Label(name, key, value string)  { c.driver.Place().Label(name, key, value) }
func (c *counterpart) Purge(name string)              { c.driver.Place().Purge(name) }
func (c *counterpart) Mend()                          { c.driver.Place().ClearFaults() }

func (c *counterpart) inject(f memory.Fault) { c.driver.Place().Inject(f) }

func (c *counterpart) Lose(op drivertest.Op) {
	c.inject(memory.Fault{Op: ops[op], Kind: fault.Unavailable, Acted: true, Times: 1})
}

func (c *counterpart) Deny(op drivertest.Op, name string) string {
	c.inject(memory.Fault{Op: ops[op], Name: name, Kind: fault.Forbidden})
	if op == drivertest.OpDescribe {
		c.inject(memory.Fault{Op: memory.OpCheck, Kind: fault.Forbidden})
	}
	return "made to fail" // the place knows no permissions
}

func (c *counterpart) Throttle(op drivertest.Op) {
	c.inject(memory.Fault{Op: ops[op], Kind: fault.Throttled})
}

func (c *counterpart) Break(op drivertest.Op) {
	c.inject(memory.Fault{Op: ops[op], Kind: fault.Unavailable})
}

func (c *counterpart) CutListing(names int) {
	c.inject(memory.Fault{Op: memory.OpList, Kind: fault.Unavailable, Cut: names / 2})
}
