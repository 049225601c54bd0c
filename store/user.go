package store

import (
	"cmp"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/your-org/keeper/models"
)

// CreateUser adds a user at revision 1, a person unless it says otherwise. Conflict where the
// user name is taken.
func (tx *Tx) CreateUser(u *models.User) error {
	first(&u.CreatedAt, tx.Now())
	u.UpdatedAt, u.Revision, u.Kind = u.CreatedAt, 1, cmp.Or(u.Kind, models.UserPerson)
	return tx.insert(u, "user")
}

// UpdateUser writes all but the creation.
func (tx *Tx) UpdateUser(u *models.User) error {
	u.UpdatedAt = tx.Now()
	return tx.replace(u, "user", "created_at")
}

// User loads one by its ID.
func (tx *Tx) User(id models.UserID) (models.User, error) {
	return take[models.User](tx.db().Where("id = ?", id), "user")
}

// LockUser is User, and nobody else changes the row until the transaction ends.
func (tx *Tx) LockUser(id models.UserID) (models.User, error) {
	return take[models.User](tx.locked().Where("id = ?", id), "user")
}

// UserByName loads one by the user name.
func (tx *Tx) UserByName(username string) (models.User, error) {
	return take[models.User](tx.db().Where("username = ?", username), "user")
}

// Users lists all by user name.
func (tx *Tx) Users() ([]models.User, error) {
	return all[models.User](tx.db().Order("username"), "user")
}

// UserFilter chooses users; the zero one chooses all.
type UserFilter struct {
	Search   string // part of the user name, the display name or the address
	Kind     models.UserKind
	Role     models.GlobalRole // its own, not a group's
	Disabled *bool
	Cursor   string
	Limit    int
}

// UserPage is a page of users by user name, and the cursors of the pages around it.
func (tx *Tx) UserPage(f UserFilter) ([]models.User, Around, error) {
	query := tx.contains(tx.db(), f.Search, "username", "display_name", "email")
	if f.Kind != "" {
		query = query.Where("kind = ?", f.Kind)
	}
	if f.Role != "" {
		query = query.Where("role = ?", f.Role)
	}
	if f.Disabled != nil {
		query = query.Where("disabled = ?", *f.Disabled)
	}
	return tx.userPage(query, f.Cursor, f.Limit)
}

func (tx *Tx) userPage(query *gorm.DB, at string, limit int) ([]models.User, Around, error) {
	order := named("users", "username", "id", func(u *models.User) (string, string) { return u.Username, string(u.ID) })
	return pageOf(query, order, at, limit, "user")
}

// ReviseUser writes what an administrator sets of a user. Stale where the revision is not the
// expected one (0: whichever it is); u bears the new one afterwards.
func (tx *Tx) ReviseUser(u *models.User, expected int64) error {
	where := tx.locked().Model(&models.User{}).Where("id = ?", u.ID)
	return tx.revised(where, "user", expected, func(next int64) error {
		u.Revision, u.UpdatedAt = next, tx.Now()
		set := tx.db().Model(u).Select("display_name", "email", "description", "role", "break_glass", "disabled", "revision", "updated_at")
		return translate(set.Updates(u).Error, "user")
	})
}

// DeleteUser removes a user with all that is its own: roles, tokens, sessions, factors. What
// others did with it, and the audit log, keep its name.
func (tx *Tx) DeleteUser(id models.UserID) error {
	if _, err := tx.LockUser(id); err != nil {
		return err
	}
	own := []any{
		&models.Membership{}, &models.GroupMember{}, &models.Session{}, &models.SignInStep{}, &models.Passkey{},
		&models.RecoveryCode{}, &models.Identity{}, &models.Token{},
	}
	for _, child := range own {
		if err := tx.db().Where("user_id = ?", id).Delete(child).Error; err != nil {
			return translate(err, "user")
		}
	}
	return translate(tx.db().Where("id = ?", id).Delete(&models.User{}).Error, "user")
}

// CountUsers counts all users, disabled ones included.
func (tx *Tx) CountUsers() (int, error) {
	var n int64
	err := tx.db().Model(&models.User{}).Count(&n).Error
	return int(n), translate(err, "user")
}

// SetMembership gives a user a role in an environment, instead of one it may have there.
func (tx *Tx) SetMembership(m models.Membership) error {
	first(&m.CreatedAt, tx.Now())
	m.CreatedAt = micro(m.CreatedAt)
	replacing := clause.OnConflict{
		Columns:   []clause.Column{{Name: "user_id"}, {Name: "environment_id"}},
		DoUpdates: clause.AssignmentColumns([]string{"role"}),
	}
	return translate(tx.db().Clauses(replacing).Create(&m).Error, "membership")
}

// DeleteMembership takes a user's role in an environment away.
func (tx *Tx) DeleteMembership(user models.UserID, environment models.EnvironmentID) error {
	done := tx.db().Where("user_id = ? AND environment_id = ?", user, environment).Delete(&models.Membership{})
	return affected(done.RowsAffected, translate(done.Error, "membership"), "membership")
}

// Memberships lists a user's, by environment.
func (tx *Tx) Memberships(user models.UserID) ([]models.Membership, error) {
	return all[models.Membership](tx.db().Where("user_id = ?", user).Order("environment_id"), "membership")
}

// Member is a user with a role in an environment.
type Member struct {
	models.Membership
	Username    string
	DisplayName string
	Disabled    bool
}

// Members lists an environment's, by user name.
func (tx *Tx) Members(environment models.EnvironmentID) ([]Member, error) {
	var members []Member
	err := translate(tx.members(environment).Order("u.username").Scan(&members).Error, "membership")
	return members, err
}

func (tx *Tx) members(environment models.EnvironmentID) *gorm.DB {
	return tx.db().Table("memberships m").Joins("JOIN users u ON u.id = m.user_id").
		Select("m.user_id, m.environment_id, m.role, m.created_at, u.username, u.display_name, u.disabled").
		Where("m.environment_id = ?", environment)
}

// MemberPage is a page of an environment's by user name, and the cursors of the pages around it.
func (tx *Tx) MemberPage(environment models.EnvironmentID, at string, limit int) ([]Member, Around, error) {
	order := named("members", "u.username", "m.user_id", func(m *Member) (string, string) { return m.Username, string(m.UserID) })
	return pageOf(tx.members(environment), order, at, limit, "membership")
}

// UserCursor is the cursor of the page of users after one, or of that before it.
func UserCursor(u models.User, before bool) string {
	return cursor{Order: "users", Key: u.Username, ID: string(u.ID), Back: before}.encode()
}

// UsersBefore reports whether a cursor of users leads to a page before one.
func UsersBefore(text string) bool {
	from, err := parseCursor(text, "users")
	return err == nil && from.back()
}
