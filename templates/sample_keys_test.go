package templates

import (
	"slices"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

const (
	sampleARN  = "arn:aws:kms:eu-central-1:123456789012:key/1a2b3c4d-0000-4444-8888-99aabbccddee"
	sampleARN2 = "arn:aws:kms:eu-west-1:123456789012:key/5e6f7a8b-0000-4444-8888-99aabbccddee"
	sampleARN3 = "arn:aws:kms:eu-central-1:123456789012:key/0ld00000-0000-4444-8888-99aabbccddee"
	sampleAge  = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
)

func sampleDrill(proved time.Duration, failure string) *models.KeyDrill {
	d := models.KeyDrill{TriedAt: ago(proved), Error: failure, Actor: "Maria Okafor"}
	if failure == "" {
		d.ProvedAt = agoP(proved)
	}
	return &d
}

func sampleKeys() []KeyView {
	primary := func(e models.Environment, keys, versions int) KeyUse {
		return KeyUse{Environment: e, Role: RolePrimary, DataKeys: keys, Versions: versions, Drill: sampleDrill(3*sampleDay, "")}
	}
	return []KeyView{
		{Kind: models.RecipientKMS, Name: "alias/keeper-production", ID: sampleARN, Aliases: []string{"alias/keeper-production"}, Enabled: true, State: "Enabled", Rotation: new(true), Region: "eu-central-1", Uses: []KeyUse{primary(production, 1204, 40_812)}},
		{Kind: models.RecipientKMS, ID: sampleARN3, Aliases: []string{"alias/keeper"}, Enabled: true, State: "Enabled", Rotation: new(false), Region: "eu-central-1", Uses: []KeyUse{
			{Environment: production, Role: RoleFormer, DataKeys: 31, Versions: 903}, primary(staging, 134, 1204), primary(development, 2, 17),
		}},
		{Kind: models.RecipientKMS, Name: sampleARN2, ID: sampleARN2, State: "PendingDeletion", Region: "eu-west-1", Replicas: []string{sampleARN}, Uses: []KeyUse{
			{Environment: production, Role: RoleSecond, DataKeys: 1190, Missing: 14, Versions: 40_700, Label: "standby in Ireland", Drill: sampleDrill(120*sampleDay, "")},
		}},
		{Kind: models.RecipientRecovery, Name: sampleAge, ID: sampleAge, Enabled: true, Uses: []KeyUse{
			{Environment: production, Role: RoleRecovery, DataKeys: 1204, Versions: 40_812, Label: "safe in Zürich"},
			{Environment: staging, Role: RoleRecovery, DataKeys: 134, Versions: 1204, Label: "safe in Zürich", Drill: sampleDrill(2*sampleDay, "The sample did not open.")},
		}},
		{Kind: models.RecipientKMS, Name: "arn:aws:kms:eu-central-1:123456789012:key/00000000", Problem: "Keeper's role may not look at the key.", Hint: "Allow kms:DescribeKey on it.", CanClose: true},
	}
}

// keysOf is a healthy set of keys of production alone.
func keysOf() []KeyView {
	key := sampleKeys()[0]
	spare := sampleKeys()[3]
	spare.Uses = spare.Uses[:1]
	spare.Uses[0].Drill = sampleDrill(2*sampleDay, "")
	return []KeyView{key, spare}
}

// freeKeys are those that can all be wrapped under.
func freeKeys() []KeyView { return slices.Delete(sampleKeys(), 2, 3) }

// formerKeys has production leave a key behind that nobody else names.
func formerKeys() []KeyView {
	keys := freeKeys()
	keys[1].Uses = keys[1].Uses[:1]
	return keys
}

// localKeys are two versions of Keeper's own.
func localKeys() []KeyView {
	use := func(role KeyRole) []KeyUse {
		return []KeyUse{{Environment: development, Role: role, DataKeys: 2, Versions: 17}}
	}
	return []KeyView{
		{Kind: models.RecipientLocal, ID: "local:5f0c:2", Enabled: true, State: "Enabled", Uses: use(RolePrimary)},
		{Kind: models.RecipientLocal, ID: "local:5f0c:1", Enabled: true, State: "Enabled", Uses: use(RoleFormer)},
	}
}

func sampleEmptyKeys(b BasePage, all map[string]Page) {
	sample := func(p *KeyEmptyPage) *KeyEmptyPage {
		p.BasePage = b
		return p
	}
	all["key to empty"] = sample(emptying(freeKeys(), 1, "kms", sampleKeyRuns()[0]))
	all["key to empty, former"] = sample(emptying(formerKeys(), 1, "kms"))
	all["key to empty, local"] = sample(emptying(localKeys(), 0, "local"))
	refused := emptying(freeKeys(), 1, "kms")
	refused.Form = failedForm(map[string]string{"to_key": "alias/none", "confirm": "alias/keeper"}, fault.Field{Name: "to_key", Message: "names no key"})
	all["key to empty, refused"] = sample(refused)
	ailing := freeKeys()
	ailing[1].Kind, ailing[1].Enabled, ailing[1].State = models.RecipientKMS, false, "PendingDeletion"
	ailing[1].Uses[2].DataKeys = 0
	all["key to empty, ailing and named"] = sample(emptying(ailing, 1, "kms"))
	moved := append(formerKeys(), localKeys()[1])
	all["key to empty, local under KMS"] = sample(emptying(moved, len(moved)-1, "kms"))
	blocked := emptying(sampleKeys(), 3, "kms")
	blocked.Form = failedForm(nil)
	blocked.Form.Message, blocked.Form.Hint = "Something is in the way; nothing was begun.", "Do what is said here first."
	all["key to empty, in the way"] = sample(blocked)
}

func sampleKeyRun(id models.KeyRunID, kind models.KeyRunKind, status models.KeyRunStatus, e *models.Environment, began time.Duration) KeyRunView {
	v := KeyRunView{Environment: e, Run: models.KeyRun{
		ID: id, Kind: kind, Status: status, Total: 1204, Done: 1204, Calls: 1208, CreatedAt: ago(began), CreatedBy: "Maria Okafor", StartedAt: agoP(began), UpdatedAt: ago(0),
	}}
	if e != nil {
		v.Run.EnvironmentID = e.ID
	}
	if status.Ended() {
		v.Run.FinishedAt = agoP(began - 2*time.Second)
	}
	return v
}

func sampleKeyRuns() []KeyRunView {
	running := sampleKeyRun("krn_1", models.KeyRewrap, models.KeyRunRunning, new(production), 40*time.Second)
	running.Run.Done, running.Rate, running.Left, running.Run.FromKey, running.Run.ToKey = 371, 9.3, 90*time.Second, sampleARN3, sampleARN
	emptied := sampleKeyRun("krn_2", models.KeyRewrap, models.KeyRunSucceeded, new(staging), 3*time.Hour)
	emptied.Run.FromKey, emptied.Run.ToKey, emptied.Run.Hint = sampleARN3, sampleARN, "Nothing stands under "+sampleARN3+" any more; it may be disabled."
	scrub := sampleKeyRun("krn_3", models.KeyScrub, models.KeyRunPartial, nil, 20*time.Hour)
	scrub.Run.CreatedBy, scrub.Findings, scrub.Run.Failed, scrub.Damaged = "system", 2, 2, true
	failed := sampleKeyRun("krn_4", models.KeyReencrypt, models.KeyRunFailed, new(production), 30*time.Hour)
	failed.Run.Done, failed.Run.Error, failed.Run.Hint = 12, "AWS KMS does not answer: connection refused", "Start it again once the key answers."
	waiting := sampleKeyRun("krn_7", models.KeyRewrap, models.KeyRunQueued, new(development), time.Second)
	waiting.Run.Done, waiting.Run.Total, waiting.Run.Calls = 0, 0, 0
	return []KeyRunView{
		running, emptied, scrub, failed,
		sampleKeyRun("krn_5", models.KeyReencrypt, models.KeyRunSucceeded, new(staging), 50*time.Hour),
		sampleKeyRun("krn_6", models.KeyMigrate, models.KeyRunCancelled, new(development), 80*time.Hour),
		waiting,
	}
}

func sampleFindings() []models.KeyFinding {
	return []models.KeyFinding{
		{ID: 1, RunID: "krn_3", Kind: models.FindingDamaged, EnvironmentID: 1, ObjectKind: "version", Object: "payments/stripe/api-key, version 3", SecretID: 1, Version: 3, Problem: "The stored version does not open: it was changed after it was written.", At: ago(20 * time.Hour)},
		{ID: 2, RunID: "krn_3", Kind: models.FindingUnknown, EnvironmentID: 9, ObjectKind: "wrapped key", Object: "dek_7f3a under alias/keeper", DataKeyID: "dek_7f3a", Problem: "AWS KMS did not answer.", At: ago(20 * time.Hour)},
	}
}

func sampleChecks() []KeyCheck {
	check := func(permission string, ok bool) KeyCheck {
		return KeyCheck{Environment: "production", Kind: models.RecipientKMS, Key: "alias/keeper-production", Permission: permission, OK: ok}
	}
	refused := check("kms:ReEncryptTo", false)
	refused.Message, refused.Hint = "AWS refuses it: the role keeper may not call kms:ReEncryptTo.", "Allow kms:ReEncryptTo on the key in the role's policy and in the key's own."
	skipped := check("kms:EnableKeyRotation", false)
	skipped.Skipped, skipped.Message = true, "Only needed with ENABLE_KMS_KEY_ROTATION."
	return []KeyCheck{
		check("kms:DescribeKey", true), check("kms:GenerateDataKey", true), check("kms:Encrypt", true), check("kms:Decrypt", true), refused, skipped,
		{Environment: "staging", Kind: models.RecipientRecovery, Key: sampleAge, Permission: "seal", OK: true},
		{Kind: models.RecipientLocal, Permission: "open", OK: true},
	}
}

func sampleKeyPages(b BasePage, all map[string]Page) {
	well := HealthItem{Name: "Encryption", Health: HealthOK, Detail: "kms backend answers; 7 data keys are cached"}
	away := HealthItem{Name: "Encryption", Health: HealthDown, Detail: "AWS KMS does not answer. Values whose data key is cached stay readable for at most 5m0s.", Hint: "Check the network."}
	runs := sampleKeyRuns()
	all["keys"] = &KeysPage{BasePage: b, Health: well, Keys: sampleKeys(), Scrub: &runs[2], Runs: runs, MayManage: true}
	unnamed := append(keysOf(), KeyView{Kind: models.RecipientKMS, Problem: "AWS KMS does not answer.", Uses: []KeyUse{{Environment: staging, Role: RolePrimary}}})
	all["keys away"] = &KeysPage{BasePage: b, Health: away, Keys: unnamed, Runs: runs[1:2], MayManage: true}
	all["keys calm"] = &KeysPage{BasePage: b, Health: well, Keys: keysOf(), Scrub: &runs[4], MayManage: true}
	all["keys empty, to an auditor"] = &KeysPage{BasePage: b, Health: HealthItem{Health: HealthUnknown}}
	scrubbing := sampleKeyRun("krn_8", models.KeyScrub, models.KeyRunRunning, nil, time.Minute)
	all["keys scrubbing"] = &KeysPage{BasePage: b, Health: well, Scrub: &scrubbing, Runs: []KeyRunView{scrubbing}, MayManage: true}
	sampleEmptyKeys(b, all)
	all["keys tested"] = &KeyTestPage{BasePage: b, Checks: sampleChecks(), Took: 184 * time.Millisecond}
	all["keys tested for one"] = &KeyTestPage{BasePage: b, Environment: new(production), Checks: sampleChecks()[:4]}
	all["keys tested, none"] = &KeyTestPage{BasePage: b}
	all["key runs"] = &KeyRunsPage{BasePage: b, Runs: runs, Pager: Pager{Next: "c2", Total: -1}}
	all["key runs of a kind, none"] = &KeyRunsPage{BasePage: b, Kind: models.KeyScrub, Pager: Pager{Total: -1}}
	all["key runs none"] = &KeyRunsPage{BasePage: b}
	all["key run running"] = &KeyRunPage{BasePage: b, KeyRunView: runs[0], MayManage: true}
	all["key run emptied"] = &KeyRunPage{BasePage: b, KeyRunView: runs[1], MayManage: true}
	all["key run with findings"] = &KeyRunPage{BasePage: b, KeyRunView: runs[2], FoundHere: sampleFindings(), Pager: Pager{Next: "2", Total: -1}}
	all["key run failed"] = &KeyRunPage{BasePage: b, KeyRunView: runs[3]}
	all["key run cancelled"] = &KeyRunPage{BasePage: b, KeyRunView: runs[5]}
	waiting := runs[6]
	waiting.Run.Error, waiting.Run.Hint, waiting.Run.StartedAt = "AWS KMS does not answer.", "It goes on by itself.", nil
	settling := sampleKeyRun("krn_9", models.KeyReencrypt, models.KeyRunRunning, new(production), 20*time.Second)
	all["key run settling"] = &KeyRunPage{BasePage: b, KeyRunView: settling, MayManage: true}
	all["key run waiting"] = &KeyRunPage{BasePage: b, KeyRunView: waiting, MayManage: true}
	for _, v := range []KeyRunView{runs[0], runs[4], scrubbing} {
		all["key run cancel "+string(v.Run.Kind)] = &KeyRunCancelPage{BasePage: b, KeyRunView: v}
	}
}

func sampleEnvironmentKeys(b BasePage, all map[string]Page) {
	all["environment keys"] = &EnvironmentKeysPage{BasePage: b, Environment: production, Keys: sampleKeys(), Runs: sampleKeyRuns()[:2], KeyBackend: "kms", MayManage: true, MayRuns: true}
	all["environment keys to a manager"] = &EnvironmentKeysPage{BasePage: b, Environment: production, Keys: keysOf()[:1], KeyBackend: "kms"}
	all["environment keys none"] = &EnvironmentKeysPage{BasePage: b, Environment: development, KeyBackend: "local", MayManage: true, MayRuns: true}
	all["recipient new kms"] = &RecipientNewPage{BasePage: b, Environment: production, Kind: models.RecipientKMS}
	all["recipient new recovery refused"] = &RecipientNewPage{BasePage: b, Environment: production, Kind: models.RecipientRecovery, Form: failedForm(
		map[string]string{"key": "age1nonsense", "label": "safe"}, fault.Field{Name: "key", Message: "is not an age recipient"})}
	row := recipientRows(production.ID, keysOf())[1]
	all["recipient remove"] = &RecipientRemovePage{BasePage: b, Environment: production, Recipient: row, Spares: 1, Confirmation: Confirmation{Name: "production"}}
	all["rewrap"] = &RewrapPage{BasePage: b, Environment: production, Keys: sampleKeys(), KeyBackend: "kms", Confirmation: Confirmation{Name: "production"}}
	all["rewrap refused"] = &RewrapPage{BasePage: b, Environment: production, KeyBackend: "kms", Confirmation: Confirmation{Name: "production", Form: failedForm(
		map[string]string{"to_key": "alias/none"}, fault.Field{Name: "confirm", Message: "must be exactly production"})}}
	all["rewrap local"] = &RewrapPage{BasePage: b, Environment: development, KeyBackend: "local", Confirmation: Confirmation{Name: "development"}}
	all["reencrypt"] = &ReencryptPage{BasePage: b, Environment: production, Versions: 40_812, Confirmation: Confirmation{Name: "production"}}
	all["drill"] = &DrillPage{BasePage: b, Environment: production, At: ago(0), Results: []DrillView{
		{Kind: models.RecipientKMS, ID: sampleARN, OK: true},
		{Kind: models.RecipientKMS, ID: sampleARN2, Label: "standby in Ireland", Error: "The key is pending deletion.", Hint: "Cancel the deletion in AWS, then enable the key."},
		{Kind: models.RecipientRecovery, ID: sampleAge, Label: "safe in Zürich", Offline: true},
	}}
	all["drill of nothing"] = &DrillPage{BasePage: b, Environment: development}
}

func sampleEncryption() *Encryption {
	keys, runs := sampleKeys(), sampleKeyRuns()
	return &Encryption{
		Needs: KeyNeeds(sampleNow, HealthItem{}, keys, &runs[2], runs), Scrub: &runs[2], Running: runs[:1],
		Recoveries: []Recovery{RecoveryOf(production, keys), RecoveryOf(staging, keys), RecoveryOf(development, keys)},
	}
}
