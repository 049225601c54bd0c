package sync_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
)

var (
	noon  = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	rules = keepersync.Rules{Owner: "us", Destination: "dst_1"}
	ours  = keepersync.Mark{Owner: "us", Destination: "dst_1", Secret: 7}
)

func desired(value string) *keepersync.Desired {
	return &keepersync.Desired{Version: 2, Hash: []byte(value), Size: len(value)}
}

func base(value, remote string) *keepersync.Base {
	return &keepersync.Base{Version: 1, Hash: []byte(value), RemoteVersion: remote, At: noon.Add(-time.Hour)}
}

// back is the base of a copy that Keeper was about to restore, and leaving of one that it was
// about to delete.
func back(remote string) *keepersync.Base {
	return &keepersync.Base{RemoteVersion: remote, At: noon.Add(-time.Hour)}
}

func leaving(remote string) *keepersync.Base {
	return &keepersync.Base{Version: 1, RemoteVersion: remote, At: noon.Add(-time.Hour)}
}

func justNow(b *keepersync.Base) *keepersync.Base {
	b.At = noon.Add(-9 * time.Minute)
	return b
}

func intent(value string) *keepersync.Intent {
	return &keepersync.Intent{Version: 2, Hash: []byte(value)}
}

func live(version string) keepersync.Remote {
	return keepersync.Remote{Name: "n", Version: version, Mark: ours}
}

func marked(version string, m keepersync.Mark) keepersync.Remote {
	return keepersync.Remote{Name: "n", Version: version, Mark: m}
}

// TestDecide is the whole of what Keeper does about a difference, row by row. A value
// stands for its own keyed hash; a missing one was not read.
func TestDecide(t *testing.T) {
	type entry = keepersync.Entry
	type seen = keepersync.Observed
	nothing := keepersync.Remote{}
	gone := live("r1")
	gone.Deleted = true
	const confirm, value = "confirm", "value"

	for _, row := range []struct {
		name  string
		entry entry
		seen  seen
		want  string // status/action, or what Decide asks for first
	}{
		{"an error is unknown", entry{Desired: desired("a"), Base: base("a", "r1")}, seen{Err: errors.New("away")}, "unknown/none"},
		{"an error beats what was seen beside it", entry{Base: base("a", "r1")}, seen{Err: errors.New("away"), Remote: live("r1")}, "unknown/none"},

		{"not there yet", entry{Desired: desired("a")}, seen{Remote: nothing}, "source_changed/create"},
		{"gone", entry{Desired: desired("a"), Base: base("a", "r1")}, seen{Remote: nothing}, "missing/repair"},
		{"gone, and deleted here", entry{Base: base("a", "r1")}, seen{Remote: nothing}, "in_sync/none"},
		{"not listed is not yet gone", entry{Desired: desired("a"), Base: base("a", "r1")}, seen{Listed: true}, confirm},
		{"not listed is not yet absent", entry{Desired: desired("a")}, seen{Listed: true}, confirm},
		{"not listed is not yet deleted", entry{Base: base("a", "r1")}, seen{Listed: true}, confirm},

		{"no mark", entry{Desired: desired("a")}, seen{Remote: marked("r1", keepersync.Mark{})}, "foreign/refuse"},
		{"no mark and never ours, deleted here", entry{}, seen{Remote: marked("r1", keepersync.Mark{})}, "in_sync/none"},
		{"another's mark, deleted here", entry{}, seen{Remote: marked("r1", keepersync.Mark{Owner: "they", Destination: "dst_1", Secret: 7})}, "in_sync/none"},
		{"mark taken off, deleted here", entry{Base: base("a", "r1")}, seen{Remote: marked("r1", keepersync.Mark{})}, "foreign/refuse"},
		{"mark taken off", entry{Desired: desired("a"), Base: base("a", "r1")}, seen{Remote: marked("r1", keepersync.Mark{})}, "foreign/refuse"},
		{"no mark, a write was under way", entry{Desired: desired("a"), Intent: intent("a")}, seen{Remote: marked("r1", keepersync.Mark{})}, value},
		{"no mark, our write", entry{Desired: desired("a"), Intent: intent("a")}, seen{Remote: marked("r1", keepersync.Mark{}), Hash: []byte("a")}, "source_changed/mark"},
		{"no mark, not our write", entry{Desired: desired("a"), Intent: intent("a")}, seen{Remote: marked("r1", keepersync.Mark{}), Hash: []byte("x")}, "foreign/refuse"},
		{"no mark, deleted there", entry{Desired: desired("a"), Intent: intent("a")}, seen{Remote: keepersync.Remote{Version: "r1", Deleted: true}, Hash: []byte("a")}, "foreign/refuse"},
		{"mark of another Keeper", entry{Desired: desired("a")}, seen{Remote: marked("r1", keepersync.Mark{Owner: "they", Destination: "dst_1", Secret: 7})}, "foreign/refuse"},
		{"mark of another destination", entry{Desired: desired("a")}, seen{Remote: marked("r1", keepersync.Mark{Owner: "us", Destination: "dst_2", Secret: 7})}, "foreign/refuse"},
		{"mark of another secret", entry{Desired: desired("a")}, seen{Remote: marked("r1", keepersync.Mark{Owner: "us", Destination: "dst_1", Secret: 8})}, "foreign/refuse"},

		{"given back", entry{Desired: desired("b"), Base: base("a", "r1"), Released: true}, seen{Remote: live("r1")}, "foreign/refuse"},
		{"given back, by a listing", entry{Desired: desired("b"), Released: true}, seen{Remote: live("r1"), Listed: true}, "foreign/refuse"},
		{"given back, unmarked, a write was under way", entry{Desired: desired("a"), Intent: intent("a"), Released: true}, seen{Remote: marked("r1", keepersync.Mark{}), Hash: []byte("a")}, "foreign/refuse"},
		{"given back, deleted here", entry{Base: base("a", "r1"), Released: true}, seen{Remote: live("r1")}, "in_sync/none"},
		{"given back, deleted there", entry{Desired: desired("a"), Base: base("a", "r1"), Released: true}, seen{Remote: gone}, "foreign/refuse"},
		{"given back, and removed there", entry{Desired: desired("a"), Released: true}, seen{Remote: nothing}, "source_changed/create"},

		{"as written", entry{Desired: desired("a"), Base: base("a", "r1")}, seen{Remote: live("r1")}, "in_sync/none"},
		{"as written, by a listing", entry{Desired: desired("a"), Base: base("a", "r1")}, seen{Remote: live("r1"), Listed: true}, "in_sync/none"},
		{"as written just now, by a listing", entry{Desired: desired("a"), Base: justNow(base("a", "r1"))}, seen{Remote: live("r1"), Listed: true}, "in_sync/none"},
		{"changed here", entry{Desired: desired("b"), Base: base("a", "r1")}, seen{Remote: live("r1")}, "source_changed/update"},
		{"changed here, by a listing", entry{Desired: desired("b"), Base: base("a", "r1")}, seen{Remote: live("r1"), Listed: true}, confirm},
		{"deleted here", entry{Base: base("a", "r1")}, seen{Remote: live("r1")}, "orphaned/delete"},
		{"deleted here, by a listing", entry{Base: base("a", "r1")}, seen{Remote: live("r1"), Listed: true}, confirm},

		{"another version", entry{Desired: desired("a"), Base: base("a", "r1")}, seen{Remote: live("r2")}, value},
		{"another version, by a listing", entry{Desired: desired("a"), Base: base("a", "r1")}, seen{Remote: live("r2"), Listed: true}, value},
		{"another version after our write, by a listing", entry{Desired: desired("a"), Base: justNow(base("a", "r1"))}, seen{Remote: live("r2"), Listed: true}, confirm},
		{"another version, the desired value", entry{Desired: desired("a"), Base: base("a", "r1")}, seen{Remote: live("r2"), Hash: []byte("a")}, "in_sync/none"},
		{"another version, by a listing, the desired value", entry{Desired: desired("a"), Base: base("a", "r1")}, seen{Remote: live("r2"), Hash: []byte("a"), Listed: true}, "in_sync/none"},
		{"another version, the base's value, changed here", entry{Desired: desired("b"), Base: base("a", "r1")}, seen{Remote: live("r2"), Hash: []byte("a")}, "source_changed/update"},
		{"another version, the base's value, deleted here", entry{Base: base("a", "r1")}, seen{Remote: live("r2"), Hash: []byte("a")}, "orphaned/delete"},
		{"our write arrived, its answer did not", entry{Desired: desired("b"), Base: base("a", "r1"), Intent: intent("b")}, seen{Remote: live("r2"), Hash: []byte("b")}, "in_sync/none"},
		{"our write arrived, and it changed here again", entry{Desired: desired("c"), Base: base("a", "r1"), Intent: intent("b")}, seen{Remote: live("r2"), Hash: []byte("b")}, "source_changed/update"},
		{"our write arrived, and it was deleted here", entry{Base: base("a", "r1"), Intent: intent("b")}, seen{Remote: live("r2"), Hash: []byte("b")}, "orphaned/delete"},
		{"changed there", entry{Desired: desired("a"), Base: base("a", "r1")}, seen{Remote: live("r2"), Hash: []byte("x")}, "drifted/repair"},
		{"changed there, by a listing", entry{Desired: desired("a"), Base: base("a", "r1")}, seen{Remote: live("r2"), Hash: []byte("x"), Listed: true}, confirm},
		{"changed on both sides", entry{Desired: desired("b"), Base: base("a", "r1")}, seen{Remote: live("r2"), Hash: []byte("x")}, "conflict/repair"},
		{"changed there, deleted here", entry{Base: base("a", "r1")}, seen{Remote: live("r2"), Hash: []byte("x")}, "conflict/refuse"},

		{"base lost", entry{Desired: desired("a")}, seen{Remote: live("r1")}, value},
		{"base lost, the desired value", entry{Desired: desired("a")}, seen{Remote: live("r1"), Hash: []byte("a")}, "in_sync/none"},
		{"base lost, another value", entry{Desired: desired("a")}, seen{Remote: live("r1"), Hash: []byte("x")}, "drifted/repair"},
		{"base lost, deleted here", entry{}, seen{Remote: live("r1"), Hash: []byte("x")}, "conflict/refuse"},

		{"deleted there", entry{Desired: desired("a"), Base: base("a", "r1")}, seen{Remote: gone}, "missing/restore"},
		{"deleted there, by a listing", entry{Desired: desired("a"), Base: base("a", "r1")}, seen{Remote: gone, Listed: true}, confirm},
		{"deleted on both sides", entry{Base: base("a", "r1")}, seen{Remote: gone}, "in_sync/none"},
		{"back after a restore of unknown outcome", entry{Desired: desired("a"), Base: back("r1")}, seen{Remote: live("r1")}, value},
		{"back after a restore of unknown outcome, another value", entry{Desired: desired("a"), Base: back("r1")}, seen{Remote: live("r1"), Hash: []byte("x")}, "drifted/repair"},
		{"back after a restore of unknown outcome, deleted here", entry{Base: back("r1")}, seen{Remote: live("r1"), Hash: []byte("x")}, "conflict/refuse"},
		{"back after Keeper's deletion", entry{Desired: desired("a"), Base: leaving("r1")}, seen{Remote: live("r1"), Hash: []byte("x")}, "source_changed/update"},
		{"Keeper's deletion did not arrive", entry{Base: leaving("r1")}, seen{Remote: live("r1")}, "orphaned/delete"},
		{"ours without a value", entry{Desired: desired("a")}, seen{Remote: live("")}, "source_changed/create"},
		{"ours, its value destroyed", entry{Desired: desired("a"), Base: base("a", "r1")}, seen{Remote: live("")}, "missing/repair"},
		{"ours without a value, deleted here", entry{Base: base("a", "r1")}, seen{Remote: live("")}, "in_sync/none"},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.entry.SecretID = 7
			d := rules.Decide(row.entry, row.seen, noon)
			got := string(d.Status) + "/" + string(d.Action)
			switch {
			case d.Confirm:
				got = confirm
			case d.NeedValue:
				got = value
			}
			if got != row.want {
				t.Errorf("got %s, want %s (%s)", got, row.want, d.Why)
			}
			if d.Why == "" {
				t.Error("says no why")
			}
		})
	}
}

// every calls do with all combinations of what an entry and an observation can be.
func every(do func(keepersync.Entry, keepersync.Observed)) {
	values := []string{"", "a", "b"}
	var desires []*keepersync.Desired
	var bases []*keepersync.Base
	var intents []*keepersync.Intent
	for _, v := range values {
		if v == "" {
			desires, bases, intents = append(desires, nil), append(bases, nil), append(intents, nil)
			continue
		}
		desires, intents = append(desires, desired(v)), append(intents, intent(v))
		for _, r := range []string{"r1", "r2"} {
			bases = append(bases, base(v, r), justNow(base(v, r)))
		}
	}
	var sights []keepersync.Observed
	marks := []keepersync.Mark{{}, ours, {Owner: "they", Destination: "dst_1", Secret: 7}, {Owner: "us", Destination: "dst_1", Secret: 8}}
	for i := range 2 * 3 * len(marks) * 2 * 2 * 4 {
		pick := func(n int) int { r := i % n; i /= n; return r }
		o := keepersync.Observed{Err: []error{nil, errors.New("away")}[pick(2)]}
		o.Remote = keepersync.Remote{Version: []string{"", "r1", "r2"}[pick(3)], Mark: marks[pick(len(marks))], Deleted: pick(2) == 1}
		o.Listed = pick(2) == 1
		o.Hash = [][]byte{nil, []byte("a"), []byte("b"), []byte("x")}[pick(4)]
		sights = append(sights, o)
	}
	for _, d := range desires {
		for _, b := range bases {
			for _, in := range intents {
				for _, o := range sights {
					do(keepersync.Entry{SecretID: 7, Desired: d, Base: b, Intent: in}, o)
				}
			}
		}
	}
}

// TestStrategies is whose value counts, row by row.
func TestStrategies(t *testing.T) {
	at := func(d *keepersync.Desired, when time.Time) *keepersync.Desired { d.At = when; return d }
	changed := func(version string, when time.Time) keepersync.Remote {
		r := live(version)
		r.ChangedAt = when
		return r
	}
	gone := live("r1")
	gone.Deleted = true
	ruling := func(side models.Side, version models.VersionNumber, remote string) *keepersync.Ruling {
		return &keepersync.Ruling{Side: side, Version: version, RemoteVersion: remote}
	}
	drifted := keepersync.Entry{Desired: desired("a"), Base: base("a", "r1")}
	clash := keepersync.Entry{Desired: at(desired("b"), noon.Add(-time.Hour)), Base: base("a", "r1")}
	lost := keepersync.Entry{Desired: at(desired("b"), noon.Add(-time.Hour))}
	with := func(e keepersync.Entry, r *keepersync.Ruling) keepersync.Entry { e.Ruling = r; return e }
	x := func(r keepersync.Remote) keepersync.Observed {
		return keepersync.Observed{Remote: r, Hash: []byte("x")}
	}
	theirs := x(live("r2"))
	const keeper, remote, newest, manual = models.KeeperWins, models.RemoteWins, models.NewestWins, models.ManualWins

	for _, row := range []struct {
		name     string
		strategy models.Strategy
		entry    keepersync.Entry
		seen     keepersync.Observed
		want     string
	}{
		{"drift", keeper, drifted, theirs, "drifted/repair"},
		{"drift", remote, drifted, theirs, "drifted/take"},
		{"drift, whatever the clocks say", newest, drifted, x(changed("r2", noon.Add(-100*time.Hour))), "drifted/take"},
		{"drift", manual, drifted, theirs, "drifted/hold"},
		{"both changed", keeper, clash, theirs, "conflict/repair"},
		{"both changed", remote, clash, theirs, "conflict/take"},
		{"both changed, theirs later", newest, clash, x(changed("r2", noon)), "conflict/take"},
		{"both changed, ours later", newest, clash, x(changed("r2", noon.Add(-2*time.Hour))), "conflict/repair"},
		{"both changed, too close to tell", newest, clash, x(changed("r2", noon.Add(-time.Hour+59*time.Second))), "conflict/hold"},
		{"both changed, no time there", newest, clash, theirs, "conflict/hold"},
		{"both changed", manual, clash, theirs, "conflict/hold"},
		{"base lost, theirs later", newest, lost, x(changed("r2", noon)), "drifted/take"},
		{"base lost, no time there", newest, lost, theirs, "drifted/hold"},
		{"gone", remote, drifted, keepersync.Observed{}, "missing/hold"},
		{"gone", newest, drifted, keepersync.Observed{}, "missing/hold"},
		{"gone", manual, drifted, keepersync.Observed{}, "missing/hold"},
		{"gone, ruled", manual, with(drifted, ruling(models.SideKeeper, 2, "")), keepersync.Observed{}, "missing/repair"},
		{"deleted there", manual, drifted, keepersync.Observed{Remote: gone}, "missing/hold"},
		{"deleted there, ruled", manual, with(drifted, ruling(models.SideKeeper, 2, "")), keepersync.Observed{Remote: gone}, "missing/restore"},
		{"ruled for Keeper", manual, with(clash, ruling(models.SideKeeper, 2, "r2")), theirs, "conflict/repair"},
		{"ruled for theirs", manual, with(clash, ruling(models.SideRemote, 2, "r2")), theirs, "conflict/take"},
		{"a ruling goes before the strategy", keeper, with(clash, ruling(models.SideRemote, 2, "r2")), theirs, "conflict/take"},
		{"ruled on an older version here", manual, with(clash, ruling(models.SideKeeper, 1, "r2")), theirs, "conflict/hold"},
		{"ruled on an older version there", manual, with(clash, ruling(models.SideRemote, 2, "r1")), theirs, "conflict/hold"},
		{"not there yet", manual, keepersync.Entry{Desired: desired("a")}, keepersync.Observed{}, "source_changed/create"},
		{"changed here", manual, keepersync.Entry{Desired: desired("b"), Base: base("a", "r1")}, keepersync.Observed{Remote: live("r1")}, "source_changed/update"},
		{"changed there, deleted here", remote, keepersync.Entry{Base: base("a", "r1")}, theirs, "conflict/refuse"},
		{"foreign", remote, drifted, x(marked("r2", keepersync.Mark{Owner: "they"})), "foreign/refuse"},
	} {
		t.Run(string(row.strategy)+": "+row.name, func(t *testing.T) {
			row.entry.SecretID = 7
			r := rules
			r.Strategy = row.strategy
			d := r.Decide(row.entry, row.seen, noon)
			if got := string(d.Status) + "/" + string(d.Action); got != row.want {
				t.Errorf("got %s (%s), want %s", got, d.Why, row.want)
			}
		})
	}
}

func TestDecideNeverHarms(t *testing.T) {
	changes := func(d keepersync.Decision) bool {
		return d.Action != models.ActionNone && d.Action != models.ActionRefuse && d.Action != models.ActionHold
	}
	seen := 0
	each := func(e keepersync.Entry, o keepersync.Observed, r keepersync.Rules) {
		seen++
		d := r.Decide(e, o, noon)
		complain := func(what string) {
			t.Errorf("%s:\n%s\ndecided %+v", what, cmp.Diff(keepersync.Entry{}, e)+cmp.Diff(keepersync.Observed{}, o, cmp.Comparer(func(a, b error) bool { return a == b })), d)
		}
		if t.Failed() {
			return
		}
		known := o.Err == nil
		mine := o.Remote.Mark == ours
		switch {
		case d.Status == "" || d.Action == "" || d.Why == "":
			complain("no full answer")
		case !known && (d.Status != models.StatusUnknown || d.Action != models.ActionNone || d.NeedValue || d.Confirm):
			complain("acts on the unknown")
		case (d.NeedValue || d.Confirm) && (d.Status != models.StatusUnknown || changes(d)):
			complain("acts before it has asked")
		case d.NeedValue && d.Confirm, d.NeedValue && o.Hash != nil, d.Confirm && !o.Listed:
			complain("asks for what it has")
		case changes(d) && o.Listed:
			complain("acts on a listing")
		case changes(d) && o.Remote.Exists() && !mine && d.Action != models.ActionMark:
			complain("touches what is foreign")
		case d.Action == models.ActionMark && (e.Base != nil || e.Intent == nil || string(o.Hash) != string(e.Intent.Hash) || !o.Remote.Mark.Zero()):
			complain("marks what is not proved its own")
		case d.Action == models.ActionDelete && !deletable(e, o):
			complain("deletes a value that it did not write")
		case changes(d) && d.Action != models.ActionDelete && d.Action != models.ActionMark && e.Desired == nil:
			complain("writes what nobody wants")
		case e.Desired == nil && d.Status == models.StatusInSync && known && mine && o.Remote.Version != "" && !o.Remote.Deleted:
			complain("forgets what is still there")
		case d.Action == models.ActionTake && (e.Desired == nil || !mine || o.Remote.Deleted || o.Hash == nil):
			complain("takes what it has not seen to be its own")
		case d.Action == models.ActionTake && r.Strategy == models.KeeperWins && e.Ruling == nil:
			complain("takes though Keeper's counts")
		case r.Strategy == models.ManualWins && e.Ruling == nil && changes(d) &&
			(d.Status == models.StatusDrifted || d.Status == models.StatusConflict || d.Status == models.StatusMissing):
			complain("decides what a person is to decide")
		}
	}
	every(func(e keepersync.Entry, o keepersync.Observed) {
		for _, strategy := range models.Strategies {
			r := rules
			r.Strategy = strategy
			for _, ruling := range []*keepersync.Ruling{
				nil, {Side: models.SideKeeper, Version: 2, RemoteVersion: o.Remote.Version}, {Side: models.SideRemote, Version: 2, RemoteVersion: "r1"},
			} {
				e.Ruling = ruling
				each(e, o, r)
			}
		}
	})
	t.Logf("%d combinations", seen)
}

func deletable(e keepersync.Entry, o keepersync.Observed) bool {
	held := string(o.Hash)
	if o.Hash == nil && e.Base != nil && e.Base.RemoteVersion == o.Remote.Version {
		held = string(e.Base.Hash)
	}
	written := e.Base != nil && held == string(e.Base.Hash) || e.Intent != nil && held == string(e.Intent.Hash)
	return e.Desired == nil && o.Remote.Mark == ours && !o.Remote.Deleted && written
}

// TestDecideConverges applies decisions to a model of a destination from any beginning:
// three actions at most, one value written at most, and then silence.
func TestDecideConverges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.SampledFrom([]string{"a", "b", "c"})
		m := &model{version: rapid.IntRange(0, 3).Draw(t, "remote version"), rules: rules}
		m.rules.Strategy = rapid.SampledFrom(models.Strategies).Draw(t, "strategy")
		m.entry.SecretID = 7
		if rapid.Bool().Draw(t, "desired") {
			m.entry.Desired = desired(value.Draw(t, "desired value"))
		}
		if rapid.Bool().Draw(t, "base") {
			m.entry.Base = base(value.Draw(t, "base value"), fmt.Sprint("r", rapid.IntRange(1, 3).Draw(t, "base version")))
		}
		if rapid.Bool().Draw(t, "intent") {
			m.entry.Intent = intent(value.Draw(t, "intent value"))
		}
		if m.version > 0 {
			m.value = rapid.SampledFrom([]string{"a", "b", "c", "x"}).Draw(t, "remote value")
			m.deleted = rapid.Bool().Draw(t, "deleted")
			m.mark = rapid.SampledFrom([]keepersync.Mark{{}, ours, ours, ours, {Owner: "they"}}).Draw(t, "mark")
			if b := m.entry.Base; b != nil && b.RemoteVersion == fmt.Sprint("r", m.version) {
				m.value = string(b.Hash) // one version has one value
			}
		}
		for round := 0; m.act(t); round++ {
			if round == 3 {
				t.Fatalf("still acting after three rounds: %+v", m)
			}
		}
		if m.puts > 1 {
			t.Fatalf("wrote %d times: %+v", m.puts, m)
		}
		if !m.held && m.mark == ours && m.entry.Desired != nil && (m.value != string(m.entry.Desired.Hash) || m.deleted) {
			t.Fatalf("came to rest on another value: %+v", m)
		}
	})
}

type model struct {
	rules   keepersync.Rules
	held    bool
	entry   keepersync.Entry
	version int
	value   string
	mark    keepersync.Mark
	deleted bool
	puts    int
}

// act does what is decided, and reports whether that was anything.
func (m *model) act(t *rapid.T) bool {
	o := keepersync.Observed{}
	if m.version > 0 {
		o.Remote = keepersync.Remote{Version: fmt.Sprint("r", m.version), Mark: m.mark, Deleted: m.deleted}
	}
	d := m.rules.Decide(m.entry, o, noon)
	if d.NeedValue {
		o.Hash = []byte(m.value)
		d = m.rules.Decide(m.entry, o, noon)
	}
	m.held = d.Action == models.ActionHold
	switch d.Action {
	case models.ActionHold:
		return false
	case models.ActionTake:
		m.entry.Desired = desired(m.value)
		m.entry.Base = base(m.value, fmt.Sprint("r", m.version))
	case models.ActionNone, models.ActionRefuse:
		return false
	case models.ActionMark:
		m.mark = ours
	case models.ActionRestore:
		m.deleted = false
	case models.ActionDelete:
		m.deleted = true
	case models.ActionCreate, models.ActionUpdate, models.ActionRepair:
		m.puts++
		m.version += 10
		m.value, m.mark = string(m.entry.Desired.Hash), ours
		m.entry.Base = base(m.value, fmt.Sprint("r", m.version))
	default:
		t.Fatalf("unknown action %q", d.Action)
	}
	return true
}
