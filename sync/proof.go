package sync

import (
	"cmp"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// Evidence says how a run knows what a destination holds under a name.
type Evidence string

// The kinds of evidence.
const (
	ByVersion Evidence = "version" // it shows the version under which Keeper last saw or wrote a value
	ByValue   Evidence = "value"   // the value was read
	ByWrite   Evidence = "write"   // it acknowledged Keeper's write
)

// Left is what a destination holds of an entry once a run has dealt with it. Without a hash
// that is nothing of Keeper's, or is not known.
type Left struct {
	Hash []byte // keyed hash of the value
	By   Evidence
}

// A proof names so many exceptions, and so many of the names that it is about where these are not
// all. It counts them all; a run's results name the rest of the exceptions.
const (
	NamedExceptions = 1000
	NamedPart       = 500
)

// Proof gathers what a run proves, entry by entry: the tree of what Keeper desires
// beside the tree of what the destination was seen to hold, both by ascending secret id. It
// keeps no values and no leaves. The zero Proof is ready for use, by one run.
//
// Each entry counts as it was when the run looked at it, once: what was changed after that
// look, on either side, is for the next run, even where this one came by again.
type Proof struct {
	source, there Tree
	proven        Proven
	looked        Part
	part          bool // not every entry was looked at
	failed        bool
	last          models.SecretID
	begun         bool
}

// Proven is what a proof says.
type Proven struct {
	// Part is what the proof is about; nil: every name at the destination.
	Part       *Part       `json:"part,omitempty"`
	Source     Head        `json:"source"`     // what Keeper desires
	ReadBack   Head        `json:"read_back"`  // what was seen at the destination
	Evidence   Evidences   `json:"evidence"`   // for the names of ReadBack
	Equal      int         `json:"equal"`      // names whose value is the desired one
	Exceptions int         `json:"exceptions"` // all others
	Named      []Exception `json:"named"`      // the first NamedExceptions of them
}

// Part is a part of a destination's names: of a run over what changed, those that it looked at.
type Part struct {
	Names int      `json:"names"`
	First []string `json:"first"` // NamedPart of them at most, in the order of the trees
}

// Listed reports whether every name of the part is known.
func (p *Part) Listed() bool { return p.Names == len(p.First) }

// Head is what there is to know of a tree without its leaves.
type Head struct {
	Names int64     `json:"names"`
	Root  tlog.Hash `json:"root"` // base64
}

// Evidences counts names by how they were seen.
type Evidences struct {
	Version int `json:"version"`
	Value   int `json:"value"`
	Write   int `json:"write"`
}

// Exception is a name that is not equal on both sides, or of which that is not known.
type Exception struct {
	Name   string            `json:"name"` // at the destination
	Status models.SyncStatus `json:"status"`
	Why    string            `json:"why"`
}

// Proven is what was proved. It is false where the run failed as a whole, or looked at nothing of what
// changed.
func (p *Proof) Proven() (Proven, bool) {
	all := p.proven
	all.Source = Head{p.source.size, p.source.Root()}
	all.ReadBack = Head{p.there.size, p.there.Root()}
	all.Named = append([]Exception{}, p.proven.Named...)
	if p.part {
		all.Part = &Part{Names: p.looked.Names, First: slices.Clone(p.looked.First)}
	}
	return all, !p.failed && (!p.part || p.looked.Names > 0)
}

// page adds the outcomes of a page of so many entries. A page of what was changed behind the
// run adds nothing.
func (p *Proof) page(entries int, outcomes []Outcome) {
	p.part = p.part || len(outcomes) < entries
	slices.SortFunc(outcomes, func(a, b Outcome) int { return cmp.Compare(a.Entry.SecretID, b.Entry.SecretID) })
	for _, o := range outcomes {
		if o.Entry.SecretID > p.last || !p.begun {
			p.last, p.begun = o.Entry.SecretID, true
			p.add(o)
		}
	}
}

func (p *Proof) add(o Outcome) {
	name, desired, left := o.Entry.RemoteName, o.Entry.Desired, o.Left
	if p.looked.Names++; len(p.looked.First) < NamedPart {
		p.looked.First = append(p.looked.First, name)
	}
	if desired != nil {
		p.source.Add(Leaf(name, desired.Hash))
	}
	if left.Hash != nil {
		p.there.Add(Leaf(name, left.Hash))
		p.proven.Evidence.count(left.By)
	}
	switch {
	case !o.Equal():
		p.except(o)
	case desired != nil:
		p.proven.Equal++
	}
}

// Equal reports whether the destination was seen to hold exactly what Keeper desires: the
// value, or nothing where the secret is deleted.
func (o Outcome) Equal() bool {
	if o.Entry.Desired != nil {
		return same(o.Left.Hash, o.Entry.Desired.Hash)
	}
	return o.Left.Hash == nil && o.Status == models.StatusInSync
}

func (p *Proof) except(o Outcome) {
	p.proven.Exceptions++
	if len(p.proven.Named) == NamedExceptions {
		return
	}
	e := Exception{Name: o.Entry.RemoteName, Status: o.Status, Why: o.Why}
	if o.Err != nil {
		e.Why = fault.Public(o.Err).Message
	}
	p.proven.Named = append(p.proven.Named, e)
}

func (e *Evidences) count(by Evidence) {
	switch by {
	case ByVersion:
		e.Version++
	case ByValue:
		e.Value++
	case ByWrite:
		e.Write++
	}
}

// left is what the last look showed of the entry.
func (r *run) left(w *work) Left {
	remote, base := w.seen.Remote, w.entry.Base
	switch {
	case w.seen.Err != nil || remote.Deleted || remote.Version == "" || remote.Mark != r.rules.Mark(w.entry):
		return Left{}
	case w.seen.Hash != nil:
		return Left{w.seen.Hash, ByValue}
	case base != nil && base.RemoteVersion == remote.Version:
		return Left{base.Hash, ByVersion}
	default:
		return Left{}
	}
}
