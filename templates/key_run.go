package templates

import (
	"cmp"
	"time"

	"github.com/your-org/keeper/models"
)

// KeyRunView is one run over keys with its pace.
type KeyRunView struct {
	Run         models.KeyRun
	Environment *models.Environment // nil: all environments
	Rate        float64             // of the run's unit a second; 0: not known
	Left        time.Duration       // 0: not known
	Findings    int
	Damaged     bool // something is among the findings that will not open by waiting
}

// Title is what the run does, and to what.
func (v KeyRunView) Title() string { return keyRunWord(v.Run.Kind) + " of " + v.Of() }

// Of is what the run works on.
func (v KeyRunView) Of() string {
	switch {
	case v.Environment != nil:
		return v.Environment.DisplayName
	case v.Run.EnvironmentID != 0:
		return "an environment that is gone"
	default:
		return "all environments"
	}
}

// Unit is what Total and Done count.
func (v KeyRunView) Unit() string {
	switch v.Run.Kind {
	case models.KeyRewrap, models.KeyMigrate:
		return "data keys"
	case models.KeyScrub:
		return "items"
	default:
		return "sealed values"
	}
}

// Percent is how far the run has come; 0 where the whole is not known.
func (v KeyRunView) Percent() int {
	if v.Run.Total <= 0 {
		return 0
	}
	return int(min(100, v.Run.Done*100/v.Run.Total))
}

// Look is how the status shows.
func (v KeyRunView) Look() Look { return keyRunLook(v.Run.Status) }

// Took is how long the run has been at work, or was; 0 before it began.
func (v KeyRunView) Took(now time.Time) time.Duration {
	switch {
	case v.Run.StartedAt == nil:
		return 0
	case v.Run.FinishedAt != nil:
		return v.Run.FinishedAt.Sub(*v.Run.StartedAt)
	default:
		return now.Sub(*v.Run.StartedAt)
	}
}

// Settling reports whether a re-encryption has sealed all anew and waits for the last uses of
// the older data keys that were reserved before it began.
func (v KeyRunView) Settling() bool {
	return v.Run.Kind == models.KeyReencrypt && v.Run.Status == models.KeyRunRunning && v.Run.Total > 0 && v.Run.Done >= v.Run.Total
}

// KeyRunsPage is GET /keys/runs.
type KeyRunsPage struct {
	BasePage
	Kind  models.KeyRunKind // only that kind; "": all
	Runs  []KeyRunView
	Pager Pager
}

func (*KeyRunsPage) template() string { return "keys/runs" }

// Frame stands around the page.
func (p *KeyRunsPage) Frame() Frame {
	return Frame{Title: "Runs", Nav: NavKeys, Crumbs: []Crumb{{"Keys", "/keys"}}, Topics: "keys"}
}

// KeyRunPage is GET /keys/runs/{run}. While it goes on, the page follows it.
type KeyRunPage struct {
	BasePage
	KeyRunView
	FoundHere []models.KeyFinding
	Pager     Pager // of the findings
	MayManage bool
}

func (*KeyRunPage) template() string { return "keys/run" }

// Frame stands around the page.
func (p *KeyRunPage) Frame() Frame {
	return Frame{
		Title: p.Title(), Nav: NavKeys, Environment: p.Environment,
		Crumbs: []Crumb{{"Keys", "/keys"}, {"Runs", "/keys/runs"}}, Topics: "keyrun:" + string(p.Run.ID),
	}
}

// Where is the environment of a finding; nil: one that is gone, or none.
func (p *KeyRunPage) Where(id models.EnvironmentID) *models.Environment {
	for i := range p.Environments {
		if p.Environments[i].ID == id {
			return &p.Environments[i]
		}
	}
	return nil
}

// KeyRunCancelPage is GET /keys/runs/{run}/cancel.
type KeyRunCancelPage struct {
	BasePage
	KeyRunView
}

func (*KeyRunCancelPage) template() string { return "keys/cancel" }

// Frame stands around the page.
func (p *KeyRunCancelPage) Frame() Frame {
	return Frame{
		Title: "Cancel", Nav: NavKeys, Environment: p.Environment,
		Crumbs: []Crumb{{"Keys", "/keys"}, {p.Title(), MustPath("/keys/runs/{run}", p.Run.ID)}},
	}
}

// Stays says what of the run is kept when it is cancelled.
func (p *KeyRunCancelPage) Stays() string {
	switch p.Run.Kind {
	case models.KeyScrub:
		return "A scrub changes nothing. What it has found stays listed; what it has not opened yet stays unchecked until the next one."
	case models.KeyReencrypt:
		return "The values that are sealed anew stay so, the others stay under their older data keys. All of them stay readable."
	default:
		return "The data keys that are wrapped anew stay so, the others stay as they are. All of them stay readable, and what stood under the older key still stands there: keep it enabled."
	}
}

// KeyReport is what a run that ended has to say.
type KeyReport struct {
	Tone    FlashKind
	Message string
	Hint    string
}

// Report is what a run that ended has to say; nil while it goes on. What a run found out
// about the key that it emptied it says itself, in its hint.
func (v KeyRunView) Report() *KeyReport {
	switch v.Run.Status {
	case models.KeyRunSucceeded:
		r := &KeyReport{Tone: FlashDone, Message: cmp.Or(v.Run.Hint, v.succeeded())}
		if v.Run.Remaining > 0 {
			r.Tone = FlashWarning
		}
		return r
	case models.KeyRunPartial:
		return &KeyReport{FlashWarning, cmp.Or(v.Run.Error, "It went through with "+plural(v.Findings, "finding")+"."), cmp.Or(v.Run.Hint, v.afterFindings())}
	case models.KeyRunFailed:
		return &KeyReport{FlashFailed, "It could not go on. What was done stays and is whole; nothing is lost.", v.Run.Hint}
	case models.KeyRunCancelled:
		return &KeyReport{FlashNote, "It was cancelled.", cmp.Or(v.Run.Hint, "What was done stays and is whole; started again, it goes on with what is left.")}
	default:
		return nil
	}
}

func (v KeyRunView) succeeded() string {
	switch v.Run.Kind {
	case models.KeyScrub:
		return "Everything opened; nothing is damaged."
	case models.KeyReencrypt:
		return "Every version and all credentials are sealed anew, under new data keys."
	default:
		return "Every data key is wrapped for exactly those for whom it should be."
	}
}

func (v KeyRunView) afterFindings() string {
	if v.Run.Kind == models.KeyScrub {
		return "Nothing was changed. What is damaged will not open by waiting: write a new version of it, or restore it from a backup. What is unknown could not be looked at; scrub again once the key answers."
	}
	return "What they name stays as it was. Mend what they say, then start it again: what is done is not done twice."
}

// Moves reports whether the run is to empty one key in favour of another.
func (v KeyRunView) Moves() bool { return v.Run.FromKey != "" && v.Run.FromKey != v.Run.ToKey }
