package store

import (
	"time"

	"github.com/your-org/keeper/models"
)

// CreateSession adds a session. Conflict where the hash is taken.
func (tx *Tx) CreateSession(s *models.Session) error {
	first(&s.CreatedAt, tx.Now())
	first(&s.LastSeenAt, s.CreatedAt)
	return tx.insert(s, "session")
}

// Session loads one by its hash, expired or not.
func (tx *Tx) Session(hash string) (models.Session, error) {
	return take[models.Session](tx.db().Where("hash = ?", hash), "session")
}

// TouchSession keeps when a session was last used.
func (tx *Tx) TouchSession(hash string, at time.Time) error {
	return tx.setSession(hash, "last_seen_at", micro(at))
}

// SaveSessionData replaces a session's data.
func (tx *Tx) SaveSessionData(hash string, data []byte) error {
	return tx.setSession(hash, "data", data)
}

func (tx *Tx) setSession(hash, column string, value any) error {
	done := tx.db().Model(&models.Session{}).Where("hash = ?", hash).UpdateColumn(column, value)
	return affected(done.RowsAffected, translate(done.Error, "session"), "session")
}

// DeleteSession ends one; that there is none is no error.
func (tx *Tx) DeleteSession(hash string) error {
	return translate(tx.db().Where("hash = ?", hash).Delete(&models.Session{}).Error, "session")
}

// DeleteSessionsOfUser ends all of a user's except the one with the hash ("": none is
// spared), and says how many.
func (tx *Tx) DeleteSessionsOfUser(user models.UserID, except string) (int, error) {
	done := tx.db().Where("user_id = ? AND hash <> ?", user, except).Delete(&models.Session{})
	return int(done.RowsAffected), translate(done.Error, "session")
}

// DeleteExpiredSessions removes those whose absolute end is not after now, or that nobody
// used since idleSince, and says how many.
func (tx *Tx) DeleteExpiredSessions(now, idleSince time.Time) (int, error) {
	done := tx.db().Where("expires_at <= ? OR last_seen_at < ?", micro(now), micro(idleSince)).Delete(&models.Session{})
	return int(done.RowsAffected), translate(done.Error, "session")
}

// SessionsOfUser lists a user's, the last used first.
func (tx *Tx) SessionsOfUser(user models.UserID) ([]models.Session, error) {
	return all[models.Session](tx.db().Where("user_id = ?", user).Order("last_seen_at DESC, hash"), "session")
}
