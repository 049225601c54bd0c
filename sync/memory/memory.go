// Package memory is a destination in this process. It is the reference for what a driver
// promises, and with its injectable faults the counterpart of the engine's tests.
package memory

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
)

// Options say which part of which place a driver works on.
type Options struct {
	Place  *Place // nil: a new one
	Prefix string // names outside it are not listed
}

// Driver is a keepersync.Driver on a Place.
type Driver struct {
	place  *Place
	prefix string
}

var (
	_ keepersync.Driver = (*Driver)(nil)
	_ keepersync.Tuner  = (*Driver)(nil)
)

// New makes a driver. Drivers that are given the same place see the same names, as two
// processes that sync to one account do.
func New(o Options) *Driver {
	return &Driver{place: cmp.Or(o.Place, NewPlace()), prefix: o.Prefix}
}

// Place is where the driver works.
func (d *Driver) Place() *Place { return d.place }

// List yields the names under the prefix, as they stood when HoldListing was called where
// it was.
func (d *Driver) List(ctx context.Context) iter.Seq2[keepersync.Remote, error] {
	return func(yield func(keepersync.Remote, error) bool) {
		cut, err := d.place.begin(ctx, OpList, "")
		remotes := d.place.listing()
		if err != nil {
			remotes = remotes[:min(cut, len(remotes))]
		}
		for _, r := range remotes {
			if strings.HasPrefix(r.Name, d.prefix) && !yield(r, nil) {
				return
			}
		}
		if err != nil {
			yield(keepersync.Remote{}, err)
		}
	}
}

// Describe looks one name up.
func (d *Driver) Describe(ctx context.Context, name string) (keepersync.Remote, error) {
	return d.place.act(ctx, OpDescribe, name, func(it *item) (*item, error) {
		if it == nil {
			return nil, notFound(name)
		}
		return it, nil
	})
}

// Fetch reads current values.
func (d *Driver) Fetch(ctx context.Context, names []string) map[string]keepersync.Fetched {
	answers := make(map[string]keepersync.Fetched, len(names))
	for _, name := range names {
		var got keepersync.Fetched
		_, got.Err = d.place.act(ctx, OpFetch, name, func(it *item) (*item, error) {
			if it == nil || it.deleted {
				return it, notFound(name)
			}
			got.Value, got.Version = models.NewPlaintext(slices.Clone(it.value)), it.version
			return it, nil
		})
		if got.Err != nil {
			got = keepersync.Fetched{Err: got.Err}
		}
		answers[name] = got
	}
	return answers
}

// Put writes a value. As at AWS, a deleted name is restored before it is written.
func (d *Driver) Put(ctx context.Context, w keepersync.Write) (keepersync.Remote, error) {
	return d.place.act(ctx, OpPut, w.Name, func(it *item) (*item, error) {
		t := tokenOf(w)
		switch {
		case it != nil && !it.deleted && it.token == t:
			return it, nil // the same Write again
		case it == nil && w.Replaces.Exists():
			return nil, fault.New(fault.Conflict, "%s is no longer at the destination.", w.Name)
		case it != nil && it.deleted:
			return it, fault.New(fault.Conflict, "%s is deleted at the destination; it is restored before it is written.", w.Name)
		case it != nil && it.version != w.Replaces.Version:
			return it, fault.New(fault.Conflict, "%s was written by somebody else meanwhile.", w.Name)
		case it != nil && it.mark != w.Replaces.Mark:
			return it, otherMark(w.Name)
		case it == nil:
			it = &item{mark: w.Mark, labels: map[string]string{}, tuned: d.place.settings}
		}
		it.value, it.token = slices.Clone(w.Value.Reveal()), t
		d.place.stamp(it)
		return it, nil
	})
}

// Tune brings in line what stands beside a value.
func (d *Driver) Tune(ctx context.Context, name string) (keepersync.Remote, error) {
	return d.place.act(ctx, OpTune, name, func(it *item) (*item, error) {
		if it == nil {
			return nil, notFound(name)
		}
		it.tuned = d.place.settings
		return it, nil
	})
}

// Mark puts Keeper's mark on a name that bears none.
func (d *Driver) Mark(ctx context.Context, name string, mark keepersync.Mark) (keepersync.Remote, error) {
	return d.place.act(ctx, OpMark, name, func(it *item) (*item, error) {
		switch {
		case it == nil:
			return nil, notFound(name)
		case !it.mark.Zero() && it.mark != mark:
			return it, otherMark(name)
		}
		it.mark = mark
		return it, nil
	})
}

// Unmark takes Keeper's mark off a name where it is this one.
func (d *Driver) Unmark(ctx context.Context, name string, mark keepersync.Mark) (keepersync.Remote, error) {
	return d.place.act(ctx, OpUnmark, name, func(it *item) (*item, error) {
		switch {
		case it == nil:
			return nil, notFound(name)
		case !it.mark.Zero() && it.mark != mark:
			return it, fault.New(fault.Conflict, "%s bears another mark at the destination; it was left as it is.", name)
		}
		it.mark = keepersync.Mark{}
		return it, nil
	})
}

// Delete removes a value where it is still the one that was observed.
func (d *Driver) Delete(ctx context.Context, r keepersync.Remote) (keepersync.Remote, error) {
	return d.place.act(ctx, OpDelete, r.Name, func(it *item) (*item, error) {
		switch {
		case it == nil:
			return nil, notFound(r.Name)
		case it.version != r.Version:
			return it, fault.New(fault.Conflict, "%s was written by somebody else meanwhile; it was not deleted.", r.Name)
		case it.mark != r.Mark:
			return it, otherMark(r.Name)
		}
		d.place.remove(it)
		return it, nil
	})
}

// Restore brings a deleted value back.
func (d *Driver) Restore(ctx context.Context, r keepersync.Remote) (keepersync.Remote, error) {
	return d.place.act(ctx, OpRestore, r.Name, func(it *item) (*item, error) {
		switch {
		case it == nil:
			return nil, notFound(r.Name)
		case it.mark != r.Mark:
			return it, otherMark(r.Name)
		}
		it.deleted = false
		return it, nil
	})
}

// Check succeeds unless it is made to fail.
func (d *Driver) Check(ctx context.Context) error {
	_, err := d.place.begin(ctx, OpCheck, "")
	return err
}

func otherMark(name string) error {
	return fault.New(fault.Conflict, "%s does not bear the mark any more that it was seen with; it was left as it is.", name)
}

func notFound(name string) error {
	return fault.New(fault.NotFound, "There is no %s at the destination.", name)
}
