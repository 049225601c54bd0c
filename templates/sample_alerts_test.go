package templates

import (
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

func sampleAlerts(b BasePage, all map[string]Page) {
	alert := func(kind models.AlertKind, subject, name, summary, hint string, since time.Duration) AlertView {
		return AlertView{Environment: new(production), Alert: models.Alert{
			ID: "alt_4k2m", EnvironmentID: 1, Kind: kind, Subject: subject, SubjectName: name, Summary: summary, Hint: hint, Count: 12,
			OpenedAt: ago(since), LastSeenAt: ago(2 * time.Minute), NotifiedAt: ago(since),
		}}
	}
	failing := alert(models.AlertSecretsFailing, "dst_3f8a1c", "aws-main", "14 secrets failed three times in a row.", "Their pages say why.", 34*time.Minute)
	failing.Alert.Secrets, failing.Alert.Total = []string{"payments/db/replica-password", "payments/stripe/api-key"}, 14
	drift := alert(models.AlertDrift, "dst_3f8a1c", "aws-main", "Somebody changed 2 copies.", "", 9*sampleDay)
	drift.Alert.ResolvedAt = agoP(time.Hour)
	gone := alert("novel", "?", "somewhere", "Something holds.", "", time.Minute)
	gone.Environment = nil
	views := []AlertView{
		failing, drift, alert(models.AlertHeld, "dst_3f8a1c", "aws-main", "2 differences wait for a decision.", "Compare the two sides.", time.Hour),
		alert(models.AlertBraked, "dst_77b2kd", "vault-main", "The run would delete 61 of 404 values.", "Look at its plan.", time.Hour),
		alert(models.AlertDestinationFailing, "dst_1x2y3z", "vault-dev", "Vault does not answer.", "Start it.", 12*time.Minute),
		alert(models.AlertDamage, "all", "keys", "3 values do not open.", "Restore them.", sampleDay), gone,
	}
	all["alerts"] = &AlertListPage{BasePage: b, Alerts: views, MayManage: true, Pager: Pager{Next: "c2", Total: -1}}
	all["alerts narrowed"] = &AlertListPage{BasePage: b, Filter: AlertFilter{All: true, Kind: models.AlertDrift, Environment: "production"}}
	all["alerts empty"] = &AlertListPage{BasePage: b, MayManage: true}
	all["alert"] = &AlertPage{BasePage: b, AlertView: failing, Told: true, Notices: []NoticeView{
		{models.Notice{Occasion: models.OccasionOpened, Status: models.NoticeDelivered, Attempts: 1, CreatedAt: ago(34 * time.Minute), DeliveredAt: agoP(34 * time.Minute)}, "oncall"},
		{models.Notice{Occasion: models.OccasionReminder, Status: models.NoticePending, Attempts: 4, CreatedAt: ago(time.Minute), LastError: "The receiver answered 503."}, ""},
		{models.Notice{Occasion: models.OccasionRecovered, Status: models.NoticeGivenUp, Attempts: 90, CreatedAt: ago(time.Minute)}, "team"},
	}}
	all["alert untold"] = &AlertPage{BasePage: b, AlertView: drift, Told: true}
	all["alert of who knows what"] = &AlertPage{BasePage: b, AlertView: gone}
	channel := models.AlertChannel{
		ID: "chn_1", EnvironmentID: 1, Name: "oncall", Kind: models.ChannelWebhook, Address: "https://ops.example.com/hooks/keeper", Enabled: true,
		Kinds: []models.AlertKind{models.AlertHeld, models.AlertBraked}, Revision: 3, DeliveredAt: agoP(34 * time.Minute),
	}
	off := channel
	off.ID, off.Name, off.Kind, off.Address, off.Enabled, off.Kinds = "chn_2", "mail", models.ChannelEmail, "ops@example.com", false, nil
	slack := channel
	slack.ID, slack.Name, slack.Kind, slack.Address, slack.Everywhere, slack.Kinds, slack.LastError = "chn_3", "team", models.ChannelSlack, "https://hooks.slack.com", true, nil, "Slack answered 404."
	all["channels"] = &ChannelListPage{BasePage: b, MayManage: true, Channels: []ChannelView{{channel, production}, {off, staging}, {slack, production}}}
	all["channels tested"] = &ChannelListPage{BasePage: b, MayManage: true, Channels: []ChannelView{{channel, production}}, Test: &ConnectionTest{OK: true, Message: "The test of oncall arrived.", Took: 84 * time.Millisecond}}
	all["channels test failed"] = &ChannelListPage{BasePage: b, MayManage: true, Channels: []ChannelView{{slack, production}}, Test: &ConnectionTest{Message: "It did not arrive.", Hint: "Correct the URL."}}
	all["channels empty"] = &ChannelListPage{BasePage: b, MayManage: true}
	places := []models.Environment{production, staging}
	all["channel kind"] = &ChannelFormPage{BasePage: b, Places: places}
	for _, kind := range models.ChannelKinds {
		all["channel new "+string(kind)] = &ChannelFormPage{BasePage: b, Places: places, Kind: kind, Form: NewForm(nil)}
	}
	all["channel edit"] = &ChannelFormPage{BasePage: b, Channel: &channel, Kind: channel.Kind, Chosen: channel.Kinds, Form: failedForm(
		map[string]string{"name": "On call", "enabled": "true"}, fault.Field{Name: "name", Message: "must be lower-case"}, fault.Field{Name: "kinds", Message: "must be kinds"})}
	all["channel edit slack"] = &ChannelFormPage{BasePage: b, Channel: &slack, Kind: slack.Kind, Form: Form{Revision: 3, Values: map[string]string{"name": "team"}}}
	all["channel key"] = &ChannelKeyPage{BasePage: b, Channel: channel, Secret: "whsec_c2FtcGxl", Created: true}
	all["channel delete"] = &ChannelDeletePage{BasePage: b, Channel: channel, Confirmation: Confirmation{Name: "oncall"}}
}
