package destinations

import (
	"context"
	"slices"
	"strings"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
)

// survey lists what is not Keeper's, by name. What bears a mark, of whichever Keeper, is
// counted and passed over.
func survey(ctx context.Context, driver keepersync.Driver, counts *models.ImportCounts) ([]keepersync.Remote, error) {
	var found []keepersync.Remote
	for r, err := range driver.List(ctx) {
		if err != nil {
			return nil, err // what is not listed is unknown: half a preview would look like all there is
		}
		counts.Listed++
		if !r.Mark.Zero() {
			counts.Marked++
			continue
		}
		if found = append(found, r); len(found) > MaxImport {
			return nil, tooMany()
		}
	}
	slices.SortFunc(found, func(a, b keepersync.Remote) int { return strings.Compare(a.Name, b.Name) })
	// A listing that was tried again shows some names twice.
	return slices.CompactFunc(found, func(a, b keepersync.Remote) bool { return a.Name == b.Name }), nil
}

func tooMany() error {
	return fault.New(fault.Invalid, "There are more than %d entries to import; nothing was saved.", MaxImport).
		WithHint("Give a prefix that fewer names begin with, and import part by part.")
}
