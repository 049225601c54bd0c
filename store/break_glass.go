package store

import "github.com/your-org/keeper/models"

// CountEnabledProviders counts the identity providers that are switched on.
func (tx *Tx) CountEnabledProviders() (int, error) {
	var n int64
	err := tx.db().Model(&models.Provider{}).Where("enabled = ?", true).Count(&n).Error
	return int(n), translate(err, "provider")
}

// CountBreakGlass counts the break-glass accounts that can sign in: people who are not
// disabled, with a password.
func (tx *Tx) CountBreakGlass() (int, error) {
	var n int64
	able := tx.db().Model(&models.User{}).Where("break_glass = ? AND disabled = ? AND kind = ? AND password_hash <> ''", true, false, models.UserPerson)
	err := able.Count(&n).Error
	return int(n), translate(err, "user")
}
