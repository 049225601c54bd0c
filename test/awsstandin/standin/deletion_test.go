package standin_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/your-org/keeper/test/awsstandin/standin"
)

func (c *clients) remove(name string, days *int64, force *bool) error {
	_, err := c.sm.DeleteSecret(c.ctx, &secretsmanager.DeleteSecretInput{SecretId: &name, RecoveryWindowInDays: days, ForceDeleteWithoutRecovery: force})
	return err
}

func TestDeleteSecretRefusals(t *testing.T) {
	c := start(t, standin.Options{})
	c.create("s", "v")
	wantCode(t, c.remove("s", aws.Int64(6), nil), "InvalidParameterException")
	wantCode(t, c.remove("s", aws.Int64(31), nil), "InvalidParameterException")
	wantCode(t, c.remove("s", aws.Int64(7), aws.Bool(true)), "InvalidParameterException")
	wantCode(t, c.remove("none", nil, nil), "ResourceNotFoundException")
	equal(t, "value after refusals", c.value("s"), "v")
	check(t, c.remove("s", nil, nil))
	wantCode(t, c.remove("s", nil, nil), "InvalidRequestException")
}

func TestDeletedSecret(t *testing.T) {
	c := start(t, standin.Options{})
	c.create("s", "v1")
	c.put("s", "v2")
	out := must(c.sm.DeleteSecret(c.ctx, &secretsmanager.DeleteSecretInput{SecretId: aws.String("s"), RecoveryWindowInDays: aws.Int64(7)}))(t)
	if left := time.Until(*out.DeletionDate); left < 167*time.Hour || left > 169*time.Hour {
		t.Errorf("got a deletion in %s, want in 168h", left)
	}

	id := aws.String("s")
	refused := map[string]func() error{
		"get": func() error { _, err := c.get("s"); return err },
		"put": func() error {
			_, err := c.sm.PutSecretValue(c.ctx, &secretsmanager.PutSecretValueInput{SecretId: id, SecretString: aws.String("v")})
			return err
		},
		"update": func() error {
			_, err := c.sm.UpdateSecret(c.ctx, &secretsmanager.UpdateSecretInput{SecretId: id, Description: aws.String("d")})
			return err
		},
		"tag": func() error {
			_, err := c.sm.TagResource(c.ctx, &secretsmanager.TagResourceInput{SecretId: id, Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}})
			return err
		},
		"untag": func() error {
			_, err := c.sm.UntagResource(c.ctx, &secretsmanager.UntagResourceInput{SecretId: id, TagKeys: []string{"k"}})
			return err
		},
		"create": func() error {
			_, err := c.sm.CreateSecret(c.ctx, &secretsmanager.CreateSecretInput{Name: id, SecretString: aws.String("v")})
			return err
		},
	}
	for name, call := range refused {
		t.Run(name, func(t *testing.T) { wantCode(t, call(), "InvalidRequestException") })
	}
	d := must(c.sm.DescribeSecret(c.ctx, &secretsmanager.DescribeSecretInput{SecretId: id}))(t)
	if d.DeletedDate == nil {
		t.Error("DescribeSecret shows no DeletedDate")
	}
	equal(t, "listed", len(c.list(&secretsmanager.ListSecretsInput{})), 0)
	equal(t, "listed with planned deletions", len(c.list(&secretsmanager.ListSecretsInput{IncludePlannedDeletion: aws.Bool(true)})), 1)

	must(c.sm.RestoreSecret(c.ctx, &secretsmanager.RestoreSecretInput{SecretId: id}))(t)
	equal(t, "restored value", c.value("s"), "v2")
	c.server.Advance(40 * 24 * time.Hour)
	equal(t, "value long after the cancelled deletion", c.value("s"), "v2")
}

func TestRecoveryWindowEnds(t *testing.T) {
	c := start(t, standin.Options{})
	c.create("s", "v1")
	check(t, c.remove("s", aws.Int64(7), nil))
	c.server.Advance(7*24*time.Hour + time.Minute)
	_, err := c.sm.DescribeSecret(c.ctx, &secretsmanager.DescribeSecretInput{SecretId: aws.String("s")})
	wantCode(t, err, "ResourceNotFoundException")
	_, err = c.sm.RestoreSecret(c.ctx, &secretsmanager.RestoreSecretInput{SecretId: aws.String("s")})
	wantCode(t, err, "ResourceNotFoundException")
	equal(t, "listed", len(c.list(&secretsmanager.ListSecretsInput{IncludePlannedDeletion: aws.Bool(true)})), 0)
	c.create("s", "v2")
	equal(t, "value", c.value("s"), "v2")
}

func TestForceDelete(t *testing.T) {
	t.Run("at once", func(t *testing.T) {
		c := start(t, standin.Options{})
		old := *c.create("s", "v1").ARN
		check(t, c.remove("s", nil, aws.Bool(true)))
		_, err := c.get("s")
		wantCode(t, err, "ResourceNotFoundException")
		c.create("s", "v2")
		_, err = c.get(old)
		wantCode(t, err, "ResourceNotFoundException")
	})
	t.Run("asynchronously", func(t *testing.T) {
		c := start(t, standin.Options{ForceDeleteDelay: time.Hour})
		c.create("s", "v1")
		check(t, c.remove("s", nil, aws.Bool(true)))
		again := &secretsmanager.CreateSecretInput{Name: aws.String("s"), SecretString: aws.String("v2")}
		_, err := c.sm.CreateSecret(c.ctx, again)
		wantCode(t, err, "InvalidRequestException")
		_, err = c.sm.RestoreSecret(c.ctx, &secretsmanager.RestoreSecretInput{SecretId: aws.String("s")})
		wantCode(t, err, "InvalidRequestException")
		c.server.Advance(2 * time.Hour)
		must(c.sm.CreateSecret(c.ctx, again))(t)
	})
	t.Run("of what is not there", func(t *testing.T) {
		check(t, start(t, standin.Options{}).remove("none", nil, aws.Bool(true)))
	})
}
