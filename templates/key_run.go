package templates

import (
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
	// CanClose says of a run that ended that the key it emptied may be disabled: nothing of
	// any environment stands under it, and nothing will.
	CanClose bool
}

// Title is what the run does, and to what.
func (v KeyRunView) Title() string { return keyRunWord(v.Run.Kind) + " of " + v.Of() }

// Of is what the run works on.
func (v KeyRunView) Of() string {
	if v.Environment == nil {
		return "all environments"
	}
	return v.Environment.DisplayName
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

// Look is how the status shows. What succeeded with something left to see to does not look
// as if all were well.
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

// Report is what a run that ended has to say; nil while it goes on.
func (v KeyRunView) Report() *KeyReport {
	switch v.Run.Status {
	case models.KeyRunSucceeded:
		return v.succeeded()
	case models.KeyRunPartial:
		return v.partial()
	case models.KeyRunFailed:
		return &KeyReport{FlashFailed, "It could not go on. What was done stays and is whole; nothing is lost.", v.Run.Hint}
	case models.KeyRunCancelled:
		return &KeyReport{FlashNote, "It was cancelled. What was done stays and is whole.", "Started again, it goes on with what is left."}
	default:
		return nil
	}
}

func (v KeyRunView) succeeded() *KeyReport {
	from := shortKey(v.Run.FromKey)
	switch {
	case v.Run.Kind == models.KeyScrub:
		return &KeyReport{FlashDone, "Everything opened: " + plural(int(v.Run.Done), "item") + " authenticated, nothing is damaged.", ""}
	case v.Run.Kind == models.KeyReencrypt:
		return &KeyReport{FlashDone, "Every version and all credentials are sealed anew, under new data keys.", ""}
	case from == "":
		return &KeyReport{FlashDone, "Every data key is wrapped for exactly those for whom it should be.", ""}
	case v.Run.Remaining > 0:
		return v.stillThere()
	case v.CanClose:
		return &KeyReport{FlashDone, "Nothing stands under " + from + " any more. It may be disabled.", ""}
	default:
		return &KeyReport{FlashDone, "Nothing of " + v.Of() + " stands under " + from + " any more.", "Keep it enabled: it is still wanted, or something else stands under it. The list of keys says what."}
	}
}

func (v KeyRunView) partial() *KeyReport {
	switch {
	case v.Run.Kind == models.KeyScrub:
		return &KeyReport{FlashFailed, "Not everything opened: " + plural(v.Findings, "finding") + ". Nothing was changed.", "What is damaged will not open by waiting: write a new version of it, or restore it from a backup. What is unknown could not be looked at; scrub again once the key answers."}
	case v.Run.Remaining > 0:
		return v.stillThere()
	default:
		return &KeyReport{FlashWarning, "It went through with " + plural(v.Findings, "finding") + "; what they name stays as it was.", "Mend what the findings say, then start it again: what is done is not done twice."}
	}
}

// stillThere refuses to let go of a key under which anything stands.
func (v KeyRunView) stillThere() *KeyReport {
	return &KeyReport{
		FlashWarning, plural(int(v.Run.Remaining), "data key") + " still " + verb(v.Run.Remaining, "stands", "stand") + " under " + shortKey(v.Run.FromKey) + ". Do not disable it.",
		"Start the re-wrap again; the findings say what held it up.",
	}
}

func verb(n int64, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
