package store

import (
	"database/sql"
	"errors"

	"github.com/your-org/keeper/models"
)

// SecretText is what a secret is found and searched by.
type SecretText struct {
	ID                       models.SecretID
	EnvironmentID            models.EnvironmentID
	Revision                 int64
	Name, Description, Owner string
}

// TextMark is how far texts were read: up to a secret's ID, and up to a change of what is said
// of a secret. Both are numbers that the database hands out in their order and never again,
// whatever the clocks say. Unless the database is Ordered, a transaction that got one may be
// committed after another that got a later.
type TextMark struct {
	Secret models.SecretID
	Change int64
}

// Ordered reports whether what has a later number is never committed before what has an
// earlier one: SQLite has one writer.
func (tx *Tx) Ordered() bool { return tx.s.options.Dialect == SQLite }

// SecretTexts reads what secrets are found and searched by, deleted ones included: of those that
// were made beyond a mark, and of those whose description or owner changed beyond it. The mark
// that it returns is of the last that it saw.
func (tx *Tx) SecretTexts(beyond TextMark) (texts []SecretText, mark TextMark, err error) {
	mark = beyond
	made, err := tx.secretTexts(madeTexts, int64(beyond.Secret), nil)
	if err != nil {
		return nil, mark, err
	}
	if len(made) > 0 {
		mark.Secret = made[len(made)-1].ID
	}
	changed, err := tx.secretTexts(changedTexts, beyond.Change, &mark.Change)
	return append(made, changed...), mark, err
}

// secretTexts reads texts, and the number of the last one's change where it is asked for.
func (tx *Tx) secretTexts(q query, beyond int64, last *int64) ([]SecretText, error) {
	rows, err := tx.conn.QueryContext(tx.ctx, q.in(tx.s.options.Dialect), beyond)
	if err != nil {
		return nil, translate(err, "secret")
	}
	defer func() { _ = rows.Close() }()
	var texts []SecretText
	for rows.Next() {
		var t SecretText
		into := []any{(*int64)(&t.ID), (*int64)(&t.EnvironmentID), &t.Revision, &t.Name, &t.Description, &t.Owner}
		if last != nil {
			into = append(into, last)
		}
		if err := rows.Scan(into...); err != nil {
			return nil, translate(err, "secret")
		}
		texts = append(texts, t)
	}
	return texts, translate(rows.Err(), "secret")
}

const textColumns = "s.id, s.environment_id, s.revision, s.name, s.description, s.owner"

var (
	madeTexts    = newQuery("SELECT " + textColumns + " FROM secrets s WHERE s.id > ? ORDER BY s.id")
	changedTexts = newQuery("SELECT " + textColumns + ", c.id FROM secret_text_changes c JOIN secrets s ON s.id = c.secret_id WHERE c.id > ? ORDER BY c.id")
	textOf       = newQuery("SELECT description, owner FROM secrets WHERE id = ?")
	dropChange   = newQuery("DELETE FROM secret_text_changes WHERE secret_id = ?")
	noteChange   = newQuery("INSERT INTO secret_text_changes (secret_id) VALUES (?)")
)

// noteText leaves a number for SecretTexts where an update is about to change what is said of a
// secret. It takes the secret's row first, so that of two updates the later has the later number.
func (tx *Tx) noteText(s *models.Secret) error {
	text := textOf.in(tx.s.options.Dialect)
	if tx.s.options.Dialect != SQLite {
		text += " FOR UPDATE"
	}
	var description, owner string
	err := tx.conn.QueryRowContext(tx.ctx, text, int64(s.ID)).Scan(&description, &owner)
	if errors.Is(err, sql.ErrNoRows) || err == nil && description == s.Description && owner == s.Owner {
		return nil // of one that is gone, the update tells
	}
	if err != nil {
		return translate(err, "secret")
	}
	if _, err := tx.exec("secret", dropChange, int64(s.ID)); err != nil {
		return err
	}
	_, err = tx.exec("secret", noteChange, int64(s.ID))
	return err
}

// SecretsOf loads those that stand, deleted or not, by id.
func (tx *Tx) SecretsOf(ids []models.SecretID) (map[models.SecretID]models.Secret, error) {
	found, err := all[models.Secret](tx.db().Where("id IN ?", ids), "secret")
	byID := make(map[models.SecretID]models.Secret, len(found))
	for _, s := range found {
		byID[s.ID] = s
	}
	return byID, err
}
