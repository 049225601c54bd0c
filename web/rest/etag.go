package rest

import (
	"strconv"
	"strings"

	"github.com/your-org/keeper/fault"
)

// never is a revision that nothing has.
const never = -1

// expected is the revision that an If-Match header asks for: 0 where it asks for none ("" or
// *), never where nothing can match it. current is asked only where the header names several.
//
// Tags are compared strongly (RFC 9110 section 13.1.1), so a weak one matches nothing.
func expected(header string, current func() (int64, error)) (int64, error) {
	if header = strings.TrimSpace(header); header == "" || header == "*" {
		return 0, nil
	}
	revisions, err := parseTags(header)
	if err != nil {
		return 0, err
	}
	if len(revisions) == 1 {
		return revisions[0], nil
	}
	now, err := current()
	if err != nil {
		return 0, err
	}
	for _, revision := range revisions {
		if revision == now {
			return now, nil
		}
	}
	return never, nil
}

// parseTags reads a list of entity tags (RFC 9110 section 8.8.3): the revision that each
// stands for, never for a weak one and for one that is not ours.
func parseTags(list string) ([]int64, error) {
	malformed := fault.InvalidField("If-Match", "must be an ETag as it was answered, quotes included, or *")
	var revisions []int64
	for rest := list; ; {
		rest = strings.TrimLeft(rest, " \t")
		quoted, weak := strings.CutPrefix(rest, "W/")
		if !strings.HasPrefix(quoted, `"`) {
			return nil, malformed
		}
		tag, after, closed := strings.Cut(quoted[1:], `"`)
		if !closed || strings.ContainsFunc(tag, func(c rune) bool { return c <= ' ' || c == 0x7f }) {
			return nil, malformed
		}
		revision, err := strconv.ParseInt(tag, 10, 64)
		if weak || err != nil || revision <= 0 || decimal(revision) != tag {
			revision = never
		}
		revisions = append(revisions, revision)
		after = strings.TrimLeft(after, " \t")
		if after == "" {
			return revisions, nil
		}
		if !strings.HasPrefix(after, ",") {
			return nil, malformed
		}
		rest = after[1:]
	}
}

// stale is the answer where a revision is not the expected one.
func stale(expect, revision int64) error {
	if expect == 0 || expect == revision {
		return nil
	}
	return fault.New(fault.Stale, "It has changed since you read it; nothing was done.").
		WithHint("Read it again, look at what changed, and try again.")
}
