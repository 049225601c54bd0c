package destinations

import (
	"context"
	gosync "sync"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	keepersync "github.com/your-org/keeper/sync"
)

// mostAhead is the size of a value, in bytes, up to which it is read ahead: a page of larger ones
// would take more memory than their questions are worth.
const mostAhead = 4096

// ahead keeps versions, sealed as they are stored, that the pass is about to write: they were read
// with one question to the database. It holds those of one page at most.
type ahead struct {
	mu       gosync.Mutex
	versions map[models.SecretID]models.SecretVersion
}

func (a *ahead) clear() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.versions = map[models.SecretID]models.SecretVersion{}
}

func (a *ahead) put(versions []models.SecretVersion) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, v := range versions {
		a.versions[v.SecretID] = v
	}
}

// take gives a version out once, if it is there.
func (a *ahead) take(id models.SecretID, number models.VersionNumber) (models.SecretVersion, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	v, ok := a.versions[id]
	if !ok || v.Number != number {
		return models.SecretVersion{}, false
	}
	delete(a.versions, id)
	return v, true
}

// readAhead loads what the entries are to be written with. What it cannot load, Open asks for by
// itself, and tells why not.
func (l *ledger) readAhead(ctx context.Context, entries []keepersync.Entry) {
	if l.destination.Config.Shape.Grouped() {
		return // the versions of whose members are read together anyway
	}
	ids := make([]models.SecretID, 0, len(entries))
	for _, e := range entries {
		if e.Desired != nil && e.Desired.Size <= mostAhead {
			ids = append(ids, e.SecretID)
		}
	}
	if len(ids) < 2 {
		return
	}
	_ = l.service.Store.Read(ctx, func(tx *store.Tx) error {
		versions, err := tx.VersionsOfSecrets(ids)
		if err == nil {
			l.ahead.put(versions)
		}
		return err
	})
}
