package destinations

import (
	"bytes"
	"context"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	keepersync "github.com/your-org/keeper/sync"
)

// mapped is how one secret is to stand at the destination.
type mapped struct {
	name    string // there, prefix included
	fixed   bool   // it was written there under the name, or is about to be
	hash    []byte // of the form that its current version has there
	object  bool   // its current version is an object that is the whole entry
	problem error  // why it cannot stand there, or not be told
}

// on is the entry as it is to stand there. The name is fixed once something was written under
// it, so that a change of mapping leaves no copy behind.
func (m mapped) on(e keepersync.Entry) keepersync.Entry {
	e.RemoteName, e.Problem = m.name, m.problem
	if e.Desired != nil {
		e.Desired.Hash = m.hash
	}
	return e
}

// mapPage says how each secret of a page is to stand at the destination.
func (l *ledger) mapPage(ctx context.Context, rows []store.SyncEntry) ([]mapped, error) {
	page := make([]mapped, len(rows))
	for i, r := range rows {
		page[i] = mapped{name: l.destination.Config.Prefix + r.Name, hash: r.Hash}
		if s := r.State; s != nil && s.RemoteName != "" && (s.BaseAt != nil || s.IntentAt != nil) {
			page[i].name, page[i].fixed = s.RemoteName, true
		}
	}
	if l.destination.Config.NameTemplate != "" {
		if err := l.mapNames(ctx, rows, page); err != nil {
			return nil, err
		}
	}
	f := formOf(l.destination.Config)
	if !f.object {
		return page, nil
	}
	return page, l.mapForms(ctx, f, rows, page)
}

// mapForms puts the hash of what each secret is to be there in the place of its value's.
// Values are opened only where nobody has asked for their hash before.
func (l *ledger) mapForms(ctx context.Context, f form, rows []store.SyncEntry, page []mapped) error {
	hasher, err := l.service.Envelope.Hasher(ctx, l.environment)
	if err != nil {
		return err
	}
	known, err := l.entryHashes(ctx, rows)
	if err != nil {
		return err
	}
	var learned []store.EntryHash
	for i, r := range rows {
		entry := known[r.SecretID]
		if r.Type == models.JSON && !r.Deleted && entry.Number != r.CurrentVersion {
			if entry, err = l.entryHash(ctx, hasher, r); err != nil {
				page[i].problem = err
				continue
			}
			learned = append(learned, entry)
		}
		page[i].object = r.Type == models.JSON && !bytes.Equal(entry.Hash, r.Hash)
		if page[i].hash, err = f.desired(hasher, r.Type, r.Hash, entry.Hash); err != nil {
			page[i].problem = err
		}
	}
	if err := ctx.Err(); err != nil || len(learned) == 0 {
		return err
	}
	return l.service.Store.Write(ctx, func(tx *store.Tx) error { return tx.SetEntryHashes(learned) })
}

func (l *ledger) entryHashes(ctx context.Context, rows []store.SyncEntry) (known map[models.SecretID]store.EntryHash, err error) {
	var ids []models.SecretID
	for _, r := range rows {
		if r.Type == models.JSON && !r.Deleted {
			ids = append(ids, r.SecretID)
		}
	}
	err = l.service.Store.Read(ctx, func(tx *store.Tx) error {
		known, err = tx.EntryHashes(ids)
		return err
	})
	return known, err
}

// entryHash opens a version to find its hash.
func (l *ledger) entryHash(ctx context.Context, hasher kms.Hasher, r store.SyncEntry) (store.EntryHash, error) {
	value, err := l.openVersion(ctx, r.SecretID, r.CurrentVersion)
	if err != nil {
		return store.EntryHash{}, err
	}
	defer value.Zero()
	return store.EntryHash{SecretID: r.SecretID, Number: r.CurrentVersion, Hash: EntryHash(hasher, value)}, nil
}

// mapNames makes the names that are not fixed yet. Where two secrets come to one name it is
// the one's that was there first, or else the older one's.
func (l *ledger) mapNames(ctx context.Context, rows []store.SyncEntry, page []mapped) error {
	template := l.destination.Config.Names()
	var open []int
	var ids []models.SecretID
	for i, r := range rows {
		if !page[i].fixed && !r.Deleted {
			open, ids = append(open, i), append(ids, r.SecretID)
		}
	}
	if len(open) == 0 {
		return nil
	}
	return l.service.Store.Read(ctx, func(tx *store.Tx) error {
		var tags map[models.SecretID]map[string]string
		if len(template.Tags()) > 0 {
			var err error
			if tags, err = tx.TagsOf(ids); err != nil {
				return err
			}
		}
		names := make([]string, 0, len(open))
		for _, i := range open {
			fields := models.NameFields{Environment: l.environment.Name, Type: rows[i].Type, Name: rows[i].Name, Tags: tags[rows[i].SecretID]}
			page[i].name, page[i].problem = l.remoteName(template, fields)
			if page[i].problem == nil {
				names = append(names, page[i].name)
			}
		}
		owners, err := tx.NamesAt(l.destination.ID, names)
		if err != nil {
			return err
		}
		for _, i := range open {
			if page[i].problem == nil {
				page[i].problem = l.claim(rows[i], page[i].name, owners, len(template.Tags()) > 0)
			}
		}
		return nil
	})
}

// remoteName is a secret's name there, and why it cannot have it.
func (l *ledger) remoteName(template models.NameTemplate, fields models.NameFields) (string, error) {
	name, err := template.Render(fields)
	if err != nil {
		return "", err
	}
	name = l.destination.Config.Prefix + name
	if problem := models.NameProblem(name); problem != "" {
		return name, fault.New(fault.Invalid, "The name that the destination's name_template makes of it %s.", problem).
			WithHint("Change the secret's tags, or the destination's name_template.")
	}
	return name, nil
}

// claim is why a name cannot be the secret's. Names that nothing stands under yet are kept in
// mind only where a template can make two of one kind, by tags.
func (l *ledger) claim(r store.SyncEntry, name string, owners map[string]store.NameAt, keep bool) error {
	owner, taken := owners[name]
	if !taken && keep {
		if owner, taken = l.claimed[name]; !taken {
			l.claimed[name] = store.NameAt{RemoteName: name, SecretID: r.SecretID, SecretName: r.Name}
		}
	}
	if !taken || owner.SecretID == r.SecretID {
		return nil
	}
	return fault.New(fault.Invalid, "Its name at the destination, %s, is that of the secret %s already.", name, owner.SecretName).
		WithHint("Change the tags of one of the two, or the destination's name_template.")
}
