package destinations

import (
	"bytes"
	"context"
	"fmt"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	keepersync "github.com/your-org/keeper/sync"
)

// take makes a secret of an item, or a new version of the one that stands, and adopts the
// entry where that is chosen. A call that was cut off anywhere in between can be made again:
// what it finds done already, it takes for done.
func (w *importer) take(ctx context.Context, item *models.ImportItem, f found) error {
	secret, err := w.secretOf(ctx, item, f)
	if err != nil || item.Result == models.ResultSkipped {
		return err
	}
	item.SecretID = secret.ID
	if !w.of.Adopt {
		return nil
	}
	if !item.Adoptable {
		item.Why = item.Note
		return nil
	}
	if err := w.adopt(ctx, item, secret, f); err != nil {
		if ctx.Err() != nil {
			return err
		}
		public := fault.Public(err)
		item.Why, item.Hint = public.Message, public.Hint
		if item.Result == models.ResultUnchanged {
			return err // adopting was all that there was to do
		}
		return nil
	}
	item.Adopted = true
	return nil
}

// standing is the identity and the version of the secret that an item has become, or is.
type standing struct {
	ID      models.SecretID
	Version models.VersionNumber
}

func (w *importer) secretOf(ctx context.Context, item *models.ImportItem, f found) (standing, error) {
	if item.Status == models.ItemNew {
		made, err := w.service.Secrets.Import(ctx, w.actor, w.environment.ID, item.SecretName, item.Type, f.value, w.comment(*item))
		if err == nil {
			item.Result = models.ResultImported
			return standing{made.ID, made.CurrentVersion}, nil
		}
		if !fault.Is(err, fault.Conflict) {
			return standing{}, err
		}
	}
	now, ok, err := w.current(ctx, item.SecretName)
	if err != nil {
		return standing{}, err
	}
	is := standing{now.ID, now.CurrentVersion}
	switch same := bytes.Equal(now.Hash, f.Hash); {
	case !ok || now.Deleted || item.SecretID != 0 && now.ID != item.SecretID:
		return w.skip(item, "The secret "+item.SecretName+" is not the one of the preview any more.")
	case same && item.Status == models.ItemNew:
		item.Result, item.Why = models.ResultUnchanged, "The secret was made with this value already."
	case same && item.Status == models.ItemDifferent:
		item.Result, item.Why = models.ResultUnchanged, "The secret has this value by now."
	case item.Status == models.ItemNew:
		return w.skip(item, "A secret with the name "+item.SecretName+" and another value was made since the preview.")
	case now.CurrentVersion != item.Version:
		return w.skip(item, "The secret "+item.SecretName+" was changed since the preview.")
	case item.Status == models.ItemDifferent:
		return w.differs(ctx, item, is, f)
	default:
		item.Result = models.ResultUnchanged
	}
	return is, nil
}

// differs does what was chosen for values that differ.
func (w *importer) differs(ctx context.Context, item *models.ImportItem, is standing, f found) (standing, error) {
	switch w.of.Side {
	case models.SideKeeper:
		item.Result, item.Why = models.ResultUnchanged, "Keeper's value counts, and is written there once the entry is marked."
		return is, nil
	case models.SideRemote:
		updated, err := w.service.Secrets.Replace(ctx, w.actor, is.ID, is.Version, f.value, w.comment(*item))
		if err != nil {
			return standing{}, err
		}
		item.Result = models.ResultUpdated
		return standing{updated.ID, updated.CurrentVersion}, nil
	default:
		return w.skip(item, "The values differ, and nobody has said which of the two counts.")
	}
}

func (w *importer) skip(item *models.ImportItem, why string) (standing, error) {
	item.Result, item.Why = models.ResultSkipped, why
	return standing{}, nil
}

func (w *importer) current(ctx context.Context, name string) (secret store.StandingSecret, ok bool, err error) {
	err = w.service.Store.Read(ctx, func(tx *store.Tx) error {
		found, err := tx.SecretsNamed(w.environment.ID, []string{name})
		secret, ok = found[name]
		return err
	})
	return secret, ok, err
}

// comment is what the version says of where it comes from.
func (w *importer) comment(item models.ImportItem) string {
	label := item.Label()
	if len(label) > models.MaxCommentLength/2 {
		label = label[:models.MaxCommentLength/2] + "…"
	}
	return fmt.Sprintf("Imported from the destination %s, where it was %s, version %s.", w.destination.Name, label, item.RemoteVersion)
}

// entry tells of one item.
func (w *importer) entry(action string, item models.ImportItem) models.AuditEntry {
	entry := audit.OnSecret(w.actor, action, w.environment, models.Secret{ID: item.SecretID, Name: item.SecretName})
	entry.Detail = map[string]string{
		"destination": w.destination.Name, "import": string(w.of.ID), "remote_name": item.Label(), "remote_version": item.RemoteVersion,
	}
	return entry
}

// adopt has the next pass mark the entry as Keeper's, where it still has the value that was
// just compared.
func (w *importer) adopt(ctx context.Context, item *models.ImportItem, is standing, f found) error {
	l := &ledger{service: w.service, environment: w.environment, destination: w.destination}
	hash, err := l.Hash(ctx, keepersync.Entry{SecretID: is.ID, Name: item.SecretName, RemoteName: item.RemoteName, Type: item.Type}, f.form)
	if err != nil {
		return err
	}
	entry := w.entry("sync.adopt", *item)
	entry.ObjectID = fmt.Sprint(is.ID)
	entry.Version = is.Version
	if item.Status == models.ItemDifferent {
		entry.Detail["side"] = string(w.of.Side)
	}
	return w.service.adopt(ctx, w.environment, w.destination, adoption{
		secret: is.ID, version: is.Version, remoteName: item.RemoteName, hash: hash, entry: entry,
	})
}
