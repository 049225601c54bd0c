package audit

import (
	"context"
	"slices"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// Access says what of the log an actor may read.
type Access struct {
	Environments []models.EnvironmentID // entries of these
	Global       bool                   // and those that concern no environment
	Everything   bool                   // all there are, of environments that are gone too
}

func (a Access) none() bool { return !a.Everything && !a.Global && len(a.Environments) == 0 }

// covers reports whether all that a narrowed query may choose is of it.
func (a Access) covers(q Query) bool {
	if a.Everything {
		return true
	}
	return !a.none() && !q.Everything && (a.Global || !q.Global) &&
		!slices.ContainsFunc(q.Environments, func(id models.EnvironmentID) bool { return !slices.Contains(a.Environments, id) })
}

// Query chooses entries.
type Query = store.AuditQuery

// Around are the cursors of the pages around one.
type Around = store.Around

// Log reads the audit log.
type Log struct {
	store  *store.Store
	access func(context.Context, models.Actor) (Access, error)
}

// NewLog makes a reader; access says what an actor may see.
func NewLog(s *store.Store, access func(context.Context, models.Actor) (Access, error)) *Log {
	return &Log{store: s, access: access}
}

// List finds entries that the actor may see, newest first, and the cursors of the pages
// around them. Reading the log is on record too, and so is the refusal where the actor may
// see nothing of it.
func (l *Log) List(ctx context.Context, actor models.Actor, q Query) (entries []models.AuditEntry, around Around, err error) {
	access, err := l.permit(ctx, actor, Entry(actor, "audit.read"))
	if err != nil {
		return nil, around, err
	}
	q = narrow(q, access)
	err = l.store.Read(ctx, func(tx *store.Tx) error {
		entries, around, err = tx.Audit(q)
		return err
	})
	return entries, around, err
}

// permit is what of the log the actor may read, with an entry on record that it does, or that
// it was refused.
func (l *Log) permit(ctx context.Context, actor models.Actor, entry models.AuditEntry) (Access, error) {
	access, err := l.access(ctx, actor)
	if err != nil {
		return Access{}, err
	}
	var refusal error
	if access.none() {
		refusal = fault.New(fault.Forbidden, "You may not read the audit log.").
			WithHint("Auditors, administrators, and managers of an environment may.")
	}
	if err := l.store.Record(ctx, Ended(entry, refusal)); err != nil {
		return Access{}, fault.Wrap(err, fault.Unavailable, "The audit log cannot be written, so it was not read.").WithHint("Try again.")
	}
	return access, refusal
}

// Recent lists the newest entries that the actor may see, for the dashboard.
func (l *Log) Recent(ctx context.Context, actor models.Actor, limit int) (entries []models.AuditEntry, err error) {
	access, err := l.access(ctx, actor)
	if err != nil {
		return nil, err
	}
	q := narrow(Query{Limit: limit}, access)
	err = l.store.Read(ctx, func(tx *store.Tx) error {
		entries, _, err = tx.Audit(q)
		return err
	})
	return entries, err
}

// narrow leaves of the query what the actor may see.
func narrow(q Query, access Access) Query {
	if len(q.Environments) == 0 {
		q.Environments, q.Global, q.Everything = access.Environments, access.Global, access.Everything
		return q
	}
	q.Global, q.Everything = false, false
	if access.Everything {
		return q
	}
	q.Environments = slices.DeleteFunc(slices.Clone(q.Environments), func(id models.EnvironmentID) bool {
		return !slices.Contains(access.Environments, id)
	})
	return q
}
