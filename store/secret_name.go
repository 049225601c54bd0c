package store

import (
	"time"

	"github.com/your-org/keeper/models"
)

// SecretName is what a secret is found by. It never changes while the secret stands.
type SecretName struct {
	ID            models.SecretID
	EnvironmentID models.EnvironmentID
	Name          string
	CreatedAt     time.Time
}

// SecretNames lists the names of all secrets, deleted ones included, with ids beyond one, by id.
func (tx *Tx) SecretNames(after models.SecretID) ([]SecretName, error) {
	rows, err := tx.conn.QueryContext(tx.ctx, secretNames.in(tx.s.options.Dialect), int64(after))
	if err != nil {
		return nil, translate(err, "secret")
	}
	defer func() { _ = rows.Close() }()
	var names []SecretName
	for rows.Next() {
		var n SecretName
		if err := rows.Scan((*int64)(&n.ID), (*int64)(&n.EnvironmentID), &n.Name, &n.CreatedAt); err != nil {
			return nil, translate(err, "secret")
		}
		names = append(names, n)
	}
	return names, translate(rows.Err(), "secret")
}

var secretNames = newQuery("SELECT id, environment_id, name, created_at FROM secrets WHERE id > ? ORDER BY id")

// SecretsOf loads those that stand, deleted or not, by id.
func (tx *Tx) SecretsOf(ids []models.SecretID) (map[models.SecretID]models.Secret, error) {
	found, err := all[models.Secret](tx.db().Where("id IN ?", ids), "secret")
	byID := make(map[models.SecretID]models.Secret, len(found))
	for _, s := range found {
		byID[s.ID] = s
	}
	return byID, err
}
