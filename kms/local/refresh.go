package local

import (
	"io/fs"
	"os"
	"sync"
	"time"
)

// refreshEvery is how often a Wrapper looks, at most, whether its file holds a newer version
// to wrap under.
const refreshEvery = time.Second

// keyFile is the file that a Wrapper's master key stands in, as it was last read.
type keyFile struct {
	path string

	mu     sync.Mutex
	seen   fs.FileInfo
	looked time.Time
}

// refresh reads the file again if it was changed. A file that has lost a version is not
// taken over: what this process can open, it goes on opening.
func (w *Wrapper) refresh() error {
	if w.file == nil {
		return nil
	}
	w.file.mu.Lock()
	defer w.file.mu.Unlock()
	return w.refreshLocked()
}

func (w *Wrapper) refreshLocked() error {
	info, err := os.Stat(w.file.path)
	if err != nil {
		return fileError(w.file.path, err)
	}
	if unchanged(w.file.seen, info) {
		return nil
	}
	read, err := readFile(w.file.path)
	if err != nil {
		return fileError(w.file.path, err)
	}
	clear(read.text)
	later := newRing(read.keys)
	if lost := w.ring.Load().lost(later); len(lost) > 0 {
		return lostVersions(w.file.path, lost)
	}
	w.ring.Store(later)
	w.file.seen = read.info
	return nil
}

// latest is the versions to wrap under now. Where the file cannot be read it is those that
// were read before: they still wrap, and open wherever the file was put back.
func (w *Wrapper) latest() *ring {
	if w.file != nil && w.file.mu.TryLock() { // one looks; the others need not wait for it
		defer w.file.mu.Unlock()
		if now := time.Now(); now.Sub(w.file.looked) >= refreshEvery {
			w.file.looked = now
			_ = w.refreshLocked()
		}
	}
	return w.ring.Load()
}

// unchanged compares what a rewritten file differs in: AddVersion puts another file in its
// place, an editor changes time or size.
func unchanged(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}
