package store

import "github.com/your-org/keeper/models"

// VersionsUnder lists versions that are sealed under one of the data keys, beyond one, by
// secret and number; fewer than the limit (0, and more than 200: 200) are the last.
func (tx *Tx) VersionsUnder(
	keys []models.DataKeyID, afterSecret models.SecretID, afterNumber models.VersionNumber, limit int,
) ([]VersionRow, error) {
	versions, err := all[models.SecretVersion](tx.db().Where("data_key_id IN ?", keys).
		Where("secret_id > ? OR (secret_id = ? AND number > ?)", afterSecret, afterSecret, afterNumber).
		Order("secret_id, number").Limit(pageSize(limit)), "version")
	if err != nil || len(versions) == 0 {
		return nil, err
	}
	ids := make([]models.SecretID, len(versions))
	for i := range versions {
		ids[i] = versions[i].SecretID
	}
	secrets, err := all[models.Secret](tx.db().Select("id, environment_id, name").Where("id IN ?", ids), "secret")
	if err != nil {
		return nil, err
	}
	byID := make(map[models.SecretID]models.Secret, len(secrets))
	for _, s := range secrets {
		byID[s.ID] = s
	}
	rows := make([]VersionRow, len(versions))
	for i, v := range versions {
		secret := byID[v.SecretID]
		rows[i] = VersionRow{SecretVersion: v, SecretName: secret.Name, EnvironmentID: secret.EnvironmentID}
	}
	return rows, nil
}

// CountVersionsUnder counts the versions that are sealed under one of the data keys.
func (tx *Tx) CountVersionsUnder(keys []models.DataKeyID) (n int64, err error) {
	query := tx.db().Model(&models.SecretVersion{}).Where("data_key_id IN ?", keys)
	return n, translate(query.Count(&n).Error, "version")
}
