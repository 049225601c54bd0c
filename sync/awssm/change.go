package awssm

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/your-org/keeper/fault"
	keepersync "github.com/your-org/keeper/sync"
)

// Mark sets Keeper's tags on what bears no mark, and leaves all others.
func (d *Driver) Mark(ctx context.Context, name string, mark keepersync.Mark) (keepersync.Remote, error) {
	before, err := d.Describe(ctx, name)
	if err != nil {
		return keepersync.Remote{}, err
	}
	if !before.Mark.Zero() && before.Mark != mark {
		return keepersync.Remote{}, otherMark(name)
	}
	_, err = d.client.TagResource(ctx, &secretsmanager.TagResourceInput{SecretId: aws.String(name), Tags: tagsOf(mark)})
	if err != nil {
		return keepersync.Remote{}, d.fail(err, opTag, name)
	}
	return d.Describe(ctx, name)
}

// Unmark removes Keeper's own tags, the record of replicas included, where they are this mark.
// Replicas stay, as the value does.
func (d *Driver) Unmark(ctx context.Context, name string, mark keepersync.Mark) (keepersync.Remote, error) {
	there, err := d.Describe(ctx, name)
	switch {
	case err != nil || there.Mark.Zero():
		return there, err
	case there.Mark != mark:
		return there, fault.New(fault.Conflict, "%s bears another mark in AWS Secrets Manager; its tags were left as they are.", name)
	}
	_, err = d.client.UntagResource(ctx, &secretsmanager.UntagResourceInput{
		SecretId: aws.String(name), TagKeys: []string{tagOwner, tagDestination, tagSecret, tagReplicas},
	})
	if err != nil {
		return keepersync.Remote{}, d.fail(err, opUntag, name)
	}
	return d.Describe(ctx, name)
}

// Delete schedules the deletion of the version that was observed; until the recovery window
// ends, it can be restored. It never deletes at once; Keeper's replicas, which have to go first,
// come back after a restore, by Tune. With a replica of somebody else's it is refused.
func (d *Driver) Delete(ctx context.Context, r keepersync.Remote) (keepersync.Remote, error) {
	before, err := d.describe(ctx, r.Name)
	switch {
	case err != nil:
		return keepersync.Remote{}, err
	case before.Deleted:
		return before.Remote, nil
	case before.Version != r.Version:
		return keepersync.Remote{}, fault.New(fault.Conflict, "%s was written in AWS Secrets Manager by somebody else meanwhile; it was not deleted.", r.Name)
	case before.Mark != r.Mark:
		return keepersync.Remote{}, otherMark(r.Name)
	}
	if err := d.withdrawOwn(ctx, before); err != nil {
		return keepersync.Remote{}, err
	}
	_, err = d.client.DeleteSecret(ctx, &secretsmanager.DeleteSecretInput{
		SecretId: aws.String(r.Name), RecoveryWindowInDays: aws.Int64(d.recoveryDays),
	})
	if err != nil {
		return keepersync.Remote{}, d.fail(err, opDelete, r.Name)
	}
	return d.Describe(ctx, r.Name)
}

// Restore ends a scheduled deletion of what bears the mark still that it was seen with.
func (d *Driver) Restore(ctx context.Context, r keepersync.Remote) (keepersync.Remote, error) {
	there, err := d.Describe(ctx, r.Name)
	if err != nil {
		return keepersync.Remote{}, err
	}
	if there.Mark != r.Mark {
		return keepersync.Remote{}, otherMark(r.Name)
	}
	_, err = d.client.RestoreSecret(ctx, &secretsmanager.RestoreSecretInput{SecretId: aws.String(r.Name)})
	if err != nil {
		return keepersync.Remote{}, d.fail(err, opRestore, r.Name)
	}
	return d.Describe(ctx, r.Name)
}
