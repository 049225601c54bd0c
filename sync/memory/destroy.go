package memory

import (
	"context"

	"github.com/your-org/keeper/fault"
	keepersync "github.com/your-org/keeper/sync"
)

// OpDestroy is a deleted value being taken away for good.
const OpDestroy Op = "destroy"

var _ keepersync.Destroyer = (*Driver)(nil)

// Destroy takes a deleted value away and leaves the name with its mark.
func (d *Driver) Destroy(ctx context.Context, r keepersync.Remote) error {
	_, err := d.place.act(ctx, OpDestroy, r.Name, func(it *item) (*item, error) {
		switch {
		case it == nil:
			return nil, notFound(r.Name)
		case it.mark == r.Mark && it.version == "":
			return it, nil
		case it.mark != r.Mark || it.version != r.Version || !it.deleted || keepersync.DeletedAnew(it.gone, r):
			return it, fault.New(fault.Conflict, "%s is no longer as Keeper left it.", r.Name)
		}
		it.value, it.version, it.deleted = nil, "", false
		return it, nil
	})
	return err
}
