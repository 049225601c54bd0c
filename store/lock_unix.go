//go:build unix

package store

import (
	"errors"
	"os"
	"syscall"

	"github.com/your-org/keeper/fault"
)

// lockFile takes the lock file until the returned function is called, or the process ends.
// The file itself stays: removing it would let two servers lock two files of one name.
func lockFile(path string) (unlock func() error, err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "The lock file %s cannot be opened.", path).
			WithHint("Check that the folder exists and that Keeper may write there.")
	}
	if err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err == nil {
		return file.Close, nil
	}
	_ = file.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fault.Wrap(err, fault.Conflict, "Another Keeper server holds this database (%s).", path).
			WithHint("Stop it first, or use MySQL or PostgreSQL to run several.")
	}
	return nil, fault.Wrap(err, fault.Unavailable, "The lock file %s cannot be locked.", path)
}
