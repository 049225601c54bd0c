package store

import (
	"cmp"
	"slices"
	"strconv"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/your-org/keeper/models"
)

// PutHolds keeps differences that wait for a person. One that stands already, of the same
// two versions, stays as it is with its ruling; a ruling that came while the pass was under
// way makes its state due again.
func (tx *Tx) PutHolds(holds []models.SyncHold) error {
	rows := slices.Clone(holds)
	slices.SortFunc(rows, func(a, b models.SyncHold) int { return int(a.SecretID - b.SecretID) })
	for i := range rows {
		rows[i].HeldAt, rows[i].RemoteChangedAt = micro(rows[i].HeldAt), microp(rows[i].RemoteChangedAt)
		stands, err := tx.SyncHold(rows[i].DestinationID, rows[i].SecretID)
		if err == nil && stands.Version == rows[i].Version && stands.RemoteVersion == rows[i].RemoteVersion {
			if stands.Ruling == "" {
				continue
			}
			if err := tx.markDue(rows[i].DestinationID, rows[i].SecretID); err != nil {
				return err
			}
			continue
		}
		replace := clause.OnConflict{Columns: []clause.Column{{Name: "secret_id"}, {Name: "destination_id"}}, UpdateAll: true}
		if err := tx.holds(rows[i].SecretID).Clauses(replace).Create(&rows[i]).Error; err != nil {
			return translate(err, "held difference")
		}
	}
	return nil
}

// The tables of differences: of secrets, and of groups, which stand under negative ids. A
// destination has rows in one of them.
const (
	secretHolds = "sync_holds"
	groupHolds  = "sync_group_holds"
)

// holds is the table that the difference of a secret, or of a group, stands in.
func (tx *Tx) holds(id models.SecretID) *gorm.DB {
	if _, grouped := models.GroupOf(id); grouped {
		return tx.db().Table(groupHolds)
	}
	return tx.db().Table(secretHolds)
}

// DropHolds removes differences that are none any more.
func (tx *Tx) DropHolds(destination models.DestinationID, ids []models.SecretID) error {
	if len(ids) == 0 {
		return nil
	}
	gone := tx.holds(ids[0]).Where("destination_id = ? AND secret_id IN ?", destination, ids).Delete(&models.SyncHold{})
	return translate(gone.Error, "held difference")
}

// SyncHold loads the difference that a secret has at a destination; NotFound where none
// waits for a person.
func (tx *Tx) SyncHold(destination models.DestinationID, secret models.SecretID) (models.SyncHold, error) {
	return take[models.SyncHold](tx.holds(secret).Where("secret_id = ? AND destination_id = ?", secret, destination), "held difference")
}

// HoldsOf gives the differences that wait for a person of copies by their states: that of a group
// once, under the group's id. Others of the same secrets and destinations may be among them.
func (tx *Tx) HoldsOf(states []models.SyncState) ([]models.SyncHold, error) {
	ids := map[string][]models.SecretID{}
	var destinations []models.DestinationID
	for _, s := range states {
		destinations = append(destinations, s.DestinationID)
		if s.GroupID != 0 {
			ids[groupHolds] = append(ids[groupHolds], s.GroupID.SecretID())
		} else {
			ids[secretHolds] = append(ids[secretHolds], s.SecretID)
		}
	}
	var holds []models.SyncHold
	for table, among := range ids {
		found, err := all[models.SyncHold](tx.db().Table(table).Where("destination_id IN ? AND secret_id IN ?", destinations, among), "held difference")
		if err != nil {
			return nil, err
		}
		holds = append(holds, found...)
	}
	return holds, nil
}

// VersionsHeld gives the versions that differences of secrets are about, without values. Those
// that are gone are left out.
func (tx *Tx) VersionsHeld(holds []models.SyncHold) ([]models.SecretVersion, error) {
	if len(holds) == 0 {
		return nil, nil
	}
	about := make([][]any, len(holds))
	for i, h := range holds {
		about[i] = []any{h.SecretID, h.Version}
	}
	return all[models.SecretVersion](tx.db().Omit("ciphertext").Where("(secret_id, number) IN ?", about), "version")
}

// NamedHold is a difference with the name of its secret.
type NamedHold struct {
	models.SyncHold
	SecretName string
}

// Holds lists a destination's differences that wait, by secret from after on. A group's stands
// under the first of its members, with the name that the group has at the destination.
func (tx *Tx) Holds(destination models.DestinationID, after models.SecretID, limit int) ([]NamedHold, error) {
	return tx.heldBeyond(destination, int64(after), false, limit)
}

// HoldPage is Holds in pages, with the cursors of those around it.
func (tx *Tx) HoldPage(destination models.DestinationID, text string, limit int) ([]NamedHold, Around, error) {
	from, err := parseCursor(text, "holds")
	if err != nil {
		return nil, Around{}, err
	}
	var id int64
	if from != nil {
		if id, err = from.number(); err != nil {
			return nil, Around{}, err
		}
	}
	limit = pageSize(limit)
	holds, err := tx.heldBeyond(destination, id, from.back(), limit+1)
	if err != nil {
		return nil, Around{}, err
	}
	holds, around := pageAround(holds, limit, from, func(h *NamedHold) cursor {
		return cursor{Order: "holds", ID: strconv.FormatInt(int64(h.SecretID), 10)}
	})
	return holds, around, nil
}

// heldBeyond lists differences of secrets and of groups behind an id, or before it and the
// nearest first.
func (tx *Tx) heldBeyond(destination models.DestinationID, id int64, before bool, limit int) ([]NamedHold, error) {
	query := tx.db().Table("sync_holds h").Joins("JOIN secrets s ON s.id = h.secret_id").
		Where("h.destination_id = ?", destination).Where("h.secret_id "+than(before)+" ?", id).Select("h.*, s.name AS secret_name")
	var holds []NamedHold
	if err := orderBy(query, before, "h.secret_id").Limit(limit).Scan(&holds).Error; err != nil {
		return nil, translate(err, "held difference")
	}
	groups, err := tx.heldGroups(destination, id, before, limit)
	if err != nil {
		return nil, err
	}
	holds = append(holds, groups...)
	slices.SortFunc(holds, func(a, b NamedHold) int {
		if before {
			a, b = b, a
		}
		return cmp.Compare(a.SecretID, b.SecretID)
	})
	return holds[:min(len(holds), limit)], nil
}

// than compares what lies behind something, or before it.
func than(before bool) string {
	if before {
		return "<"
	}
	return ">"
}

// CountHolds says how many differences wait for a decision, by destination. Those that
// somebody has decided wait only for the next pass and are not counted.
func (tx *Tx) CountHolds(environments []models.EnvironmentID) (map[models.DestinationID]int, error) {
	var rows []struct {
		DestinationID models.DestinationID
		N             int
	}
	counts := map[models.DestinationID]int{}
	for _, table := range []string{secretHolds, groupHolds} {
		query := tx.db().Table(table+" h").Joins("JOIN destinations d ON d.id = h.destination_id").
			Where("d.environment_id IN ? AND h.ruling = ''", environments).
			Select("h.destination_id, COUNT(*) AS n").Group("h.destination_id")
		rows = nil
		if err := query.Scan(&rows).Error; err != nil {
			return nil, translate(err, "held difference")
		}
		for _, row := range rows {
			counts[row.DestinationID] += row.N
		}
	}
	return counts, nil
}

// Rule keeps a person's decision, if the difference still is the one that the person saw,
// and makes it due. Stale where it is not; NotFound where nothing waits.
func (tx *Tx) Rule(h models.SyncHold) error {
	table := tx.holds(h.SecretID).Statement.Table
	stands, err := take[models.SyncHold](tx.locked().Table(table).Where("secret_id = ? AND destination_id = ?", h.SecretID, h.DestinationID), "held difference")
	if err != nil {
		return err
	}
	if stands.Version != h.Version || stands.RemoteVersion != h.RemoteVersion {
		return stale("difference")
	}
	now := tx.Now()
	ruled := tx.holds(h.SecretID).Where("secret_id = ? AND destination_id = ?", h.SecretID, h.DestinationID).
		UpdateColumns(map[string]any{"ruling": h.Ruling, "ruled_by": h.RuledBy, "ruled_at": now})
	if ruled.Error != nil {
		return translate(ruled.Error, "held difference")
	}
	return tx.markDue(h.DestinationID, h.SecretID)
}

// markDue has the next pass look at one secret, or group, at a destination.
func (tx *Tx) markDue(destination models.DestinationID, secret models.SecretID) error {
	if id, grouped := models.GroupOf(secret); grouped {
		done := tx.db().Model(&models.SyncGroup{}).Where("id = ?", id).UpdateColumn("dirty", true)
		return translate(done.Error, "sync group")
	}
	done := tx.db().Model(&models.SyncState{}).Where("secret_id = ? AND destination_id = ?", secret, destination).
		UpdateColumn("dirty", true)
	return translate(done.Error, "sync state")
}
