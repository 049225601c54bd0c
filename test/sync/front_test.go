package synctests

import (
	"context"
	"iter"

	"github.com/your-org/keeper/fault"
	keepersync "github.com/your-org/keeper/sync"
)

// front stands between a Keeper and a destination: it has faults strike, and shows the model
// what each call found and what it changed.
type front struct {
	keepersync.Driver
	keeper *keeper
	site   *site
}

func (f *front) enter(op, name string) verdict {
	return f.keeper.world.stage.enter(&call{keeper: f.keeper, site: f.site, op: op, name: name})
}

// leave ends a call that was done.
func (f *front) leave(v verdict, op, name string) error {
	if v.dies {
		f.keeper.die()
		return errDead
	}
	if v.lost != nil {
		f.keeper.world.tell("%s: the answer to %s %s at %s is lost", f.keeper.name, op, name, f.site.name)
	}
	return v.lost
}

func (f *front) List(ctx context.Context) iter.Seq2[keepersync.Remote, error] {
	return func(yield func(keepersync.Remote, error) bool) {
		v := f.enter("list", "")
		var all []keepersync.Remote
		if v.err == nil || v.cut > 0 {
			for r, err := range f.Driver.List(ctx) {
				if err != nil {
					v.err = err
					break
				}
				all = append(all, r)
			}
		}
		if err := f.leave(v, "list", ""); err != nil && v.err == nil {
			v.err = err
		}
		if v.err != nil {
			all = all[:min(v.cut, len(all))]
		}
		for _, r := range all {
			if !yield(r, nil) {
				return
			}
		}
		if v.err != nil {
			yield(keepersync.Remote{}, v.err)
		}
	}
}

func (f *front) Describe(ctx context.Context, name string) (keepersync.Remote, error) {
	v := f.enter("describe", name)
	r, err := keepersync.Remote{}, v.err
	if err == nil {
		r, err = f.Driver.Describe(ctx, name)
		if late := f.leave(v, "describe", name); late != nil {
			r, err = keepersync.Remote{}, late
		}
	}
	f.keeper.saw(name, err)
	return r, err
}

func (f *front) Fetch(ctx context.Context, names []string) map[string]keepersync.Fetched {
	v := f.enter("fetch", names[0])
	answers := map[string]keepersync.Fetched{}
	if v.err == nil {
		answers = f.Driver.Fetch(ctx, names)
		v.err = f.leave(v, "fetch", names[0])
	}
	for i, name := range names {
		a := answers[name]
		switch {
		case v.err != nil:
			a = keepersync.Fetched{Err: v.err}
		case v.items&(1<<(i%64)) != 0:
			a = keepersync.Fetched{Err: fault.New(fault.Forbidden, "made to fail: fetch %s", name)}
		}
		answers[name] = a
		if a.Err != nil {
			f.keeper.saw(name, a.Err)
		}
	}
	return answers
}

// change has a call that changes something go through the model.
func (f *front) change(op, name string, write *keepersync.Write, do func() (keepersync.Remote, error)) (keepersync.Remote, error) {
	v := f.enter(op, name)
	if v.err != nil {
		return keepersync.Remote{}, v.err
	}
	before := f.site.place.look(name)
	r, err := do()
	if _, vault := f.site.place.(inMemory); vault && v.bare && op == "put" && !before.there && err == nil {
		f.site.place.mark(name, keepersync.Mark{})
		f.keeper.world.model.copied(f.site, name).bare = true
	}
	after := f.site.place.look(name)
	value := ""
	if write != nil {
		value = string(write.Value.Reveal())
	}
	f.keeper.world.model.changed(f, op, name, value, before, after)
	if late := f.leave(v, op, name); late != nil {
		return keepersync.Remote{}, late
	}
	return r, err
}

func (f *front) Put(ctx context.Context, w keepersync.Write) (keepersync.Remote, error) {
	return f.change("put", w.Name, &w, func() (keepersync.Remote, error) { return f.Driver.Put(ctx, w) })
}

func (f *front) Mark(ctx context.Context, name string, m keepersync.Mark) (keepersync.Remote, error) {
	return f.change("mark", name, nil, func() (keepersync.Remote, error) { return f.Driver.Mark(ctx, name, m) })
}

func (f *front) Delete(ctx context.Context, r keepersync.Remote) (keepersync.Remote, error) {
	return f.change("delete", r.Name, nil, func() (keepersync.Remote, error) { return f.Driver.Delete(ctx, r) })
}

func (f *front) Restore(ctx context.Context, r keepersync.Remote) (keepersync.Remote, error) {
	return f.change("restore", r.Name, nil, func() (keepersync.Remote, error) { return f.Driver.Restore(ctx, r) })
}

// saw keeps in mind whether a name was looked up well in what the Keeper does now.
func (k *keeper) saw(name string, err error) {
	if k.errand == nil {
		return
	}
	k.world.mu.Lock()
	defer k.world.mu.Unlock()
	k.errand.seen[name] = err == nil || fault.Is(err, fault.NotFound)
}
