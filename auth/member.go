package auth

import (
	"context"
	"strconv"
	"time"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

type (
	// Member is a user with a role of its own in an environment.
	Member = store.Member
	// MemberGroup is a group with a role in an environment.
	MemberGroup = store.MemberGroup
)

// Members is a page of the users with a role of their own in an environment by user name,
// with all groups that have one, and the cursors of the pages around it.
func (s *Service) Members(ctx context.Context, actor models.Actor, id models.EnvironmentID, cursor string, limit int) ([]Member, []MemberGroup, Around, error) {
	if _, err := Environment(ctx, s.store, actor, ViewMembers, id); err != nil {
		return nil, nil, Around{}, err
	}
	var members []Member
	var groups []MemberGroup
	var around Around
	err := s.store.Read(ctx, func(tx *store.Tx) (err error) {
		if members, around, err = tx.MemberPage(id, cursor, limit); err == nil {
			groups, err = tx.MemberGroups(id)
		}
		return err
	})
	return members, groups, around, err
}

// SetMember gives a user a role in an environment, instead of one that it may have there; ""
// takes it away. Whoever manages the environment may, for any user that it can name.
func (s *Service) SetMember(ctx context.Context, actor models.Actor, id models.EnvironmentID, user string, role models.EnvironmentRole) error {
	operation := map[bool]string{true: "members.set", false: "members.remove"}[role != ""]
	e, err := Environment(ctx, s.store, actor, ManageMembers, id)
	if err != nil {
		return err
	}
	if role != "" {
		if err := knownRole(role); err != nil {
			return err
		}
	}
	return s.naming(ctx, actor, operation, e, func() error {
		return s.gravely(ctx, actor, ManageMembers, id, operation, func(tx *store.Tx, actor models.Actor) error {
			u, err := findUser(tx, user)
			if err != nil {
				return err
			}
			m := models.Membership{UserID: u.ID, EnvironmentID: id, Role: role}
			if err := setMember(tx, actor, m); err != nil {
				return err
			}
			if err := tx.BumpRights(u.ID); err != nil {
				return err
			}
			entry := audit.OnEnvironment(actor, operation, e)
			entry.Detail = map[string]string{"user": u.Username, "user_id": string(u.ID), "role": string(role)}
			return tx.AppendAudit(entry)
		})
	})
}

func setMember(tx *store.Tx, actor models.Actor, m models.Membership) error {
	if m.Role == "" {
		return noRole(tx.DeleteMembership(m.UserID, m.EnvironmentID))
	}
	given := models.Actor{Kind: models.ActorUser, Role: models.RoleUser, Roles: map[models.EnvironmentID]models.EnvironmentRole{m.EnvironmentID: m.Role}}
	if err := holds(actor, given); err != nil {
		return err
	}
	err := tx.SetMembership(m)
	if fault.Is(err, fault.Conflict) {
		return NoEnvironment(decimal(m.EnvironmentID)) // deleted in this moment
	}
	return err
}

// namingLimit is how often whoever may not see all users may name one that is not there.
var namingLimit = limit{"user name", 20, 5 * time.Minute}

// naming runs what answers whether there is a user of a name. Whoever may not see all users
// has to know whom it names: misses are on record, and only so many in a while.
func (s *Service) naming(ctx context.Context, actor models.Actor, operation string, e models.Environment, do func() error) error {
	if Can(actor, ViewUsers, Global) {
		return do()
	}
	try := count{namingLimit, string(actor.UserID)}
	switch over, err := s.countTry(ctx, try); {
	case err != nil:
		return err
	case over > 0:
		return fault.New(fault.Throttled, "Too many of the users that you named are not there.").WithHint("Wait five minutes and try again.")
	}
	err := do()
	if fault.Is(err, fault.NotFound) {
		return s.refuseAbout(ctx, actor, operation, e, err)
	}
	if after := s.uncount(context.WithoutCancel(ctx), try); err == nil {
		err = after
	}
	return err
}

func decimal(id models.EnvironmentID) string { return strconv.FormatInt(int64(id), 10) }
