package store

import (
	"time"

	"gorm.io/gorm"

	"github.com/your-org/keeper/models"
)

// CreatePlan adds a plan without its items.
func (tx *Tx) CreatePlan(p *models.Plan) error {
	first(&p.CreatedAt, tx.Now())
	return tx.insert(p, "plan")
}

// UpdatePlan writes all of a plan that stands.
func (tx *Tx) UpdatePlan(p *models.Plan) error { return tx.replace(p, "plan", "created_at") }

// Plan loads one by its ID.
func (tx *Tx) Plan(id models.PlanID) (models.Plan, error) {
	return take[models.Plan](tx.db().Where("id = ?", id), "plan")
}

// LockPlan is Plan for a transaction that changes it: until it ends, nobody else does.
func (tx *Tx) LockPlan(id models.PlanID) (models.Plan, error) {
	return take[models.Plan](tx.locked().Where("id = ?", id), "plan")
}

// AddPlanItems adds items of a plan.
func (tx *Tx) AddPlanItems(items []models.PlanItem) error {
	if len(items) == 0 {
		return nil
	}
	rows := append([]models.PlanItem(nil), items...)
	return translate(tx.db().CreateInBatches(&rows, batchSize).Error, "plan item")
}

// PlanItemQuery says which items of a plan to list. Empty fields do not narrow.
type PlanItemQuery struct {
	Action   models.SyncAction // that is intended and can be done
	Problems bool              // only what cannot be done, or could not be decided
	After    models.SecretID   // 0: from the first, which is a group's where a secret's is not
	Limit    int
}

// PlanItems lists a plan's items by secret.
func (tx *Tx) PlanItems(id models.PlanID, q PlanItemQuery) ([]models.PlanItem, error) {
	query := tx.planItems(id, q).Order("secret_id").Limit(q.Limit)
	if q.After != 0 {
		query = query.Where("secret_id > ?", q.After)
	}
	return all[models.PlanItem](query, "plan item")
}

// PlanItemPage is PlanItems in pages, with the cursors of those around it; q.After does not count.
func (tx *Tx) PlanItemPage(id models.PlanID, q PlanItemQuery, cursor string) ([]models.PlanItem, Around, error) {
	at := func(i *models.PlanItem) int64 { return int64(i.SecretID) }
	return pageByNumber(tx.planItems(id, q), "plan items", "secret_id", false, cursor, q.Limit, "plan item", at)
}

func (tx *Tx) planItems(id models.PlanID, q PlanItemQuery) *gorm.DB {
	query := tx.db().Where("plan_id = ?", id)
	if q.Action != "" {
		query = query.Where("action = ? AND problem = ''", q.Action)
	}
	if q.Problems {
		query = query.Where("problem <> ''")
	}
	return query
}

// PlanQuery says which plans to list. Empty fields do not narrow, except Environments.
type PlanQuery struct {
	Environments  []models.EnvironmentID // none: nothing is listed
	DestinationID models.DestinationID
	Status        models.PlanStatus
	Cursor        string
	Limit         int // 0, and more than 200: 200
}

// Plans lists plans, the newest first, and the cursors of the pages around them.
func (tx *Tx) Plans(q PlanQuery) ([]models.Plan, Around, error) {
	if len(q.Environments) == 0 {
		return nil, Around{}, nil
	}
	query := tx.db().Where("environment_id IN ?", q.Environments)
	if q.DestinationID != "" {
		query = query.Where("destination_id = ?", q.DestinationID)
	}
	if q.Status != "" {
		query = query.Where("status = ?", q.Status)
	}
	return pageOf(query, newest("plans", "created_at", "id", func(row *models.Plan) (time.Time, string) { return row.CreatedAt, string(row.ID) }), q.Cursor, q.Limit, "plan")
}

// DiscardHeldPlans ends a destination's held plans but for one: a newer look took their place.
func (tx *Tx) DiscardHeldPlans(destination models.DestinationID, but models.PlanID) error {
	now := tx.Now()
	done := tx.db().Model(&models.Plan{}).Where("destination_id = ? AND status = ? AND id <> ?", destination, models.PlanHeld, but).
		UpdateColumns(map[string]any{"status": models.PlanDiscarded, "decided_at": now, "decided_by": "system"})
	return translate(done.Error, "plan")
}

// DeletePlansBefore removes plans that were made before a time and are not being applied, and
// says how many went.
func (tx *Tx) DeletePlansBefore(before time.Time) (int, error) {
	return tx.deletePlans(func(plans *gorm.DB) *gorm.DB {
		return plans.Where("created_at < ? AND status NOT IN ?", micro(before), []models.PlanStatus{models.PlanApplying, models.PlanHeld})
	})
}

// DeletePlan removes one with its items.
func (tx *Tx) DeletePlan(id models.PlanID) error {
	_, err := tx.deletePlans(func(plans *gorm.DB) *gorm.DB { return plans.Where("id = ?", id) })
	return err
}

// HeldPlan is a destination's newest plan that the brake holds; NotFound where there is none.
func (tx *Tx) HeldPlan(destination models.DestinationID) (models.Plan, error) {
	query := tx.db().Where("destination_id = ? AND status = ?", destination, models.PlanHeld).Order("created_at DESC, id DESC")
	return take[models.Plan](query, "plan")
}

// deletePlans removes plans with their items; where chooses them.
func (tx *Tx) deletePlans(where func(*gorm.DB) *gorm.DB) (int, error) {
	chosen := func() *gorm.DB { return where(tx.db().Model(&models.Plan{})) }
	if err := tx.db().Where("plan_id IN (?)", chosen().Select("id")).Delete(&models.PlanItem{}).Error; err != nil {
		return 0, translate(err, "plan")
	}
	done := chosen().Delete(&models.Plan{})
	return int(done.RowsAffected), translate(done.Error, "plan")
}
