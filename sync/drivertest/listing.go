package drivertest

import (
	"fmt"
	"strings"

	"github.com/your-org/keeper/fault"
)

func testEmptyList(s *suite) {
	if listed := s.list(); len(listed) != 0 {
		s.Errorf("an empty place lists %v", listed)
	}
	if answers := s.fetch(); len(answers) != 0 {
		s.Errorf("no names fetched gives %d answers", len(answers))
	}
}

func testForeign(s *suite) {
	ours, theirs := s.Prefix()+"ours", s.Prefix()+"theirs"
	s.create(ours, value("ours"))
	s.Edit(theirs, value("theirs"))
	s.Label(theirs, "team", "payments")
	listed := s.list()
	if r := listed[theirs]; !r.Exists() || !r.Mark.Zero() || r.Deleted {
		s.Errorf("List gives %+v for a foreign name", r)
	}
	if r := s.describe(theirs); !r.Exists() || !r.Mark.Zero() || r.Version != listed[theirs].Version {
		s.Errorf("Describe gives %+v for a foreign name", r)
	}
	if r := listed[ours]; r.Mark != s.mark(7) {
		s.Errorf("List gives %+v for ours", r)
	}
	s.holds(theirs, value("theirs"))
}

// More names than fit on a page, in folders and beside them.
func testManyNames(s *suite) {
	want := map[string]bool{}
	for i := range 230 {
		name := fmt.Sprintf("%sn%03d", s.Prefix(), i)
		if i%3 == 0 {
			name = fmt.Sprintf("%sfolder-%d/sub/n%03d", s.Prefix(), i%4, i)
		}
		s.Edit(name, value("v"))
		want[name] = true
	}
	listed := s.list()
	for name := range want {
		if !listed[name].Exists() {
			s.Errorf("%s is not listed", name)
		}
	}
	if len(listed) != len(want) {
		s.Errorf("%d names are listed, want %d", len(listed), len(want))
	}
}

func testOutsidePrefix(s *suite) {
	parent := strings.TrimSuffix(s.Prefix(), "/")
	s.Edit(s.Prefix()+"inside", value("v"))
	for _, name := range []string{parent, parent + "-other/x", "other" + parent, strings.ToUpper(s.Prefix()) + "x"} {
		s.Edit(name, value("v"))
	}
	if listed := s.list(); len(listed) != 1 || !listed[s.Prefix()+"inside"].Exists() {
		s.Errorf("listed: %v", listed)
	}
}

// A listing that breaks off must say so: what was not yielded is unknown.
func testCutListing(s *suite) {
	const names = 230
	for i := range names {
		s.Edit(fmt.Sprintf("%sn%03d", s.Prefix(), i), value("v"))
	}
	s.CutListing(names)
	seen := 0
	var last error
	for _, err := range s.d.List(s.ctx) {
		if last = err; err == nil {
			seen++
		}
	}
	s.wantKind(last, fault.Unavailable)
	if seen >= names {
		s.Errorf("the listing was not cut: %d names", seen)
	}
	s.Mend()
	if listed := s.list(); len(listed) != names {
		s.Errorf("%d names are listed afterwards, want %d", len(listed), names)
	}
}

// Whoever has seen enough may stop.
func testStoppedListing(s *suite) {
	for i := range 20 {
		s.Edit(fmt.Sprintf("%sn%02d", s.Prefix(), i), value("v"))
	}
	seen := 0
	for _, err := range s.d.List(s.ctx) {
		s.must(err)
		if seen++; seen == 3 {
			break
		}
	}
	if seen != 3 {
		s.Errorf("saw %d names, want 3", seen)
	}
}
