package sync

import (
	"context"
	"time"

	"github.com/your-org/keeper/fault"
)

// Destroyer is what a Driver implements beside where what was deleted stays until somebody
// destroys it.
type Destroyer interface {
	// Destroy takes the deleted version r.Version away for good, where it still is the newest
	// one of the name, deleted by the time r.ChangedAt (zero: whenever) and not anew since, and
	// under r.Mark. A version that is destroyed already is a success. Conflict where any of that is no longer so: nothing was destroyed then, and
	// never will be. NotFound where the name is gone.
	Destroy(ctx context.Context, r Remote) error
}

// DeletedAnew reports whether what was deleted at a time, by the destination's clock, is not the
// deletion that a caller of Destroy has in mind.
func DeletedAnew(deleted time.Time, r Remote) bool {
	return !r.ChangedAt.IsZero() && deleted.After(r.ChangedAt.Add(deletionSkew))
}

// deletionSkew is how far the clocks may lie apart: less than the shortest time that what is
// deleted is kept.
const deletionSkew = time.Hour

// Destroy takes a deleted version away for good, through whatever wraps the driver. Invalid
// where the destination does not destroy.
func Destroy(ctx context.Context, d Driver, r Remote) error {
	if destroyer, ok := as[Destroyer](d); ok {
		return destroyer.Destroy(ctx, r)
	}
	return fault.New(fault.Invalid, "The destination does not keep what is deleted there.")
}

// CanDestroy reports whether the destination keeps what is deleted until it is destroyed.
func CanDestroy(d Driver) bool {
	_, ok := as[Destroyer](d)
	return ok
}
