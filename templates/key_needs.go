package templates

import (
	"slices"
	"time"

	"github.com/your-org/keeper/models"
)

// proofAge is how old the last proof of a spare recipient may be.
const proofAge = 90 * 24 * time.Hour

// KeyNeed is one thing about keys that a person should look at.
type KeyNeed struct {
	look        Look
	backend     bool   // it tells of the backend of all keys
	Subject     string // what it is about
	Environment *models.Environment
	URL         string
	Why         string
	Hint        string
	At          *time.Time // since when; nil: not known
}

// Look is how it shows.
func (n KeyNeed) Look() Look { return n.look }

// KeyNeeds finds what a person should look at, the worst first.
func KeyNeeds(now time.Time, backend HealthItem, keys []KeyView, scrub *KeyRunView, runs []KeyRunView) []KeyNeed {
	var needs []KeyNeed
	away := backend.Health == HealthDown || backend.Health == HealthDegraded
	if away {
		needs = append(needs, KeyNeed{look: backend.Health.Look(), backend: true, Subject: "Encryption", URL: "/keys", Why: backend.Detail, Hint: backend.Hint})
	}
	worked := inWork(runs)
	for _, k := range keys {
		if k.Problem == "" || !away { // else the backend tells of all its keys
			needs = append(needs, stateNeeds(k)...)
		}
		for _, u := range k.Uses {
			needs = append(needs, useNeeds(now, k, u, worked[u.Environment.ID])...)
		}
	}
	needs = append(needs, scrubNeeds(scrub)...)
	needs = append(needs, failedRuns(runs)...)
	slices.SortStableFunc(needs, func(a, b KeyNeed) int { return severity(a.look) - severity(b.look) })
	return needs
}

func severity(l Look) int {
	if l.Tone == "red" {
		return 0
	}
	return 1
}

// inWork are the environments whose data keys are just being wrapped anew.
func inWork(runs []KeyRunView) map[models.EnvironmentID]bool {
	worked := map[models.EnvironmentID]bool{}
	for _, v := range runs {
		if !v.Run.Status.Ended() && (v.Run.Kind == models.KeyRewrap || v.Run.Kind == models.KeyMigrate) {
			worked[v.Run.EnvironmentID] = true
		}
	}
	return worked
}

// stateNeeds is what the state of a key asks for, while anybody needs the key.
func stateNeeds(k KeyView) []KeyNeed {
	needed := k.DataKeys() > 0 || slices.ContainsFunc(k.Uses, func(u KeyUse) bool { return u.Role.Wanted() })
	switch {
	case !needed:
		return nil
	case k.Problem != "":
		return []KeyNeed{{look: k.Look(), Subject: k.Title(), URL: "/keys", Why: k.Problem, Hint: k.Hint}}
	case k.Kind != models.RecipientKMS || k.Enabled:
		return nil
	case k.State == "PendingDeletion":
		return []KeyNeed{{
			look: k.Look(), Subject: k.Title(), URL: "/keys",
			Why:  "AWS will delete the key. What only it can open is lost on that day.",
			Hint: "Cancel the deletion in AWS, then enable the key, until nothing stands under it.",
		}}
	default:
		return []KeyNeed{{look: k.Look(), Subject: k.Title(), URL: "/keys", Why: "Nothing can be opened with it while it is so.", Hint: "Enable the key in AWS, or re-wrap under another one first."}}
	}
}

func useNeeds(now time.Time, k KeyView, u KeyUse, inWork bool) []KeyNeed {
	var needs []KeyNeed
	need := func(l Look, why, hint string, at *time.Time) {
		needs = append(needs, KeyNeed{look: l, Subject: useTitle(k, u), Environment: &u.Environment, URL: environmentKeysURL(&u.Environment), Why: why, Hint: hint, At: at})
	}
	if u.Role == RoleFormer && u.DataKeys > 0 && !inWork {
		need(Look{"former key in use", "key", "amber"}, plural(u.DataKeys, "data key")+" still "+verb(u.DataKeys, "stands", "stand")+" under it, though it is not wanted any more.", "Re-wrap the environment; keep the key enabled until then.", nil)
	}
	if u.Role.Wanted() && u.Missing > 0 && !inWork {
		need(Look{"wraps owed", "clock", "amber"}, plural(u.Missing, "data key")+" "+verb(u.Missing, "is", "are")+" not wrapped for it yet, so it cannot open everything.", "Keeper makes up for it by itself once the key answers.", nil)
	}
	if !u.Role.Spare() {
		return needs
	}
	switch d := u.Drill; {
	case d != nil && d.Error != "":
		need(Look{"drill failed", "x-circle-fill", "red"}, d.Error, "Do not rely on it before a drill succeeds.", &d.TriedAt)
	case d == nil || d.ProvedAt == nil:
		need(Look{"never proved", "question-circle", "amber"}, "Nobody has shown that it alone opens anything.", "Start a drill.", nil)
	case now.Sub(*d.ProvedAt) > proofAge:
		need(Look{"proof is old", "clock-history", "amber"}, "It was last shown to open a sample more than 90 days ago.", "Start a drill.", d.ProvedAt)
	}
	return needs
}

// useTitle is a key as one environment knows it.
func useTitle(k KeyView, u KeyUse) string {
	if u.Label != "" {
		return u.Label
	}
	return k.Plain()
}

func scrubNeeds(scrub *KeyRunView) []KeyNeed {
	if scrub == nil || scrub.Run.Status != models.KeyRunPartial {
		return nil
	}
	look := Look{"not all looked at", "question-circle", "amber"}
	if scrub.Damaged {
		look = findingLook(models.FindingDamaged)
	}
	return []KeyNeed{{
		look: look, Subject: "Last scrub", URL: MustPath("/keys/runs/{run}", scrub.Run.ID), Why: scrub.Report().Message, Hint: scrub.Report().Hint, At: scrub.Run.FinishedAt,
	}}
}

// failedRuns are the runs that could not go on and that no later one of the same work made
// up for; runs come newest first.
func failedRuns(runs []KeyRunView) []KeyNeed {
	type work struct {
		kind        models.KeyRunKind
		environment models.EnvironmentID
	}
	seen := map[work]bool{}
	var needs []KeyNeed
	for _, v := range runs {
		w := work{v.Run.Kind, v.Run.EnvironmentID}
		if !seen[w] && v.Run.Status == models.KeyRunFailed {
			needs = append(needs, KeyNeed{
				look: v.Look(), Subject: v.Title(), URL: MustPath("/keys/runs/{run}", v.Run.ID), Why: v.Run.Error, Hint: v.Run.Hint, At: v.Run.FinishedAt,
			})
		}
		seen[w] = true
	}
	return needs
}

// Recovery is how an environment stands on the day that its wrapping key is lost.
type Recovery struct {
	Environment models.Environment
	Spares      int        // recipients beside the wrapping key
	ProvedAt    *time.Time // the oldest of their last proofs; nil: one of them was never proved
	Failed      bool       // the last drill of one of them failed
}

// Look is how the recovery shows.
func (r Recovery) Look(now time.Time) Look {
	switch {
	case r.Failed:
		return Look{"drill failed", "x-circle-fill", "red"}
	case r.Spares == 0:
		return Look{"one key only", "dash-circle-fill", "grey"}
	case r.ProvedAt == nil:
		return Look{"never proved", "question-circle", "amber"}
	case now.Sub(*r.ProvedAt) > proofAge:
		return Look{"proof is old", "clock-history", "amber"}
	default:
		return Look{"proved", "check-circle-fill", "green"}
	}
}

// RecoveryOf tells how an environment stands.
func RecoveryOf(e models.Environment, keys []KeyView) Recovery {
	r := Recovery{Environment: e}
	never := false
	for _, k := range keys {
		for _, u := range k.Uses {
			if u.Environment.ID != e.ID || !u.Role.Spare() {
				continue
			}
			r.Spares++
			r.Failed = r.Failed || u.Drill != nil && u.Drill.Error != ""
			if u.Drill == nil || u.Drill.ProvedAt == nil {
				never = true
			} else if r.ProvedAt == nil || u.Drill.ProvedAt.Before(*r.ProvedAt) {
				r.ProvedAt = u.Drill.ProvedAt
			}
		}
	}
	if never {
		r.ProvedAt = nil
	}
	return r
}
