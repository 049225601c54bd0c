package secrets

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// MaxBulk is how many secrets one bulk change takes.
const MaxBulk = 1000

// BulkChange is what becomes of many secrets at once; what is nil or empty stays as it is.
// Delete and Undelete stand alone.
type BulkChange struct {
	Delete, Undelete bool
	Owner            *string
	ExpiresAt        *time.Time // a zero time takes the expiry away
	RotateEvery      *int       // days
	Tags             map[string]string
	Untag            []string // keys of tags to take away
}

// Empty reports whether it asks for nothing.
func (c *BulkChange) Empty() bool {
	return !c.Delete && !c.Undelete && c.Owner == nil && c.ExpiresAt == nil && c.RotateEvery == nil && len(c.Tags) == 0 && len(c.Untag) == 0
}

// action is what is recorded of each secret, and what it takes to do it.
func (c *BulkChange) action() (string, auth.Action) {
	switch {
	case c.Delete:
		return "secret.delete", auth.DeleteSecret
	case c.Undelete:
		return "secret.undelete", auth.DeleteSecret
	default:
		return "secret.update", auth.WriteSecret
	}
}

// FieldChange is one field of a secret before and after; "" is nothing. A tag is one field, as
// key=value.
type FieldChange struct{ Field, From, To string }

// BulkItem is what becomes of one secret.
type BulkItem struct {
	Secret      models.Secret // as it stands
	Environment models.Environment
	Changes     []FieldChange // none: it is so already, or Refused says why it cannot be
	Refused     error         // safe to show; nil: it can be done
}

// BulkPlan is what a bulk change would do, secret by secret.
type BulkPlan struct {
	Items  []BulkItem // by environment and name
	Gone   int        // how many are not there, or not for the actor
	Digest string     // of what would change; ApplyBulk does that or nothing
}

// Matching lists the IDs of secrets that a query chooses for the actor, up to MaxBulk, and
// reports whether there are more.
func (s *Service) Matching(ctx context.Context, actor models.Actor, q Query) (ids []models.SecretID, more bool, err error) {
	q.Cursor, q.Limit = "", 0
	for len(ids) <= MaxBulk {
		page, err := s.List(ctx, actor, q)
		if err != nil {
			return nil, false, err
		}
		for _, secret := range page.Secrets {
			ids = append(ids, secret.ID)
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return ids, false, nil
		}
	}
	return ids[:MaxBulk], true, nil
}

// PlanBulk says what a change would do to secrets, and changes nothing. Invalid where the change
// is not valid for any secret, or is one of too many.
func (s *Service) PlanBulk(ctx context.Context, actor models.Actor, ids []models.SecretID, c BulkChange) (BulkPlan, error) {
	if err := c.validate(); err != nil {
		return BulkPlan{}, err
	}
	ids, err := bulkIDs(ids)
	if err != nil {
		return BulkPlan{}, err
	}
	found, environments, err := s.bulkSecrets(ctx, actor, ids)
	if err != nil {
		return BulkPlan{}, err
	}
	var plan BulkPlan
	for _, id := range ids {
		secret, there := found[id]
		e, seen := environments[secret.EnvironmentID]
		if !there || !seen {
			plan.Gone++
			continue
		}
		item := c.item(e, secret)
		if _, action := c.action(); !auth.Can(actor, action, e.ID) {
			item.Changes, item.Refused = nil, auth.Check(actor, action, e.ID)
		}
		plan.Items = append(plan.Items, item)
	}
	plan.order()
	plan.Digest = digest(plan.Items)
	return plan, nil
}

// bulkSecrets loads secrets, and the environments that the actor may see.
func (s *Service) bulkSecrets(ctx context.Context, actor models.Actor, ids []models.SecretID) (
	found map[models.SecretID]models.Secret, environments map[models.EnvironmentID]models.Environment, err error,
) {
	all, err := s.Environments(ctx, actor)
	if err != nil {
		return nil, nil, err
	}
	environments = make(map[models.EnvironmentID]models.Environment, len(all))
	for _, e := range auth.Visible(actor, auth.ViewSecret, all) {
		environments[e.ID] = e
	}
	err = s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		found, err = tx.SecretsOf(ids)
		return err
	})
	return found, environments, err
}

// ApplyBulk does to each of the secrets what a plan with that digest said, and records it of
// each, or does nothing at all: Stale where the plan would be another one by now.
func (s *Service) ApplyBulk(ctx context.Context, actor models.Actor, ids []models.SecretID, c BulkChange, planned string) (changed int, err error) {
	if err := c.validate(); err != nil {
		return 0, err
	}
	if ids, err = bulkIDs(ids); err != nil {
		return 0, err
	}
	name, action := c.action()
	found, environments, err := s.bulkSecrets(ctx, actor, ids)
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		e, known := environments[found[id].EnvironmentID]
		if known && auth.CheckAt(actor, action, e, s.Now()) == nil {
			continue
		}
		if _, _, err := s.secret(ctx, actor, action, id); err != nil { // which puts it on record
			return 0, err
		}
		if !known { // it came in between
			return 0, staleBulk()
		}
	}
	err = s.Store.Write(ctx, func(tx *store.Tx) error {
		plan, err := lockBulk(tx, environments, ids, c)
		if err != nil {
			return err
		}
		if plan.Digest != planned || len(plan.Items) == 0 {
			return staleBulk()
		}
		changed = 0
		for _, item := range plan.Items {
			if len(item.Changes) == 0 {
				continue
			}
			if err := s.applyItem(tx, actor, name, item, c, planned[:12]); err != nil {
				return err
			}
			changed++
		}
		return nil
	})
	if err != nil {
		if fault.Is(err, fault.NotFound) { // purged in between
			err = staleBulk()
		}
		return 0, err
	}
	s.committed()
	return changed, nil
}

func staleBulk() error {
	return fault.New(fault.Stale, "Some of these secrets are not what the preview showed; nothing was changed.").
		WithHint("Look at the preview again: it shows them as they are now.")
}

// lockBulk plans with all secrets locked, by ID, before any of them changes: so two bulk changes
// never wait for each other, and a change of one secret never for a bulk change that waits for it.
func lockBulk(tx *store.Tx, environments map[models.EnvironmentID]models.Environment, ids []models.SecretID, c BulkChange) (plan BulkPlan, err error) {
	for _, id := range ids {
		secret, _, err := tx.LockCurrentVersion(id)
		if err != nil {
			return plan, err
		}
		e, known := environments[secret.EnvironmentID]
		if !known { // nothing is changed that the rights were not looked at of, nor recorded without its environment
			return plan, staleBulk()
		}
		plan.Items = append(plan.Items, c.item(e, secret))
	}
	plan.order()
	plan.Digest = digest(plan.Items)
	return plan, nil
}

// applyItem changes one secret, and leaves what follows: its entry, which names the bulk change
// that it was part of, and the work of the sync.
func (s *Service) applyItem(tx *store.Tx, actor models.Actor, name string, item BulkItem, c BulkChange, bulk string) error {
	secret, now := item.Secret, s.Now()
	switch {
	case c.Delete:
		purge := now.Add(s.DeleteGrace)
		secret.DeletedAt, secret.PurgeAfter = &now, &purge
	case c.Undelete:
		secret.DeletedAt, secret.PurgeAfter = nil, nil
	default:
		c.apply(&secret)
	}
	secret.UpdatedAt, secret.UpdatedBy = now, actor.Name
	if err := tx.UpdateSecret(&secret, item.Secret.Revision); err != nil {
		return err
	}
	if s.Changed != nil && (c.Delete || c.Undelete) {
		if err := s.Changed(tx, secret); err != nil {
			return err
		}
	}
	entry := audit.OnSecret(actor, name, item.Environment, secret)
	entry.Detail = map[string]string{"bulk": bulk}
	return tx.AppendAudit(entry)
}

// bulkIDs are IDs once each, in their order.
func bulkIDs(ids []models.SecretID) ([]models.SecretID, error) {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	ids = slices.Compact(ids)
	switch {
	case len(ids) == 0:
		return nil, fault.New(fault.Invalid, "No secret is chosen; nothing was changed.").WithHint("Go back and tick the secrets.")
	case len(ids) > MaxBulk:
		return nil, fault.New(fault.Invalid, "These are %d secrets; nothing was changed.", len(ids)).
			WithHint("At most %d can be changed at once.", MaxBulk)
	}
	return ids, nil
}

// validate says what is wrong with the change whatever it is applied to.
func (c *BulkChange) validate() error {
	if c.Delete && c.Undelete || (c.Delete || c.Undelete) && (c.Owner != nil || c.ExpiresAt != nil || c.RotateEvery != nil || len(c.Tags)+len(c.Untag) > 0) {
		return fault.New(fault.Invalid, "Deleting and undeleting stand alone; nothing was changed.")
	}
	for _, key := range c.Untag {
		if _, both := c.Tags[key]; both {
			return fault.InvalidField("untag", "must not name the tag %s, which is to be set", strconv.Quote(key))
		}
	}
	probe := models.Secret{Name: "probe", Type: models.Text}
	c.apply(&probe)
	return probe.Validate()
}

// apply changes the fields; the tags of s are not written to but replaced.
func (c *BulkChange) apply(s *models.Secret) {
	change := Change{Owner: c.Owner, ExpiresAt: c.ExpiresAt, RotateEvery: c.RotateEvery}
	change.apply(s)
	if len(c.Tags)+len(c.Untag) == 0 {
		return
	}
	tags := maps.Clone(s.Tags)
	if tags == nil {
		tags = map[string]string{}
	}
	maps.Copy(tags, c.Tags)
	for _, key := range c.Untag {
		delete(tags, key)
	}
	s.Tags = tags
}

// item is what becomes of one secret, whoever asks.
func (c *BulkChange) item(e models.Environment, s models.Secret) BulkItem {
	item := BulkItem{Secret: s, Environment: e}
	switch {
	case c.Delete || c.Undelete:
		if s.Deleted() != c.Delete {
			item.Changes = []FieldChange{{"deleted", strconv.FormatBool(s.Deleted()), strconv.FormatBool(c.Delete)}}
		}
		return item
	case s.Deleted():
		item.Refused = fault.New(fault.Conflict, "The secret is deleted.").WithHint("Undelete it first.")
		return item
	}
	after := s
	c.apply(&after)
	if err := after.Validate(); err != nil {
		item.Refused = err
		return item
	}
	item.Changes = differences(s, after)
	return item
}

// differences are the fields in which a secret changes, in the order of its form.
func differences(before, after models.Secret) (all []FieldChange) {
	add := func(field, from, to string) {
		if from != to {
			all = append(all, FieldChange{field, from, to})
		}
	}
	add("owner", before.Owner, after.Owner)
	add("expires_at", expiryText(before.ExpiresAt), expiryText(after.ExpiresAt))
	add("rotate_every_days", strconv.Itoa(before.RotateEvery), strconv.Itoa(after.RotateEvery))
	keys := maps.Clone(before.Tags)
	if keys == nil {
		keys = map[string]string{}
	}
	maps.Copy(keys, after.Tags)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		add("tags", tagText(before.Tags, key), tagText(after.Tags, key))
	}
	return all
}

func expiryText(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func tagText(tags map[string]string, key string) string {
	value, there := tags[key]
	if !there {
		return ""
	}
	return key + "=" + value
}

func (p *BulkPlan) order() {
	slices.SortFunc(p.Items, func(a, b BulkItem) int {
		if a.Environment.Name != b.Environment.Name {
			return strings.Compare(a.Environment.Name, b.Environment.Name)
		}
		return strings.Compare(a.Secret.Name, b.Secret.Name)
	})
}

// digest is of what changes: which secrets, from which revision, and how.
func digest(items []BulkItem) string {
	type line struct {
		ID       models.SecretID
		Revision int64
		Changes  []FieldChange
	}
	lines := []line{}
	for _, item := range items {
		if len(item.Changes) > 0 {
			lines = append(lines, line{item.Secret.ID, item.Secret.Revision, item.Changes})
		}
	}
	text, _ := json.Marshal(lines) // numbers and strings always encode
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
