package memory

import (
	"context"

	keepersync "github.com/your-org/keeper/sync"
)

var _ keepersync.Tester = (*Driver)(nil)

// Try goes through the operations; a place knows no permissions but those that a fault
// takes away.
func (d *Driver) Try(ctx context.Context) []keepersync.Tried {
	var tried []keepersync.Tried
	for _, op := range []Op{OpList, OpDescribe, OpFetch, OpPut, OpMark, OpUnmark, OpDelete, OpRestore} {
		_, err := d.place.begin(ctx, op, "")
		tried = append(tried, keepersync.Tried{Permission: string(op), OK: err == nil, Optional: op == OpUnmark, Err: err})
	}
	return tried
}
