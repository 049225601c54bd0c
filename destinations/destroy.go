package destinations

import (
	"context"
	"time"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	keepersync "github.com/your-org/keeper/sync"
)

// destroyMost is how many versions a pass destroys; what is left waits for the next one.
const destroyMost = 500

// destroyFailures is after how many failures a pass gives up.
const destroyFailures = 5

// destroys reports whether deletions at the destination are to be made final.
func destroys(d models.Destination, driver keepersync.Driver) bool {
	return d.Config.DestroyDays > 0 && keepersync.CanDestroy(driver)
}

// deletions are what a pass has deleted and is to be destroyed some day. A deletion whose
// outcome was lost is not among them: it stays restorable.
func (l *ledger) deletions(outcomes []keepersync.Outcome) (deleted []models.SyncDeletion) {
	if !destroys(l.destination, l.listing) {
		return nil
	}
	for _, o := range outcomes {
		if o.Action != models.ActionDelete || o.Err != nil || !o.Forget {
			continue
		}
		deleted = append(deleted, models.SyncDeletion{
			DestinationID: l.destination.ID, SecretID: o.Entry.SecretID, SecretName: o.Entry.Name,
			RemoteName: o.Entry.RemoteName, RemoteVersion: o.Seen.Remote.Version, DeletedAt: o.At,
		})
	}
	return deleted
}

// destroyDue destroys for good what Keeper deleted long enough ago. What could not be done it
// tells in a sentence for people; the next full pass tries again.
func (s *Service) destroyDue(ctx context.Context, d models.Destination, e models.Environment, driver keepersync.Driver) string {
	if !destroys(d, driver) {
		return ""
	}
	var due []models.SyncDeletion
	err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		due, err = tx.Deletions(d.ID, s.Now().Add(-time.Duration(d.Config.DestroyDays)*24*time.Hour), destroyMost)
		return err
	})
	if err != nil {
		return fault.Public(err).Message
	}
	failed := 0
	for _, deletion := range due {
		if ctx.Err() != nil || failed == destroyFailures {
			break
		}
		if one := s.destroy(ctx, d, e, driver, deletion); one != nil {
			failed, err = failed+1, one
			s.Log.WarnContext(ctx, "a deleted version was not destroyed", "destination", d.ID, "secret", deletion.SecretID, "error", err)
		}
	}
	if failed == 0 {
		return ""
	}
	return "Not every deleted version could be destroyed there. " + fault.Public(err).Message
}

// destroy destroys one version, unless the secret is back in Keeper, or somebody has undeleted
// it or written since: then it is forgotten.
func (s *Service) destroy(ctx context.Context, d models.Destination, e models.Environment, driver keepersync.Driver, deletion models.SyncDeletion) error {
	back, err := s.isBack(ctx, deletion.SecretID)
	if err != nil {
		return err
	}
	if !back {
		err = keepersync.Destroy(ctx, driver, keepersync.Remote{
			Name: deletion.RemoteName, Version: deletion.RemoteVersion, ChangedAt: deletion.DeletedAt,
			Mark: keepersync.Mark{Owner: s.Owner, Destination: d.ID, Secret: deletion.SecretID},
		})
	}
	over := back || fault.Is(err, fault.Conflict) || fault.Is(err, fault.NotFound)
	if err != nil && !over {
		return err
	}
	// What was destroyed is put on record even where the process is being stopped.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return s.Store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.DropDeletion(deletion.ID); err != nil || over {
			return err
		}
		entry := audit.OnDestination(models.System(), "sync.destroy", e, d)
		entry.Detail = map[string]string{
			"secret": deletion.SecretName, "name": deletion.RemoteName, "remote_version": deletion.RemoteVersion,
			"deleted_at": deletion.DeletedAt.UTC().Format(time.RFC3339),
		}
		return tx.AppendAudit(entry)
	})
}

// isBack reports whether a secret is in Keeper and not deleted, or a group has members.
func (s *Service) isBack(ctx context.Context, id models.SecretID) (back bool, err error) {
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		if group, grouped := models.GroupOf(id); grouped {
			g, err := tx.SyncGroup(group)
			back = err == nil && len(g.Hash) > 0
			return err
		}
		secret, err := tx.Secret(id)
		back = err == nil && !secret.Deleted()
		return err
	})
	if fault.Is(err, fault.NotFound) {
		err = nil
	}
	return back, err
}
