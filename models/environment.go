package models

import (
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/your-org/keeper/fault"
)

// Environment is the unit of isolation: it has its own keys, access rules, destinations
// and settings.
type Environment struct {
	ID          EnvironmentID `gorm:"primaryKey;autoIncrement"`
	Name        string        // slug, unique, never changes: it is part of the encryption context
	DisplayName string
	Description string
	KMSKeyAlias string // wrapping key of this environment; empty: the global one
	// KeyGeneration grows with every change of those for whom data keys are wrapped, so that a
	// data key made for those of before is not stored after it.
	KeyGeneration int64
	Color         string // one of EnvironmentColors, the edge that pages of it wear
	Protected     bool   // a person proves again who it is before it sees a value
	Revision      int64  // grows with every change; the ETag
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

// TableName names the table for GORM.
func (Environment) TableName() string { return "environments" }

// EnvironmentColors are the colours an environment may wear.
var EnvironmentColors = []string{"grey", "green", "blue", "violet", "amber", "red"}

// Validate says what is wrong with the fields that a person sets.
func (e *Environment) Validate() error {
	var problems fieldProblems
	if !slug(e.Name) {
		problems.add("name", "must be a lower-case letter, then letters, digits and dashes, 63 characters at most")
	}
	problems.text("display_name", e.DisplayName, 100)
	problems.text("description", e.Description, 1000)
	problems.text("kms_key_alias", e.KMSKeyAlias, 256)
	if !contains(EnvironmentColors, e.Color) {
		problems.add("color", "must be one of %s", list(EnvironmentColors))
	}
	return problems.err("The environment is not valid.")
}

// DefaultColor is the colour of a new environment: production is red, so that nobody edits
// the wrong one.
func DefaultColor(name string) string {
	switch name {
	case "production", "prod":
		return "red"
	case "staging":
		return "amber"
	case "development", "dev":
		return "green"
	default:
		return "grey"
	}
}

// fieldProblems collects what is wrong field by field, so that one answer names it all.
type fieldProblems []fault.Field

func (p *fieldProblems) add(name, format string, args ...any) {
	*p = append(*p, fault.InvalidField(name, format, args...).Fields[0])
}

func (p *fieldProblems) text(name, value string, limit int) {
	switch {
	case badText(value):
		p.add(name, "must be valid UTF-8 without NUL")
	case utf8.RuneCountInString(value) > limit:
		p.add(name, "must be %d characters at most", limit)
	}
}

// badText reports what not every database can keep as text.
func badText(s string) bool { return !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 }

func (p fieldProblems) err(message string) error {
	if len(p) == 0 {
		return nil
	}
	err := fault.New(fault.Invalid, "%s", message)
	err.Fields = p
	for i, f := range p {
		if i == 0 {
			err.Hint = f.Name + " " + f.Message
			continue
		}
		err.Hint += "; " + f.Name + " " + f.Message
	}
	err.Hint += "."
	return err
}

func (p *fieldProblems) url(name, value string, optional bool) {
	if value == "" && optional {
		return
	}
	u, err := url.Parse(value)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		p.add(name, "must be a URL that begins with https:// or http:// and holds no user name, query or fragment")
	}
}
