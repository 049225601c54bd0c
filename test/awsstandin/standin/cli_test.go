package standin_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/your-org/keeper/test/awsstandin/standin"
)

// awsCommand is the distribution's; others on the path may be too new or too old for what the tests ask.
const awsCommand = "/usr/bin/aws"

// aws runs the real command and decodes its answer; it returns what the command says on failure.
func (c *clients) aws(into any, args ...string) (failure string) {
	c.t.Helper()
	cmd := exec.CommandContext(c.ctx, awsCommand, append([]string{"--endpoint-url", c.server.URL, "--region", region, "--output", "json"}, args...)...)
	cmd.Env = []string{"AWS_ACCESS_KEY_ID=AKIDTEST", "AWS_SECRET_ACCESS_KEY=secret", "AWS_EC2_METADATA_DISABLED=true", "AWS_MAX_ATTEMPTS=1", "HOME=" + c.t.TempDir(), "PATH=/usr/bin:/bin"}
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return strings.TrimSpace(stderr.String())
	}
	if into != nil {
		check(c.t, json.Unmarshal([]byte(stdout.String()), into))
	}
	return ""
}

func TestAWSCommand(t *testing.T) {
	if _, err := os.Stat(awsCommand); err != nil {
		if os.Getenv("CI") != "" || os.Getenv("KEEPER_TEST_ALL") != "" {
			t.Fatalf("%s is not installed (package awscli)", awsCommand)
		}
		t.Skipf("%s is not installed (package awscli)", awsCommand)
	}
	c := startKMS(t)
	run := func(into any, args ...string) {
		t.Helper()
		if failure := c.aws(into, args...); failure != "" {
			t.Fatalf("aws %s: %s", strings.Join(args, " "), failure)
		}
	}
	var made struct{ ARN, VersionID string }
	run(&made, "secretsmanager", "create-secret", "--name", "app/db", "--secret-string", "v1", "--kms-key-id", "alias/keeper", "--tags", "Key=a,Value=b")
	run(nil, "secretsmanager", "put-secret-value", "--secret-id", "app/db", "--secret-string", "v2")
	var value struct{ SecretString string }
	run(&value, "secretsmanager", "get-secret-value", "--secret-id", made.ARN)
	equal(t, "value", value.SecretString, "v2")
	var list struct{ SecretList []struct{ Name string } }
	run(&list, "secretsmanager", "list-secrets", "--filters", "Key=name,Values=app/")
	equal(t, "listed", list.SecretList[0].Name, "app/db")
	run(nil, "secretsmanager", "delete-secret", "--secret-id", "app/db", "--recovery-window-in-days", "7")
	failure := c.aws(nil, "secretsmanager", "get-secret-value", "--secret-id", "app/db")
	if !strings.Contains(failure, "(InvalidRequestException)") || !strings.Contains(failure, "marked for deletion") {
		t.Errorf("got %q, want an InvalidRequestException", failure)
	}
	run(nil, "secretsmanager", "restore-secret", "--secret-id", "app/db")

	var key struct{ Plaintext, CiphertextBlob []byte }
	run(&key, "kms", "generate-data-key", "--key-id", "alias/keeper", "--key-spec", "AES_256")
	equal(t, "opened", must(c.open(key.CiphertextBlob, nil))(t), string(key.Plaintext))
	var who struct{ Account string }
	run(&who, "sts", "get-caller-identity")
	equal(t, "account", who.Account, standin.DefaultAccount)
	var assumed struct{ Credentials struct{ SessionToken string } }
	run(&assumed, "sts", "assume-role", "--role-arn", role, "--role-session-name", "keeper")
	equal(t, "session token given", assumed.Credentials.SessionToken != "", true)
}
