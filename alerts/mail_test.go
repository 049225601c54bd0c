package alerts_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"math/big"
	"mime"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/your-org/keeper/alerts"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// mailbox is a mail server on loopback: enough of SMTP for one client at a time.
type mailbox struct {
	net.Listener
	certificate *tls.Config // nil: it offers no TLS
	implicit    bool        // TLS from the first byte
	refuses     bool        // every recipient
	mu          sync.Mutex
	messages    []string // as they came, CRLF made LF
	encrypted   []bool
	logins      []string // "user password"
}

func newMailbox(t *testing.T, m *mailbox) *mailbox {
	t.Helper()
	var err error
	if m.Listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := m.Accept()
			if err != nil {
				return
			}
			if m.implicit {
				conn = tls.Server(conn, m.certificate)
			}
			serving.Go(func() { m.greet(conn) })
		}
	})
	t.Cleanup(func() { _ = m.Close(); serving.Wait() })
	return m
}

func (m *mailbox) port() int { return m.Addr().(*net.TCPAddr).Port }

func (m *mailbox) greet(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	_, _ = fmt.Fprint(conn, "220 mailbox\r\n")
	m.serve(conn, m.implicit)
}

func (m *mailbox) serve(conn net.Conn, encrypted bool) {
	in := bufio.NewReader(conn)
	say := func(lines ...string) { _, _ = fmt.Fprintf(conn, "%s\r\n", strings.Join(lines, "\r\n")) }
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(line)
		switch command, rest, _ := strings.Cut(line, " "); strings.ToUpper(command) {
		case "EHLO":
			if m.certificate != nil && !encrypted {
				say("250-mailbox", "250-STARTTLS", "250 AUTH PLAIN")
			} else {
				say("250-mailbox", "250 AUTH PLAIN")
			}
		case "STARTTLS":
			say("220 go on")
			m.serve(tls.Server(conn, m.certificate), true)
			return
		case "AUTH":
			raw, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(rest, "PLAIN "))
			m.mu.Lock()
			m.logins = append(m.logins, strings.ReplaceAll(strings.TrimPrefix(string(raw), "\x00"), "\x00", " "))
			m.mu.Unlock()
			say("235 welcome")
		case "RCPT":
			if m.refuses {
				say("550 no such user")
			} else {
				say("250 ok")
			}
		case "DATA":
			say("354 go on")
			m.take(in, encrypted)
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func (m *mailbox) take(in *bufio.Reader, encrypted bool) {
	var text strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil || line == ".\r\n" {
			break
		}
		text.WriteString(strings.ReplaceAll(line, "\r\n", "\n"))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.messages, m.encrypted = append(m.messages, text.String()), append(m.encrypted, encrypted)
}

// certificate is one for localhost and 127.0.0.1, with the roots that trust it.
func certificate(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: key}}}, roots
}

func TestEmail(t *testing.T) {
	config, roots := certificate(t)
	for name, c := range map[string]struct {
		box       *mailbox
		encrypted bool
		login     bool
	}{
		"Loopback": {&mailbox{}, false, false},
		"STARTTLS": {&mailbox{certificate: config}, true, true},
		"Implicit": {&mailbox{certificate: config, implicit: true}, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			box := newMailbox(t, c.box)
			server := &alerts.Mail{Host: "127.0.0.1", Port: box.port(), Implicit: box.implicit, From: "Keeper <keeper@example.com>"}
			if c.login {
				server.User, server.Password = "keeper", models.NewPlaintext([]byte("pass word"))
			}
			h := newHouse(t, setup{mail: server, roots: roots})
			channel, made := h.channel(t, alerts.Draft{Kind: models.ChannelEmail, Address: "ops@example.com"})
			if made.Len() > 0 || len(channel.Secret) > 0 {
				t.Error("an e-mail channel has a secret")
			}
			one := h.drift(true)
			one.SubjectName = "aws-zürich"
			h.signal(t, one)
			h.deliver(t, channel)
			if len(box.messages) != 1 || box.encrypted[0] != c.encrypted {
				t.Fatalf("%d messages, encrypted %v; notices %+v", len(box.messages), box.encrypted, h.notices(t))
			}
			if c.login != (len(box.logins) == 1 && box.logins[0] == "keeper pass word") {
				t.Errorf("signed in as %q", box.logins)
			}
			checkEmail(t, box.messages[0], h.notices(t)[0])
		})
	}
}

// TestEmailHeadersCannotBeSplit has the name of what an alert is about bring lines of its own:
// they stay within the subject.
func TestEmailHeadersCannotBeSplit(t *testing.T) {
	box := newMailbox(t, &mailbox{})
	h := newHouse(t, setup{mail: &alerts.Mail{Host: "127.0.0.1", Port: box.port(), From: "keeper@example.com"}})
	channel, _ := h.channel(t, alerts.Draft{Kind: models.ChannelEmail, Address: "ops@example.com"})
	one := h.drift(true)
	one.SubjectName = "aws\r\nBcc: thief@example.com\r\n\r\nAnother body"
	h.signal(t, one)
	h.deliver(t, channel)
	if len(box.messages) != 1 {
		t.Fatalf("%d messages; notices %+v", len(box.messages), h.notices(t))
	}
	m, err := mail.ReadMessage(strings.NewReader(box.messages[0]))
	if err != nil {
		t.Fatal(err)
	}
	if m.Header.Get("Bcc") != "" || len(m.Header["Subject"]) != 1 || !strings.Contains(box.messages[0], "Auto-Submitted") {
		t.Errorf("the message is\n%s", box.messages[0])
	}
	if subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil || !strings.Contains(subject, "thief@example.com") {
		t.Errorf("subject %q, %v", subject, err)
	}
	for _, address := range []string{"ops@example.com\r\nBcc: thief@example.com", "ops@example.com, thief@example.com", "ops@example.com\n"} {
		if _, _, err := h.CreateChannel(t.Context(), admin, alerts.Draft{Environment: h.env.ID, Kind: models.ChannelEmail, Name: "split", Address: address}); err == nil {
			t.Errorf("%q is taken for one address", address)
		}
	}
}

func checkEmail(t *testing.T, text string, n models.Notice) {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil || subject != "[production] Drift found: aws-zürich" {
		t.Errorf("subject %q, %v", subject, err)
	}
	for header, want := range map[string]string{
		"To": "<ops@example.com>", "From": `"Keeper" <keeper@example.com>`, "Auto-Submitted": "auto-generated",
		"Message-Id": "<" + string(n.UID) + "@example.com>",
	} {
		if got := m.Header.Get(header); got != want {
			t.Errorf("%s: %q, want %q", header, got, want)
		}
	}
	for _, want := range []string{"Two copies were changed. Look.", "Secrets: a, b"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
}

// TestEmailNeedsTLS holds that a server that is not on this machine gets nothing without TLS
// that is trusted.
func TestEmailNeedsTLS(t *testing.T) {
	config, roots := certificate(t)
	for name, c := range map[string]struct {
		box   *mailbox
		roots *x509.CertPool
		want  bool
	}{
		"Trusted":   {&mailbox{certificate: config}, roots, true},
		"Untrusted": {&mailbox{certificate: config}, x509.NewCertPool(), false},
		"Implicit":  {&mailbox{certificate: config, implicit: true}, x509.NewCertPool(), false},
		"None":      {&mailbox{}, roots, false},
	} {
		t.Run(name, func(t *testing.T) {
			box := newMailbox(t, c.box)
			// In capitals it is no name of this machine's own to Keeper, and leads here all the same.
			server := &alerts.Mail{Host: "LOCALHOST", Port: box.port(), Implicit: box.implicit, From: "keeper@example.com"}
			h := newHouse(t, setup{mail: server, roots: c.roots})
			channel, _ := h.channel(t, alerts.Draft{Kind: models.ChannelEmail, Address: "ops@example.com"})
			err := h.TestChannel(t.Context(), manager, channel.ID)
			if (err == nil) != c.want || (len(box.messages) == 1) != c.want {
				t.Errorf("%d messages, %v", len(box.messages), err)
			}
			if err != nil {
				wantFault(t, err, fault.Unavailable)
			}
		})
	}
}

func TestEmailRefused(t *testing.T) {
	box := newMailbox(t, &mailbox{refuses: true})
	h := newHouse(t, setup{mail: &alerts.Mail{Host: "127.0.0.1", Port: box.port(), From: "keeper@example.com"}})
	channel, _ := h.channel(t, alerts.Draft{Kind: models.ChannelEmail, Address: "ops@example.com"})
	wantFault(t, h.TestChannel(t.Context(), manager, channel.ID), fault.Unavailable)
	h.signal(t, h.drift(true))
	if next := h.deliver(t, channel); next == nil {
		t.Error("it is not tried again")
	}
}

func TestNoMailServer(t *testing.T) {
	h := newHouse(t, setup{})
	_, _, err := h.CreateChannel(t.Context(), admin, alerts.Draft{Environment: h.env.ID, Name: "ops", Kind: models.ChannelEmail, Address: "ops@example.com"})
	wantFault(t, err, fault.Invalid)
}
