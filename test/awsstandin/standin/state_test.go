package standin_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/test/awsstandin/standin"
)

func TestStateOutlivesTheServer(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	c := startKMS(t)
	blob := c.seal("secret", map[string]string{"a": "b"})
	mrk := must(c.kms.CreateKey(c.ctx, &kms.CreateKeyInput{MultiRegion: aws.Bool(true)}))(t).KeyMetadata
	must(c.kms.ReplicateKey(c.ctx, &kms.ReplicateKeyInput{KeyId: mrk.KeyId, ReplicaRegion: aws.String("us-east-1")}))(t)
	must(c.sm.CreateSecret(c.ctx, &secretsmanager.CreateSecretInput{Name: aws.String("s"), SecretString: aws.String("v1"), KmsKeyId: keeperKey, Tags: tags("k", "v")}))(t)
	c.put("s", "v2")
	must(c.sm.CreateSecret(c.ctx, &secretsmanager.CreateSecretInput{Name: aws.String("bin"), SecretBinary: []byte{0, 255}}))(t)
	c.create("deleted", "v")
	check(t, c.remove("deleted", aws.Int64(7), nil))
	check(t, c.server.SaveState(file))

	info := must(os.Stat(file))(t)
	equal(t, "mode", info.Mode().Perm(), os.FileMode(0o600))
	before := c.server.Secrets(standin.DefaultAccount, region)

	server := standin.Start(t, standin.Options{ListDelay: time.Hour})
	check(t, server.LoadState(file))
	again := connect(t, server, config("AKIDTEST", region))
	if diff := cmp.Diff(before, server.Secrets(standin.DefaultAccount, region)); diff != "" {
		t.Errorf("secrets (-saved +loaded):\n%s", diff)
	}
	equal(t, "listed", len(again.list(&secretsmanager.ListSecretsInput{})), 2)
	equal(t, "value", again.value("s"), "v2")
	equal(t, "opened", must(again.open(blob, map[string]string{"a": "b"}))(t), "secret")
	again.create("new", "v")

	away := again.as("AKIDTEST", "us-east-1")
	sealed := must(away.kms.Encrypt(c.ctx, &kms.EncryptInput{KeyId: mrk.KeyId, Plaintext: []byte("x")}))(t).CiphertextBlob
	must(again.kms.RotateKeyOnDemand(c.ctx, &kms.RotateKeyOnDemandInput{KeyId: mrk.KeyId}))(t)
	rotated := must(again.kms.Encrypt(c.ctx, &kms.EncryptInput{KeyId: mrk.KeyId, Plaintext: []byte("y")}))(t).CiphertextBlob
	equal(t, "opened in the primary region", must(again.open(sealed, nil))(t), "x")
	equal(t, "opened by the replica after a rotation", must(away.open(rotated, nil))(t), "y")

	server.Advance(8 * 24 * time.Hour)
	_, err := again.sm.DescribeSecret(c.ctx, &secretsmanager.DescribeSecretInput{SecretId: aws.String("deleted")})
	wantCode(t, err, "ResourceNotFoundException")
}

func TestLoadState(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	s := standin.New(standin.Options{})
	check(t, s.LoadState(file))
	for name, content := range map[string]string{"junk": "junk", "other format": `{"Format":9}`, "cut": `{"Format":1,"Regions":[`} {
		check(t, os.WriteFile(file, []byte(content), 0o600))
		if err := s.LoadState(file); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

func TestAutosave(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	c := start(t, standin.Options{})
	ctx, cancel := context.WithCancel(c.ctx)
	done := make(chan error, 1)
	go func() { done <- c.server.Autosave(ctx, file, 5*time.Millisecond, func(err error) { t.Error(err) }) }()
	c.create("s", "v")
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(file); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("a change was never saved")
		}
	}
	c.create("last", "v")
	cancel()
	check(t, <-done)
	again := standin.New(standin.Options{})
	check(t, again.LoadState(file))
	equal(t, "secrets", len(again.Secrets(standin.DefaultAccount, region)), 2)
}
