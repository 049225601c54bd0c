package auth

import (
	"context"
	"slices"
	"strings"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// Explanation tells why somebody may do something, or why not.
type Explanation struct {
	Subject
	Action      Action
	Environment models.Environment // the zero one: the action concerns none
	Decision
}

// Explain tells why somebody may do an action in an environment (Global for an action that
// concerns none). who is a user's id or name, or a token's id; "" the actor itself. Of others
// it tells whoever may see users, and of those who see something of an environment whoever
// may see its members.
func (s *Service) Explain(ctx context.Context, actor models.Actor, who string, action Action, id models.EnvironmentID) (Explanation, error) {
	e, err := s.asked(ctx, actor, action, id)
	if err != nil {
		return Explanation{}, err
	}
	var found Subject
	err = s.store.Read(ctx, func(tx *store.Tx) (err error) {
		found, err = subject(tx, actor, who)
		return err
	})
	if err == nil && !mayHearOf(actor, found, id) {
		err = noUser()
	}
	if fault.Is(err, fault.NotFound) {
		return Explanation{}, s.refuseAbout(ctx, actor, "access.explain", e, noUser())
	}
	if err != nil {
		return Explanation{}, err
	}
	return Explanation{Subject: found, Action: action, Environment: e, Decision: Decide(found, action, e, s.now())}, nil
}

// asked checks a question, and loads the environment that it is about.
func (s *Service) asked(ctx context.Context, actor models.Actor, action Action, id models.EnvironmentID) (models.Environment, error) {
	switch {
	case !acts(actor):
		return models.Environment{}, fault.New(fault.Unauthenticated, "Sign in first.")
	case !slices.Contains(Actions(), action):
		return models.Environment{}, fault.InvalidField("action", "must be one of the table in docs/access.md, such as %s", RevealSecret)
	case InEnvironment(action) && id == Global:
		return models.Environment{}, fault.InvalidField("environment_id", "must name the environment: %s is done in one", action)
	case !InEnvironment(action) && id != Global:
		return models.Environment{}, fault.InvalidField("environment_id", "must be left out: %s concerns none", action)
	case id == Global:
		return models.Environment{}, nil
	}
	return Environment(ctx, s.store, actor, ViewEnvironment, id)
}

// subject loads whom a question is about.
func subject(tx *store.Tx, actor models.Actor, who string) (found Subject, err error) {
	if who == "" {
		if who = string(actor.UserID); actor.Kind == models.ActorToken {
			who = actor.ID
		}
	}
	if strings.HasPrefix(who, "tok_") {
		token, err := tx.Token(models.TokenID(cut(who, 40)))
		if err != nil {
			return found, err
		}
		found.Token, who = &token, string(token.UserID)
	}
	if found.User, err = findUser(tx, who); err == nil {
		found.Grants, err = tx.GrantsOf(found.User.ID)
	}
	return found, err
}

// mayHearOf reports whether an actor may be told of somebody's rights in an environment. A
// token hears of itself, and not of its user, who may do more.
func mayHearOf(actor models.Actor, about Subject, id models.EnvironmentID) bool {
	switch {
	case Can(actor, ViewUsers, Global):
		return true
	case actor.Kind == models.ActorToken && about.Token != nil && string(about.Token.ID) == actor.ID:
		return true
	case actor.Kind == models.ActorUser && about.User.ID == actor.UserID:
		return true
	}
	return id != Global && about.Token == nil && Can(actor, ViewMembers, id) && Can(withRights(about.User, about.Grants), ViewEnvironment, id)
}

// refuseAbout records a refusal in the log of the environment that it is about.
func (s *Service) refuseAbout(ctx context.Context, actor models.Actor, operation string, e models.Environment, refusal error) error {
	entry := audit.Entry(actor, operation)
	if e.Name != "" {
		entry = audit.OnEnvironment(actor, operation, e)
	}
	entry.EnvironmentID = e.ID
	return audit.Refused(ctx, s.store, entry, refusal)
}

// MayDo is somebody who may do what was asked about, and through what.
type MayDo struct {
	User    models.User
	Through []Source
}

// WhoCan is a page of those who may do an action in an environment (Global for an action
// that concerns none), by user name, service accounts included, and the cursors of the pages
// around it. Disabled accounts may nothing.
func (s *Service) WhoCan(ctx context.Context, actor models.Actor, action Action, id models.EnvironmentID, cursor string, limit int) (found []MayDo, around store.Around, err error) {
	e, err := s.asked(ctx, actor, action, id)
	if err != nil {
		return nil, around, err
	}
	if !Can(actor, ViewUsers, Global) && (id == Global || !Can(actor, ViewMembers, id)) {
		refusal := Check(actor, ViewUsers, Global)
		if id != Global {
			refusal = Check(actor, ViewMembers, id)
		}
		return nil, around, s.refuseAbout(ctx, actor, "access.who_can", e, refusal)
	}
	if limit <= 0 || limit > 200 {
		limit = 200
	}
	more := false
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		found, more, err = s.holders(tx, action, e, cursor, limit)
		return err
	})
	if err != nil || len(found) == 0 {
		return nil, around, err
	}
	back := store.UsersBefore(cursor)
	if back && more || !back && cursor != "" {
		around.Prev = store.UserCursor(found[0].User, true)
	}
	if back || more {
		around.Next = store.UserCursor(found[len(found)-1].User, false)
	}
	return found, around, nil
}

// holders looks through the users beyond a cursor for those who may do an action, and reports
// whether there are more of them in that direction than the limit.
func (s *Service) holders(tx *store.Tx, action Action, e models.Environment, cursor string, limit int) (found []MayDo, more bool, err error) {
	back := store.UsersBefore(cursor)
	for f := (UserFilter{Disabled: new(false), Cursor: cursor}); ; {
		users, around, err := tx.UserPage(f)
		if err != nil {
			return nil, false, err
		}
		page, err := accounts(tx, users)
		if err != nil {
			return nil, false, err
		}
		if back {
			slices.Reverse(page)
		}
		for _, one := range page {
			d := Decide(Subject{User: one.User, Grants: one.Grants}, action, e, s.now())
			if more = d.Allowed && len(found) == limit; more {
				break
			}
			if d.Allowed {
				found = append(found, MayDo{User: one.User, Through: d.Through})
			}
		}
		f.Cursor = around.Next
		if back {
			f.Cursor = around.Prev
		}
		if more || f.Cursor == "" {
			break
		}
	}
	if back {
		slices.Reverse(found)
	}
	return found, more, nil
}
