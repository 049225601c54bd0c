package standin_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/your-org/keeper/test/awsstandin/standin"
)

// scarce has the same quota in every family that AWS limits.
func scarce(rate float64) map[string]float64 {
	q := standin.RealQuotas()
	for family := range q {
		q[family] = rate
	}
	return q
}

func TestQuotas(t *testing.T) {
	id := aws.String("s")
	families := map[string][]func(*clients) error{
		"get": {func(c *clients) error { _, err := c.get("s"); return err }},
		"describe": {func(c *clients) error {
			_, err := c.sm.DescribeSecret(c.ctx, &secretsmanager.DescribeSecretInput{SecretId: id})
			return err
		}},
		"list": {func(c *clients) error {
			_, err := c.sm.ListSecrets(c.ctx, &secretsmanager.ListSecretsInput{})
			return err
		}},
		"batch": {func(c *clients) error {
			_, err := c.sm.BatchGetSecretValue(c.ctx, &secretsmanager.BatchGetSecretValueInput{SecretIdList: []string{"s"}})
			return err
		}},
		"create": {func(c *clients) error {
			_, err := c.sm.CreateSecret(c.ctx, &secretsmanager.CreateSecretInput{Name: aws.String(fmt.Sprint("n", time.Now().UnixNano()))})
			return err
		}},
		"delete": {func(c *clients) error { return c.remove("s", nil, aws.Bool(true)) }},
		"restore": {func(c *clients) error {
			_, err := c.sm.RestoreSecret(c.ctx, &secretsmanager.RestoreSecretInput{SecretId: id})
			return err
		}},
		"put, update and stages together": {
			func(c *clients) error {
				_, err := c.sm.PutSecretValue(c.ctx, &secretsmanager.PutSecretValueInput{SecretId: id, SecretString: aws.String("v")})
				return err
			},
			func(c *clients) error {
				_, err := c.sm.UpdateSecret(c.ctx, &secretsmanager.UpdateSecretInput{SecretId: id, Description: aws.String("d")})
				return err
			},
			func(c *clients) error {
				_, err := c.sm.UpdateSecretVersionStage(c.ctx, &secretsmanager.UpdateSecretVersionStageInput{SecretId: id, VersionStage: aws.String("x"), MoveToVersionId: aws.String(token)})
				return err
			},
		},
		"tag and untag together": {
			func(c *clients) error {
				_, err := c.sm.TagResource(c.ctx, &secretsmanager.TagResourceInput{SecretId: id, Tags: tags("a", "b")})
				return err
			},
			func(c *clients) error {
				_, err := c.sm.UntagResource(c.ctx, &secretsmanager.UntagResourceInput{SecretId: id, TagKeys: []string{"a"}})
				return err
			},
		},
		"cryptography together": {
			func(c *clients) error { _, err := c.open([]byte("junk"), nil); return err },
			func(c *clients) error {
				_, err := c.kms.GenerateDataKey(c.ctx, &kms.GenerateDataKeyInput{KeyId: keeperKey, KeySpec: types.DataKeySpecAes256})
				return err
			},
			func(c *clients) error {
				_, err := c.kms.Encrypt(c.ctx, &kms.EncryptInput{KeyId: keeperKey, Plaintext: []byte("x")})
				return err
			},
		},
	}
	for name, calls := range families {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := exhaust(t, calls)
			equal(t, "calls of another region throttled", isThrottled(calls[0](c.as("AKIDTEST", "us-east-1"))), false)
			time.Sleep(1100 * time.Millisecond)
			equal(t, "throttled after a pause", isThrottled(calls[0](c)), false)
		})
	}
}

// exhaust spends the one token that a family has each second, and checks that then none of its calls gets through.
// A machine so busy that a second passes meanwhile tries again.
func exhaust(t *testing.T, calls []func(*clients) error) *clients {
	t.Helper()
	for {
		c := start(t, standin.Options{Quotas: scarce(1), KMSAliases: []string{"alias/keeper"}})
		begun := time.Now()
		equal(t, "the first call throttled", isThrottled(calls[0](c)), false)
		let := -1
		for i, call := range calls {
			if !isThrottled(call(c)) {
				let = i
			}
		}
		if let < 0 {
			return c
		}
		if took := time.Since(begun); took < time.Second {
			t.Fatalf("call %d got through within %s of the family's only token", let, took)
		}
	}
}

func isThrottled(err error) bool { return code(err) == "ThrottlingException" }

func TestRetriesOutlastTheQuota(t *testing.T) {
	server := standin.Start(t, standin.Options{Quotas: map[string]float64{standin.QuotaGetSecretValue: 100}})
	c := connect(t, server, retrying(config("AKIDTEST", region)))
	c.create("s", "v")
	for range 130 {
		equal(t, "value", c.value("s"), "v")
	}
	calls := server.Calls()["secretsmanager.GetSecretValue"]
	if calls.Throttled != calls.Count-130 {
		t.Errorf("got %d calls, %d throttled, want 130 answered", calls.Count, calls.Throttled)
	}
}
