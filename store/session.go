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

// ReplaceSession gives a session another identifier: next takes over from the one with the
// hash old, which stands for it until a time. NotFound where there is none, or another took
// over already.
func (tx *Tx) ReplaceSession(old string, next *models.Session, until time.Time) error {
	row := tx.db().Model(&models.Session{}).Where("hash = ? AND replaced_by = ''", old)
	done := row.UpdateColumns(map[string]any{"replaced_by": next.Hash, "expires_at": micro(until)})
	if err := affected(done.RowsAffected, translate(done.Error, "session"), "session"); err != nil {
		return err
	}
	return tx.CreateSession(next)
}

// DeleteSession ends one; that there is none is no error.
func (tx *Tx) DeleteSession(hash string) error {
	return translate(tx.db().Where("hash = ?", hash).Delete(&models.Session{}).Error, "session")
}

// DeleteSessionsOfUser ends all of a user's except the one with the hash ("": none is
// spared), and says how many. Identifiers that were replaced go, and do not count.
func (tx *Tx) DeleteSessionsOfUser(user models.UserID, except string) (int, error) {
	old := tx.db().Where("user_id = ? AND replaced_by <> ''", user).Delete(&models.Session{})
	if old.Error != nil {
		return 0, translate(old.Error, "session")
	}
	done := tx.db().Where("user_id = ? AND hash <> ?", user, except).Delete(&models.Session{})
	return int(done.RowsAffected), translate(done.Error, "session")
}

// DeleteExpiredSessions removes those whose absolute end is not after now, or that nobody
// used since idleSince, and says how many.
func (tx *Tx) DeleteExpiredSessions(now, idleSince time.Time) (int, error) {
	done := tx.db().Where("expires_at <= ? OR last_seen_at < ?", micro(now), micro(idleSince)).Delete(&models.Session{})
	return int(done.RowsAffected), translate(done.Error, "session")
}

// SessionsOfUser lists a user's, the last used first, without identifiers that were replaced.
func (tx *Tx) SessionsOfUser(user models.UserID) ([]models.Session, error) {
	return all[models.Session](tx.db().Where("user_id = ? AND replaced_by = ''", user).Order("last_seen_at DESC, hash"), "session")
}
