package auth

import (
	"context"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// Reach is how far an actor's rights went at a time, to be held against what they are later.
type Reach struct {
	Role   models.GlobalRole                               `json:"role"`
	Roles  map[models.EnvironmentID]models.EnvironmentRole `json:"roles,omitempty"`
	Scope  *models.TokenScope                              `json:"scope,omitempty"`
	Proven bool                                            `json:"proven,omitempty"` // it could do what takes a fresh proof
}

// Reach tells how far an actor's rights go now.
func (s *Service) Reach(actor models.Actor) Reach {
	return Reach{Role: actor.Role, Roles: actor.Roles, Scope: actor.Scope, Proven: Proven(actor, s.now()) == nil}
}

// StillReaches is nil where the actor, whose rights are read anew, may do all that it might do
// then. Where it lost any of that, or has ended, the refusal is on record under the operation.
func (s *Service) StillReaches(ctx context.Context, actor models.Actor, then Reach, operation string) error {
	err := s.store.Read(ctx, func(tx *store.Tx) error {
		current, err := s.current(tx, actor)
		if err != nil {
			return err
		}
		if then.Proven {
			if err := Proven(current, s.now()); err != nil {
				return err
			}
		}
		if !then.Within(current) {
			return fault.New(fault.Forbidden, "You may do less now than when this was asked for first, so the answer of then is not told.").
				WithHint("Look at what is there, and ask for what you still may with a new key.")
		}
		return nil
	})
	if fault.Is(err, fault.Forbidden) || fault.Is(err, fault.Unproven) || fault.Is(err, fault.Unauthenticated) {
		return s.refuse(ctx, actor, operation, err)
	}
	return err
}

// Within reports whether an actor may do all that the reach allows, a proof aside. From where a
// token may be used was asked already when it was taken.
func (r Reach) Within(actor models.Actor) bool {
	if !acts(actor) || globalRank(actor.Role) < globalRank(r.Role) {
		return false
	}
	for id, role := range r.Roles {
		if actor.Role != models.RoleAdmin && rank(actor.Roles[id]) < rank(role) {
			return false
		}
	}
	var then models.TokenScope
	if r.Scope != nil {
		then = *r.Scope
	}
	then.Networks = nil
	now := actor.Scope
	if now != nil {
		wide := *now
		wide.Networks, now = nil, &wide
	}
	return within(now, then) == nil
}
