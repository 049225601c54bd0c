package local

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/your-org/keeper/fault"
)

// maxFileSize bounds a key file; a version takes about 110 bytes.
const maxFileSize = 1 << 20

// Open reads the master key from a file that only its owner may read. Where there is none
// and create is true, it makes one with a fresh key, whole and durable before Open returns;
// of several processes that do so at once, one wins and all read its key.
func Open(path string, create bool) (*Wrapper, error) {
	read, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) && create {
		err = writeNew(path, format(newMasterKey(1)), nil, os.Link)
		if err == nil || errors.Is(err, fs.ErrExist) {
			read, err = readFile(path)
		}
	}
	if err != nil {
		return nil, fileError(path, err)
	}
	clear(read.text)
	w := newWrapper(read.keys)
	w.file = &keyFile{path: path, seen: read.info}
	return w, nil
}

// AddVersion puts a fresh, newer version of the master key behind those that the key file
// holds, keeps these, and returns the new one's recipient id. It is durable when AddVersion
// returns, and wraps from then on: here at once, in other processes that have the file open
// within refreshEvery. Several processes may do so at once: each waits for the one before it.
//
// A master key from a setting gets no version: nothing would have it after a restart.
func (w *Wrapper) AddVersion(ctx context.Context) (recipientID string, err error) {
	if w.file == nil {
		return "", fault.New(fault.Conflict, "The master key comes from KEEPER_MASTER_KEY, to which Keeper cannot add a version.").
			WithHint("Put the key into a file and name it by KEEPER_MASTER_KEY_FILE instead; or set KEEPER_MASTER_KEY to the text of a key file that holds the old and the new version, and restart.")
	}
	// The real file, so that a link to it stays a link.
	path, err := filepath.EvalSymlinks(w.file.path)
	if err != nil {
		return "", fileError(w.file.path, err)
	}
	unlock, err := lockFile(ctx, path)
	if err != nil {
		return "", fault.Wrap(err, fault.Unavailable, "The master key file %s cannot be locked.", path).
			WithHint("Try again; if it stays, see whether another Keeper hangs, and that Keeper's user may write to the folder.")
	}
	defer func() { err = errors.Join(err, unlock()) }()
	next, err := w.extend(path)
	if err != nil {
		return "", fileError(path, err)
	}
	return next.recipient(), w.refresh()
}

// extend writes the file anew with one more version. The lock is held.
func (w *Wrapper) extend(path string) (masterKey, error) {
	read, err := readFile(path)
	if err != nil {
		return masterKey{}, err
	}
	defer clear(read.text)
	before := newRing(read.keys)
	if lost := w.ring.Load().lost(before); len(lost) > 0 {
		return masterKey{}, lostVersions(path, lost)
	}
	if before.newest.version == math.MaxUint32 {
		return masterKey{}, fault.New(fault.Conflict, "The master key file %s holds the last version that there can be.", path)
	}
	next := newMasterKey(before.newest.version + 1)
	// What stands is copied byte by byte, comments included.
	text := appendLines(read.text, format(next))
	defer clear(text)
	if len(text) > maxFileSize {
		return masterKey{}, tooLarge(path)
	}
	after, err := parse(string(text))
	if err != nil {
		return masterKey{}, err
	}
	if len(before.lost(newRing(after))) > 0 || newRing(after).newest.id != next.id {
		return masterKey{}, fault.New(fault.Internal, "The master key file %s could not be given a new version; it was not changed.", path)
	}
	return next, writeNew(path, text, read.info, os.Rename)
}

// appendLines puts two texts together, the second on lines of its own.
func appendLines(first, second []byte) []byte {
	joined := make([]byte, 0, len(first)+1+len(second))
	joined = append(joined, first...)
	if !bytes.HasSuffix(first, []byte("\n")) {
		joined = append(joined, '\n')
	}
	return append(joined, second...)
}

// content is a key file as it was read.
type content struct {
	keys []masterKey
	text []byte
	info fs.FileInfo
}

func readFile(path string) (content, error) {
	f, err := os.Open(path)
	if err != nil {
		return content{}, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	// Looked at after opening, so that what is checked is what is read.
	info, err := f.Stat()
	if err != nil {
		return content{}, err
	}
	if err := checkFile(path, info); err != nil {
		return content{}, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFileSize))
	if err != nil {
		return content{}, err
	}
	keys, err := parse(string(text))
	return content{keys, text, info}, err
}

func checkFile(path string, info fs.FileInfo) error {
	mode := info.Mode().Perm()
	switch {
	case !info.Mode().IsRegular():
		return fault.New(fault.Invalid, "The master key file %s is not a regular file.", path)
	case mode&0o077 != 0:
		return fault.New(fault.Invalid, "The master key file %s can be read or written by others than its owner (mode %04o).", path, mode).
			WithHint("Run: chmod 600 %s", path)
	case info.Size() > maxFileSize:
		return tooLarge(path) // a part of it could miss versions
	}
	return nil
}

// writeNew writes a temporary file beside path and puts it there by place: os.Link, which
// refuses where a file stands, or os.Rename, which replaces old. Either way nobody ever sees
// half a key, and after writeNew no power cut loses it.
func writeNew(path string, text []byte, old fs.FileInfo, place func(from, to string) error) error {
	folder := filepath.Dir(path)
	f, err := os.CreateTemp(folder, ".keeper-key-*") // O_EXCL, mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // after a rename there is nothing to remove
	_, err = f.Write(text)
	if err == nil && old != nil {
		err = errors.Join(f.Chmod(old.Mode().Perm()), giveTo(f, old))
	}
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

func tooLarge(path string) error {
	return fault.New(fault.Invalid, "The master key file %s is larger than %d bytes.", path, maxFileSize)
}

func lostVersions(path string, lost []string) error {
	return fault.New(fault.Unavailable, "The master key file %s no longer holds %s, which this Keeper works with.", path, strings.Join(lost, ", ")).
		WithHint("Put the versions that it held back into it before anything is changed; what stands under them opens by nothing else.")
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
