package secrets_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
)

// versions makes a secret of type TEXT with these values, one a version.
func (h *house) versions(t *testing.T, values ...string) models.Secret {
	t.Helper()
	s := h.create(t, fmt.Sprintf("diff/%d", rand.Uint64()), values[0])
	for _, value := range values[1:] {
		v := plain(value)
		var err error
		if s, err = h.Update(t.Context(), h.admin, s.ID, secrets.Change{Value: &v}, 0); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// drawn is a difference as text: what happened, the numbers, the text with what differs in
// brackets.
func drawn(d secrets.Diff) []string {
	var all []string
	for i, hunk := range d.Hunks {
		if i > 0 {
			all = append(all, "…")
		}
		for _, l := range hunk {
			text := string(l.Text.Reveal())
			if l.Start < l.End {
				text = text[:l.Start] + "[" + text[l.Start:l.End] + "]" + text[l.End:]
			}
			if l.Unended {
				text += "⏎?"
			}
			all = append(all, fmt.Sprintf("%s %d %d %s", l.Op, l.From, l.To, text))
		}
	}
	return all
}

func TestDiff(t *testing.T) {
	h := newHouse(t)
	numbers := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "line %d\n", i+1)
		}
		return b.String()
	}
	cases := map[string]struct {
		before, after string
		want          []string
	}{
		"OneLine":              {"the old key\n", "the new key\n", []string{"removed 1 0 the [old] key", "added 0 1 the [new] key"}},
		"NothingAlike":         {"abc", "xyz", []string{"removed 1 0 abc⏎?", "added 0 1 xyz⏎?"}},
		"LastBreak":            {"a\n", "a", []string{"removed 1 0 a", "added 0 1 a⏎?"}},
		"TrailingBlank":        {"a: 1\n", "a: 1 \n", []string{"removed 1 0 a: 1", "added 0 1 a: 1[ ]"}},
		"Characters":           {"höhe\n", "hähe\n", []string{"removed 1 0 h[ö]he", "added 0 1 h[ä]he"}},
		"LastByteOfACharacter": {"xĀ\n", "xŀ\n", []string{"removed 1 0 x[Ā]", "added 0 1 x[ŀ]"}},
		"Repeated":             {"aa\n", "aaa\n", []string{"removed 1 0 aa", "added 0 1 aa[a]"}},
		"Apart": {numbers(20), strings.NewReplacer("line 2\n", "line two\n", "line 19\n", "").Replace(numbers(20)), []string{
			"kept 1 1 line 1", "removed 2 0 line [2]", "added 0 2 line [two]", "kept 3 3 line 3", "kept 4 4 line 4", "kept 5 5 line 5", "…",
			"kept 16 16 line 16", "kept 17 17 line 17", "kept 18 18 line 18", "removed 19 0 line 19", "kept 20 19 line 20",
		}},
		"Inserted": {"a\nb\n", "a\nx\ny\nb\n", []string{"kept 1 1 a", "added 0 2 x", "added 0 3 y", "kept 2 4 b"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := h.versions(t, c.before, c.after)
			d, err := h.Diff(t.Context(), h.admin, s.ID, 1, 2)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, drawn(d)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
	t.Run("Equal", func(t *testing.T) {
		s := h.versions(t, "a\n", "b\n", "a\n")
		d, err := h.Diff(t.Context(), h.admin, s.ID, 3, 1)
		if err != nil || len(d.Hunks) != 0 || d.Cut != 0 {
			t.Errorf("got %v, %v, want no difference", drawn(d), err)
		}
	})
	t.Run("Long", func(t *testing.T) {
		s := h.versions(t, strings.Repeat("a\n", 30_000), strings.Repeat("b\n", 30_000))
		d, err := h.Diff(t.Context(), h.admin, s.ID, 1, 2)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(d.Hunks[0]); got != 2000 || d.Cut != 58_000 {
			t.Errorf("%d lines are there and %d left off, want 2000 and 58000", got, d.Cut)
		}
	})
}

// TestDiffTellsTheTruth holds a difference to the two values that it was made of.
func TestDiffTellsTheTruth(t *testing.T) {
	h := newHouse(t)
	random := rand.New(rand.NewPCG(1, 2)) // a seed to repeat
	words := []string{"alpha", "beta", "", "gamma: δ", "  indented"}
	text := func() string {
		var b strings.Builder
		for range 1 + random.IntN(12) {
			b.WriteString(words[random.IntN(len(words))])
			b.WriteString("\n")
		}
		return strings.TrimSuffix(b.String()+"end", strings.Repeat("d", random.IntN(2)))
	}
	for range 60 {
		before, after := text(), text()
		if before == after {
			continue
		}
		s := h.versions(t, before, after)
		d, err := h.Diff(t.Context(), h.admin, s.ID, 1, 2)
		if err != nil {
			t.Fatal(err)
		}
		was, is := strings.Split(before, "\n"), strings.Split(after, "\n")
		removed, added := map[int]bool{}, map[int]bool{}
		for _, hunk := range d.Hunks {
			for _, l := range hunk {
				got := string(l.Text.Reveal())
				if l.From > 0 && was[l.From-1] != got || l.To > 0 && is[l.To-1] != got {
					t.Fatalf("line %d/%d is not %q in\n%q\n%q", l.From, l.To, got, before, after)
				}
				removed[l.From] = removed[l.From] || l.Op == secrets.DiffRemoved
				added[l.To] = added[l.To] || l.Op == secrets.DiffAdded
			}
		}
		if diff := cmp.Diff(without(was, removed), without(is, added)); diff != "" {
			t.Fatalf("what is not shown as changed differs:\n%s", diff)
		}
	}
}

func without(lines []string, gone map[int]bool) (left []string) {
	for i, line := range lines {
		if !gone[i+1] {
			left = append(left, line)
		}
	}
	return left
}

func TestDiffIsOnRecord(t *testing.T) {
	h := newHouse(t)
	s := h.versions(t, "one", "two", "three")
	if _, err := h.Diff(t.Context(), h.admin, s.ID, 1, 3); err != nil {
		t.Fatal(err)
	}
	entries, _, err := h.Activity(t.Context(), h.admin, s.ID, "", 2)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []models.VersionNumber{3, 1} {
		if e := entries[i]; e.Action != "secret.reveal" || e.Version != want || e.Outcome != models.OutcomeAllowed {
			t.Errorf("got %s of version %d, %s; want secret.reveal of %d", e.Action, e.Version, e.Outcome, want)
		}
	}
}

func TestDiffRefused(t *testing.T) {
	const told = fault.Kind(255) // no refusal
	h := newHouse(t)
	s := h.versions(t, "one", "two")
	viewer := models.Actor{Kind: models.ActorUser, ID: "usr_v", UserID: "usr_v", Name: "vic", Role: models.RoleUser, Roles: map[models.EnvironmentID]models.EnvironmentRole{h.env.ID: models.RoleViewer}}
	nobody := models.Actor{Kind: models.ActorUser, ID: "usr_n", UserID: "usr_n", Name: "eve", Role: models.RoleUser}
	for name, c := range map[string]struct {
		actor    models.Actor
		from, to models.VersionNumber
		diff     fault.Kind
		pair     fault.Kind
	}{
		"Viewer":      {viewer, 1, 2, fault.Forbidden, told},
		"Nobody":      {nobody, 1, 2, fault.NotFound, fault.NotFound},
		"SameVersion": {h.admin, 2, 2, fault.Invalid, fault.Invalid},
		"NoSuch":      {h.admin, 1, 9, fault.NotFound, fault.NotFound},
		"Zero":        {h.admin, 1, 0, fault.Invalid, fault.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := h.Diff(t.Context(), c.actor, s.ID, c.from, c.to); fault.KindOf(err) != c.diff {
				t.Errorf("the difference: got %v, want %s", err, c.diff)
			}
			pair, err := h.VersionPair(t.Context(), c.actor, s.ID, c.from, c.to)
			if c.pair == told {
				if err != nil || pair.Same() || pair.From.Number != 1 || pair.To.Number != 2 || pair.From.Ciphertext != nil {
					t.Errorf("got %+v, %v", pair, err)
				}
				return
			}
			if fault.KindOf(err) != c.pair {
				t.Errorf("the pair: got %v, want %s", err, c.pair)
			}
		})
	}
	t.Run("Deleted", func(t *testing.T) {
		if _, err := h.Delete(t.Context(), h.admin, s.ID, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Diff(t.Context(), h.admin, s.ID, 1, 2); !fault.Is(err, fault.Conflict) {
			t.Errorf("got %v, want a conflict: it is deleted", err)
		}
	})
}
