package secrets

import (
	"bytes"
	"context"
	"strings"
	"unicode/utf8"

	udiff "github.com/aymanbagabas/go-udiff"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

const (
	diffContext  = 3    // equal lines around a difference
	maxDiffLines = 2000 // of one difference; the rest is counted
)

// VersionPair is two versions of a secret, without their values.
type VersionPair struct{ From, To models.SecretVersion }

// Same reports whether both have the same value, by their keyed hashes.
func (p VersionPair) Same() bool { return bytes.Equal(p.From.Hash, p.To.Hash) }

// VersionPair finds two versions of a secret, to be compared by what is known of them without
// their values.
func (s *Service) VersionPair(ctx context.Context, actor models.Actor, id models.SecretID, from, to models.VersionNumber) (VersionPair, error) {
	secret, _, err := s.secret(ctx, actor, auth.ViewSecret, id)
	if err != nil {
		return VersionPair{}, err
	}
	if from == to {
		return VersionPair{}, fault.InvalidField("to", "must be another version than the one it is compared with")
	}
	var pair VersionPair
	err = s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		if pair.From, err = version(tx, secret, from); err == nil {
			pair.To, err = version(tx, secret, to)
		}
		return err
	})
	pair.From.Ciphertext, pair.To.Ciphertext = nil, nil
	return pair, err
}

func version(tx *store.Tx, s models.Secret, n models.VersionNumber) (models.SecretVersion, error) {
	v, err := tx.Version(s.ID, n)
	if fault.Is(err, fault.NotFound) {
		return v, noVersion(s, n)
	}
	return v, err
}

func noVersion(s models.Secret, n models.VersionNumber) error {
	return fault.New(fault.NotFound, "The secret %s has no version %d.", s.Name, n).WithHint("Its versions run from 1 to %d.", s.CurrentVersion)
}

// Diff is what differs between the values of two versions, line by line.
type Diff struct {
	Hunks [][]DiffLine // parts that differ, with a few equal lines around them, in their order
	Cut   int          // lines that are left off: there are too many
}

// DiffOp is what happened to a line.
type DiffOp string

// What can happen to a line.
const (
	DiffKept    DiffOp = "kept"
	DiffRemoved DiffOp = "removed"
	DiffAdded   DiffOp = "added"
)

// DiffLine is one line of one of the values, or of both.
type DiffLine struct {
	Op         DiffOp
	From, To   int              // its numbers in the values, from 1; 0: it is not there
	Text       models.Plaintext // without its line break
	Start, End int              // bytes of Text that differ from the line in its place; equal: all, or none
	Unended    bool             // there is no line break at its end
}

// Diff opens two versions and compares their values. Both reveals are on record before
// anything of the values leaves, and take the same right as a reveal.
func (s *Service) Diff(ctx context.Context, actor models.Actor, id models.SecretID, from, to models.VersionNumber) (Diff, error) {
	if from <= 0 || to <= 0 || from == to { // 0 would be the current one, whichever that is by now
		return Diff{}, fault.InvalidField("to", "must be another version than the one it is compared with")
	}
	before, err := s.Reveal(ctx, actor, id, from)
	if err != nil {
		return Diff{}, err
	}
	defer before.Value.Zero()
	after, err := s.Reveal(ctx, actor, id, to)
	if err != nil {
		return Diff{}, err
	}
	defer after.Value.Zero()
	return diff(string(before.Value.Reveal()), string(after.Value.Reveal()))
}

func diff(before, after string) (Diff, error) {
	unified, err := udiff.ToUnifiedDiff("", "", before, udiff.Lines(before, after), diffContext)
	if err != nil { // its text may quote a value
		return Diff{}, fault.New(fault.Internal, "The versions could not be compared.")
	}
	var d Diff
	shown := 0
	for _, h := range unified.Hunks {
		lines := make([]DiffLine, 0, len(h.Lines))
		from, to := h.FromLine, h.ToLine
		for _, l := range h.Lines {
			line := diffLine(l.Kind, l.Content)
			if line.Op != DiffAdded {
				line.From = from
				from++
			}
			if line.Op != DiffRemoved {
				line.To = to
				to++
			}
			lines = append(lines, line)
		}
		markPairs(lines)
		if room := maxDiffLines - shown; len(lines) > room {
			d.Cut += len(lines) - room
			lines = lines[:room]
		}
		if shown += len(lines); len(lines) > 0 {
			d.Hunks = append(d.Hunks, lines)
		}
	}
	return d, nil
}

func diffLine(kind udiff.OpKind, content string) DiffLine {
	text, ended := strings.CutSuffix(content, "\n")
	line := DiffLine{Text: models.NewPlaintext([]byte(text)), Unended: !ended}
	switch kind {
	case udiff.Equal:
		line.Op = DiffKept
	case udiff.Delete:
		line.Op = DiffRemoved
	case udiff.Insert:
		line.Op = DiffAdded
	}
	return line
}

// markPairs finds what differs within lines that took each other's place: where as many were
// removed as were added right after them.
func markPairs(lines []DiffLine) {
	for at := 0; at < len(lines); {
		removed := run(lines[at:], DiffRemoved)
		added := run(lines[at+removed:], DiffAdded)
		if removed == added {
			for i := range removed {
				mark(&lines[at+i], &lines[at+removed+i])
			}
		}
		at += max(1, removed+added)
	}
}

func run(lines []DiffLine, op DiffOp) int {
	n := 0
	for n < len(lines) && lines[n].Op == op {
		n++
	}
	return n
}

// mark leaves the bytes between what both begin with and what both end with, in whole
// characters.
func mark(a, b *DiffLine) {
	x, y := a.Text.Reveal(), b.Text.Reveal()
	start := 0
	for start < len(x) && start < len(y) && x[start] == y[start] {
		start++
	}
	for start > 0 && (start < len(x) && !utf8.RuneStart(x[start]) || start < len(y) && !utf8.RuneStart(y[start])) {
		start--
	}
	end := 0
	for end < len(x)-start && end < len(y)-start && x[len(x)-1-end] == y[len(y)-1-end] {
		end++
	}
	for end > 0 && !utf8.RuneStart(x[len(x)-end]) {
		end--
	}
	if start == 0 && end == 0 {
		return
	}
	a.Start, a.End = start, len(x)-end
	b.Start, b.End = start, len(y)-end
}
