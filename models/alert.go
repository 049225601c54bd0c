package models

import (
	"net/mail"
	"net/url"
	"slices"
	"time"
)

// AlertKind is what people are told of.
type AlertKind string

// The kinds of alerts. Each is a condition that holds for a while and then is over.
const (
	AlertDestinationFailing  AlertKind = "destination_failing"  // a run over a destination failed
	AlertSecretsFailing      AlertKind = "secrets_failing"      // some secrets failed again and again at a destination that works
	AlertDrift               AlertKind = "drift"                // copies were changed or removed by somebody else
	AlertHeld                AlertKind = "held"                 // a conflict or a difference waits for a person
	AlertBraked              AlertKind = "braked"               // the brake held a run's plan
	AlertKeyUnusable         AlertKind = "key_unusable"         // a wrapping key is disabled, or about to be deleted
	AlertBreakGlass          AlertKind = "break_glass"          // somebody signed in past the switched-off local sign-in
	AlertPasskeyCopied       AlertKind = "passkey_copied"       // a passkey's counter went back
	AlertCertificateExpiring AlertKind = "certificate_expiring" // a certificate of an identity provider, or of Keeper's for it, ends soon
	AlertDamage              AlertKind = "damage"               // a scrub found what does not open any more
)

// InstallationAlerts are the kinds that tell of the installation and its people. Such an alert is
// kept with an environment, and is nothing for those who may see that environment alone.
var InstallationAlerts = []AlertKind{AlertBreakGlass, AlertPasskeyCopied, AlertCertificateExpiring}

// OfInstallation reports whether the kind is one of InstallationAlerts.
func (k AlertKind) OfInstallation() bool { return slices.Contains(InstallationAlerts, k) }

// AlertKinds are all kinds, in the order that pages show them.
var AlertKinds = []AlertKind{
	AlertDestinationFailing, AlertSecretsFailing, AlertDrift, AlertHeld, AlertBraked, AlertKeyUnusable, AlertDamage, AlertBreakGlass,
	AlertPasskeyCopied, AlertCertificateExpiring,
}

// MaxAlertSecrets is how many secrets a notice names; of more it says how many there are.
const MaxAlertSecrets = 10

// Signal is one look at a condition: it holds, or it does not. Whoever looks again signals
// again; only a change is told to anybody. It carries no value and nothing made of one.
type Signal struct {
	EnvironmentID EnvironmentID
	Kind          AlertKind
	Subject       string // what it is about: a destination's id, a key's ARN; 2,048 bytes at most
	SubjectName   string // for people
	Holds         bool
	Quiet         bool     // of a condition that is over: nobody is told, since its subject is gone
	Summary       string   // a sentence for people, of a condition that holds
	Hint          string   // what to do about it
	Secrets       []string // names of secrets that it concerns, the first MaxAlertSecrets
	Total         int      // how many secrets it concerns; 0: none by name
}

// Alert is a condition from when it was first seen until it was over.
type Alert struct {
	ID            AlertID `gorm:"primaryKey"`
	EnvironmentID EnvironmentID
	Kind          AlertKind
	Subject       string
	SubjectName   string
	// Slot is what makes an open alert the only one of its environment, kind and subject: a
	// hash of the three while it is open, its ID afterwards.
	Slot       string
	Summary    string
	Hint       string
	Secrets    []string `gorm:"serializer:json"`
	Total      int
	Count      int // how often it was seen to hold
	OpenedAt   time.Time
	LastSeenAt time.Time
	ResolvedAt *time.Time // nil: it still holds
	NotifiedAt time.Time  // when the last notice of it was left for delivery
}

// TableName names the table for GORM.
func (Alert) TableName() string { return "alerts" }

// ChannelKind is how a channel reaches people.
type ChannelKind string

// The kinds of channels.
const (
	ChannelWebhook ChannelKind = "webhook" // signed as Standard Webhooks says
	ChannelEmail   ChannelKind = "email"
	ChannelSlack   ChannelKind = "slack" // an incoming webhook of Slack, or of what understands the same
)

// ChannelKinds are all kinds, in the order that pages show them.
var ChannelKinds = []ChannelKind{ChannelWebhook, ChannelEmail, ChannelSlack}

// AlertChannel is a way to tell people. It belongs to an environment, whose key seals its
// secret.
type AlertChannel struct {
	ID            ChannelID `gorm:"primaryKey"`
	EnvironmentID EnvironmentID
	Everywhere    bool   // it tells of all environments, those included that come later
	Name          string // slug, unique in the environment
	Kind          ChannelKind
	Address       string // URL of a webhook, or e-mail address; of Slack only where its URL leads: "https://hooks.slack.com"
	Secret        []byte // sealed: a webhook's signing key, Slack's URL; empty of e-mail
	SecretKeyID   DataKeyID
	Kinds         []AlertKind `gorm:"serializer:json"` // that it tells of; none: all
	Enabled       bool
	Revision      int64
	CreatedAt     time.Time
	CreatedBy     string
	UpdatedAt     time.Time
	DeliveredAt   *time.Time // when a notice last arrived
	LastError     string     // of the last delivery; "": it arrived, or there was none
}

// TableName names the table for GORM.
func (AlertChannel) TableName() string { return "alert_channels" }

// Tells reports whether the channel is to tell of an alert.
func (c *AlertChannel) Tells(a *Alert) bool {
	own := c.EnvironmentID == a.EnvironmentID && !a.Kind.OfInstallation()
	return c.Enabled && (c.Everywhere || own) && (len(c.Kinds) == 0 || slices.Contains(c.Kinds, a.Kind))
}

// Validate says what is wrong with the fields that a person sets. Which schemes and hosts a
// webhook may have depends on the installation and is not looked at here.
func (c *AlertChannel) Validate() error {
	var problems fieldProblems
	if !slug(c.Name) {
		problems.add("name", "must be a lower-case letter, then letters, digits and dashes, 63 characters at most")
	}
	problems.text("address", c.Address, 2000)
	switch c.Kind {
	case ChannelWebhook, ChannelSlack:
		if u, err := url.Parse(c.Address); err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
			problems.add("address", "must be a URL without a user and a fragment")
		}
	case ChannelEmail:
		if a, err := mail.ParseAddress(c.Address); err != nil || a.Address != c.Address {
			problems.add("address", "must be one e-mail address, such as ops@example.com")
		}
	default:
		problems.add("kind", "must be one of %s", list(ChannelKinds))
	}
	for _, kind := range c.Kinds {
		if !slices.Contains(AlertKinds, kind) {
			problems.add("kinds", "must be of %s", list(AlertKinds))
			break
		}
	}
	return problems.err("The channel is not valid.")
}

// Occasion is why a notice is sent.
type Occasion string

// The occasions.
const (
	OccasionOpened    Occasion = "opened"
	OccasionReminder  Occasion = "reminder"  // it still holds
	OccasionRecovered Occasion = "recovered" // it is over
	OccasionTest      Occasion = "test"      // a person tries the channel
)

// NoticeStatus is how a notice stands.
type NoticeStatus string

// The statuses of a notice.
const (
	NoticePending   NoticeStatus = "pending"
	NoticeDelivered NoticeStatus = "delivered"
	NoticeGivenUp   NoticeStatus = "given_up" // it could not be delivered for too long, or nobody wants it any more
)

// Notice is one message to one channel, kept from when it is due until some time after it
// arrived. Its UID is the receiver's means to know a message that comes twice.
type Notice struct {
	ID          int64 `gorm:"primaryKey;autoIncrement"` // orders them
	UID         NoticeID
	AlertID     AlertID
	ChannelID   ChannelID
	Occasion    Occasion
	Body        string // what is sent, as JSON: the same bytes at each try
	Status      NoticeStatus
	Attempts    int
	NextTryAt   time.Time
	LastError   string
	CreatedAt   time.Time
	DeliveredAt *time.Time
}

// TableName names the table for GORM.
func (Notice) TableName() string { return "alert_notices" }
