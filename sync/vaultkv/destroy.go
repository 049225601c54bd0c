package vaultkv

import (
	"context"
	"strconv"

	"github.com/your-org/keeper/fault"
	keepersync "github.com/your-org/keeper/sync"
)

var (
	opDestroy = operation{"destroy", "update", "destroy"}

	_ keepersync.Destroyer = (*Driver)(nil)
)

// Destroy destroys the version that was deleted, where it still is the newest of the entry and
// deleted by then, under the mark. The call names the version, so that none which is written meanwhile
// can be meant; against one that is undeleted in the instant before, Vault has no check.
func (d *Driver) Destroy(ctx context.Context, r keepersync.Remote) error {
	m, err := d.metadata(ctx, r.Name)
	if err != nil {
		return err
	}
	current, has := m.Versions[r.Version]
	n, err := strconv.Atoi(r.Version)
	switch {
	case err != nil || n < 1 || n != m.CurrentVersion || !has || markOf(m.CustomMetadata) != r.Mark || r.Mark.Zero():
		return fault.New(fault.Conflict, "%s is no longer as Keeper left it in Vault; it was left as it is.", r.Name)
	case current.Destroyed:
		return nil
	case !current.deleted():
		return fault.New(fault.Conflict, "%s was undeleted in Vault; it was left as it is.", r.Name)
	}
	if at, err := current.deletedAt(); err != nil || keepersync.DeletedAnew(at, r) {
		return fault.New(fault.Conflict, "%s was deleted in Vault anew since; it was left as it is.", r.Name)
	}
	a, err := d.call(ctx, d.post(d.path(opDestroy.area, r.Name), map[string][]int{"versions": {n}}))
	if err != nil || !a.ok() {
		return d.fail(a, err, opDestroy, r.Name)
	}
	return nil
}
