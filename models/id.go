package models

import (
	"crypto/rand"
	"encoding/base32"
	"strings"
)

// Typed identifiers. Environments and secrets have the small integers that the API shows;
// everything else has a random identifier that cannot be guessed from another.
type (
	EnvironmentID int64
	SecretID      int64
	VersionNumber int64 // from 1, per secret
	DataKeyID     string
	DestinationID string
	RunID         string
	UserID        string
	TokenID       string
)

var idEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewID makes a random identifier of 120 bits behind a prefix, "dst_3f…": the prefix tells
// a reader what it names.
func NewID(prefix string) string {
	var b [15]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails since Go 1.24
	return prefix + "_" + idEncoding.EncodeToString(b[:])
}

// NewDataKeyID, NewDestinationID, NewRunID, NewUserID and NewTokenID make fresh identifiers.
func NewDataKeyID() DataKeyID         { return DataKeyID(NewID("dek")) }
func NewDestinationID() DestinationID { return DestinationID(NewID("dst")) }
func NewRunID() RunID                 { return RunID(NewID("run")) }
func NewUserID() UserID               { return UserID(NewID("usr")) }
func NewTokenID() TokenID             { return TokenID(NewID("tok")) }

// Slug reports whether s is a short lower-case name: a letter, then letters, digits and
// dashes, 63 at most.
func slug(s string) bool {
	if s == "" || len(s) > 63 || s[0] < 'a' || s[0] > 'z' || strings.HasSuffix(s, "-") {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}
