package auth

import (
	"context"
	"strconv"
	"time"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// Environment loads an environment in which the actor may do the action. A refusal is
// recorded; an environment that the actor may not see does not exist for it.
func Environment(ctx context.Context, s *store.Store, actor models.Actor, action Action, id models.EnvironmentID) (models.Environment, error) {
	var (
		e   models.Environment
		now time.Time
	)
	err := s.Read(ctx, func(tx *store.Tx) (err error) {
		now = tx.Now()
		e, err = tx.Environment(id)
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return e, Absent(ctx, s, actor, action, NoEnvironment(strconv.FormatInt(int64(id), 10)))
	}
	if err != nil {
		return e, err
	}
	if err := CheckAt(actor, action, e, now); err != nil {
		if fault.Is(err, fault.NotFound) {
			err = NoEnvironment(strconv.FormatInt(int64(id), 10))
		}
		return e, audit.Refused(ctx, s, audit.OnEnvironment(actor, string(action), e), err)
	}
	return e, nil
}

// NoEnvironment is the answer for an environment that is not there, or not for the actor.
func NoEnvironment(named string) error {
	return fault.New(fault.NotFound, "There is no environment %s.", named).WithHint("List the environments to see which there are.")
}

// Absent is the answer to an actor that asked for an environment which is not there. For
// whoever may not see them all it is on record, as one that is hidden from it is: the two take
// the same time, and trying names leaves a trace. What was asked for is not kept, which may be
// anything.
func Absent(ctx context.Context, s *store.Store, actor models.Actor, action Action, answer error) error {
	if Can(actor, ViewEnvironment, anywhere) {
		return answer
	}
	entry := audit.Entry(actor, string(action))
	entry.ObjectKind = "environment"
	return audit.Refused(ctx, s, entry, answer)
}
