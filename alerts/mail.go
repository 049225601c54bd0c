package alerts

import (
	"context"
	"crypto/tls"
	"net"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// Mail is the server that e-mails go through.
type Mail struct {
	Host     string
	Port     int
	Implicit bool // TLS from the first byte, as on port 465; else STARTTLS
	User     string
	Password models.Plaintext // empty with an empty User
	From     string           // "keeper@example.com", or with a name before it
}

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
	// The library leaves the connection open where the greeting, TLS or signing in fails.
	line := &line{mail: s.Mail, tls: &tls.Config{MinVersion: tls.VersionTLS12, ServerName: s.Mail.Host, RootCAs: s.Roots}}
	defer line.close()
	client, err := s.Mail.client(line)
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

// line is the connection that one message goes over.
type line struct {
	mail *Mail
	tls  *tls.Config
	conn net.Conn
}

func (l *line) dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	if l.mail.Implicit {
		conn, err = (&tls.Dialer{Config: l.tls}).DialContext(ctx, network, address)
	} else {
		conn, err = (&net.Dialer{}).DialContext(ctx, network, address)
	}
	if err == nil {
		l.conn = conn
	}
	return conn, err
}

func (l *line) close() {
	if l.conn != nil {
		_ = l.conn.Close()
	}
}

// client makes a client for one message. Without TLS nothing is sent, except to a server on
// this machine.
func (m *Mail) client(l *line) (*gomail.Client, error) {
	policy := gomail.TLSMandatory
	if m.Implicit || isLoopback(m.Host) { // encrypted from the first byte, or none needed
		policy = gomail.TLSOpportunistic
	}
	options := []gomail.Option{
		gomail.WithPort(m.Port), gomail.WithTimeout(sendTimeout), gomail.WithTLSConfig(l.tls), gomail.WithTLSPolicy(policy),
		gomail.WithDialContextFunc(l.dial),
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
