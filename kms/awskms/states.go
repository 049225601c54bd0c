package awskms

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/your-org/keeper/fault"
)

// lookTime bounds the one call that is made to tell more of a key that KMS refused.
const lookTime = time.Second

// explainState tells what state a key is in that KMS refuses to use, as well as one call of
// DescribeKey, tried once, can tell.
func (w *Wrapper) explainState(ctx context.Context, err error, c call) error {
	meta := w.glance(ctx, c.key)
	key, state := aws.ToString(meta.Arn), meta.KeyState
	if is[*types.DisabledException](err) {
		state = types.KeyStateDisabled // known even where Keeper may not look
	}
	switch state {
	case types.KeyStateDisabled:
		return fault.Wrap(err, fault.Unavailable, "The %s is disabled.", c.subject()).
			WithHint("Enable it: aws kms enable-key --key-id %s --region %s", key, c.region)
	case types.KeyStatePendingDeletion, types.KeyStatePendingReplicaDeletion:
		return fault.Wrap(err, fault.Unavailable, "The %s is pending deletion%s, and cannot be used.", c.subject(), deletionDate(meta)).
			WithHint("Keep it: aws kms cancel-key-deletion --key-id %s --region %s, and then aws kms enable-key with the same.", key, c.region)
	case types.KeyStatePendingImport:
		return fault.Wrap(err, fault.Unavailable, "The %s has lost its imported key material.", c.subject()).
			WithHint("Import the same material again: aws kms import-key-material --key-id %s --region %s", key, c.region)
	case types.KeyStateUnavailable:
		return fault.Wrap(err, fault.Unavailable, "The custom key store of the %s is disconnected.", c.subject()).
			WithHint("Connect it: aws kms connect-custom-key-store --region %s", c.region)
	case types.KeyStateCreating, types.KeyStateUpdating:
		return away(err, "The %s is being made or changed.", c.subject()).WithHint("Try again in a minute.")
	default:
		return fault.Wrap(err, fault.Unavailable, "The %s cannot be used in the state it is in: it may be disabled or pending deletion.", c.subject()).
			WithHint("Look with aws kms describe-key --key-id %s --region %s (%s); a disabled key comes back by enable-key, a planned deletion is ended by cancel-key-deletion and then enable-key.", key, c.region, permDescribe)
	}
}

// glance asks for a key's state, and gives the name alone where there is no answer at once.
func (w *Wrapper) glance(ctx context.Context, key string) *types.KeyMetadata {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	client, _ := w.client(key)
	out, err := client.DescribeKey(ctx, &awskms.DescribeKeyInput{KeyId: &key}, func(o *awskms.Options) { o.Retryer = aws.NopRetryer{} })
	if err != nil {
		return &types.KeyMetadata{Arn: &key}
	}
	return out.KeyMetadata
}

func deletionDate(meta *types.KeyMetadata) string {
	if meta.DeletionDate == nil {
		return ""
	}
	return " on " + meta.DeletionDate.UTC().Format("2006-01-02")
}

// blame finds which of a ReEncrypt's two keys KMS complains about, as it does not say.
func (w *Wrapper) blame(ctx context.Context, err error, c call) call {
	if c.to == "" {
		return c
	}
	first := true
	switch {
	case is[*types.InvalidCiphertextException](err), is[*types.IncorrectKeyException](err):
	case is[*types.DisabledException](err), is[*types.KMSInvalidStateException](err):
		first = !w.glance(ctx, c.key).Enabled
	case is[*types.NotFoundException](err), is[*types.InvalidArnException](err):
		first = w.glance(ctx, c.key).KeyState == ""
	case is[*types.InvalidKeyUsageException](err):
		first = w.glance(ctx, c.key).KeySpec != types.KeySpecSymmetricDefault
	default:
		return c // about both, or neither
	}
	if !first {
		c.key = c.to
	}
	c.to = ""
	return c
}
