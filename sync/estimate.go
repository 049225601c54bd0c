package sync

import (
	"time"

	"github.com/your-org/keeper/models"
)

// costs is which calls an action takes at most, the look that confirms it aside: a write looks at
// what stands before it and after it, and what came back may be written over.
var costs = map[models.SyncAction][]Family{
	models.ActionCreate: {FamilyCreate, FamilyDescribe}, models.ActionUpdate: {FamilyPut, FamilyDescribe, FamilyDescribe},
	models.ActionRepair: {FamilyBatchGet, FamilyPut, FamilyDescribe, FamilyDescribe}, models.ActionMark: {FamilyTag, FamilyDescribe},
	models.ActionRestore: {FamilyRestore, FamilyDescribe, FamilyBatchGet, FamilyPut, FamilyDescribe, FamilyDescribe},
	models.ActionDelete:  {FamilyDelete, FamilyDescribe}, models.ActionTake: {FamilyBatchGet, FamilyBatchGet},
	models.ActionTune: {FamilyPut, FamilyTag, FamilyDescribe},
}

// Estimate says how many calls of each family a run takes that does so many actions over so
// many entries, and how long that lasts at the rate that the destination's quota and the
// limiter's share allow: 0 where the destination publishes no quota.
func Estimate(d Driver, share float64, entries int, actions map[models.SyncAction]int) (calls map[Family]int, lasts time.Duration) {
	var quota Quota
	if quoted, ok := as[Quoted](d); ok {
		quota = quoted.Quota()
	}
	calls = map[Family]int{FamilyList: 1 + entries/max(quota.PageSize, 1)}
	if quota.PageSize <= 0 {
		calls[FamilyList] = 1
	}
	for action, n := range actions {
		families := costs[action]
		if len(families) == 0 || n == 0 {
			continue
		}
		calls[FamilyDescribe] += n
		for _, family := range families {
			calls[family] += n
		}
	}
	for family, n := range calls {
		if published := quota.Rates[family]; published > 0 && share > 0 {
			lasts = max(lasts, time.Duration(float64(n)/(published*share)*float64(time.Second)))
		}
	}
	return calls, lasts
}
