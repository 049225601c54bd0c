package standin_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/your-org/keeper/test/awsstandin/standin"
)

const role = "arn:aws:iam::222222222222:role/keeper-sync"

func TestRegionsAndAccountsAreApart(t *testing.T) {
	c := start(t, standin.Options{Accounts: map[string]string{"AKIDOTHER": "222222222222"}})
	c.create("s", "here")
	for name, other := range map[string]*clients{"region": c.as("AKIDTEST", "us-east-1"), "account": c.as("AKIDOTHER", region)} {
		t.Run(name, func(t *testing.T) {
			_, err := other.get("s")
			wantCode(t, err, "ResourceNotFoundException")
			other.create("s", "there")
			equal(t, "value there", other.value("s"), "there")
			equal(t, "value here", c.value("s"), "here")
		})
	}
	equal(t, "secrets of the other account", len(c.server.Secrets("222222222222", region)), 1)
	who := must(c.as("AKIDOTHER", region).sts.GetCallerIdentity(c.ctx, &sts.GetCallerIdentityInput{}))(t)
	equal(t, "account", *who.Account, "222222222222")
}

func TestAssumeRole(t *testing.T) {
	c := start(t, standin.Options{Roles: []standin.Role{{ARN: role, ExternalID: "shared"}}})
	assume := func(arn string, externalID *string) (*sts.AssumeRoleOutput, error) {
		return c.sts.AssumeRole(c.ctx, &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("keeper"), ExternalId: externalID})
	}
	_, err := assume(role, nil)
	wantCode(t, err, "AccessDenied")
	_, err = assume(role, aws.String("Shared"))
	wantCode(t, err, "AccessDenied")
	_, err = assume("arn:aws:iam::1:user/x", nil)
	wantCode(t, err, "ValidationError")
	must(assume("arn:aws:iam::333333333333:role/open", nil))(t)
	must(assume(role, aws.String("shared")))(t)
}

func TestTemporaryCredentials(t *testing.T) {
	c := start(t, standin.Options{Roles: []standin.Role{{ARN: role, ExternalID: "shared"}}})
	provider := stscreds.NewAssumeRoleProvider(c.sts, role, func(o *stscreds.AssumeRoleOptions) {
		o.ExternalID, o.RoleSessionName = aws.String("shared"), "keeper"
	})
	cfg := config("", region)
	cfg.Credentials = provider
	assumed := connect(t, c.server, cfg)
	who := must(assumed.sts.GetCallerIdentity(c.ctx, &sts.GetCallerIdentityInput{}))(t)
	equal(t, "ARN", *who.Arn, "arn:aws:sts::222222222222:assumed-role/keeper-sync/keeper")
	equal(t, "account of a secret", strings.Contains(*assumed.create("s", "v").ARN, ":222222222222:"), true)

	got := must(provider.Retrieve(c.ctx))(t)
	cfg.Credentials = credentials.NewStaticCredentialsProvider(got.AccessKeyID, got.SecretAccessKey, got.SessionToken)
	kept := connect(t, c.server, cfg)
	must(kept.get("s"))(t)
	cfg.Credentials = credentials.NewStaticCredentialsProvider(got.AccessKeyID, got.SecretAccessKey, "other")
	_, err := connect(t, c.server, cfg).get("s")
	wantCode(t, err, "UnrecognizedClientException")
	c.server.Advance(2 * time.Hour)
	_, err = kept.get("s")
	wantCode(t, err, "ExpiredTokenException")
}

func TestUnsignedRequest(t *testing.T) {
	c := start(t, standin.Options{})
	req := must(http.NewRequestWithContext(c.ctx, http.MethodPost, c.server.URL, strings.NewReader(`{}`)))(t)
	req.Header.Set("X-Amz-Target", "secretsmanager.ListSecrets")
	resp := must(http.DefaultClient.Do(req))(t)
	defer resp.Body.Close()
	equal(t, "status", resp.StatusCode, http.StatusBadRequest)
	equal(t, "error", resp.Header.Get("X-Amzn-ErrorType"), "MissingAuthenticationTokenException")
}

func TestUnknownOperation(t *testing.T) {
	c := start(t, standin.Options{})
	_, err := c.sm.RotateSecret(c.ctx, &secretsmanager.RotateSecretInput{SecretId: aws.String("s")})
	wantCode(t, err, "UnknownOperationException")
}

func TestClockSkew(t *testing.T) {
	c := start(t, standin.Options{})
	c.create("s", "v")
	c.server.SetSkew(10 * time.Minute)
	_, err := c.get("s")
	wantCode(t, err, "InvalidSignatureException")
	healed := connect(t, c.server, retrying(config("AKIDTEST", region)))
	equal(t, "value after the SDK corrected its clock", healed.value("s"), "v")
	c.server.SetSkew(-10 * time.Minute)
	_, err = c.get("s")
	wantCode(t, err, "InvalidSignatureException")
	c.server.ResetClock()
	// A fresh client, since the old one has learned the skew that was.
	equal(t, "value", c.as("AKIDTEST", region).value("s"), "v")
}
