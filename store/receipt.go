package store

import "github.com/your-org/keeper/models"

// AddReceipt adds the receipt of a run that stands. Conflict where the run has one.
func (tx *Tx) AddReceipt(r *models.SyncReceipt) error {
	first(&r.CreatedAt, tx.Now())
	return tx.insert(r, "receipt")
}

// Receipt loads a run's; NotFound where it has none.
func (tx *Tx) Receipt(run models.RunID) (models.SyncReceipt, error) {
	return take[models.SyncReceipt](tx.db().Where("run_id = ?", run), "receipt")
}

// LastReceipt is a destination's newest; NotFound where it has none.
func (tx *Tx) LastReceipt(destination models.DestinationID) (models.SyncReceipt, error) {
	query := tx.db().Where("destination_id = ?", destination).Order("created_at DESC, run_id DESC")
	return take[models.SyncReceipt](query, "receipt")
}
