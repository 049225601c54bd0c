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
	versions := tx.db().Model(&models.SecretVersion{}).Select("data_key_id, COUNT(*) AS versions").Group("data_key_id")
	query := tx.db().Table("wrapped_keys w").
		Joins("JOIN data_keys k ON k.id = w.data_key_id").
		Joins("LEFT JOIN (?) v ON v.data_key_id = w.data_key_id", versions).
		Select("k.environment_id, w.recipient_kind, w.recipient_id, COUNT(*) AS data_keys, COALESCE(SUM(v.versions), 0) AS versions").
		Group("k.environment_id, w.recipient_kind, w.recipient_id").Order("k.environment_id, w.recipient_kind, w.recipient_id")
	if environment != 0 {
		query = query.Where("k.environment_id = ?", environment)
	}
	var usage []KeyUsage
	err := translate(query.Scan(&usage).Error, "data key")
	return usage, err
}
