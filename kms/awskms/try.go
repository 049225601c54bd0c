package awskms

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
)

// Try uses each permission once, on a throw-away data key, in the order in which Keeper would
// come to need them. What follows a failed one is still tried where it can be.
func (w *Wrapper) Try(ctx context.Context, key string, ec kms.Context) []kms.Tried {
	named, _ := w.named(key) // that there is no name is told by look
	t := trial{w: w, key: named, ec: ec}
	defer func() { clear(t.plain) }()
	meta, _, err := w.look(ctx, key)
	if err == nil {
		t.key = aws.ToString(meta.Arn)
	}
	t.note(err, permDescribe)
	t.note(t.generate(ctx), permGenerate)
	t.note(t.encrypt(ctx), permEncrypt)
	t.note(t.decrypt(ctx), permDecrypt)
	t.note(t.reEncrypt(ctx), permReEncryptFrom, permReEncryptTo)
	t.optional(t.rotationStatus(ctx), permRotationStatus)
	t.optional(t.listAliases(ctx), permListAliases)
	return t.tried
}

// trial is one Try: what came out of it so far.
type trial struct {
	w       *Wrapper
	key     string
	ec      kms.Context
	plain   []byte
	wrapped kms.Wrapped // plain under key; no blob where nothing could be wrapped
	tried   []kms.Tried
}

func (t *trial) note(err error, permissions ...string) {
	for _, permission := range permissions {
		t.tried = append(t.tried, kms.Tried{Permission: permission, OK: err == nil, Err: err})
	}
}

func (t *trial) optional(err error, permission string) {
	t.tried = append(t.tried, kms.Tried{Permission: permission, OK: err == nil, Optional: true, Err: err})
}

func (t *trial) generate(ctx context.Context) (err error) {
	t.plain, t.wrapped, err = t.w.GenerateDataKey(ctx, t.key, t.ec)
	if err != nil {
		t.plain = make([]byte, kms.KeySize)
		_, _ = rand.Read(t.plain)
	}
	return err
}

func (t *trial) encrypt(ctx context.Context) error {
	wrapped, err := t.w.Wrap(ctx, t.key, t.plain, t.ec)
	if err == nil {
		t.wrapped = wrapped
	}
	return err
}

func (t *trial) decrypt(ctx context.Context) error {
	if t.wrapped.Blob == nil {
		return t.untried(permDecrypt)
	}
	opened, err := t.w.Unwrap(ctx, t.wrapped, t.ec)
	defer clear(opened)
	return t.same(opened, err)
}

// reEncrypt wraps anew under the same key, which needs both permissions; which of them is
// missing KMS tells in words alone, so both are named.
func (t *trial) reEncrypt(ctx context.Context) error {
	if t.wrapped.Blob == nil {
		return t.untried(permReEncryptFrom + " and " + permReEncryptTo)
	}
	_, err := t.w.Rewrap(ctx, t.wrapped, t.key, t.ec)
	return err
}

// rotationStatus is asked for by the ARN that came with a wrapped key, as KMS takes no alias.
func (t *trial) rotationStatus(ctx context.Context) error {
	key := cmp.Or(t.wrapped.RecipientID, t.key)
	client, region := t.w.client(key)
	_, err := client.GetKeyRotationStatus(ctx, &awskms.GetKeyRotationStatusInput{KeyId: &key})
	if err != nil {
		return t.w.explain(ctx, err, call{permissions: []string{permRotationStatus}, key: key, region: region})
	}
	return nil
}

func (t *trial) listAliases(ctx context.Context) error {
	client, region := t.w.client(t.key)
	if _, err := client.ListAliases(ctx, &awskms.ListAliasesInput{Limit: aws.Int32(1)}); err != nil {
		return t.w.explain(ctx, err, call{permissions: []string{permListAliases}, key: t.key, region: region})
	}
	return nil
}

func (t *trial) same(opened []byte, err error) error {
	if err == nil && subtle.ConstantTimeCompare(opened, t.plain) != 1 {
		return fault.New(fault.Internal, "Another data key came out of the KMS key %s than went in.", t.key)
	}
	return err
}

func (t *trial) untried(permission string) error {
	return fault.New(fault.Unavailable, "%s on the KMS key %s could not be tried, as nothing could be wrapped under it.", permission, t.key).
		WithHint("Mend %s first.", permEncrypt)
}
