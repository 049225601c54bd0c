package keys

import (
	"context"
	"fmt"
	"slices"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// wrapOf is one wrapped key and how its opening went.
type wrapOf struct {
	key     models.DataKey
	wrapped models.WrappedKey
	err     error
}

// keyPage opens each wrapped key of a page of data keys by its own recipient alone.
func (s *scrub) keyPage(ctx context.Context, place scrubPlace) (looking, error) {
	seen := looking{place: place}
	var rows []store.DataKeyRow
	err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		rows, err = tx.DataKeysPage(store.DataKeyQuery{Environment: s.env.ID}, place.Key, scrubPage)
		return err
	})
	if err != nil {
		return seen, err
	}
	if len(rows) == 0 {
		seen.ended = true
		return seen, s.hashKey(ctx, &seen)
	}
	var wraps []wrapOf
	for _, row := range rows {
		if len(row.Wrapped) == 0 {
			err := lost("The data key is stored without any wrapped key: nothing under it opens.")
			seen.findings = append(seen.findings, s.finding(s.env, "data key", string(row.Key.ID), row.Key.ID, err))
		}
		for _, w := range s.openable(row.Wrapped) {
			wraps = append(wraps, wrapOf{key: row.Key, wrapped: w})
		}
	}
	seen.away = s.each(ctx, len(wraps), func(ctx context.Context, i int) error {
		if s.ring.away(wraps[i].wrapped.RecipientID) {
			wraps[i].err = noAnswer(wraps[i].wrapped)
			return nil
		}
		_, wraps[i].err = s.openBy(ctx, s.env, wraps[i].key, wraps[i].wrapped, &s.calls)
		return wraps[i].err
	})
	if ctx.Err() != nil {
		return seen, ctx.Err()
	}
	for _, w := range wraps {
		s.answered(w.wrapped.RecipientID, w.err)
		if w.err != nil && seen.away == nil {
			s.wrapFinding(ctx, &seen, w)
		}
	}
	seen.place.Key = rows[len(rows)-1].Key.ID
	return seen, nil
}

// wrapFinding tells of a wrapped key that did not open, unless it was replaced meanwhile.
func (s *scrub) wrapFinding(ctx context.Context, seen *looking, w wrapOf) {
	_, now, err := s.dataKey(ctx, w.key.ID)
	if fault.Is(err, fault.NotFound) || err == nil && !slices.ContainsFunc(now, func(n models.WrappedKey) bool {
		return n.RecipientKind == w.wrapped.RecipientKind && n.RecipientID == w.wrapped.RecipientID && string(n.Blob) == string(w.wrapped.Blob)
	}) {
		return
	}
	object := fmt.Sprintf("%s for %s %s", w.key.ID, w.wrapped.RecipientKind, w.wrapped.RecipientID)
	if !damaged(w.err) {
		if seen.place.Unknown++; seen.place.Unknown > maxUnknown {
			return
		}
	}
	seen.findings = append(seen.findings, s.finding(s.env, "wrapped key", object, w.key.ID, w.err))
}

// hashKey finds versions whose environment has lost the key of their hashes.
func (s *scrub) hashKey(ctx context.Context, seen *looking) error {
	_, _, err := s.dataKey(ctx, kms.HashKeyID(s.env.ID))
	if !fault.Is(err, fault.NotFound) {
		return err
	}
	var versions int64
	err = s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		versions, err = tx.CountVersions(store.VersionQuery{Environment: s.env.ID})
		return err
	})
	if err == nil && versions > 0 {
		gone := lost("The key of the environment's hashes is missing: values cannot be held against their hashes.")
		id := kms.HashKeyID(s.env.ID)
		seen.findings = append(seen.findings, s.finding(s.env, "data key", string(id), id, gone))
	}
	return err
}
