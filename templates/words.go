package templates

import (
	"maps"
	"slices"
	"strings"

	"github.com/your-org/keeper/models"
)

var typeWords = map[models.SecretType]string{
	models.Password: "Password", models.APIKey: "API key", models.SSHKey: "SSH key", models.Certificate: "Certificate",
	models.JSON: "JSON", models.YAML: "YAML", models.Text: "Text",
}

// typeWord is a secret type for people.
func typeWord(t models.SecretType) string {
	if w, ok := typeWords[t]; ok {
		return w
	}
	return string(t)
}

var typeIcons = map[models.SecretType]string{
	models.Password: "key", models.APIKey: "key-fill", models.SSHKey: "terminal", models.Certificate: "patch-check",
	models.JSON: "braces", models.YAML: "file-earmark-code", models.Text: "card-text",
}

func typeLook(t models.SecretType) Look {
	icon, ok := typeIcons[t]
	if !ok {
		icon = "card-text"
	}
	return Look{Word: typeWord(t), Icon: icon}
}

func typeOptions() []Option {
	all := make([]Option, len(models.SecretTypes))
	for i, t := range models.SecretTypes {
		all[i] = Option{Value: string(t), Label: typeWord(t)}
	}
	return all
}

var kindWords = map[models.DestinationKind]string{
	models.DestinationAWS: "AWS Secrets Manager", models.DestinationVault: "Vault KV v2", models.DestinationMemory: "In memory",
}

// kindWord is a destination kind for people.
func kindWord(k models.DestinationKind) string {
	if w, ok := kindWords[k]; ok {
		return w
	}
	return string(k)
}

// Look is how a status shows: word, icon and tone.
type Look struct{ Word, Icon, Tone string }

func runStatusLook(s models.RunStatus) Look {
	look, ok := runLooks[s]
	if !ok {
		return Look{string(s), "question-circle", "grey"}
	}
	return look
}

var runLooks = map[models.RunStatus]Look{
	models.RunQueued:      {"queued", "clock", "grey"},
	models.RunHeld:        {"held by the brake", "pause-circle-fill", "blue"},
	models.RunRunning:     {"running", "arrow-repeat", "blue"},
	models.RunSucceeded:   {"succeeded", "check-circle-fill", "green"},
	models.RunPartial:     {"partly succeeded", "exclamation-triangle-fill", "amber"},
	models.RunFailed:      {"failed", "x-circle-fill", "red"},
	models.RunInterrupted: {"interrupted", "dash-circle-fill", "grey"},
}

// runStatuses are those of a run, in the order that pages offer them.
var runStatuses = []models.RunStatus{
	models.RunQueued, models.RunRunning, models.RunSucceeded, models.RunPartial, models.RunFailed, models.RunInterrupted, models.RunHeld,
}

var runTriggers = []models.RunTrigger{models.TriggerChange, models.TriggerSchedule, models.TriggerManual}

// triggerWord is why a run began, for people.
func triggerWord(t models.RunTrigger) string {
	switch t {
	case models.TriggerChange:
		return "after a change"
	case models.TriggerSchedule:
		return "on schedule"
	case models.TriggerManual:
		return "by a person"
	default:
		return string(t)
	}
}

// operationWord is what a run was to do about a secret, for people.
func operationWord(a models.SyncAction) string {
	if w, ok := operationWords[a]; ok {
		return w
	}
	return string(a)
}

var operationWords = map[models.SyncAction]string{
	models.ActionNone: "look", models.ActionCreate: "create", models.ActionUpdate: "update", models.ActionRepair: "repair", models.ActionMark: "mark",
	models.ActionRestore: "restore", models.ActionDelete: "delete", models.ActionTake: "take into Keeper", models.ActionHold: "ask a person",
	models.ActionRefuse: "leave alone", models.ActionTune: "give the destination's settings",
}

var healthLooks = map[Health]Look{
	HealthOK:       {"healthy", "check-circle-fill", "green"},
	HealthDegraded: {"degraded", "exclamation-triangle-fill", "amber"},
	HealthDown:     {"not reachable", "x-circle-fill", "red"},
	HealthBraked:   {"held by the brake", "pause-circle-fill", "blue"},
	HealthUnknown:  {"not checked yet", "question-circle", "grey"},
}

// Look is how the health shows.
func (h Health) Look() Look {
	if look, ok := healthLooks[h]; ok {
		return look
	}
	return healthLooks[HealthUnknown]
}

// deed is an act in both forms that a sentence needs: "revealed", and "may not reveal".
type deed struct{ done, do string }

// deeds are the acts by the whole of an audit action, or by what it names after the dot.
var deeds = map[string]deed{
	"session.create": {"signed in as", "sign in as"}, "session.end": {"ended a session", "end a session"},
	"audit.read": {"read the audit log", "read the audit log"}, "audit.export": {"exported the audit log", "export the audit log"}, "user.password": {"changed the password of", "change the password of"},
	"sync.trigger": {"asked to sync", "ask to sync"}, "sync.run": {"synced", "sync"},
	"sync.import.preview": {"looked for what could be imported at", "look for what could be imported at"}, "sync.import.apply": {"applied an import at", "apply an import at"},
	"sync.import": {"imported", "import"}, "sync.adopt": {"adopted", "adopt"}, "sync.release": {"released", "release"},
	"sync.plan": {"planned a sync of", "plan a sync of"}, "sync.apply": {"applied a plan to", "apply a plan to"},
	"sync.retry": {"tried again what had failed at", "try again what had failed at"}, "sync.discard": {"discarded a plan for", "discard a plan for"}, "sync.destroy": {"destroyed a deleted version at", "destroy a deleted version at"}, "sync.hold": {"held a plan for", "hold a plan for"},
	"sync.rule": {"decided a difference of", "decide a difference of"}, "secret.take": {"took the destination's value of", "take the destination's value of"},
	"destination.reveal":  {"revealed the destination's value of", "reveal the destination's value of"},
	"destination.overlap": {"saved a destination that could write the names of", "save a destination that could write the names of"},
	"keys.view":           {"looked at the keys of", "look at the keys of"}, "keys.manage": {"managed the keys of", "manage the keys of"},
	"keys.test": {"tested the keys of", "test the keys of"}, "keys.scrub": {"scrubbed", "scrub"},
	"keys.rewrap": {"re-wrapped the keys of", "re-wrap the keys of"}, "keys.reencrypt": {"re-encrypted", "re-encrypt"},
	"keys.migrate": {"migrated the keys of", "migrate the keys of"}, "keys.cancel": {"cancelled a key run", "cancel a key run"},
	"keys.drill": {"drilled a key of", "drill a key of"}, "keys.prove": {"proved a recovery key of", "prove a recovery key of"},
	"keys.recipient.add": {"added a recipient to", "add a recipient to"}, "keys.recipient.remove": {"removed a recipient from", "remove a recipient from"},
	"keys.rotation.enable": {"switched rotation on for", "switch rotation on for"},
	"create":               {"created", "create"}, "read": {"read", "read"}, "list": {"listed", "list"}, "reveal": {"revealed", "reveal"},
	"update": {"changed", "change"}, "edit": {"changed", "change"}, "write": {"wrote", "write"},
	"add_version": {"added a version to", "add a version to"}, "rollback": {"rolled back", "roll back"},
	"delete": {"deleted", "delete"}, "undelete": {"undeleted", "undelete"}, "purge": {"purged", "purge"},
	"sync": {"synced", "sync"}, "run": {"ran", "run"}, "start": {"started", "start"}, "test": {"tested", "test"},
	"pause": {"paused", "pause"}, "resume": {"resumed", "resume"}, "revoke": {"revoked", "revoke"}, "grant": {"granted", "grant"},
	"view": {"looked at", "look at"}, "manage": {"managed", "manage"}, "refresh": {"refreshed", "refresh"}, "reset": {"reset", "reset"},
	"session.prove": {"proved to be", "prove to be"}, "session.begin": {"began to sign in as", "begin to sign in as"},
	"session.break_glass": {"signed in by the break-glass account", "sign in by the break-glass account"}, "session.view": {"looked at the sessions of", "look at the sessions of"},
	"token.rotate": {"rotated", "rotate"}, "token.use": {"used the token", "use the token"}, "request.repeat": {"asked again for an answer", "ask again for an answer"}, "tokens.own": {"made tokens for", "make tokens for"},
	"tokens.view": {"looked at all tokens", "look at all tokens"}, "users.view": {"looked at users", "look at users"}, "users.manage": {"managed users", "manage users"},
	"user.password_reset": {"reset the password of", "reset the password of"}, "user.link": {"linked an identity to", "link an identity to"},
	"user.unlink": {"unlinked an identity from", "unlink an identity from"}, "user.groups_set": {"set the groups of", "set the groups of"},
	"user.groups_gone": {"took groups from", "take groups from"},
	"factor.reset":     {"reset the second factors of", "reset the second factors of"}, "factor.change": {"changed the second factors of", "change the second factors of"},
	"factor.view": {"looked at the second factors of", "look at the second factors of"}, "factor.totp_on": {"set up an authenticator app for", "set up an authenticator app for"},
	"factor.totp_off": {"removed the authenticator app of", "remove the authenticator app of"}, "factor.recovery_codes": {"made new recovery codes for", "make new recovery codes for"},
	"passkey.create": {"added the passkey", "add the passkey"}, "passkey.update": {"renamed the passkey", "rename the passkey"},
	"passkey.delete": {"removed the passkey", "remove the passkey"}, "passkey.copied": {"used a copy of the passkey", "use a copy of the passkey"},
	"group.role_set": {"gave a role to", "give a role to"}, "group.role_remove": {"took a role from", "take a role from"},
	"group.member_add": {"added a member to", "add a member to"}, "group.member_remove": {"removed a member from", "remove a member from"},
	"members.set": {"gave a role to", "give a role to"}, "members.remove": {"took the role from", "take the role from"},
	"members.view": {"looked at the members of", "look at the members of"}, "members.manage": {"managed the members of", "manage the members of"},
	"provider.key_new": {"made a new key for", "make a new key for"}, "provider.key_use": {"put a new key to use for", "put a new key to use for"},
	"provider.key_remove": {"removed a key of", "remove a key of"}, "provider.diagnose": {"diagnosed a response of", "diagnose a response of"}, "provider.try": {"tried", "try"},
	"environment.export": {"exported", "export"}, "environment.audit": {"looked at the audit of", "look at the audit of"},
	"keys.watch": {"watched the keys of", "watch the keys of"}, "keys.rollback": {"rolled back the keys of", "roll back the keys of"}, "keys.recover": {"recovered keys of", "recover keys of"},
	"sync.verify": {"verified a receipt of", "verify a receipt of"},
}

// objectKinds say what an act was on, by what its action names before the dot, where a name
// alone would not tell: of a secret it does.
var objectKinds = map[string]string{
	"environment": "the environment", "destination": "the destination", "user": "the account", "group": "the group", "token": "the token",
	"provider": "the identity provider", "channel": "the alert channel",
}

// on is an act with the kind of what it was on.
func (d deed) on(e models.AuditEntry) deed {
	of, _, _ := strings.Cut(e.Action, ".")
	kind, ok := objectKinds[of]
	if !ok || e.ObjectName == "" {
		return d
	}
	return deed{d.done + " " + kind, d.do + " " + kind}
}

// realms are what an act looked at that names nothing, by what its action names before the dot.
var realms = map[string]string{
	"alerts": "alerts", "audit": "the audit log", "destination": "destinations", "environment": "environments", "factor": "second factors",
	"group": "groups", "provider": "identity providers", "secret": "secrets", "session": "sessions", "token": "tokens", "user": "accounts",
}

// at completes an act that looked at something.
func (d deed) at(e models.AuditEntry) deed {
	of, _, _ := strings.Cut(e.Action, ".")
	if realm, ok := realms[of]; ok && strings.HasSuffix(d.do, " at") {
		return deed{d.done + " " + realm, d.do + " " + realm}
	}
	return d
}

// AuditDetail is a small fact of an audit entry.
type AuditDetail struct{ Word, Value string }

// details are an audit entry's facts for people, by their names. An id beside the name that
// it belongs to is left to exports.
func details(of map[string]string) []AuditDetail {
	var all []AuditDetail
	for _, name := range slices.Sorted(maps.Keys(of)) {
		if base, isID := strings.CutSuffix(name, "_id"); isID && of[base] != "" {
			continue
		}
		all = append(all, AuditDetail{strings.ReplaceAll(name, "_", " "), of[name]})
	}
	return all
}

// did is what an audit entry's actor did, in words; an action without words shows as it is
// spelled. An entry that was refused or failed says so.
func did(e models.AuditEntry) string {
	_, name, _ := strings.Cut(e.Action, ".")
	d, ok := deeds[e.Action]
	if !ok {
		if d, ok = deeds[name]; ok {
			d = d.on(e)
		}
	}
	if !ok {
		d = deed{"did " + e.Action, "do " + e.Action}
	}
	if e.ObjectName == "" {
		d = deed{unbound(d.done), unbound(d.do)}.at(e)
	}
	switch e.Outcome {
	case models.OutcomeRefused:
		return "may not " + d.do
	case models.OutcomeFailed:
		return "could not " + d.do
	default:
		return d.done
	}
}

// unbound is a deed without the word that leads on to what it was done to.
func unbound(words string) string {
	rest, last := words[:strings.LastIndexByte(words, ' ')+1], words[strings.LastIndexByte(words, ' ')+1:]
	switch last {
	case "of", "to", "for", "from", "as":
		return strings.TrimSuffix(rest, " ")
	}
	return words
}

var outcomes = []models.Outcome{models.OutcomeAllowed, models.OutcomeRefused, models.OutcomeFailed}

var outcomeLooks = map[models.Outcome]Look{
	models.OutcomeAllowed: {"allowed", "check-circle-fill", "green"},
	models.OutcomeRefused: {"refused", "shield-lock", "amber"},
	models.OutcomeFailed:  {"failed", "x-circle-fill", "red"},
}

func outcomeLook(o models.Outcome) Look {
	if look, ok := outcomeLooks[o]; ok {
		return look
	}
	return Look{string(o), "question-circle", "grey"}
}

var actionWords = map[models.SyncAction]string{
	models.ActionNone: "nothing", models.ActionCreate: "created", models.ActionUpdate: "updated", models.ActionRepair: "repaired",
	models.ActionMark: "marked as Keeper's", models.ActionRestore: "restored", models.ActionDelete: "deleted", models.ActionRefuse: "left alone",
	models.ActionTake: "taken into Keeper", models.ActionHold: "left to a person", models.ActionTune: "given the destination's settings",
}

// resultWord is what a run did about one secret, or could not do.
func resultWord(r models.SyncResult) string {
	if r.Failed {
		return string(r.Action) + " failed"
	}
	if w, ok := actionWords[r.Action]; ok {
		return w
	}
	return string(r.Action)
}

// resultState is the state that a run left a secret in.
func resultState(r models.SyncResult) State {
	if r.Failed {
		return StateOf(models.SyncState{Status: r.Status, LastError: r.Error + " ", Attempts: 1}, false)
	}
	return StateOf(models.SyncState{Status: r.Status}, false)
}

// agent is the browser and system of a User-Agent header, as far as they can be told.
func agent(header string) string {
	browser := firstOf(header, "an unknown program", [][2]string{
		{"Edg/", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}, {"curl/", "curl"},
	})
	system := firstOf(header, "", [][2]string{
		{"Android", "Android"}, {"iPhone", "iOS"}, {"iPad", "iPadOS"}, {"Windows", "Windows"}, {"Mac OS X", "macOS"}, {"Linux", "Linux"},
	})
	if system == "" {
		return browser
	}
	return browser + " on " + system
}

func firstOf(text, fallback string, marks [][2]string) string {
	for _, m := range marks {
		if strings.Contains(text, m[0]) {
			return m[1]
		}
	}
	return fallback
}

var fieldWords = map[string]string{
	"secret_type": "Type", "environment_id": "Environment", "kms_key_alias": "KMS key alias", "color": "Colour",
	"expires_at": "Expiry", "rotate_every_days": "Rotation reminder", "interval_seconds": "Interval",
	"config.role_arn": "Role ARN", "config.kms_key_id": "KMS key", "config.external_id": "External id",
	"config.auth_method": "How to sign in", "config.auth_path": "Where the method is mounted", "config.auth_role": "Role at Vault",
	"config.replica_kms_key_id": "KMS key of replicas", "config.write_burst": "Values of one secret at once", "config.accept_overlap": "Shared names",
	"config.destroy_days": "Days until versions are destroyed", "config.bundle_name": "Name of the bundle", "config.name_template": "Name template",
	"config.ca_cert": "CA certificate", "config.recovery_days": "Recovery window",
	"config.strategy": "Strategy", "config.brake_most": "Values at most", "config.brake_percent": "Share at most", "confirm": "What you typed",
	"repeat_password": "The repeated password",
	"names":           "Name map", "prefix": "Names there begin with",
}

// fieldWord is a field's name for people.
func fieldWord(name string) string {
	if w, ok := fieldWords[name]; ok {
		return w
	}
	_, last, nested := strings.Cut(name, ".")
	if !nested {
		last = name
	}
	words := strings.ReplaceAll(last, "_", " ")
	if words == "" {
		return ""
	}
	return strings.ToUpper(words[:1]) + words[1:]
}
