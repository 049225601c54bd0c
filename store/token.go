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

// LockToken is Token, and nobody else changes the row until the transaction ends.
func (tx *Tx) LockToken(id models.TokenID) (models.Token, error) {
	return take[models.Token](tx.locked().Where("id = ?", id), "token")
}

// TokensMadeBy lists the tokens that a token made, by ID.
func (tx *Tx) TokensMadeBy(id models.TokenID) ([]models.Token, error) {
	return all[models.Token](tx.db().Where("made_by = ?", id).Order("id"), "token")
}

// TokenReplaced reports whether a token was rotated: another took over from it.
func (tx *Tx) TokenReplaced(id models.TokenID) (bool, error) {
	var n int64
	err := tx.db().Model(&models.Token{}).Where("replaces = ?", id).Limit(1).Count(&n).Error
	return n > 0, translate(err, "token")
}

// SetTokenExpiry makes a token end at a time.
func (tx *Tx) SetTokenExpiry(id models.TokenID, at time.Time) error {
	done := tx.db().Model(&models.Token{}).Where("id = ?", id).UpdateColumn("expires_at", micro(at))
	return affected(done.RowsAffected, translate(done.Error, "token"), "token")
}

// OwnedToken is a token with whose it is.
type OwnedToken struct {
	models.Token
	Username string
}

// TokenPage is a page of everybody's tokens, the newest first, and the cursors of the pages
// around it. Live ones are those that are neither revoked nor expired at a time; nil chooses all.
func (tx *Tx) TokenPage(live *time.Time, at string, limit int) ([]OwnedToken, Around, error) {
	query := tx.db().Table("tokens t").Joins("JOIN users u ON u.id = t.user_id").Select("t.*, u.username")
	if live != nil {
		query = query.Where("t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > ?)", micro(*live))
	}
	order := newest("tokens", "t.created_at", "t.id", func(t *OwnedToken) (time.Time, string) { return t.CreatedAt, string(t.ID) })
	return pageOf(query, order, at, limit, "token")
}

// RevokeToken ends a token for ever; one that is revoked already stays as it is.
func (tx *Tx) RevokeToken(id models.TokenID, at time.Time) error {
	token, err := take[models.Token](tx.locked().Where("id = ?", id), "token")
	if err != nil || token.RevokedAt != nil {
		return err
	}
	return translate(tx.db().Model(&token).UpdateColumn("revoked_at", micro(at)).Error, "token")
}

// TokenUse is when and from where a token was last used.
type TokenUse struct {
	At      time.Time
	Address string
}

// TouchTokens keeps when and from where tokens were last used. Tokens that are gone are
// passed over.
func (tx *Tx) TouchTokens(used map[models.TokenID]TokenUse) error {
	for _, id := range slices.Sorted(maps.Keys(used)) { // in one order, or two writers wait for each other
		last := map[string]any{"last_used_at": micro(used[id].At), "last_used_by": used[id].Address}
		if err := tx.db().Model(&models.Token{}).Where("id = ?", id).UpdateColumns(last).Error; err != nil {
			return translate(err, "token")
		}
	}
	return nil
}
