//go:build !unix

package store

// lockFile does nothing where the system has no flock: SQLite's own locks still keep the
// file whole, but two servers would do background work twice.
func lockFile(string) (unlock func() error, err error) { return func() error { return nil }, nil }
