package store

import (
	"fmt"
	"strings"

	"gorm.io/gorm/clause"

	"github.com/your-org/keeper/models"
)

// Grant is one thing that gives a user rights: a membership, or a group with a role in an
// environment or a global one.
type Grant struct {
	UserID        models.UserID
	GroupID       models.GroupID // "": the user's own membership
	GroupName     string
	GlobalRole    models.GlobalRole    // of the group; "" for a membership
	EnvironmentID models.EnvironmentID // 0: none, only the global role
	Role          models.EnvironmentRole
}

// GrantsOf lists what gives the users rights besides their own global role, in no order. A
// provider's group gives nothing while the provider is off, nor once what it said is too old.
func (tx *Tx) GrantsOf(users ...models.UserID) ([]Grant, error) {
	if len(users) == 0 {
		return nil, nil
	}
	// Lists are filled up to a power of two, so that there are few texts to be prepared.
	args := make([]any, 0, 2*len(users))
	for _, id := range users {
		args = append(args, string(id))
	}
	for len(args)&(len(args)-1) != 0 {
		args = append(args, args[0])
	}
	list := strings.TrimSuffix(strings.Repeat("?,", len(args)), ",")
	rows, err := tx.conn.QueryContext(tx.ctx, newQuery(fmt.Sprintf(selectGrants, list, list)).in(tx.s.options.Dialect), append(append(args, args...), true, micro(tx.Now()))...)
	if err != nil {
		return nil, translate(err, "role")
	}
	defer func() { _ = rows.Close() }() // read to the end, or failed already
	var grants []Grant
	for rows.Next() {
		var g Grant
		if err := rows.Scan(&g.UserID, &g.GroupID, &g.GroupName, &g.GlobalRole, (*int64)(&g.EnvironmentID), &g.Role); err != nil {
			return nil, translate(err, "role")
		}
		grants = append(grants, g)
	}
	return grants, translate(rows.Err(), "role")
}

const selectGrants = "SELECT user_id, '', '', '', environment_id, role FROM memberships WHERE user_id IN (%s) " +
	"UNION ALL SELECT m.user_id, g.id, g.name, g.role, COALESCE(r.environment_id, 0), COALESCE(r.role, '') FROM group_members m " +
	"JOIN user_groups g ON g.id = m.group_id LEFT JOIN group_roles r ON r.group_id = g.id " +
	"LEFT JOIN providers p ON p.id = g.provider_id " +
	"WHERE m.user_id IN (%s) AND (g.provider_id = '' OR p.enabled = ?) AND (m.ends_at IS NULL OR m.ends_at > ?)"

// CreateGroup adds a group at revision 1. Conflict where its provider has one of that name.
func (tx *Tx) CreateGroup(g *models.Group) error {
	first(&g.CreatedAt, tx.Now())
	g.UpdatedAt, g.Revision = g.CreatedAt, 1
	return tx.insert(g, "group")
}

// UpdateGroup writes name, description and role. Stale where the revision is not the expected
// one (0: whichever it is); g bears the new one afterwards.
func (tx *Tx) UpdateGroup(g *models.Group, expected int64) error {
	where := tx.locked().Model(&models.Group{}).Where("id = ?", g.ID)
	return tx.revised(where, "group", expected, func(next int64) error {
		g.Revision, g.UpdatedAt = next, tx.Now()
		return tx.replace(g, "group", "provider_id", "created_at")
	})
}

// Group loads one by its ID.
func (tx *Tx) Group(id models.GroupID) (models.Group, error) {
	return take[models.Group](tx.db().Where("id = ?", id), "group")
}

// GroupByName loads one by its name at a provider ("": a local one).
func (tx *Tx) GroupByName(provider models.ProviderID, name string) (models.Group, error) {
	return take[models.Group](tx.db().Where("provider_id = ? AND name = ?", provider, name), "group")
}

// Groups is a page of groups by name, and the cursors of the pages around it.
func (tx *Tx) Groups(search, at string, limit int) ([]models.Group, Around, error) {
	order := named("groups", "name", "id", func(g *models.Group) (string, string) { return g.Name, string(g.ID) })
	return pageOf(tx.contains(tx.db(), search, "name", "description"), order, at, limit, "group")
}

// GroupsOf lists the groups that a user is in, by name.
func (tx *Tx) GroupsOf(user models.UserID) ([]models.Group, error) {
	mine := tx.db().Model(&models.GroupMember{}).Select("group_id").Where("user_id = ?", user)
	return all[models.Group](tx.db().Where("id IN (?)", mine).Order("name, id"), "group")
}

// DeleteGroup removes a group with its members and roles.
func (tx *Tx) DeleteGroup(id models.GroupID) error {
	if _, err := take[models.Group](tx.locked().Where("id = ?", id), "group"); err != nil {
		return err
	}
	for _, child := range []any{&models.GroupMember{}, &models.GroupRole{}} {
		if err := tx.db().Where("group_id = ?", id).Delete(child).Error; err != nil {
			return translate(err, "group")
		}
	}
	return translate(tx.db().Where("id = ?", id).Delete(&models.Group{}).Error, "group")
}

// AddGroupMember puts a user into a group, and says whether it was not in it.
func (tx *Tx) AddGroupMember(group models.GroupID, user models.UserID) (bool, error) {
	row := models.GroupMember{GroupID: group, UserID: user, CreatedAt: tx.Now()}
	var n int64
	err := tx.db().Model(&row).Where("group_id = ? AND user_id = ?", group, user).Count(&n).Error
	if err != nil || n > 0 {
		return false, translate(err, "group")
	}
	return true, tx.insert(&row, "member of the group")
}

// RemoveGroupMember takes a user out of a group; NotFound where it is not in it.
func (tx *Tx) RemoveGroupMember(group models.GroupID, user models.UserID) error {
	done := tx.db().Where("group_id = ? AND user_id = ?", group, user).Delete(&models.GroupMember{})
	return affected(done.RowsAffected, translate(done.Error, "member of the group"), "member of the group")
}

// GroupMembers is a page of the users in a group by user name, and the cursors of the pages
// around it.
func (tx *Tx) GroupMembers(group models.GroupID, at string, limit int) ([]models.User, Around, error) {
	members := tx.db().Model(&models.GroupMember{}).Select("user_id").Where("group_id = ?", group)
	return tx.userPage(tx.db().Where("id IN (?)", members), at, limit)
}

// SetGroupRole gives a group a role in an environment, instead of one it may have there.
func (tx *Tx) SetGroupRole(r models.GroupRole) error {
	first(&r.CreatedAt, tx.Now())
	r.CreatedAt = micro(r.CreatedAt)
	replacing := clause.OnConflict{
		Columns:   []clause.Column{{Name: "group_id"}, {Name: "environment_id"}},
		DoUpdates: clause.AssignmentColumns([]string{"role"}),
	}
	return translate(tx.db().Clauses(replacing).Create(&r).Error, "role")
}

// DeleteGroupRole takes a group's role in an environment away.
func (tx *Tx) DeleteGroupRole(group models.GroupID, environment models.EnvironmentID) error {
	done := tx.db().Where("group_id = ? AND environment_id = ?", group, environment).Delete(&models.GroupRole{})
	return affected(done.RowsAffected, translate(done.Error, "role"), "role")
}

// GroupRoles lists a group's roles, by environment.
func (tx *Tx) GroupRoles(group models.GroupID) ([]models.GroupRole, error) {
	return all[models.GroupRole](tx.db().Where("group_id = ?", group).Order("environment_id"), "role")
}

// MemberGroup is a group with a role in an environment.
type MemberGroup struct {
	models.GroupRole
	Name       string
	ProviderID models.ProviderID
}

// MemberGroups lists the groups with a role in an environment, by name.
func (tx *Tx) MemberGroups(environment models.EnvironmentID) ([]MemberGroup, error) {
	query := tx.db().Table("group_roles r").Joins("JOIN user_groups g ON g.id = r.group_id").
		Select("r.group_id, r.environment_id, r.role, r.created_at, g.name, g.provider_id").
		Where("r.environment_id = ?", environment).Order("g.name, g.id")
	var groups []MemberGroup
	err := translate(query.Scan(&groups).Error, "role")
	return groups, err
}
