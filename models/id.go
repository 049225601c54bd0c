// Package models holds the nouns: what Keeper keeps, with their typed identifiers, states and
// checks. It imports nothing of the database.
package models

import (
	"crypto/rand"
	"encoding/base32"
	"strings"
)

// The small integers that the API shows.
type (
	// EnvironmentID names an environment.
	EnvironmentID int64
	// SecretID names a secret.
	SecretID int64
	// VersionNumber counts the versions of one secret, from 1.
	VersionNumber int64
)

// The random identifiers, none of which can be guessed from another.
type (
	// DataKeyID names a data key.
	DataKeyID string
	// DestinationID names a destination.
	DestinationID string
	// RunID names a run.
	RunID string
	// PlanID names a plan of a run.
	PlanID string
	// KeyRunID names a run over keys.
	KeyRunID string
	// AlertID names an alert.
	AlertID string
	// ChannelID names a channel that alerts are told through.
	ChannelID string
	// NoticeID names a notice of an alert to a channel.
	NoticeID string
	// UserID names a user.
	UserID string
	// TokenID names an API token.
	TokenID string
	// ProviderID names a SAML identity provider.
	ProviderID string
	// GroupID names a group of users.
	GroupID string
)

var idEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewID makes a random identifier of 120 bits behind a prefix, "dst_3f…": the prefix tells
// a reader what it names.
func NewID(prefix string) string {
	var b [15]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails since Go 1.24
	return prefix + "_" + idEncoding.EncodeToString(b[:])
}

// NewDataKeyID makes a fresh identifier.
func NewDataKeyID() DataKeyID { return DataKeyID(NewID("dek")) }

// NewDestinationID makes a fresh identifier.
func NewDestinationID() DestinationID { return DestinationID(NewID("dst")) }

// NewRunID makes a fresh identifier.
func NewRunID() RunID { return RunID(NewID("run")) }

// NewPlanID makes a fresh identifier.
func NewPlanID() PlanID { return PlanID(NewID("pln")) }

// NewKeyRunID makes a fresh identifier.
func NewKeyRunID() KeyRunID { return KeyRunID(NewID("krn")) }

// NewAlertID makes a fresh identifier.
func NewAlertID() AlertID { return AlertID(NewID("alt")) }

// NewChannelID makes a fresh identifier.
func NewChannelID() ChannelID { return ChannelID(NewID("chn")) }

// NewNoticeID makes a fresh identifier.
func NewNoticeID() NoticeID { return NoticeID(NewID("ntc")) }

// NewUserID makes a fresh identifier.
func NewUserID() UserID { return UserID(NewID("usr")) }

// NewTokenID makes a fresh identifier.
func NewTokenID() TokenID { return TokenID(NewID("tok")) }

// NewProviderID makes a fresh identifier.
func NewProviderID() ProviderID { return ProviderID(NewID("idp")) }

// NewGroupID makes a fresh identifier.
func NewGroupID() GroupID { return GroupID(NewID("grp")) }

// slug reports whether s is a short lower-case name: a letter, then letters, digits and
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
