package store

import "github.com/your-org/keeper/models"

// KeyUsage says how much of an environment one recipient can open.
type KeyUsage struct {
	EnvironmentID models.EnvironmentID
	RecipientKind models.RecipientKind
	RecipientID   string
	DataKeys      int
	Versions      int
}

// KeyUsage counts data keys, and the versions under them, per environment and recipient, of
// one environment or (0) of all. It reads indexes and no ciphertexts.
func (tx *Tx) KeyUsage(environment models.EnvironmentID) ([]KeyUsage, error) {
	versions := tx.db().Model(&models.SecretVersion{}).Select("COUNT(*)").Where("secret_versions.data_key_id = data_keys.id")
	keys := tx.db().Model(&models.DataKey{}).Select("id, environment_id, (?) AS versions", versions)
	if environment != 0 {
		keys = keys.Where("environment_id = ?", environment)
	}
	var usage []KeyUsage
	err := tx.db().Table("(?) k", keys).Joins("JOIN wrapped_keys w ON w.data_key_id = k.id").
		Select("k.environment_id, w.recipient_kind, w.recipient_id, COUNT(*) AS data_keys, SUM(k.versions) AS versions").
		Group("k.environment_id, w.recipient_kind, w.recipient_id").Order("k.environment_id, w.recipient_kind, w.recipient_id").
		Scan(&usage).Error
	return usage, translate(err, "data key")
}
