package templates

import (
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
	models.RunRunning:     {"running", "arrow-repeat", "blue"},
	models.RunSucceeded:   {"succeeded", "check-circle-fill", "green"},
	models.RunPartial:     {"partly succeeded", "exclamation-triangle-fill", "amber"},
	models.RunFailed:      {"failed", "x-circle-fill", "red"},
	models.RunInterrupted: {"interrupted", "dash-circle-fill", "grey"},
}

var healthLooks = map[Health]Look{
	HealthOK:       {"healthy", "check-circle-fill", "green"},
	HealthDegraded: {"degraded", "exclamation-triangle-fill", "amber"},
	HealthDown:     {"not reachable", "x-circle-fill", "red"},
	HealthUnknown:  {"not checked yet", "question-circle", "grey"},
}

// Look is how the health shows.
func (h Health) Look() Look {
	if look, ok := healthLooks[h]; ok {
		return look
	}
	return healthLooks[HealthUnknown]
}

// verbs are the past tense of what audit actions name after the dot.
var verbs = map[string]string{
	"create": "created", "read": "read", "reveal": "revealed", "list": "listed", "update": "changed", "edit": "changed",
	"delete": "deleted", "undelete": "undeleted", "rollback": "rolled back", "purge": "purged", "sync": "synced",
	"test": "tested", "pause": "paused", "resume": "resumed", "revoke": "revoked", "add_version": "added a version to",
	"grant": "granted", "change_password": "changed the password of", "write": "wrote", "start": "started", "run": "ran",
}

var whole = map[string]string{
	"session.create": "signed in", "session.sign_in": "signed in", "user.sign_in": "signed in", "auth.sign_in": "signed in",
	"session.delete": "signed out", "session.sign_out": "signed out", "user.sign_out": "signed out", "auth.sign_out": "signed out",
	"user.change_password": "changed the password",
}

// did is what an audit entry's actor did, in words; an action without words shows as it is
// spelled. An entry that was refused or failed says so.
func did(e models.AuditEntry) string {
	words, ok := whole[e.Action]
	if !ok {
		_, verb, _ := strings.Cut(e.Action, ".")
		if words, ok = verbs[verb]; !ok {
			return "performed " + e.Action + " on"
		}
	}
	switch e.Outcome {
	case models.OutcomeRefused:
		return "was refused: " + words
	case models.OutcomeFailed:
		return "could not finish: " + words
	}
	return words
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
