package templates

import (
	"net/url"
	"strings"
)

// AuditFilter is what the audit log is narrowed to, by the names in its tags in the URL.
type AuditFilter struct {
	Query       string // q: part of a name or of the action
	Actor       string // actor: part of a name
	Action      string // action: "secret.reveal", or "secret." for all of a noun
	Outcome     string // outcome: a models.Outcome
	Environment string // environment: its name
	Object      string // object: part of a name
	From, Until string // from, until: dates, 2026-11-22, UTC, both included
}

// ParseAuditFilter reads the filter from a URL's query.
func ParseAuditFilter(q url.Values) AuditFilter {
	get := func(key string) string { return strings.TrimSpace(q.Get(key)) }
	return AuditFilter{
		Query: get("q"), Actor: get("actor"), Action: get("action"), Outcome: get("outcome"), Environment: get("environment"),
		Object: get("object"), From: get("from"), Until: get("until"),
	}
}

func (f AuditFilter) values() url.Values {
	return url.Values{
		"q": {f.Query}, "actor": {f.Actor}, "action": {f.Action}, "outcome": {f.Outcome}, "environment": {f.Environment},
		"object": {f.Object}, "from": {f.From}, "until": {f.Until},
	}
}

// With is the log with one parameter changed; "" takes it away.
func (f AuditFilter) With(key, value string) string {
	values := f.values()
	values.Set(key, value)
	return withQuery("/audit", values)
}

// Page is another page of the same list.
func (f AuditFilter) Page(cursor string) string { return f.With("cursor", cursor) }

// ExportURL is a file of all that the filter leaves.
func (f AuditFilter) ExportURL(format string) string {
	values := f.values()
	values.Set("format", format)
	return withQuery("/audit/export", values)
}

// Narrow reports whether anything narrows the log.
func (f AuditFilter) Narrow() bool { return f != AuditFilter{} }

// ClearURL is the whole log.
func (f AuditFilter) ClearURL() string { return AuditFilter{}.Page("") }

// Kept are the parameters that the search form carries along as hidden fields.
func (f AuditFilter) Kept() []Option {
	return hidden(f.values(), []string{"actor", "action", "object", "environment", "outcome", "from", "until"}, "")
}

// Chips are the filters that are set but for the search, which has a place of its own.
func (f AuditFilter) Chips() []Chip {
	c := chips{without: func(key string) string { return f.With(key, "") }}
	c.add("actor", "who", f.Actor, f.Actor)
	c.add("action", "did", f.Action, f.Action)
	c.add("object", "to", f.Object, f.Object)
	c.add("environment", "where", f.Environment, f.Environment)
	c.add("outcome", "outcome", f.Outcome, f.Outcome)
	c.add("from", "from", f.From, f.From)
	c.add("until", "until", f.Until, f.Until)
	return c.set
}
