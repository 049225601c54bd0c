package drivertest

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"testing"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
)

// canary is in every value that the suite writes, and must not be in any error.
const canary = "c4n4ry-0f-7he-5ui7e"

// suite is one case: a counterpart, its driver, and the words that cases are written in.
type suite struct {
	*testing.T
	Counterpart
	ctx context.Context
	d   keepersync.Driver
}

func value(s string) []byte { return []byte(canary + s) }

func (s *suite) mark(id models.SecretID) keepersync.Mark {
	return keepersync.Mark{Owner: "ins_0123456789abcdefghjkmnpq", Destination: "dst_0123456789abcdefghjkmnpq", Secret: id}
}

// write is a Write of Keeper's version n that replaces what was observed.
func (s *suite) write(name string, v []byte, n models.VersionNumber, replaces keepersync.Remote) keepersync.Write {
	return keepersync.Write{
		Name: name, Value: models.NewPlaintext(slices.Clone(v)), Type: models.Text, Version: n,
		Replaces: replaces, Mark: s.mark(7), Description: "made by the suite",
	}
}

func (s *suite) put(w keepersync.Write) keepersync.Remote {
	s.Helper()
	r, err := s.d.Put(s.ctx, w)
	s.must(err)
	if r.Name != w.Name || r.Version == "" || r.Deleted {
		s.Fatalf("Put answered %+v", r)
	}
	return r
}

// create puts a new name with Keeper's version 1.
func (s *suite) create(name string, v []byte) keepersync.Remote {
	s.Helper()
	return s.put(s.write(name, v, 1, keepersync.Remote{}))
}

func (s *suite) describe(name string) keepersync.Remote {
	s.Helper()
	r, err := s.d.Describe(s.ctx, name)
	s.must(err)
	return r
}

func (s *suite) list() map[string]keepersync.Remote {
	s.Helper()
	all := map[string]keepersync.Remote{}
	for r, err := range s.d.List(s.ctx) {
		s.must(err)
		if _, twice := all[r.Name]; twice {
			s.Fatalf("%s is listed twice", r.Name)
		}
		all[r.Name] = r
	}
	return all
}

func (s *suite) fetch(names ...string) map[string]keepersync.Fetched {
	s.Helper()
	answers := s.d.Fetch(s.ctx, names)
	if got, want := slices.Sorted(maps.Keys(answers)), slices.Sorted(slices.Values(names)); !slices.Equal(got, want) {
		s.Fatalf("Fetch answered for %d names, asked for %d", len(got), len(want))
	}
	return answers
}

// holds checks that the driver and a stranger both read the value.
func (s *suite) holds(name string, want []byte) {
	s.Helper()
	got := s.fetch(name)[name]
	s.must(got.Err)
	if !bytes.Equal(got.Value.Reveal(), want) {
		s.Errorf("Fetch of %s gives %d bytes that are not the %d written", name, got.Value.Len(), len(want))
	}
	s.strangerReads(name, want)
}

func (s *suite) strangerReads(name string, want []byte) {
	s.Helper()
	if there, ok := s.Read(name); !ok || !bytes.Equal(there, want) {
		s.Errorf("%s holds %d bytes (found %t) that are not the %d wanted", name, len(there), ok, len(want))
	}
}

func (s *suite) versions(name string, want int) {
	s.Helper()
	if got := s.Versions(name); got != want {
		s.Errorf("%s has %d versions, want %d", name, got, want)
	}
}

func (s *suite) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatalf("unexpected error: %v (%v)", err, fault.KindOf(err))
	}
}

func (s *suite) wantKind(err error, want fault.Kind) {
	s.Helper()
	if err == nil || fault.KindOf(err) != want {
		s.Fatalf("got error %v (%v), want %v", err, fault.KindOf(err), want)
	}
}

// every calls each operation once on one name and gives each error to check.
func (s *suite) every(ctx context.Context, d keepersync.Driver, there keepersync.Remote, check func(Op, error)) {
	s.Helper()
	var err error
	for _, err = range d.List(ctx) {
		if err != nil {
			break
		}
	}
	check(OpList, err)
	_, err = d.Describe(ctx, there.Name)
	check(OpDescribe, err)
	check(OpFetch, d.Fetch(ctx, []string{there.Name})[there.Name].Err)
	_, err = d.Put(ctx, s.write(s.Prefix()+"never-made", value("new"), 1, keepersync.Remote{}))
	check(OpCreate, err)
	_, err = d.Put(ctx, s.write(there.Name, value("changed"), 2, there))
	check(OpUpdate, err)
	_, err = d.Mark(ctx, there.Name, s.mark(8))
	check(OpMark, err)
	_, err = d.Unmark(ctx, there.Name, there.Mark)
	check(OpUnmark, err)
	_, err = d.Delete(ctx, there)
	check(OpDelete, err)
	_, err = d.Restore(ctx, there)
	check(OpRestore, err)
}
