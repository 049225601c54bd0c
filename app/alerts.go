package app

import (
	"github.com/your-org/keeper/alerts"
	"github.com/your-org/keeper/models"
)

// smtpsPort is where mail servers speak TLS from the first byte.
const smtpsPort = 465

// newAlerts makes what tells people of conditions, through the mail server of the settings
// where there is one.
func (a *App) newAlerts(wake func()) *alerts.Service {
	d := alerts.Deps{
		Store: a.Store, Envelope: a.Envelope, Development: !a.Config.Production(), PublicURL: a.Config.PublicURL,
		Now: a.now, Log: a.Log, Wake: wake,
	}
	if a.Config.SMTPHost != "" {
		d.Mail = &alerts.Mail{
			Host: a.Config.SMTPHost, Port: a.Config.SMTPPort, Implicit: a.Config.SMTPPort == smtpsPort, User: a.Config.SMTPUser,
			Password: models.NewPlaintext([]byte(a.Config.SMTPPassword.Reveal())), From: a.Config.SMTPFrom,
		}
	}
	return alerts.New(d)
}
