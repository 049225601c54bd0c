package templates

import (
	"strings"
	"unicode"

	"github.com/your-org/keeper/models"
)

var keyKindWords = map[models.RecipientKind]string{
	models.RecipientLocal: "Local key", models.RecipientKMS: "AWS KMS key", models.RecipientRecovery: "Recovery key (age)",
}

// keyKindWord is a kind of recipient for people.
func keyKindWord(k models.RecipientKind) string {
	if w, ok := keyKindWords[k]; ok {
		return w
	}
	return string(k)
}

var keyRoleWords = map[KeyRole]string{
	RolePrimary: "wrapping key", RoleSecond: "second key", RoleRecovery: "recovery", RoleFormer: "former", RoleUnknown: "not known now",
}

// Word is the role for people.
func (r KeyRole) Word() string {
	if w, ok := keyRoleWords[r]; ok {
		return w
	}
	return string(r)
}

// Wanted reports whether data keys are to be wrapped for who has the role.
func (r KeyRole) Wanted() bool { return r != RoleFormer && r != RoleUnknown }

// Spare reports whether the role is there for the day that the wrapping key is lost.
func (r KeyRole) Spare() bool { return r == RoleSecond || r == RoleRecovery }

// KeyRunKinds are the kinds of key runs, as they are listed.
var KeyRunKinds = []models.KeyRunKind{models.KeyRewrap, models.KeyReencrypt, models.KeyScrub, models.KeyMigrate}

var keyRunWords = map[models.KeyRunKind]string{
	models.KeyRewrap: "Re-wrap", models.KeyReencrypt: "Re-encryption", models.KeyMigrate: "Migration", models.KeyScrub: "Scrub",
}

// keyRunWord is a kind of key run for people.
func keyRunWord(k models.KeyRunKind) string {
	if w, ok := keyRunWords[k]; ok {
		return w
	}
	return string(k)
}

var keyRunLooks = map[models.KeyRunStatus]Look{
	models.KeyRunQueued:    {"waiting", "clock", "grey"},
	models.KeyRunRunning:   {"running", "arrow-repeat", "blue"},
	models.KeyRunSucceeded: {"succeeded", "check-circle-fill", "green"},
	models.KeyRunPartial:   {"with findings", "exclamation-triangle-fill", "amber"},
	models.KeyRunFailed:    {"failed", "x-circle-fill", "red"},
	models.KeyRunCancelled: {"cancelled", "dash-circle-fill", "grey"},
}

func keyRunLook(s models.KeyRunStatus) Look {
	if look, ok := keyRunLooks[s]; ok {
		return look
	}
	return Look{string(s), "question-circle", "grey"}
}

var findingLooks = map[models.KeyFindingKind]Look{
	models.FindingDamaged: {"damaged", "x-circle-fill", "red"},
	models.FindingUnknown: {"unknown", "question-circle", "grey"},
}

func findingLook(k models.KeyFindingKind) Look {
	if look, ok := findingLooks[k]; ok {
		return look
	}
	return Look{string(k), "question-circle", "grey"}
}

// shortKey is a long name of a key cut in its middle: an age recipient has up to two
// thousand characters, of which the first and the last are what people compare.
func shortKey(name string) string {
	const limit, head, tail = 80, 24, 10
	runes := []rune(name)
	if len(runes) <= limit && !strings.HasPrefix(name, "age1") || len(runes) <= head+tail {
		return name
	}
	return string(runes[:head]) + "…" + string(runes[len(runes)-tail:])
}

// briefKey is a key's name for lists: of an ARN its account and key, which tell one from
// another; its region is told beside it.
func briefKey(name string) string {
	if rest, ok := strings.CutPrefix(name, "arn:aws:kms:"); ok {
		if _, key, ok := strings.Cut(rest, ":"); ok {
			return key
		}
	}
	return shortKey(name)
}

// stateWord is a backend's word for a state in Keeper's writing: "PendingDeletion" is
// "pending deletion".
func stateWord(state string) string {
	var b strings.Builder
	for i, c := range state {
		if unicode.IsUpper(c) && i > 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}

// verb is the form of a verb that goes with a count.
func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
