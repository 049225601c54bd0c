package secrets

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

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
		book, err := s.names.read(tx, s.Now())
		if err != nil {
			return err
		}
		found, err = standing(tx, book.fitting(visible, words), limit)
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

// names is what secrets are found by, kept in memory so that a search of 100,000 takes
// milliseconds on every database. A secret's name never changes and its id is never used
// again, so that only what is new has to be read; whether it still stands is read with the
// secrets that are found. About 100 bytes a secret, from the first search on.
type names struct {
	mu      sync.Mutex
	all     shelf
	settled models.SecretID // all up to it are in all
	loaded  time.Time
}

const (
	// settleAfter is how long a transaction with a lower id may still be under way.
	settleAfter = 30 * time.Second
	// reloadAfter is when names of secrets that are gone are let go of.
	reloadAfter = 6 * time.Hour
)

// shelf is names in lower case by environment. What was handed out is only ever added to.
type shelf map[models.EnvironmentID][]entry

type entry struct {
	id   models.SecretID
	name string
}

// book is the names as they stood: those that are settled, and the newest.
type book struct{ all, fresh shelf }

// read is the names as the transaction sees them.
func (n *names) read(tx *store.Tx, now time.Time) (book, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.all == nil || now.Sub(n.loaded) > reloadAfter {
		n.all, n.settled, n.loaded = shelf{}, 0, now
	}
	rows, err := tx.SecretNames(n.settled)
	if err != nil {
		return book{}, err
	}
	settles := slices.IndexFunc(rows, func(r store.SecretName) bool { return now.Sub(r.CreatedAt) < settleAfter })
	if settles < 0 {
		settles = len(rows)
	}
	n.all.add(rows[:settles])
	if settles > 0 {
		n.settled = rows[settles-1].ID
	}
	b := book{all: shelf{}, fresh: shelf{}}
	b.fresh.add(rows[settles:])
	for environment, entries := range n.all {
		b.all[environment] = entries
	}
	return b, nil
}

func (s shelf) add(rows []store.SecretName) {
	for _, r := range rows {
		s[r.EnvironmentID] = append(s[r.EnvironmentID], entry{r.ID, strings.ToLower(r.Name)})
	}
}

// fit is one secret that was found.
type fit struct {
	entry
	score int
}

// maxFits bounds how many are put in order: more than a person reads, and enough that some
// stand where many were deleted.
const maxFits = 500

// fitting are those in the environments that the words fit, the best first.
func (b book) fitting(environments []models.Environment, words rank.Words) []fit {
	var found fits
	for _, e := range environments {
		rest := slices.DeleteFunc(slices.Clone(words), func(word string) bool {
			return strings.HasPrefix(strings.ToLower(e.Name), word) || strings.HasPrefix(strings.ToLower(e.DisplayName), word)
		})
		for _, entries := range [][]entry{b.all[e.ID], b.fresh[e.ID]} {
			for _, one := range entries {
				score := words.Score(one.name)
				if len(rest) < len(words) {
					score = max(score, rest.Score(one.name))
				}
				if score > 0 {
					found.add(fit{one, score})
				}
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
