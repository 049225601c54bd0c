package keys

import (
	"context"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// Limits of what a person enters of a recipient, in characters.
const (
	maxRecipientKey   = 255
	maxRecipientLabel = 100
	maxKeyName        = 2048 // as long as an ARN can be
)

// AddRecipient has an environment's data keys wrapped for one more: new ones at once, those
// that stand by the run that it returns. The recipient is tried before anything is stored.
func (s *Service) AddRecipient(ctx context.Context, actor models.Actor, r models.Recipient) (Progress, error) {
	e, err := s.manage(ctx, actor, r.EnvironmentID)
	if err != nil {
		return Progress{}, err
	}
	if err := checkRecipient(r); err != nil {
		return Progress{}, err
	}
	if r.Key, err = s.tryKey(ctx, e, r.Kind, r.Key); err != nil {
		return Progress{}, ofField("key", err)
	}
	if err := s.newTo(ctx, e, r); err != nil {
		return Progress{}, err
	}
	r.CreatedBy, r.CreatedAt = actor.Name, s.Now()
	return s.change(ctx, actor, e, "", func(tx *store.Tx) error {
		added := r
		if err := tx.AddRecipient(&added); err != nil {
			if fault.Is(err, fault.Conflict) {
				return fault.Wrap(err, fault.Conflict, "%s is a recipient of %s already; nothing was changed.", r.Key, e.Name)
			}
			return err
		}
		return tx.AppendAudit(recipientEntry(actor, "keys.recipient.add", e, r))
	})
}

func checkRecipient(r models.Recipient) error {
	switch {
	case r.Kind != models.RecipientKMS && r.Kind != models.RecipientRecovery:
		return fault.InvalidField("kind", "must be kms or recovery")
	case r.Key == "" || len(r.Key) > maxRecipientKey:
		return fault.InvalidField("key", "must be the ARN of a KMS key or an age recipient, %d characters at most", maxRecipientKey)
	case r.Kind == models.RecipientKMS && strings.HasPrefix(r.Key, "arn:") && !keyARN.MatchString(r.Key):
		return fault.InvalidField("key", "must be the ARN of a KMS key, arn:aws:kms:REGION:ACCOUNT:key/ID, or of an alias")
	case holdsIdentity(r.Key) || holdsIdentity(r.Label):
		return fault.InvalidField("key", "must be the recipient, age1…, and not the identity: that one is secret, and was now shown to this Keeper; make a new pair")
	case len([]rune(r.Label)) > maxRecipientLabel:
		return fault.InvalidField("label", "must be %d characters at most", maxRecipientLabel)
	case !utf8.ValidString(r.Label) || strings.ContainsFunc(r.Label, unicode.IsControl):
		return fault.InvalidField("label", "must be one line of text, without control characters")
	}
	return checkKeyName("key", r.Key)
}

// checkKeyName refuses what is the name of no key anywhere, before it is asked for, stored or
// shown; "" names none.
func checkKeyName(field, name string) error {
	switch {
	case holdsIdentity(name):
		return fault.InvalidField(field, "must be the recipient, age1…, and not the identity: that one is secret, and was now shown to this Keeper; make a new pair")
	case len(name) > maxKeyName || strings.ContainsFunc(name, func(c rune) bool { return c <= ' ' || c > '~' }):
		return fault.InvalidField(field, "must be the id, the ARN or the alias of a key, %d characters at most", maxKeyName)
	}
	return nil
}

// keyARN is how AWS names keys and aliases of KMS; those of China and of governments are in
// partitions of their own.
var keyARN = regexp.MustCompile(`^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(key|alias)/[\w/-]+$`)

// holdsIdentity finds the secret half of an age key where somebody mistook it for the public
// one. Nothing after this may quote it.
func holdsIdentity(text string) bool {
	return strings.Contains(strings.ToUpper(text), "AGE-SECRET-KEY-")
}

// newTo refuses a recipient that is the environment's own wrapping key: losing it would lose
// both.
func (s *Service) newTo(ctx context.Context, e models.Environment, r models.Recipient) error {
	targets, err := s.Envelope.Targets(ctx, e)
	if err != nil && !fault.Is(err, fault.Unavailable) {
		return err
	}
	if err == nil && targets.Primary.Kind == r.Kind && targets.Primary.ID == r.Key {
		return fault.New(fault.Invalid, "%s wraps the data keys of %s already; nothing was changed.", r.Key, e.Name).
			WithHint("Name another key, best in another region.")
	}
	return nil
}

// RemoveRecipient has nothing wrapped for a recipient any more: new data keys at once, those
// that stand by the run that it returns. Whoever held the recipient's key may have kept what
// it opened; a re-encryption makes that worthless for what comes later.
func (s *Service) RemoveRecipient(
	ctx context.Context, actor models.Actor, env models.EnvironmentID, kind models.RecipientKind, key string,
) (Progress, error) {
	e, err := s.manage(ctx, actor, env)
	if err != nil {
		return Progress{}, err
	}
	if err := checkKeyName("key", key); err != nil {
		return Progress{}, err
	}
	if err := s.stillOpens(ctx, e, key); err != nil {
		return Progress{}, err
	}
	r := models.Recipient{EnvironmentID: e.ID, Kind: kind, Key: key}
	return s.change(ctx, actor, e, key, func(tx *store.Tx) error {
		if err := tx.RemoveRecipient(e.ID, kind, key); err != nil {
			if fault.Is(err, fault.NotFound) {
				return fault.New(fault.NotFound, "%s is no recipient of %s.", key, e.Name).WithHint("List the environment's keys to see which there are.")
			}
			return err
		}
		return tx.AppendAudit(recipientEntry(actor, "keys.recipient.remove", e, r))
	})
}

// stillOpens refuses to remove a recipient where something is wrapped for it and for nobody
// else who can be asked now: the re-wrap could not save it, and it would be lost.
func (s *Service) stillOpens(ctx context.Context, e models.Environment, key string) error {
	targets, err := s.Envelope.Targets(ctx, e)
	if err != nil {
		return err
	}
	for _, t := range targets.All() {
		if t.ID == key || t.Kind == models.RecipientRecovery {
			continue
		}
		if _, err := s.tryKey(ctx, e, t.Kind, t.ID); err == nil {
			return nil
		}
	}
	return fault.New(fault.Conflict, "No other key of %s can open its data keys now, so %s is not removed.", e.Name, key).
		WithHint("Mend the other keys first; keeper kms test-connection shows what is wrong with them.")
}

// change changes an environment's recipients and begins the run that follows. A run that is
// at work already takes the new recipients up.
func (s *Service) change(ctx context.Context, actor models.Actor, e models.Environment, from string, change func(*store.Tx) error) (Progress, error) {
	run := models.KeyRun{Kind: models.KeyRewrap, EnvironmentID: e.ID, FromKey: from}
	begun, err := s.begin(ctx, actor, []begin{{run: run, env: e}}, change)
	if err != nil {
		return Progress{}, err
	}
	return begun[0], nil
}

func recipientEntry(actor models.Actor, action string, e models.Environment, r models.Recipient) models.AuditEntry {
	entry := audit.OnEnvironment(actor, action, e)
	entry.Detail = map[string]string{"kind": string(r.Kind), "key": r.Key}
	if r.Label != "" {
		entry.Detail["label"] = r.Label
	}
	return entry
}
