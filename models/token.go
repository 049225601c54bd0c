package models

import "time"

// Token is an API token. The token itself is shown once; the row holds a keyed hash (a
// token has 192 random bits, so a plain hash is enough and costs little per request).
type Token struct {
	ID         TokenID `gorm:"primaryKey"`
	Hash       string  // lower-case hex, unique
	Hint       string  // the token's first characters, to tell it from others
	UserID     UserID
	Name       string
	Scope      TokenScope `gorm:"serializer:json"`
	CreatedBy  string     // display name of whoever made it
	MadeBy     TokenID    // the token that made it, with which it ends; "": a person did
	Replaces   TokenID    // the one that it took over from by rotation; "": none
	CreatedAt  time.Time
	ExpiresAt  *time.Time
	RevokedAt  *time.Time
	LastUsedAt *time.Time // to the minute
	LastUsedBy string     // address, at that time
}

// TableName names the table for GORM.
func (Token) TableName() string { return "tokens" }
