package awskms_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/kms/awskms"
	"github.com/your-org/keeper/kms/drivertest"
	"github.com/your-org/keeper/test/awsstandin/standin"
)

const (
	region = "eu-central-1"
	alias  = "alias/keeper"
)

// account is one AWS account of the stand-in, with its own default key and another one.
type account struct {
	server        *standin.Server
	cfg           aws.Config
	first, second string // ARNs
}

func newAccount(t *testing.T) account {
	t.Helper()
	server := standin.Start(t, standin.Options{})
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return account{
		server: server, first: server.CreateKey(region, alias), second: server.CreateKey(region, "alias/second"),
		cfg: aws.Config{
			Region: region, BaseEndpoint: aws.String(server.URL),
			Credentials: credentials.NewStaticCredentialsProvider("AKIDTEST", "secret", ""),
			HTTPClient:  &http.Client{Transport: transport},
			Retryer: func() aws.Retryer { // the SDK's own, only faster
				return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = 5 * time.Millisecond })
			},
		},
	}
}

func (a account) wrapper(t *testing.T, options awskms.Options) *awskms.Wrapper {
	t.Helper()
	w, err := awskms.New(a.cfg, options)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (a account) client() *sdk.Client { return sdk.NewFromConfig(a.cfg) }

func (a account) inject(t *testing.T, faults ...standin.Fault) (end func()) {
	t.Helper()
	if err := a.server.Inject(faults...); err != nil {
		t.Fatal(err)
	}
	return a.server.ClearFaults
}

func (a account) disable(t *testing.T) func() {
	return a.must(t, func() error {
		_, err := a.client().DisableKey(t.Context(), &sdk.DisableKeyInput{KeyId: &a.first})
		return err
	}, a.enable(t))
}

func (a account) enable(t *testing.T) func() error {
	return func() error {
		_, err := a.client().EnableKey(t.Context(), &sdk.EnableKeyInput{KeyId: &a.first})
		return err
	}
}

func (a account) scheduleDeletion(t *testing.T) func() {
	return a.must(t, func() error {
		_, err := a.client().ScheduleKeyDeletion(t.Context(), &sdk.ScheduleKeyDeletionInput{KeyId: &a.first, PendingWindowInDays: aws.Int32(7)})
		return err
	}, func() error {
		if _, err := a.client().CancelKeyDeletion(t.Context(), &sdk.CancelKeyDeletionInput{KeyId: &a.first}); err != nil {
			return err
		}
		return a.enable(t)()
	})
}

func (a account) must(t *testing.T, begin, end func() error) func() {
	t.Helper()
	if err := begin(); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := end(); err != nil {
			t.Fatal(err)
		}
	}
}

func (a account) outages() map[string]drivertest.Outage {
	injected := func(kind standin.FaultKind) func(*testing.T) func() {
		return func(t *testing.T) func() { return a.inject(t, standin.Fault{Service: "kms", Kind: kind}) }
	}
	return map[string]drivertest.Outage{
		"disabled":         {Begin: a.disable, Says: "enable-key"},
		"pending deletion": {Begin: a.scheduleDeletion, Says: "cancel-key-deletion"},
		"denied":           {Begin: injected(standin.FaultDenied), Says: "kms:Decrypt"},
		"throttled":        {Begin: injected(standin.FaultThrottle), Silent: true, Says: "quota"},
		"server error":     {Begin: injected(standin.FaultError500), Silent: true, Says: "Try again"},
		"connection reset": {Begin: injected(standin.FaultReset), Silent: true, Says: "AWS_ENDPOINT_URL"},
	}
}

func TestConformance(t *testing.T) {
	drivertest.Run(t, func(t *testing.T) drivertest.Harness {
		a, foreign := newAccount(t), newAccount(t)
		return drivertest.Harness{
			Wrapper: a.wrapper(t, awskms.Options{KeyAlias: alias}), Foreign: foreign.wrapper(t, awskms.Options{KeyAlias: alias}),
			DefaultKey: a.first, OtherKey: "alias/second", OtherKeyID: a.second,
			UnknownKey: strings.Replace(a.first, a.first[strings.LastIndex(a.first, "/")+1:], "00000000-0000-4000-8000-000000000000", 1),
			Outages:    a.outages(),
		}
	})
}

func TestNew(t *testing.T) {
	a := newAccount(t)
	t.Run("NoDefault", func(t *testing.T) {
		w, err := awskms.New(a.cfg, awskms.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Describe(t.Context(), a.first); err != nil {
			t.Errorf("a key that is named: %v", err)
		}
		_, describeErr := w.Describe(t.Context(), "")
		_, _, generateErr := w.GenerateDataKey(t.Context(), "", kms.Context{})
		_, wrapErr := w.Wrap(t.Context(), "", make([]byte, kms.KeySize), kms.Context{})
		_, rewrapErr := w.Rewrap(t.Context(), kms.Wrapped{RecipientID: a.first}, "", kms.Context{})
		for name, err := range map[string]error{"describe": describeErr, "generate": generateErr, "wrap": wrapErr, "rewrap": rewrapErr} {
			if !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "KMS_KEY_ID") {
				t.Errorf("%s: got %v, want Unavailable that names the setting", name, err)
			}
		}
		if got := w.Place(""); got != region {
			t.Errorf("the place of no key is %q", got)
		}
	})
	t.Run("NoRegion", func(t *testing.T) {
		if _, err := awskms.New(aws.Config{}, awskms.Options{KeyID: a.first}); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "AWS_REGION") {
			t.Errorf("got %v, want Invalid that names the setting", err)
		}
	})
	t.Run("Endpoint", func(t *testing.T) {
		cfg := a.cfg.Copy()
		cfg.BaseEndpoint = aws.String("http://127.0.0.1:1") // nobody answers there
		w, err := awskms.New(cfg, awskms.Options{KeyID: a.first, Endpoint: a.server.URL})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Describe(t.Context(), ""); err != nil {
			t.Error(err)
		}
	})
}

// TestKeyNames: every way of naming a key leads to the same ARN.
func TestKeyNames(t *testing.T) {
	a := newAccount(t)
	id := a.first[strings.LastIndex(a.first, "/")+1:]
	aliasARN := strings.Replace(a.first, "key/"+id, alias, 1)
	for _, name := range []string{id, a.first, alias, aliasARN, "keeper"} {
		w := a.wrapper(t, awskms.Options{KeyID: name})
		_, wrapped, err := w.GenerateDataKey(t.Context(), "", kms.Context{"a": "b"})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if wrapped.RecipientID != a.first {
			t.Errorf("%s: got recipient %s, want %s", name, wrapped.RecipientID, a.first)
		}
	}
}

func TestDescribe(t *testing.T) {
	a := newAccount(t)
	w := a.wrapper(t, awskms.Options{KeyAlias: alias})
	describe := func(t *testing.T) kms.KeyInfo {
		t.Helper()
		info, err := w.Describe(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	t.Run("Enabled", func(t *testing.T) {
		want := kms.KeyInfo{ID: a.first, Aliases: []string{alias}, Enabled: true, State: "Enabled", Rotation: new(bool), Region: region}
		if diff := cmp.Diff(want, describe(t)); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("Rotating", func(t *testing.T) {
		if _, err := a.client().EnableKeyRotation(t.Context(), &sdk.EnableKeyRotationInput{KeyId: &a.first}); err != nil {
			t.Fatal(err)
		}
		if got := describe(t).Rotation; got == nil || !*got {
			t.Errorf("got rotation %v, want true", got)
		}
	})
	t.Run("PendingDeletion", func(t *testing.T) {
		defer a.scheduleDeletion(t)()
		if got := describe(t); got.Enabled || got.State != "PendingDeletion" {
			t.Errorf("got %+v, want PendingDeletion", got)
		}
	})
	t.Run("RotationDenied", func(t *testing.T) {
		defer a.inject(t, standin.Fault{Service: "kms", Operation: "GetKeyRotationStatus", Kind: standin.FaultDenied},
			standin.Fault{Service: "kms", Operation: "ListAliases", Kind: standin.FaultDenied})()
		if diff := cmp.Diff(kms.KeyInfo{ID: a.first, Enabled: true, State: "Enabled", Region: region}, describe(t)); diff != "" {
			t.Error(diff)
		}
	})
}

// TestRotatedMaterial: what was wrapped before KMS rotated its key opens after it.
func TestRotatedMaterial(t *testing.T) {
	a := newAccount(t)
	w := a.wrapper(t, awskms.Options{KeyAlias: alias})
	plain, wrapped, err := w.GenerateDataKey(t.Context(), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.client().RotateKeyOnDemand(t.Context(), &sdk.RotateKeyOnDemandInput{KeyId: &a.first}); err != nil {
		t.Fatal(err)
	}
	got, err := w.Unwrap(t.Context(), wrapped, nil)
	if err != nil || !slices.Equal(got, plain) {
		t.Errorf("got the key %t, error %v", slices.Equal(got, plain), err)
	}
}

// TestRetries: one bad answer is not seen; that is the SDK's work.
func TestRetries(t *testing.T) {
	a := newAccount(t)
	a.inject(t, standin.Fault{Service: "kms", Kind: standin.FaultError503, Count: 1})
	if _, _, err := a.wrapper(t, awskms.Options{KeyID: a.first}).GenerateDataKey(t.Context(), "", nil); err != nil {
		t.Error(err)
	}
}

// TestRetriesRunOut: the SDK gives up repeating calls in a long outage; what it is stays clear.
func TestRetriesRunOut(t *testing.T) {
	a := newAccount(t)
	a.inject(t, standin.Fault{Service: "kms", Kind: standin.FaultError503})
	w := a.wrapper(t, awskms.Options{KeyID: a.first})
	const calls = 200
	for range calls {
		_, _, err := w.GenerateDataKey(t.Context(), "", nil)
		expect(t, err, fault.Unavailable, true, a.first, "DependencyTimeoutException")
	}
	if n := a.server.CallsOf("kms", "GenerateDataKey"); n <= calls || n >= 3*calls {
		t.Errorf("got %d tries of %d calls, want retries that run out", n, calls)
	}
}

func TestMessages(t *testing.T) {
	a := newAccount(t)
	unreachable := a.cfg.Copy()
	unreachable.BaseEndpoint = aws.String(closedPort(t))
	anonymous := a.cfg.Copy()
	anonymous.Credentials = nil
	stranded := a.cfg.Copy()
	stranded.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{}, errors.New("no provider in the chain has any")
	})
	homeless := a.cfg.Copy()
	homeless.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { // as outside EC2
		unsent := &smithyhttp.RequestSendError{Err: errors.New("no route to host")}
		return aws.Credentials{}, &smithy.OperationError{ServiceID: "ec2imds", OperationName: "GetMetadata", Err: unsent}
	})
	for name, test := range map[string]struct {
		cfg  aws.Config
		key  string
		away bool
		says []string
	}{
		"UnknownAlias":  {a.cfg, "alias/nobody", false, []string{"alias/nobody", region, "KMS_KEY_ALIAS"}},
		"Unreachable":   {unreachable, a.first, true, []string{a.first, "cannot be reached", "AWS_ENDPOINT_URL"}},
		"NotSigned":     {anonymous, a.first, false, []string{a.first, "does not accept", "AWS_ACCESS_KEY_ID"}},
		"NoInstance":    {homeless, a.first, false, []string{a.first, "got no AWS credentials", "AWS_ACCESS_KEY_ID"}},
		"NoCredentials": {stranded, a.first, false, []string{a.first, "could not be asked", "AWS_ACCESS_KEY_ID"}},
	} {
		t.Run(name, func(t *testing.T) {
			w, err := awskms.New(test.cfg, awskms.Options{KeyID: test.key})
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = w.GenerateDataKey(t.Context(), "", kms.Context{kms.ContextEnvironment: "production"})
			expect(t, err, fault.Unavailable, test.away, append(test.says, "production")...)
		})
	}
}

// closedPort is a URL where nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return "http://" + listener.Addr().String()
}
