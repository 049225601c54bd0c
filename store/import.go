package store

import (
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/your-org/keeper/models"
)

// CreateImport adds an import with its items.
func (tx *Tx) CreateImport(i *models.Import, items []models.ImportItem) error {
	first(&i.CreatedAt, tx.Now())
	if err := tx.insert(i, "import"); err != nil || len(items) == 0 {
		return err
	}
	rows := slices.Clone(items)
	for n := range rows {
		rows[n].ImportID = i.ID
	}
	return translate(tx.db().CreateInBatches(&rows, batchSize).Error, "import")
}

// UpdateImport writes all of an import that stands, without its items.
func (tx *Tx) UpdateImport(i *models.Import) error { return tx.replace(i, "import", "created_at") }

// Import loads one by its ID.
func (tx *Tx) Import(id models.ImportID) (models.Import, error) {
	return take[models.Import](tx.db().Where("id = ?", id), "import")
}

// LockImport is Import for a transaction that changes it: until it ends, nobody else does.
func (tx *Tx) LockImport(id models.ImportID) (models.Import, error) {
	return take[models.Import](tx.locked().Where("id = ?", id), "import")
}

// ImportItemQuery says which items of an import to list. Empty fields do not narrow.
type ImportItemQuery struct {
	Status models.ImportItemStatus
	Result models.ImportResult
	Open   bool   // only what can be taken and has no result yet
	Search string // part of the name there or of the secret's, in either case
	After  int    // the number after which the page begins
	Limit  int    // 0, and more than 200: 200
}

// ImportItems lists an import's items by number.
func (tx *Tx) ImportItems(id models.ImportID, q ImportItemQuery) ([]models.ImportItem, error) {
	query := tx.importItems(id, q).Where("number > ?", q.After).Order("number").Limit(pageSize(q.Limit))
	return all[models.ImportItem](query, "import")
}

// ImportItemPage is ImportItems in pages, with the cursors of those around it; q.After does not
// count.
func (tx *Tx) ImportItemPage(id models.ImportID, q ImportItemQuery, cursor string) ([]models.ImportItem, Around, error) {
	at := func(i *models.ImportItem) int64 { return int64(i.Number) }
	return pageByNumber(tx.importItems(id, q), "import items", "number", false, cursor, q.Limit, "import", at)
}

func (tx *Tx) importItems(id models.ImportID, q ImportItemQuery) *gorm.DB {
	query := tx.db().Where("import_id = ?", id)
	if q.Status != "" {
		query = query.Where("status = ?", q.Status)
	}
	if q.Result != "" {
		query = query.Where("result = ?", q.Result)
	}
	if q.Open {
		query = query.Where(openItem)
	}
	return tx.contains(query, q.Search, "remote_name", "secret_name")
}

// openItem is an item that an import that is applied still has to deal with.
const openItem = "result = '' AND status IN ('new', 'equal', 'different')"

// ChooseImportItems settles all open items but those with the numbers as skipped, for a reason.
func (tx *Tx) ChooseImportItems(id models.ImportID, numbers []int, why string) error {
	var open []int
	query := tx.db().Model(&models.ImportItem{}).Where("import_id = ?", id).Where(openItem)
	if err := query.Pluck("number", &open).Error; err != nil {
		return translate(err, "import")
	}
	chosen := make(map[int]bool, len(numbers))
	for _, n := range numbers {
		chosen[n] = true
	}
	open = slices.DeleteFunc(open, func(n int) bool { return chosen[n] })
	for batch := range slices.Chunk(open, batchSize) {
		done := tx.db().Model(&models.ImportItem{}).Where("import_id = ? AND number IN ?", id, batch).
			UpdateColumns(map[string]any{"result": models.ResultSkipped, "why": why})
		if done.Error != nil {
			return translate(done.Error, "import")
		}
	}
	return nil
}

// SettleImportItem keeps what became of an item, unless that is known already. It reports
// whether it was not.
func (tx *Tx) SettleImportItem(i models.ImportItem) (first bool, err error) {
	done := tx.db().Model(&models.ImportItem{}).Where("import_id = ? AND number = ? AND result = ''", i.ImportID, i.Number).
		UpdateColumns(map[string]any{"result": i.Result, "adopted": i.Adopted, "why": i.Why, "hint": i.Hint, "secret_id": i.SecretID})
	return done.RowsAffected > 0, translate(done.Error, "import")
}

// CountImport sets the results among an import's counts to what its items say.
func (tx *Tx) CountImport(i *models.Import) error {
	var rows []struct {
		Result  models.ImportResult
		Adopted bool
		Pending bool
		N       int
	}
	query := tx.db().Model(&models.ImportItem{}).Where("import_id = ?", i.ID).
		Select("result, adopted, CASE WHEN " + openItem + " THEN 1 ELSE 0 END AS pending, COUNT(*) AS n").Group("result, adopted, pending")
	if err := query.Scan(&rows).Error; err != nil {
		return translate(err, "import")
	}
	c := &i.Counts
	c.Imported, c.Updated, c.Adopted, c.Skipped, c.Failed, c.Left = 0, 0, 0, 0, 0, 0
	for _, row := range rows {
		if row.Adopted {
			c.Adopted += row.N
		}
		if row.Pending {
			c.Left += row.N
		}
		switch row.Result {
		case models.ResultImported:
			c.Imported += row.N
		case models.ResultUpdated:
			c.Updated += row.N
		case models.ResultSkipped:
			c.Skipped += row.N
		case models.ResultFailed:
			c.Failed += row.N
		case models.ResultUnchanged:
		}
	}
	return nil
}

// ImportQuery says which imports to list. Empty fields do not narrow, except Environments.
type ImportQuery struct {
	Environments  []models.EnvironmentID // none: nothing is listed
	DestinationID models.DestinationID
	Cursor        string
	Limit         int // 0, and more than 200: 200
}

// Imports lists imports, the newest first, and the cursors of the pages around them.
func (tx *Tx) Imports(q ImportQuery) ([]models.Import, Around, error) {
	if len(q.Environments) == 0 {
		return nil, Around{}, nil
	}
	query := tx.db().Where("environment_id IN ?", q.Environments)
	if q.DestinationID != "" {
		query = query.Where("destination_id = ?", q.DestinationID)
	}
	return pageOf(query, newest("imports", "created_at", "id", func(row *models.Import) (time.Time, string) { return row.CreatedAt, string(row.ID) }), q.Cursor, q.Limit, "import")
}

// DeleteImportsBefore removes imports that were made before a time, and says how many went.
func (tx *Tx) DeleteImportsBefore(before time.Time) (int, error) {
	return tx.deleteImports(func(imports *gorm.DB) *gorm.DB { return imports.Where("created_at < ?", micro(before)) })
}

// deleteImports removes imports with their items; where chooses them.
func (tx *Tx) deleteImports(where func(*gorm.DB) *gorm.DB) (int, error) {
	chosen := func() *gorm.DB { return where(tx.db().Model(&models.Import{})) }
	if err := tx.db().Where("import_id IN (?)", chosen().Select("id")).Delete(&models.ImportItem{}).Error; err != nil {
		return 0, translate(err, "import")
	}
	done := chosen().Delete(&models.Import{})
	return int(done.RowsAffected), translate(done.Error, "import")
}

// StandingSecret is a secret with what is known of its current value.
type StandingSecret struct {
	ID             models.SecretID
	Name           string
	Type           models.SecretType
	CurrentVersion models.VersionNumber
	Hash           []byte // keyed, of the current value
	Deleted        bool
}

// SecretsNamed finds those secrets of an environment that have one of the names, deleted ones
// included, by name.
func (tx *Tx) SecretsNamed(environment models.EnvironmentID, names []string) (map[string]StandingSecret, error) {
	found := make(map[string]StandingSecret, len(names))
	for batch := range slices.Chunk(names, batchSize) {
		var rows []StandingSecret
		query := tx.db().Table("secrets s").
			Joins("JOIN secret_versions v ON v.secret_id = s.id AND v.number = s.current_version").
			Where("s.environment_id = ? AND s.name IN ?", environment, batch).
			Select("s.id, s.name, s.type, s.current_version, v.hash, s.deleted_at IS NOT NULL AS deleted")
		if err := query.Scan(&rows).Error; err != nil {
			return nil, translate(err, "secret")
		}
		for _, row := range rows {
			found[row.Name] = row
		}
	}
	return found, nil
}
