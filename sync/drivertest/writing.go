package drivertest

import (
	"bytes"
	"strings"
	"sync"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
)

func testCreate(s *suite) {
	name := s.Prefix() + "db/password"
	r := s.create(name, value("one"))
	if r.Mark != s.mark(7) {
		s.Errorf("Put answered the mark %+v", r.Mark)
	}
	there := s.describe(name)
	if there.Version != r.Version || there.Mark != s.mark(7) || there.Deleted {
		s.Errorf("Describe gives %+v, Put gave %+v", there, r)
	}
	if age := time.Since(there.ChangedAt).Abs(); age > time.Hour {
		s.Errorf("changed %v ago", age)
	}
	if listed := s.list()[name]; listed.Version != r.Version || listed.Mark != s.mark(7) || listed.Deleted {
		s.Errorf("List gives %+v, Put gave %+v", listed, r)
	}
	if got := s.fetch(name)[name]; got.Version != r.Version {
		s.Errorf("Fetch gives version %q, Put gave %q", got.Version, r.Version)
	}
	s.holds(name, value("one"))
	s.versions(name, 1)
}

func testNames(s *suite) {
	p := s.Prefix()
	names := []string{
		p + "a", p + "a/b", p + "a/b/c", p + "A", p + "data", p + "metadata/data", p + "delete",
		p + "AZaz09_+=.@-", p + "@/+/=/-/_", p + ".hidden/..b/c..d/e.", p + "100-percent+1",
		p + "ends-abcdef", p + "ends",
	}
	long := p + strings.Repeat(strings.Repeat("n", 90)+"/", 5)
	long += strings.Repeat("z", models.MaxNameLength-len(long))
	names = append(names, long)
	for i, name := range names {
		if reason := models.NameProblem(name); reason != "" {
			s.Fatalf("the case's own name %q %s", name, reason)
		}
		s.create(name, value(string(rune('A'+i))))
	}
	listed := s.list()
	if len(listed) != len(names) {
		s.Errorf("%d names are listed, want %d", len(listed), len(names))
	}
	for i, name := range names {
		if !listed[name].Exists() {
			s.Errorf("%q is not listed", name)
		}
		s.describe(name)
		s.holds(name, value(string(rune('A'+i))))
	}
}

func testValues(s *suite) {
	for name, v := range map[string][]byte{
		"one-byte":      []byte("x"),
		"largest":       append(value(""), bytes.Repeat([]byte("v"), models.MaxValueSize-len(canary))...),
		"json":          []byte(`{"b": 1,  "a": {"x": "` + canary + `<&>\u00e9"}, "big": 12345678901234567890}`),
		"yaml":          []byte("user: x\npassword: |\n  " + canary + "\n  \"two\"\n"),
		"unicode":       value(" pässwörd ✓ 秘密 🔑 \u2028 \ufffd"),
		"trailing-line": value("\n"),
		"spaces":        []byte("  \t" + canary + "\r\n\r\n "),
		"quotes":        value(`"'\ <script> %s %2F \u0000 ${x}`),
		"control":       value("\x00\x01\x1f\x7f"),
		"not-utf8":      value("\xff\xfe\x80\x00"),
	} {
		s.create(s.Prefix()+name, v)
		got := s.fetch(s.Prefix() + name)[s.Prefix()+name]
		s.must(got.Err)
		if !bytes.Equal(got.Value.Reveal(), v) {
			s.Errorf("%s: %d bytes came back, not the %d written", name, got.Value.Len(), len(v))
		}
	}
}

func testUpdate(s *suite) {
	name := s.Prefix() + "x"
	first := s.create(name, value("one"))
	s.Label(name, "team", "payments")
	second := s.put(s.write(name, value("two"), 2, s.describe(name)))
	if second.Version == first.Version {
		s.Error("the version did not change")
	}
	if there := s.describe(name); there.Version != second.Version || there.Mark != s.mark(7) {
		s.Errorf("Describe gives %+v, Put gave %+v", there, second)
	}
	s.holds(name, value("two"))
	s.versions(name, 2)
	if got := s.Labels(name)["team"]; got != "payments" {
		s.Errorf("another's label became %q", got)
	}
}

func testSameWriteTwice(s *suite) {
	name := s.Prefix() + "x"
	create := s.write(name, value("one"), 1, keepersync.Remote{})
	first := s.put(create)
	if again := s.put(create); again.Version != first.Version || again.Mark != first.Mark {
		s.Errorf("the same create again gives %+v, first %+v", again, first)
	}
	s.versions(name, 1)
	update := s.write(name, value("two"), 2, first)
	second := s.put(update)
	if again := s.put(update); again.Version != second.Version {
		s.Errorf("the same update again gives version %q, first %q", again.Version, second.Version)
	}
	s.versions(name, 2)
	s.holds(name, value("two"))
}

// A drift repaired, then the same drift again: the second repair writes the same Keeper
// version, and must not be taken for the first.
func testRepairTwice(s *suite) {
	name := s.Prefix() + "x"
	s.create(name, value("ours"))
	for range 2 {
		s.Edit(name, value("theirs"))
		s.put(s.write(name, value("ours"), 1, s.describe(name)))
		s.holds(name, value("ours"))
	}
	s.versions(name, 5)
}

func testLostAnswer(s *suite) {
	name := s.Prefix() + "x"
	create := s.write(name, value("one"), 1, keepersync.Remote{})
	s.Lose(OpCreate)
	_, err := s.d.Put(s.ctx, create)
	s.wantKind(err, fault.Unavailable)
	s.Mend()
	first := s.put(create)
	if there := s.describe(name); there.Mark != s.mark(7) {
		s.Errorf("the mark is %+v", there.Mark)
	}
	s.versions(name, 1)

	update := s.write(name, value("two"), 2, first)
	s.Lose(OpUpdate)
	_, err = s.d.Put(s.ctx, update)
	s.wantKind(err, fault.Unavailable)
	s.Mend()
	s.put(update)
	s.versions(name, 2)
	s.holds(name, value("two"))
}

func testStaleReplaces(s *suite) {
	name := s.Prefix() + "x"
	first := s.create(name, value("one"))
	s.Edit(name, value("theirs"))
	_, err := s.d.Put(s.ctx, s.write(name, value("two"), 2, first))
	s.wantKind(err, fault.Conflict)
	s.holds(name, value("theirs"))
	s.versions(name, 2)
}

func testCreateOnForeignName(s *suite) {
	name := s.Prefix() + "theirs"
	s.Edit(name, value("theirs"))
	s.Label(name, "team", "payments")
	_, err := s.d.Put(s.ctx, s.write(name, value("ours"), 1, keepersync.Remote{}))
	s.wantKind(err, fault.Conflict)
	s.holds(name, value("theirs"))
	s.versions(name, 1)
	if there := s.describe(name); !there.Mark.Zero() {
		s.Errorf("it got the mark %+v", there.Mark)
	}
	if got := s.Labels(name)["team"]; got != "payments" {
		s.Errorf("another's label became %q", got)
	}
}

func testUpdateOfPurgedName(s *suite) {
	name := s.Prefix() + "x"
	first := s.create(name, value("one"))
	s.Purge(name)
	_, err := s.d.Put(s.ctx, s.write(name, value("two"), 2, first))
	s.wantKind(err, fault.Conflict)
	if _, ok := s.Read(name); ok {
		s.Error("the name was made again")
	}
}

// Many create one name at once, each with its own value: one wins, the others are told.
func testCreateRace(s *suite) {
	const racers = 8
	name := s.Prefix() + "x"
	errs := make([]error, racers)
	var group sync.WaitGroup
	for i := range racers {
		group.Go(func() {
			w := s.write(name, value(string(rune('a'+i))), models.VersionNumber(i+1), keepersync.Remote{})
			w.Mark = s.mark(models.SecretID(i + 1))
			_, errs[i] = s.d.Put(s.ctx, w)
		})
	}
	group.Wait()
	winner := -1
	for i, err := range errs {
		switch {
		case err != nil:
			s.wantKind(err, fault.Conflict)
		case winner >= 0:
			s.Errorf("both %d and %d were told that they made it", winner, i)
		default:
			winner = i
		}
	}
	if winner < 0 {
		s.Fatal("nobody was told that it made it")
	}
	s.holds(name, value(string(rune('a'+winner))))
	s.versions(name, 1)
	if there := s.describe(name); there.Mark != s.mark(models.SecretID(winner+1)) {
		s.Errorf("the mark %+v is not the winner's", there.Mark)
	}
}
