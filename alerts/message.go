package alerts

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// message is what a notice says: the body of a webhook, and what e-mails and Slack's messages
// are made of. It names secrets and holds no value.
type message struct {
	Type      string    `json:"type"` // "alert." and the occasion
	Timestamp time.Time `json:"timestamp"`
	Data      facts     `json:"data"`
}

type facts struct {
	AlertID     models.AlertID   `json:"alert_id"`
	Kind        models.AlertKind `json:"kind"`
	State       string           `json:"state"` // open or resolved
	Environment string           `json:"environment"`
	Subject     string           `json:"subject"`
	SubjectName string           `json:"subject_name"`
	Summary     string           `json:"summary"`
	Hint        string           `json:"hint,omitempty"`
	Secrets     []string         `json:"secrets"` // the first of them
	Total       int              `json:"secrets_total"`
	OpenedAt    time.Time        `json:"opened_at"`
	LastSeenAt  time.Time        `json:"last_seen_at"`
	ResolvedAt  *time.Time       `json:"resolved_at"`
	Count       int              `json:"count"`
	Link        string           `json:"link,omitempty"`
}

func (s *Service) message(e models.Environment, a *models.Alert, o models.Occasion, now time.Time) message {
	m := message{Type: "alert." + string(o), Timestamp: now, Data: facts{
		AlertID: a.ID, Kind: a.Kind, State: "open", Environment: e.Name, Subject: a.Subject, SubjectName: a.SubjectName,
		Summary: a.Summary, Hint: a.Hint, Secrets: a.Secrets, Total: a.Total, OpenedAt: a.OpenedAt, LastSeenAt: a.LastSeenAt,
		ResolvedAt: a.ResolvedAt, Count: a.Count, Link: s.link(a.Subject),
	}}
	if a.ResolvedAt != nil {
		m.Data.State, m.Data.Hint = "resolved", ""
	}
	if m.Data.Secrets == nil {
		m.Data.Secrets = []string{}
	}
	return m
}

// link is the page of what an alert is about, where that has one.
func (s *Service) link(subject string) string {
	if s.PublicURL == "" || !strings.HasPrefix(subject, "dst_") {
		return s.PublicURL
	}
	return strings.TrimSuffix(s.PublicURL, "/") + "/destinations/" + subject
}

func encode(m message) (string, error) {
	text, err := json.Marshal(m)
	if err != nil {
		return "", fault.Wrap(err, fault.Internal, "The notice cannot be encoded.")
	}
	return string(text), nil
}

func decode(body string) (m message, err error) {
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		return m, fault.Wrap(err, fault.Internal, "The notice is damaged.")
	}
	return m, nil
}

var titles = map[models.AlertKind]string{
	models.AlertDestinationFailing:  "Destination failing",
	models.AlertSecretsFailing:      "Secrets failing",
	models.AlertDrift:               "Drift found",
	models.AlertHeld:                "Waiting for a decision",
	models.AlertBraked:              "Held by the brake",
	models.AlertKeyUnusable:         "Wrapping key unusable",
	models.AlertDamage:              "Damage found",
	models.AlertBreakGlass:          "Break-glass sign-in",
	models.AlertPasskeyCopied:       "Passkey copied",
	models.AlertCertificateExpiring: "Certificate ends",
}

// title is one line: what, where, and whether it is new, lasts or is over.
func (m message) title() string {
	what := titles[m.Data.Kind]
	switch m.Type {
	case "alert." + string(models.OccasionReminder):
		what = "Still: " + what
	case "alert." + string(models.OccasionRecovered):
		what = "Over: " + what
	case "alert." + string(models.OccasionTest):
		what = "Test"
	}
	return fmt.Sprintf("[%s] %s: %s", m.Data.Environment, what, m.Data.SubjectName)
}

// text is the message for people, lines without a trailing newline.
func (m message) text() string {
	d := m.Data
	var lines []string
	if d.State == "resolved" {
		lines = append(lines, "This is over since "+d.ResolvedAt.Format(time.RFC3339)+". It was:")
	}
	lines = append(lines, strings.TrimSpace(d.Summary+" "+d.Hint))
	if len(d.Secrets) > 0 {
		names := strings.Join(d.Secrets, ", ")
		if more := d.Total - len(d.Secrets); more > 0 {
			names += fmt.Sprintf(" and %d more", more)
		}
		lines = append(lines, "Secrets: "+names)
	}
	lines = append(lines, fmt.Sprintf("Since %s, seen %d times.", d.OpenedAt.Format(time.RFC3339), d.Count))
	if d.Link != "" {
		lines = append(lines, d.Link)
	}
	return strings.Join(lines, "\n")
}
