package web

import "github.com/your-org/keeper/templates"

func (w *Web) showProfile(r *request) error {
	environments, err := r.allEnvironments()
	if err != nil {
		return err
	}
	all, err := w.Auth.Sessions(r.Context(), r.actor)
	if err != nil {
		return err
	}
	page := &templates.ProfilePage{User: r.user}
	for _, e := range environments {
		if role := r.actor.Roles[e.ID]; role != "" {
			page.Memberships = append(page.Memberships, templates.MembershipView{Environment: e, Role: role})
		}
	}
	for _, s := range all {
		page.Sessions = append(page.Sessions, templates.SessionView{Session: s, Current: s.Hash == r.actor.SessionHash})
	}
	return r.show(page, &page.BasePage)
}

func (w *Web) revokeSession(r *request) error {
	if err := w.Auth.RevokeSession(r.Context(), r.actor, r.param("session")); err != nil {
		return err
	}
	w.live.recheck()
	return r.done("/profile", "The session is ended.")
}

func (w *Web) revokeOtherSessions(r *request) error {
	if _, err := w.Auth.RevokeOtherSessions(r.Context(), r.actor); err != nil {
		return err
	}
	w.live.recheck()
	return r.done("/profile", "All your other sessions are ended.")
}
