package standin_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/your-org/keeper/test/awsstandin/standin"
)

const token = "0123456789abcdef0123456789abcdef"

func TestCreateSecret(t *testing.T) {
	c := start(t, standin.Options{})
	made := must(c.sm.CreateSecret(c.ctx, &secretsmanager.CreateSecretInput{
		Name: aws.String("payments/stripe"), SecretString: aws.String("v1"), ClientRequestToken: aws.String(token),
	}))(t)
	if want := regexp.MustCompile(`^arn:aws:secretsmanager:eu-central-1:123456789012:secret:payments/stripe-[A-Za-z0-9]{6}$`); !want.MatchString(*made.ARN) {
		t.Errorf("got ARN %s, want %s", *made.ARN, want)
	}
	equal(t, "version id", *made.VersionId, token)

	tests := map[string]struct {
		in   secretsmanager.CreateSecretInput
		code string
	}{
		"same token, same content":  {secretsmanager.CreateSecretInput{Name: aws.String("payments/stripe"), SecretString: aws.String("v1"), ClientRequestToken: aws.String(token)}, ""},
		"same token, other content": {secretsmanager.CreateSecretInput{Name: aws.String("payments/stripe"), SecretString: aws.String("v2"), ClientRequestToken: aws.String(token)}, "ResourceExistsException"},
		"same name":                 {secretsmanager.CreateSecretInput{Name: aws.String("payments/stripe"), SecretString: aws.String("v1")}, "ResourceExistsException"},
		"bad character":             {secretsmanager.CreateSecretInput{Name: aws.String("a b"), SecretString: aws.String("v")}, "ValidationException"},
		"name of 513":               {secretsmanager.CreateSecretInput{Name: aws.String(strings.Repeat("n", 513)), SecretString: aws.String("v")}, "ValidationException"},
		"name of 512":               {secretsmanager.CreateSecretInput{Name: aws.String(strings.Repeat("n", 512)), SecretString: aws.String("v")}, ""},
		"value of 65,537":           {secretsmanager.CreateSecretInput{Name: aws.String("big"), SecretString: aws.String(strings.Repeat("v", 65537))}, "ValidationException"},
		"value of 65,536":           {secretsmanager.CreateSecretInput{Name: aws.String("just"), SecretString: aws.String(strings.Repeat("v", 65536))}, ""},
		"binary of 65,537":          {secretsmanager.CreateSecretInput{Name: aws.String("big"), SecretBinary: make([]byte, 65537)}, "ValidationException"},
		"text and binary":           {secretsmanager.CreateSecretInput{Name: aws.String("both"), SecretString: aws.String("v"), SecretBinary: []byte("v")}, "InvalidParameterException"},
		"short token":               {secretsmanager.CreateSecretInput{Name: aws.String("short"), SecretString: aws.String("v"), ClientRequestToken: aws.String("x")}, "ValidationException"},
		"unknown KMS key":           {secretsmanager.CreateSecretInput{Name: aws.String("kms"), SecretString: aws.String("v"), KmsKeyId: aws.String("alias/none")}, "InvalidParameterException"},
		"no value":                  {secretsmanager.CreateSecretInput{Name: aws.String("empty")}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := c.sm.CreateSecret(c.ctx, &tt.in)
			wantCode(t, err, tt.code)
		})
	}
	state, _ := c.server.Secret(region, "payments/stripe")
	equal(t, "versions after repeated creates", len(state.Versions), 1)
	_, err := c.get("empty")
	wantCode(t, err, "ResourceNotFoundException")
}

func TestGetSecretValue(t *testing.T) {
	c := start(t, standin.Options{})
	arn := *c.create("app/db-passwd", "v1").ARN
	first := *must(c.get(arn))(t).VersionId
	second := *c.put("app/db-passwd", "v2").VersionId
	for _, id := range []string{"app/db-passwd", arn, arn[:len(arn)-7]} {
		equal(t, "value by "+id, c.value(id), "v2")
	}
	tests := map[string]struct {
		in   secretsmanager.GetSecretValueInput
		want string
		code string
	}{
		"version":           {secretsmanager.GetSecretValueInput{SecretId: &arn, VersionId: &first}, "v1", ""},
		"stage":             {secretsmanager.GetSecretValueInput{SecretId: &arn, VersionStage: aws.String("AWSPREVIOUS")}, "v1", ""},
		"both":              {secretsmanager.GetSecretValueInput{SecretId: &arn, VersionId: &second, VersionStage: aws.String("AWSCURRENT")}, "v2", ""},
		"both at odds":      {secretsmanager.GetSecretValueInput{SecretId: &arn, VersionId: &first, VersionStage: aws.String("AWSCURRENT")}, "", "InvalidRequestException"},
		"unknown name":      {secretsmanager.GetSecretValueInput{SecretId: aws.String("app/other")}, "", "ResourceNotFoundException"},
		"unknown version":   {secretsmanager.GetSecretValueInput{SecretId: &arn, VersionId: aws.String(token)}, "", "ResourceNotFoundException"},
		"unknown stage":     {secretsmanager.GetSecretValueInput{SecretId: &arn, VersionStage: aws.String("AWSPENDING")}, "", "ResourceNotFoundException"},
		"ARN of other make": {secretsmanager.GetSecretValueInput{SecretId: aws.String(arn[:len(arn)-6] + "abcdef")}, "", "ResourceNotFoundException"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			out, err := c.sm.GetSecretValue(c.ctx, &tt.in)
			wantCode(t, err, tt.code)
			if err == nil {
				equal(t, "value", *out.SecretString, tt.want)
			}
		})
	}
}

func TestBinaryValue(t *testing.T) {
	c := start(t, standin.Options{})
	must(c.sm.CreateSecret(c.ctx, &secretsmanager.CreateSecretInput{Name: aws.String("bin"), SecretBinary: []byte{0, 1, 255}}))(t)
	out := must(c.get("bin"))(t)
	equal(t, "binary", string(out.SecretBinary), "\x00\x01\xff")
	if out.SecretString != nil {
		t.Error("got a string for a binary value")
	}
}
