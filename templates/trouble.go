package templates

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/your-org/keeper/models"
)

// troubleNames is how many secrets a trouble names.
const troubleNames = 3

// Trouble is what one cause does to copies at one destination.
type Trouble struct {
	Destination models.Destination
	Environment models.Environment
	State       State
	Count       int         // copies
	First       []SecretRef // a few of them
	Why, Hint   string
	Since       time.Time // of the first of them
	Partly      bool      // of that many the cause was looked for among the first alone
}

// SecretRef leads to a secret.
type SecretRef struct {
	ID   models.SecretID
	Name string
}

// More is how many copies are not among the first.
func (t Trouble) More() int { return t.Count - len(t.First) }

// Outage is one cause for which Keeper cannot work on destinations at all.
type Outage struct {
	Why, Hint string
	Views     []DestinationView
	Copies    int         // that are not known, or wait, for it
	First     []SecretRef // a few of them
	Since     *time.Time  // of the last try
}

// More is how many copies are not among the first.
func (o Outage) More() int { return o.Copies - len(o.First) }

// Outages are the destinations that cannot be worked on, by cause.
func Outages(views []DestinationView) []Outage {
	var all []Outage
	for _, v := range views {
		why := v.Unreachable()
		if why == "" || v.Destination.Paused {
			continue
		}
		i := slices.IndexFunc(all, func(o Outage) bool { return o.Why == why })
		if i < 0 {
			i = len(all)
			all = append(all, Outage{Why: why})
		}
		all[i].Views = append(all[i].Views, v)
		if at := v.Destination.LastRunAt; at != nil && (all[i].Since == nil || at.After(*all[i].Since)) {
			all[i].Since = at
		}
	}
	return all
}

// Explain takes a trouble to the outage that it comes from, and reports whether there is one.
func Explain(outages []Outage, t Trouble) bool {
	for i, o := range outages {
		at := slices.ContainsFunc(o.Views, func(v DestinationView) bool { return v.Destination.ID == t.Destination.ID })
		if !at || o.Why != t.Why {
			continue
		}
		outages[i].Copies += t.Count
		outages[i].Hint = cmp.Or(o.Hint, t.Hint)
		outages[i].First = append(o.First, t.First[:min(len(t.First), troubleNames-len(o.First))]...)
		return true
	}
	return false
}

// Troubles groups copies that stand in one state at one destination by cause, that of most
// copies first. Of total copies rows are the first; where they are not all, the commonest
// cause stands for the rest.
func Troubles(v DestinationView, state State, total int, rows []StateRow) []Trouble {
	var all []Trouble
	for _, row := range rows {
		why := row.Cause()
		i := slices.IndexFunc(all, func(t Trouble) bool { return t.Why == why && t.Hint == row.Sync.LastHint })
		if i < 0 {
			i = len(all)
			all = append(all, Trouble{Destination: v.Destination, Environment: v.Environment, State: state, Why: why, Hint: row.Sync.LastHint, Since: row.Sync.Since})
		}
		t := &all[i]
		if t.Count++; len(t.First) < troubleNames {
			t.First = append(t.First, SecretRef{row.SecretID, row.SecretName})
		}
		if row.Sync.Since.Before(t.Since) {
			t.Since = row.Sync.Since
		}
	}
	slices.SortStableFunc(all, func(a, b Trouble) int { return b.Count - a.Count })
	if rest := total - len(rows); rest > 0 && len(all) > 0 {
		all[0].Count += rest
		all[0].Partly = true
	}
	return all
}

// Cause is why a copy stands as it does, without the secret's own name, so that the causes of
// several can be compared.
func (r StateRow) Cause() string {
	message := r.Sync.LastError
	if message == "" {
		return r.State().Meaning()
	}
	if rest, ok := strings.CutPrefix(message, r.SecretName+" could not be "); ok {
		if _, reason, found := strings.Cut(rest, ": "); found {
			message = reason
		}
	}
	for _, name := range []string{r.Sync.RemoteName, r.SecretName} {
		if strings.Contains(name, "/") { // else it may be a word of the text
			message = withoutName(message, name)
		}
	}
	return message
}

// withoutName says "it" where a text names a secret.
func withoutName(text, name string) string {
	parts := strings.Split(text, name)
	var b strings.Builder
	for i, part := range parts {
		if i > 0 {
			before, after := parts[i-1], part
			if inWord(before, len(before)-1) || inWord(after, 0) { // a piece of another name
				b.WriteString(name)
			} else {
				b.WriteString("it")
			}
		}
		b.WriteString(part)
	}
	return b.String()
}

// inWord reports whether a name could go on at a place of a text. A dot may end a sentence.
func inWord(text string, at int) bool {
	if at < 0 || at >= len(text) {
		return false
	}
	c := text[at]
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("/_+=@-", c) >= 0
}
