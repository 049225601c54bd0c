package store

import (
	"time"

	"github.com/your-org/keeper/models"
)

// AddReceipt adds the receipt of a run that stands. Conflict where the run has one.
func (tx *Tx) AddReceipt(r *models.SyncReceipt) error {
	first(&r.CreatedAt, tx.Now())
	return tx.insert(r, "receipt")
}

// Receipt loads a run's; NotFound where it has none.
func (tx *Tx) Receipt(run models.RunID) (models.SyncReceipt, error) {
	return take[models.SyncReceipt](tx.db().Where("run_id = ?", run), "receipt")
}

// ReceiptQuery says which receipts of a destination to list.
type ReceiptQuery struct {
	DestinationID models.DestinationID
	Whole         *bool // over everything, or over a part; nil: both
	Cursor        string
	Limit         int // 0, and more than 200: 200
}

// Receipts lists a destination's, the newest first, and the cursors of the pages around them.
func (tx *Tx) Receipts(q ReceiptQuery) ([]models.SyncReceipt, Around, error) {
	order := newest("receipts", "created_at", "run_id", func(r *models.SyncReceipt) (time.Time, string) { return r.CreatedAt, string(r.RunID) })
	query := tx.db().Where("destination_id = ?", q.DestinationID)
	if q.Whole != nil {
		query = query.Where("whole = ?", *q.Whole)
	}
	return pageOf(query, order, q.Cursor, q.Limit, "receipt")
}
