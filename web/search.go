package web

import (
	"cmp"
	"slices"
	"strings"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/rank"
	"github.com/your-org/keeper/templates"
)

// How much a search shows of each kind, how much of the newest runs it looks at, and how much
// of a query it takes.
const (
	foundSecrets = 12
	foundOthers  = 6
	searchedRuns = 50
	maxQuery     = 200
)

// search finds what of everything that the actor may see fits a few words. What the actor may
// not see is not looked at.
func (w *Web) search(r *request) error {
	page := &templates.SearchPage{Query: strings.TrimSpace(clipped(r.URL.Query().Get("q"), maxQuery))}
	words := rank.Parse(page.Query)
	var groups []ranked
	for _, source := range []source{
		{"Secrets", w.findSecrets},
		{"Environments", w.findEnvironments},
		{"Destinations", w.findDestinations},
		{"Go to", w.findPlaces},
		{"Runs", w.findRuns},
		{"People", w.findPeople},
		{"Groups", w.findGroups},
	} {
		found, err := source.find(r, words)
		if err != nil {
			return err
		}
		if len(found) > 0 {
			groups = append(groups, ranked{source.title, found})
		}
	}
	slices.SortStableFunc(groups, func(a, b ranked) int { return cmp.Compare(b.found[0].score, a.found[0].score) })
	for _, g := range groups {
		page.Groups = append(page.Groups, g.group())
	}
	return r.showList(page, &page.BasePage, "options")
}

// clipped is a text's first so many bytes, with no character cut.
func clipped(text string, size int) string {
	if len(text) > size {
		text = strings.ToValidUTF8(text[:size], "")
	}
	return text
}

// source finds things of one kind, the best fit first.
type source struct {
	title string
	find  func(*request, rank.Words) ([]candidate, error)
}

// candidate is a thing that may be meant, and how well it fits.
type candidate struct {
	templates.Found
	score int
}

// ranked is what a source found; never empty.
type ranked struct {
	title string
	found []candidate
}

func (g ranked) group() templates.FoundGroup {
	group := templates.FoundGroup{Title: g.title}
	for _, c := range g.found {
		group.Found = append(group.Found, c.Found)
	}
	return group
}

// fitting keeps the best of all, each by the words that it is found by.
func fitting[T any](words rank.Words, all []T, by func(T) []string, as func(T) templates.Found) []candidate {
	var found []candidate
	for _, one := range all {
		if score := words.Score(strings.ToLower(strings.Join(by(one), " "))); score > 0 {
			found = append(found, candidate{as(one), score})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
	return found[:min(len(found), foundOthers)]
}

func (w *Web) findSecrets(r *request, words rank.Words) ([]candidate, error) {
	found, err := w.Secrets.Find(r.Context(), r.actor, words, foundSecrets)
	if err != nil {
		return nil, err
	}
	environments, err := r.allEnvironments()
	var all []candidate
	for _, s := range found {
		e := environmentIn(environments, s.EnvironmentID)
		score := max(words.Score(strings.ToLower(s.Name)), words.Score(strings.ToLower(e.Name+" "+s.Name)))
		all = append(all, candidate{templates.FoundSecret(s, e), score})
	}
	return all, err
}

func (w *Web) findEnvironments(r *request, words rank.Words) ([]candidate, error) {
	all, err := r.allEnvironments()
	return fitting(words, all, func(e models.Environment) []string { return []string{e.Name, e.DisplayName} }, templates.FoundEnvironment), err
}

// placed is a destination with its environment.
type placed struct {
	models.Destination
	in models.Environment
}

func (w *Web) placedDestinations(r *request) ([]placed, error) {
	environments, err := r.allEnvironments()
	if err != nil {
		return nil, err
	}
	all, err := w.Destinations.List(r.Context(), r.actor, 0)
	var found []placed
	for _, d := range all {
		found = append(found, placed{d, environmentIn(environments, d.EnvironmentID)})
	}
	return found, err
}

func (w *Web) findDestinations(r *request, words rank.Words) ([]candidate, error) {
	all, err := w.placedDestinations(r)
	return fitting(words, all,
		func(p placed) []string { return []string{p.Name, p.in.DisplayName} },
		func(p placed) templates.Found { return templates.FoundDestination(p.Destination, p.in) }), err
}

// findRuns looks at the newest runs: by where they ran and how they ended.
func (w *Web) findRuns(r *request, words rank.Words) ([]candidate, error) {
	if len(words) == 0 {
		return nil, nil
	}
	all, err := w.placedDestinations(r)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	views := make([]templates.DestinationView, len(all))
	for i, p := range all {
		views[i] = templates.DestinationView{Destination: p.Destination, Environment: p.in}
	}
	runs, _, err := w.Destinations.Runs(r.Context(), r.actor, destinations.RunQuery{Limit: searchedRuns})
	now := templates.BasePage{Now: w.Now()}
	return fitting(words, runViews(runs, views),
		func(v templates.RunView) []string {
			return []string{"run", v.Destination.Name, v.Environment.DisplayName, string(v.Run.Status), string(v.Run.ID)}
		},
		func(v templates.RunView) templates.Found { return templates.FoundRun(now, v) }), err
}

func (w *Web) findPeople(r *request, words rank.Words) ([]candidate, error) {
	if len(words) == 0 || !r.may(auth.ViewUsers, auth.Global) {
		return nil, nil
	}
	all, _, err := w.Auth.Users(r.Context(), r.actor, auth.UserFilter{Search: words.Longest()})
	return fitting(words, all,
		func(a auth.Account) []string { return []string{a.Username, a.DisplayName, a.Email} },
		func(a auth.Account) templates.Found { return templates.FoundUser(a.User) }), err
}

func (w *Web) findGroups(r *request, words rank.Words) ([]candidate, error) {
	if len(words) == 0 || !r.may(auth.ViewUsers, auth.Global) {
		return nil, nil
	}
	all, _, err := w.Auth.Groups(r.Context(), r.actor, words.Longest(), "", 0)
	return fitting(words, all, func(g models.Group) []string { return []string{g.Name} }, templates.FoundPeopleGroup), err
}
