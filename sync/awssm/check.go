package awssm

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
)

// Check tries each permission on a name that does not exist: "there is none" means allowed.
// CreateSecret cannot be tried without making a secret that would stay for days; whether it
// is allowed, and the use of the KMS key, shows with the first secret.
func (d *Driver) Check(ctx context.Context) error {
	if _, err := d.client.ListSecrets(ctx, d.listInput(1)); err != nil {
		return d.fail(err, opList, "")
	}
	name := d.prefix + models.NewID("keeper-check")
	for _, try := range d.tries(ctx, aws.String(name)) {
		if err := try.call(); codeOf(err) != "ResourceNotFoundException" {
			return d.failCheck(err, try.op, name)
		}
	}
	return d.checkBatch(ctx, name)
}

type try struct {
	op   operation
	call func() error
}

func (d *Driver) tries(ctx context.Context, id *string) []try {
	return []try{
		{opDescribe, func() error {
			_, err := d.client.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: id})
			return err
		}},
		{opGet, func() error {
			_, err := d.client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: id})
			return err
		}},
		{opPut, func() error {
			_, err := d.client.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: id, SecretString: aws.String("check")})
			return err
		}},
		{opStage, func() error {
			_, err := d.client.UpdateSecretVersionStage(ctx, &secretsmanager.UpdateSecretVersionStageInput{SecretId: id, VersionStage: aws.String(stageCurrent), MoveToVersionId: aws.String(models.NewID("version-no-such"))})
			return err
		}},
		{opTag, func() error {
			_, err := d.client.TagResource(ctx, &secretsmanager.TagResourceInput{SecretId: id, Tags: tagsOf(keepersync.Mark{Owner: "check"})})
			return err
		}},
		{opDelete, func() error {
			_, err := d.client.DeleteSecret(ctx, &secretsmanager.DeleteSecretInput{SecretId: id, RecoveryWindowInDays: aws.Int64(d.recoveryDays)})
			return err
		}},
		{opRestore, func() error {
			_, err := d.client.RestoreSecret(ctx, &secretsmanager.RestoreSecretInput{SecretId: id})
			return err
		}},
	}
}

func (d *Driver) checkBatch(ctx context.Context, name string) error {
	out, err := d.client.BatchGetSecretValue(ctx, &secretsmanager.BatchGetSecretValueInput{SecretIdList: []string{name}})
	if err != nil {
		return d.fail(err, opBatchGet, name)
	}
	for _, e := range out.Errors {
		if code := aws.ToString(e.ErrorCode); code != "ResourceNotFoundException" {
			return d.failCode(code, opGet, name, nil)
		}
	}
	return nil
}

func (d *Driver) failCheck(err error, op operation, name string) error {
	if err == nil {
		return fault.New(fault.Unavailable, "AWS Secrets Manager knows a secret %s that was never made.", name).
			WithHint("Check that the destination's endpoint is AWS Secrets Manager.")
	}
	return d.fail(err, op, name)
}
