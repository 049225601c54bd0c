package local

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/your-org/keeper/fault"
)

// maxFileSize bounds a key file; a version takes about 110 bytes.
const maxFileSize = 1 << 20

// Open reads the master key from a file that only its owner may read. Where there is none
// and create is true, it makes one with a fresh key, whole and durable before Open returns;
// of several processes that do so at once, one wins and all read its key.
func Open(path string, create bool) (*Wrapper, error) {
	keys, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) && create {
		err = writeNew(path, []masterKey{newMasterKey(1)}, os.Link)
		if err == nil || errors.Is(err, fs.ErrExist) {
			keys, err = readFile(path)
		}
	}
	if err != nil {
		return nil, fileError(path, err)
	}
	return newWrapper(keys), nil
}

// AddVersion puts a fresh, newer version of the master key into a key file and returns its
// recipient id. A Wrapper opened afterwards wraps under it and still opens what stands
// under the older ones. One process at a time may call it.
func AddVersion(path string) (recipientID string, err error) {
	keys, err := readFile(path)
	if err != nil {
		return "", fileError(path, err)
	}
	next := newMasterKey(newest(keys).version + 1)
	if err := writeNew(path, append(keys, next), os.Rename); err != nil {
		return "", fileError(path, err)
	}
	return next.recipient(), nil
}

func readFile(path string) ([]masterKey, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	// Looked at after opening, so that what is checked is what is read.
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fault.New(fault.Invalid, "The master key file %s is not a regular file.", path)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fault.New(fault.Invalid, "The master key file %s can be read or written by others than its owner (mode %04o).", path, mode).
			WithHint("Run: chmod 600 %s", path)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFileSize))
	if err != nil {
		return nil, err
	}
	defer clear(text)
	return parse(string(text))
}

// writeNew writes a temporary file beside path and puts it there by place: os.Link, which
// refuses where a file stands, or os.Rename, which replaces it. Either way nobody ever sees
// half a key, and after writeNew no power cut loses it.
func writeNew(path string, keys []masterKey, place func(from, to string) error) (err error) {
	folder := filepath.Dir(path)
	f, err := os.CreateTemp(folder, ".keeper-key-*") // O_EXCL, mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // after a rename there is nothing to remove
	text := format(keys)
	defer clear(text)
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := place(f.Name(), path); err != nil {
		return err
	}
	return syncFolder(folder)
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func fileError(path string, err error) error {
	var told *fault.Error
	switch {
	case errors.As(err, &told):
		return told
	case errors.Is(err, fs.ErrNotExist):
		return fault.Wrap(err, fault.Invalid, "There is no master key file at %s.", path).
			WithHint("Put the key that this database was written with there, or set KEEPER_MASTER_KEY; a new key can be made only where the folder stands.")
	default:
		return fault.Wrap(err, fault.Invalid, "The master key file %s cannot be read or written.", path).
			WithHint("See to it that Keeper's user owns it and its folder.")
	}
}
