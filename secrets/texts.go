package secrets

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// texts is what secrets are found and searched by, kept in memory: names, descriptions and
// owners. The database would fold and match every row of an environment; this goes through
// 100,000 in milliseconds. Whether a secret still stands, and who may see it, is asked of the
// database with what is found. About 250 bytes a secret, from the first search on.
//
// Before each search what is new is read, so that it finds what was committed before. What is
// new is told by numbers that the database gives out (store.TextMark), by no clock but the one
// here. On SQLite they are committed in their order. On others a transaction may be committed
// after one that got a later number: reading goes on from a mark only once another reading,
// settleAfter later, went over the same again, and found what was under way at the first. So
// what was made or changed in the last minute is read with every search there. Two things come
// late: what was under way when everything was first read, by settleAfter, when everything is read
// once more; and what is committed by a transaction that took longer than that, by reloadAfter.
type texts struct {
	// loading is held by who reads everything, which takes a moment: nobody does that twice at once.
	loading chan struct{}

	mu      sync.RWMutex // never held while the database is read
	shelves map[models.EnvironmentID]*shelf
	loaded  time.Time      // when everything was last read; zero: never
	sound   bool           // everything that was under way at the first reading was read since
	from    store.TextMark // where the next reading begins
	seen    store.TextMark // where a reading ended, at
	seenAt  time.Time
}

const (
	// settleAfter is how long a transaction may be under way.
	settleAfter = 30 * time.Second
	// reloadAfter is when texts of secrets that are gone are let go of.
	reloadAfter = 6 * time.Hour
	// maxAmong is how many secrets a list is narrowed to. Where a part of a text is in more,
	// going through them in the list's order soon finds a page.
	maxAmong = 15_000
)

// shelf is an environment's texts.
type shelf struct {
	entries []entry
	places  map[models.SecretID]int
}

type entry struct {
	id       models.SecretID
	revision int64
	text     string // name, description and owner in lower case, a line each
	name     string // the first line of it
}

func newEntry(t store.SecretText) entry {
	// What is looked for is one line, so that it is not found across texts.
	name := strings.ToLower(t.Name)
	text := name
	if t.Description != "" || t.Owner != "" {
		text += "\n" + strings.ToLower(t.Description+"\n"+t.Owner)
	}
	return entry{id: t.ID, revision: t.Revision, text: text, name: text[:len(name)]}
}

func newTexts() *texts { return &texts{loading: make(chan struct{}, 1)} }

// holding are the secrets of environments that have a part in their name, or with names false in
// any of their texts; nil where they are too many to name. Gone and deleted ones may be among them.
func (t *texts) holding(ctx context.Context, tx *store.Tx, environments []models.EnvironmentID, part string, names bool, now func() time.Time) ([]models.SecretID, error) {
	if err := t.refresh(ctx, tx, now); err != nil {
		return nil, err
	}
	part = strings.ToLower(part)
	found := []models.SecretID{}
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, id := range environments {
		entries := t.entries(id)
		for i := range entries {
			text := entries[i].text
			if names {
				text = entries[i].name
			}
			if !strings.Contains(text, part) {
				continue
			}
			if found = append(found, entries[i].id); len(found) > maxAmong {
				return nil, nil
			}
		}
	}
	return found, nil
}

// entries are those of an environment, for who holds the lock.
func (t *texts) entries(id models.EnvironmentID) []entry {
	if s := t.shelves[id]; s != nil {
		return s.entries
	}
	return nil
}

// refresh reads what is new as the transaction sees it.
func (t *texts) refresh(ctx context.Context, tx *store.Tx, now func() time.Time) error {
	began := now()
	from, whole := t.begin(tx, began)
	if whole {
		select {
		case t.loading <- struct{}{}:
			defer func() { <-t.loading }()
		case <-ctx.Done():
			return fault.Wrap(ctx.Err(), fault.Unavailable, "The search was given up.")
		}
		if from, whole = t.begin(tx, began); whole { // else somebody did while this one waited
			return t.load(tx, from, now)
		}
	}
	rows, mark, err := tx.SecretTexts(from)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.put(rows)
	switch {
	case tx.Ordered():
		t.from.Secret, t.from.Change = max(t.from.Secret, mark.Secret), max(t.from.Change, mark.Change)
	case began.Sub(t.seenAt) >= settleAfter:
		t.from, t.seen, t.seenAt = t.seen, mark, now()
	}
	return nil
}

// begin is where a reading that begins now goes on from, and whether everything is to be read
// before.
func (t *texts) begin(tx *store.Tx, now time.Time) (from store.TextMark, whole bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	age := now.Sub(t.loaded)
	if !t.loaded.IsZero() && !t.sound && !tx.Ordered() && age >= settleAfter {
		return t.seen, true
	}
	return t.from, t.loaded.IsZero() || age > reloadAfter
}

// load reads everything anew. The next reading goes on from a mark that was settled when this
// one began, so that nothing is lost that others read meanwhile.
func (t *texts) load(tx *store.Tx, from store.TextMark, now func() time.Time) error {
	rows, mark, err := tx.SecretTexts(store.TextMark{})
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sound = !t.loaded.IsZero(); !t.sound {
		from = mark
	}
	t.shelves, t.loaded = map[models.EnvironmentID]*shelf{}, now()
	t.put(rows)
	t.from, t.seen, t.seenAt = from, mark, t.loaded
	return nil
}

// put adds texts, or puts them in the place of older ones.
func (t *texts) put(rows []store.SecretText) {
	for _, row := range rows {
		s := t.shelves[row.EnvironmentID]
		if s == nil {
			s = &shelf{places: map[models.SecretID]int{}}
			t.shelves[row.EnvironmentID] = s
		}
		place, known := s.places[row.ID]
		switch {
		case !known:
			s.places[row.ID] = len(s.entries)
			s.entries = append(s.entries, newEntry(row))
		case s.entries[place].revision < row.Revision:
			s.entries[place] = newEntry(row)
		}
	}
}

// Holding are the secrets of environments that have a part in their names, in either case; nil
// where they are too many to name. Gone and deleted ones may be among them. The caller asks about
// environments that the actor may see, and leaves out what does not stand.
func (s *Service) Holding(ctx context.Context, tx *store.Tx, environments []models.EnvironmentID, part string) ([]models.SecretID, error) {
	return s.texts.holding(ctx, tx, environments, part, true, s.Now)
}
