package migrations

import (
	"time"

	"gorm.io/gorm"
)

type userPasswordEnd struct {
	PasswordExpiresAt *time.Time `gorm:"precision:6"`
}

func (userPasswordEnd) TableName() string { return "users" }

// endsOneTimePasswords gives the one-time passwords of before, which had no end, as long as
// new ones have.
func endsOneTimePasswords() change {
	return change{run: func(db *gorm.DB) error {
		ends := time.Now().UTC().Add(72 * time.Hour).Truncate(time.Microsecond)
		return db.Model(&userPasswordEnd{}).Where("must_change_password = ? AND password_expires_at IS NULL", true).
			Update("password_expires_at", ends).Error
	}}
}
