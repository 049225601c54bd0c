package sync_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"iter"
	"maps"
	"slices"
	gosync "sync"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
)

// book is a Ledger in memory that keeps the contract of one in a database: what it took
// over survives the engine, and what changed meanwhile stays due.
type book struct {
	prefix string
	now    func() time.Time

	mu       gosync.Mutex
	rows     map[models.SecretID]*row
	byName   map[string]*row
	fail     func(call string, e keepersync.Entry) error // nil: nothing fails
	opened   int
	hashed   int
	taken    int                  // versions that Take made
	intended int                  // calls of Intend
	outcomes []keepersync.Outcome // recorded
}

type row struct {
	entry    keepersync.Entry // but for Desired
	versions []string
	changed  time.Time // when the newest version came
	deleted  bool
	due      bool
	held     bool
	gone     bool // no entry for this destination any more
}

func newBook(now func() time.Time) *book {
	return &book{prefix: "keeper/", now: now, rows: map[models.SecretID]*row{}, byName: map[string]*row{}}
}

func (b *book) put(name, value string) models.SecretID {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.byName[name]
	if r == nil {
		r = &row{entry: keepersync.Entry{
			SecretID: models.SecretID(len(b.rows) + 1), Name: name, RemoteName: b.prefix + name, Type: models.Text, Status: models.StatusUnknown,
		}}
		b.rows[r.entry.SecretID], b.byName[name] = r, r
	}
	r.versions, r.changed = append(r.versions, value), b.now()
	r.deleted, r.gone, r.due = false, false, true
	return r.entry.SecretID
}

func (b *book) remove(name string) { b.change(name, func(r *row) { r.deleted = true }) }

func (b *book) undelete(name string) {
	b.change(name, func(r *row) { r.deleted, r.gone = false, false })
}

func (b *book) change(name string, do func(*row)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.byName[name]
	do(r)
	r.due = true
}

// entry is what Entries would yield of a name, whether or not it still does.
func (b *book) entry(name string) keepersync.Entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.byName[name].read()
}

func (b *book) intent(id models.SecretID) *keepersync.Intent {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rows[id].entry.Intent
}

// last is the newest outcome of a name.
func (b *book) last(name string) keepersync.Outcome {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, o := range slices.Backward(b.outcomes) {
		if o.Entry.Name == name {
			return o
		}
	}
	return keepersync.Outcome{}
}

func hash(value string) []byte {
	h := hmac.New(sha256.New, []byte("a key"))
	h.Write([]byte(value))
	return h.Sum(nil)
}

func (r *row) read() keepersync.Entry {
	e := r.entry
	if n := len(r.versions); !r.deleted && n > 0 {
		value := r.versions[n-1]
		e.Desired = &keepersync.Desired{Version: models.VersionNumber(n), Hash: hash(value), Size: len(value), At: r.changed}
	}
	return e
}

func (b *book) snapshot(dueOnly bool) []keepersync.Entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []keepersync.Entry
	for _, id := range slices.Sorted(maps.Keys(b.rows)) {
		if r := b.rows[id]; !r.gone && (r.due || !dueOnly) {
			all = append(all, r.read())
		}
	}
	return all
}

func (b *book) Count(_ context.Context, dueOnly bool) (int, error) {
	return len(b.snapshot(dueOnly)), b.failure("count", keepersync.Entry{})
}

func (b *book) Entries(_ context.Context, dueOnly bool) iter.Seq2[[]keepersync.Entry, error] {
	return func(yield func([]keepersync.Entry, error) bool) {
		for page := range slices.Chunk(b.snapshot(dueOnly), 500) {
			if err := b.failure("entries", keepersync.Entry{}); !yield(page, err) || err != nil {
				return
			}
		}
	}
}

func (b *book) Open(_ context.Context, e keepersync.Entry) (models.Plaintext, error) {
	if err := b.failure("open", e); err != nil {
		return models.Plaintext{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.opened++
	return models.NewPlaintext([]byte(b.rows[e.SecretID].versions[e.Desired.Version-1])), nil
}

func (b *book) Hash(_ context.Context, e keepersync.Entry, v models.Plaintext) ([]byte, error) {
	if err := b.failure("hash", e); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hashed++
	return hash(string(v.Reveal())), nil
}

func (b *book) Take(_ context.Context, e keepersync.Entry, v models.Plaintext, _ keepersync.Remote) (keepersync.Desired, error) {
	if err := b.failure("take", e); err != nil {
		return keepersync.Desired{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.rows[e.SecretID]
	now := r.read().Desired
	if now == nil || now.Version != e.Desired.Version {
		return keepersync.Desired{}, fault.New(fault.Stale, "the secret moved")
	}
	if string(v.Reveal()) != r.versions[len(r.versions)-1] {
		r.versions, r.changed, r.due = append(r.versions, string(v.Reveal())), b.now(), true
		b.taken++
	}
	return *r.read().Desired, nil
}

// rule is a person's decision about a name, seeing what stands now.
func (b *book) rule(name string, side models.Side, remoteVersion string) {
	b.change(name, func(r *row) {
		if d := r.read().Desired; d != nil {
			r.entry.Ruling = &keepersync.Ruling{Side: side, Version: d.Version, RemoteVersion: remoteVersion}
		}
	})
}

func (b *book) Intend(_ context.Context, entries []keepersync.Entry) error {
	if err := b.failure("intend", keepersync.Entry{}); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.intended++
	for _, e := range entries {
		r := b.rows[e.SecretID]
		r.entry.Base = e.Base
		if e.Desired != nil {
			r.entry.Intent = &keepersync.Intent{Hash: e.Desired.Hash, Version: e.Desired.Version}
		}
	}
	return nil
}

func (b *book) Record(ctx context.Context, outcomes []keepersync.Outcome) error {
	if err := b.failure("record", keepersync.Entry{}); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return fault.Wrap(ctx.Err(), fault.Unavailable, "the ledger was not given time to record")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, o := range outcomes {
		r := b.rows[o.Entry.SecretID]
		b.outcomes = append(b.outcomes, o)
		r.entry.Status = o.Status
		if o.Base != nil {
			r.entry.Base, r.entry.Intent = o.Base, nil
		}
		if o.Status == models.StatusForeign && r.entry.Base == nil {
			r.entry.Intent = nil
		}
		r.entry.Attempts = 0
		if o.Err != nil {
			r.entry.Attempts = o.Entry.Attempts + 1
		}
		now := r.read().Desired
		moved := (now == nil) != (o.Entry.Desired == nil) || now != nil && now.Version != o.Entry.Desired.Version
		r.due = moved || o.Err != nil || !o.Again.IsZero()
		r.held = o.Action == models.ActionHold
		if o.Forget && r.deleted {
			r.gone, r.due, r.entry.Base, r.entry.Intent = true, false, nil, nil
		}
	}
	return nil
}

func (b *book) failure(call string, e keepersync.Entry) error {
	b.mu.Lock()
	fail := b.fail
	b.mu.Unlock()
	if fail == nil {
		return nil
	}
	return fail(call, e)
}

func (b *book) failWith(fail func(call string, e keepersync.Entry) error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fail = fail
}

// names are n names of secrets, sorted.
func names(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("secret-%05d", i)
	}
	return all
}
