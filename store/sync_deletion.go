package store

import (
	"time"

	"github.com/your-org/keeper/models"
)

// AddDeletions keeps what was deleted at a destination, so that it can be destroyed there
// some day. Each takes the place of an earlier one of its secret there.
func (tx *Tx) AddDeletions(deletions []models.SyncDeletion) error {
	if len(deletions) == 0 {
		return nil
	}
	for _, d := range deletions {
		gone := tx.db().Where("destination_id = ? AND secret_id = ?", d.DestinationID, d.SecretID).Delete(&models.SyncDeletion{})
		if gone.Error != nil {
			return translate(gone.Error, "deletion")
		}
	}
	return tx.insert(&deletions, "deletion")
}

// Deletions lists what was deleted at a destination up to a time, the longest ago first.
func (tx *Tx) Deletions(destination models.DestinationID, upTo time.Time, limit int) ([]models.SyncDeletion, error) {
	query := tx.db().Where("destination_id = ? AND deleted_at <= ?", destination, micro(upTo)).Order("deleted_at, id").Limit(limit)
	return all[models.SyncDeletion](query, "deletion")
}

// DropDeletion forgets one; NotFound where it is gone.
func (tx *Tx) DropDeletion(id int64) error {
	done := tx.db().Where("id = ?", id).Delete(&models.SyncDeletion{})
	return affected(done.RowsAffected, translate(done.Error, "deletion"), "deletion")
}
