package awssm

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/your-org/keeper/fault"
	keepersync "github.com/your-org/keeper/sync"
)

const maxDescription = 2048 // AWS: characters; bytes are on the safe side

// Put writes a value. AWS has no check-and-set for it, so the version is looked at before
// and after: where another write came in between, ours stands, the other one is still there
// under AWSPREVIOUS, and the error is a Conflict beside the Remote.
func (d *Driver) Put(ctx context.Context, w keepersync.Write) (keepersync.Remote, error) {
	token := tokenOf(w)
	var err error
	if w.Replaces.Exists() {
		err = d.update(ctx, w, token)
	} else {
		err = d.create(ctx, w, token)
	}
	if err != nil {
		return keepersync.Remote{}, err
	}
	after, err := d.describe(ctx, w.Name)
	if err != nil {
		return keepersync.Remote{}, err
	}
	if w.Replaces.Version != "" && after.Version == w.Replaces.Version {
		if after, err = d.promote(ctx, w, token); err != nil {
			return keepersync.Remote{}, err
		}
	}
	return after.Remote, settled(w, token, after)
}

func (d *Driver) create(ctx context.Context, w keepersync.Write, token string) error {
	in := &secretsmanager.CreateSecretInput{
		Name: aws.String(w.Name), ClientRequestToken: aws.String(token), Tags: append(tagsOf(w.Mark), d.extraTags()...),
		AddReplicaRegions: d.replicas(d.regions),
	}
	if w.Description != "" {
		in.Description = aws.String(clip(w.Description, maxDescription))
	}
	if d.kmsKeyID != "" {
		in.KmsKeyId = aws.String(d.kmsKeyID)
	}
	in.SecretString, in.SecretBinary = payload(w)
	_, err := d.client.CreateSecret(ctx, in)
	if err == nil {
		return nil
	}
	switch codeOf(err) {
	case "InvalidRequestException":
		return fault.New(fault.Conflict, "AWS Secrets Manager keeps %s for deletion, so it cannot be created.", w.Name).
			WithHint("Restore it and write to it, or wait until AWS has removed it.")
	case "ResourceNotFoundException":
		return fault.New(fault.Invalid, "AWS Secrets Manager cannot create %s: the KMS key of the destination does not exist.", w.Name).
			WithHint("Set a KMS key that exists in the destination's account and region.")
	}
	return d.fail(err, opCreate, w.Name)
}

func (d *Driver) update(ctx context.Context, w keepersync.Write, token string) error {
	before, err := d.describe(ctx, w.Name)
	switch {
	case fault.Is(err, fault.NotFound):
		return fault.Wrap(err, fault.Conflict, "%s is no longer in AWS Secrets Manager.", w.Name)
	case err != nil:
		return err
	case before.Deleted:
		return fault.New(fault.Conflict, "%s is scheduled for deletion in AWS Secrets Manager.", w.Name).
			WithHint("Restore it first.")
	case before.Version == token:
		return nil // the same Write went through before
	case before.Version != w.Replaces.Version:
		return fault.New(fault.Conflict, "%s was written in AWS Secrets Manager by somebody else meanwhile; it was left as it is.", w.Name)
	case before.Mark != w.Replaces.Mark:
		return otherMark(w.Name)
	}
	in := &secretsmanager.PutSecretValueInput{SecretId: aws.String(w.Name), ClientRequestToken: aws.String(token)}
	in.SecretString, in.SecretBinary = payload(w)
	if _, err := d.client.PutSecretValue(ctx, in); err != nil {
		return d.fail(err, opPut, w.Name)
	}
	return nil
}

func otherMark(name string) error {
	return fault.New(fault.Conflict, "%s does not bear the mark in AWS Secrets Manager any more that it was seen with; it was left as it is.", name)
}

// promote makes a version current that was written before and then rolled back by moving
// the stage: AWS takes the write for done and changes nothing. This call is a check-and-set.
func (d *Driver) promote(ctx context.Context, w keepersync.Write, token string) (state, error) {
	_, err := d.client.UpdateSecretVersionStage(ctx, &secretsmanager.UpdateSecretVersionStageInput{
		SecretId: aws.String(w.Name), VersionStage: aws.String(stageCurrent),
		MoveToVersionId: aws.String(token), RemoveFromVersionId: aws.String(w.Replaces.Version),
	})
	if codeOf(err) == "InvalidParameterException" {
		return state{}, fault.New(fault.Conflict, "%s was written in AWS Secrets Manager by somebody else meanwhile; it was left as it is.", w.Name)
	}
	if err != nil {
		return state{}, d.fail(err, opStage, w.Name)
	}
	return d.describe(ctx, w.Name)
}

// settled says whether the write replaced what it was to replace, and still stands.
func settled(w keepersync.Write, token string, after state) error {
	switch {
	case after.Version != token:
		return fault.New(fault.Conflict, "%s was written in AWS Secrets Manager by somebody else right after Keeper.", w.Name)
	case after.previous != w.Replaces.Version:
		return fault.New(fault.Conflict, "Keeper's write of %s overtook one by somebody else, which stands under %s.", w.Name, stagePrevious).
			WithHint("Compare version %s in AWS with Keeper's, and decide which is to stay.", after.previous)
	}
	return nil
}

// payload is the value as text where it is text, so that other tools can read it.
func payload(w keepersync.Write) (*string, []byte) {
	if value := w.Value.Reveal(); !utf8.Valid(value) {
		return nil, value
	}
	return aws.String(string(w.Value.Reveal())), nil
}

// tokenOf makes the write recognisable to AWS, so that a repetition makes no new version.
// The version that it replaces is part of it: from Keeper's version alone, repairing a
// drift would be answered "already done".
func tokenOf(w keepersync.Write) string {
	h := sha256.New()
	part := func(b []byte) {
		_ = binary.Write(h, binary.BigEndian, uint32(len(b)))
		_, _ = h.Write(b)
	}
	part([]byte(w.Mark.Destination))
	part(binary.BigEndian.AppendUint64(nil, uint64(w.Mark.Secret)))
	part(binary.BigEndian.AppendUint64(nil, uint64(w.Version)))
	part([]byte(w.Replaces.Version))
	sum := h.Sum(nil)[:16]
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80 // version 8, RFC 9562: by its maker's own rule
	s := hex.EncodeToString(sum)
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") // without the half of a character at the end
}
