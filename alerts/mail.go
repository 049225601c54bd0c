package alerts

import (
	"context"
	"crypto/tls"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// Mail is the server that e-mails go through.
type Mail struct {
	Host     string
	Port     int // 465: TLS from the first byte; another: STARTTLS
	User     string
	Password models.Plaintext // empty with an empty User
	From     string           // "keeper@example.com", or with a name before it
}

// smtpsPort is where TLS begins with the connection.
const smtpsPort = 465

// email sends a notice. Its message id is the notice's, so that one that is sent twice is
// shown once by readers that look.
func (s *Service) email(ctx context.Context, to string, n *models.Notice, m message) error {
	if s.Mail == nil {
		return noMail()
	}
	msg := gomail.NewMsg()
	if err := msg.From(s.Mail.From); err != nil {
		return fault.New(fault.Invalid, "KEEPER_SMTP_FROM is not an e-mail address.")
	}
	if err := msg.To(to); err != nil {
		return fault.InvalidField("address", "must be one e-mail address, such as ops@example.com")
	}
	msg.Subject(m.title())
	msg.SetMessageIDWithValue(string(n.UID) + "@" + s.Mail.domain())
	msg.SetDateWithValue(m.Timestamp)
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetBodyString(gomail.TypeTextPlain, m.text()+"\n")
	client, err := s.Mail.client(s)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	if err := client.DialAndSendWithContext(ctx, msg); err != nil {
		return fault.Wrap(err, fault.Unavailable, "The mail server %s did not take the message.", s.Mail.Host).
			WithHint("Check KEEPER_SMTP_HOST and the other KEEPER_SMTP settings; TLS is needed unless the server is on this machine.")
	}
	return nil
}

// client makes a client for one message. Without TLS nothing is sent, except to a server on
// this machine.
func (m *Mail) client(s *Service) (*gomail.Client, error) {
	options := []gomail.Option{
		gomail.WithPort(m.Port), gomail.WithTimeout(sendTimeout),
		gomail.WithTLSConfig(&tls.Config{MinVersion: tls.VersionTLS12, ServerName: m.Host, RootCAs: s.Roots}),
	}
	switch {
	case m.Port == smtpsPort:
		options = append(options, gomail.WithSSL())
	case isLoopback(m.Host):
		options = append(options, gomail.WithTLSPolicy(gomail.TLSOpportunistic))
	default:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if m.User != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(m.User),
			gomail.WithPassword(string(m.Password.Reveal())))
	}
	client, err := gomail.NewClient(m.Host, options...)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "The KEEPER_SMTP settings cannot be used.")
	}
	return client, nil
}

// domain is what follows the at sign of the sender's address.
func (m *Mail) domain() string {
	at := strings.LastIndexByte(m.From, '@')
	return strings.TrimSuffix(m.From[at+1:], ">")
}

func noMail() error {
	return fault.InvalidField("kind", "must not be email: this installation has no mail server").
		WithHint("Ask an administrator to set KEEPER_SMTP_HOST and KEEPER_SMTP_FROM.")
}
