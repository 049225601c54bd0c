package templates

// SecretAccessPage is GET /secrets/{secret}/access: what the actor may do with the secret and
// why, and who else may do one thing with it.
type SecretAccessPage struct {
	BasePage
	SecretHead
	Own       []OwnAccess
	Action    string   // that everybody is asked about
	Actions   []string // that can be asked about
	Everybody bool     // the actor may hear who else has access
	Holders   []AccessHolder
	Pager     Pager
}

// OwnAccess is one thing that the actor may, or may not, do.
type OwnAccess struct {
	Action string
	AccessAnswer
}

func (*SecretAccessPage) template() string { return "secrets/access" }

// Frame stands around the page.
func (p *SecretAccessPage) Frame() Frame { return p.frame("") }

// URL is the page about an action, from a cursor on.
func (p *SecretAccessPage) URL(action, cursor string) (string, error) {
	path, err := Path("/secrets/{secret}/access", p.Secret.ID)
	if err != nil {
		return "", err
	}
	return query(path, "action", action, "cursor", cursor)
}

// HoldersView is a table of those who may do something.
type HoldersView struct {
	Base    *BasePage
	Holders []AccessHolder
}
