package web

import (
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/templates"
)

// secretActions are what can be done with a secret.
var secretActions = []auth.Action{auth.ViewSecret, auth.RevealSecret, auth.WriteSecret, auth.DeleteSecret}

// secretAccess tells what the actor may do with a secret, and, of those who may hear of it,
// who else may do one thing with it.
func (w *Web) secretAccess(r *request) error {
	head, err := w.head(r)
	if err != nil {
		return err
	}
	q, e := r.URL.Query(), head.Environment.ID
	page := &templates.SecretAccessPage{
		SecretHead: head, Action: string(auth.RevealSecret), Pager: templates.Pager{Total: -1},
		Everybody: r.may(auth.ViewUsers, auth.Global) || r.may(auth.ViewMembers, e),
	}
	for _, action := range secretActions {
		page.Actions = append(page.Actions, string(action))
		if q.Get("action") == string(action) {
			page.Action = string(action)
		}
		x, err := w.Auth.Explain(r.Context(), r.actor, "", action, e)
		if err != nil {
			return err
		}
		page.Own = append(page.Own, templates.OwnAccess{Action: string(action), AccessAnswer: accessAnswer(x)})
	}
	if page.Everybody {
		holders, around, err := w.holders(r, auth.Action(page.Action), e)
		if err != nil {
			return err
		}
		page.Holders, page.Pager = holders, pagerOf(around)
	}
	return r.show(page, &page.BasePage)
}
