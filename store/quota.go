package store

import (
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/your-org/keeper/models"
)

// UseQuotas says that a replica makes calls in scopes until a time, instead of what it said
// of them before.
func (tx *Tx) UseQuotas(scopes []string, replica string, until time.Time) error {
	if len(scopes) == 0 {
		return nil
	}
	rows := make([]models.QuotaUser, len(scopes))
	for i, scope := range scopes {
		rows[i] = models.QuotaUser{Scope: scope, Replica: replica, LeaseUntil: micro(until)}
	}
	renewing := clause.OnConflict{
		Columns:   []clause.Column{{Name: "scope"}, {Name: "replica"}},
		DoUpdates: clause.AssignmentColumns([]string{"lease_until"}),
	}
	return translate(tx.db().Clauses(renewing).Create(&rows).Error, "quota")
}

// OtherQuotaUsers counts by scope the replicas besides the given one that use it at now. A
// scope that nobody else uses is not in it.
func (tx *Tx) OtherQuotaUsers(scopes []string, replica string, now time.Time) (map[string]int, error) {
	type count struct {
		Scope string
		N     int
	}
	query := usersOf(tx.db(), scopes).Where("replica <> ? AND lease_until > ?", replica, micro(now))
	counts, err := all[count](query.Select("scope, COUNT(*) AS n").Group("scope"), "quota")
	others := make(map[string]int, len(counts))
	for _, c := range counts {
		others[c.Scope] = c.N
	}
	return others, err
}

// LeaveQuotas ends what a replica said of scopes. That it said nothing is no error.
func (tx *Tx) LeaveQuotas(scopes []string, replica string) error {
	return translate(usersOf(tx.db(), scopes).Where("replica = ?", replica).Delete(&models.QuotaUser{}).Error, "quota")
}

func usersOf(query *gorm.DB, scopes []string) *gorm.DB {
	return query.Model(&models.QuotaUser{}).Where("scope IN ?", scopes)
}

// DeleteQuotaUsersBefore removes what replicas that are gone said until a time, and says how
// many rows that were.
func (tx *Tx) DeleteQuotaUsersBefore(at time.Time) (int, error) {
	done := tx.db().Where("lease_until < ?", micro(at)).Delete(&models.QuotaUser{})
	return int(done.RowsAffected), translate(done.Error, "quota")
}
