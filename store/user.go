package store

import (
	"gorm.io/gorm/clause"

	"github.com/your-org/keeper/models"
)

// CreateUser adds a user. Conflict where the user name is taken.
func (tx *Tx) CreateUser(u *models.User) error {
	first(&u.CreatedAt, tx.Now())
	u.UpdatedAt = u.CreatedAt
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
	query := tx.db().Table("memberships m").Joins("JOIN users u ON u.id = m.user_id").
		Select("m.user_id, m.environment_id, m.role, m.created_at, u.username, u.display_name, u.disabled").
		Where("m.environment_id = ?", environment).Order("u.username")
	var members []Member
	err := translate(query.Scan(&members).Error, "membership")
	return members, err
}
