package destinations

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"slices"
	"time"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	keepersync "github.com/your-org/keeper/sync"
)

const (
	quotaLook   = time.Second      // between looks at who else uses a quota
	quotaRenew  = 5 * time.Second  // between two times that a replica says that it does
	quotaLife   = 15 * time.Second // how long one that died is counted
	quotaIdle   = 5 * time.Second  // without a call, until a replica gives its part back
	quotaSettle = 2 * quotaLook    // until all others have seen one that came

	// quotaUnknown is the part of who does not know yet whether others are there: that of one
	// who came to one other.
	quotaUnknown = 1.0 / 8
)

// Quotas shares the quotas that destinations publish among the replicas on one database:
// of those at work in a scope each keeps to its equal part of the limiter's share, and one
// that is alone has the whole. Whoever works in a scope says so in the database, under a
// lease, and looks there who else does. Where no such scope is in use the database is not
// asked.
type Quotas struct {
	store   *store.Store
	limiter *keepersync.Limiter
	now     func() time.Time
	log     *slog.Logger

	replica string
	begun   <-chan struct{}
	leases  map[string]*quotaLease // by scope
	away    bool                   // that the database does not answer was told
}

// quotaLease is what this replica said of a scope.
type quotaLease struct {
	joined  time.Time // since when it stands without a gap
	renewed time.Time
}

// NewQuotas makes the limiter one of those that share. Call Run, or the limiter stays at the
// small part that it begins with.
func NewQuotas(s *store.Store, limiter *keepersync.Limiter, now func() time.Time, log *slog.Logger) *Quotas {
	return &Quotas{
		store: s, limiter: limiter, now: now, log: log,
		replica: models.NewID("rep"), begun: limiter.Share(quotaUnknown), leases: map[string]*quotaLease{},
	}
}

// Run shares until the context ends, and then gives this replica's part back.
func (q *Quotas) Run(ctx context.Context) {
	ticker := time.NewTicker(quotaLook)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			q.tick(context.WithoutCancel(ctx), nil)
			return
		case <-ticker.C:
		case <-q.begun:
		}
		q.tick(ctx, q.limiter.Used(quotaIdle))
	}
}

// tick settles what is this replica's in the scopes that it uses. Where the database does not
// answer all stays as it was: nobody is alone for that.
func (q *Quotas) tick(ctx context.Context, used []string) {
	err := q.share(ctx, used)
	switch {
	case err == nil:
		q.away = q.away && len(used) == 0 // then it may not have been asked
	case !q.away && ctx.Err() == nil:
		q.away = true
		q.log.LogAttrs(ctx, slog.LevelWarn, "which replicas share a quota is not known; each keeps to the part that it had", slog.Any("error", err))
	}
}

func (q *Quotas) share(ctx context.Context, used []string) error {
	ctx, cancel := context.WithTimeout(ctx, quotaRenew)
	defer cancel()
	if err := q.leave(ctx, used); err != nil || len(used) == 0 {
		return err
	}
	if err := q.renew(ctx, used); err != nil {
		return err
	}
	return q.look(ctx, used)
}

// leave gives back what is not used any more.
func (q *Quotas) leave(ctx context.Context, used []string) error {
	var left []string
	for scope := range q.leases {
		if !slices.Contains(used, scope) {
			left = append(left, slot(scope))
			delete(q.leases, scope)
			q.limiter.Leave(scope)
		}
	}
	if len(left) == 0 {
		return nil
	}
	return q.store.Write(ctx, func(tx *store.Tx) error { return tx.LeaveQuotas(left, q.replica) })
}

// renew says that this replica uses scopes, where that is due. It is committed before anybody
// looks: of two that come at once, one at least sees the other.
func (q *Quotas) renew(ctx context.Context, used []string) error {
	now := q.now()
	var due, slots []string
	for _, scope := range used {
		if l := q.leases[scope]; l == nil || now.Sub(l.renewed) >= quotaRenew {
			due, slots = append(due, scope), append(slots, slot(scope))
		}
	}
	if len(due) == 0 {
		return nil
	}
	err := q.store.Write(ctx, func(tx *store.Tx) error { return tx.UseQuotas(slots, q.replica, now.Add(quotaLife)) })
	if err != nil {
		return err
	}
	for _, scope := range due {
		l := q.leases[scope]
		if l == nil || now.Sub(l.renewed) >= quotaLife { // the others have forgotten it
			l = &quotaLease{joined: q.now()}
			q.leases[scope] = l
		}
		l.renewed = now
	}
	return nil
}

// look takes this replica's part of each scope.
func (q *Quotas) look(ctx context.Context, used []string) error {
	now := q.now()
	slots := make([]string, len(used))
	for i, scope := range used {
		slots[i] = slot(scope)
	}
	var others map[string]int
	err := q.store.Read(ctx, func(tx *store.Tx) (err error) {
		others, err = tx.OtherQuotaUsers(slots, q.replica, now)
		return err
	})
	if err != nil {
		return err
	}
	for i, scope := range used {
		q.limiter.SetPart(scope, partOf(others[slots[i]], now.Sub(q.leases[scope].joined)))
	}
	return nil
}

// partOf is the part of a replica beside others that came to a scope so long ago. Until the
// others have seen it, they use the whole without it; all that come at once use less than a
// quarter more.
func partOf(others int, since time.Duration) float64 {
	part := 1 / float64(others+1)
	if others > 0 && since < quotaSettle {
		return part / 4
	}
	return part
}

// slot names a scope in the database, in 64 digits however long it is. A scope can hold the
// id of an access key, and credentials are stored sealed.
func slot(scope string) string {
	sum := sha256.Sum256([]byte(scope))
	return hex.EncodeToString(sum[:])
}
