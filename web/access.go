package web

import (
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
	"github.com/your-org/keeper/templates"
)

// actions are all that can be asked about and named in a token's scope.
func actions() []templates.ActionChoice {
	var all []templates.ActionChoice
	for _, a := range auth.Actions() {
		all = append(all, templates.ActionChoice{Name: string(a), InEnvironment: auth.InEnvironment(a)})
	}
	return all
}

// showAccess answers why somebody may do something, and who may.
func (w *Web) showAccess(r *request) error {
	page := &templates.AccessPage{Question: templates.ParseAccessQuestion(r.URL.Query()), Actions: actions(), Pager: templates.Pager{Total: -1}}
	if !page.Question.Asked() {
		page.Question.Action = string(auth.RevealSecret)
		return r.show(page, &page.BasePage)
	}
	err := w.answerAccess(r, page)
	if kind := fault.KindOf(err); err != nil && kind != fault.Invalid && kind != fault.NotFound && kind != fault.Forbidden {
		return err
	}
	if err != nil {
		page.Form.Fail(err)
	}
	return r.showRefused(err, page, &page.BasePage)
}

func (w *Web) answerAccess(r *request, page *templates.AccessPage) error {
	q, action := page.Question, auth.Action(page.Question.Action)
	where := auth.Global
	if auth.InEnvironment(action) && q.Environment != "" {
		e, err := w.Secrets.FindEnvironment(r.Context(), r.actor, q.Environment)
		if err != nil {
			return err
		}
		where, page.Environment = e.ID, &e
	}
	if q.Who == "" && !r.may(auth.ViewUsers, auth.Global) && (where == auth.Global || !r.may(auth.ViewMembers, where)) {
		q.Who = r.user.Username // of others it may not hear
	}
	if q.Who == "" {
		holders, around, err := w.holders(r, action, where)
		page.Holders, page.Everybody, page.Pager = holders, err == nil, pagerOf(around)
		return err
	}
	x, err := w.Auth.Explain(r.Context(), r.actor, q.Who, action, where)
	if err != nil {
		return err
	}
	page.Question.Who = q.Who
	answer := accessAnswer(x)
	page.Answer = &answer
	return nil
}

func accessAnswer(x auth.Explanation) templates.AccessAnswer {
	return templates.AccessAnswer{
		User: x.User, Token: x.Token, Allowed: x.Allowed, Through: sourceViews(x.Through), Against: x.Against, Notes: x.Notes,
	}
}

// holders is a page of those who may do an action, and the cursors of those around it.
func (w *Web) holders(r *request, action auth.Action, where models.EnvironmentID) ([]templates.AccessHolder, secrets.Around, error) {
	found, around, err := w.Auth.WhoCan(r.Context(), r.actor, action, where, r.URL.Query().Get("cursor"), pageSize)
	var holders []templates.AccessHolder
	for _, h := range found {
		holders = append(holders, templates.AccessHolder{User: h.User, Through: sourceViews(h.Through)})
	}
	return holders, around, err
}

func sourceViews(sources []auth.Source) []templates.SourceView {
	var all []templates.SourceView
	for _, s := range sources {
		v := templates.SourceView{GroupID: s.GroupID, GroupName: s.GroupName, Role: string(s.Role)}
		if s.Global != "" {
			v.Role, v.Global = string(s.Global), true
		}
		all = append(all, v)
	}
	return all
}

func (w *Web) listAllTokens(r *request) error {
	q := r.URL.Query()
	page := &templates.AllTokensPage{Ended: q.Get("ended") == "true", Pager: templates.Pager{Total: -1}}
	tokens, around, err := w.Auth.AllTokens(r.Context(), r.actor, !page.Ended, q.Get("cursor"), pageSize)
	if err != nil {
		return err
	}
	page.Pager = pagerOf(around)
	for _, t := range tokens {
		mine := t.UserID == r.actor.UserID
		page.Rows = append(page.Rows, templates.TokenRow{Token: t.Token, Owner: t.Username, MayRevoke: mine || r.may(auth.ManageUsers, auth.Global)})
	}
	return r.show(page, &page.BasePage)
}
