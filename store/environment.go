package store

import (
	"database/sql"

	"gorm.io/gorm"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// CreateEnvironment adds an environment at revision 1 and sets its ID. Conflict where the
// name is taken.
func (tx *Tx) CreateEnvironment(e *models.Environment) error {
	first(&e.CreatedAt, tx.Now())
	e.UpdatedAt, e.Revision, e.KeyGeneration = e.CreatedAt, 1, 1
	return tx.insert(e, "environment")
}

// UpdateEnvironment writes all but the name, which never changes. Stale where the revision
// is not the expected one (0: whichever it is); e bears the new one afterwards. Another
// wrapping key is a new key generation.
func (tx *Tx) UpdateEnvironment(e *models.Environment, expected int64) error {
	stands, err := take[models.Environment](tx.locked().Where("id = ?", e.ID), "environment")
	if err != nil {
		return err
	}
	if expected != 0 && expected != stands.Revision {
		return stale("environment")
	}
	e.Revision, e.UpdatedAt, e.KeyGeneration = stands.Revision+1, tx.Now(), stands.KeyGeneration
	if e.KMSKeyAlias != stands.KMSKeyAlias {
		e.KeyGeneration++
	}
	return tx.replace(e, "environment", "name", "created_at")
}

// Environment loads one by its ID.
func (tx *Tx) Environment(id models.EnvironmentID) (models.Environment, error) {
	return scanEnvironment(tx.row(environmentByID, int64(id)))
}

// EnvironmentByName loads one by its name.
func (tx *Tx) EnvironmentByName(name string) (models.Environment, error) {
	return scanEnvironment(tx.row(environmentByName, name))
}

const selectEnvironment = "SELECT id, name, display_name, description, kms_key_alias, key_generation, color, protected, revision, created_at, updated_at " +
	"FROM environments WHERE "

var (
	environmentByID   = newQuery(selectEnvironment + "id = ?")
	environmentByName = newQuery(selectEnvironment + "name = ?")
)

func scanEnvironment(row *sql.Row) (e models.Environment, err error) {
	err = row.Scan((*int64)(&e.ID), &e.Name, &e.DisplayName, &e.Description, &e.KMSKeyAlias, &e.KeyGeneration, &e.Color, &e.Protected, &e.Revision, &e.CreatedAt, &e.UpdatedAt)
	return e, translate(err, "environment")
}

// Environments lists those with the IDs, or all where ids is nil, by name.
func (tx *Tx) Environments(ids *[]models.EnvironmentID) ([]models.Environment, error) {
	query := tx.db().Order("name")
	if ids != nil {
		query = query.Where("id IN ?", *ids)
	}
	return all[models.Environment](query, "environment")
}

// DeleteEnvironment removes an environment with its memberships, groups' roles, alerts, channels, keys,
// recipients, drills and key runs with their findings and jobs. Conflict while it has secrets,
// deleted ones included, destinations, or a channel that tells of other environments.
func (tx *Tx) DeleteEnvironment(id models.EnvironmentID) error {
	if _, err := take[models.Environment](tx.locked().Where("id = ?", id), "environment"); err != nil {
		return err
	}
	for _, child := range []any{&models.Secret{}, &models.Destination{}} {
		var n int64
		if err := tx.db().Model(child).Where("environment_id = ?", id).Limit(1).Count(&n).Error; err != nil {
			return translate(err, "environment")
		}
		if n > 0 {
			return fault.New(fault.Conflict, "The environment still has secrets (deleted ones count) or destinations.").
				WithHint("Delete its secrets and its destinations first; a deleted secret is gone when it can no longer be undeleted.")
		}
	}
	if err := tx.deleteAlertsOf(id); err != nil {
		return err
	}
	if err := tx.deleteKeysOf(id); err != nil {
		return err
	}
	for _, child := range []any{&models.DataKey{}, &models.Recipient{}, &models.KeyDrill{}, &models.Membership{}, &models.GroupRole{}} {
		if err := tx.db().Where("environment_id = ?", id).Delete(child).Error; err != nil {
			return translate(err, "environment")
		}
	}
	return translate(tx.db().Where("id = ?", id).Delete(&models.Environment{}).Error, "environment")
}

// deleteKeysOf removes what hangs on an environment's data keys and key runs, and those runs.
func (tx *Tx) deleteKeysOf(id models.EnvironmentID) error {
	of := func(model any) *gorm.DB { return tx.db().Model(model).Select("id").Where("environment_id = ?", id) }
	runs := func() *gorm.DB { return of(&models.KeyRun{}) }
	steps := []error{
		tx.db().Where("data_key_id IN (?)", of(&models.DataKey{})).Delete(&models.WrappedKey{}).Error,
		tx.db().Where("environment_id = ? OR run_id IN (?)", id, runs()).Delete(&models.KeyFinding{}).Error,
		tx.db().Where("? IN (?)", theKey.Column, runs()).Delete(&models.Job{}).Error,
		tx.db().Where("environment_id = ?", id).Delete(&models.KeyRun{}).Error,
	}
	for _, err := range steps {
		if err != nil {
			return translate(err, "environment")
		}
	}
	return nil
}
