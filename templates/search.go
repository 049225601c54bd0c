package templates

import "github.com/your-org/keeper/models"

// SearchPage is GET /search: what of everything the actor may see fits a few words. Block
// "options" is the same as the options of the palette.
type SearchPage struct {
	BasePage
	Query  string
	Groups []FoundGroup // the one with the best fit first; none is empty
}

func (*SearchPage) template() string { return "search/results" }

// Frame stands around the page.
func (p *SearchPage) Frame() Frame { return Frame{Title: "Search", Query: p.Query} }

// More is the list of secrets in which what the names do not say is searched too.
func (p *SearchPage) More() string { return SecretFilter{Query: p.Query}.URL() }

// FoundGroup is what was found of one kind, the best fit first.
type FoundGroup struct {
	Title string
	Found []Found
}

// Found is one thing that a person may have meant.
type Found struct {
	Label       string
	Note        string // beside the label; "": none
	URL         string
	icon        string              // of the sprite
	Tone        string              // of the icon; "": none
	Mono        bool                // the label is a name
	Environment *models.Environment // that it belongs to; nil: none
}

// Icon is the icon before the label.
func (f Found) Icon() string { return f.icon }

// FoundPlace is a page, or something to begin, with an icon of the sprite.
func FoundPlace(label, icon, url string) Found { return Found{Label: label, icon: icon, URL: url} }

// FoundSecret is a secret.
func FoundSecret(s models.Secret, e models.Environment) Found {
	return Found{Label: s.Name, icon: typeLook(s.Type).Icon, URL: MustPath("/secrets/{secret}", s.ID), Mono: true, Environment: &e}
}

// FoundEnvironment is an environment.
func FoundEnvironment(e models.Environment) Found {
	return Found{Label: e.DisplayName, icon: "layers", URL: MustPath("/environments/{environment}", e.Name), Environment: &e}
}

// FoundDestination is a destination.
func FoundDestination(d models.Destination, e models.Environment) Found {
	return Found{Label: d.Name, Note: kindWord(d.Kind), icon: "hdd-network", URL: MustPath("/destinations/{destination}", d.ID), Mono: true, Environment: &e}
}

// FoundRun is a run of a destination.
func FoundRun(base BasePage, v RunView) Found {
	look := runStatusLook(v.Run.Status)
	return Found{
		Label: "Run at " + v.Destination.Name, Note: look.Word + ", " + relative(base.Now, v.Run.StartedAt), icon: look.Icon, Tone: look.Tone,
		URL: MustPath("/sync/runs/{run}", v.Run.ID), Environment: &v.Environment,
	}
}

// FoundUser is a person or a service account.
func FoundUser(u models.User) Found {
	return Found{Label: u.Username, Note: u.DisplayName, icon: "person", URL: MustPath("/admin/users/{user}", u.ID)}
}

// FoundPeopleGroup is a group of people.
func FoundPeopleGroup(g models.Group) Found {
	return Found{Label: g.Name, Note: g.Description, icon: "people", URL: MustPath("/admin/groups/{group}", g.ID)}
}
