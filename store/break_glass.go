package store

import "github.com/your-org/keeper/models"

// CountEnabledProviders counts the identity providers that are switched on.
func (tx *Tx) CountEnabledProviders() (int, error) {
	var n int64
	err := tx.db().Model(&models.Provider{}).Where("enabled = ?", true).Count(&n).Error
	return int(n), translate(err, "provider")
}
