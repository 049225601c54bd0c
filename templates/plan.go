package templates

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/your-org/keeper/models"
)

// PlanListPage is GET /destinations/{destination}/plans.
type PlanListPage struct {
	BasePage
	View  DestinationView
	Plans []models.Plan
	Pager Pager
}

func (*PlanListPage) template() string { return "plans/list" }

// Frame stands around the page.
func (p *PlanListPage) Frame() Frame {
	f := destinationFrame(&p.View.Environment, &p.View.Destination, "")
	f.Topics = "sync"
	return f
}

// PlanHead is what all pages of one plan show.
type PlanHead struct {
	Plan        models.Plan
	Destination models.Destination
	Environment models.Environment
	MayApply    bool // one that is held or Beyond takes a manager, any other an editor
	Beyond      bool // it does more than the brake lets a run do by itself
	MayDiscard  bool
}

func (h *PlanHead) frame(title string) Frame {
	f := destinationFrame(&h.Environment, &h.Destination, title)
	f.Nav = NavSync
	f.Crumbs = []Crumb{
		{"Sync", "/sync"},
		{h.Destination.Name, MustPath("/destinations/{destination}", h.Destination.ID)},
		{"Plans", MustPath("/destinations/{destination}/plans", h.Destination.ID)},
	}
	return f
}

// Away is how many values the plan takes away there: it deletes them, or writes over them
// though Keeper did not write them.
func (h *PlanHead) Away() int { return h.Plan.Counts.Deletes + h.Plan.Counts.Overwrites }

// Again is how many copies the plan writes again where that takes nothing away.
func (h *PlanHead) Again() int { return h.Plan.Counts.Repairs - h.Plan.Counts.Overwrites }

// ShortDigest is the beginning of the plan's digest.
func (h *PlanHead) ShortDigest() string { return h.Plan.Digest[:min(len(h.Plan.Digest), 12)] }

// Lasts is how long applying the plan takes at the rate that the quota allows.
func (h *PlanHead) Lasts() time.Duration {
	return time.Duration(h.Plan.Counts.Seconds * float64(time.Second))
}

// PlanPage is GET /sync/plans/{plan}: what a plan would do, secret by secret. ?action= is
// one of PlanFilters, ?cursor= the secret after which to go on.
type PlanPage struct {
	BasePage
	PlanHead
	Filter string
	Items  []models.PlanItem
	Pager  Pager
}

func (*PlanPage) template() string { return "plans/overview" }

// Frame stands around the page.
func (p *PlanPage) Frame() Frame {
	f := p.frame("Plan")
	f.Topics = "sync"
	return f
}

// PlanApplyPage asks before a plan is carried out. Fields: digest, and where values are taken
// away confirm, the destination's name.
type PlanApplyPage struct {
	BasePage
	PlanHead
	Confirmation Confirmation
}

func (*PlanApplyPage) template() string { return "plans/apply" }

// Frame stands around the page.
func (p *PlanApplyPage) Frame() Frame {
	f := p.frame("Apply")
	f.Crumbs = append(f.Crumbs, Crumb{"Plan", MustPath("/sync/plans/{plan}", p.Plan.ID)})
	return f
}

// PlanProblems is the filter for what cannot be done, or could not be decided.
const PlanProblems = "problem"

// PlanCount is how many items a plan has of one kind.
type PlanCount struct {
	Filter string // as ?action= spells it
	Count  int
	Look   Look
}

// planCounts are the kinds of items that a plan has, what takes something away first.
func planCounts(c models.PlanCounts) []PlanCount {
	var present []PlanCount
	for _, one := range []struct {
		action models.SyncAction
		n      int
	}{
		{models.ActionDelete, c.Deletes},
		{models.ActionRepair, c.Repairs},
		{models.ActionTake, c.Takes},
		{models.ActionCreate, c.Creates},
		{models.ActionUpdate, c.Updates},
		{models.ActionRestore, c.Restores},
		{models.ActionMark, c.Marks},
		{models.ActionTune, c.Tunes},
		{models.ActionHold, c.Held},
		{models.ActionRefuse, c.Refused},
		{PlanProblems, c.Problems},
	} {
		if one.n > 0 {
			look := planLook(one.action)
			if one.action == models.ActionRepair && c.Overwrites > 0 {
				look.Word = "overwrite or write again"
			}
			present = append(present, PlanCount{string(one.action), one.n, look})
		}
	}
	return present
}

// PlanFilters are all values of ?action=.
var PlanFilters = slices.Sorted(func(yield func(string) bool) {
	for action := range planLooks {
		if !yield(string(action)) {
			return
		}
	}
})

var planLooks = map[models.SyncAction]Look{
	models.ActionCreate:  {"create", "plus-lg", "green"},
	models.ActionUpdate:  {"update", "arrow-up", "green"},
	models.ActionRepair:  {"write again", "arrow-repeat", "amber"},
	models.ActionRestore: {"restore", "arrow-counterclockwise", "green"},
	models.ActionDelete:  {"delete", "trash", "red"},
	models.ActionTake:    {"take into Keeper", "arrow-down", "amber"},
	models.ActionMark:    {"mark as Keeper's", "patch-check", "grey"},
	models.ActionTune:    {"give the destination's settings", "sliders", "green"},
	models.ActionHold:    {"leave to a person", "pause-circle-fill", "blue"},
	models.ActionRefuse:  {"leave alone", "lock-fill", "grey"},
	PlanProblems:         {"cannot be done", "x-circle-fill", "red"},
}

func planLook(a models.SyncAction) Look {
	if look, ok := planLooks[a]; ok {
		return look
	}
	return Look{string(a), "question-circle", "grey"}
}

// itemLook is what a plan would do about one secret.
func itemLook(i models.PlanItem) Look {
	switch {
	case i.Problem != "":
		return planLooks[PlanProblems]
	case i.Action == models.ActionRepair && (i.Status == models.StatusDrifted || i.Status == models.StatusConflict):
		return Look{"overwrite", "arrow-repeat", "amber"}
	}
	return planLook(i.Action)
}

// itemState is the state that a plan found a secret in.
func itemState(i models.PlanItem) State { return StateOf(models.SyncState{Status: i.Status}, false) }

var planStatusLooks = map[models.PlanStatus]Look{
	models.PlanDraft:     {"to be looked at", "clock", "grey"},
	models.PlanHeld:      {"held by the brake", "pause-circle-fill", "blue"},
	models.PlanApplying:  {"being applied", "arrow-repeat", "blue"},
	models.PlanApplied:   {"applied", "check-circle-fill", "green"},
	models.PlanRefused:   {"refused", "x-circle-fill", "red"},
	models.PlanDiscarded: {"discarded", "dash-circle-fill", "grey"},
}

func planStatusLook(s models.PlanStatus) Look {
	if look, ok := planStatusLooks[s]; ok {
		return look
	}
	return Look{string(s), "question-circle", "grey"}
}

// CallCount is how many calls of one kind a plan takes.
type CallCount struct {
	Kind  string
	Count int
}

// planCalls are the calls that applying a plan takes, by kind.
func planCalls(calls map[string]int) []CallCount {
	var all []CallCount
	for _, kind := range slices.Sorted(maps.Keys(calls)) {
		if calls[kind] > 0 {
			all = append(all, CallCount{kind, calls[kind]})
		}
	}
	return all
}

// planWords are what a plan would change, in a few words.
func planWords(c models.PlanCounts) string {
	var words []string
	say := func(n int, what string) {
		if n > 0 {
			words = append(words, count(n)+" "+what)
		}
	}
	say(c.Overwrites, "to overwrite")
	c.Repairs, c.Overwrites = c.Repairs-c.Overwrites, 0
	for _, one := range planCounts(c) {
		if one.Filter != PlanProblems {
			say(one.Count, "to "+one.Look.Word)
		}
	}
	say(c.Problems, "cannot be done")
	return strings.Join(words, ", ")
}
