package keys

import (
	"context"
	"fmt"
	"time"

	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// resealPage is how many versions share a transaction.
const resealPage = 100

// reencryptPlace is where a re-encryption stands. It goes over what is sealed under data keys
// that are older than the run until nothing is.
type reencryptPlace struct {
	Pass     int                  `json:"pass"` // from 1
	Retired  time.Time            `json:"retired,omitzero"`
	Secret   models.SecretID      `json:"secret,omitempty"`
	Version  models.VersionNumber `json:"version,omitempty"`
	Last     bool                 `json:"last,omitempty"` // the pass began when nothing could be sealed under old keys any more
	Swept    bool                 `json:"swept,omitempty"`
	Unknown  int64                `json:"unknown,omitempty"`
	Resealed bool                 `json:"resealed,omitempty"` // the pass sealed something anew
}

type reencrypt struct {
	*work
	env   models.Environment
	ring  *keyring
	hash  *kms.OpenedKey // of the environment; nil: not opened yet
	place reencryptPlace
	found map[string]bool // damaged objects that were told of
	fresh map[models.DataKeyID]bool
	why   error // the last thing that could not be opened for now
}

func (w *work) reencrypt(ctx context.Context) (*time.Time, error) {
	r := &reencrypt{work: w, fresh: map[models.DataKeyID]bool{}}
	if err := recall(w.run, &r.place); err != nil {
		return nil, err
	}
	var err error
	if r.env, err = r.environment(ctx, r.run.EnvironmentID); err != nil {
		return nil, err
	}
	if r.found, err = w.foundObjects(ctx); err != nil {
		return nil, err
	}
	r.ring = r.newKeyring(r.env, &r.calls)
	for {
		if r.place.Pass == 0 || r.place.Swept {
			if next, done, err := r.turn(ctx); err != nil || done || next != nil {
				return next, err
			}
		}
		if err := r.page(ctx); err != nil {
			return nil, err
		}
	}
}

// turn stands between two passes: it retires what still seals under old keys and says
// whether, and when, another pass is needed.
func (r *reencrypt) turn(ctx context.Context) (next *time.Time, done bool, err error) {
	if r.place.Unknown > 0 && r.why != nil {
		why := r.why
		if err := r.begin(ctx); err != nil {
			return nil, false, err
		}
		return nil, false, why
	}
	left, err := r.left(ctx)
	if err != nil {
		return nil, false, err
	}
	switch {
	case r.place.Pass == 0 || left > int64(len(r.found)) && (r.place.Resealed || r.place.Unknown > 0):
		return nil, false, r.begin(ctx)
	case !r.place.Last:
		if wait := kms.BlockLife - r.Now().Sub(r.place.Retired); wait > 0 {
			at := r.Now().Add(wait)
			return &at, false, nil
		}
		return nil, false, r.begin(ctx)
	}
	return nil, true, r.conclude(ctx, left)
}

// begin begins a pass. From the first on nobody takes an old data key any more; what was
// reserved of one before seals for at most kms.BlockLife.
func (r *reencrypt) begin(ctx context.Context) error {
	place := reencryptPlace{Pass: r.place.Pass + 1, Retired: r.place.Retired}
	var total int64
	if r.place.Pass == 0 {
		left, err := r.left(ctx)
		if err != nil {
			return err
		}
		total = left
	}
	err := r.commit(ctx, func(tx *store.Tx, run *models.KeyRun) error {
		retired, err := tx.RetireDataKeys(r.env.ID, run.CreatedAt)
		if err != nil {
			return err
		}
		if retired > 0 || place.Retired.IsZero() {
			place.Retired = tx.Now()
		}
		place.Last = retired == 0 && tx.Now().Sub(place.Retired) >= kms.BlockLife
		run.Total, run.Remaining = run.Total+total, run.Remaining+total
		return remember(run, place)
	})
	if err != nil {
		return err
	}
	r.place, r.why = place, nil
	r.Envelope.Forget(r.env.ID)
	return nil
}

// left counts what is sealed under data keys that are older than the run.
func (r *reencrypt) left(ctx context.Context) (n int64, err error) {
	err = r.Store.Read(ctx, func(tx *store.Tx) error {
		n, err = tx.CountVersions(r.query())
		if err != nil {
			return err
		}
		old, err := r.settingsUnderOld(tx)
		n += int64(len(old))
		return err
	})
	return n, err
}

func (r *reencrypt) query() store.VersionQuery {
	return store.VersionQuery{Environment: r.env.ID, DataKeyCreatedBefore: r.run.CreatedAt}
}

// page seals a page of versions anew, or after the last one the settings.
func (r *reencrypt) page(ctx context.Context) error {
	var rows []store.VersionRow
	err := r.Store.Read(ctx, func(tx *store.Tx) (err error) {
		rows, err = tx.VersionsPage(r.query(), r.place.Secret, r.place.Version, resealPage)
		return err
	})
	if err != nil {
		return err
	}
	items := make([]resealed, len(rows))
	for i := range rows {
		items[i].version = &rows[i]
	}
	place := r.place
	if len(rows) == 0 {
		if items, err = r.settings(ctx); err != nil {
			return err
		}
		place.Swept = true
	} else {
		last := rows[len(rows)-1]
		place.Secret, place.Version = last.SecretID, last.Number
	}
	if err := r.seal(ctx, items); err != nil {
		return err
	}
	return r.store(ctx, items, place)
}

// conclude removes the old data keys that nothing is sealed under any more, and ends the run.
func (r *reencrypt) conclude(ctx context.Context, left int64) error {
	for {
		var n int64
		err := r.Store.Write(ctx, func(tx *store.Tx) (err error) {
			n, err = tx.DeleteUnusedDataKeys(r.env.ID, r.Now().Add(-kms.BlockLife), 0)
			return err
		})
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
	}
	status, message := models.KeyRunSucceeded, ""
	hint := fmt.Sprintf("Everything of %s is sealed under data keys that were made since, and the old ones are gone.", r.env.Name)
	if left > 0 {
		status, hint = models.KeyRunPartial, "The findings name what does not open; it is left as it is, under the old data keys."
		message = fmt.Sprintf("%d values of %s do not open, and could not be sealed anew.", left, r.env.Name)
	}
	return r.end(ctx, r.env, status, message, hint, func(_ *store.Tx, run *models.KeyRun) error {
		run.Remaining = left
		return nil
	})
}
