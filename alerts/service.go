// Package alerts tells people of conditions that need them: what opened, that it lasts, that
// it is over. Who sees a condition signals it, at each look; what is told, to whom, and that
// it arrives, is decided here.
package alerts

import (
	"crypto/x509"
	"log/slog"
	"net/http"
	"time"

	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/store"
)

// The kinds of jobs.
const (
	JobKind       = "alert"        // delivers a channel's notices; its key is the channel's id
	RemindJobKind = "alert-remind" // tells again of what lasts; its key is "all"
)

// remindAfter is how long after the last notice people are told again that an alert still
// holds, and remindEvery how often that is looked for.
const (
	remindAfter = 24 * time.Hour
	remindEvery = 10 * time.Minute
)

// keepAlerts is how long an alert is kept after it was over.
const keepAlerts = 90 * 24 * time.Hour

// Deps is what the service works with.
type Deps struct {
	Store       *store.Store
	Envelope    *kms.Envelope
	Mail        *Mail          // nil: there is no mail server
	Development bool           // webhooks on this machine are allowed, also without TLS
	PublicURL   string         // of the pages, for links in notices; "": none
	Roots       *x509.CertPool // that receivers' certificates lead to; nil: the system's
	Now         func() time.Time
	Log         *slog.Logger
	Wake        func() // work was left in the database; begin at once
}

// Service is the rules of alerts. It is safe for concurrent use.
type Service struct {
	Deps
	web *http.Client
}

// New makes the service.
func New(d Deps) *Service {
	s := &Service{Deps: d}
	s.web = newClient(guard{loopback: d.Development}, d.Roots)
	return s
}
