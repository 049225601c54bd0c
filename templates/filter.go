package templates

import (
	"net/url"
	"slices"
	"strings"

	"github.com/your-org/keeper/models"
)

// SecretFilter is what a list of secrets is narrowed to. It stands in the URL under the
// names of its tags; an empty field does not narrow.
type SecretFilter struct {
	Query       string // q
	Environment string // environment: its name
	Type        string // type: a models.SecretType
	State       string // state: a State; secrets that are in it at any destination
	Tag         string // tag: "key" or "key=value"
	Owner       string // owner: the whole of it
	Expires     string // expires: "past", or "soon": within 30 days, or past
	Sort        string // sort: a key of secretSorts, with - before it for the other way; "": by name
}

// Expiries are the choices of a filter by expiry.
var Expiries = []Option{{Value: "past", Label: "expired"}, {Value: "soon", Label: "within 30 days"}}

func expiryWord(value string) string {
	for _, o := range Expiries {
		if o.Value == value {
			return o.Label
		}
	}
	return ""
}

// secretSorts are the columns that a list of secrets is ordered by.
var secretSorts = []string{"name", "type", "expires", "changed", "updated", "created"}

// ParseSecretFilter reads the filter from a URL's query. What it does not know it ignores.
func ParseSecretFilter(q url.Values) SecretFilter {
	f := SecretFilter{
		Query: strings.TrimSpace(q.Get("q")), Environment: q.Get("environment"), Type: q.Get("type"),
		State: q.Get("state"), Tag: strings.TrimSpace(q.Get("tag")), Owner: strings.TrimSpace(q.Get("owner")),
		Expires: q.Get("expires"), Sort: q.Get("sort"),
	}
	if t, err := models.ParseSecretType(f.Type); err == nil {
		f.Type = string(t)
	} else {
		f.Type = ""
	}
	if _, known := stateLooks[State(f.State)]; !known {
		f.State = ""
	}
	if expiryWord(f.Expires) == "" {
		f.Expires = ""
	}
	if f.Sort == "name" || !slices.Contains(secretSorts, strings.TrimPrefix(f.Sort, "-")) {
		f.Sort = ""
	}
	return f
}

func (f SecretFilter) values() url.Values {
	return url.Values{
		"q": {f.Query}, "environment": {f.Environment}, "type": {f.Type},
		"state": {f.State}, "tag": {f.Tag}, "owner": {f.Owner}, "expires": {f.Expires}, "sort": {f.Sort},
	}
}

// URL is the list with this filter.
func (f SecretFilter) URL() string { return withQuery("/secrets", f.values()) }

// With is the list with one parameter changed; "" takes it away.
func (f SecretFilter) With(key, value string) string {
	values := f.values()
	values.Set(key, value)
	return withQuery("/secrets", values)
}

// Page is another page of the same list.
func (f SecretFilter) Page(cursor string) string { return f.With("cursor", cursor) }

// Narrow reports whether anything but the environment narrows the list.
func (f SecretFilter) Narrow() bool {
	return f != SecretFilter{Environment: f.Environment, Sort: f.Sort}
}

// Cleared is the filter with nothing but its environment and its order.
func (f SecretFilter) Cleared() SecretFilter {
	return SecretFilter{Environment: f.Environment, Sort: f.Sort}
}

// ClearURL is the list without what narrows it.
func (f SecretFilter) ClearURL() string { return f.Cleared().URL() }

// Chips are the filters that are set, search and environment aside: they have a place of their own.
func (f SecretFilter) Chips() []Chip {
	c := chips{without: func(key string) string { return f.With(key, "") }}
	c.add("type", "type", f.Type, typeWord(models.SecretType(f.Type)))
	c.add("state", "state", f.State, State(f.State).Word())
	c.add("tag", "tag", f.Tag, f.Tag)
	c.add("owner", "owner", f.Owner, f.Owner)
	c.add("expires", "expiry", f.Expires, expiryWord(f.Expires))
	return c.set
}

// Kept are the parameters that a search form carries along as hidden fields.
func (f SecretFilter) Kept() []Option { return f.hidden("q") }

// All are all parameters, as hidden fields of a form.
func (f SecretFilter) All() []Option { return f.hidden("") }

// Without are the parameters but one, which a form asks for.
func (f SecretFilter) Without(key string) []Option { return f.hidden(key) }

func (f SecretFilter) hidden(but string) []Option {
	return hidden(f.values(), []string{"q", "environment", "type", "state", "tag", "owner", "expires", "sort"}, but)
}

// SortURL sorts by the column, or turns its order round.
func (f SecretFilter) SortURL(column string) string {
	if f.SortOrder(column) == "ascending" {
		return f.With("sort", "-"+column)
	}
	return f.With("sort", column)
}

// SortOrder is the column's aria-sort: "ascending", "descending", or "" where another rules.
func (f SecretFilter) SortOrder(column string) string {
	sort := f.Sort
	if sort == "" {
		sort = "name"
	}
	switch sort {
	case column:
		return "ascending"
	case "-" + column:
		return "descending"
	}
	return ""
}

// StateFilter is what the states of a destination are narrowed to.
type StateFilter struct {
	Query string // q
	State string // state
}

// ParseStateFilter reads the filter from a URL's query.
func ParseStateFilter(q url.Values) StateFilter {
	f := StateFilter{Query: strings.TrimSpace(q.Get("q")), State: q.Get("state")}
	if _, known := stateLooks[State(f.State)]; !known {
		f.State = ""
	}
	return f
}

// All is the filter without a state.
func (f StateFilter) All() StateFilter { return StateFilter{Query: f.Query} }

// In is the filter with another state.
func (f StateFilter) In(s State) StateFilter { return StateFilter{Query: f.Query, State: string(s)} }

// On is a page with this filter, at a cursor.
func (f StateFilter) On(path, cursor string) string {
	return withQuery(path, url.Values{"q": {f.Query}, "state": {f.State}, "cursor": {cursor}})
}
