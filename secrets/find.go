package secrets

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/rank"
	"github.com/your-org/keeper/store"
)

// Find lists up to limit secrets that the actor may see and whose names have all the words in
// them, the best fit first. A word that begins the name of an environment counts as found in
// its secrets.
func (s *Service) Find(ctx context.Context, actor models.Actor, words rank.Words, limit int) ([]models.Secret, error) {
	if len(words) == 0 || limit <= 0 {
		return nil, nil
	}
	visible, err := s.Environments(ctx, actor)
	if err != nil {
		return nil, err
	}
	visible = auth.Visible(actor, auth.ViewSecret, visible)
	var found []models.Secret
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		if err := s.texts.refresh(ctx, tx, s.Now); err != nil {
			return err
		}
		found, err = standing(tx, s.texts.fitting(visible, words), limit)
		return err
	})
	return found, err
}

// standing are the first limit secrets of what was found that are neither deleted nor gone.
func standing(tx *store.Tx, fits []fit, limit int) ([]models.Secret, error) {
	var found []models.Secret
	for batch := range slices.Chunk(fits, 2*limit) {
		ids := make([]models.SecretID, len(batch))
		for i, f := range batch {
			ids[i] = f.id
		}
		byID, err := tx.SecretsOf(ids)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			if one, stands := byID[id]; stands && !one.Deleted() {
				found = append(found, one)
			}
			if len(found) == limit {
				return found, nil
			}
		}
	}
	return found, nil
}

// fit is one secret that was found.
type fit struct {
	id    models.SecretID
	name  string
	score int
}

// maxFits bounds how many are put in order: more than a person reads, and enough that some
// stand where many were deleted.
const maxFits = 500

// fitting are those in the environments whose names the words fit, the best first.
func (t *texts) fitting(environments []models.Environment, words rank.Words) []fit {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var found fits
	for _, e := range environments {
		rest := slices.DeleteFunc(slices.Clone(words), func(word string) bool {
			return strings.HasPrefix(strings.ToLower(e.Name), word) || strings.HasPrefix(strings.ToLower(e.DisplayName), word)
		})
		entries := t.entries(e.ID)
		for i := range entries {
			name := entries[i].name
			score := words.Score(name)
			if len(rest) < len(words) {
				score = max(score, rest.Score(name))
			}
			if score > 0 {
				found.add(fit{entries[i].id, name, score})
			}
		}
	}
	found.cut()
	return found.best
}

// fits keeps the best of what is added.
type fits struct {
	best  []fit
	floor *fit // the last of the best, once there are enough
}

func (f *fits) add(one fit) {
	if f.floor != nil && order(one, *f.floor) > 0 {
		return
	}
	if f.best = append(f.best, one); len(f.best) == 4*maxFits {
		f.cut()
		floor := f.best[maxFits-1]
		f.floor = &floor
	}
}

// cut puts what was added in order and keeps the best.
func (f *fits) cut() {
	slices.SortFunc(f.best, order)
	f.best = f.best[:min(len(f.best), maxFits)]
}

func order(a, b fit) int {
	return cmp.Or(cmp.Compare(b.score, a.score), strings.Compare(a.name, b.name), cmp.Compare(a.id, b.id))
}
