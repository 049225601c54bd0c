package sync

import (
	"cmp"
	"context"
	"hash/maphash"
	"slices"

	"github.com/your-org/keeper/models"
)

// listing is what a destination listed. Where err is set it was cut off, and what it does
// not show is unknown.
//
// It keeps two hashes of a name, whatever the name's length: one of the name and the secret
// in its mark, and one of its version. They suffice to see that a name is there with the
// version that Keeper knows, which is all that a run with little to do needs; of anything
// else the run asks by name. Two names with the same hash look like each other and are asked
// for needlessly. For a value that changed to pass as unchanged, its version must have the
// same hash as well: 128 bits in all, under a seed drawn for each run.
type listing struct {
	seed    maphash.Seed
	buckets [256][]listed // by the name's hash; ordered
	err     error
}

// chunk is how many rows of a bucket are made room for at once while the listing comes in.
// Growing by doubling would take twice the memory and leave as much garbage.
const chunk = 32

type listed struct {
	name    uint64
	version uint64 // its lowest bits: claimed, untuned
}

// odd stands for the version of what is listed without a value, or without this
// destination's mark: there is something, and that is all that is kept.
const odd = 0

// What the lowest bits of a version tell.
const (
	claimed = 1 // an entry has this name
	untuned = 4 // as Remote.Untuned
	told    = claimed | untuned
)

// unread stands for a remote version that was listed and is not the one that Keeper knows.
// It never leaves the look: the value is read, and with it comes the version.
const unread = "(as listed)"

func (r *run) list(ctx context.Context) *listing {
	l := &listing{seed: maphash.MakeSeed()}
	var chunks [len(l.buckets)][][]listed
	for remote, err := range r.driver.List(ctx) {
		if err != nil {
			l.err = err
			break
		}
		row := listed{l.name(remote.Name, 0), odd}
		if r.ours(remote) {
			row = listed{l.name(remote.Name, remote.Mark.Secret), l.version(remote.Version)}
			if remote.Untuned {
				row.version |= untuned
			}
		}
		b := &chunks[l.bucket(row.name)]
		if last := len(*b) - 1; last < 0 || len((*b)[last]) == chunk {
			*b = append(*b, make([]listed, 0, chunk))
		}
		last := &(*b)[len(*b)-1]
		*last = append(*last, row)
	}
	for i := range chunks {
		l.buckets[i] = slices.Concat(chunks[i]...)
		chunks[i] = nil
		slices.SortFunc(l.buckets[i], func(x, y listed) int { return cmp.Compare(x.name, y.name) })
	}
	return l
}

func (l *listing) bucket(name uint64) int { return int(name % uint64(len(l.buckets))) }

func (l *listing) name(name string, secret models.SecretID) uint64 {
	return maphash.Comparable(l.seed, struct {
		name   string
		secret models.SecretID
	}{name, secret})
}

func (l *listing) version(version string) uint64 { return maphash.String(l.seed, version)&^told | 2 }

// find is the rows of a name under a mark: more than one where the listing showed it twice,
// or where two names have the same hash.
func (l *listing) find(name string, secret models.SecretID) []listed {
	hash := l.name(name, secret)
	b := l.buckets[l.bucket(hash)]
	from, _ := slices.BinarySearchFunc(b, hash, func(row listed, hash uint64) int { return cmp.Compare(row.name, hash) })
	to := from
	for to < len(b) && b[to].name == hash {
		to++
	}
	return b[from:to]
}

// listedAs is what the listing says of an entry: that nothing is there, that it stands as
// Keeper left it, or that there is something which has to be looked at.
func (r *run) listedAs(e Entry) (there, asLeft bool) {
	rows := r.listing.find(e.RemoteName, e.SecretID)
	if len(rows) == 0 {
		return len(r.listing.find(e.RemoteName, 0)) > 0, false
	}
	asLeft = e.Base != nil
	for _, row := range rows {
		asLeft = asLeft && row.version&^told == r.listing.version(e.Base.RemoteVersion)
	}
	return true, asLeft
}

// firstSight is what is known of an entry before anybody asks for it by name. Without a
// listing that is nothing, which Decide does not believe either: it has it confirmed.
func (r *run) firstSight(e Entry) Observed {
	if r.listing == nil {
		return Observed{Listed: true}
	}
	rows := r.listing.find(e.RemoteName, e.SecretID)
	off := false
	for i := range rows {
		rows[i].version |= claimed
		off = off || rows[i].version&untuned != 0
	}
	there, asLeft := r.listedAs(e)
	switch {
	case asLeft:
		return Observed{Remote: Remote{Name: e.RemoteName, Version: e.Base.RemoteVersion, Mark: r.rules.Mark(e), Untuned: off}, Listed: true}
	case len(rows) > 0:
		return Observed{Remote: Remote{Name: e.RemoteName, Version: unread, Mark: r.rules.Mark(e), Untuned: off}, Listed: true}
	case !there && r.listing.err != nil:
		return Observed{Err: r.listing.err}
	default:
		return Observed{Listed: true}
	}
}

// tellStrays names what bears the destination's mark and belongs to no entry. The listing
// is read again for the names, where there are any; each is confirmed first: a listing still
// shows what was deleted minutes ago.
func (r *run) tellStrays(ctx context.Context) {
	if r.Stray == nil || !r.listing.unclaimed() {
		return
	}
	var suspects []*work
	for remote, err := range r.driver.List(ctx) {
		if err != nil {
			break // the next run tells of the rest
		}
		if r.ours(remote) && r.listing.claim(remote) {
			suspects = append(suspects, &work{entry: Entry{RemoteName: remote.Name}})
		}
		if len(suspects) == straysAtOnce {
			r.confirmStrays(ctx, suspects)
			suspects = nil
		}
	}
	r.confirmStrays(ctx, suspects)
}

// straysAtOnce bounds how many names are held while they are confirmed.
const straysAtOnce = 500

func (r *run) confirmStrays(ctx context.Context, suspects []*work) {
	r.ask(ctx, suspects, nil)
	for _, w := range suspects {
		if w.seen.Err == nil && r.ours(w.seen.Remote) {
			r.Stray(w.seen.Remote)
		}
	}
}

// ours reports whether a name bears this destination's mark and holds a value.
func (r *run) ours(remote Remote) bool {
	marked := remote.Mark.Owner == r.Owner && remote.Mark.Destination == r.Destination
	return marked && remote.Version != "" && !remote.Deleted
}

func (l *listing) unclaimed() bool {
	for _, b := range l.buckets {
		if slices.ContainsFunc(b, func(row listed) bool { return row.version != odd && row.version&claimed == 0 }) {
			return true
		}
	}
	return false
}

// claim reports whether the listing showed the name and no entry has it, once.
func (l *listing) claim(remote Remote) bool {
	rows := l.find(remote.Name, remote.Mark.Secret)
	if len(rows) == 0 || rows[0].version&claimed != 0 {
		return false
	}
	rows[0].version |= claimed
	return true
}
