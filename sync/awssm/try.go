package awssm

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
)

var _ keepersync.Tester = (*Driver)(nil)

// cleanTime bounds the removal of the throw-away secret, which is tried even where whoever
// asked has stopped waiting.
const cleanTime = 10 * time.Second

const permUseKey = "kms:GenerateDataKey and kms:Decrypt"

// Try uses each permission on a throw-away secret, which it makes only where it may remove
// it again; else on a name that does not exist, for which AWS says "there is none" only to
// who is allowed to know.
func (d *Driver) Try(ctx context.Context) []keepersync.Tried {
	t := trial{d: d, ctx: ctx, name: d.prefix + models.NewID("keeper-check")}
	if d.roleARN != "" && !t.assume() {
		return t.tried
	}
	_, err := d.client.ListSecrets(ctx, d.listInput(1))
	t.note(opList, err)
	mayDelete := t.note(opDelete, t.remove())
	mayTag := t.note(opTag, t.tag())
	t.create(mayDelete, mayTag)
	for _, try := range d.tries(ctx, aws.String(t.name)) {
		switch try.op {
		case opTag, opDelete, opRestore:
		default:
			t.note(try.op, try.call())
		}
	}
	t.noteErr(opBatchGet.permission(), d.checkBatch(ctx, t.name))
	t.untag()
	t.tuning()
	t.restore()
	t.clean()
	return t.tried
}

// trial is one Try: what came out of it so far.
type trial struct {
	d     *Driver
	ctx   context.Context
	name  string
	begun bool // a secret may have been made, even where AWS gave no answer
	tried []keepersync.Tried
}

func (t *trial) noteErr(permission string, err error) {
	t.tried = append(t.tried, keepersync.Tried{Permission: permission, OK: err == nil, Err: err})
}

// note judges an answer: what AWS says of the secret, it says only to who is allowed.
func (t *trial) note(op operation, err error) (allowed bool) {
	switch codeOf(err) {
	case "ResourceNotFoundException", "InvalidParameterException", "InvalidRequestException":
		err = nil
	}
	if err != nil {
		name := t.name
		if op == opList {
			name = ""
		}
		err = t.d.fail(err, op, name)
	}
	t.noteErr(op.permission(), err)
	return err == nil
}

func (t *trial) assume() bool {
	_, err := t.d.credentials.Retrieve(t.ctx)
	if err != nil {
		err = t.d.failRole(err, codeOf(err), opDescribe, t.name)
	}
	t.noteErr("sts:AssumeRole", err)
	return err == nil
}

func (t *trial) remove() error {
	_, err := t.d.client.DeleteSecret(t.ctx, &secretsmanager.DeleteSecretInput{SecretId: aws.String(t.name), RecoveryWindowInDays: aws.Int64(t.d.recoveryDays)})
	return err
}

func (t *trial) tag() error {
	_, err := t.d.client.TagResource(t.ctx, &secretsmanager.TagResourceInput{SecretId: aws.String(t.name), Tags: tagsOf(keepersync.Mark{Owner: "check"})})
	return err
}

// untag tries what only a release needs.
func (t *trial) untag() {
	_, err := t.d.client.UntagResource(t.ctx, &secretsmanager.UntagResourceInput{SecretId: aws.String(t.name), TagKeys: []string{tagOwner}})
	t.note(opUntag, err)
	t.tried[len(t.tried)-1].Optional = true
}

// create makes the throw-away secret. Where that is refused with the destination's KMS key
// and not without it, it is the key that may not be used.
func (t *trial) create(mayDelete, mayTag bool) {
	key := t.d.kmsKeyID
	if !mayDelete {
		t.noteErr(opCreate.permission(), t.untried(opCreate.permission(), opDelete.permission()))
		if key != "" {
			t.noteErr(permUseKey, t.untried(permUseKey, opDelete.permission()))
		}
		return
	}
	err := t.createUnder(key, mayTag)
	if key == "" || err == nil {
		if key != "" {
			t.noteErr(permUseKey, nil)
		}
		t.note(opCreate, err)
		return
	}
	if without := t.createUnder("", mayTag); t.note(opCreate, without) {
		t.noteErr(permUseKey, fault.Wrap(err, fault.Forbidden, "AWS Secrets Manager cannot use the KMS key %s.", key).
			WithHint("Check that the key is there and enabled, and allow %s on it.", permUseKey))
	} else {
		t.noteErr(permUseKey, t.untried(permUseKey, opCreate.permission()))
	}
}

func (t *trial) createUnder(key string, tagged bool) error {
	t.begun = true
	in := &secretsmanager.CreateSecretInput{
		Name: aws.String(t.name), SecretString: aws.String("check"),
		Description: aws.String("Made by Keeper to try its permissions; it removes it at once."),
	}
	if key != "" {
		in.KmsKeyId = aws.String(key)
	}
	if tagged {
		in.Tags = tagsOf(keepersync.Mark{Owner: "check"})
	}
	_, err := t.d.client.CreateSecret(t.ctx, in)
	return err
}

func (t *trial) restore() {
	if t.begun {
		_ = t.remove() // tried before; what is restored need not be deleted for AWS to answer
	}
	_, err := t.d.client.RestoreSecret(t.ctx, &secretsmanager.RestoreSecretInput{SecretId: aws.String(t.name)})
	t.note(opRestore, err)
}

// tuning tries what the destination's further settings need, on a name that does not exist,
// since a replica would outlive the trial.
func (t *trial) tuning() {
	id := aws.String(t.name + "-none")
	if t.d.kmsKeyID != "" {
		_, err := t.d.client.UpdateSecret(t.ctx, &secretsmanager.UpdateSecretInput{SecretId: id, Description: aws.String("check")})
		t.note(opUpdate, err)
	}
	if len(t.d.regions) == 0 {
		return
	}
	_, err := t.d.client.ReplicateSecretToRegions(t.ctx, &secretsmanager.ReplicateSecretToRegionsInput{SecretId: id, AddReplicaRegions: t.d.replicas(t.d.regions)})
	t.note(opReplicate, err)
	_, err = t.d.client.RemoveRegionsFromReplication(t.ctx, &secretsmanager.RemoveRegionsFromReplicationInput{SecretId: id, RemoveReplicaRegions: t.d.regions})
	t.note(opWithdraw, err)
}

// clean removes the throw-away secret for good.
func (t *trial) clean() {
	if !t.begun {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), cleanTime)
	defer cancel()
	_, err := t.d.client.DeleteSecret(ctx, &secretsmanager.DeleteSecretInput{SecretId: aws.String(t.name), ForceDeleteWithoutRecovery: aws.Bool(true)})
	if err != nil && codeOf(err) != "ResourceNotFoundException" {
		t.noteErr("secretsmanager:DeleteSecret without a recovery window", fault.Wrap(err, fault.KindOf(t.d.fail(err, opDelete, t.name)),
			"The throw-away secret %s was made to try permissions and could not be removed.", t.name).WithHint("Delete it in AWS."))
	}
}

func (t *trial) untried(permission, first string) error {
	return fault.New(fault.Unavailable, "%s could not be tried on %s, since that wants %s.", permission, t.name, first).
		WithHint("Mend %s first.", first)
}
