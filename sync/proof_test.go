package sync_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/memory"
)

// root is the root over leaves as the library that everybody may check receipts with has it.
func root(t *testing.T, leaves [][]byte) tlog.Hash {
	t.Helper()
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		all := make([]tlog.Hash, len(indexes))
		for i, at := range indexes {
			all[i] = stored[at]
		}
		return all, nil
	})
	for i, leaf := range leaves {
		hashes, err := tlog.StoredHashes(int64(i), leaf, reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, hashes...)
	}
	if len(leaves) == 0 {
		return sha256.Sum256(nil)
	}
	hash, err := tlog.TreeHash(int64(len(leaves)), reader)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

func TestTree(t *testing.T) {
	var tree keepersync.Tree
	var leaves [][]byte
	for i := range 70 {
		if got, want := tree.Root(), root(t, leaves); got != want {
			t.Fatalf("root over %d leaves is %v, want %v", i, got, want)
		}
		leaf := fmt.Append(nil, "leaf ", i)
		tree.Add(leaf)
		leaves = append(leaves, leaf)
	}
}

func TestLeaf(t *testing.T) {
	if got, want := string(keepersync.Leaf("ab", []byte{1})), "\x00\x00\x00\x02ab\x00\x00\x00\x01\x01"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if string(keepersync.Leaf("a", []byte("bc"))) == string(keepersync.Leaf("ab", []byte("c"))) {
		t.Error("two pairs have the same leaf")
	}
}

// proven runs once and returns what was proved.
func (w *world) proven(t *testing.T, o keepersync.Options) (keepersync.Proven, bool, error) {
	t.Helper()
	o.Proof = &keepersync.Proof{}
	_, err := keepersync.Run(t.Context(), w.tape, w.book, o)
	proven, ok := o.Proof.Proven()
	return proven, ok, err
}

// leaves are those of what Keeper desires and of what is there under Keeper's marks.
func (w *world) leaves() (source, there [][]byte) {
	for _, e := range w.book.snapshot(false) {
		if e.Desired != nil {
			source = append(source, keepersync.Leaf(e.RemoteName, e.Desired.Hash))
		}
		if value, ok := w.holds(e); ok {
			there = append(there, keepersync.Leaf(e.RemoteName, hash(value)))
		}
	}
	return source, there
}

// holds is the value that the place holds of an entry, under its mark.
func (w *world) holds(e keepersync.Entry) (string, bool) {
	there, ok := w.place.Get(e.RemoteName)
	mark := keepersync.Mark{Owner: "us", Destination: "dst_1", Secret: e.SecretID}
	return string(there.Value), ok && !there.Remote.Deleted && there.Remote.Mark == mark
}

func (w *world) heads(t *testing.T) (source, there keepersync.Head) {
	t.Helper()
	s, d := w.leaves()
	return keepersync.Head{Names: int64(len(s)), Root: root(t, s)}, keepersync.Head{Names: int64(len(d)), Root: root(t, d)}
}

func TestProof(t *testing.T) {
	t.Run("OfWrites", func(t *testing.T) {
		w := busy(t)
		proven, ok, err := w.proven(t, w.options(true))
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		source, there := w.heads(t)
		want := keepersync.Proven{
			Source: source, ReadBack: there, Evidence: keepersync.Evidences{Version: 1, Write: 4}, Equal: 5, Exceptions: 1,
			Named: []keepersync.Exception{{Name: "keeper/taken", Status: models.StatusForeign, Why: proven.Named[0].Why}},
		}
		if diff := cmp.Diff(want, proven); diff != "" {
			t.Error(diff)
		}
		if source == there || source.Names != 6 || there.Names != 5 {
			t.Errorf("%+v, %+v", source, there)
		}
	})
	t.Run("Whole", func(t *testing.T) {
		w := newWorld(t)
		for _, n := range names(1234) { // three pages
			w.book.put(n, "value of "+n)
		}
		w.run(t, true)
		w.clock.pass(time.Hour)
		proven, ok, err := w.proven(t, w.options(true))
		source, _ := w.heads(t)
		want := keepersync.Proven{
			Source: source, ReadBack: source, Evidence: keepersync.Evidences{Version: 1234}, Equal: 1234, Named: []keepersync.Exception{},
		}
		if diff := cmp.Diff(want, proven); diff != "" || !ok || err != nil {
			t.Error(diff, ok, err)
		}
	})
	t.Run("Empty", func(t *testing.T) {
		proven, ok, err := newWorld(t).proven(t, newWorld(t).options(true))
		if !ok || err != nil || !proven.Whole() || proven.Source.Root != sha256.Sum256(nil) {
			t.Error(proven, ok, err)
		}
	})
	t.Run("Held", func(t *testing.T) {
		w := busy(t)
		w.strategy = models.ManualWins
		proven, _, err := w.proven(t, w.options(true))
		var got []string
		for _, e := range proven.Named {
			got = append(got, e.Name+" "+string(e.Status))
		}
		slices.Sort(got)
		want := []string{"keeper/drifted drifted", "keeper/gone missing", "keeper/taken foreign"}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Error(diff, err)
		}
		source, there := w.heads(t)
		if proven.Source != source || proven.ReadBack != there {
			t.Error("the roots are not those of both sides")
		}
	})
	t.Run("FailedWrite", func(t *testing.T) {
		for _, acted := range []bool{false, true} {
			w := newWorld(t)
			w.book.put("a", "old")
			w.run(t, true)
			w.clock.pass(time.Hour)
			w.book.put("a", "new")
			w.place.Inject(memory.Fault{Op: memory.OpPut, Kind: fault.Unavailable, Acted: acted})
			proven, ok, err := w.proven(t, w.options(true))
			if err != nil || !ok || proven.Equal != 0 || proven.Exceptions != 1 || proven.ReadBack.Names != 0 {
				t.Errorf("acted %v: %+v, %v, %v", acted, proven, ok, err)
			}
		}
	})
	t.Run("Unfit", func(t *testing.T) {
		for edited, names := range map[bool]int64{false: 1, true: 0} {
			w := newWorld(t)
			w.book.put("a", "old")
			w.run(t, true)
			w.clock.pass(time.Hour)
			w.book.put("a", strings.Repeat("x", models.MaxValueSize+1))
			if edited {
				w.place.Edit("keeper/a", []byte("theirs"))
			}
			proven, _, err := w.proven(t, w.options(true))
			if err != nil || proven.Exceptions != 1 || proven.ReadBack.Names != names {
				t.Errorf("edited %v: %+v, %v", edited, proven, err)
			}
		}
	})
	t.Run("DeletedAndKept", func(t *testing.T) {
		w := newWorld(t)
		w.book.put("a", "ours")
		w.book.put("b", "ours")
		w.run(t, true)
		w.clock.pass(time.Hour)
		w.place.Edit("keeper/a", []byte("theirs"))
		w.book.remove("a")
		w.book.remove("b")
		proven, _, err := w.proven(t, w.options(true))
		if err != nil || proven.Exceptions != 1 || proven.Named[0].Name != "keeper/a" || proven.ReadBack.Names != 1 || proven.Source.Names != 0 {
			t.Errorf("%+v, %v", proven, err)
		}
	})
	t.Run("CountsWhatComesTwiceOnce", func(t *testing.T) {
		w := newWorld(t)
		w.book.put("a", "1")
		w.book.put("b", "2")
		o := w.options(true)
		o.Proof = &keepersync.Proof{}
		if _, err := keepersync.Run(t.Context(), w.tape, twice{w.book}, o); err != nil {
			t.Fatal(err)
		}
		source, _ := w.heads(t)
		if proven, ok := o.Proof.Proven(); !ok || proven.Equal != 2 || proven.Source != source || proven.ReadBack != source {
			t.Errorf("%+v, %v", proven, ok)
		}
	})
	t.Run("ManyExceptions", func(t *testing.T) {
		w := newWorld(t)
		many := keepersync.NamedExceptions + 7
		for _, n := range names(many) {
			w.place.Edit("keeper/"+n, []byte("theirs"))
			w.book.put(n, "ours")
		}
		proven, ok, err := w.proven(t, w.options(true))
		if err != nil || !ok || proven.Exceptions != many || len(proven.Named) != keepersync.NamedExceptions {
			t.Error(proven.Exceptions, len(proven.Named), ok, err)
		}
	})
	for name, run := range map[string]func(*world) keepersync.Options{
		"OfACutListing": func(w *world) keepersync.Options {
			w.place.Inject(memory.Fault{Op: memory.OpList, Kind: fault.Unavailable, Cut: 2})
			return w.options(true)
		},
		"OfWhatWasNotRecorded": func(w *world) keepersync.Options {
			w.book.failWith(func(call string, _ keepersync.Entry) error {
				if call == "record" {
					return errors.New("the database is away")
				}
				return nil
			})
			return w.options(true)
		},
		"Braked": func(w *world) keepersync.Options {
			o := w.options(true)
			o.Brake = keepersync.Brake{Most: 1}
			return o
		},
	} {
		t.Run("Not"+name, func(t *testing.T) {
			w := busy(t)
			if _, ok, _ := w.proven(t, run(w)); ok {
				t.Error("a run that did not end well proves something")
			}
		})
	}
	t.Run("OfWhatIsDue", func(t *testing.T) {
		w := newWorld(t)
		for _, n := range names(3) {
			w.book.put(n, "value of "+n)
		}
		w.run(t, true)
		w.clock.pass(time.Hour)
		w.place.Edit("keeper/"+names(3)[0], []byte("theirs")) // of which it says nothing
		changed := names(3)[1]
		w.book.put(changed, "another")
		proven, ok, err := w.proven(t, w.options(false))
		head := keepersync.Head{Names: 1, Root: root(t, [][]byte{keepersync.Leaf("keeper/"+changed, hash("another"))})}
		want := keepersync.Proven{
			Part: &keepersync.Part{Names: 1, First: []string{"keeper/" + changed}}, Source: head, ReadBack: head,
			Evidence: keepersync.Evidences{Write: 1}, Equal: 1, Named: []keepersync.Exception{},
		}
		if diff := cmp.Diff(want, proven); diff != "" || !ok || err != nil {
			t.Error(diff, ok, err)
		}
		if proven, ok, err := w.proven(t, w.options(false)); ok || err != nil {
			t.Errorf("nothing is due, and that is proved: %+v, %v", proven, err)
		}
	})
	t.Run("OfAPartOfAPlan", func(t *testing.T) {
		w := newWorld(t)
		w.book.put("a", "1")
		w.book.put("b", "2")
		_, approved := w.plan(t, true)
		o := w.options(true)
		o.Approved = approved
		w.book.put("later", "came after the plan")
		proven, ok, err := w.proven(t, o)
		if diff := cmp.Diff(&keepersync.Part{Names: 2, First: []string{"keeper/a", "keeper/b"}}, proven.Part); diff != "" || !ok || err != nil || proven.Equal != 2 {
			t.Error(diff, proven, ok, err)
		}
	})
	t.Run("OfALargePart", func(t *testing.T) {
		w := newWorld(t)
		many := keepersync.NamedPart + 7
		for _, n := range names(many) {
			w.book.put(n, "value of "+n)
		}
		proven, ok, err := w.proven(t, w.options(false))
		if !ok || err != nil || proven.Equal != many || proven.Part.Names != many || len(proven.Part.First) != keepersync.NamedPart || proven.Part.Listed() {
			t.Error(proven.Equal, proven.Part, ok, err)
		}
	})
	t.Run("OfAPlanForEverything", func(t *testing.T) {
		w := newWorld(t)
		w.book.put("a", "1")
		w.book.put("b", "2")
		_, approved := w.plan(t, true)
		o := w.options(true)
		o.Approved = approved
		if proven, ok, err := w.proven(t, o); !ok || err != nil || !proven.Whole() || proven.Equal != 2 {
			t.Error(proven, ok, err)
		}
	})
}

func TestProve(t *testing.T) {
	w := busy(t)
	w.run(t, true)
	w.clock.pass(time.Hour)
	w.place.Edit("keeper/same", []byte("drifted"))
	w.place.Purge("keeper/new")
	w.book.put("changed", "changed again")
	w.tape.rewind()
	recorded, intended := len(w.book.outcomes), w.book.intended
	var unequal []string
	proven, err := keepersync.Prove(t.Context(), w.tape, w.book, w.options(true), nil, func(o keepersync.Outcome) {
		if !o.Equal() {
			unequal = append(unequal, o.Entry.Name+" "+string(o.Status))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(unequal)
	want := []string{"changed source_changed", "new missing", "same drifted", "taken foreign"}
	if diff := cmp.Diff(want, unequal); diff != "" {
		t.Error(diff)
	}
	source, there := w.heads(t)
	if proven.Source != source || proven.ReadBack != there || proven.Evidence != (keepersync.Evidences{Value: 4}) || proven.Exceptions != 4 || proven.Equal != 2 {
		t.Errorf("got %+v, want %+v and %+v", proven, source, there)
	}
	if changes := w.tape.changes(); len(changes) > 0 || len(w.book.outcomes) != recorded || w.book.intended != intended {
		t.Errorf("it changed something: %v", changes)
	}
	w.place.Inject(memory.Fault{Op: memory.OpList, Kind: fault.Unavailable, Cut: 2, Times: 1})
	if _, err := keepersync.Prove(t.Context(), w.tape, w.book, w.options(true), nil, nil); !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v, want Unavailable", err)
	}
}

func TestProveOfAPart(t *testing.T) {
	w := newWorld(t)
	for _, n := range []string{"a", "b", "c"} {
		w.book.put(n, "value of "+n)
	}
	w.run(t, true)
	w.clock.pass(time.Hour)
	w.place.Edit("keeper/a", []byte("theirs"))
	w.place.Inject(memory.Fault{Op: memory.OpList, Kind: fault.Unavailable})
	w.tape.rewind()
	part := &keepersync.Part{Names: 2, First: []string{"keeper/b", "keeper/c"}}
	proven, err := keepersync.Prove(t.Context(), w.tape, w.book, w.options(true), part, nil)
	head := keepersync.Head{Names: 2, Root: root(t, [][]byte{keepersync.Leaf("keeper/b", hash("value of b")), keepersync.Leaf("keeper/c", hash("value of c"))})}
	want := keepersync.Proven{
		Part: part, Source: head, ReadBack: head, Evidence: keepersync.Evidences{Value: 2}, Equal: 2, Named: []keepersync.Exception{},
	}
	if diff := cmp.Diff(want, proven); diff != "" || err != nil {
		t.Error(diff, err)
	}
	part.First[1] = "keeper/a"
	if proven, err = keepersync.Prove(t.Context(), w.tape, w.book, w.options(true), part, nil); err != nil || proven.Equal != 1 || proven.Exceptions != 1 || proven.Named[0].Name != "keeper/a" {
		t.Errorf("%+v, %v", proven, err)
	}
	if changes := w.tape.changes(); len(changes) > 0 {
		t.Errorf("it changed something: %v", changes)
	}
}

// twice is a ledger that comes back to what it yielded already, as one does to what was
// changed behind a run.
type twice struct{ *book }

func (l twice) Entries(ctx context.Context, dueOnly bool) iter.Seq2[[]keepersync.Entry, error] {
	return func(yield func([]keepersync.Entry, error) bool) {
		for range 2 {
			for page, err := range l.book.Entries(ctx, dueOnly) {
				if !yield(page, err) {
					return
				}
			}
		}
	}
}

// TestEveryProofIsTrue has both sides edited at random moments of a run. A name counts as
// equal only if the destination held, during the run, a value that Keeper desired no later;
// and without a fault what was equal all the time is no exception.
func TestEveryProofIsTrue(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		w.strategy = rapid.SampledFrom(models.Strategies).Draw(rt, "strategy")
		all := names(5)
		for _, n := range all[:4] {
			w.book.put(n, "first of "+n)
		}
		w.run(t, true)
		w.clock.pass(time.Hour)

		edits, faults := 0, false
		edit := func() func() { // drawn now, done when it is called
			n := rapid.SampledFrom(all).Draw(rt, "name")
			what := rapid.SampledFrom([]string{"put", "put", "remove", "undelete", "edit", "edit", "hide", "purge"}).Draw(rt, "edit")
			return func() {
				edits++
				value := fmt.Sprint("edit ", edits) // each its own, so that equal means the same edit
				known := w.book.byName[n] != nil
				switch {
				case what == "put":
					w.book.put(n, value)
				case what == "remove" && known:
					w.book.remove(n)
				case what == "undelete" && known:
					w.book.undelete(n)
				case what == "edit":
					w.place.Edit("keeper/"+n, []byte(value))
				case what == "hide":
					w.place.Remove("keeper/" + n)
				case what == "purge":
					w.place.Purge("keeper/" + n)
				}
			}
		}
		for range rapid.IntRange(0, 4).Draw(rt, "edits before") {
			edit()()
		}
		if rapid.Bool().Draw(rt, "faulty") {
			faults = true
			w.place.Inject(memory.Fault{
				Op:   rapid.SampledFrom([]memory.Op{memory.OpDescribe, memory.OpFetch, memory.OpPut, memory.OpDelete}).Draw(rt, "op"),
				Kind: fault.Unavailable, Acted: rapid.Bool().Draw(rt, "acted"), Times: 1,
			})
		}
		w.clock.pass(time.Hour)

		moments := map[int]func(){}
		for range rapid.IntRange(0, 6).Draw(rt, "edits during") {
			moments[rapid.IntRange(0, 25).Draw(rt, "moment")] = edit()
		}
		desired, ever, always := map[string]map[string]bool{}, map[string]bool{}, map[string]bool{}
		for _, n := range all {
			desired["keeper/"+n], always["keeper/"+n] = map[string]bool{}, true
		}
		watch := func() {
			for _, n := range all {
				name, r := "keeper/"+n, w.book.byName[n]
				if r == nil {
					always[name] = false
					continue
				}
				e := w.book.entry(n)
				if e.Desired != nil {
					desired[name][string(e.Desired.Hash)] = true
				}
				value, ok := w.holds(e)
				if ok && desired[name][string(hash(value))] {
					ever[name] = true
				}
				if !ok || e.Desired == nil || string(e.Desired.Hash) != string(hash(value)) {
					always[name] = false
				}
			}
		}
		call := 0
		w.tape.before = func(string, string) error {
			watch()
			if edit := moments[call]; edit != nil {
				edit()
				watch()
			}
			call++
			return nil
		}
		w.tape.after = func(string, string) error { watch(); return nil }
		full := rapid.Bool().Draw(rt, "full")
		o := w.options(full)
		o.Workers = 1
		source, there := w.heads(t)
		before, told := edits, len(w.book.outcomes)
		proven, ok, err := w.proven(t, o)
		w.tape.before, w.tape.after = nil, nil
		watch()
		if looked := len(w.book.outcomes) > told; err != nil || ok != (full || looked) || full != (proven.Part == nil) {
			rt.Fatal(ok, looked, proven.Part, err)
		}
		excepted := map[string]bool{}
		for _, e := range proven.Named {
			excepted[e.Name] = true
			if always[e.Name] && !faults {
				rt.Errorf("%s was equal all the time and is an exception: %+v", e.Name, e)
			}
		}
		for _, o := range w.book.outcomes[told:] {
			if d := o.Entry.Desired; d != nil && string(o.Left.Hash) == string(d.Hash) && !ever[o.Entry.RemoteName] {
				rt.Errorf("%s counts as equal and never was: %+v", o.Entry.RemoteName, o)
			}
		}
		equal := 0
		for _, e := range w.book.snapshot(false) {
			if !excepted[e.RemoteName] && ever[e.RemoteName] {
				equal++
			}
		}
		if proven.Equal > equal {
			rt.Errorf("%d names count as equal, and %d were at any time: %+v", proven.Equal, equal, proven)
		}
		if counted := len(w.book.rows); proven.Equal+proven.Exceptions > counted {
			rt.Errorf("%d and %d of %d entries", proven.Equal, proven.Exceptions, counted)
		}
		if (proven.Source == proven.ReadBack) != (proven.Source.Names == int64(proven.Equal) && proven.ReadBack.Names == int64(proven.Equal)) {
			rt.Errorf("the roots and the counts contradict each other: %+v", proven)
		}
		if full && edits == before && w.strategy == models.ManualWins && proven.Source != source {
			rt.Errorf("nothing moved, and the source's root is another: %+v, want %+v (%+v)", proven.Source, source, there)
		}
	})
}
