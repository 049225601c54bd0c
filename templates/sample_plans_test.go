package templates

import (
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

func samplePlan(status models.PlanStatus, at time.Duration) models.Plan {
	return models.Plan{
		ID: "pln_5k2m", DestinationID: awsMain.ID, EnvironmentID: 1, Status: status, Full: true, CreatedAt: ago(at), CreatedBy: "Maria Okafor",
		Digest: "3f8a1c77b2kd9c01aa1x2y3z3f8a1c77b2kd9c01aa1x2y3z3f8a1c77b2kd9c01",
		Counts: models.PlanCounts{
			Looked: 10_404, Creates: 12, Updates: 3, Repairs: 4, Overwrites: 3, Restores: 1, Deletes: 61, Takes: 2, Marks: 1, Held: 2, Refused: 1, Problems: 1,
			Calls: map[string]int{"write": 81, "read": 104, "list": 0}, Seconds: 42,
		},
	}
}

func decided(p models.Plan, reason string) models.Plan {
	p.DecidedAt, p.DecidedBy, p.RunID, p.Reason = agoP(time.Minute), "Jonas Weber", "run_9", reason
	return p
}

func planHead(p models.Plan) PlanHead {
	return PlanHead{Plan: p, Destination: awsMain, Environment: production, MayApply: true, MayDiscard: true}
}

func samplePlanItems() []models.PlanItem {
	item := func(id models.SecretID, name string, action models.SyncAction, status models.SyncStatus, why string) models.PlanItem {
		return models.PlanItem{PlanID: "pln_5k2m", SecretID: id, SecretName: name, RemoteName: "keeper/production/" + name, Action: action, Status: status, Version: 4, RemoteVersion: "9f1c", Why: why}
	}
	items := []models.PlanItem{
		item(1, "payments/stripe/api-key", models.ActionUpdate, models.StatusSourceChanged, "Keeper has a newer value."),
		item(3, "payments/db/password", models.ActionRepair, models.StatusDrifted, "The value was changed at the destination; Keeper's counts, the other stays there as an earlier version."),
		item(5, "mail/smtp/password", models.ActionRepair, models.StatusMissing, "Keeper wrote it; it is gone at the destination."),
		item(6, "identity/session-key", models.ActionCreate, models.StatusSourceChanged, "Not at the destination yet."),
		item(7, "legacy/ftp/password", models.ActionDelete, models.StatusOrphaned, "Deleted in Keeper, still at the destination."),
		item(8, "search/api-key", models.ActionTake, models.StatusDrifted, "The value was changed at the destination; the destination's counts, and becomes a new version in Keeper."),
		item(9, "observability/grafana/service-account-token-for-the-long-named-production-cluster-in-frankfurt", models.ActionHold, models.StatusConflict, "The value was changed in Keeper and at the destination; a person decides which of the two counts."),
		item(10, "licence-text", models.ActionRefuse, models.StatusForeign, "The name is taken at the destination by something that Keeper did not write."),
		item(11, "deploy/bundle", models.ActionRefuse, models.StatusSourceChanged, ""),
	}
	items[4].Version = 0
	items[8].Problem, items[8].Hint = "The value has 70,112 bytes; AWS takes 65,536.", "Split it into several secrets."
	return items
}

func samplePlanPages(b BasePage, all map[string]Page) {
	items := samplePlanItems()
	draft := planHead(samplePlan(models.PlanDraft, time.Minute))
	held := planHead(samplePlan(models.PlanHeld, time.Hour))
	held.Plan.Reason, held.Plan.CreatedBy, held.Plan.RunID = "The run would delete, write over or take over 64 of 10,404 values, more than it may by itself; none of that was done.", "system", "run_2"
	refused := planHead(decided(samplePlan(models.PlanRefused, time.Hour), "payments/db/password has moved since the plan was made; nothing was done."))
	all["plan"] = &PlanPage{BasePage: b, PlanHead: draft, Items: items, Pager: Pager{Next: "11", Total: -1}}
	all["plan filtered"] = &PlanPage{BasePage: b, PlanHead: draft, Filter: "create", Items: items[3:4]}
	all["plan filtered empty"] = &PlanPage{BasePage: b, PlanHead: draft, Filter: "restore"}
	all["plan held"] = &PlanPage{BasePage: b, PlanHead: held, Items: items}
	viewer := held
	viewer.MayApply, viewer.MayDiscard = false, false
	all["plan held, as viewer"] = &PlanPage{BasePage: b, PlanHead: viewer, Items: items}
	beyond := draft
	beyond.Beyond = true
	all["plan beyond the brake"] = &PlanPage{BasePage: b, PlanHead: beyond, Items: items}
	beyond.MayApply = false
	all["plan beyond the brake, as editor"] = &PlanPage{BasePage: b, PlanHead: beyond, Items: items}
	all["plan refused"] = &PlanPage{BasePage: b, PlanHead: refused, Items: items}
	all["plan applying"] = &PlanPage{BasePage: b, PlanHead: planHead(decided(samplePlan(models.PlanApplying, time.Hour), "")), Items: items}
	all["plan applied"] = &PlanPage{BasePage: b, PlanHead: planHead(decided(samplePlan(models.PlanApplied, time.Hour), "")), Items: items}
	all["plan discarded"] = &PlanPage{BasePage: b, PlanHead: planHead(decided(samplePlan(models.PlanDiscarded, time.Hour), "")), Items: items}
	nothing := planHead(models.Plan{ID: "pln_0", Status: models.PlanDraft, DestinationID: awsMain.ID, CreatedAt: ago(time.Minute), CreatedBy: "system"})
	all["plan of nothing"] = &PlanPage{BasePage: b, PlanHead: nothing}
	confirmation := Confirmation{Name: "aws-main"}
	all["plan apply"] = &PlanApplyPage{BasePage: b, PlanHead: held, Confirmation: confirmation}
	wrong := confirmation
	wrong.Form.Fail(fault.New(fault.Conflict, "The plan is applied already; nothing was started.").WithHint("Make a new plan."))
	all["plan apply refused"] = &PlanApplyPage{BasePage: b, PlanHead: draft, Confirmation: wrong}
	harmless := planHead(samplePlan(models.PlanDraft, time.Minute))
	harmless.Plan.Counts = models.PlanCounts{Looked: 20, Creates: 2, Seconds: 0.1}
	all["plan apply harmless"] = &PlanApplyPage{BasePage: b, PlanHead: harmless, Confirmation: confirmation}
	view := sampleViews()[0]
	view.Held = 2
	all["plans"] = &PlanListPage{BasePage: b, View: view, Pager: Pager{Next: "c2", Total: -1}, Plans: []models.Plan{held.Plan, draft.Plan, refused.Plan, nothing.Plan}}
	all["plans empty"] = &PlanListPage{BasePage: b, View: view}
}

func sampleHold(status models.SyncStatus) models.SyncHold {
	return models.SyncHold{
		SecretID: 1, DestinationID: awsMain.ID, Status: status, Version: 4, RemoteVersion: "5b7e0f7c-1111-4222-8333-944455566677",
		Why:        "The value was changed in Keeper and at the destination; a person decides which of the two counts.",
		RemoteHash: []byte("\xde\xad\xbe\xef\x00\x01\x02\x03"), RemoteSize: 98, RemoteChangedAt: agoP(3 * time.Hour), HeldAt: ago(2 * time.Hour),
	}
}

func sampleHoldPage(b BasePage) *HoldPage {
	head := sampleHead()
	version := sampleVersions()[0]
	version.Hash = []byte("\xca\xfe\xba\xbe\x00\x01\x02\x03")
	return &HoldPage{
		BasePage: b, HoldHead: HoldHead{Secret: head.Secret, Environment: production, Destination: awsMain}, Hold: sampleHold(models.StatusConflict),
		Keeper: version, Keepers: 4, Rights: SecretRights{Reveal: true, Write: true},
	}
}

func sampleHoldPages(b BasePage, all map[string]Page) {
	all["hold"] = sampleHoldPage(b)
	gone := sampleHoldPage(b)
	gone.Hold.Status, gone.Hold.RemoteVersion, gone.Hold.RemoteHash, gone.Hold.RemoteChangedAt = models.StatusMissing, "", nil, nil
	all["hold missing"] = gone
	ruled := sampleHoldPage(b)
	ruled.Hold.Ruling, ruled.Hold.RuledBy, ruled.Hold.RuledAt = models.SideRemote, "Jonas Weber", agoP(time.Second)
	all["hold decided"] = ruled
	moved := sampleHoldPage(b)
	moved.Keepers = 5
	moved.Form.Fail(fault.New(fault.Stale, "The secret was changed in Keeper since; nothing was decided.").WithHint("Look at both sides again."))
	all["hold moved"] = moved
	viewer := sampleHoldPage(b)
	viewer.Rights = SecretRights{}
	all["hold as viewer"] = viewer
	shared := sampleHoldPage(b)
	shared.Hold.Group = &models.SyncGroup{RemoteName: "production/mail/smtp", Version: 4}
	shared.Keeper = models.SecretVersion{Number: 2, Hash: shared.Keeper.Hash, Size: 412, CreatedAt: ago(time.Hour)}
	all["hold shared"] = shared
	all["hold reveal"] = &HoldRevealPage{BasePage: b, HoldHead: viewer.HoldHead, Value: "sk_test_SAMPLE<only>"}
	view := sampleViews()[0]
	view.Held = 1
	all["holds"] = &HoldListPage{BasePage: b, View: view, Pager: Pager{Next: "9", Total: -1}, Rows: []HoldRow{
		{gone.Hold, "mail/smtp/password"}, {sampleHold(models.StatusDrifted), "payments/db/password"}, {ruled.Hold, "search/api-key"},
	}}
	all["holds empty"] = &HoldListPage{BasePage: b, View: view}
}
