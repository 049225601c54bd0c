package auth

import (
	"cmp"
	"context"
	"strings"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// Groups is a page of groups by name, and the cursors of the pages around it.
func (s *Service) Groups(ctx context.Context, actor models.Actor, search, cursor string, limit int) ([]models.Group, Around, error) {
	var groups []models.Group
	var around Around
	err := s.look(ctx, actor, "group.view", func(tx *store.Tx) (err error) {
		groups, around, err = tx.Groups(search, cursor, limit)
		return err
	})
	return groups, around, err
}

// look reads what whoever may see users may see.
func (s *Service) look(ctx context.Context, actor models.Actor, operation string, do func(*store.Tx) error) error {
	if err := Check(actor, ViewUsers, Global); err != nil {
		return s.refuse(ctx, actor, operation, err)
	}
	return s.store.Read(ctx, do)
}

// GroupView is a group with what it gives in environments.
type GroupView struct {
	models.Group
	Roles []models.GroupRole
}

// Group finds a group by its id, or a local one by its name.
func (s *Service) Group(ctx context.Context, actor models.Actor, named string) (GroupView, error) {
	var view GroupView
	err := s.look(ctx, actor, "group.view", func(tx *store.Tx) (err error) {
		if view.Group, err = findGroup(tx, named); err == nil {
			view.Roles, err = tx.GroupRoles(view.ID)
		}
		return err
	})
	return view, err
}

func findGroup(tx *store.Tx, named string) (models.Group, error) {
	named = cut(named, 255)
	g, err := tx.Group(models.GroupID(cut(named, 40)))
	if fault.Is(err, fault.NotFound) {
		g, err = tx.GroupByName("", named)
	}
	if fault.Is(err, fault.NotFound) {
		return g, fault.New(fault.NotFound, "There is no such group, or none that you may see.")
	}
	return g, err
}

// GroupMembers is a page of the users in a group by user name, and the cursors of the pages around it.
func (s *Service) GroupMembers(ctx context.Context, actor models.Actor, named, cursor string, limit int) ([]models.User, Around, error) {
	var users []models.User
	var around Around
	err := s.look(ctx, actor, "group.view", func(tx *store.Tx) error {
		g, err := findGroup(tx, named)
		if err == nil {
			users, around, err = tx.GroupMembers(g.ID, cursor, limit)
		}
		return err
	})
	return users, around, err
}

// NewGroup is what a local group is made from.
type NewGroup struct {
	Provider    string // the name of the identity provider that names the members; "": Keeper's own
	Name        string // of a provider's: exactly as it sends it
	Description string
	Role        models.GlobalRole // that members get; "": user, which is nothing more
}

// CreateGroup makes a group, without members and without roles in environments. Into one of
// a provider come those whom the provider names at their next sign-in.
func (s *Service) CreateGroup(ctx context.Context, actor models.Actor, n NewGroup) (models.Group, error) {
	if n.Provider == "" {
		n.Name = strings.TrimSpace(n.Name)
	}
	g := models.Group{ID: models.NewGroupID(), Name: n.Name, Description: n.Description, Role: cmp.Or(n.Role, models.RoleUser)}
	err := s.gravely(ctx, actor, ManageUsers, Global, "group.create", func(tx *store.Tx, actor models.Actor) error {
		if n.Provider != "" {
			p, err := findProvider(tx, n.Provider)
			if err != nil {
				return err
			}
			g.ProviderID = p.ID
		}
		if err := g.Validate(); err != nil {
			return err
		}
		if err := holds(actor, throughGroup(g, nil)); err != nil {
			return err
		}
		if err := tx.CreateGroup(&g); err != nil {
			return taken(err, "group", g.Name)
		}
		return tx.AppendAudit(onGroup(actor, "group.create", g, map[string]string{"role": string(g.Role)}))
	})
	return g, err
}

// GroupChange is what is to be changed of a group; nil leaves a field as it is.
type GroupChange struct {
	Name        *string
	Description *string
	Role        *models.GlobalRole
}

// UpdateGroup changes a group, where its revision still is the expected one (0: whichever it
// is).
func (s *Service) UpdateGroup(ctx context.Context, actor models.Actor, named string, change GroupChange, expected int64) (GroupView, error) {
	var view GroupView
	err := s.changeGroup(ctx, actor, named, "group.update", func(tx *store.Tx, actor models.Actor, g models.Group, roles []models.GroupRole) error {
		before := g
		set(&g.Name, change.Name)
		set(&g.Description, change.Description)
		set(&g.Role, change.Role)
		if err := g.Validate(); err != nil {
			return err
		}
		if g.Name != before.Name && g.ProviderID != "" {
			return fault.New(fault.Conflict, "The group is named by its identity provider.").WithHint("Name it there.")
		}
		if err := tx.UpdateGroup(&g, expected); err != nil {
			return taken(err, "group", g.Name)
		}
		detail := map[string]string{}
		if g.Name != before.Name {
			detail["name"] = before.Name + " → " + g.Name
		}
		if g.Role != before.Role {
			detail["role"] = string(before.Role) + " → " + string(g.Role)
			if err := regrant(tx, actor, g, roles); err != nil {
				return err
			}
		}
		view = GroupView{Group: g, Roles: roles}
		return tx.AppendAudit(onGroup(actor, "group.update", g, detail))
	})
	return view, err
}

// changeGroup is gravely for a group that stands.
func (s *Service) changeGroup(
	ctx context.Context, actor models.Actor, named, operation string,
	do func(tx *store.Tx, actor models.Actor, g models.Group, roles []models.GroupRole) error,
) error {
	return s.gravely(ctx, actor, ManageUsers, Global, operation, func(tx *store.Tx, actor models.Actor) error {
		g, err := findGroup(tx, named)
		if err != nil {
			return err
		}
		roles, err := tx.GroupRoles(g.ID)
		if err != nil {
			return err
		}
		return do(tx, actor, g, roles)
	})
}

// regrant counts that members of a group may do something else now, and sees to it that the
// actor holds what they get.
func regrant(tx *store.Tx, actor models.Actor, g models.Group, roles []models.GroupRole) error {
	if err := holds(actor, throughGroup(g, roles)); err != nil {
		return err
	}
	return tx.BumpRightsOfGroup(g.ID)
}

// throughGroup is somebody who may what a group gives, and nothing else.
func throughGroup(g models.Group, roles []models.GroupRole) models.Actor {
	grants := []Grant{{GroupID: g.ID, GlobalRole: g.Role}}
	for _, r := range roles {
		grants = append(grants, Grant{GroupID: g.ID, GlobalRole: g.Role, EnvironmentID: r.EnvironmentID, Role: r.Role})
	}
	return withRights(models.User{Role: models.RoleUser}, grants)
}

// DeleteGroup removes a group, where its revision still is the expected one (0: whichever it
// is). What it gave, its members have no more.
func (s *Service) DeleteGroup(ctx context.Context, actor models.Actor, named string, expected int64) error {
	return s.changeGroup(ctx, actor, named, "group.delete", func(tx *store.Tx, actor models.Actor, g models.Group, _ []models.GroupRole) error {
		if expected != 0 && g.Revision != expected {
			return staleThing("group")
		}
		if err := tx.BumpRightsOfGroup(g.ID); err != nil {
			return err
		}
		if err := tx.DeleteGroup(g.ID); err != nil {
			return err
		}
		return tx.AppendAudit(onGroup(actor, "group.delete", g, nil))
	})
}

// SetGroupMember puts a user into a local group, or takes it out; that it is so already is
// no error. A provider's group has the members that the provider names.
func (s *Service) SetGroupMember(ctx context.Context, actor models.Actor, named, user string, in bool) error {
	operation := map[bool]string{true: "group.member_add", false: "group.member_remove"}[in]
	return s.changeGroup(ctx, actor, named, operation, func(tx *store.Tx, actor models.Actor, g models.Group, roles []models.GroupRole) error {
		if g.ProviderID != "" {
			return fault.New(fault.Conflict, "The members of the group %s are those whom its identity provider names.", g.Name).
				WithHint("Change them there, or make a group of Keeper's own.")
		}
		u, err := findUser(tx, user)
		if err != nil {
			return err
		}
		changed, err := setGroupMember(tx, actor, g, roles, u, in)
		if err != nil || !changed {
			return err
		}
		if err := tx.BumpRights(u.ID); err != nil {
			return err
		}
		return tx.AppendAudit(onGroup(actor, operation, g, map[string]string{"user": u.Username, "user_id": string(u.ID)}))
	})
}

func setGroupMember(
	tx *store.Tx, actor models.Actor, g models.Group, roles []models.GroupRole, u models.User, in bool,
) (changed bool, err error) {
	if in {
		if err := holds(actor, throughGroup(g, roles)); err != nil {
			return false, err
		}
		return tx.AddGroupMember(g.ID, u.ID)
	}
	if err = tx.RemoveGroupMember(g.ID, u.ID); fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return true, err
}

// SetGroupRole gives a group's members a role in an environment, instead of one that the
// group may have there; "" takes it away.
func (s *Service) SetGroupRole(ctx context.Context, actor models.Actor, named string, id models.EnvironmentID, role models.EnvironmentRole) error {
	operation := map[bool]string{true: "group.role_set", false: "group.role_remove"}[role != ""]
	return s.changeGroup(ctx, actor, named, operation, func(tx *store.Tx, actor models.Actor, g models.Group, roles []models.GroupRole) error {
		e, err := tx.Environment(id)
		if fault.Is(err, fault.NotFound) {
			return NoEnvironment(decimal(id))
		}
		if err != nil {
			return err
		}
		if role == "" {
			if err := tx.DeleteGroupRole(g.ID, id); err != nil {
				return noRole(err)
			}
		} else {
			if err := knownRole(role); err != nil {
				return err
			}
			r := models.GroupRole{GroupID: g.ID, EnvironmentID: id, Role: role}
			if err := tx.SetGroupRole(r); err != nil {
				return err
			}
			roles = append(roles, r)
		}
		if err := regrant(tx, actor, g, roles); err != nil {
			return err
		}
		if err := tx.UpdateGroup(&g, 0); err != nil { // what the group gives is part of what its revision is of
			return err
		}
		entry := onGroup(actor, operation, g, map[string]string{"role": string(role)})
		entry.EnvironmentID, entry.EnvironmentName = e.ID, e.Name
		return tx.AppendAudit(entry)
	})
}

func knownRole(role models.EnvironmentRole) error {
	if rank(role) == 0 {
		return fault.InvalidField("role", "must be viewer, reader, editor or manager")
	}
	return nil
}

func noRole(err error) error {
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.NotFound, "There is no such role to be taken away.")
	}
	return err
}

func onGroup(actor models.Actor, action string, g models.Group, detail map[string]string) models.AuditEntry {
	entry := audit.Entry(actor, action)
	entry.ObjectKind, entry.ObjectID, entry.ObjectName, entry.Detail = "group", string(g.ID), g.Name, detail
	return entry
}
