package alerts

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// sendTimeout bounds one try of one notice.
const sendTimeout = 10 * time.Second

// newClient makes the client of webhooks. It uses no proxy, since the guard has to see where
// a connection really leads, follows no redirect, and keeps no connection.
func newClient(g guard, roots *x509.CertPool) *http.Client {
	dialer := &net.Dialer{Timeout: sendTimeout, Control: g.control}
	return &http.Client{
		Timeout:       sendTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: sendTimeout, ResponseHeaderTimeout: sendTimeout,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
			MaxResponseHeaderBytes: 32 << 10, DisableKeepAlives: true,
		},
	}
}

// Signing keys of webhooks, as Standard Webhooks writes them: whsec_ and 24 to 64 bytes in
// base64.
const (
	keyPrefix = "whsec_"
	keySize   = 32
	keyLeast  = 24
	keyMost   = 64
)

func newSigningKey() models.Plaintext {
	var raw [keySize]byte
	_, _ = rand.Read(raw[:]) // crypto/rand.Read never fails since Go 1.24
	return models.NewPlaintext([]byte(keyPrefix + base64.StdEncoding.EncodeToString(raw[:])))
}

// signingKey are the bytes of a signing key.
func signingKey(text models.Plaintext) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(string(text.Reveal()), keyPrefix))
	if err != nil || len(key) < keyLeast || len(key) > keyMost {
		return nil, fault.InvalidField("secret", "must be whsec_ and 24 to 64 bytes in base64")
	}
	return key, nil
}

// sign is the signature of Standard Webhooks 1.0.0 over id, time and body.
func sign(key []byte, id string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// webhook posts a notice's body, signed.
func (s *Service) webhook(ctx context.Context, address string, secret models.Plaintext, n *models.Notice) error {
	key, err := signingKey(secret)
	if err != nil {
		return err
	}
	defer clear(key)
	body, at := []byte(n.Body), s.Now()
	return s.post(ctx, address, body, map[string]string{
		"webhook-id": string(n.UID), "webhook-timestamp": strconv.FormatInt(at.Unix(), 10),
		"webhook-signature": sign(key, string(n.UID), at, body),
	})
}

// slack posts a notice as text to an incoming webhook.
func (s *Service) slack(ctx context.Context, address models.Plaintext, m message) error {
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace
	body, err := json.Marshal(map[string]string{"text": "*" + escape(m.title()) + "*\n" + escape(m.text())})
	if err != nil {
		return fault.Wrap(err, fault.Internal, "The message cannot be encoded.")
	}
	return s.post(ctx, string(address.Reveal()), body, nil)
}

// post sends a body and wants a status of 2xx. Of the answer nothing else is read. No error
// holds the URL, whose path may be a secret.
func (s *Service) post(ctx context.Context, address string, body []byte, headers map[string]string) error {
	if err := s.guard().check("address", address); err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return fault.InvalidField("address", "is not a URL")
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "Keeper")
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	answer, err := s.web.Do(request)
	if err != nil {
		return unreachable(request.URL.Host, err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode/100 == 2 {
		return nil
	}
	refusal := fault.New(fault.Unavailable, "%s answered with status %d.", request.URL.Host, answer.StatusCode)
	if answer.StatusCode/100 == 3 {
		return refusal.WithHint("Redirects are not followed; enter the address that it redirects to.")
	}
	return refusal
}

func unreachable(host string, err error) error {
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		err = wrapped.Err // without the URL
	}
	if errors.Is(err, errRefusedAddress) {
		return fault.New(fault.Invalid, "%s leads to this machine, its link, or a metadata service; nothing was sent.", host).
			WithHint("Use an address that may be reached.")
	}
	if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
		return fault.Wrap(err, fault.Unavailable, "%s did not answer within %s.", host, sendTimeout)
	}
	return fault.Wrap(err, fault.Unavailable, "%s cannot be reached, or its certificate is not trusted.", host)
}

func (s *Service) guard() guard { return guard{loopback: s.Development} }
