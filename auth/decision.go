package auth

import (
	"strings"
	"time"

	"github.com/your-org/keeper/models"
)

// Subject is somebody who is asked about: a user with what gives it rights, or one of its
// tokens.
type Subject struct {
	User   models.User
	Grants []Grant
	Token  *models.Token // nil: the user itself
}

// Source is one thing that gives a right by itself: a role of the user's own, or a group's,
// global or in the environment.
type Source struct {
	GroupID   models.GroupID // "": the user's own
	GroupName string
	Global    models.GlobalRole      // "": a role in the environment
	Role      models.EnvironmentRole // "": a global one
}

// Decision is whether somebody may do an action, and why.
type Decision struct {
	Allowed bool
	Through []Source // what gives the user the right, each by itself; also where Against takes it away
	Against []string // what stops it; sentences
	Notes   []string // what has to be so besides; sentences
}

// actor is whom Can is asked about.
func (w Subject) actor() models.Actor {
	a := withRights(w.User, w.Grants)
	if w.Token != nil {
		a.Kind, a.ID, a.Scope = models.ActorToken, string(w.Token.ID), &w.Token.Scope
	}
	return a
}

// Decide explains what Can says of somebody, who is asked about an action in an environment
// (the zero one for none). It is pure, and asks Can itself, of each source alone: it cannot
// say anything else.
func Decide(who Subject, action Action, e models.Environment, now time.Time) Decision {
	actor := who.actor()
	d := Decision{Through: sources(who, action, e.ID)}
	if !Can(unscoped(actor), action, e.ID) {
		d.Against = append(d.Against, takes(action))
	}
	if who.User.Disabled {
		d.Against = append(d.Against, "The account is disabled.")
	}
	if who.Token != nil {
		d.Against = append(d.Against, stops(*who.Token, action, e.ID, now)...)
	}
	d.Notes = networksNote(who.Token)
	if action == RevealSecret && e.Protected {
		if who.Token == nil {
			d.Notes = append(d.Notes, "The environment is protected: the person has to prove again who it is.")
		} else if err := MayReveal(actor, e, now); err != nil {
			d.Against = append(d.Against, "The environment is protected, and the token's scope does not name "+string(RevealSecret)+".")
		}
	}
	d.Allowed = len(d.Against) == 0
	return d
}

// sources are the parts of what a user has that give the right each by itself. What every
// user may comes from being one.
func sources(who Subject, action Action, e models.EnvironmentID) []Source {
	plain := who.User
	gives := func(u models.User, grants ...Grant) bool { return Can(withRights(u, grants), action, e) }
	var found []Source
	if gives(plain) {
		found = append(found, Source{Global: plain.Role})
	}
	if globalRank(plain.Role) == 0 {
		return found
	}
	if plain.Role = models.RoleUser; gives(plain) {
		return found
	}
	seen := map[models.GroupID]bool{}
	for _, g := range who.Grants {
		if g.GroupID != "" && !seen[g.GroupID] && gives(plain, Grant{GroupID: g.GroupID, GlobalRole: g.GlobalRole}) {
			seen[g.GroupID] = true
			found = append(found, Source{GroupID: g.GroupID, GroupName: g.GroupName, Global: g.GlobalRole})
		}
		if gives(plain, Grant{EnvironmentID: g.EnvironmentID, Role: g.Role}) {
			found = append(found, Source{GroupID: g.GroupID, GroupName: g.GroupName, Role: g.Role})
		}
	}
	return found
}

// takes says which role an action takes.
func takes(action Action) string {
	if role, is := weakest[action]; is {
		return "It takes the role " + string(role) + " in the environment, which nothing gives."
	}
	return "It takes the role " + roles(action) + ", which nothing gives."
}

// stops is what of a token itself stands against an action.
func stops(t models.Token, action Action, e models.EnvironmentID, now time.Time) []string {
	var against []string
	switch {
	case t.RevokedAt != nil:
		against = append(against, "The token was revoked.")
	case over(t, now):
		against = append(against, "The token has expired.")
	}
	if scopeAllows(&t.Scope, action, e) {
		return against
	}
	narrow := []struct {
		stops bool
		text  string
	}{
		{!scopeAllows(&models.TokenScope{ReadOnly: t.Scope.ReadOnly}, action, e), "The token is read-only."},
		{!scopeAllows(&models.TokenScope{Environments: t.Scope.Environments}, action, e), "The token is bound to other environments."},
		{!scopeAllows(&models.TokenScope{Actions: t.Scope.Actions}, action, e), "The token's scope names other actions."},
	}
	for _, one := range narrow {
		if one.stops {
			against = append(against, one.text)
		}
	}
	return against
}

// networksNote tells from where a token may be used, unless it is from anywhere.
func networksNote(t *models.Token) []string {
	if t == nil || len(t.Scope.Networks) == 0 {
		return nil
	}
	list := make([]string, len(t.Scope.Networks))
	for i, n := range t.Scope.Networks {
		list[i] = n.String()
	}
	return []string{"The token may be used from " + strings.Join(list, ", ") + " only."}
}
