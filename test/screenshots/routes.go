package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/your-org/keeper/templates"
)

// unpictured are the GET routes that are no pages, and the page that a scene comes to.
var unpictured = []string{
	"/events", "/sync/imports/{import}/names", "/sync/runs/{run}/receipt/download", "/audit/export",
	"/saml/{provider}/sign-in", "/saml/{provider}/metadata", "/saml/{provider}/certificate", "/saml/{provider}/slo", "/sign-in/step",
}

// everyPage fails for a page of Keeper of which no picture is taken.
func everyPage(pages []page) error {
	var without []string
	for _, r := range templates.Routes {
		if r.Method != "GET" || slices.Contains(unpictured, r.Path) {
			continue
		}
		if !slices.ContainsFunc(pages, func(p page) bool { return leadsTo(r.Path, p.path) }) {
			without = append(without, r.Path)
		}
	}
	if len(without) > 0 {
		return fmt.Errorf("no picture is taken of %s", strings.Join(without, ", "))
	}
	return nil
}

// leadsTo reports whether a path is one of a route's, where no other route is nearer.
func leadsTo(route, path string) bool {
	path, _, _ = strings.Cut(path, "?")
	want, have := strings.Split(route, "/"), strings.Split(path, "/")
	if len(want) != len(have) {
		return false
	}
	for i, part := range want {
		if part != have[i] && (!strings.HasPrefix(part, "{") || isWord(route, i, have[i])) {
			return false
		}
	}
	return true
}

// isWord reports whether what stands for a parameter is a word of another route there.
func isWord(route string, at int, word string) bool {
	before := strings.Join(strings.Split(route, "/")[:at], "/") + "/" + word
	return slices.ContainsFunc(templates.Routes, func(r templates.Route) bool { return r.Path == before || strings.HasPrefix(r.Path, before+"/") })
}
