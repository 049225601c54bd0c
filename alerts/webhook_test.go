package alerts_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/your-org/keeper/alerts"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// TestSignature holds what is sent to the verification of Standard Webhooks' own library.
func TestSignature(t *testing.T) {
	h, r := newHouse(t, setup{}), newReceiver(t)
	c := h.webhook(t, r)
	h.signal(t, h.drift(true))
	h.deliver(t, c)
	got := r.requests()[0]
	verifier, err := standardwebhooks.NewWebhook(r.key)
	if err != nil {
		t.Fatal(err)
	}
	if err := verifier.Verify(got.body, got.header); err != nil {
		t.Fatal(err)
	}
	if got.header.Get("Content-Type") != "application/json" {
		t.Errorf("content type %q", got.header.Get("Content-Type"))
	}
	for name, change := range map[string]func(http.Header, []byte) []byte{
		"Body":      func(_ http.Header, b []byte) []byte { return append(b[:len(b)-1:len(b)-1], ' ', '}') },
		"Id":        func(q http.Header, b []byte) []byte { q.Set("Webhook-Id", "ntc_other"); return b },
		"Timestamp": func(q http.Header, b []byte) []byte { q.Set("Webhook-Timestamp", "1"); return b },
	} {
		t.Run(name, func(t *testing.T) {
			header := got.header.Clone()
			if verifier.VerifyIgnoringTimestamp(change(header, got.body), header) == nil {
				t.Error("a changed message verifies")
			}
		})
	}
	t.Run("AnotherKey", func(t *testing.T) {
		empty := models.Plaintext{}
		_, made, err := h.UpdateChannel(t.Context(), manager, c.ID, alerts.ChannelChange{Secret: &empty}, 0)
		if err != nil || string(made.Reveal()) == r.key || made.Len() == 0 {
			t.Fatalf("no new key was made: %v", err)
		}
		if err := h.TestChannel(t.Context(), manager, c.ID); err != nil {
			t.Fatal(err)
		}
		got := r.requests()[1]
		if verifier.Verify(got.body, got.header) == nil {
			t.Error("the old key verifies")
		}
		renewed, err := standardwebhooks.NewWebhook(string(made.Reveal()))
		if err != nil {
			t.Fatal(err)
		}
		if err := renewed.Verify(got.body, got.header); err != nil {
			t.Error(err)
		}
	})
}

// TestOwnKey holds that the key that a person gives is used, also after the address changed.
func TestOwnKey(t *testing.T) {
	h, r := newHouse(t, setup{}), newReceiver(t)
	const key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	c, made := h.channel(t, alerts.Draft{Kind: models.ChannelWebhook, Address: r.URL + "/a", Secret: models.NewPlaintext([]byte(key))})
	if made.Len() > 0 {
		t.Error("a key that was given is shown")
	}
	address := r.URL + "/b"
	if _, _, err := h.UpdateChannel(t.Context(), manager, c.ID, alerts.ChannelChange{Address: &address}, c.Revision); err != nil {
		t.Fatal(err)
	}
	if err := h.TestChannel(t.Context(), manager, c.ID); err != nil {
		t.Fatal(err)
	}
	got := r.requests()[0]
	verifier, err := standardwebhooks.NewWebhook(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := verifier.Verify(got.body, got.header); err != nil || got.path != "/b" {
		t.Errorf("%s: %v", got.path, err)
	}
	if got.decode(t).Type != "alert.test" {
		t.Errorf("the test is %s", got.body)
	}
	for name, bad := range map[string]string{
		"Short": "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 23)), "Long": base64.StdEncoding.EncodeToString(make([]byte, 65)),
		"NoBase64": "whsec_!!!!",
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := h.CreateChannel(t.Context(), admin, alerts.Draft{
				Environment: h.env.ID, Name: "bad", Kind: models.ChannelWebhook, Address: r.URL, Secret: models.NewPlaintext([]byte(bad)),
			})
			wantFault(t, err, fault.Invalid)
		})
	}
}

func TestSlack(t *testing.T) {
	h, r := newHouse(t, setup{}), newReceiver(t)
	c, made := h.channel(t, alerts.Draft{Kind: models.ChannelSlack, Secret: models.NewPlaintext([]byte(r.URL + "/services/T1/B2/x3"))})
	if made.Len() > 0 || c.Address != r.URL {
		t.Errorf("address %q", c.Address)
	}
	one := h.drift(true)
	one.Summary = "<a> & b"
	h.signal(t, one)
	h.deliver(t, c)
	got := r.requests()[0]
	var body struct{ Text string }
	if err := json.Unmarshal(got.body, &body); err != nil || got.path != "/services/T1/B2/x3" {
		t.Fatalf("%s: %v", got.path, err)
	}
	for _, want := range []string{"*[production] Drift found: aws-main*", "&lt;a&gt; &amp; b Look.", "Secrets: a, b", "/destinations/dst_1"} {
		if !strings.Contains(body.Text, want) {
			t.Errorf("no %q in:\n%s", want, body.Text)
		}
	}
	if got.header.Get("Webhook-Signature") != "" {
		t.Error("it is signed")
	}
}

func TestAnswers(t *testing.T) {
	h, r := newHouse(t, setup{}), newReceiver(t)
	elsewhere := newReceiver(t)
	c := h.webhook(t, r)
	for name, answer := range map[string]func(http.ResponseWriter, *http.Request){
		"Redirect": func(w http.ResponseWriter, q *http.Request) {
			http.Redirect(w, q, elsewhere.URL, http.StatusTemporaryRedirect)
		},
		"Refusal": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) },
		"LongHeaders": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 1<<20))
			w.WriteHeader(http.StatusOK)
		},
		"Cut": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"Slow": func(_ http.ResponseWriter, q *http.Request) {
			<-q.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			r.mu.Lock()
			r.answer = answer
			r.mu.Unlock()
			h.SetTimeout(500 * time.Millisecond)
			wantFault(t, h.TestChannel(t.Context(), manager, c.ID), fault.Unavailable)
		})
	}
	t.Run("EndlessBody", func(t *testing.T) {
		r.mu.Lock()
		r.answer = func(w http.ResponseWriter, q *http.Request) {
			for q.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		}
		r.mu.Unlock()
		h.SetTimeout(10 * time.Second)
		began := time.Now()
		if err := h.TestChannel(t.Context(), manager, c.ID); err != nil || time.Since(began) > 5*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
	if len(elsewhere.requests()) > 0 {
		t.Error("a redirect was followed")
	}
}

func TestTLS(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	for name, c := range map[string]struct {
		roots *x509.CertPool
		want  bool
	}{"Trusted": {roots, true}, "Unknown": {x509.NewCertPool(), false}} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, setup{roots: c.roots})
			channel, _ := h.channel(t, alerts.Draft{Kind: models.ChannelWebhook, Address: server.URL})
			err := h.TestChannel(t.Context(), manager, channel.ID)
			if (err == nil) != c.want {
				t.Errorf("got %v", err)
			}
		})
	}
}
