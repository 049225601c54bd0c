package store

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// slot is what an open alert of an environment, kind and subject has to itself.
func slot(environment models.EnvironmentID, kind models.AlertKind, subject string) string {
	sum := sha256.Sum256([]byte(strconv.FormatInt(int64(environment), 10) + "\n" + string(kind) + "\n" + subject))
	return hex.EncodeToString(sum[:])
}

// OpenAlert adds an alert, unless one of its environment, kind and subject is open; it
// reports whether it did. Two that do it at once open one.
func (tx *Tx) OpenAlert(a *models.Alert) (bool, error) {
	a.Slot = slot(a.EnvironmentID, a.Kind, a.Subject)
	first(&a.OpenedAt, tx.Now())
	first(&a.LastSeenAt, a.OpenedAt)
	first(&a.NotifiedAt, a.OpenedAt)
	a.OpenedAt, a.LastSeenAt, a.NotifiedAt = micro(a.OpenedAt), micro(a.LastSeenAt), micro(a.NotifiedAt)
	if err := tx.db().Clauses(clause.OnConflict{DoNothing: true}).Create(a).Error; err != nil {
		return false, translate(err, "alert")
	}
	// MySQL does not say whether it did nothing.
	stands, err := tx.LockOpenAlert(a.EnvironmentID, a.Kind, a.Subject)
	if fault.Is(err, fault.NotFound) {
		return false, nil // the other one is over by now
	}
	return stands.ID == a.ID, err
}

// OpenAlertFor is the open alert of an environment, kind and subject; NotFound where none
// is open.
func (tx *Tx) OpenAlertFor(environment models.EnvironmentID, kind models.AlertKind, subject string) (models.Alert, error) {
	return take[models.Alert](tx.db().Where("slot = ?", slot(environment, kind, subject)), "alert")
}

// LockOpenAlert is OpenAlertFor for a transaction that changes the alert.
func (tx *Tx) LockOpenAlert(environment models.EnvironmentID, kind models.AlertKind, subject string) (models.Alert, error) {
	return take[models.Alert](tx.locked().Where("slot = ?", slot(environment, kind, subject)), "alert")
}

// SeeAlert keeps that an open alert still holds, with what is said of it now.
func (tx *Tx) SeeAlert(a *models.Alert) error {
	return tx.replace(a, "alert", "environment_id", "kind", "subject", "slot", "opened_at", "resolved_at", "notified_at")
}

// ResolveAlert ends an open alert; its place is free for another.
func (tx *Tx) ResolveAlert(a *models.Alert, at time.Time) error {
	a.ResolvedAt, a.Slot = microp(&at), string(a.ID)
	done := tx.db().Model(&models.Alert{}).Where("id = ? AND resolved_at IS NULL", a.ID).
		UpdateColumns(map[string]any{"resolved_at": a.ResolvedAt, "slot": a.Slot})
	return affected(done.RowsAffected, translate(done.Error, "alert"), "open alert")
}

// LockAlertsToRemind are up to limit alerts that are open and of which nobody was told since
// a time, for a transaction that tells.
func (tx *Tx) LockAlertsToRemind(since time.Time, limit int) ([]models.Alert, error) {
	query := tx.locked().Where("resolved_at IS NULL AND notified_at <= ?", micro(since)).Order("notified_at, id")
	return all[models.Alert](query.Limit(limit), "alert")
}

// TouchAlert keeps when people were last told of an alert.
func (tx *Tx) TouchAlert(id models.AlertID, at time.Time) error {
	done := tx.db().Model(&models.Alert{}).Where("id = ?", id).UpdateColumn("notified_at", micro(at))
	return affected(done.RowsAffected, translate(done.Error, "alert"), "alert")
}

// Alert loads one by its ID.
func (tx *Tx) Alert(id models.AlertID) (models.Alert, error) {
	return take[models.Alert](tx.db().Where("id = ?", id), "alert")
}

// AlertQuery says which alerts to list. Empty fields do not narrow, except Environments.
type AlertQuery struct {
	Environments []models.EnvironmentID // none: nothing is listed
	Kind         models.AlertKind
	Except       []models.AlertKind
	Subject      string
	Open         bool // only those that still hold
	Cursor       string
	Limit        int // 0, and more than 200: 200
}

// Alerts lists alerts, the newest first, and the cursors of the pages around them.
func (tx *Tx) Alerts(q AlertQuery) ([]models.Alert, Around, error) {
	if len(q.Environments) == 0 {
		return nil, Around{}, nil
	}
	query := tx.db().Where("environment_id IN ?", q.Environments)
	if q.Kind != "" {
		query = query.Where("kind = ?", q.Kind)
	}
	if len(q.Except) > 0 {
		query = query.Where("kind NOT IN ?", q.Except)
	}
	if q.Subject != "" {
		query = query.Where("subject = ?", q.Subject)
	}
	if q.Open {
		query = query.Where("resolved_at IS NULL")
	}
	return pageOf(query, newest("alerts", "opened_at", "id", func(row *models.Alert) (time.Time, string) { return row.OpenedAt, string(row.ID) }), q.Cursor, q.Limit, "alert")
}

// DeleteAlertsBefore removes alerts that were over before a time, with their notices, and
// says how many went. One with a notice that is still to be delivered stays.
func (tx *Tx) DeleteAlertsBefore(before time.Time) (int, error) {
	pending := tx.db().Model(&models.Notice{}).Select("1").Where("alert_notices.alert_id = alerts.id AND status = ?", models.NoticePending)
	ids, err := all[models.AlertID](tx.db().Model(&models.Alert{}).Select("id").
		Where("resolved_at < ? AND NOT EXISTS (?)", micro(before), pending).Order("id").Limit(maxPage), "alert")
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	return tx.deleteAlerts(func(query *gorm.DB) *gorm.DB { return query.Where("id IN ?", ids) })
}

func (tx *Tx) deleteAlerts(where func(*gorm.DB) *gorm.DB) (int, error) {
	chosen := where(tx.db().Model(&models.Alert{}).Select("id"))
	if err := tx.db().Where("alert_id IN (?)", chosen).Delete(&models.Notice{}).Error; err != nil {
		return 0, translate(err, "alert")
	}
	done := where(tx.db()).Delete(&models.Alert{})
	return int(done.RowsAffected), translate(done.Error, "alert")
}

// deleteAlertsOf removes an environment's alerts and channels. Conflict where one of the
// channels tells of the other environments too: they would fall silent unseen.
func (tx *Tx) deleteAlertsOf(environment models.EnvironmentID) error {
	channels, err := tx.AlertChannels([]models.EnvironmentID{environment})
	if err != nil {
		return err
	}
	for _, c := range channels {
		if c.Everywhere {
			return fault.New(fault.Conflict, "The environment's channel %s tells of alerts in all environments.", c.Name).
				WithHint("Make one like it in another environment, and delete it here first.")
		}
	}
	if _, err := tx.deleteAlerts(func(query *gorm.DB) *gorm.DB { return query.Where("environment_id = ?", environment) }); err != nil {
		return err
	}
	for _, c := range channels {
		if err := tx.DeleteAlertChannel(c.ID); err != nil {
			return err
		}
	}
	return nil
}

// FailingSecrets are the names of the first limit secrets, by name, that failed at a
// destination at least so many times in a row, and how many there are. Each status is a range
// of an index: a pass asks at its end, while other writers wait.
func (tx *Tx) FailingSecrets(destination models.DestinationID, attempts, limit int) ([]string, int, error) {
	return tx.namesOf(tx.db().Model(&models.SyncState{}).Select("secret_id").
		Where("destination_id = ? AND status IN ? AND attempts >= ?", destination, models.SyncStatuses, attempts), limit)
}

// WaitingSecrets are the names of the first limit secrets, by name, that are in conflict at a
// destination or have a difference there that nobody has decided, and how many there are. It
// reads the few that wait and not all to find them, for which a CROSS JOIN keeps its order.
func (tx *Tx) WaitingSecrets(destination models.DestinationID, limit int) ([]string, int, error) {
	return tx.namesOf(tx.db().Raw("SELECT secret_id FROM sync_states WHERE destination_id = ? AND status = ?"+
		" UNION SELECT st.secret_id FROM sync_holds h CROSS JOIN sync_states st"+
		" WHERE h.destination_id = ? AND h.ruling = '' AND st.secret_id = h.secret_id AND st.destination_id = h.destination_id"+
		" UNION SELECT st.secret_id FROM "+groupHolds+" h CROSS JOIN sync_states st"+
		" WHERE h.destination_id = ? AND h.ruling = '' AND st.group_id = -h.secret_id",
		destination, models.StatusConflict, destination, destination), limit)
}

// namesOf are the names of the first limit secrets, by name, that a query chooses by id, and how
// many it chooses.
func (tx *Tx) namesOf(chosen *gorm.DB, limit int) ([]string, int, error) {
	var total int64
	if err := tx.db().Table("(?) AS chosen", chosen).Count(&total).Error; err != nil || total == 0 {
		return nil, 0, translate(err, "sync state")
	}
	names, err := all[string](tx.db().Model(&models.Secret{}).Select("name").
		Where("id IN (?)", chosen).Order("name").Limit(limit), "secret")
	return names, int(total), err
}
