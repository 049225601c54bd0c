package templates

import (
	"net/url"
	"slices"
	"strconv"

	"github.com/your-org/keeper/models"
)

// AlertView is an alert with the environment that it is of; nil: one that is gone.
type AlertView struct {
	Alert       models.Alert
	Environment *models.Environment
}

// alertPages are the pages of what alerts are about; the others are about keys.
var alertPages = map[models.AlertKind]string{
	models.AlertDestinationFailing: "/destinations/{destination}", models.AlertSecretsFailing: "/destinations/{destination}",
	models.AlertDrift: "/destinations/{destination}", models.AlertHeld: "/destinations/{destination}/holds",
	models.AlertBraked: "/destinations/{destination}/plans",
}

// URL is the page of what the alert is about; "": there is none.
func (v AlertView) URL() string {
	if v.Alert.Kind == models.AlertKeyUnusable || v.Alert.Kind == models.AlertDamage {
		return "/keys"
	}
	page, err := Path(alertPages[v.Alert.Kind], v.Alert.Subject)
	if err != nil {
		return ""
	}
	return page
}

// Unnamed is how many secrets the alert concerns and does not name.
func (v AlertView) Unnamed() int { return max(0, v.Alert.Total-len(v.Alert.Secrets)) }

// AlertFilter is what the alerts are narrowed to, by the names of its fields in the URL.
type AlertFilter struct {
	All         bool             // all: those that are over, too
	Environment string           // environment: its name
	Kind        models.AlertKind // kind
}

// ParseAlertFilter reads the filter from a URL's query. What it does not know it ignores.
func ParseAlertFilter(q url.Values) AlertFilter {
	f := AlertFilter{All: q.Get("all") == "1", Environment: q.Get("environment"), Kind: models.AlertKind(q.Get("kind"))}
	if !slices.Contains(models.AlertKinds, f.Kind) {
		f.Kind = ""
	}
	return f
}

// Narrow reports whether anything narrows the alerts that hold.
func (f AlertFilter) Narrow() bool { return f.Environment != "" || f.Kind != "" }

// Page is the list with this filter, at a cursor.
func (f AlertFilter) Page(cursor string) string {
	all := ""
	if f.All {
		all = "1"
	}
	return withQuery("/alerts", url.Values{"all": {all}, "environment": {f.Environment}, "kind": {string(f.Kind)}, "cursor": {cursor}})
}

// WithAll is the filter with those that are over, or without them.
func (f AlertFilter) WithAll(all bool) AlertFilter {
	f.All = all
	return f
}

// AlertListPage is GET /alerts.
type AlertListPage struct {
	BasePage
	Filter    AlertFilter
	Alerts    []AlertView
	Pager     Pager
	MayManage bool // channels, of some environment
}

func (*AlertListPage) template() string { return "alerts/list" }

// Frame stands around the page.
func (p *AlertListPage) Frame() Frame { return Frame{Title: "Alerts", Nav: NavAlerts, Topics: "sync"} }

// AlertPage is GET /alerts/{alert}.
type AlertPage struct {
	BasePage
	AlertView
	Notices []NoticeView // what was told; for those who manage the channels
	Told    bool         // Notices are known
}

// NoticeView is a notice with the channel that it went to.
type NoticeView struct {
	Notice  models.Notice
	Channel string // its name; "": it is gone
}

func (*AlertPage) template() string { return "alerts/overview" }

// Frame stands around the page.
func (p *AlertPage) Frame() Frame {
	return Frame{Title: alertLook(p.Alert.Kind).Word, Nav: NavAlerts, Environment: p.Environment, Crumbs: []Crumb{{"Alerts", "/alerts"}}, Topics: "sync"}
}

// ChannelView is a channel with the environment that it belongs to.
type ChannelView struct {
	Channel     models.AlertChannel
	Environment models.Environment
}

// ChannelListPage is GET /alerts/channels, and the answer of a channel's test.
type ChannelListPage struct {
	BasePage
	Channels  []ChannelView
	Test      *ConnectionTest // of one just now; nil: none
	MayManage bool            // some environment's channels
}

func (*ChannelListPage) template() string { return "alerts/channels" }

// Frame stands around the page.
func (p *ChannelListPage) Frame() Frame {
	return Frame{Title: "Channels", Nav: NavAlerts, Crumbs: []Crumb{{"Alerts", "/alerts"}}}
}

// ChannelFormPage is GET /alerts/channels/new (?kind=, asked for first) and GET
// /alerts/channels/{channel}/edit. Fields: kind, environment_id, name, address, secret, kinds
// (repeated), everywhere, enabled, new_key.
type ChannelFormPage struct {
	BasePage
	Channel *models.AlertChannel // that is edited; nil: a new one
	Kind    models.ChannelKind   // "": not chosen yet
	Places  []models.Environment // whose channels the actor manages
	Form    Form
	Chosen  []models.AlertKind
}

func (*ChannelFormPage) template() string { return "alerts/form" }

// Frame stands around the page.
func (p *ChannelFormPage) Frame() Frame {
	f := Frame{Title: "New channel", Nav: NavAlerts, Crumbs: []Crumb{{"Alerts", "/alerts"}, {"Channels", "/alerts/channels"}}}
	if p.Channel != nil {
		f.Title = "Edit " + p.Channel.Name
	}
	return f
}

// IsChosen reports whether the channel tells of a kind by its name.
func (p *ChannelFormPage) IsChosen(kind models.AlertKind) bool {
	return slices.Contains(p.Chosen, kind)
}

// PlaceOptions are the environments that a new channel may belong to.
func (p *ChannelFormPage) PlaceOptions() []Option {
	all := make([]Option, len(p.Places))
	for i, e := range p.Places {
		all[i] = Option{Value: strconv.FormatInt(int64(e.ID), 10), Label: e.DisplayName}
	}
	return all
}

// ChannelKeyPage shows a webhook's new signing key, once. Send it with Cache-Control: no-store.
type ChannelKeyPage struct {
	BasePage
	Channel models.AlertChannel
	Secret  string
	Created bool
}

func (*ChannelKeyPage) template() string { return "alerts/key" }

// Frame stands around the page.
func (p *ChannelKeyPage) Frame() Frame {
	return Frame{Title: "Signing key", Nav: NavAlerts, Crumbs: []Crumb{{"Alerts", "/alerts"}, {"Channels", "/alerts/channels"}}}
}

// ChannelDeletePage asks before a channel is removed. Field: confirm, its name.
type ChannelDeletePage struct {
	BasePage
	Channel      models.AlertChannel
	Confirmation Confirmation
}

func (*ChannelDeletePage) template() string { return "alerts/delete" }

// Frame stands around the page.
func (p *ChannelDeletePage) Frame() Frame {
	return Frame{Title: "Delete " + p.Channel.Name, Nav: NavAlerts, Crumbs: []Crumb{{"Alerts", "/alerts"}, {"Channels", "/alerts/channels"}}}
}

var alertLooks = map[models.AlertKind]Look{
	models.AlertDestinationFailing: {"Destination failing", "x-circle-fill", "red"},
	models.AlertSecretsFailing:     {"Secrets failing", "x-circle-fill", "red"},
	models.AlertDrift:              {"Drift", "exclamation-triangle-fill", "amber"},
	models.AlertHeld:               {"Waits for a decision", "signpost-split-fill", "purple"},
	models.AlertBraked:             {"Held by the brake", "pause-circle-fill", "blue"},
	models.AlertKeyUnusable:        {"Key unusable", "shield-lock", "red"},
	models.AlertDamage:             {"Damage", "x-circle-fill", "red"},

	models.AlertBreakGlass:          {"Break-glass sign-in", "exclamation-triangle-fill", "amber"},
	models.AlertPasskeyCopied:       {"Passkey copied", "shield-lock", "red"},
	models.AlertCertificateExpiring: {"Certificate ends soon", "calendar-event", "amber"},
}

// alertLook is a kind of alerts for people.
func alertLook(k models.AlertKind) Look {
	if look, ok := alertLooks[k]; ok {
		return look
	}
	return Look{string(k), "question-circle", "grey"}
}

var channelWords = map[models.ChannelKind]string{models.ChannelWebhook: "Webhook", models.ChannelEmail: "E-mail", models.ChannelSlack: "Slack"}

// channelWord is a kind of channels for people.
func channelWord(k models.ChannelKind) string {
	if w, ok := channelWords[k]; ok {
		return w
	}
	return string(k)
}

var noticeLooks = map[models.NoticeStatus]Look{
	models.NoticePending:   {"on its way", "clock", "grey"},
	models.NoticeDelivered: {"arrived", "check-circle-fill", "green"},
	models.NoticeGivenUp:   {"given up", "x-circle-fill", "red"},
}

func noticeLook(s models.NoticeStatus) Look {
	if look, ok := noticeLooks[s]; ok {
		return look
	}
	return Look{string(s), "question-circle", "grey"}
}

var occasionWords = map[models.Occasion]string{
	models.OccasionOpened: "it began", models.OccasionReminder: "it still holds", models.OccasionRecovered: "it is over", models.OccasionTest: "a test",
}

func occasionWord(o models.Occasion) string {
	if w, ok := occasionWords[o]; ok {
		return w
	}
	return string(o)
}
