package destinations

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// Change is what may change of a destination; nil leaves a field as it is. Where its copies
// stand, and how (region, address, mount, prefix, shape), never changes: another place is another
// destination, so that no copy is ever left behind unseen.
type Change struct {
	Paused      *bool
	Interval    *int
	Config      *models.DestinationConfig
	Credentials *models.DestinationCredentials
	SkipCheck   bool
}

// tries bounds how often a change without an expected revision is made again after another
// one came in between.
const tries = 5

// Update changes a destination where its revision still is the expected one (0: whatever it
// is).
func (s *Service) Update(ctx context.Context, actor models.Actor, id models.DestinationID, c Change, expected int64) (models.Destination, error) {
	for attempt := 1; ; attempt++ {
		d, err := s.update(ctx, actor, id, c, expected)
		if expected == 0 && fault.Is(err, fault.Stale) && attempt < tries {
			continue
		}
		if err == nil {
			s.Wake()
		}
		return d, err
	}
}

func (s *Service) update(ctx context.Context, actor models.Actor, id models.DestinationID, c Change, expected int64) (models.Destination, error) {
	d, e, err := s.destination(ctx, actor, auth.ManageDestination, id)
	if err != nil {
		return d, err
	}
	before := d.Config
	if expected == 0 {
		expected = d.Revision
	}
	if c.Paused != nil {
		d.Paused = *c.Paused
	}
	if c.Interval != nil {
		d.Interval = *c.Interval
	}
	if c.Config != nil {
		if d.Config, err = samePlace(d.Config, *c.Config); err != nil {
			return d, err
		}
	}
	if err := d.Validate(); err != nil {
		return d, err
	}
	if c.Credentials != nil || !slices.Equal(receivers(d.Config), receivers(before)) {
		if err := s.MayConnect(ctx, actor, e); err != nil {
			return d, err
		}
	}
	if err := s.newCredentials(ctx, actor, e, &d, c); err != nil {
		return d, err
	}
	d.UpdatedAt = s.Now()
	err = s.Store.Write(ctx, func(tx *store.Tx) error {
		overlaps := false
		// What overlaps since before this was looked for goes on as it is.
		if d.Config.Literal(e.Name) != before.Literal(e.Name) || d.Config.AcceptOverlap != before.AcceptOverlap {
			if err := takeTurn(tx, d); err != nil {
				return err
			}
			if overlaps, err = s.overlap(tx, actor, e, d); err != nil {
				return err
			}
		}
		if err := tx.UpdateDestination(&d, expected); err != nil {
			return err
		}
		if c.Config != nil || c.Credentials != nil { // which may have mended what failed
			if err := tx.RetryAll(d.ID, s.Now()); err != nil {
				return err
			}
		}
		if err := s.enqueue(tx, d.ID); err != nil {
			return err
		}
		return tx.AppendAudit(accepting(onChange(actor, e, d, c), overlaps))
	})
	return d, err
}

// onChange is the entry of a change: pausing and resuming by their names where that is all,
// else an update that names what changed.
func onChange(actor models.Actor, e models.Environment, d models.Destination, c Change) models.AuditEntry {
	var changed []string
	for name, given := range map[string]bool{"config": c.Config != nil, "credentials": c.Credentials != nil, "interval": c.Interval != nil} {
		if given {
			changed = append(changed, name)
		}
	}
	slices.Sort(changed)
	action := "destination.update"
	if len(changed) == 0 && c.Paused != nil {
		action = map[bool]string{true: "destination.pause", false: "destination.resume"}[*c.Paused]
	}
	entry := audit.OnDestination(actor, action, e, d)
	if len(changed) > 0 {
		entry.Detail = map[string]string{"changed": strings.Join(changed, ", ")}
	}
	return entry
}

// accepting is the entry with what is on record of an overlap that was accepted.
func accepting(entry models.AuditEntry, overlaps bool) models.AuditEntry {
	if overlaps {
		if entry.Detail == nil {
			entry.Detail = map[string]string{}
		}
		entry.Detail["accepted"] = "another destination could write the same names"
	}
	return entry
}

// newCredentials tries and seals what changed of the connection.
func (s *Service) newCredentials(ctx context.Context, actor models.Actor, e models.Environment, d *models.Destination, c Change) error {
	if c.Config == nil && c.Credentials == nil {
		return nil
	}
	credentials, err := s.credentials(ctx, e, *d)
	if err != nil && c.Credentials == nil {
		return err
	}
	if c.Credentials != nil {
		credentials = *c.Credentials
	}
	if err := s.lend(ctx, actor, e, *d, credentials); err != nil {
		return err
	}
	if !c.SkipCheck {
		if err := s.usable(ctx, *d, credentials); err != nil {
			return err
		}
	}
	if c.Credentials == nil {
		return nil
	}
	return s.seal(ctx, e, d, credentials)
}

// samePlace is the new configuration, refused where it names another place. What it leaves
// empty of the place stays as it is.
func samePlace(before, after models.DestinationConfig) (models.DestinationConfig, error) {
	for _, one := range []struct {
		field  string
		before string
		after  *string
	}{
		{"prefix", before.Prefix, &after.Prefix},
		{"region", before.Region, &after.Region},
		{"endpoint", before.Endpoint, &after.Endpoint},
		{"address", before.Address, &after.Address},
		{"namespace", before.Namespace, &after.Namespace},
		{"mount", before.Mount, &after.Mount},
		{"bundle_name", before.BundleName, &after.BundleName},
	} {
		if *one.after = cmp.Or(*one.after, one.before); *one.after != one.before {
			return before, otherPlace(one.field)
		}
	}
	if after.NoPrefix && !before.NoPrefix {
		return before, otherPlace("no_prefix")
	}
	after.NoPrefix = before.NoPrefix
	if after.Shape == "" || shapeOf(after) == shapeOf(before) {
		after.Shape = before.Shape
	}
	if after.Shape != before.Shape {
		return before, otherPlace("shape")
	}
	after.AcceptOverlap = after.AcceptOverlap || before.AcceptOverlap // nothing would come of taking it back
	// Without its role a destination would be in Keeper's own account, with every copy missing.
	after.RoleARN, after.ExternalID = cmp.Or(after.RoleARN, before.RoleARN), cmp.Or(after.ExternalID, before.ExternalID)
	if account(before.RoleARN) != account(after.RoleARN) {
		return before, otherPlace("role_arn")
	}
	return after, nil
}

func shapeOf(c models.DestinationConfig) models.Shape { return cmp.Or(c.Shape, models.ShapeValue) }

func otherPlace(field string) error {
	return fault.InvalidField("config."+field, "cannot change, since copies stand there").
		WithHint("Make another destination for the new place, then remove this one.")
}

// account is the AWS account that a role belongs to: arn:aws:iam::<account>:role/<name>.
func account(roleARN string) string {
	parts := strings.SplitN(roleARN, ":", 6)
	if len(parts) < 6 {
		return ""
	}
	return parts[4]
}
