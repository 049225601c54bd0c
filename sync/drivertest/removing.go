package drivertest

import (
	"github.com/your-org/keeper/fault"
	keepersync "github.com/your-org/keeper/sync"
)

func testDelete(s *suite) {
	name := s.Prefix() + "x"
	first := s.create(name, value("one"))
	s.create(s.Prefix()+"stays", value("stays"))
	for range 2 { // what is deleted already is a success
		r, err := s.d.Delete(s.ctx, first)
		s.must(err)
		if !r.Deleted || r.Mark != s.mark(7) {
			s.Errorf("Delete answered %+v", r)
		}
	}
	if there := s.describe(name); !there.Deleted || there.Mark != s.mark(7) {
		s.Errorf("Describe gives %+v", there)
	}
	listed := s.list()
	if there := listed[name]; !there.Deleted || there.Mark != s.mark(7) {
		s.Errorf("List gives %+v", there)
	}
	if there := listed[s.Prefix()+"stays"]; there.Deleted {
		s.Errorf("List gives %+v for another name", there)
	}
	s.wantKind(s.fetch(name)[name].Err, fault.NotFound)
	if _, ok := s.Read(name); ok {
		s.Error("the value can still be read")
	}

	for range 2 {
		r, err := s.d.Restore(s.ctx, s.describe(name))
		s.must(err)
		if r.Deleted || r.Version != first.Version || r.Mark != s.mark(7) {
			s.Errorf("Restore answered %+v, created as %+v", r, first)
		}
	}
	s.holds(name, value("one"))
	s.versions(name, 1)
}

// A value that somebody wrote after it was observed is not deleted.
func testDeleteOfNewerVersion(s *suite) {
	name := s.Prefix() + "x"
	first := s.create(name, value("one"))
	s.Edit(name, value("theirs"))
	_, err := s.d.Delete(s.ctx, first)
	s.wantKind(err, fault.Conflict)
	s.holds(name, value("theirs"))
}

func testCreateOnDeletedName(s *suite) {
	name := s.Prefix() + "x"
	first := s.create(name, value("one"))
	_, err := s.d.Delete(s.ctx, first)
	s.must(err)
	_, err = s.d.Put(s.ctx, s.write(name, value("two"), 2, keepersync.Remote{}))
	s.wantKind(err, fault.Conflict)
	if !s.describe(name).Deleted {
		s.Error("it is no longer deleted")
	}
	s.versions(name, 1)
}

func testRestoreThenPut(s *suite) {
	name := s.Prefix() + "x"
	first := s.create(name, value("one"))
	_, err := s.d.Delete(s.ctx, first)
	s.must(err)
	restored, err := s.d.Restore(s.ctx, s.describe(name))
	s.must(err)
	s.put(s.write(name, value("two"), 2, restored))
	s.holds(name, value("two"))
	s.versions(name, 2)
}

func testLostAnswerOfDelete(s *suite) {
	name := s.Prefix() + "x"
	first := s.create(name, value("one"))
	s.Lose(OpDelete)
	_, err := s.d.Delete(s.ctx, first)
	s.wantKind(err, fault.Unavailable)
	s.Mend()
	r, err := s.d.Delete(s.ctx, first)
	s.must(err)
	s.Lose(OpRestore)
	_, err = s.d.Restore(s.ctx, r)
	s.wantKind(err, fault.Unavailable)
	s.Mend()
	_, err = s.d.Restore(s.ctx, r)
	s.must(err)
	s.holds(name, value("one"))
}

func testAbsent(s *suite) {
	gone := keepersync.Remote{Name: s.Prefix() + "no/such", Version: "1"}
	_, err := s.d.Describe(s.ctx, gone.Name)
	s.wantKind(err, fault.NotFound)
	s.wantKind(s.fetch(gone.Name)[gone.Name].Err, fault.NotFound)
	_, err = s.d.Mark(s.ctx, gone.Name, s.mark(7))
	s.wantKind(err, fault.NotFound)
	_, err = s.d.Unmark(s.ctx, gone.Name, s.mark(7))
	s.wantKind(err, fault.NotFound)
	_, err = s.d.Delete(s.ctx, gone)
	s.wantKind(err, fault.NotFound)
	_, err = s.d.Restore(s.ctx, gone)
	s.wantKind(err, fault.NotFound)
	if listed := s.list(); len(listed) != 0 {
		s.Errorf("asking for it made it: %v", listed)
	}
}

func testMark(s *suite) {
	name := s.Prefix() + "theirs"
	s.Edit(name, value("theirs"))
	s.Label(name, "team", "payments")
	before := s.describe(name)
	for range 2 {
		r, err := s.d.Mark(s.ctx, name, s.mark(9))
		s.must(err)
		if r.Mark != s.mark(9) || r.Version != before.Version {
			s.Errorf("Mark answered %+v, was %+v", r, before)
		}
	}
	if there := s.describe(name); there.Mark != s.mark(9) || there.Version != before.Version {
		s.Errorf("Describe gives %+v, was %+v", there, before)
	}
	if listed := s.list()[name]; listed.Mark != s.mark(9) {
		s.Errorf("List gives %+v", listed)
	}
	if got := s.Labels(name); len(got) != 1 || got["team"] != "payments" {
		s.Errorf("the others' labels became %v", got)
	}
	s.holds(name, value("theirs"))
	s.versions(name, 1)
}

// What got another mark since it was seen is not Keeper's any more, though its value stands
// as it was. Where a write cannot be made to depend on that, it is told of, with what stands.
func testMarkGone(s *suite) {
	name, other := s.Prefix()+"x", keepersync.Mark{Owner: "another", Destination: "dst_other", Secret: 1}
	s.create(name, value("one"))
	there := s.describe(name)
	_, err := s.d.Unmark(s.ctx, name, there.Mark)
	s.must(err)
	_, err = s.d.Mark(s.ctx, name, other)
	s.must(err)
	_, err = s.d.Mark(s.ctx, name, there.Mark)
	s.wantKind(err, fault.Conflict)
	_, err = s.d.Delete(s.ctx, there)
	s.wantKind(err, fault.Conflict)
	s.holds(name, value("one"))
	r, err := s.d.Put(s.ctx, s.write(name, value("two"), 2, there))
	s.wantKind(err, fault.Conflict)
	if !r.Exists() {
		s.holds(name, value("one"))
		s.versions(name, 1)
	}
	if now := s.describe(name); now.Mark != other || now.Deleted {
		s.Errorf("it became %+v", now)
	}
}

// What was deleted under another mark is not Keeper's to bring back.
func testRestoreOfAnothers(s *suite) {
	name, other := s.Prefix()+"x", keepersync.Mark{Owner: "another", Destination: "dst_other", Secret: 1}
	there := s.create(name, value("one"))
	_, err := s.d.Unmark(s.ctx, name, there.Mark)
	s.must(err)
	_, err = s.d.Mark(s.ctx, name, other)
	s.must(err)
	gone, err := s.d.Delete(s.ctx, s.describe(name))
	s.must(err)
	gone.Mark = there.Mark
	_, err = s.d.Restore(s.ctx, gone)
	s.wantKind(err, fault.Conflict)
	if now := s.describe(name); !now.Deleted || now.Mark != other {
		s.Errorf("it became %+v", now)
	}
}

// What Keeper adopted and gives back is as its owner had it: only the mark is gone.
func testUnmark(s *suite) {
	name := s.Prefix() + "theirs"
	s.Edit(name, value("theirs"))
	s.Label(name, "team", "payments")
	before := s.describe(name)
	for range 2 {
		_, err := s.d.Mark(s.ctx, name, s.mark(9))
		s.must(err)
		for range 2 { // what bears no mark already is a success
			r, err := s.d.Unmark(s.ctx, name, s.mark(9))
			s.must(err)
			if !r.Mark.Zero() || r.Version != before.Version {
				s.Errorf("Unmark answered %+v, was %+v", r, before)
			}
		}
		if there := s.describe(name); !there.Mark.Zero() || there.Version != before.Version {
			s.Errorf("Describe gives %+v, was %+v", there, before)
		}
		if listed := s.list()[name]; !listed.Mark.Zero() || listed.Version != before.Version {
			s.Errorf("List gives %+v", listed)
		}
	}
	if got := s.Labels(name); len(got) != 1 || got["team"] != "payments" {
		s.Errorf("the others' labels became %v", got)
	}
	s.holds(name, value("theirs"))
	s.versions(name, 1)
}

// A mark that is not the one given is somebody's who has taken the name over since.
func testUnmarkOther(s *suite) {
	name := s.Prefix() + "x"
	s.create(name, value("one"))
	for _, other := range []keepersync.Mark{s.mark(8), {Owner: "ins_other", Destination: s.mark(7).Destination, Secret: 7}, {}} {
		_, err := s.d.Unmark(s.ctx, name, other)
		s.wantKind(err, fault.Conflict)
		if there := s.describe(name); there.Mark != s.mark(7) {
			s.Fatalf("the mark became %+v", there.Mark)
		}
	}
	s.holds(name, value("one"))
}

func testLostAnswerOfUnmark(s *suite) {
	name := s.Prefix() + "x"
	s.create(name, value("one"))
	s.Lose(OpUnmark)
	_, err := s.d.Unmark(s.ctx, name, s.mark(7))
	s.wantKind(err, fault.Unavailable)
	s.Mend()
	r, err := s.d.Unmark(s.ctx, name, s.mark(7))
	s.must(err)
	if !r.Mark.Zero() {
		s.Errorf("the mark is %+v", r.Mark)
	}
	s.holds(name, value("one"))
	s.versions(name, 1)
}
