package store

import (
	"time"

	"github.com/your-org/keeper/models"
)

// CreateAlertChannel adds a channel at revision 1. Conflict where the environment has one of
// that name.
func (tx *Tx) CreateAlertChannel(c *models.AlertChannel) error {
	first(&c.CreatedAt, tx.Now())
	c.UpdatedAt, c.Revision = c.CreatedAt, 1
	if err := tx.holdDataKey(c.SecretKeyID); err != nil {
		return err
	}
	return tx.insert(c, "channel")
}

// UpdateAlertChannel writes the settings: not the environment, nor the kind, the creation
// and how deliveries went. Stale where the revision is not the expected one (0: whichever it
// is); c bears the new one afterwards.
func (tx *Tx) UpdateAlertChannel(c *models.AlertChannel, expected int64) error {
	where := tx.locked().Model(&models.AlertChannel{}).Where("id = ?", c.ID)
	return tx.revised(where, "channel", expected, func(next int64) error {
		c.Revision, c.UpdatedAt = next, tx.Now()
		if err := tx.holdDataKey(c.SecretKeyID); err != nil {
			return err
		}
		return tx.replace(c, "channel", "environment_id", "kind", "created_at", "created_by", "delivered_at", "last_error")
	})
}

// AlertChannel loads one by its ID.
func (tx *Tx) AlertChannel(id models.ChannelID) (models.AlertChannel, error) {
	return take[models.AlertChannel](tx.db().Where("id = ?", id), "channel")
}

// AlertChannels lists those that belong to the environments, by environment and name.
func (tx *Tx) AlertChannels(environments []models.EnvironmentID) ([]models.AlertChannel, error) {
	query := tx.db().Where("environment_id IN ?", environments).Order("environment_id, name")
	return all[models.AlertChannel](query, "channel")
}

// AlertChannelsFor lists the enabled channels that an environment's alerts may go to: its
// own, and those of others that tell of all. None of them goes until the transaction ends.
func (tx *Tx) AlertChannelsFor(environment models.EnvironmentID) ([]models.AlertChannel, error) {
	query := tx.locked().Where("enabled = ? AND (environment_id = ? OR everywhere = ?)", true, environment, true)
	return all[models.AlertChannel](query.Order("id"), "channel")
}

// EnvironmentOfEverywhere is the environment of the oldest enabled channel that tells of all.
func (tx *Tx) EnvironmentOfEverywhere() (models.EnvironmentID, error) {
	channel, err := take[models.AlertChannel](tx.db().Where("enabled = ? AND everywhere = ?", true, true).Order("created_at, id"), "channel")
	return channel.EnvironmentID, err
}

// SetChannelHealth keeps how the last delivery ended ("": it arrived, at a time); it leaves
// the revision alone.
func (tx *Tx) SetChannelHealth(id models.ChannelID, at time.Time, problem string) error {
	health := map[string]any{"last_error": problem}
	if problem == "" {
		health["delivered_at"] = micro(at)
	}
	done := tx.db().Model(&models.AlertChannel{}).Where("id = ?", id).UpdateColumns(health)
	return affected(done.RowsAffected, translate(done.Error, "channel"), "channel")
}

// DeleteAlertChannel removes a channel with its notices and its job.
func (tx *Tx) DeleteAlertChannel(id models.ChannelID) error {
	if _, err := take[models.AlertChannel](tx.locked().Where("id = ?", id), "channel"); err != nil {
		return err
	}
	steps := []error{
		tx.db().Where("channel_id = ?", id).Delete(&models.Notice{}).Error,
		keyed(tx.db(), string(id)).Delete(&models.Job{}).Error,
		tx.db().Where("id = ?", id).Delete(&models.AlertChannel{}).Error,
	}
	for _, err := range steps {
		if err != nil {
			return translate(err, "channel")
		}
	}
	return nil
}

// AddNotices leaves notices to be delivered.
func (tx *Tx) AddNotices(notices []models.Notice) error {
	if len(notices) == 0 {
		return nil
	}
	rows := append([]models.Notice(nil), notices...)
	for i := range rows {
		first(&rows[i].CreatedAt, tx.Now())
		first(&rows[i].NextTryAt, rows[i].CreatedAt)
	}
	return tx.insert(&rows, "notice")
}

// ToldChannels are the channels that an alert's notices went to.
func (tx *Tx) ToldChannels(id models.AlertID) ([]models.ChannelID, error) {
	return all[models.ChannelID](tx.db().Model(&models.Notice{}).Where("alert_id = ?", id).
		Distinct("channel_id").Order("channel_id"), "notice")
}

// PendingNotices lists a channel's notices that are to be delivered, the oldest first.
func (tx *Tx) PendingNotices(channel models.ChannelID, limit int) ([]models.Notice, error) {
	query := tx.db().Where("channel_id = ? AND status = ?", channel, models.NoticePending).Order("id").Limit(limit)
	return all[models.Notice](query, "notice")
}

// UpdateNotice keeps how a notice's delivery went.
func (tx *Tx) UpdateNotice(n *models.Notice) error {
	return tx.replace(n, "notice", "uid", "alert_id", "channel_id", "occasion", "body", "created_at")
}

// Notices lists an alert's notices, the oldest first.
func (tx *Tx) Notices(id models.AlertID, limit int) ([]models.Notice, error) {
	return all[models.Notice](tx.db().Where("alert_id = ?", id).Order("id").Limit(pageSize(limit)), "notice")
}

// AlertChannelsWithSecret lists the channels that have a secret, by ID, of one environment or
// (0) of all.
func (tx *Tx) AlertChannelsWithSecret(environment models.EnvironmentID) ([]models.AlertChannel, error) {
	query := tx.db().Where("secret_key_id <> ?", "").Order("id")
	if environment != 0 {
		query = query.Where("environment_id = ?", environment)
	}
	return all[models.AlertChannel](query, "channel")
}

// ResealChannel is ResealVersion for the secret of a channel. It is a new revision, so that
// nobody who loaded the channel before writes the old seal back.
func (tx *Tx) ResealChannel(
	c models.ChannelID, oldKey models.DataKeyID, old []byte, newKey models.DataKeyID, ciphertext []byte,
) (bool, error) {
	if err := tx.holdDataKey(newKey); err != nil {
		return false, err
	}
	n, err := tx.exec("channel", resealChannel, string(newKey), ciphertext, string(c), string(oldKey), old)
	return n > 0, err
}

var resealChannel = newQuery("UPDATE alert_channels SET secret_key_id = ?, secret = ?, revision = revision + 1 " +
	"WHERE id = ? AND secret_key_id = ? AND secret = ?")
