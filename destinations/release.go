package destinations

import (
	"context"
	"time"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	keepersync "github.com/your-org/keeper/sync"
)

// released is a copy on its way out of Keeper's hands.
type released struct {
	models.SyncRelease
	secret models.Secret
	before models.SyncState
}

// Release takes Keeper's hands off a secret's copy at a destination: the mark comes off, the
// value stays, and the name is foreign from then on, until somebody adopts it again or removes
// what stands there. That is on record first, so that a pass which begins before the mark is off
// leaves it alone; where the process ends in between, the next pass takes the mark off.
func (s *Service) Release(ctx context.Context, actor models.Actor, id models.DestinationID, secretID models.SecretID) error {
	d, e, err := s.destination(ctx, actor, auth.ManageDestination, id)
	if err != nil {
		return err
	}
	driver, err := s.driver(ctx, e, d)
	if err != nil {
		return err
	}
	r, err := s.recordRelease(ctx, actor, d, e, secretID)
	if err != nil {
		return err
	}
	_, unmarkErr := driver.Unmark(ctx, r.RemoteName, s.markOf(d, secretID))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err = s.Store.Write(ctx, func(tx *store.Tx) error {
		if unmarkErr == nil {
			return tx.SettleRelease(r.SyncRelease)
		}
		return s.undoRelease(tx, actor, d, e, r, unmarkErr)
	})
	switch {
	case err != nil:
		return err
	case unmarkErr != nil:
		s.Wake()
		return unreleased(r.secret, r.before, unmarkErr)
	}
	return nil
}

func (s *Service) markOf(d models.Destination, id models.SecretID) keepersync.Mark {
	return keepersync.Mark{Owner: s.Owner, Destination: d.ID, Secret: id}
}

func onRelease(actor models.Actor, d models.Destination, e models.Environment, r released) models.AuditEntry {
	entry := audit.OnSecret(actor, "sync.release", e, r.secret)
	entry.Detail = map[string]string{"destination": d.Name, "remote_name": r.RemoteName}
	return entry
}

// recordRelease keeps that the copy is Keeper's no more, unless a pass is under way.
func (s *Service) recordRelease(ctx context.Context, actor models.Actor, d models.Destination, e models.Environment, id models.SecretID) (r released, err error) {
	err = s.Store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.LockDestination(d.ID); err != nil {
			return err
		}
		if r.secret, r.before, err = copyOf(tx, d, id); err != nil {
			return err
		}
		r.SyncRelease = models.SyncRelease{
			SecretID: id, DestinationID: d.ID, RemoteName: r.before.RemoteName, Marked: true, ReleasedAt: tx.Now(), ReleasedBy: actor.Name,
		}
		err := tx.PutRelease(r.SyncRelease, models.SyncState{
			SecretID: id, DestinationID: d.ID, RemoteName: r.RemoteName, Status: models.StatusForeign,
			LastError: "It was released by " + actor.Name + ": what stands under the name is no longer Keeper's.", LastHint: adoptAgain,
		})
		if err != nil {
			return err
		}
		if err := s.enqueue(tx, d.ID); err != nil { // who comes next finds out whether the mark is off
			return err
		}
		return tx.AppendAudit(onRelease(actor, d, e, r))
	})
	return r, err
}

const adoptAgain = "Adopt it again to have Keeper look after it."

// undoRelease makes the copy Keeper's again, with why on record.
func (s *Service) undoRelease(tx *store.Tx, actor models.Actor, d models.Destination, e models.Environment, r released, why error) error {
	_, _, err := tx.LockCurrentVersion(r.SecretID)
	if err == nil {
		err = tx.UndoRelease(r.before)
	}
	if err != nil && !fault.Is(err, fault.NotFound) { // purged
		return err
	}
	if err := s.enqueue(tx, d.ID); err != nil {
		return err
	}
	return tx.AppendAudit(audit.Ended(onRelease(actor, d, e, r), why))
}

// copyOf finds Keeper's copy of a secret, for a transaction that locked the destination. A pass
// that is under way may be about to write to it, so its end is waited for.
func copyOf(tx *store.Tx, d models.Destination, id models.SecretID) (models.Secret, models.SyncState, error) {
	secret, _, err := tx.LockCurrentVersion(id)
	var state models.SyncState
	if err == nil {
		state, err = tx.SyncState(d.ID, id)
	}
	switch {
	case fault.Is(err, fault.NotFound), err == nil && (secret.EnvironmentID != d.EnvironmentID || state.BaseAt == nil && state.IntentAt == nil):
		return secret, state, fault.New(fault.NotFound, "Keeper has no copy of that secret at %s.", d.Name).WithHint("keeper sync status shows which there are.")
	case err != nil:
		return secret, state, err
	case d.Config.Shape.Grouped():
		return secret, state, fault.New(fault.Invalid, "The copy of %s is one of several in an entry at %s, and cannot be released by itself.", secret.Name, d.Name).
			WithHint("Remove the destination to have Keeper leave all of its entries.")
	}
	busy, err := tx.Busy(d.ID)
	if err == nil && busy {
		err = fault.New(fault.Conflict, "A pass over %s is under way; nothing was released.", d.Name).WithHint("Try again when it has ended, or pause the destination first.")
	}
	return secret, state, err
}

func unreleased(secret models.Secret, state models.SyncState, err error) error {
	public := fault.Public(err)
	kind := fault.KindOf(err)
	if kind == fault.NotFound {
		return fault.Wrap(err, fault.Conflict, "Nothing stands under %s at the destination, so %s could not be released.", state.RemoteName, secret.Name).
			WithHint("Keeper writes it again in the next pass.")
	}
	if kind == fault.Conflict {
		return fault.Wrap(err, kind, "%s could not be released: %s", secret.Name, public.Message)
	}
	return fault.Wrap(err, kind, "%s could not be released, and still is Keeper's: %s", secret.Name, public.Message).WithHint("%s", public.Hint)
}

// releaseMost is how many marks a pass takes off that a release left on.
const releaseMost = 500

// finishReleases takes marks off where the process ended before it did. What cannot be done is
// left to the next pass: it is foreign all the same.
func (s *Service) finishReleases(ctx context.Context, d models.Destination, driver keepersync.Driver) error {
	var left []models.SyncRelease
	err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		left, err = tx.MarkedReleases(d.ID, releaseMost)
		return err
	})
	if err != nil {
		return err
	}
	for _, r := range left {
		_, err := driver.Unmark(ctx, r.RemoteName, s.markOf(d, r.SecretID))
		if err != nil && !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Conflict) {
			s.Log.WarnContext(ctx, "the mark of a released copy was not taken off", "destination", d.ID, "secret", r.SecretID, "error", err)
			return ctx.Err()
		}
		if err := s.Store.Write(ctx, func(tx *store.Tx) error { return tx.SettleRelease(r) }); err != nil {
			return err
		}
	}
	return nil
}
