package sync

import "context"

// Tried is one permission that was tried.
type Tried struct {
	Permission string // as the destination calls it: "secretsmanager:PutSecretValue", "list on secret/metadata/app/*"
	OK         bool
	Optional   bool  // syncing works without it as the destination is set up now
	Err        error // a *fault.Error that says why not; nil where OK
}

// Tester is what a Driver implements beside where it can try each permission by itself. Try
// uses each of them on a throw-away name under the destination's prefix, goes on after one
// that is missing, and leaves nothing behind. What could not be tried, for want of another
// permission or because the destination did not answer, is not OK and says so.
type Tester interface {
	Try(ctx context.Context) []Tried
}

// Try tries each permission of a driver. A driver that cannot tell them apart is checked as
// a whole.
func Try(ctx context.Context, d Driver) []Tried {
	if tester, ok := as[Tester](d); ok {
		return tester.Try(ctx)
	}
	err := d.Check(ctx)
	return []Tried{{Permission: "everything that syncing needs", OK: err == nil, Err: err}}
}
