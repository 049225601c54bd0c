package standin_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/your-org/keeper/test/awsstandin/standin"
)

var keeperKey = aws.String("alias/keeper")

func startKMS(t *testing.T) *clients {
	return start(t, standin.Options{KMSAliases: []string{"alias/keeper"}})
}

// setKey enables or disables the key behind alias/keeper.
func (c *clients) setKey(enabled bool) {
	c.t.Helper()
	id := aws.String(c.keyARN("alias/keeper"))
	var err error
	if enabled {
		_, err = c.kms.EnableKey(c.ctx, &kms.EnableKeyInput{KeyId: id})
	} else {
		_, err = c.kms.DisableKey(c.ctx, &kms.DisableKeyInput{KeyId: id})
	}
	check(c.t, err)
}

func (c *clients) keyARN(id string) string {
	c.t.Helper()
	return *must(c.kms.DescribeKey(c.ctx, &kms.DescribeKeyInput{KeyId: &id}))(c.t).KeyMetadata.Arn
}

func (c *clients) seal(plaintext string, context map[string]string) []byte {
	c.t.Helper()
	return must(c.kms.Encrypt(c.ctx, &kms.EncryptInput{KeyId: keeperKey, Plaintext: []byte(plaintext), EncryptionContext: context}))(c.t).CiphertextBlob
}

func (c *clients) open(blob []byte, context map[string]string) (string, error) {
	out, err := c.kms.Decrypt(c.ctx, &kms.DecryptInput{CiphertextBlob: blob, EncryptionContext: context})
	if err != nil {
		return "", err
	}
	return string(out.Plaintext), nil
}

func TestDataKey(t *testing.T) {
	c := startKMS(t)
	context := map[string]string{"keeper:environment": "prod"}
	out := must(c.kms.GenerateDataKey(c.ctx, &kms.GenerateDataKeyInput{KeyId: keeperKey, KeySpec: types.DataKeySpecAes256, EncryptionContext: context}))(t)
	equal(t, "length", len(out.Plaintext), 32)
	equal(t, "key", *out.KeyId, c.keyARN("alias/keeper"))
	equal(t, "opened", must(c.open(out.CiphertextBlob, context))(t), string(out.Plaintext))

	hidden := must(c.kms.GenerateDataKeyWithoutPlaintext(c.ctx, &kms.GenerateDataKeyWithoutPlaintextInput{KeyId: keeperKey, NumberOfBytes: aws.Int32(64)}))(t)
	equal(t, "length of the hidden key", len(must(c.open(hidden.CiphertextBlob, nil))(t)), 64)

	for name, in := range map[string]kms.GenerateDataKeyInput{
		"neither": {KeyId: keeperKey},
		"both":    {KeyId: keeperKey, KeySpec: types.DataKeySpecAes128, NumberOfBytes: aws.Int32(16)},
		"1,025":   {KeyId: keeperKey, NumberOfBytes: aws.Int32(1025)},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.kms.GenerateDataKey(c.ctx, &in)
			wantCode(t, err, "ValidationException")
		})
	}
}

func TestEncryptionContextIsExact(t *testing.T) {
	c := startKMS(t)
	blob := c.seal("secret", map[string]string{"env": "Prod", "app": "keeper"})
	equal(t, "opened", must(c.open(blob, map[string]string{"app": "keeper", "env": "Prod"}))(t), "secret")
	for name, context := range map[string]map[string]string{
		"none":       nil,
		"case":       {"env": "prod", "app": "keeper"},
		"key's case": {"Env": "Prod", "app": "keeper"},
		"less":       {"env": "Prod"},
		"more":       {"env": "Prod", "app": "keeper", "x": "y"},
		"shifted":    {"env": "Prodapp", "app": "keeper"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.open(blob, context)
			wantCode(t, err, "InvalidCiphertextException")
			_, err = c.kms.ReEncrypt(c.ctx, &kms.ReEncryptInput{CiphertextBlob: blob, SourceEncryptionContext: context, DestinationKeyId: keeperKey})
			wantCode(t, err, "InvalidCiphertextException")
		})
	}
}

func TestTamperedCiphertext(t *testing.T) {
	c := startKMS(t)
	blob := c.seal("secret", nil)
	for name, spoilt := range map[string][]byte{
		"flipped":   append(bytes.Clone(blob[:len(blob)-1]), blob[len(blob)-1]^1),
		"cut":       blob[:len(blob)-1],
		"longer":    append(bytes.Clone(blob), 0),
		"short":     blob[:10],
		"one byte":  {1},
		"not a key": []byte("no ciphertext at all"),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.open(spoilt, nil)
			wantCode(t, err, "InvalidCiphertextException")
		})
	}
}

func TestEncryptLimits(t *testing.T) {
	c := startKMS(t)
	_, err := c.kms.Encrypt(c.ctx, &kms.EncryptInput{KeyId: keeperKey, Plaintext: make([]byte, 4097)})
	wantCode(t, err, "ValidationException")
	c.seal(strings.Repeat("x", 4096), nil)
}

func TestDecryptWithAnotherKey(t *testing.T) {
	c := startKMS(t)
	blob := c.seal("secret", nil)
	other := c.server.CreateKey(region, "alias/other")
	for _, id := range []string{other, "alias/other"} {
		_, err := c.kms.Decrypt(c.ctx, &kms.DecryptInput{CiphertextBlob: blob, KeyId: &id})
		wantCode(t, err, "IncorrectKeyException")
	}
	_, err := c.kms.Decrypt(c.ctx, &kms.DecryptInput{CiphertextBlob: blob, KeyId: aws.String("alias/none")})
	wantCode(t, err, "NotFoundException")
	must(c.kms.Decrypt(c.ctx, &kms.DecryptInput{CiphertextBlob: blob, KeyId: keeperKey}))(t)
}

func TestReEncrypt(t *testing.T) {
	c := startKMS(t)
	from, to := map[string]string{"a": "1"}, map[string]string{"b": "2"}
	other := c.server.CreateKey(region, "alias/other")
	out := must(c.kms.ReEncrypt(c.ctx, &kms.ReEncryptInput{
		CiphertextBlob: c.seal("secret", from), SourceEncryptionContext: from,
		DestinationKeyId: aws.String("alias/other"), DestinationEncryptionContext: to,
	}))(t)
	equal(t, "new key", *out.KeyId, other)
	equal(t, "source key", *out.SourceKeyId, c.keyARN("alias/keeper"))
	equal(t, "opened", must(c.open(out.CiphertextBlob, to))(t), "secret")
}

func TestKeyStates(t *testing.T) {
	c := startKMS(t)
	blob := c.seal("secret", nil)
	arn := aws.String(c.keyARN("alias/keeper"))
	use := func(want string) {
		t.Helper()
		_, err := c.open(blob, nil)
		wantCode(t, err, want)
		_, err = c.kms.GenerateDataKey(c.ctx, &kms.GenerateDataKeyInput{KeyId: arn, KeySpec: types.DataKeySpecAes256})
		wantCode(t, err, want)
	}
	c.setKey(false)
	use("DisabledException")
	c.setKey(true)
	use("")

	for _, days := range []int32{6, 31} {
		_, err := c.kms.ScheduleKeyDeletion(c.ctx, &kms.ScheduleKeyDeletionInput{KeyId: arn, PendingWindowInDays: &days})
		wantCode(t, err, "ValidationException")
	}
	out := must(c.kms.ScheduleKeyDeletion(c.ctx, &kms.ScheduleKeyDeletionInput{KeyId: arn, PendingWindowInDays: aws.Int32(7)}))(t)
	equal(t, "state", out.KeyState, types.KeyStatePendingDeletion)
	use("KMSInvalidStateException")
	_, err := c.kms.EnableKey(c.ctx, &kms.EnableKeyInput{KeyId: arn})
	wantCode(t, err, "KMSInvalidStateException")

	must(c.kms.CancelKeyDeletion(c.ctx, &kms.CancelKeyDeletionInput{KeyId: arn}))(t)
	use("DisabledException")
	_, err = c.kms.CancelKeyDeletion(c.ctx, &kms.CancelKeyDeletionInput{KeyId: arn})
	wantCode(t, err, "KMSInvalidStateException")
	c.setKey(true)
	use("")

	must(c.kms.ScheduleKeyDeletion(c.ctx, &kms.ScheduleKeyDeletionInput{KeyId: arn}))(t)
	c.server.Advance(31 * 24 * time.Hour)
	_, err = c.kms.DescribeKey(c.ctx, &kms.DescribeKeyInput{KeyId: arn})
	wantCode(t, err, "NotFoundException")
	_, err = c.open(blob, nil)
	wantCode(t, err, "AccessDeniedException")
	equal(t, "aliases of the deleted key", len(must(c.kms.ListAliases(c.ctx, &kms.ListAliasesInput{}))(t).Aliases), 0)
}

func TestDescribeKey(t *testing.T) {
	c := start(t, standin.Options{})
	made := must(c.kms.CreateKey(c.ctx, &kms.CreateKeyInput{Description: aws.String("d"), Tags: []types.Tag{{TagKey: aws.String("k"), TagValue: aws.String("v")}}}))(t).KeyMetadata
	must(c.kms.CreateAlias(c.ctx, &kms.CreateAliasInput{AliasName: keeperKey, TargetKeyId: made.KeyId}))(t)
	aliasARN := strings.Replace(*made.Arn, "key/"+*made.KeyId, "alias/keeper", 1)
	for _, id := range []string{*made.KeyId, *made.Arn, "alias/keeper", aliasARN} {
		equal(t, "ARN by "+id, c.keyARN(id), *made.Arn)
	}
	for _, id := range []string{"alias/none", "11111111-2222-3333-4444-555555555555", strings.Replace(*made.Arn, region, "us-east-1", 1)} {
		_, err := c.kms.DescribeKey(c.ctx, &kms.DescribeKeyInput{KeyId: &id})
		wantCode(t, err, "NotFoundException")
	}
	_, err := c.kms.CreateKey(c.ctx, &kms.CreateKeyInput{KeySpec: types.KeySpecRsa2048})
	wantCode(t, err, "UnsupportedOperationException")

	tags := must(c.kms.ListResourceTags(c.ctx, &kms.ListResourceTagsInput{KeyId: made.KeyId}))(t).Tags
	equal(t, "tags", len(tags), 1)
	managed := must(c.kms.DescribeKey(c.ctx, &kms.DescribeKeyInput{KeyId: aws.String("alias/aws/secretsmanager")}))(t).KeyMetadata
	equal(t, "manager", managed.KeyManager, types.KeyManagerTypeAws)
	_, err = c.kms.ScheduleKeyDeletion(c.ctx, &kms.ScheduleKeyDeletionInput{KeyId: managed.KeyId})
	wantCode(t, err, "UnsupportedOperationException")
}

func TestAliases(t *testing.T) {
	c := start(t, standin.Options{})
	first, second := c.server.CreateKey(region, ""), c.server.CreateKey(region, "")
	create := func(name, target string) error {
		_, err := c.kms.CreateAlias(c.ctx, &kms.CreateAliasInput{AliasName: &name, TargetKeyId: &target})
		return err
	}
	check(t, create("alias/a", first))
	wantCode(t, create("alias/a", second), "AlreadyExistsException")
	wantCode(t, create("a", first), "ValidationException")
	wantCode(t, create("alias/b", "alias/a"), "ValidationException")
	wantCode(t, create("alias/aws/b", first), "NotAuthorizedException")
	must(c.kms.UpdateAlias(c.ctx, &kms.UpdateAliasInput{AliasName: aws.String("alias/a"), TargetKeyId: &second}))(t)
	equal(t, "key after the update", c.keyARN("alias/a"), second)
	_, err := c.kms.UpdateAlias(c.ctx, &kms.UpdateAliasInput{AliasName: aws.String("alias/none"), TargetKeyId: &second})
	wantCode(t, err, "NotFoundException")

	of := func(id *string) int {
		return len(must(c.kms.ListAliases(c.ctx, &kms.ListAliasesInput{KeyId: id}))(t).Aliases)
	}
	equal(t, "aliases", of(nil), 1)
	equal(t, "aliases of the first key", of(&first), 0)
	must(c.kms.DeleteAlias(c.ctx, &kms.DeleteAliasInput{AliasName: aws.String("alias/a")}))(t)
	equal(t, "aliases after the deletion", of(nil), 0)
}

func TestListKeysPages(t *testing.T) {
	c := start(t, standin.Options{})
	made := map[string]bool{}
	for range 25 {
		made[c.server.CreateKey(region, "")] = true
	}
	pages := 0
	for p := kms.NewListKeysPaginator(c.kms, &kms.ListKeysInput{Limit: aws.Int32(10)}); p.HasMorePages(); pages++ {
		for _, k := range must(p.NextPage(c.ctx))(t).Keys {
			delete(made, *k.KeyArn)
		}
	}
	equal(t, "keys not listed", len(made), 0)
	equal(t, "pages", pages, 3)
}

func TestKeyTags(t *testing.T) {
	c := startKMS(t)
	arn := aws.String(c.keyARN("alias/keeper"))
	must(c.kms.TagResource(c.ctx, &kms.TagResourceInput{KeyId: arn, Tags: []types.Tag{{TagKey: aws.String("a"), TagValue: aws.String("1")}, {TagKey: aws.String("b"), TagValue: aws.String("2")}}}))(t)
	must(c.kms.UntagResource(c.ctx, &kms.UntagResourceInput{KeyId: arn, TagKeys: []string{"a"}}))(t)
	got := must(c.kms.ListResourceTags(c.ctx, &kms.ListResourceTagsInput{KeyId: arn}))(t).Tags
	if len(got) != 1 || *got[0].TagKey != "b" {
		t.Fatalf("got %d tags, want b alone", len(got))
	}
}

func TestRotation(t *testing.T) {
	c := startKMS(t)
	arn := aws.String(c.keyARN("alias/keeper"))
	status := func() *kms.GetKeyRotationStatusOutput {
		return must(c.kms.GetKeyRotationStatus(c.ctx, &kms.GetKeyRotationStatusInput{KeyId: arn}))(t)
	}
	material := func() string {
		return *must(c.kms.GenerateDataKey(c.ctx, &kms.GenerateDataKeyInput{KeyId: arn, KeySpec: types.DataKeySpecAes256}))(t).KeyMaterialId
	}
	equal(t, "rotation at first", status().KeyRotationEnabled, false)
	old, oldMaterial := c.seal("old", nil), material()

	must(c.kms.RotateKeyOnDemand(c.ctx, &kms.RotateKeyOnDemandInput{KeyId: arn}))(t)
	if material() == oldMaterial {
		t.Error("rotating on demand kept the material")
	}
	equal(t, "old ciphertext", must(c.open(old, nil))(t), "old")

	must(c.kms.EnableKeyRotation(c.ctx, &kms.EnableKeyRotationInput{KeyId: arn, RotationPeriodInDays: aws.Int32(90)}))(t)
	s := status()
	equal(t, "rotation", s.KeyRotationEnabled, true)
	equal(t, "period", *s.RotationPeriodInDays, 90)
	before := material()
	c.server.Advance(91 * 24 * time.Hour)
	if material() == before {
		t.Error("the schedule did not rotate the key")
	}
	equal(t, "old ciphertext after the schedule", must(c.open(old, nil))(t), "old")
	must(c.kms.DisableKeyRotation(c.ctx, &kms.DisableKeyRotationInput{KeyId: arn}))(t)
	equal(t, "rotation at last", status().KeyRotationEnabled, false)

	for range 9 {
		must(c.kms.RotateKeyOnDemand(c.ctx, &kms.RotateKeyOnDemandInput{KeyId: arn}))(t)
	}
	_, err := c.kms.RotateKeyOnDemand(c.ctx, &kms.RotateKeyOnDemandInput{KeyId: arn})
	wantCode(t, err, "LimitExceededException")
}

func TestMultiRegionKey(t *testing.T) {
	c := start(t, standin.Options{})
	away := c.as("AKIDTEST", "us-east-1")
	made := must(c.kms.CreateKey(c.ctx, &kms.CreateKeyInput{MultiRegion: aws.Bool(true)}))(t).KeyMetadata
	if !strings.HasPrefix(*made.KeyId, "mrk-") {
		t.Fatalf("got key id %s, want mrk-…", *made.KeyId)
	}
	blob := must(c.kms.Encrypt(c.ctx, &kms.EncryptInput{KeyId: made.Arn, Plaintext: []byte("secret")}))(t).CiphertextBlob
	_, err := away.open(blob, nil)
	wantCode(t, err, "AccessDeniedException")

	replicate := &kms.ReplicateKeyInput{KeyId: made.KeyId, ReplicaRegion: aws.String("us-east-1")}
	replica := must(c.kms.ReplicateKey(c.ctx, replicate))(t).ReplicaKeyMetadata
	equal(t, "kind", replica.MultiRegionConfiguration.MultiRegionKeyType, types.MultiRegionKeyTypeReplica)
	equal(t, "primary", *replica.MultiRegionConfiguration.PrimaryKey.Region, region)
	equal(t, "opened by the replica", must(away.open(blob, nil))(t), "secret")
	_, err = c.kms.ReplicateKey(c.ctx, replicate)
	wantCode(t, err, "AlreadyExistsException")
	_, err = away.kms.EnableKeyRotation(c.ctx, &kms.EnableKeyRotationInput{KeyId: replica.Arn})
	wantCode(t, err, "UnsupportedOperationException")
	must(c.kms.RotateKeyOnDemand(c.ctx, &kms.RotateKeyOnDemandInput{KeyId: made.KeyId}))(t)
	again := must(c.kms.Encrypt(c.ctx, &kms.EncryptInput{KeyId: made.Arn, Plaintext: []byte("rotated")}))(t).CiphertextBlob
	equal(t, "opened after a rotation", must(away.open(again, nil))(t), "rotated")

	plain := c.server.CreateKey(region, "")
	_, err = c.kms.ReplicateKey(c.ctx, &kms.ReplicateKeyInput{KeyId: &plain, ReplicaRegion: aws.String("us-east-1")})
	wantCode(t, err, "UnsupportedOperationException")
}
