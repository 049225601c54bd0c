package drivertest

import (
	"errors"
	"slices"

	"github.com/your-org/keeper/fault"
	keepersync "github.com/your-org/keeper/sync"
)

// Each permission is tried by itself: one that is missing is named, and hides no other.
func testTry(s *suite) {
	all := s.try(s.d)
	for _, t := range all {
		if !t.OK {
			s.Errorf("%s: %v", t.Permission, t.Err)
		}
	}
	for _, op := range []Op{OpList, OpDescribe, OpFetch, OpCreate, OpUpdate, OpMark, OpUnmark, OpDelete, OpRestore} {
		permission := s.Deny(op, "")
		tried := s.try(s.d)
		s.Mend()
		if len(tried) != len(all) {
			s.Errorf("%s denied: %d permissions are told of, want all %d", op, len(tried), len(all))
		}
		denied := slices.DeleteFunc(slices.Clone(tried), func(t keepersync.Tried) bool { return !fault.Is(t.Err, fault.Forbidden) })
		if len(denied) != 1 {
			s.Errorf("%s denied: %d permissions are said to be missing, want 1: %+v", op, len(denied), denied)
			continue
		}
		s.names(denied[0].Err, permission)
	}
	for _, t := range s.try(s.Unreachable()) {
		if t.OK || !fault.Is(t.Err, fault.Unavailable) {
			s.Errorf("unreachable: %s: %v", t.Permission, t.Err)
		}
	}
	if listed := s.list(); len(listed) != 0 {
		s.Errorf("trying left %v behind", listed)
	}
}

// try tries, and checks that every answer is one.
func (s *suite) try(d keepersync.Driver) []keepersync.Tried {
	s.Helper()
	tried := keepersync.Try(s.ctx, d)
	seen := map[string]bool{}
	for _, t := range tried {
		var known *fault.Error
		switch {
		case t.Permission == "" || seen[t.Permission]:
			s.Errorf("the permission %q is told of twice, or has no name", t.Permission)
		case t.OK != (t.Err == nil):
			s.Errorf("%s: OK is %t beside %v", t.Permission, t.OK, t.Err)
		case t.Err != nil && !errors.As(t.Err, &known):
			s.Errorf("%s: the error is a %T", t.Permission, t.Err)
		}
		seen[t.Permission] = true
	}
	if len(tried) < 2 {
		s.Errorf("%d permissions are told of", len(tried))
	}
	return tried
}
