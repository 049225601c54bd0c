package alerts

import (
	"context"
	"net/url"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// Draft is what a channel is made from.
type Draft struct {
	Environment models.EnvironmentID
	Everywhere  bool // tell of all environments; administrators may say so
	Name        string
	Kind        models.ChannelKind
	Address     string // a webhook's URL, or an e-mail address; none of Slack
	// Secret is a webhook's signing key (empty: one is made), or Slack's URL.
	Secret models.Plaintext
	Kinds  []models.AlertKind // that it tells of; none: all
}

// CreateChannel makes a channel, which tells of what happens from now on. It returns the
// webhook's signing key where it made one: it is shown this once.
func (s *Service) CreateChannel(ctx context.Context, actor models.Actor, draft Draft) (models.AlertChannel, models.Plaintext, error) {
	c := models.AlertChannel{
		ID: models.NewChannelID(), EnvironmentID: draft.Environment, Everywhere: draft.Everywhere, Name: draft.Name, Kind: draft.Kind,
		Address: draft.Address, Kinds: draft.Kinds, Enabled: true, CreatedBy: actor.Name,
	}
	e, err := s.environment(ctx, actor, auth.ManageAlerts, draft.Environment)
	if err != nil {
		return c, models.Plaintext{}, err
	}
	if err := s.everywhere(ctx, actor, e, c); err != nil {
		return c, models.Plaintext{}, err
	}
	made, err := s.complete(ctx, e, &c, draft.Secret)
	if err != nil {
		return c, made, err
	}
	err = s.Store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.CreateAlertChannel(&c); err != nil {
			return err
		}
		return tx.AppendAudit(audit.OnChannel(actor, "channel.create", e, c))
	})
	return c, made, named(err, e, c)
}

// complete checks a channel with its secret and seals that. An empty secret of a webhook is
// made here and returned.
func (s *Service) complete(ctx context.Context, e models.Environment, c *models.AlertChannel, secret models.Plaintext) (made models.Plaintext, err error) {
	switch c.Kind {
	case models.ChannelEmail:
		if s.Mail == nil {
			return made, noMail()
		}
		return made, c.Validate()
	case models.ChannelSlack:
		return made, s.completeSlack(ctx, e, c, secret)
	case models.ChannelWebhook:
		if err := s.guard().check("address", c.Address); err != nil {
			return made, err
		}
		if secret.Len() == 0 {
			secret = newSigningKey()
			made = secret
		}
		if _, err := signingKey(secret); err != nil {
			return made, err
		}
	}
	if err := c.Validate(); err != nil {
		return made, err
	}
	return made, s.seal(ctx, e, c, secret)
}

// completeSlack takes Slack's URL, which is a secret as a whole, and keeps in clear where it
// leads.
func (s *Service) completeSlack(ctx context.Context, e models.Environment, c *models.AlertChannel, secret models.Plaintext) error {
	if secret.Len() == 0 {
		return fault.InvalidField("secret", "must be the URL of Slack's incoming webhook")
	}
	if err := s.guard().check("secret", string(secret.Reveal())); err != nil {
		return err
	}
	u, err := url.Parse(string(secret.Reveal()))
	if err != nil {
		return fault.InvalidField("secret", "must be the URL of Slack's incoming webhook")
	}
	c.Address = u.Scheme + "://" + u.Host
	if err := c.Validate(); err != nil {
		return err
	}
	return s.seal(ctx, e, c, secret)
}

// ChannelChange is what may change of a channel; nil leaves a field as it is.
type ChannelChange struct {
	Name       *string
	Address    *string           // not of Slack, whose URL is its secret
	Secret     *models.Plaintext // empty of a webhook: a new key is made
	Kinds      *[]models.AlertKind
	Everywhere *bool
	Enabled    *bool
}

// UpdateChannel changes a channel where its revision still is the expected one (0: whatever
// it is). It returns the webhook's signing key where it made a new one.
func (s *Service) UpdateChannel(ctx context.Context, actor models.Actor, id models.ChannelID, change ChannelChange, expected int64) (models.AlertChannel, models.Plaintext, error) {
	var made models.Plaintext
	c, e, err := s.channel(ctx, actor, id)
	if err != nil {
		return models.AlertChannel{}, made, err
	}
	if expected == 0 {
		expected = c.Revision // the seal is bound to the address that was looked at
	}
	before := c
	change.apply(&c)
	if err := s.everywhere(ctx, actor, e, c); err != nil {
		return c, made, err
	}
	if change.Secret == nil && c.Address == before.Address {
		err = c.Validate()
	} else {
		made, err = s.reseal(ctx, e, before, &c, change.Secret)
	}
	if err != nil {
		return c, made, err
	}
	err = s.Store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.UpdateAlertChannel(&c, expected); err != nil {
			return err
		}
		if err := tx.EnqueueJob(JobKind, string(c.ID), "", tx.Now()); err != nil {
			return err
		}
		return tx.AppendAudit(audit.OnChannel(actor, "channel.update", e, c))
	})
	if err == nil {
		s.Wake()
	}
	return c, made, named(err, e, c)
}

func (change ChannelChange) apply(c *models.AlertChannel) {
	set(&c.Name, change.Name)
	set(&c.Kinds, change.Kinds)
	set(&c.Everywhere, change.Everywhere)
	set(&c.Enabled, change.Enabled)
	if c.Kind != models.ChannelSlack {
		set(&c.Address, change.Address)
	}
}

func set[T any](field, to *T) {
	if to != nil {
		*field = *to
	}
}

// reseal seals a channel's secret anew, the given one or that of before: the seal is bound to
// the address.
func (s *Service) reseal(ctx context.Context, e models.Environment, before models.AlertChannel, c *models.AlertChannel, given *models.Plaintext) (models.Plaintext, error) {
	if given != nil || c.Kind == models.ChannelEmail {
		var secret models.Plaintext
		if given != nil {
			secret = *given
		}
		return s.complete(ctx, e, c, secret)
	}
	secret, err := s.open(ctx, e, before)
	if err != nil {
		return models.Plaintext{}, err
	}
	defer secret.Zero()
	return s.complete(ctx, e, c, secret)
}

// DeleteChannel removes a channel with what it was still to deliver.
func (s *Service) DeleteChannel(ctx context.Context, actor models.Actor, id models.ChannelID) error {
	c, e, err := s.channel(ctx, actor, id)
	if err != nil {
		return err
	}
	return s.Store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.DeleteAlertChannel(id); err != nil {
			return err
		}
		return tx.AppendAudit(audit.OnChannel(actor, "channel.delete", e, c))
	})
}

// TestChannel sends a test notice now, whether the channel is enabled or not. The error is
// why it did not arrive.
func (s *Service) TestChannel(ctx context.Context, actor models.Actor, id models.ChannelID) error {
	c, e, err := s.channel(ctx, actor, id)
	if err != nil {
		return err
	}
	now := s.Now().UTC()
	body, err := encode(s.message(e, &models.Alert{
		EnvironmentID: e.ID, Subject: string(c.ID), SubjectName: c.Name, OpenedAt: now, LastSeenAt: now, Count: 1,
		Summary: "This is a test of the channel " + c.Name + ": nothing has happened.",
	}, models.OccasionTest, now))
	if err != nil {
		return err
	}
	notice := models.Notice{UID: models.NewNoticeID(), ChannelID: c.ID, Occasion: models.OccasionTest, Body: body, CreatedAt: now}
	failure := s.deliver(ctx, c, e, &notice)
	entry, problem := audit.OnChannel(actor, "channel.test", e, c), ""
	if failure != nil { // whatever its kind, it was not the actor who was refused
		entry.Outcome, problem = models.OutcomeFailed, fault.Public(failure).Error()
	}
	err = s.Store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.SetChannelHealth(c.ID, now, problem); err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		return tx.AppendAudit(entry)
	})
	if failure != nil {
		return failure
	}
	return err
}

// Channels lists the channels that the actor manages, of one environment (0: of all).
func (s *Service) Channels(ctx context.Context, actor models.Actor, environment models.EnvironmentID) ([]models.AlertChannel, error) {
	var only []models.EnvironmentID
	if environment != 0 {
		only = append(only, environment)
	}
	ids, err := s.visible(ctx, actor, auth.ManageAlerts, only...)
	if err != nil {
		return nil, err
	}
	var all []models.AlertChannel
	err = s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		all, err = tx.AlertChannels(ids)
		return err
	})
	return all, err
}

// Channel finds a channel that the actor manages.
func (s *Service) Channel(ctx context.Context, actor models.Actor, id models.ChannelID) (models.AlertChannel, error) {
	c, _, err := s.channel(ctx, actor, id)
	return c, err
}

// named says which name is taken.
func named(err error, e models.Environment, c models.AlertChannel) error {
	if fault.Is(err, fault.Conflict) {
		return fault.Wrap(err, fault.Conflict, "%s already has a channel named %s; nothing was changed.", e.Name, c.Name).WithHint("Choose another name.")
	}
	return err
}
