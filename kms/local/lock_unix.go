//go:build unix

package local

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// lockPause is the time between two tries for a lock that another process holds for the few
// milliseconds that writing a key file takes.
const lockPause = 10 * time.Millisecond

// lockFile takes the lock file beside a key file until the returned function is called, or the
// process ends. It waits for whoever holds it, while ctx lasts. The lock file stays: removing
// it would let two processes lock two files of one name.
func lockFile(ctx context.Context, path string) (unlock func() error, err error) {
	file, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(path); err == nil {
		_ = giveTo(file, info) // so that the key file's owner can take it too; who cannot give is the owner already
	}
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return file.Close, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(err, file.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), file.Close())
		case <-time.After(lockPause):
		}
	}
}

// giveTo makes a new file belong to whom the old one belongs: an administrator may add the
// version that the server's user is to read.
func giveTo(file *os.File, old fs.FileInfo) error {
	owner, ok := old.Sys().(*syscall.Stat_t)
	if !ok || int(owner.Uid) == os.Geteuid() && int(owner.Gid) == os.Getegid() {
		return nil
	}
	return file.Chown(int(owner.Uid), int(owner.Gid))
}
