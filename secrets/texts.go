package secrets

import (
	"strings"
	"sync"
	"time"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// texts is what lists of secrets are searched in, kept in memory: names, descriptions and
// owners. A search in the database would fold and match every row of an environment. Before
// each search what was changed since the last is read. About 150 bytes a secret, from an
// environment's first search on.
type texts struct {
	mu    sync.Mutex
	pages map[models.EnvironmentID]*textPage
}

// textPage is an environment's texts.
type textPage struct {
	byID   map[models.SecretID]string // in lower case
	read   time.Time                  // when they were last read
	loaded time.Time                  // when they were all read
}

const (
	// changeSlack is how long before a read a change may bear its time and be committed, or be
	// told by another clock, later.
	changeSlack = 2 * time.Minute
	// maxAmong is how many secrets a list is narrowed to. Where a part of a text is in more,
	// going through them in the list's order soon finds a page.
	maxAmong = 15_000
)

// holding are the secrets of environments that have a part in one of their texts, nil where
// they are too many to name. Gone and deleted ones may be among them.
func (t *texts) holding(tx *store.Tx, environments []models.EnvironmentID, part string, now time.Time) ([]models.SecretID, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	part = strings.ToLower(part)
	found := []models.SecretID{}
	for _, environment := range environments {
		page, err := t.page(tx, environment, now)
		if err != nil {
			return nil, err
		}
		for id, text := range page.byID {
			if strings.Contains(text, part) {
				found = append(found, id)
			}
		}
	}
	if len(found) > maxAmong {
		return nil, nil
	}
	return found, nil
}

// page is an environment's texts as the transaction sees them.
func (t *texts) page(tx *store.Tx, environment models.EnvironmentID, now time.Time) (*textPage, error) {
	page := t.pages[environment]
	var since time.Time
	if page == nil || now.Sub(page.loaded) > reloadAfter {
		page = &textPage{byID: map[models.SecretID]string{}, loaded: now}
	} else {
		since = page.read.Add(-changeSlack)
	}
	rows, err := tx.SecretTexts(environment, since)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		// What is looked for is one line, so that it is not found across texts.
		page.byID[r.ID] = strings.ToLower(r.Name + "\n" + r.Description + "\n" + r.Owner)
	}
	page.read = now
	if t.pages == nil {
		t.pages = map[models.EnvironmentID]*textPage{}
	}
	t.pages[environment] = page
	return page, nil
}
