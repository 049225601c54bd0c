package legacy

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
)

// put makes a secret of a value that is valid, unless its name stands.
func (m *Importer) put(ctx context.Context, e models.Environment, n secrets.NewSecret) (Outcome, string) {
	at := place{e.Name, n.Name}
	if would, ok := m.planned[at]; ok {
		if slices.Contains(would.sums, sha256.Sum256(n.Value.Reveal())) {
			return AlreadyThere, ""
		}
		return m.version(ctx, at, models.Secret{Name: n.Name, Type: would.kind}, n)
	}
	stands, err := m.find(ctx, e, n.Name)
	switch {
	case err != nil:
		return failed(err)
	case stands.Deleted():
		return InConflict, "A deleted secret has this name; undelete it first."
	case stands.ID == 0:
		return m.create(ctx, at, n)
	}
	equal, err := m.Secrets.Holds(ctx, m.Actor, stands.ID, n.Value)
	switch {
	case err != nil:
		return failed(err)
	case equal:
		return AlreadyThere, ""
	}
	return m.version(ctx, at, stands, n)
}

// find is the secret of a name, deleted or not, or the zero one.
func (m *Importer) find(ctx context.Context, e models.Environment, name string) (models.Secret, error) {
	if e.ID == 0 { // would be made
		return models.Secret{}, nil
	}
	found, err := m.Secrets.FindSecret(ctx, m.Actor, e, name)
	if fault.Is(err, fault.NotFound) {
		return models.Secret{}, nil
	}
	return found, err
}

func (m *Importer) create(ctx context.Context, at place, n secrets.NewSecret) (Outcome, string) {
	if m.DryRun {
		m.plan(at, n.Type, n.Value)
		return Imported, ""
	}
	made, err := m.Secrets.Create(ctx, m.Actor, n)
	if err != nil {
		return failed(err)
	}
	return m.proved(ctx, made, n.Value, Imported)
}

// version writes the value over another one, where that is asked for and no earlier version
// of the secret had it: to run this again must not undo what was changed since. The secret
// keeps its type and its description.
func (m *Importer) version(ctx context.Context, at place, stands models.Secret, n secrets.NewSecret) (Outcome, string) {
	if !m.NewVersions {
		return InConflict, "Another value stands under this name; it was left as it is. --on-conflict version writes this one as its new version."
	}
	if stands.ID != 0 {
		held, err := m.Secrets.Held(ctx, m.Actor, stands.ID, n.Value)
		switch {
		case err != nil:
			return failed(err)
		case held:
			return AlreadyThere, ""
		}
	}
	if _, err := secrets.Inspect(stands.Type, n.Value); err != nil {
		return NotValid, fmt.Sprintf("The standing secret is of type %s: the %s.", stands.Type, fault.Public(err).Message)
	}
	if m.DryRun {
		m.plan(at, stands.Type, n.Value)
		return NewVersion, ""
	}
	changed, err := m.Secrets.Update(ctx, m.Actor, stands.ID, secrets.Change{Value: &n.Value, Comment: n.Comment}, 0)
	if err != nil {
		return failed(err)
	}
	return m.proved(ctx, changed, n.Value, NewVersion)
}

// plan notes what a dry run would have written.
func (m *Importer) plan(at place, kind models.SecretType, value models.Plaintext) {
	m.planned[at] = planned{kind, append(m.planned[at].sums, sha256.Sum256(value.Reveal()))}
}

// proved opens what was written and compares it, before it counts.
func (m *Importer) proved(ctx context.Context, made models.Secret, value models.Plaintext, outcome Outcome) (Outcome, string) {
	equal, err := m.Secrets.Holds(ctx, m.Actor, made.ID, value)
	switch {
	case err != nil:
		return Failed, "It was written, but could not be opened again to compare it. " + fault.Public(err).Error()
	case !equal:
		return Failed, "It was written, but another value stands there now. Look at its versions."
	}
	return outcome, ""
}

func failed(err error) (Outcome, string) { return Failed, fault.Public(err).Error() }

func tooLarge(n int) string {
	return fmt.Sprintf("Its value is %d bytes; a value is at most %d bytes.", n, models.MaxValueSize)
}

// comment says where a version came from.
func (m *Importer) comment(row Row) string {
	text := "Brought over from the older Keeper (Fernet)"
	if m.Source != "" {
		text += ", " + m.Source
	}
	text += ", " + row.Place
	if row.CreatedAt != "" {
		text += ", created " + row.CreatedAt
	}
	return shortened(text)
}

// shortened is a text from outside as it may be repeated: one line, no longer than a name.
func shortened(text string) string {
	text = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return unicode.ReplacementChar
		}
		return c
	}, strings.ToValidUTF8(text, "\ufffd"))
	if len(text) <= models.MaxNameLength {
		return text
	}
	return strings.ToValidUTF8(text[:models.MaxNameLength], "") + "…"
}
