package api

import "strings"

// ProblemType begins the type of every problem; what follows is its kind.
const ProblemType = "/problems/"

// Kind is what sort of failure it is: "invalid", "not_found", "conflict", "stale",
// "unauthenticated", "forbidden", "throttled", "unavailable", "internal" and others.
func (p *Problem) Kind() string { return strings.TrimPrefix(p.Type, ProblemType) }

// Error is what happened and what to do next.
func (p *Problem) Error() string {
	text := p.Detail
	if text == "" {
		text = p.Title
	}
	if p.Hint != "" {
		text = strings.TrimSuffix(text, ".") + ". " + p.Hint
	}
	return text
}
