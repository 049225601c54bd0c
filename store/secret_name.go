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

// SecretText is what a secret is searched by.
type SecretText struct {
	ID                       models.SecretID
	Name, Description, Owner string
}

// SecretTexts lists what an environment's secrets are searched by, deleted ones included, of
// those that were changed at a time or later.
func (tx *Tx) SecretTexts(environment models.EnvironmentID, since time.Time) ([]SecretText, error) {
	rows, err := tx.conn.QueryContext(tx.ctx, secretTexts.in(tx.s.options.Dialect), int64(environment), micro(since))
	if err != nil {
		return nil, translate(err, "secret")
	}
	defer func() { _ = rows.Close() }()
	var texts []SecretText
	for rows.Next() {
		var t SecretText
		if err := rows.Scan((*int64)(&t.ID), &t.Name, &t.Description, &t.Owner); err != nil {
			return nil, translate(err, "secret")
		}
		texts = append(texts, t)
	}
	return texts, translate(rows.Err(), "secret")
}

var secretTexts = newQuery("SELECT id, name, description, owner FROM secrets WHERE environment_id = ? AND updated_at >= ?")

// SecretsOf loads those that stand, deleted or not, by id.
func (tx *Tx) SecretsOf(ids []models.SecretID) (map[models.SecretID]models.Secret, error) {
	found, err := all[models.Secret](tx.db().Where("id IN ?", ids), "secret")
	byID := make(map[models.SecretID]models.Secret, len(found))
	for _, s := range found {
		byID[s.ID] = s
	}
	return byID, err
}
