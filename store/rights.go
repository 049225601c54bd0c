package store

import (
	"gorm.io/gorm"

	"github.com/your-org/keeper/models"
)

// rightsLock is the setting whose row changes of rights wait at.
const rightsLock = "rights.lock"

// LockRights lets one transaction at a time change what users may do: what it then reads of
// roles, groups and accounts stands until it ends. It comes before any other lock.
func (tx *Tx) LockRights() error {
	_, err := tx.PutSettingIfAbsent(rightsLock, "")
	return err
}

// BumpRights counts a change of what the users may do.
func (tx *Tx) BumpRights(users ...models.UserID) error {
	if len(users) == 0 {
		return nil
	}
	return tx.bump(tx.db().Where("id IN ?", users))
}

// BumpRightsOfGroup is BumpRights for all who are in a group.
func (tx *Tx) BumpRightsOfGroup(group models.GroupID) error {
	members := tx.db().Model(&models.GroupMember{}).Select("user_id").Where("group_id = ?", group)
	return tx.bump(tx.db().Where("id IN (?)", members))
}

func (tx *Tx) bump(which *gorm.DB) error {
	done := which.Model(&models.User{}).UpdateColumn("rights_generation", gorm.Expr("rights_generation + 1"))
	return translate(done.Error, "user")
}

// Administrator is an enabled person with the global role admin, by itself or through a
// group, and how it can sign in.
type Administrator struct {
	models.User
	Identities int  // by which providers that are enabled let it in, not too long ago
	Lasting    bool // the role is Keeper's own to give and to take; else what a provider says gives it
}

// Administrators lists them all.
func (tx *Tx) Administrators() ([]Administrator, error) {
	through := tx.db().Table("group_members m").Joins("JOIN user_groups g ON g.id = m.group_id").
		Joins("LEFT JOIN providers p ON p.id = g.provider_id").Select("m.user_id").
		Where("g.role = ? AND (g.provider_id = '' OR p.enabled = ?) AND (m.ends_at IS NULL OR m.ends_at > ?)", models.RoleAdmin, true, micro(tx.Now()))
	query := tx.db().Table("users u").
		Select("u.*, "+knownTo+" AS identities, "+ownAdministrator+" AS lasting", true, micro(tx.Now()), models.RoleAdmin, models.RoleAdmin).
		Where("u.kind = ? AND u.disabled = ? AND (u.role = ? OR u.role = ? AND u.id IN (?) OR u.role = ? AND u.id IN (?))",
			models.UserPerson, false, models.RoleAdmin, models.RoleUser, through, models.RoleAuditor, through)
	var found []Administrator
	err := translate(query.Scan(&found).Error, "user")
	return found, err
}

// The parts of Administrators that tell of one user, u. Of an identity that was only linked, or
// whose person the provider names in no group any more, nobody knows whether it lets in.
const (
	knownTo = "(SELECT COUNT(*) FROM identities i JOIN providers p ON p.id = i.provider_id WHERE i.user_id = u.id AND p.enabled = ? AND " +
		"EXISTS (SELECT 1 FROM group_members im JOIN user_groups ig ON ig.id = im.group_id " +
		"WHERE im.user_id = u.id AND ig.provider_id = i.provider_id AND im.ends_at > ?))"
	ownAdministrator = "(CASE WHEN u.role = ? OR EXISTS (SELECT 1 FROM group_members om JOIN user_groups og ON og.id = om.group_id " +
		"WHERE om.user_id = u.id AND og.provider_id = '' AND og.role = ?) THEN 1 ELSE 0 END)"
)
