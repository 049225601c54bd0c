package store

import (
	"maps"
	"slices"
	"time"

	"github.com/your-org/keeper/models"
)

// CreateToken adds a token. Conflict where the hash is taken.
func (tx *Tx) CreateToken(t *models.Token) error {
	first(&t.CreatedAt, tx.Now())
	return tx.insert(t, "token")
}

// TokenByHash loads a token, revoked and expired ones included, with its user.
func (tx *Tx) TokenByHash(hash string) (models.Token, models.User, error) {
	token, err := take[models.Token](tx.db().Where("hash = ?", hash), "token")
	if err != nil {
		return models.Token{}, models.User{}, err
	}
	user, err := tx.User(token.UserID)
	return token, user, err
}

// Tokens lists a user's, or everybody's where user is "", the newest first.
func (tx *Tx) Tokens(user models.UserID) ([]models.Token, error) {
	query := tx.db().Order("created_at DESC, id DESC")
	if user != "" {
		query = query.Where("user_id = ?", user)
	}
	return all[models.Token](query, "token")
}

// Token loads one by its ID.
func (tx *Tx) Token(id models.TokenID) (models.Token, error) {
	return take[models.Token](tx.db().Where("id = ?", id), "token")
}

// RevokeToken ends a token for ever; one that is revoked already stays as it is.
func (tx *Tx) RevokeToken(id models.TokenID, at time.Time) error {
	token, err := take[models.Token](tx.locked().Where("id = ?", id), "token")
	if err != nil || token.RevokedAt != nil {
		return err
	}
	return translate(tx.db().Model(&token).UpdateColumn("revoked_at", micro(at)).Error, "token")
}

// TouchTokens keeps when tokens were last used. Tokens that are gone are passed over.
func (tx *Tx) TouchTokens(used map[models.TokenID]time.Time) error {
	for _, id := range slices.Sorted(maps.Keys(used)) { // in one order, or two writers wait for each other
		err := tx.db().Model(&models.Token{}).Where("id = ?", id).UpdateColumn("last_used_at", micro(used[id])).Error
		if err != nil {
			return translate(err, "token")
		}
	}
	return nil
}
