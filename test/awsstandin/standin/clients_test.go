package standin_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/your-org/keeper/test/awsstandin/standin"
)

const region = "eu-central-1"

// clients are the real SDK's, without retries unless a test asks for them, so that each fault is seen.
type clients struct {
	t      *testing.T
	ctx    context.Context
	server *standin.Server
	sm     *secretsmanager.Client
	kms    *kms.Client
	sts    *sts.Client
}

func start(t *testing.T, opts standin.Options) *clients {
	t.Helper()
	return connect(t, standin.Start(t, opts), config("AKIDTEST", region))
}

func config(accessKey, region string) aws.Config {
	return aws.Config{
		Region:      region,
		Credentials: credentials.NewStaticCredentialsProvider(accessKey, "secret", ""),
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
		HTTPClient:  &http.Client{Timeout: 10 * time.Second, Transport: wholeBody{&http.Transport{MaxIdleConnsPerHost: 16}}},
	}
}

// wholeBody hands the transport the request's body from memory. The SDK closes its own body once an answer begins; a
// transport that has not yet looked for the body's end then gives the connection up, and the rest of a long answer is
// lost. Only a server as near as this one answers that fast, and the SDK's retries, which these tests do without,
// would hide it.
type wholeBody struct{ *http.Transport }

func (w wholeBody) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		return w.Transport.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	return w.Transport.RoundTrip(r)
}

func retrying(cfg aws.Config) aws.Config {
	cfg.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff, o.MaxAttempts = 10*time.Millisecond, 50 })
	}
	return cfg
}

func connect(t *testing.T, server *standin.Server, cfg aws.Config) *clients {
	t.Helper()
	cfg.BaseEndpoint = aws.String(server.URL)
	return &clients{
		t: t, ctx: t.Context(), server: server,
		sm: secretsmanager.NewFromConfig(cfg), kms: kms.NewFromConfig(cfg), sts: sts.NewFromConfig(cfg),
	}
}

// as gives clients of the same server with another key or region.
func (c *clients) as(accessKey, region string) *clients {
	c.t.Helper()
	return connect(c.t, c.server, config(accessKey, region))
}

func (c *clients) create(name, value string) *secretsmanager.CreateSecretOutput {
	c.t.Helper()
	return must(c.sm.CreateSecret(c.ctx, &secretsmanager.CreateSecretInput{Name: &name, SecretString: &value}))(c.t)
}

func (c *clients) put(name, value string) *secretsmanager.PutSecretValueOutput {
	c.t.Helper()
	return must(c.sm.PutSecretValue(c.ctx, &secretsmanager.PutSecretValueInput{SecretId: &name, SecretString: &value}))(c.t)
}

func (c *clients) get(name string) (*secretsmanager.GetSecretValueOutput, error) {
	return c.sm.GetSecretValue(c.ctx, &secretsmanager.GetSecretValueInput{SecretId: &name})
}

func (c *clients) value(name string) string {
	c.t.Helper()
	return aws.ToString(must(c.get(name))(c.t).SecretString)
}

func (c *clients) inject(f standin.Fault) {
	c.t.Helper()
	check(c.t, c.server.Inject(f))
}

// must unpacks a result that has to be there.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatalf("unexpected error: %v", err)
		}
		return v
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("unexpected error: %v", err)
	}
}

// wantCode checks AWS's error code; empty wants success.
func wantCode(t *testing.T, err error, want string) {
	t.Helper()
	got := ""
	var api smithy.APIError
	if errors.As(err, &api) {
		got = api.ErrorCode()
	} else if err != nil {
		t.Fatalf("got no AWS error: %v, want code %q", err, want)
	}
	if got != want {
		t.Fatalf("got error %q (%v), want %q", got, err, want)
	}
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}
