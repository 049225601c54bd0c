package keys

import (
	"fmt"
	"strings"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// Deps.Alert is told of two conditions, each by environment: that a wrapping key does not work
// as it should, at every look of the watch, and that something does not open any more, at
// the end of every scrub.
const (
	keysSubject   = "wrapping keys"
	damageSubject = "stored values"
)

// alertKeys tells how an environment's wrapping keys stand.
func (s *Service) alertKeys(tx *store.Tx, e models.Environment, troubled []TroubleKey) error {
	if s.Alert == nil {
		return nil
	}
	signal := models.Signal{
		EnvironmentID: e.ID, Kind: models.AlertKeyUnusable, Subject: keysSubject, SubjectName: keysSubject + " of " + e.Name, Holds: len(troubled) > 0,
	}
	var parts []string
	for _, t := range troubled {
		parts = append(parts, t.Key+": "+t.Problem)
	}
	if signal.Holds {
		signal.Summary = strings.Join(parts, "; ")
		signal.Hint = "Look at the page Keys. Until the key works again, values that it alone opens cannot be read once they leave memory."
	}
	return s.Alert(tx, signal)
}

// alertDamage tells, at the end of a scrub, which environments hold something that does not
// open any more. Of a scrub that was cancelled or failed nothing is known.
func (w *work) alertDamage(tx *store.Tx, run models.KeyRun) error {
	if w.Alert == nil || run.Kind != models.KeyScrub || run.Status != models.KeyRunSucceeded && run.Status != models.KeyRunPartial {
		return nil
	}
	damaged := map[models.EnvironmentID]int{}
	for after := int64(0); ; {
		findings, err := tx.KeyFindings(run.ID, after, 0)
		if err != nil {
			return err
		}
		if len(findings) == 0 {
			break
		}
		for _, f := range findings {
			if f.Kind == models.FindingDamaged {
				damaged[f.EnvironmentID]++
			}
		}
		after = findings[len(findings)-1].ID
	}
	environments, err := tx.Environments(nil)
	if err != nil {
		return err
	}
	for _, e := range environments {
		if run.EnvironmentID != 0 && run.EnvironmentID != e.ID {
			continue
		}
		signal := models.Signal{
			EnvironmentID: e.ID, Kind: models.AlertDamage, Subject: damageSubject, SubjectName: damageSubject + " of " + e.Name, Holds: damaged[e.ID] > 0,
		}
		if signal.Holds {
			signal.Summary = fmt.Sprintf("A scrub of %s found %d things that do not open any more.", e.Name, damaged[e.ID])
			signal.Hint = "The scrub names each, on the page Keys and by keeper kms run " + string(run.ID) + ". Restore them from a backup."
		}
		if err := w.Alert(tx, signal); err != nil {
			return err
		}
	}
	return nil
}
