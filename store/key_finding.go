package store

import (
	"slices"

	"github.com/your-org/keeper/models"
)

// AddKeyFindings adds findings of runs.
func (tx *Tx) AddKeyFindings(findings []models.KeyFinding) error {
	if len(findings) == 0 {
		return nil
	}
	rows := slices.Clone(findings)
	for i := range rows {
		rows[i].ID = 0
		first(&rows[i].At, tx.Now())
		rows[i].At = micro(rows[i].At)
	}
	return translate(tx.db().CreateInBatches(&rows, batchSize).Error, "key finding")
}

// KeyFindings lists a run's findings beyond one, in the order in which they came; fewer than
// the limit (0, and more than 200: 200) are the last.
func (tx *Tx) KeyFindings(run models.KeyRunID, after int64, limit int) ([]models.KeyFinding, error) {
	query := tx.db().Where("run_id = ? AND id > ?", run, after).Order("id").Limit(pageSize(limit))
	return all[models.KeyFinding](query, "key finding")
}

// KeyFindingPage is KeyFindings in pages, with the cursors of those around it.
func (tx *Tx) KeyFindingPage(run models.KeyRunID, cursor string, limit int) ([]models.KeyFinding, Around, error) {
	query := tx.db().Where("run_id = ?", run)
	return pageByNumber(query, "key findings", "id", false, cursor, limit, "key finding", func(f *models.KeyFinding) int64 { return f.ID })
}

// CountKeyFindings says how many findings of each kind a run has.
func (tx *Tx) CountKeyFindings(run models.KeyRunID) (damaged, unknown int64, err error) {
	var counts []struct {
		Kind models.KeyFindingKind
		N    int64
	}
	err = tx.db().Model(&models.KeyFinding{}).Select("kind, COUNT(*) AS n").Where("run_id = ?", run).Group("kind").Scan(&counts).Error
	for _, c := range counts {
		switch c.Kind {
		case models.FindingDamaged:
			damaged = c.N
		case models.FindingUnknown:
			unknown = c.N
		}
	}
	return damaged, unknown, translate(err, "key finding")
}
