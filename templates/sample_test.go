package templates

import (
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// The pages that tests execute: each struct with usual, empty and failing data.

var sampleNow = time.Date(2026, 11, 22, 14, 30, 0, 0, time.UTC)

func ago(d time.Duration) time.Time   { return sampleNow.Add(-d) }
func agoP(d time.Duration) *time.Time { t := ago(d); return &t }

const sampleDay = 24 * time.Hour

var (
	production  = models.Environment{ID: 1, Name: "production", DisplayName: "Production", Description: "What customers use", Color: "red", Revision: 3, CreatedAt: ago(400 * sampleDay), KMSKeyAlias: "alias/keeper-production"}
	staging     = models.Environment{ID: 2, Name: "staging", DisplayName: "Staging", Color: "amber", Revision: 1, CreatedAt: ago(300 * sampleDay)}
	development = models.Environment{ID: 3, Name: "development", DisplayName: "Development", Color: "green", Revision: 1, CreatedAt: ago(300 * sampleDay)}

	awsMain = models.Destination{
		ID: "dst_3f8a1c", EnvironmentID: 1, Name: "aws-main", Kind: models.DestinationAWS, Interval: 300, Revision: 2,
		Config:    models.DestinationConfig{Region: "eu-central-1", Prefix: "keeper/production/", RoleARN: "arn:aws:iam::123456789012:role/keeper-sync", RecoveryDays: 30},
		CreatedAt: ago(90 * sampleDay), LastRunAt: agoP(2 * time.Minute), LastRunStatus: models.RunPartial,
	}
	vaultMain = models.Destination{
		ID: "dst_77b2kd", EnvironmentID: 1, Name: "vault-main", Kind: models.DestinationVault, Revision: 1,
		Config:    models.DestinationConfig{Address: "https://vault.example.com:8200", Mount: "secret", Namespace: "platform"},
		CreatedAt: ago(90 * sampleDay), LastRunAt: agoP(40 * time.Second), LastRunStatus: models.RunSucceeded,
	}
	awsStaging = models.Destination{
		ID: "dst_9c01aa", EnvironmentID: 2, Name: "aws-staging", Kind: models.DestinationAWS, Paused: true,
		Config: models.DestinationConfig{Region: "eu-west-1"}, CreatedAt: ago(60 * sampleDay), LastRunAt: agoP(5 * time.Hour), LastRunStatus: models.RunSucceeded,
	}
	vaultDev = models.Destination{
		ID: "dst_1x2y3z", EnvironmentID: 3, Name: "vault-dev", Kind: models.DestinationVault,
		Config: models.DestinationConfig{Address: "http://127.0.0.1:8200", Mount: "kv"}, CreatedAt: ago(60 * sampleDay), LastRunAt: agoP(12 * time.Minute), LastRunStatus: models.RunFailed,
		LastError: "dial tcp 127.0.0.1:8200: connect: connection refused",
	}
)

func sampleBase() BasePage {
	return BasePage{
		Actor:        models.Actor{Kind: models.ActorUser, ID: "usr_1", Name: "Maria Okafor", Role: models.RoleAdmin},
		Environments: []models.Environment{production, staging, development},
		CSRFToken:    "c5rf-t0ken", MayViewKeys: true, MayViewAudit: true, Version: "0.1.0", Now: sampleNow,
	}
}

func sampleState(id models.SecretID, status models.SyncStatus, since time.Duration) models.SyncState {
	return models.SyncState{SecretID: id, Status: status, Since: ago(since), BaseVersion: 3, BaseAt: agoP(since), RemoteName: "keeper/production/payments/stripe/api-key"}
}

func failedState(id models.SecretID) models.SyncState {
	s := sampleState(id, models.StatusSourceChanged, 34*time.Minute)
	s.Attempts, s.NextTryAt = 4, agoP(-3*time.Minute)
	s.LastError = "AWS refused the write: the role may not call secretsmanager:PutSecretValue on this name."
	s.LastHint = "Allow the action for keeper/production/* in the role's policy; the next try is automatic."
	return s
}

func sampleSecret(id models.SecretID, name string, kind models.SecretType, changed time.Duration) models.Secret {
	return models.Secret{
		ID: id, EnvironmentID: 1, Name: name, Type: kind, CurrentVersion: 4, CurrentSize: 107, Revision: 9,
		Description: "Key of the live Stripe account; checkout stops without it.", Owner: "Payments",
		Tags: map[string]string{"team": "payments", "tier": "1"}, RotateEvery: 90, ExpiresAt: agoP(-20 * sampleDay),
		CreatedAt: ago(200 * sampleDay), CreatedBy: "Jonas Weber", UpdatedAt: ago(changed), UpdatedBy: "Maria Okafor", ValueChangedAt: ago(changed),
	}
}

func sampleRows() []SecretRow {
	inSync := func(id models.SecretID, since time.Duration) []DestinationState {
		return []DestinationState{{Destination: awsMain, Sync: sampleState(id, models.StatusInSync, since)}, {Destination: vaultMain, Sync: sampleState(id, models.StatusInSync, since)}}
	}
	row := func(id models.SecretID, name string, kind models.SecretType, changed time.Duration) SecretRow {
		return SecretRow{sampleSecret(id, name, kind, changed), production, inSync(id, changed)}
	}
	rows := []SecretRow{
		row(1, "payments/stripe/api-key", models.APIKey, 2*time.Hour),
		row(2, "payments/stripe/webhook-secret", models.Password, 40*sampleDay),
		row(3, "payments/db/password", models.Password, 9*sampleDay),
		row(4, "payments/db/replica-password", models.Password, 9*sampleDay),
		row(5, "identity/okta/saml-signing-certificate", models.Certificate, 120*sampleDay),
		row(6, "identity/session-key", models.Password, 30*time.Second),
		row(7, "deploy/github/deploy-key", models.SSHKey, 61*sampleDay),
		row(8, "deploy/registry/credentials.json", models.JSON, 5*sampleDay),
		row(9, "search/opensearch/config.yaml", models.YAML, 14*sampleDay),
		row(10, "mail/smtp/password", models.Password, 400*sampleDay),
		row(11, "licence-text", models.Text, 700*sampleDay),
		row(12, "observability/grafana/service-account-token-for-the-long-named-production-cluster-in-frankfurt", models.APIKey, 3*sampleDay),
	}
	rows[2].States[0].Sync.Status = models.StatusDrifted
	rows[3].States[0].Sync = failedState(4)
	rows[5].States[1].Sync.Status = models.StatusSourceChanged
	rows[7].States[1].Sync.Status = models.StatusConflict
	rows[8].States[0].Sync.Status = models.StatusUnknown
	rows[9].States[1].Sync.Status = models.StatusForeign
	rows[10].States = nil
	return rows
}

func sampleViews() []DestinationView {
	running := sampleRuns()[0].Run
	return []DestinationView{
		{Destination: awsMain, Environment: production, Counts: StateCounts{StateInSync: 398, StateFailed: 2, StateDrifted: 3, StateUnknown: 1}, NextAt: agoP(-3 * time.Minute), MayManage: true, MaySync: true},
		{Destination: vaultMain, Environment: production, Counts: StateCounts{StateInSync: 371, StatePending: 33}, Running: &running, MayManage: true, MaySync: true},
		{Destination: awsStaging, Environment: staging, Counts: StateCounts{StateInSync: 120, StateHeld: 14}, MayManage: true, MaySync: true},
		{Destination: vaultDev, Environment: development, Counts: StateCounts{StateUnknown: 88}, MayManage: true, MaySync: true},
	}
}

func sampleRuns() []RunView {
	run := func(id models.RunID, d models.Destination, e models.Environment, status models.RunStatus, trigger models.RunTrigger, started, took time.Duration, counts models.RunCounts) RunView {
		v := RunView{models.SyncRun{ID: id, DestinationID: d.ID, EnvironmentID: e.ID, Trigger: trigger, Actor: "Maria Okafor", Full: trigger != models.TriggerChange, Status: status, StartedAt: ago(started), Counts: counts}, d, e}
		if took > 0 {
			v.Run.FinishedAt = agoP(started - took)
		}
		return v
	}
	return []RunView{
		run("run_1", vaultMain, production, models.RunRunning, models.TriggerManual, 14*time.Second, 0, models.RunCounts{Checked: 371, InSync: 369, Updated: 2}),
		run("run_2", awsMain, production, models.RunPartial, models.TriggerChange, 2*time.Minute, 4200*time.Millisecond, models.RunCounts{Checked: 404, InSync: 398, Failed: 2, Repaired: 3, Unknown: 1}),
		run("run_3", vaultMain, production, models.RunSucceeded, models.TriggerSchedule, 6*time.Minute, 820*time.Millisecond, models.RunCounts{Checked: 404, InSync: 404}),
		run("run_4", vaultDev, development, models.RunFailed, models.TriggerSchedule, 12*time.Minute, 30*time.Second, models.RunCounts{}),
		run("run_5", awsStaging, staging, models.RunInterrupted, models.TriggerManual, 5*time.Hour, 12*time.Second, models.RunCounts{Checked: 61, InSync: 41, Created: 20}),
	}
}

func sampleEntries() []models.AuditEntry {
	entry := func(at time.Duration, who, action string, outcome models.Outcome, object, id string, version models.VersionNumber) models.AuditEntry {
		return models.AuditEntry{
			At: ago(at), ActorKind: models.ActorUser, ActorName: who, Via: "web", Address: "10.4.0.17", Action: action, Outcome: outcome,
			EnvironmentID: 1, EnvironmentName: "production", ObjectKind: "secret", ObjectID: id, ObjectName: object, Version: version,
		}
	}
	entries := []models.AuditEntry{
		entry(40*time.Second, "Maria Okafor", "secret.reveal", models.OutcomeAllowed, "payments/stripe/api-key", "1", 4),
		entry(11*time.Minute, "deploy pipeline", "secret.update", models.OutcomeAllowed, "payments/db/password", "3", 7),
		entry(34*time.Minute, "Jonas Weber", "secret.reveal", models.OutcomeRefused, "identity/session-key", "6", 2),
		entry(2*time.Hour, "Maria Okafor", "secret.create", models.OutcomeAllowed, "payments/stripe/webhook-secret", "2", 1),
		entry(5*time.Hour, "system", "secret.sync", models.OutcomeFailed, "payments/db/replica-password", "4", 4),
		entry(26*time.Hour, "Ada Lindqvist", "secret.delete", models.OutcomeAllowed, "legacy/ftp/password", "44", 0),
	}
	entries[1].ActorKind, entries[1].Via = models.ActorToken, "api"
	entries[2].RequestID = "0198f3c2-7a61-7c1e-9d4f-3b5a2c7e8f90"
	entries[3].Detail = map[string]string{"type": "PASSWORD"}
	return entries
}

func sampleActivity() []ActivityLine {
	var entries []models.AuditEntry
	for i := range 14 {
		entries = append(entries, models.AuditEntry{
			At: ago(time.Duration(i) * 4 * time.Minute), ActorKind: models.ActorSystem, ActorName: "system", Via: "system", Action: "sync.run",
			Outcome: models.OutcomeFailed, EnvironmentID: 1, EnvironmentName: "production", ObjectKind: "run", ObjectID: "run_9", ObjectName: awsMain.Name,
			Detail: map[string]string{"status": string(models.RunFailed)},
		})
	}
	return Activity(append(entries, sampleEntries()...), 10, false)
}

func sampleHead() SecretHead {
	return SecretHead{sampleSecret(1, "payments/stripe/api-key", models.APIKey, 2*time.Hour), production, SecretRights{Reveal: true, Write: true}}
}

func certificateHead() SecretHead {
	head := sampleHead()
	head.Secret.Name, head.Secret.Type = "identity/okta/saml-signing-certificate", models.Certificate
	head.Secret.Facts.Certificate = &models.CertificateFacts{
		Subject: "CN=login.example.com", Issuer: "CN=Example Issuing CA 3,O=Example", DNSNames: []string{"login.example.com", "sso.example.com"},
		NotBefore: ago(345 * sampleDay), NotAfter: ago(-20 * sampleDay), ChainLength: 2, HasPrivateKey: true,
		FingerprintSHA256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
	}
	return head
}

func sampleVersions() []models.SecretVersion {
	version := func(n, from models.VersionNumber, at time.Duration, comment string) models.SecretVersion {
		return models.SecretVersion{SecretID: 1, Number: n, RolledFrom: from, Size: 107, CreatedAt: ago(at), CreatedBy: "Maria Okafor", Comment: comment}
	}
	first := version(1, 0, 200*sampleDay, "")
	first.Type = models.Text
	return []models.SecretVersion{
		version(4, 2, 2*time.Hour, "The new key was refused by Stripe"), version(3, 0, 3*time.Hour, "Rotated"),
		version(2, 0, 92*sampleDay, "Quarterly rotation"), first,
	}
}

func failedForm(values map[string]string, fields ...fault.Field) Form {
	f := NewForm(values)
	f.Revision = 9
	err := fault.New(fault.Invalid, "The input is not valid.")
	err.Fields = fields
	f.Fail(err)
	return f
}

// samplePages are all pages by name and case.
func samplePages() map[string]Page {
	b := sampleBase()
	anonymous := BasePage{CSRFToken: "c5rf-t0ken", Now: sampleNow}
	all := map[string]Page{}
	for _, add := range []func(BasePage, map[string]Page){samplePeople, sampleSecrets, sampleSecretForms, sampleEnvironments, sampleDestinations, sampleSync, sampleDashboards, sampleKeyPages, sampleEnvironmentKeys, samplePlanPages, sampleHoldPages, sampleImportPages, sampleAccounts, sampleProviders, sampleSearch} {
		add(b, all)
	}
	all["sign-in"] = &SignInPage{BasePage: anonymous}
	refused := Form{Values: map[string]string{"username": "maria", "next": "/secrets"}, Message: "The user name or the password is not right.", Hint: "After several wrong attempts, sign-in waits a little longer each time."}
	all["sign-in failed"] = &SignInPage{BasePage: anonymous, Form: refused}
	all["step"] = &StepPage{BasePage: anonymous, Factors: Factors{Code: true, Passkey: true}, Recovery: true, Form: NewForm(map[string]string{"next": "/secrets"})}
	all["step recovery"] = &StepPage{BasePage: anonymous, Recovery: true, WithRecovery: true}
	all["sign-in passkeys"] = &SignInPage{BasePage: anonymous, Passkeys: true, Providers: []SignInProvider{{"okta", "Okta"}}}
	all["prove"] = &ProvePage{BasePage: b, Factors: Factors{Password: true}, Form: NewForm(map[string]string{"next": "/keys"})}
	all["prove factors"] = &ProvePage{BasePage: b, Factors: Factors{Code: true, Passkey: true}, SAML: "okta", Form: NewForm(map[string]string{"next": "/keys"})}
	all["factors"] = &FactorsPage{BasePage: b, MayPasskeys: true}
	all["factors full"] = &FactorsPage{BasePage: b, MayPasskeys: false, App: agoP(time.Hour), CodesLeft: 7, Passkeys: []models.Passkey{{ID: "a_-1", Name: "Laptop", LastUsedAt: agoP(time.Hour)}, {ID: "b", Name: "Old stick", CloneWarning: true}}}
	all["totp"] = &TOTPPage{BasePage: b, Secret: "JBSWY3DPEHPK3PXP", QR: []byte("\x89PNG")}
	all["recovery codes"] = &RecoveryCodesPage{BasePage: b, Codes: []string{"ABCD-EFGH-IJKL-MNOP", "QRST-UVWX-YZ23-4567"}}
	all["password forced"] = &PasswordPage{BasePage: b, Forced: true, MinLength: 12}
	all["problem not found"] = NewProblemPage(b, fault.New(fault.NotFound, "There is no such secret, or none that you may see.").WithHint("Check the address, or search for its name."), 404, "req_8f3k2m")
	all["problem forbidden"] = NewProblemPage(b, fault.New(fault.Forbidden, "Your role in Production shows names, not values. Nothing was revealed.").WithHint("Ask a manager of Production for the reader role."), 403, "req_8f3k2m")
	all["problem internal"] = NewProblemPage(anonymous, fault.Wrap(nil, fault.Internal, "hidden"), 500, "req_8f3k2m")
	return all
}

func samplePeople(b BasePage, all map[string]Page) {
	all["password"] = &PasswordPage{BasePage: b, MinLength: 12, Form: failedForm(nil, fault.Field{Name: "new_password", Message: "must have 12 characters at least"})}
	firefox := "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
	all["profile"] = &ProfilePage{
		BasePage: b, User: models.User{ID: "usr_1", Username: "maria", DisplayName: "Maria Okafor", Role: models.RoleAdmin, CreatedAt: ago(300 * sampleDay)},
		Memberships: []MembershipView{{production, models.RoleManager}, {staging, models.RoleEditor}},
		Sessions: []SessionView{
			{models.Session{Hash: "aa11", Address: "10.4.0.17", UserAgent: firefox, LastSeenAt: ago(0), ExpiresAt: ago(-9 * time.Hour)}, true},
			{models.Session{Hash: "bb22", Address: "84.20.1.9", UserAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1", LastSeenAt: ago(3 * sampleDay), ExpiresAt: ago(-2 * time.Hour)}, false},
		},
	}
	all["profile empty"] = &ProfilePage{BasePage: b, User: models.User{Username: "maria", Role: models.RoleUser}}
	all["tokens"] = &TokenListPage{BasePage: b, Tokens: []models.Token{
		{ID: "tok_1", Name: "deploy pipeline", Hint: "kpr_7Hd2", CreatedAt: ago(80 * sampleDay), ExpiresAt: agoP(-10 * sampleDay), LastUsedAt: agoP(11 * time.Minute), Scope: models.TokenScope{Environments: []models.EnvironmentID{1, 99}, ReadOnly: true}},
		{ID: "tok_2", Name: "laptop", Hint: "kpr_p0Qx", CreatedBy: "deploy pipeline", MadeBy: "tok_1", CreatedAt: ago(80 * sampleDay)},
		{ID: "tok_3", Name: "old pipeline", Hint: "kpr_aa01", CreatedBy: "gone", MadeBy: "tok_0", CreatedAt: ago(180 * sampleDay), RevokedAt: agoP(20 * sampleDay)},
	}}
	all["tokens empty"] = &TokenListPage{BasePage: b}
	all["token new"] = &TokenNewPage{BasePage: b, Form: NewForm(map[string]string{"expires_in_days": "90", "read_only": "true"}), Chosen: []models.EnvironmentID{2}}
	all["token created"] = &TokenCreatedPage{BasePage: b, Token: models.Token{ID: "tok_1", Name: "deploy pipeline"}, Secret: "kpr_7Hd2SAMPLEsampleSAMPLEsampleSAMPLE"}
	all["audit"] = &AuditPage{BasePage: b, Entries: sampleEntries(), Actions: []string{"secret.create", "secret.reveal"}, Filter: AuditFilter{Action: "secret.reveal"}, Pager: Pager{Next: "c2", Total: 12_408}}
	all["audit empty"] = &AuditPage{BasePage: b, Pager: Pager{Total: -1}}
}

func sampleSecrets(b BasePage, all map[string]Page) {
	every := make([]string, len(SecretColumns))
	for i, c := range SecretColumns {
		every[i] = c.Key
	}
	all["secrets"] = &SecretListPage{BasePage: b, Rows: sampleRows(), Tags: []string{"team", "tier"}, Columns: UsualColumns, Pager: Pager{Next: "c2", Total: -1}, MayCreate: true, MayChange: true}
	all["secrets in all columns"] = &SecretListPage{BasePage: b, Rows: sampleRows(), Columns: every, Pager: Pager{Total: -1}}
	sampleBulk(b, all)
	all["secrets of one"] = &SecretListPage{
		BasePage: b, Environment: new(production), Rows: sampleRows(), Columns: UsualColumns, MayCreate: true, MayChange: true, Pager: Pager{Prev: "c0", Next: "c2", Total: -1},
		Filter: SecretFilter{Environment: "production", Type: "PASSWORD", State: "drifted", Tag: "team=payments", Owner: "Payments", Expires: "soon", Query: "db", Sort: "-changed"},
	}
	all["secrets no match"] = &SecretListPage{BasePage: b, Filter: SecretFilter{Query: "nothing like it"}, Pager: Pager{Total: 0}}
	all["secrets empty"] = &SecretListPage{BasePage: b, Empty: true, MayCreate: true}
	deleted := sampleSecret(44, "legacy/ftp/password", models.Password, 500*sampleDay)
	deleted.DeletedAt, deleted.PurgeAfter = agoP(26*time.Hour), agoP(-29*sampleDay)
	all["deleted"] = &DeletedSecretsPage{BasePage: b, Rows: []DeletedSecret{{deleted, production, true}}, Pager: Pager{Total: 1}}
	all["deleted empty"] = &DeletedSecretsPage{BasePage: b, Environment: new(staging)}

	states := []DestinationState{{Destination: awsMain, Sync: failedState(1)}, {Destination: vaultMain, Sync: sampleState(1, models.StatusInSync, 2*time.Hour)}}
	states[1].Sync.Status, states[1].Hold = models.StatusConflict, new(sampleHold(models.StatusConflict))
	all["secret"] = &SecretPage{BasePage: b, SecretHead: sampleHead(), Version: sampleVersions()[0], Newest: sampleVersions(), States: states, Recent: sampleEntries()[:4]}
	all["secret certificate"] = &SecretPage{BasePage: b, SecretHead: certificateHead(), States: states[1:]}
	viewer := sampleHead()
	viewer.Rights, viewer.Secret.Facts = SecretRights{}, models.Facts{Keys: []string{"host", "password"}, SSHKey: &models.SSHKeyFacts{Kind: "ssh-ed25519", Encrypted: true}}
	all["secret as viewer, unsynced"] = &SecretPage{BasePage: b, SecretHead: viewer}
	gone := sampleHead()
	gone.Secret = deleted
	all["secret deleted"] = &SecretPage{BasePage: b, SecretHead: gone}
	all["versions"] = &SecretVersionsPage{BasePage: b, SecretHead: sampleHead(), Versions: sampleVersions(), Pager: Pager{Total: 4}}
	sampleComparisons(b, all)
	all["activity"] = &SecretActivityPage{BasePage: b, SecretHead: sampleHead(), Entries: sampleEntries()}
	all["activity empty"] = &SecretActivityPage{BasePage: b, SecretHead: sampleHead()}
	all["reveal"] = &SecretRevealPage{BasePage: b, SecretHead: sampleHead(), Number: 4, Value: "sk_test_SAMPLE<only>\nsecond line"}
}

func sampleSecretForms(b BasePage, all map[string]Page) {
	writable := []models.Environment{production, staging}
	all["secret new"] = &SecretNewPage{BasePage: b, Writable: writable, Form: NewForm(map[string]string{"environment_id": "2", "secret_type": "PASSWORD"})}
	all["secret new refused"] = &SecretNewPage{BasePage: b, Writable: writable, Form: failedForm(
		map[string]string{"environment_id": "1", "secret_type": "JSON", "name": "payments//x", "value": `{"a": 1,}`, "tags": "team=payments"},
		fault.Field{Name: "name", Message: "must not begin or end with a slash, nor hold an empty, . or .. segment"},
		fault.Field{Name: "value", Message: "is not valid JSON: line 1, column 9"}, fault.Field{Name: "environment_id", Message: "is read only for you"})}
	all["secret new nowhere"] = &SecretNewPage{BasePage: b}
	all["secret edit"] = &SecretEditPage{BasePage: b, SecretHead: sampleHead(), Form: Form{Revision: 9, Values: map[string]string{"description": "Key of the live account", "tags": "team=payments\ntier=1", "expires_at": "2026-12-12", "rotate_every_days": "90"}}}
	stale := Form{Revision: 8}
	stale.Fail(fault.New(fault.Stale, "Jonas Weber changed this secret while you typed; nothing was saved, and what you typed is kept.").WithHint("Compare with the present state, then save again."))
	all["secret edit stale"] = &SecretEditPage{BasePage: b, SecretHead: sampleHead(), Form: stale}
	all["version new"] = &SecretVersionNewPage{BasePage: b, SecretHead: sampleHead(), Form: Form{Revision: 9}}
	all["rollback"] = &SecretRollbackPage{BasePage: b, SecretHead: sampleHead(), Target: sampleVersions()[2], Form: Form{Revision: 9}}
	all["secret delete"] = &SecretDeletePage{BasePage: b, SecretHead: sampleHead(), Destinations: []models.Destination{awsMain, vaultMain}, PurgeAfter: ago(-30 * sampleDay), Confirmation: Confirmation{Name: "payments/stripe/api-key", Form: Form{Revision: 9}}}
	wrong := Confirmation{Name: "payments/stripe/api-key"}
	wrong.Confirmed("payments")
	all["secret delete refused"] = &SecretDeletePage{BasePage: b, SecretHead: sampleHead(), Confirmation: wrong}
}

func sampleEnvironments(b BasePage, all map[string]Page) {
	views := sampleViews()
	all["environments"] = &EnvironmentListPage{BasePage: b, MayCreate: true, Rows: []EnvironmentRow{
		{production, 404, []models.Destination{awsMain, vaultMain}, StateCounts{StateInSync: 769, StateFailed: 2, StateDrifted: 3, StatePending: 33}, ""},
		{staging, 134, []models.Destination{awsStaging}, StateCounts{StateInSync: 120, StateHeld: 14}, models.RoleEditor},
		{development, 0, nil, nil, models.RoleViewer},
	}}
	all["environments empty"] = &EnvironmentListPage{BasePage: b, MayCreate: true}
	all["environments none to see"] = &EnvironmentListPage{BasePage: b}
	all["environment new"] = &EnvironmentFormPage{BasePage: b, KeyBackend: "local", MayKeys: true, Form: NewForm(map[string]string{"color": "grey"})}
	all["environment edit"] = &EnvironmentFormPage{BasePage: b, KeyBackend: "kms", Environment: new(production), Form: failedForm(map[string]string{"display_name": "Production", "color": "pink"}, fault.Field{Name: "color", Message: "must be one of grey, green"})}
	key := models.DataKey{ID: "dek_1", Uses: 1200, MaxUses: 10_000, CreatedAt: ago(4 * sampleDay)}
	all["environment"] = &EnvironmentPage{
		BasePage: b, Environment: production, Secrets: 404, Deleted: 3, MayManage: true, MayKeys: true, MayMembers: true, MayWrite: true,
		Types:        []TypeCount{{models.Password, 220}, {models.APIKey, 131}, {models.Certificate, 29}, {models.JSON, 24}},
		Destinations: views[:2], Keys: KeySummary{Backend: models.RecipientKMS, KeyID: "arn:aws:kms:eu-central-1:123456789012:key/1a2b3c4d-0000-4444-8888-99aabbccddee", DataKeys: 7, Newest: &key},
		Members: []Member{{models.User{Username: "maria", DisplayName: "Maria Okafor"}, models.RoleManager}, {models.User{Username: "jonas", Disabled: true}, models.RoleViewer}},
	}
	shut := production
	shut.Protected = true
	all["environment protected"] = &EnvironmentPage{BasePage: b, Environment: shut, MayReveal: true, Keys: KeySummary{Backend: models.RecipientLocal, KeyID: "local:1"}}
	all["environment delete"] = &EnvironmentDeletePage{BasePage: b, Environment: development, Confirmation: Confirmation{Name: "development"}}
	blocked := &EnvironmentDeletePage{BasePage: b, Environment: production, Secrets: 404, Deleted: 1, Destinations: []models.Destination{awsMain, vaultMain}, Confirmation: Confirmation{Name: "production"}}
	blocked.Confirmation.Form.Fail(fault.New(fault.Conflict, "The environment still has secrets (deleted ones count) or destinations."))
	all["environment delete blocked"] = blocked
	all["environment export"] = &EnvironmentExportPage{BasePage: b, Environment: production, Secrets: 404, MaxSecrets: 10_000, MaxMiB: 64}
	all["environment export refused"] = &EnvironmentExportPage{
		BasePage: b, Environment: production, Secrets: 1, MaxSecrets: 10_000, MaxMiB: 64,
		Form: failedForm(map[string]string{"prefix": "a b", "partial": "true"}, fault.Field{Name: "prefix", Message: "must hold only what names may hold"}),
	}
	all["environment empty"] = &EnvironmentPage{BasePage: b, Environment: development, Keys: KeySummary{Backend: models.RecipientLocal, KeyID: "local:1"}}
}

func sampleDestinations(b BasePage, all map[string]Page) {
	views := sampleViews()
	all["destinations"] = &DestinationListPage{BasePage: b, Environment: production, Destinations: views[:2], MayManage: true}
	all["destinations empty"] = &DestinationListPage{BasePage: b, Environment: development, MayManage: true}
	all["destination kind"] = &DestinationFormPage{BasePage: b, Environment: production}
	all["destination new aws"] = &DestinationFormPage{BasePage: b, Environment: production, Kind: models.DestinationAWS, Form: NewForm(map[string]string{"interval_seconds": "300", "config.recovery_days": "30"})}
	guided := b
	guided.Guide = &Setup{Environment: new(production), MayManage: true, MayConnect: true, MayWrite: true}
	all["destination kind guided"] = &DestinationFormPage{BasePage: guided, Environment: production}
	away := NewForm(map[string]string{"name": "aws-main"})
	away.Fail(fault.New(fault.Unavailable, "AWS does not answer."))
	all["destination away"] = &DestinationFormPage{BasePage: b, Environment: production, Kind: models.DestinationAWS, Form: away, MaySkip: true}
	all["destination tried"] = &DestinationFormPage{
		BasePage: guided, Environment: production, Kind: models.DestinationAWS, Form: NewForm(map[string]string{"name": "aws"}),
		Test: &ConnectionTest{Message: "The connection does not do all that syncing needs.", Hint: "Grant what is not allowed below, then test again.", Tried: []Permission{{Name: "secretsmanager:PutSecretValue", Detail: "It is denied."}}},
	}
	all["destination edit vault"] = &DestinationFormPage{
		BasePage: b, Environment: production, Destination: new(vaultMain), Kind: models.DestinationVault, HasCredentials: true,
		Form: failedForm(map[string]string{"name": "vault-main", "config.address": "vault:8200"}, fault.Field{Name: "config.address", Message: "must be a URL that begins with https:// or http://"}),
	}
	rows := []StateRow{{SecretID: 4, SecretName: "payments/db/replica-password", DestinationState: DestinationState{Destination: awsMain, Sync: failedState(4)}}, {SecretID: 3, SecretName: "payments/db/password", DestinationState: DestinationState{Destination: awsMain, Sync: sampleState(3, models.StatusDrifted, 9*sampleDay), Hold: &models.SyncHold{Why: "A person decides."}, MayRelease: true}}}
	for i, status := range models.SyncStatuses {
		rows = append(rows, StateRow{SecretID: models.SecretID(20 + i), SecretName: "billing/" + string(status), DestinationState: DestinationState{Destination: awsMain, Sync: sampleState(20, status, time.Hour), Deleted: status == models.StatusOrphaned}})
	}
	all["destination"] = &DestinationPage{BasePage: b, View: views[0], Rows: rows, Pager: Pager{Next: "c2", Total: 404}}
	all["destination tested"] = &DestinationPage{BasePage: b, View: views[1], Test: &ConnectionTest{OK: true, Message: "Vault answers, and the token may read, write and delete below secret/.", Tried: []Permission{{"read on secret/data/app/*", true, false, "", ""}, {"list on secret/metadata/app/*", false, false, "Vault refuses it.", "Grant list."}, {"update on secret/destroy/app/*", false, true, "Vault refuses it.", "Grant update."}}, Took: 84 * time.Millisecond}}
	all["destination down"] = &DestinationPage{BasePage: b, View: views[3], Filter: StateFilter{State: "drifted"}, Test: &ConnectionTest{Message: "Vault does not answer.", Hint: "Start it, or correct the address.", Quote: "dial tcp 127.0.0.1:8200: connect: connection refused", Took: 3 * time.Second}}
	all["destination paused"] = &DestinationPage{BasePage: b, View: views[2]}
	all["destination runs"] = &DestinationRunsPage{BasePage: b, View: views[0], RunHistory: RunHistory{Path: "/destinations/dst_3f8a1c/runs", Runs: sampleRuns(), Pager: Pager{Prev: "c0", Next: "c2"}}}
	all["destination runs empty"] = &DestinationRunsPage{BasePage: b, View: views[2], RunHistory: RunHistory{Path: "/destinations/dst_9c01aa/runs"}}
	all["destination delete"] = &DestinationDeletePage{BasePage: b, Environment: production, Destination: awsMain, Copies: 404, Confirmation: Confirmation{Name: "aws-main"}}
}

func sampleSync(b BasePage, all map[string]Page) {
	views, runs := sampleViews(), sampleRuns()
	groups := []SyncGroup{{production, views[:2]}, {staging, views[2:3]}, {development, views[3:]}}
	all["sync"] = &SyncPage{BasePage: b, Groups: groups, Runs: runs, MaySync: true}
	all["sync empty"] = &SyncPage{BasePage: b}
	running := runs[0]
	running.Run.Progress = models.RunProgress{Done: 120, Total: 404, Writes: 300, Seconds: 8}
	all["run running"] = &RunPage{BasePage: b, RunView: running, MaySync: true}
	waiting := runs[0]
	waiting.Run.Status, waiting.Run.RetryOf = models.RunQueued, "run_2"
	all["run queued"] = &RunPage{BasePage: b, RunView: waiting, MaySync: true}
	all["run failed only"] = &RunPage{BasePage: b, RunView: runs[1], FailedOnly: true}
	filter := RunFilter{Destination: awsMain.ID, Status: models.RunPartial, Trigger: models.TriggerManual, Secret: "pay", Since: "2026-11-01", Until: "2026-11-22"}
	all["runs"] = &RunHistoryPage{BasePage: b, RunHistory: RunHistory{Path: "/sync/runs", Places: views, Runs: runs, Pager: Pager{Prev: "c0", Next: "c2", Total: -1}}}
	all["runs narrowed"] = &RunHistoryPage{BasePage: b, RunHistory: RunHistory{Path: "/sync/runs", Filter: filter, Places: views}}
	all["runs empty"] = &RunHistoryPage{BasePage: b, RunHistory: RunHistory{Path: "/sync/runs"}}
	sampleReceipts(b, all)
	sampleAlerts(b, all)
	all["run"] = &RunPage{BasePage: b, RunView: runs[1], MaySync: true, NotDone: 1, Receipt: true, Pager: Pager{Prev: "c0", Next: "c2", Total: -1}, Results: []models.SyncResult{
		{SecretID: 4, SecretName: "payments/db/replica-password", Status: models.StatusSourceChanged, Action: models.ActionUpdate, Failed: true, Error: failedState(4).LastError, Hint: failedState(4).LastHint, At: ago(2 * time.Minute)},
		{SecretID: 3, SecretName: "payments/db/password", Status: models.StatusInSync, Action: models.ActionRepair, At: ago(2 * time.Minute)},
		{SecretID: 10, SecretName: "mail/smtp/password", Status: models.StatusForeign, Action: models.ActionRefuse, At: ago(2 * time.Minute)},
	}}
	failed := runs[3]
	failed.Run.Error, failed.Run.Hint = "Get \"http://127.0.0.1:8200/v1/kv/metadata/\": connection refused", "Start Vault, or correct the address of the destination; the next pass tries again."
	held := runs[2]
	held.Run.Status, held.Run.PlanID, held.Run.Error = models.RunHeld, "pln_5k2m", "The run would delete 61 of 404 values."
	all["run held"] = &RunPage{BasePage: b, RunView: held}
	applied := runs[1]
	applied.Run.PlanID, applied.Run.Counts.Taken, applied.Run.Counts.Held = "pln_5k2m", 2, 1
	all["run of a plan"] = &RunPage{BasePage: b, RunView: applied}
	all["run failed"] = &RunPage{BasePage: b, RunView: failed}
}

func sampleDashboards(b BasePage, all map[string]Page) {
	views := sampleViews()
	groups := []SyncGroup{{production, views[:2]}, {staging, views[2:3]}, {development, views[3:]}}
	health := []HealthItem{
		{Name: "Database", Health: HealthOK, Detail: "SQLite, 0.4 ms"},
		{Name: "Key management", Health: HealthDegraded, Detail: "AWS KMS does not answer; 7 cached data keys serve until 14:52.", Hint: "Check the role of Keeper."},
		{Name: "aws-main", Health: HealthOK, Detail: "eu-central-1, 61 ms"},
		{Name: "vault-dev", Health: HealthDown, Detail: "connection refused"},
	}
	counts := DashboardCounts{Secrets: 1204, Environments: 3, Destinations: 4, Copies: StateCounts{StateInSync: 889, StateFailed: 2, StateDrifted: 3, StatePending: 33, StateHeld: 14, StateUnknown: 89}, Changed: 17, Revealed: 42}
	all["dashboard"] = &DashboardPage{
		BasePage: b, Counts: counts, Health: health, Grid: groups, Activity: sampleActivity(), MayCreate: true, TroubleTotal: 7, Outages: []Outage{{Why: "Vault does not answer.", Hint: "Start it.", Views: views[2:], Copies: 12, First: []SecretRef{{1, "a/b"}, {2, "c"}}, Since: agoP(time.Minute)}}, Encryption: sampleEncryption(),
		Charts: sampleCharts(), Drift: map[models.DestinationID]Spark{awsMain.ID: {0, 3, 0, 12, 1}, vaultMain.ID: make(Spark, 5)},
		Braked: []PlanHead{planHead(samplePlan(models.PlanHeld, time.Hour))}, Undecided: []DestinationView{{Destination: awsMain, Environment: production, Held: 2}},
		Troubles: []Trouble{
			{Destination: awsMain, Environment: production, State: StateFailed, Count: 4213, First: []SecretRef{{4, "payments/db/replica-password"}}, Why: "AWS refuses it.", Hint: "Allow it.", Since: ago(time.Hour), Partly: true},
			{Destination: awsMain, Environment: production, State: StateDrifted, Count: 1, First: []SecretRef{{3, "payments/db/password"}}, Why: StateDrifted.Meaning(), Since: ago(9 * time.Hour)},
		},
		Due: []DueSecret{{sampleSecret(5, "identity/okta/saml-signing-certificate", models.Certificate, sampleDay), production, ago(-20 * sampleDay), "certificate expires"}},
	}
	calm := counts
	calm.Copies = StateCounts{StateInSync: 1041}
	all["dashboard calm"] = &DashboardPage{BasePage: b, Encryption: &Encryption{Problem: "The key report did not come in time."}, Counts: calm, Health: health[:1], Grid: []SyncGroup{{production, []DestinationView{{Destination: vaultMain, Environment: production, Counts: StateCounts{StateInSync: 404}}}}}, Activity: Activity(sampleEntries(), 10, true)}
	first := b
	first.Environments = nil
	all["dashboard first run"] = &DashboardPage{BasePage: first, Setup: &Setup{MayManage: true}, Health: health[:1]}
	all["dashboard first run hidden"] = &DashboardPage{BasePage: first, SetupHidden: true, Health: health[:1]}
	secret := sampleSecret(1, "payments/stripe/api-key", models.APIKey, 0)
	all["dashboard setting up"] = &DashboardPage{BasePage: b, Setup: &Setup{Environment: new(production), MayConnect: true, MayWrite: true}, Health: health[:1]}
	all["dashboard set up"] = &DashboardPage{BasePage: b, Setup: &Setup{Environment: new(production), MayConnect: true, MayWrite: true, Destination: new(awsMain), Secret: &secret}, Grid: groups[:1]}
}
