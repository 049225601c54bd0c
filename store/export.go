package store

import (
	"github.com/your-org/keeper/models"
)

// CurrentRow is a secret with its current version, ciphertext included.
type CurrentRow struct {
	Secret  models.Secret
	Version models.SecretVersion
}

// CurrentVersions is a page of an environment's secrets that are not deleted, with their
// current versions: those whose names begin with a prefix, by name, from after on.
func (tx *Tx) CurrentVersions(environment models.EnvironmentID, prefix, after string, limit int) ([]CurrentRow, error) {
	// Names are ASCII without the tilde, which sorts behind all that they may hold.
	rows, err := tx.conn.QueryContext(tx.ctx, currentPage.in(tx.s.options.Dialect), int64(environment), prefix, prefix+"~", after, limit)
	if err != nil {
		return nil, translate(err, "secret")
	}
	defer func() { _ = rows.Close() }()
	var page []CurrentRow
	for rows.Next() {
		s, v, err := scanCurrent(rows)
		if err != nil {
			return nil, err
		}
		page = append(page, CurrentRow{s, v})
	}
	return page, translate(rows.Err(), "secret")
}

var currentPage = newQuery(selectCurrent +
	"s.environment_id = ? AND s.deleted_at IS NULL AND s.name >= ? AND s.name < ? AND s.name > ? ORDER BY s.name LIMIT ?")

// AppendAudits adds entries in this transaction, as AppendAudit does.
func (tx *Tx) AppendAudits(entries []models.AuditEntry) error {
	requests := make([]request, len(entries))
	for i := range entries {
		tx.s.complete(&entries[i])
		requests[i].entry = &entries[i]
	}
	return insertEntries(tx, len(requests), func(i int) *request { return &requests[i] })
}
