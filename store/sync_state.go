package store

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/your-org/keeper/models"
)

// batchSize bounds the rows of one statement.
const batchSize = 200

// MarkDirty tells every destination of the secret's environment that the secret changed: its
// state becomes source_changed, due at once. Call it after the change to the secret's own row
// in the same transaction (RecordSync counts on that order).
func (tx *Tx) MarkDirty(id models.SecretID) error {
	now := tx.Now()
	_, err := tx.exec("sync state", markSecret, now, now, int64(id))
	return err
}

// MarkDirtyEnvironment is MarkDirty for every secret of an environment that is not deleted.
func (tx *Tx) MarkDirtyEnvironment(id models.EnvironmentID) error {
	now := tx.Now()
	_, err := tx.exec("sync state", markEnvironment, now, now, int64(id))
	return err
}

var (
	markSecret      = markDirty("s.id = ?")
	markEnvironment = markDirty("s.environment_id = ? AND s.deleted_at IS NULL")
)

// markDirty sets since before status, which it looks at.
func markDirty(where string) query {
	return newUpsert(
		"INSERT INTO sync_states (secret_id, destination_id, remote_name, status, since, dirty, base_version, "+
			"base_remote_version, intent_version, attempts, last_error, last_hint, updated_at) "+
			"SELECT s.id, d.id, '', 'source_changed', ?time, TRUE, 0, '', 0, 0, '', '', ?time "+
			"FROM secrets s JOIN destinations d ON d.environment_id = s.environment_id WHERE "+where,
		"secret_id, destination_id",
		"since = CASE WHEN sync_states.status = 'source_changed' THEN sync_states.since ELSE excluded.since END, "+
			"status = 'source_changed', dirty = TRUE, attempts = 0, next_try_at = NULL, updated_at = excluded.updated_at")
}

// SyncEntry is one secret as a destination should hold it, with what is known of it there.
type SyncEntry struct {
	SecretID       models.SecretID
	Name           string
	Type           models.SecretType // of the current version
	CurrentVersion models.VersionNumber
	Size           int
	Hash           []byte // keyed hash of the current value
	Deleted        bool
	Released       bool              // what stood there was given back
	ValueAt        time.Time         // when the current version became current
	State          *models.SyncState // nil: never looked at
	Hold           *models.SyncHold  // nil: no difference waits for a person; else what a ruling needs of it
}

// SyncEntries lists what a pass over a destination has to look at, by secret ID from after
// on: all secrets of its environment, or only those that are due at now (changed, to be tried
// again, or never looked at). Deleted secrets are among them while they have a state.
func (tx *Tx) SyncEntries(
	destination models.DestinationID, dueOnly bool, now time.Time, after models.SecretID, limit int,
) ([]SyncEntry, error) {
	query := tx.entries(destination, dueOnly, now).
		Joins("JOIN secret_versions v ON v.secret_id = s.id AND v.number = s.current_version").
		Joins("LEFT JOIN sync_holds h ON h.secret_id = s.id AND h.destination_id = d.id").
		Joins("LEFT JOIN sync_releases rl ON rl.secret_id = s.id AND rl.destination_id = d.id").
		Where("s.id > ?", after).
		Select("s.id AS secret_id, s.name, v.type, s.current_version, v.size, v.hash, "+
			"s.deleted_at IS NOT NULL AS deleted, rl.secret_id IS NOT NULL AS released, s.value_changed_at, h.version AS held_version, h.remote_version, h.ruling, "+
			"st.secret_id IS NOT NULL AS looked_at, "+stateColumns, false).
		Order("s.id").Limit(limit)
	rows, err := query.Rows()
	if err != nil {
		return nil, translate(err, "sync state")
	}
	defer func() { _ = rows.Close() }()
	var entries []SyncEntry
	for rows.Next() {
		entry, err := scanEntry(rows, destination)
		if err != nil {
			return nil, translate(err, "sync state")
		}
		entries = append(entries, entry)
	}
	return entries, translate(rows.Err(), "sync state")
}

// entries is the query behind SyncEntries and CountEntries.
func (tx *Tx) entries(destination models.DestinationID, dueOnly bool, now time.Time) *gorm.DB {
	query := tx.db().Table("secrets s").
		Joins("JOIN destinations d ON d.environment_id = s.environment_id AND d.id = ?", destination).
		Joins("LEFT JOIN sync_states st ON st.secret_id = s.id AND st.destination_id = d.id").
		Where("s.deleted_at IS NULL OR st.secret_id IS NOT NULL")
	if dueOnly {
		query = query.Where("st.secret_id IS NULL OR st.dirty = ? OR st.next_try_at <= ?", true, micro(now))
	}
	return query
}

// CountEntries says how many entries SyncEntries would list in all.
func (tx *Tx) CountEntries(destination models.DestinationID, dueOnly bool, now time.Time) (int, error) {
	var n int64
	err := tx.entries(destination, dueOnly, now).Count(&n).Error
	return int(n), translate(err, "sync state")
}

// SyncWork is what a pass over a destination has before it, as far as the database can tell.
type SyncWork struct{ Entries, Creates, Updates, Deletes int }

// CountWork says what a pass over a destination has before it: over everything, or over what
// is due at now.
func (tx *Tx) CountWork(destination models.DestinationID, dueOnly bool, now time.Time) (SyncWork, error) {
	const sum = "COALESCE(SUM(CASE WHEN %s THEN 1 ELSE 0 END), 0) AS %s"
	var work SyncWork
	err := tx.entries(destination, dueOnly, now).Select("COUNT(*) AS entries, " +
		fmt.Sprintf(sum, "s.deleted_at IS NULL AND COALESCE(st.base_version, 0) = 0", "creates") + ", " +
		fmt.Sprintf(sum, "s.deleted_at IS NULL AND st.base_version > 0 AND st.base_version <> s.current_version", "updates") + ", " +
		fmt.Sprintf(sum, "s.deleted_at IS NOT NULL AND st.base_version > 0", "deletes")).Scan(&work).Error
	return work, translate(err, "sync state")
}

// NextWaiting is the earliest time at which a secret is due at a destination that did not fail
// there and had to wait; nil where there is none.
func (tx *Tx) NextWaiting(destination models.DestinationID) (*time.Time, error) {
	states, err := tx.nextTry(destination, "attempts = 0")
	if err != nil || len(states) == 0 {
		return nil, err
	}
	return states[0].NextTryAt, nil
}

// NextFailed is the state of the secret that failed at a destination and is the first to be tried
// again, and whether there is one.
func (tx *Tx) NextFailed(destination models.DestinationID) (state models.SyncState, there bool, err error) {
	states, err := tx.nextTry(destination, "attempts > 0")
	if err != nil || len(states) == 0 {
		return state, false, err
	}
	return states[0], true, nil
}

func (tx *Tx) nextTry(destination models.DestinationID, which string) ([]models.SyncState, error) {
	query := tx.db().Where("destination_id = ? AND next_try_at IS NOT NULL", destination).Where(which).Order("next_try_at, secret_id").Limit(1)
	return all[models.SyncState](query, "sync state")
}

// RetryAll makes everything that failed at a destination due at once.
func (tx *Tx) RetryAll(destination models.DestinationID, now time.Time) error {
	failed := func(what any) *gorm.DB {
		return tx.db().Model(what).Where("destination_id = ? AND attempts > 0 AND next_try_at > ?", destination, micro(now))
	}
	due := map[string]any{"next_try_at": micro(now)}
	if done := failed(&models.SyncState{}).Where("group_id = 0").UpdateColumns(due); done.Error != nil {
		return translate(done.Error, "sync state")
	}
	return translate(failed(&models.SyncGroup{}).UpdateColumns(due).Error, "sync group")
}

const stateColumns = "COALESCE(st.remote_name, ''), COALESCE(st.status, ''), st.since, COALESCE(st.dirty, ?), st.base_hash, " +
	"COALESCE(st.base_version, 0), COALESCE(st.base_remote_version, ''), st.base_at, st.intent_hash, " +
	"COALESCE(st.intent_version, 0), st.intent_at, COALESCE(st.attempts, 0), st.next_try_at, " +
	"COALESCE(st.last_error, ''), COALESCE(st.last_hint, ''), st.updated_at"

func scanEntry(rows interface{ Scan(...any) error }, destination models.DestinationID) (SyncEntry, error) {
	var e SyncEntry
	var lookedAt bool
	var since, updated *time.Time
	var st models.SyncState
	var held *models.VersionNumber
	var heldRemote, ruling *string
	err := rows.Scan(&e.SecretID, &e.Name, &e.Type, &e.CurrentVersion, &e.Size, &e.Hash, &e.Deleted, &e.Released, &e.ValueAt,
		&held, &heldRemote, &ruling, &lookedAt,
		&st.RemoteName, &st.Status, &since, &st.Dirty, &st.BaseHash, &st.BaseVersion, &st.BaseRemoteVersion, &st.BaseAt,
		&st.IntentHash, &st.IntentVersion, &st.IntentAt, &st.Attempts, &st.NextTryAt, &st.LastError, &st.LastHint, &updated)
	if err == nil && held != nil {
		e.Hold = &models.SyncHold{
			SecretID: e.SecretID, DestinationID: destination, Version: *held, RemoteVersion: *heldRemote, Ruling: models.Side(*ruling),
		}
	}
	if err != nil || !lookedAt {
		return e, err
	}
	st.SecretID, st.DestinationID = e.SecretID, destination
	st.Since, st.UpdatedAt = *since, *updated
	e.State = &st
	return e, nil
}

// SetIntents keeps what is about to be written, so that after a crash Keeper knows its own
// hand: of each state the name there, the base and the intent. It makes a state row where
// there is none.
func (tx *Tx) SetIntents(intents []models.SyncState) error {
	now := tx.Now()
	rows := slices.Clone(intents)
	for i := range rows {
		rows[i].Status, rows[i].Dirty, rows[i].Since, rows[i].UpdatedAt = models.StatusSourceChanged, true, now, now
	}
	slices.SortFunc(rows, byKey)
	return tx.upsertStates(rows, clause.AssignmentColumns([]string{
		"remote_name", "base_hash", "base_version", "base_remote_version", "base_at",
		"intent_hash", "intent_version", "intent_at", "updated_at",
	}))
}

// SyncOutcome is a state after a pass looked at the secret as it was at Version.
type SyncOutcome struct {
	State   models.SyncState     // in full; Dirty is not read
	Version models.VersionNumber // counts only where the secret is not Deleted
	Deleted bool
	Forget  bool // the state has served: the secret is deleted, and gone there
}

// RecordSync keeps the outcomes of a pass. Where the secret changed since (its current
// version or whether it is deleted), the state stays source_changed, dirty and due. Secrets
// that were purged are passed over, and so is what was adopted since the pass read it. All
// outcomes are of one destination.
func (tx *Tx) RecordSync(outcomes []SyncOutcome) error {
	now := tx.Now()
	for batch := range slices.Chunk(outcomes, batchSize) {
		ids := make([]models.SecretID, len(batch))
		for i := range batch {
			ids[i] = batch[i].State.SecretID
		}
		// The lock comes before the states are written, as in a change (secret, then
		// MarkDirty): whoever comes second sees what the first did, and no wake-up is lost.
		secrets, err := all[models.Secret](tx.locked().Select("id, current_version, deleted_at").
			Where("id IN ?", ids).Order("id"), "secret")
		if err != nil {
			return err
		}
		if batch, err = tx.notAdopted(batch); err != nil {
			return err
		}
		states := make([]models.SyncState, 0, len(batch))
		for i := range batch {
			at := slices.IndexFunc(secrets, func(s models.Secret) bool { return s.ID == batch[i].State.SecretID })
			if at < 0 {
				continue
			}
			state := settled(batch[i], &secrets[at], now)
			if !batch[i].Forget || state.Dirty {
				states = append(states, state)
			} else if err := tx.DeleteSyncState(state.DestinationID, state.SecretID); err != nil {
				return err
			}
		}
		slices.SortFunc(states, byKey)
		if err := tx.upsertStates(states, nil); err != nil {
			return err
		}
	}
	return nil
}

// settled is the state to keep after an outcome, given the secret as it is now.
func settled(outcome SyncOutcome, secret *models.Secret, now time.Time) models.SyncState {
	state := outcome.State
	state.UpdatedAt = now
	state.Dirty = secret.Deleted() != outcome.Deleted || !outcome.Deleted && secret.CurrentVersion != outcome.Version
	if state.Dirty {
		if state.Status != models.StatusSourceChanged {
			state.Status, state.Since = models.StatusSourceChanged, now
		}
		state.Attempts, state.NextTryAt = 0, nil
	}
	return state
}

// upsertStates writes states; of those that stand, the columns of updates, or all.
func (tx *Tx) upsertStates(rows []models.SyncState, updates clause.Set) error {
	if len(rows) == 0 {
		return nil
	}
	for i := range rows {
		rows[i].Since, rows[i].BaseAt = micro(rows[i].Since), microp(rows[i].BaseAt)
		rows[i].IntentAt, rows[i].NextTryAt = microp(rows[i].IntentAt), microp(rows[i].NextTryAt)
	}
	conflict := clause.OnConflict{
		Columns:   []clause.Column{{Name: "secret_id"}, {Name: "destination_id"}},
		DoUpdates: updates, UpdateAll: updates == nil,
	}
	return translate(tx.db().Clauses(conflict).CreateInBatches(&rows, batchSize).Error, "sync state")
}

func byKey(a, b models.SyncState) int {
	if a.SecretID != b.SecretID {
		return int(a.SecretID - b.SecretID)
	}
	return strings.Compare(string(a.DestinationID), string(b.DestinationID))
}

// DeleteSyncState forgets a secret at a destination; that there is none is no error.
func (tx *Tx) DeleteSyncState(destination models.DestinationID, secret models.SecretID) error {
	gone := tx.db().Where("secret_id = ? AND destination_id = ?", secret, destination).Delete(&models.SyncState{})
	return translate(gone.Error, "sync state")
}

// StatesOfSecrets lists the states of secrets, by secret and destination.
func (tx *Tx) StatesOfSecrets(ids []models.SecretID) ([]models.SyncState, error) {
	query := tx.db().Where("secret_id IN ?", ids).Order("secret_id, destination_id")
	return all[models.SyncState](query, "sync state")
}

// StateCount is how many secrets are in a status at a destination. Failing ones, whose last
// try did not succeed, are counted apart.
type StateCount struct {
	DestinationID models.DestinationID
	Status        models.SyncStatus
	Failing       bool
	N             int
}

// CountStates counts by destination and status. Each count is a range of an index, since the
// first page that people see counts every copy.
func (tx *Tx) CountStates(environments []models.EnvironmentID) (counts []StateCount, err error) {
	statuses := make([]string, len(models.SyncStatuses))
	for i, status := range models.SyncStatuses {
		statuses[i] = fmt.Sprintf("SELECT '%s' AS status", status)
	}
	const count = "(SELECT COUNT(*) FROM sync_states st WHERE st.destination_id = d.id AND st.status = s.status AND st.attempts %s 0)"
	var rows []struct {
		DestinationID    models.DestinationID
		Status           models.SyncStatus
		Steady, Attempts int
	}
	err = tx.db().Table("destinations d").Joins("CROSS JOIN ("+strings.Join(statuses, " UNION ALL ")+") s").
		Where("d.environment_id IN ?", environments).Order("d.id, s.status").
		Select("d.id AS destination_id, s.status, " + fmt.Sprintf(count, "<=") + " AS steady, " + fmt.Sprintf(count, ">") + " AS attempts").Scan(&rows).Error
	for _, row := range rows {
		// A failure alone counts an attempt, and says why.
		for failing, n := range []int{row.Steady, row.Attempts} {
			if n > 0 {
				counts = append(counts, StateCount{DestinationID: row.DestinationID, Status: row.Status, Failing: failing == 1, N: n})
			}
		}
	}
	return counts, translate(err, "sync state")
}

// StateFilter chooses states by how they stand. Empty fields do not narrow.
type StateFilter struct {
	Statuses []models.SyncStatus
	Failing  *bool // the last try did not succeed
	Paused   *bool // the destination is paused
}

func (f StateFilter) empty() bool { return len(f.Statuses) == 0 && f.Failing == nil && f.Paused == nil }

// standing narrows a query over sync_states st.
func (tx *Tx) standing(query *gorm.DB, f StateFilter) *gorm.DB {
	if len(f.Statuses) > 0 {
		query = query.Where("st.status IN ?", f.Statuses)
	}
	if f.Failing != nil {
		attempts := map[bool]string{true: "st.attempts > 0", false: "st.attempts = 0"} // a failure alone counts an attempt
		query = query.Where(attempts[*f.Failing])
	}
	if f.Paused != nil {
		paused := tx.db().Model(&models.Destination{}).Select("id").Where("paused = ?", *f.Paused)
		query = query.Where("st.destination_id IN (?)", paused)
	}
	return query
}

// StateQuery says which states to list. Empty fields do not narrow, except Environments.
type StateQuery struct {
	Environments  []models.EnvironmentID // none: nothing is listed
	DestinationID models.DestinationID
	StateFilter
	Search string            // part of the secret's name, in either case
	Among  []models.SecretID // only of these, where it is not nil
	Cursor string
	Limit  int // 0, and more than 200: 200
}

// NamedState is a state with the secret that it is about.
type NamedState struct {
	models.SyncState
	SecretName    string
	EnvironmentID models.EnvironmentID
	Deleted       bool
}

// ListStates lists states by the secret's name, and the cursors of the pages around them.
func (tx *Tx) ListStates(q StateQuery) ([]NamedState, Around, error) {
	if len(q.Environments) == 0 {
		return nil, Around{}, nil
	}
	from, err := parseCursor(q.Cursor, "states")
	if err != nil {
		return nil, Around{}, err
	}
	standing, err := tx.standingFew(q.Environments, q.DestinationID, q.StateFilter)
	if err != nil {
		return nil, Around{}, err
	}
	query := tx.within(tx.db().Table("sync_states st").Joins("JOIN secrets s ON s.id = st.secret_id"), "s", q.Environments, q.Among, standing).
		Select("st.*, s.name AS secret_name, s.environment_id, s.deleted_at IS NOT NULL AS deleted")
	query = orderBy(query, from.back(), "s.name", "st.secret_id", "st.destination_id")
	if q.DestinationID != "" {
		query = query.Where("st.destination_id = ?", q.DestinationID)
	}
	query, err = statesBeyond(tx.contains(tx.standing(query, q.StateFilter), q.Search, "s.name"), from)
	if err != nil {
		return nil, Around{}, err
	}
	limit := pageSize(q.Limit)
	var rows []NamedState
	if err := query.Limit(limit + 1).Scan(&rows).Error; err != nil {
		return nil, Around{}, translate(err, "sync state")
	}
	rows, around := pageAround(rows, limit, from, func(s *NamedState) cursor {
		id := strconv.FormatInt(int64(s.SecretID), 10) + ":" + string(s.DestinationID)
		return cursor{Order: "states", Key: s.SecretName, ID: id}
	})
	return rows, around, nil
}

// standingFew are the secrets of the states that a filter chooses at a destination, or at all of
// environments; nil where they are many, or neither filter nor destination narrows.
func (tx *Tx) standingFew(environments []models.EnvironmentID, at models.DestinationID, f StateFilter) ([]models.SecretID, error) {
	if f.empty() && at == "" {
		return nil, nil
	}
	query := tx.db().Table("sync_states st")
	if at != "" {
		query = query.Where("st.destination_id = ?", at)
	} else {
		query = query.Where("st.destination_id IN (?)", tx.destinationsIn(environments))
	}
	return few(tx.standing(query, f), "st.secret_id", "sync state")
}

func (tx *Tx) destinationsIn(environments []models.EnvironmentID) *gorm.DB {
	return tx.db().Model(&models.Destination{}).Select("id").Where("environment_id IN ?", environments)
}

// statesBeyond keeps the states on the side of a cursor that it leads to.
func statesBeyond(query *gorm.DB, at *cursor) (*gorm.DB, error) {
	if at == nil {
		return query, nil
	}
	secret, destination, found := strings.Cut(at.ID, ":")
	id, err := strconv.ParseInt(secret, 10, 64)
	if err != nil || !found {
		return nil, badCursor()
	}
	beyond := strings.ReplaceAll("s.name > ? OR (s.name = ? AND (st.secret_id > ? OR (st.secret_id = ? AND st.destination_id > ?)))", ">", than(at.Back))
	return query.Where(beyond, at.Key, at.Key, id, id, destination), nil
}

// SyncState loads what is known of a secret at a destination.
func (tx *Tx) SyncState(destination models.DestinationID, secret models.SecretID) (models.SyncState, error) {
	return take[models.SyncState](tx.db().Where("secret_id = ? AND destination_id = ?", secret, destination), "sync state")
}
