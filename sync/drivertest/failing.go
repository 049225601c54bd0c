package drivertest

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/your-org/keeper/fault"
	keepersync "github.com/your-org/keeper/sync"
)

// Each name of a fetch gets its own answer: what is wrong with one says nothing of another.
func testFetchMixed(s *suite) {
	var names []string
	good := map[string][]byte{}
	for i := range 45 {
		name := fmt.Sprintf("%sn%02d", s.Prefix(), i)
		names, good[name] = append(names, name), value(name)
		s.Edit(name, good[name])
	}
	missing, denied, deleted := s.Prefix()+"missing", s.Prefix()+"denied", s.Prefix()+"deleted"
	s.Edit(denied, value("denied"))
	_, err := s.d.Delete(s.ctx, s.create(deleted, value("deleted")))
	s.must(err)
	permission := s.Deny(OpFetch, denied)

	answers := s.fetch(append([]string{missing, denied, deleted}, names...)...)
	s.wantKind(answers[missing].Err, fault.NotFound)
	s.wantKind(answers[deleted].Err, fault.NotFound)
	s.wantKind(answers[denied].Err, fault.Forbidden)
	s.names(answers[denied].Err, permission)
	for name, want := range good {
		s.must(answers[name].Err)
		if !bytes.Equal(answers[name].Value.Reveal(), want) {
			s.Errorf("%s has another's value", name)
		}
	}
}

func (s *suite) names(err error, permission string) {
	s.Helper()
	if !strings.Contains(err.Error(), permission) {
		s.Errorf("the error does not name the permission %q: %v", permission, err)
	}
}

// Where the destination does not answer, nothing is known: not even that a name is absent.
func testUnreachable(s *suite) {
	d := watch(s.T, s.Unreachable())
	there := keepersync.Remote{Name: s.Prefix() + "x", Version: "1", Mark: s.mark(7)}
	s.every(s.ctx, d, there, func(op Op, err error) {
		if !fault.Is(err, fault.Unavailable) {
			s.Errorf("%s: got %v (%v), want unavailable", op, err, fault.KindOf(err))
		}
	})
	s.wantKind(d.Check(s.ctx), fault.Unavailable)
}

// Nobody reaches what trusts the machine itself, such as a cloud's metadata service, by
// entering its address as a destination's.
func testRefusedAddress(s *suite) {
	networked, ok := s.Counterpart.(Networked)
	if !ok {
		return // a destination without an address
	}
	there := keepersync.Remote{Name: s.Prefix() + "x", Version: "1", Mark: s.mark(7)}
	for _, url := range []string{"http://169.254.169.254", "http://[fe80::a9fe:a9fe]", "http://[fd00:ec2::254]", "http://[::ffff:169.254.169.254]:8200"} {
		d := watch(s.T, networked.At(url))
		s.every(s.ctx, d, there, func(op Op, err error) {
			if !fault.Is(err, fault.Invalid) {
				s.Errorf("%s at %s: got %v (%v), want invalid", op, url, err, fault.KindOf(err))
			}
		})
		s.wantKind(d.Check(s.ctx), fault.Invalid)
	}
}

func testDenied(s *suite) {
	there := s.create(s.Prefix()+"x", value("one"))
	deleted := s.create(s.Prefix()+"gone", value("gone"))
	deleted, err := s.d.Delete(s.ctx, deleted)
	s.must(err)
	for _, op := range []Op{OpList, OpDescribe, OpFetch, OpCreate, OpUpdate, OpMark, OpUnmark, OpDelete, OpRestore} {
		permission := s.Deny(op, "")
		err := s.only(op, there, deleted)
		s.Mend()
		if !fault.Is(err, fault.Forbidden) {
			s.Errorf("%s: got %v (%v), want forbidden", op, err, fault.KindOf(err))
			continue
		}
		s.names(err, permission)
	}
	s.holds(there.Name, value("one"))
}

func testThrottled(s *suite) { s.spoiled(s.Throttle, fault.Throttled) }

func testBroken(s *suite) { s.spoiled(s.Break, fault.Unavailable) }

func (s *suite) spoiled(spoil func(Op), want fault.Kind) {
	s.Helper()
	there := s.create(s.Prefix()+"x", value("one"))
	deleted, err := s.d.Delete(s.ctx, s.create(s.Prefix()+"gone", value("gone")))
	s.must(err)
	for _, op := range []Op{OpList, OpDescribe, OpFetch, OpCreate, OpUpdate, OpMark, OpUnmark, OpDelete, OpRestore} {
		spoil(op)
		err := s.only(op, there, deleted)
		s.Mend()
		if !fault.Is(err, want) {
			s.Errorf("%s: got %v (%v), want %v", op, err, fault.KindOf(err), want)
		}
	}
	s.holds(there.Name, value("one"))
	if there := s.describe(deleted.Name); !there.Deleted {
		s.Error("the deleted name came back")
	}
	if _, ok := s.Read(s.Prefix() + "new"); ok {
		s.Error("a name was made by a call that failed")
	}
}

// only calls one operation, with the arguments with which it would succeed.
func (s *suite) only(op Op, there, deleted keepersync.Remote) (err error) {
	switch op {
	case OpList:
		for _, err = range s.d.List(s.ctx) {
			if err != nil {
				break
			}
		}
	case OpDescribe:
		_, err = s.d.Describe(s.ctx, there.Name)
	case OpFetch:
		err = s.d.Fetch(s.ctx, []string{there.Name})[there.Name].Err
	case OpCreate:
		_, err = s.d.Put(s.ctx, s.write(s.Prefix()+"new", value("new"), 1, keepersync.Remote{}))
	case OpUpdate:
		_, err = s.d.Put(s.ctx, s.write(there.Name, value("two"), 2, there))
	case OpMark:
		_, err = s.d.Mark(s.ctx, there.Name, there.Mark)
	case OpUnmark:
		_, err = s.d.Unmark(s.ctx, there.Name, there.Mark)
	case OpDelete:
		_, err = s.d.Delete(s.ctx, there)
	case OpRestore:
		_, err = s.d.Restore(s.ctx, deleted)
	}
	return err
}

func testCancelled(s *suite) {
	there := s.create(s.Prefix()+"x", value("one"))
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	s.every(ctx, s.d, there, func(op Op, err error) {
		if !fault.Is(err, fault.Unavailable) {
			s.Errorf("%s: got %v (%v), want unavailable", op, err, fault.KindOf(err))
		}
	})
	s.holds(there.Name, value("one"))
	s.versions(there.Name, 1)
	if listed := s.list(); len(listed) != 1 {
		s.Errorf("listed: %v", listed)
	}
}

func testCheck(s *suite) {
	s.must(s.d.Check(s.ctx))
	permission := s.Deny(OpDescribe, "")
	err := s.d.Check(s.ctx)
	s.Mend()
	s.wantKind(err, fault.Forbidden)
	s.names(err, permission)
	if listed := s.list(); len(listed) != 0 {
		s.Errorf("the check left %v behind", listed)
	}
}
