package store

import (
	"database/sql"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// SyncGroupMember is one secret that shares an entry at a destination with others, and what its
// state there says.
type SyncGroupMember struct {
	SecretID models.SecretID
	Name     string
	Type     models.SecretType    // of the current version, as are the next three
	Version  models.VersionNumber //
	Size     int
	Hash     []byte // keyed hash of the value
	Deleted  bool
	Known    bool // there is a state; else it was never looked at, and the rest is zero
	GroupID  models.SyncGroupID
	Dirty    bool
	Status   models.SyncStatus
	Since    *time.Time

	Base              models.VersionNumber // that was last written there; 0: none
	BaseHash          []byte
	BaseRemoteVersion string
	BaseAt            *time.Time
}

// SyncGroupMembers lists all secrets of a destination's environment by ID, in one query. Deleted
// ones are among them while they have a state.
func (tx *Tx) SyncGroupMembers(destination models.DestinationID) ([]SyncGroupMember, error) {
	query := tx.entries(destination, false, time.Time{}).
		Joins("JOIN secret_versions v ON v.secret_id = s.id AND v.number = s.current_version").
		Select("s.id, s.name, v.type, s.current_version, v.size, v.hash, s.deleted_at IS NOT NULL, st.secret_id IS NOT NULL, "+
			"COALESCE(st.group_id, 0), COALESCE(st.dirty, ?), COALESCE(st.status, ''), st.since, "+
			"COALESCE(st.base_version, 0), st.base_hash, COALESCE(st.base_remote_version, ''), st.base_at", false).
		Order("s.id")
	rows, err := query.Rows()
	if err != nil {
		return nil, translate(err, "sync state")
	}
	defer func() { _ = rows.Close() }()
	var members []SyncGroupMember
	for rows.Next() {
		var m SyncGroupMember
		err := rows.Scan(&m.SecretID, &m.Name, &m.Type, &m.Version, &m.Size, &m.Hash, &m.Deleted, &m.Known,
			&m.GroupID, &m.Dirty, &m.Status, &m.Since, &m.Base, &m.BaseHash, &m.BaseRemoteVersion, &m.BaseAt)
		if err != nil {
			return nil, translate(err, "sync state")
		}
		members = append(members, m)
	}
	return members, translate(rows.Err(), "sync state")
}

// SyncGroups lists a destination's groups, those without members too, by ID.
func (tx *Tx) SyncGroups(destination models.DestinationID) ([]models.SyncGroup, error) {
	return all[models.SyncGroup](tx.db().Where("destination_id = ?", destination).Order("id"), "sync group")
}

// SyncGroup loads one.
func (tx *Tx) SyncGroup(id models.SyncGroupID) (models.SyncGroup, error) {
	return take[models.SyncGroup](tx.db().Where("id = ?", id), "sync group")
}

// GroupOfSecret is the group that a secret belongs to at a destination; NotFound where it was
// not written there yet.
func (tx *Tx) GroupOfSecret(destination models.DestinationID, secret models.SecretID) (models.SyncGroup, error) {
	member := tx.db().Model(&models.SyncState{}).Select("group_id").Where("secret_id = ? AND destination_id = ?", secret, destination)
	return take[models.SyncGroup](tx.db().Where("destination_id = ? AND id = (?)", destination, member), "sync group")
}

// CreateSyncGroup adds a group, due, and gives it its ID; Conflict where the folder has one.
func (tx *Tx) CreateSyncGroup(g *models.SyncGroup) error {
	now := tx.Now()
	g.Version, g.Dirty, g.ChangedAt, g.Since, g.UpdatedAt = 1, true, now, now, now
	return tx.insert(g, "sync group")
}

// MoveGroup makes a group's Hash and Size those of its next version, due. Stale where g.Version
// is not the current one.
func (tx *Tx) MoveGroup(g *models.SyncGroup) error {
	now := tx.Now()
	done := tx.db().Model(&models.SyncGroup{}).Where("id = ? AND version = ?", g.ID, g.Version).UpdateColumns(map[string]any{
		"version": g.Version + 1, "hash": orNull(g.Hash), "size": g.Size, "changed_at": now, "dirty": true, "updated_at": now,
	})
	if done.Error != nil {
		return translate(done.Error, "sync group")
	}
	if done.RowsAffected == 0 {
		return stale("sync group")
	}
	g.Version, g.ChangedAt, g.Dirty, g.UpdatedAt = g.Version+1, now, true, now
	return nil
}

func orNull(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}

// CountDueGroups says how many groups of a destination are due at now for what is no change of
// a member: a decision, or a failure that may be tried again.
func (tx *Tx) CountDueGroups(destination models.DestinationID, now time.Time) (int, error) {
	var n int64
	err := tx.db().Model(&models.SyncGroup{}).
		Where("destination_id = ? AND (dirty = ? OR next_try_at <= ?)", destination, true, micro(now)).Count(&n).Error
	return int(n), translate(err, "sync group")
}

// VersionsOfSecrets loads the current versions of secrets with their ciphertexts, in the
// order of their IDs.
func (tx *Tx) VersionsOfSecrets(ids []models.SecretID) ([]models.SecretVersion, error) {
	current := tx.db().Model(&models.Secret{}).Select("current_version").Where("secrets.id = secret_versions.secret_id")
	query := tx.db().Where("secret_id IN ? AND number = (?)", ids, current).Order("secret_id")
	return all[models.SecretVersion](query, "version")
}

// SetGroupIntents is SetIntents for groups.
func (tx *Tx) SetGroupIntents(intents []models.SyncState) error {
	now := tx.Now()
	for _, s := range intents {
		id, _ := models.GroupOf(s.SecretID)
		done := tx.db().Model(&models.SyncGroup{}).Where("id = ?", id).UpdateColumns(map[string]any{
			"base_hash": orNull(s.BaseHash), "base_version": s.BaseVersion, "base_remote_version": s.BaseRemoteVersion, "base_at": microp(s.BaseAt),
			"intent_hash": orNull(s.IntentHash), "intent_version": s.IntentVersion, "intent_at": microp(s.IntentAt), "dirty": true, "updated_at": now,
		})
		if done.Error != nil {
			return translate(done.Error, "sync group")
		}
	}
	return nil
}

// GroupOutcome is what a pass did about a group, and about those of its members whose states
// differ from the others'.
type GroupOutcome struct {
	SyncOutcome
	Members []SyncOutcome
}

// RecordGroup keeps an outcome: the group's state, and the same in the states of its members.
// A group whose members changed since stays due, and so does each member that did.
func (tx *Tx) RecordGroup(o GroupOutcome) error {
	id, _ := models.GroupOf(o.State.SecretID)
	if _, err := tx.SyncGroup(id); fault.Is(err, fault.NotFound) {
		return nil // the destination was removed
	}
	if err := tx.RecordSync(o.Members); err != nil { // locks the secrets first, as their changes do
		return err
	}
	g, err := take[models.SyncGroup](tx.locked().Where("id = ?", id), "sync group")
	if err != nil {
		return err
	}
	state := o.State
	state.UpdatedAt = tx.Now()
	state.Since, state.BaseAt, state.IntentAt, state.NextTryAt = micro(state.Since), microp(state.BaseAt), microp(state.IntentAt), microp(state.NextTryAt)
	switch state.Dirty = g.Version != o.Version; {
	case state.Dirty:
		state.Attempts, state.NextTryAt = 0, nil
	case o.Forget:
		state = models.SyncState{Since: state.UpdatedAt, UpdatedAt: state.UpdatedAt}
	}
	g.SetState(state)
	if err := tx.replace(&g, "sync group"); err != nil {
		return err
	}
	return tx.repeatState(g)
}

// repeatState gives those members of a group that did not change the state of the group.
func (tx *Tx) repeatState(g models.SyncGroup) error {
	if g.Status == "" {
		return nil
	}
	_, err := tx.exec("sync state", repeatGroup, string(g.Status), g.Since, string(g.Status), g.RemoteName, g.BaseRemoteVersion, g.Attempts,
		nullTime(g.NextTryAt), g.LastError, g.LastHint, g.UpdatedAt, int64(g.ID), false)
	return err
}

// repeatGroup sets since before status, which it looks at.
var repeatGroup = newQuery("UPDATE sync_states SET since = CASE WHEN status = ? THEN since ELSE ?time END, status = ?, remote_name = ?, " +
	"base_remote_version = CASE WHEN base_version > 0 THEN ? ELSE base_remote_version END, attempts = ?, next_try_at = ?time, " +
	"last_error = ?, last_hint = ?, updated_at = ?time WHERE group_id = ? AND dirty = ?")

func nullTime(t *time.Time) sql.NullTime {
	if t == nil {
		return sql.NullTime{}
	}
	return sql.NullTime{Time: *t, Valid: true}
}

// GroupHolds lists what a ruling needs of a destination's groups that differ.
func (tx *Tx) GroupHolds(destination models.DestinationID) ([]models.SyncHold, error) {
	return all[models.SyncHold](tx.db().Table(groupHolds).Where("destination_id = ?", destination), "held difference")
}

// heldGroups lists differences of groups, each under the first secret whose entry it is: those
// behind a given one, or before it and the nearest first.
func (tx *Tx) heldGroups(destination models.DestinationID, id int64, before bool, limit int) ([]NamedHold, error) {
	held := tx.db().Table(groupHolds+" h").Select("-h.secret_id").Where("h.destination_id = ?", destination)
	firsts := tx.db().Model(&models.SyncState{}).Select("group_id, MIN(secret_id) AS secret_id").
		Where("destination_id = ? AND group_id IN (?)", destination, held).Group("group_id")
	query := tx.db().Table("(?) m", firsts).Joins("JOIN sync_groups g ON g.id = m.group_id").
		Joins("JOIN "+groupHolds+" h ON h.secret_id = -g.id AND h.destination_id = g.destination_id").
		Where("m.secret_id "+than(before)+" ?", id).
		Select("m.secret_id, h.destination_id, h.status, h.why, h.version, h.remote_version, h.remote_hash, h.remote_size, " +
			"h.remote_changed_at, h.held_at, h.ruling, h.ruled_by, h.ruled_at, g.remote_name AS secret_name")
	var holds []NamedHold
	err := translate(orderBy(query, before, "m.secret_id").Limit(limit).Scan(&holds).Error, "held difference")
	return holds, err
}
