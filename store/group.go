package store

import (
	"gorm.io/gorm"

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

// GrantsOf lists what gives the users rights besides their own global role, in no order.
func (tx *Tx) GrantsOf(users ...models.UserID) ([]Grant, error) {
	if len(users) == 0 {
		return nil, nil
	}
	var grants []Grant
	err := tx.grants("m.user_id IN ?", users).Scan(&grants).Error
	return grants, translate(err, "role")
}

func (tx *Tx) grants(which string, args ...any) *gorm.DB {
	own := tx.db().Table("memberships m").Where(which, args...).
		Select("m.user_id, '' AS group_id, '' AS group_name, '' AS global_role, m.environment_id, m.role")
	through := tx.db().Table("group_members m").Where(which, args...).
		Joins("JOIN user_groups g ON g.id = m.group_id").Joins("LEFT JOIN group_roles r ON r.group_id = g.id").
		Select("m.user_id, g.id AS group_id, g.name AS group_name, g.role AS global_role, COALESCE(r.environment_id, 0) AS environment_id, COALESCE(r.role, '') AS role")
	return tx.db().Raw("? UNION ALL ?", own, through)
}
