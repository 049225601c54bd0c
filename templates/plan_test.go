package templates

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/models"
)

func TestVerdict(t *testing.T) {
	page := sampleHoldPage(sampleBase())
	for _, c := range []struct {
		remote  string
		version string
		want    string
	}{
		{"one", "v", "are not equal"}, {"two", "v", "are equal"}, {"", "v", "is not known"}, {"one", "", "no value at the destination"},
	} {
		page.Keeper.Hash, page.Hold.RemoteHash, page.Hold.RemoteVersion = []byte("two"), []byte(c.remote), c.version
		if got := page.Verdict(); !strings.Contains(got, c.want) {
			t.Errorf("%+v: got %q", c, got)
		}
	}
}

func TestHoldPages(t *testing.T) {
	b := sampleBase()
	sample := map[string]Page{}
	sampleHoldPages(b, sample)
	for name, want := range map[string]struct{ decisions, reveals int }{
		"hold": {2, 2}, "hold missing": {1, 1}, "hold decided": {0, 2}, "hold moved": {0, 2}, "hold as viewer": {0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			document := render(t, sample[name])
			if got := len(all(document, "form:has(input[name=side])")); got != want.decisions {
				t.Errorf("%d decisions are offered, want %d", got, want.decisions)
			}
			if got := len(all(document, "form[data-reveal]")); got != want.reveals {
				t.Errorf("%d reveals are offered, want %d", got, want.reveals)
			}
		})
	}
	document := render(t, sample["hold"])
	if keeper, remote := text(all(document, "#keeper-hash")[0]), text(all(document, "#remote-hash")[0]); keeper != "cafebabe0001" || remote != "deadbeef0001" {
		t.Errorf("the hashes show as %s and %s", keeper, remote)
	}
	for _, form := range all(document, "form:has(input[name=side])") {
		if version := attribute(all(form, "input[name=version]")[0], "value"); version != "4" {
			t.Errorf("a decision is about version %s", version)
		}
	}
	if len(all(document, "#shared")) != 0 {
		t.Error("a difference of one secret is said to be of several")
	}
	shared := render(t, sample["hold shared"])
	if said := text(all(shared, "#shared")[0]); !strings.Contains(said, "production/mail/smtp") {
		t.Errorf("it says %q", said)
	}
	if action := attribute(all(shared, "form[data-reveal]")[0], "action"); !strings.HasSuffix(action, "/versions/2/reveal") {
		t.Errorf("Keeper's side is revealed by %s", action)
	}
}

func TestPlanPages(t *testing.T) {
	sample := map[string]Page{}
	samplePlanPages(sampleBase(), sample)
	for name, want := range map[string]struct {
		apply, discard, anew bool
	}{
		"plan": {true, true, false}, "plan held": {true, true, false}, "plan held, as viewer": {false, false, false}, "plan of nothing": {false, true, false},
		"plan refused": {false, false, true}, "plan applying": {false, false, true}, "plan applied": {false, false, true}, "plan discarded": {false, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			document := render(t, sample[name])
			got := [3]bool{len(all(document, "#act-apply")) == 1, len(all(document, "#act-discard")) == 1, len(all(document, "#act-plan")) == 1}
			if got != [3]bool{want.apply, want.discard, want.anew} {
				t.Errorf("apply, discard, new plan: got %v", got)
			}
		})
	}
	if asked := len(all(render(t, sample["plan apply"]), "input[name=confirm]")); asked != 1 {
		t.Error("a plan that takes values away does not ask for the name")
	}
	if asked := len(all(render(t, sample["plan apply harmless"]), "input[name=confirm]")); asked != 0 {
		t.Error("a plan that takes nothing away asks for the name")
	}
	if said := text(all(render(t, sample["plan apply"]), ".warning")[0]); !strings.Contains(said, "61 values would be deleted at aws-main") || !strings.Contains(said, "3 values that Keeper did not write") {
		t.Errorf("it says %q", said)
	}
}

func TestPlanWords(t *testing.T) {
	for _, c := range []struct {
		counts models.PlanCounts
		want   string
	}{
		{models.PlanCounts{}, ""},
		{models.PlanCounts{Problems: 2}, "2 cannot be done"},
		{models.PlanCounts{Repairs: 3, Overwrites: 2}, "2 to overwrite, 1 to write again"},
		{models.PlanCounts{Creates: 1200, Deletes: 1, Problems: 1}, "1 to delete, 1,200 to create, 1 cannot be done"},
	} {
		if diff := cmp.Diff(c.want, planWords(c.counts)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestBrakedIsNotUnreachable(t *testing.T) {
	v := DestinationView{Destination: models.Destination{LastError: "would delete 9", LastRunStatus: models.RunHeld, LastRunAt: agoP(time.Minute)}}
	if v.Reach() != HealthBraked || v.Unreachable() != "" {
		t.Errorf("a braked destination is %s, unreachable %q", v.Reach(), v.Unreachable())
	}
	v.Destination.LastRunStatus = models.RunFailed
	if v.Reach() != HealthDown || v.Unreachable() == "" {
		t.Errorf("a failed destination is %s, unreachable %q", v.Reach(), v.Unreachable())
	}
}

func TestBrakeWords(t *testing.T) {
	for want, c := range map[string]models.DestinationConfig{
		"more than 50 or 25 %": {}, "off": {BrakeMost: new(0)}, "more than 8": {BrakeMost: new(8), BrakePercent: new(0)},
	} {
		if got := brakeWords(c); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
