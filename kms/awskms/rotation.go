package awskms

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/your-org/keeper/fault"
)

// EnableRotation switches KMS's yearly rotation of a key's material on, and tells whether it
// was off. It is Conflict for keys that KMS does not rotate, or not here; the message says
// why, and the hint what to do instead.
func (w *Wrapper) EnableRotation(ctx context.Context, key string) (changed bool, err error) {
	// By its ARN, as KMS takes no aliases for what follows.
	meta, client, err := w.look(ctx, key)
	if err != nil {
		return false, err
	}
	if told := unrotatable(meta); told != nil {
		return false, told
	}
	c := call{permissions: []string{permRotationStatus}, key: aws.ToString(meta.Arn), region: w.regionOf(aws.ToString(meta.Arn))}
	status, err := client.GetKeyRotationStatus(ctx, &awskms.GetKeyRotationStatusInput{KeyId: meta.Arn})
	if err != nil {
		return false, w.explain(ctx, err, c)
	}
	if status.KeyRotationEnabled {
		return false, nil
	}
	if _, err := client.EnableKeyRotation(ctx, &awskms.EnableKeyRotationInput{KeyId: meta.Arn}); err != nil {
		c.permissions = []string{permEnableRotation}
		return false, w.explain(ctx, err, c)
	}
	return true, nil
}

// unrotatable tells why KMS does not rotate a key when asked here, or nil.
func unrotatable(meta *types.KeyMetadata) error {
	name := aws.ToString(meta.Arn)
	refuse := func(why string, hint string, args ...any) error {
		return fault.New(fault.Conflict, "The KMS key %s cannot be set to rotate: %s.", name, why).WithHint(hint, args...)
	}
	regions := meta.MultiRegionConfiguration
	switch {
	case meta.KeyManager == types.KeyManagerTypeAws:
		return refuse("it belongs to AWS, which rotates it every year by itself", "Nothing is to be done.")
	case meta.KeySpec != types.KeySpecSymmetricDefault:
		return refuse("it is not a symmetric key", "Name a key with KeySpec SYMMETRIC_DEFAULT.")
	case meta.Origin == types.OriginTypeExternal:
		return refuse("its key material was imported", "Make a new key and move to it by keeper kms rotate, or import new material and rotate it in KMS on demand.")
	case meta.Origin == types.OriginTypeAwsCloudhsm || meta.Origin == types.OriginTypeExternalKeyStore:
		return refuse("it is in a custom key store", "Make a new key in the store and move to it by keeper kms rotate.")
	case regions != nil && regions.MultiRegionKeyType == types.MultiRegionKeyTypeReplica && regions.PrimaryKey != nil:
		return refuse("it is a replica of a multi-region key, whose rotation is managed at its primary",
			"Switch it on there: aws kms enable-key-rotation --key-id %s --region %s", aws.ToString(regions.PrimaryKey.Arn), aws.ToString(regions.PrimaryKey.Region))
	}
	return nil
}
