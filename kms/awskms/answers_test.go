package awskms_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/kms/awskms"
	"github.com/your-org/keeper/kms/drivertest"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/test/awsstandin/standin"
)

const leaked = "bGVha2VkIGRhdGEga2V5IQ"

// TestAnswers goes through answers of KMS that the stand-in has no way to bring about.
func TestAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		away   bool
		says   string
	}{
		"KeyForSigning":  {400, `{"__type":"InvalidKeyUsageException"}`, false, "ENCRYPT_DECRYPT"},
		"BadARN":         {400, `{"__type":"InvalidArnException"}`, false, "cannot be the name of a key"},
		"KeyUnavailable": {500, `{"__type":"KeyUnavailableException"}`, true, "KeyUnavailableException"},
		"ExpiredToken":   {400, `{"__type":"ExpiredTokenException"}`, false, "have expired"},
		"RegionOff":      {400, `{"__type":"UnrecognizedClientException"}`, false, "switched on"},
		"SlowDown":       {400, `{"__type":"LimitExceededException"}`, true, "throttled"},
		"NotAKMSDefect":  {503, `{"__type":"SomethingNewException"}`, true, "SomethingNewException"},
		"Unheard":        {400, `{"__type":"SomethingNewException"}`, false, "SomethingNewException"},
		"NotJSON":        {200, leaked, true, "cannot be read"},
		"NotBase64":      {200, `{"KeyId":"x","Plaintext":"` + leaked + `!"}`, true, "cannot be read"},
		"ProxyPage":      {502, "<html>bad gateway</html>", true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/x-amz-json-1.1")
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			}))
			t.Cleanup(server.Close)
			a := newAccount(t)
			w := a.wrapper(t, awskms.Options{KeyID: a.first, Endpoint: server.URL})
			plain, err := w.Unwrap(t.Context(), kms.Wrapped{RecipientID: a.first, Blob: []byte("blob")}, kms.Context{kms.ContextEnvironment: "production"})
			if plain != nil {
				t.Error("got a key")
			}
			expect(t, err, fault.Unavailable, test.away, test.says, a.first, "production")
			for cause := err; cause != nil; cause = errors.Unwrap(cause) {
				if strings.Contains(fmt.Sprintf("%+v", cause), leaked) {
					t.Errorf("the answer's body stands in an error: %v", cause)
				}
			}
		})
	}
}

// TestStates goes through states of keys that the stand-in's keys are never in.
func TestStates(t *testing.T) {
	for state, test := range map[string]struct {
		away bool
		says []string
	}{
		"PendingImport":          {false, []string{"imported key material", "import-key-material"}},
		"PendingReplicaDeletion": {false, []string{"pending deletion", "cancel-key-deletion"}},
		"Unavailable":            {false, []string{"custom key store", "connect-custom-key-store"}},
		"Creating":               {true, []string{"being made"}},
		"Updating":               {true, []string{"being made or changed"}},
		"Enabled":                {false, []string{"cannot be used in the state", "describe-key"}}, // changed meanwhile
	} {
		t.Run(state, func(t *testing.T) {
			a := newAccount(t)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/x-amz-json-1.1")
				if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".DescribeKey") {
					_, _ = fmt.Fprintf(w, `{"KeyMetadata":{"KeyId":"x","Arn":%q,"KeyState":%q}}`, a.first, state)
					return
				}
				w.WriteHeader(http.StatusBadRequest)
				_, _ = io.WriteString(w, `{"__type":"KMSInvalidStateException"}`)
			}))
			t.Cleanup(server.Close)
			_, _, err := a.wrapper(t, awskms.Options{KeyAlias: alias, Endpoint: server.URL}).GenerateDataKey(t.Context(), "", kms.Context{kms.ContextEnvironment: "production"})
			expect(t, err, fault.Unavailable, test.away, append(test.says, alias, "production")...)
		})
	}
}

// TestEnvelope runs the envelope over KMS as the service does.
func TestEnvelope(t *testing.T) {
	a, keys := newAccount(t), drivertest.NewKeys()
	open := func() *kms.Envelope {
		t.Helper()
		e, err := kms.NewEnvelope(keys, a.wrapper(t, awskms.Options{KeyAlias: alias}), kms.Options{Context: kms.Context{"team": "payments"}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(e.Close)
		return e
	}
	env := models.Environment{ID: 4, Name: "production", KMSKeyAlias: "alias/second"}
	keys.SetRecipients(env.ID, env.KMSKeyAlias)
	label := kms.Label{Kind: kms.KindVersion, Environment: env.ID, Object: "1", Number: 1}

	e := open()
	if err := e.Verify(t.Context(), env); err != nil {
		t.Fatal(err)
	}
	sealer, err := e.Sealer(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := sealer.Seal(label, models.NewPlaintext([]byte("value")))
	if err != nil {
		t.Fatal(err)
	}
	if _, rows, _ := keys.DataKey(t.Context(), sealed.DataKeyID); len(rows) != 1 || rows[0].RecipientID != a.second || rows[0].RecipientKind != models.RecipientKMS {
		t.Errorf("got %+v, want a row for the environment's own key", rows)
	}

	t.Run("ColdReaders", func(t *testing.T) {
		a.server.ResetCalls()
		cold := open()
		var wait sync.WaitGroup
		for range 50 {
			wait.Go(func() {
				if value, err := cold.Open(t.Context(), env, label, sealed); err != nil || string(value.Reveal()) != "value" {
					t.Errorf("got %v", err)
				}
			})
		}
		wait.Wait()
		if got := a.server.CallsOf("kms", "Decrypt"); got != 1 {
			t.Errorf("got %d calls of Decrypt, want 1", got)
		}
	})
	t.Run("Denied", func(t *testing.T) {
		defer a.inject(t, standin.Fault{Service: "kms", Operation: "Decrypt", Kind: standin.FaultDenied})()
		_, err := open().Open(t.Context(), env, label, sealed)
		if !fault.Is(err, fault.Unavailable) {
			t.Fatalf("got %v, want Unavailable", err)
		}
		for _, part := range []string{env.Name, string(sealed.DataKeyID), a.second, "kms:Decrypt"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("got %q, want it to say %q", err, part)
			}
		}
	})
	t.Run("CallerGivesUp", func(t *testing.T) {
		defer a.inject(t, standin.Fault{Service: "kms", Kind: standin.FaultTimeoutBefore})()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := a.wrapper(t, awskms.Options{KeyID: a.first}).Unwrap(ctx, kms.Wrapped{RecipientID: a.first, Blob: []byte("x")}, nil); !fault.Is(err, fault.Unavailable) || !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want Unavailable around the context's end", err)
		}
	})
}
