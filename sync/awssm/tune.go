package awssm

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/your-org/keeper/fault"
	keepersync "github.com/your-org/keeper/sync"
)

var _ keepersync.Tuner = (*Driver)(nil)

// beside is what stands beside a value.
type beside struct {
	key       string // as AWS shows it
	tags      []types.Tag
	replicas  []types.ReplicationStatusType
	described bool // replicas are known; a listing does not show them
}

// untuned reports whether anything beside the value is not as the destination's settings
// say. Where it cannot be told, there is something to do: Tune then says why.
func (d *Driver) untuned(ctx context.Context, b beside, s state) bool {
	if s.Deleted || s.Mark.Zero() {
		return false // AWS lets nobody tag what is deleted, and what is not ours is left alone
	}
	other, err := d.otherKey(ctx, b)
	return err != nil || other || len(d.missingTags(b.tags)) > 0 || d.unreplicated(b)
}

// otherKey reports whether the secret is under another key than the destination's. A
// destination that names none leaves each secret under its own.
func (d *Driver) otherKey(ctx context.Context, b beside) (bool, error) {
	if d.kmsKeyID == "" {
		return false, nil
	}
	same, err := d.keys.same(ctx, d.kmsKeyID, b.key)
	return !same, err
}

// missingTags are those of the destination's own that are not there, or differ.
func (d *Driver) missingTags(there []types.Tag) []types.Tag {
	return slices.DeleteFunc(d.extraTags(), func(want types.Tag) bool {
		return slices.ContainsFunc(there, func(t types.Tag) bool {
			return *want.Key == aws.ToString(t.Key) && *want.Value == aws.ToString(t.Value)
		})
	})
}

func (d *Driver) extraTags() []types.Tag {
	var tags []types.Tag
	for _, key := range slices.Sorted(maps.Keys(d.tags)) {
		tags = append(tags, types.Tag{Key: aws.String(key), Value: aws.String(d.tags[key])})
	}
	return tags
}

// recorded are the regions that the tag names.
func recorded(tags []types.Tag) []string {
	for _, t := range tags {
		if aws.ToString(t.Key) == tagReplicas {
			return strings.Fields(aws.ToString(t.Value))
		}
	}
	return nil
}

func (d *Driver) unreplicated(b beside) bool {
	if !slices.Equal(recorded(b.tags), d.regions) {
		return true
	}
	return b.described && slices.ContainsFunc(d.regions, func(region string) bool { return statusIn(b, region) != types.StatusTypeInSync })
}

// statusIn is how a replica stands; "" where there is none.
func statusIn(b beside, region string) types.StatusType {
	for _, r := range b.replicas {
		if aws.ToString(r.Region) == region {
			return r.Status
		}
	}
	return ""
}

func (d *Driver) replicas(regions []string) []types.ReplicaRegionType {
	var all []types.ReplicaRegionType
	for _, region := range regions {
		r := types.ReplicaRegionType{Region: aws.String(region)}
		if d.replicaKey != "" {
			r.KmsKeyId = aws.String(d.replicaKey)
		}
		all = append(all, r)
	}
	return all
}

// Tune changes the key, adds the destination's tags, and makes and removes replicas, each
// only where it differs. A change of the key has AWS encrypt the labelled versions again and
// makes no new one. Tags and replicas that others have set stay.
func (d *Driver) Tune(ctx context.Context, name string) (keepersync.Remote, error) {
	s, err := d.describe(ctx, name)
	if err != nil || !s.Untuned {
		return s.Remote, err
	}
	if err := d.tuneKey(ctx, s); err != nil {
		return s.Remote, err
	}
	if tags := d.missingTags(s.beside.tags); len(tags) > 0 {
		if err := d.tag(ctx, name, tags); err != nil {
			return s.Remote, err
		}
	}
	if err := d.tuneReplicas(ctx, s); err != nil {
		return s.Remote, err
	}
	return d.Describe(ctx, name)
}

func (d *Driver) tag(ctx context.Context, name string, tags []types.Tag) error {
	if _, err := d.client.TagResource(ctx, &secretsmanager.TagResourceInput{SecretId: aws.String(name), Tags: tags}); err != nil {
		return d.fail(err, opTag, name)
	}
	return nil
}

func (d *Driver) tuneKey(ctx context.Context, s state) error {
	other, err := d.otherKey(ctx, s.beside)
	if err != nil {
		kind := meanings[codeOf(err)].kind // Internal, the zero kind, where the code is not known
		if kind != fault.Forbidden && kind != fault.Throttled {
			kind = fault.Unavailable
		}
		return fault.Wrap(err, kind, "Keeper cannot tell whether %s is under the KMS key %s, which AWS shows as %s.", s.Name, d.kmsKeyID, s.beside.key).
			WithHint("Allow kms:DescribeKey on the key, or enter the key for the destination as AWS shows it.")
	}
	if !other {
		return nil
	}
	_, err = d.client.UpdateSecret(ctx, &secretsmanager.UpdateSecretInput{SecretId: aws.String(s.Name), KmsKeyId: aws.String(d.kmsKeyID)})
	switch {
	case codeOf(err) == "ResourceNotFoundException":
		return fault.New(fault.Invalid, "AWS Secrets Manager cannot change the key of %s: the KMS key %s does not exist.", s.Name, d.kmsKeyID).
			WithHint("Set a KMS key that exists in the destination's account and region.")
	case err != nil:
		return d.fail(err, opUpdate, s.Name)
	}
	return nil
}

// tuneReplicas makes the replicas that are missing and removes those that Keeper made and
// the destination no longer names. What is in sync is recorded; a failure is told, and the
// replica is made anew.
func (d *Driver) tuneReplicas(ctx context.Context, s state) error {
	gone := slices.DeleteFunc(recorded(s.beside.tags), func(region string) bool {
		return slices.Contains(d.regions, region) || statusIn(s.beside, region) == ""
	})
	if err := d.withdraw(ctx, s.Name, gone); err != nil {
		return err
	}
	var add, failed, settled []string
	for _, region := range d.regions {
		switch statusIn(s.beside, region) {
		case types.StatusTypeInSync:
			settled = append(settled, region)
		case types.StatusTypeFailed:
			failed = append(failed, region)
		case types.StatusTypeInProgress:
		default:
			add = append(add, region)
		}
	}
	if err := d.replicate(ctx, s.Name, add); err != nil {
		return err
	}
	if !slices.Equal(recorded(s.beside.tags), settled) {
		if err := d.record(ctx, s.Name, settled); err != nil {
			return err
		}
	}
	if len(failed) == 0 {
		return nil
	}
	if err := d.withdraw(ctx, s.Name, failed); err != nil {
		return err
	}
	if err := d.replicate(ctx, s.Name, failed); err != nil {
		return err
	}
	return failedIn(s, failed)
}

func failedIn(s state, regions []string) error {
	var why []string
	for _, r := range s.beside.replicas {
		if slices.Contains(regions, aws.ToString(r.Region)) {
			why = append(why, aws.ToString(r.Region)+" ("+aws.ToString(r.StatusMessage)+")")
		}
	}
	return fault.New(fault.Unavailable, "AWS Secrets Manager failed to replicate %s to %s. The value itself is in place.", s.Name, strings.Join(why, ", ")).
		WithHint("Where the region has a secret of that name already, remove it there; check the KMS key of replicas. Keeper tries again.")
}

func (d *Driver) record(ctx context.Context, name string, regions []string) error {
	return d.tag(ctx, name, []types.Tag{{Key: aws.String(tagReplicas), Value: aws.String(strings.Join(regions, " "))}})
}

func (d *Driver) replicate(ctx context.Context, name string, regions []string) error {
	if len(regions) == 0 {
		return nil
	}
	_, err := d.client.ReplicateSecretToRegions(ctx, &secretsmanager.ReplicateSecretToRegionsInput{
		SecretId: aws.String(name), AddReplicaRegions: d.replicas(regions),
	})
	if err != nil {
		return d.fail(err, opReplicate, name)
	}
	return nil
}

func (d *Driver) withdraw(ctx context.Context, name string, regions []string) error {
	if len(regions) == 0 {
		return nil
	}
	_, err := d.client.RemoveRegionsFromReplication(ctx, &secretsmanager.RemoveRegionsFromReplicationInput{
		SecretId: aws.String(name), RemoveReplicaRegions: regions,
	})
	if err != nil {
		return d.fail(err, opWithdraw, name)
	}
	return nil
}

// withdrawOwn removes the replicas that Keeper made, without which AWS deletes nothing. With
// a replica that somebody else made it removes none: a replica has no recovery window. The
// record goes first, so that after a restore they are known to be missing.
func (d *Driver) withdrawOwn(ctx context.Context, s state) error {
	var own, others []string
	for _, r := range s.beside.replicas {
		region := aws.ToString(r.Region)
		// The settings count too: a removal that was cut off has no record any more.
		if slices.Contains(recorded(s.beside.tags), region) || slices.Contains(d.regions, region) {
			own = append(own, region)
		} else {
			others = append(others, region)
		}
	}
	if len(others) > 0 {
		return fault.New(fault.Invalid, "%s cannot be deleted in AWS Secrets Manager: it has replicas in %s that Keeper did not make.", s.Name, strings.Join(others, ", ")).
			WithHint("Remove those replicas there if nobody needs them; Keeper then deletes it.")
	}
	if len(recorded(s.beside.tags)) > 0 {
		if err := d.record(ctx, s.Name, nil); err != nil {
			return err
		}
	}
	return d.withdraw(ctx, s.Name, own)
}
