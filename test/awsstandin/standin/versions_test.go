package standin_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/test/awsstandin/standin"
)

func TestPutSecretValue(t *testing.T) {
	t.Run("moves AWSCURRENT and leaves AWSPREVIOUS", func(t *testing.T) {
		c := start(t, standin.Options{})
		first := *c.create("s", "v1").VersionId
		second := *c.put("s", "v2").VersionId
		third := *c.put("s", "v3").VersionId
		want := map[string][]string{second: {"AWSPREVIOUS"}, third: {"AWSCURRENT"}}
		if diff := cmp.Diff(want, c.stages("s")); diff != "" {
			t.Fatalf("stages (-want +got):\n%s", diff)
		}
		equal(t, "the version without a label", c.valueOf("s", first), "v1")
	})
	t.Run("same token", func(t *testing.T) {
		c := start(t, standin.Options{})
		c.create("s", "v1")
		put := func(value string) (*secretsmanager.PutSecretValueOutput, error) {
			return c.sm.PutSecretValue(c.ctx, &secretsmanager.PutSecretValueInput{SecretId: aws.String("s"), SecretString: &value, ClientRequestToken: aws.String(token)})
		}
		equal(t, "version id", *must(put("v2"))(t).VersionId, token)
		equal(t, "repeated version id", *must(put("v2"))(t).VersionId, token)
		_, err := put("v3")
		wantCode(t, err, "ResourceExistsException")
		c.put("s", "v4")
		must(put("v2"))(t)
		equal(t, "value after an old put came again", c.value("s"), "v4")
		state, _ := c.server.Secret(region, "s")
		equal(t, "versions", len(state.Versions), 3)
	})
	t.Run("stages", func(t *testing.T) {
		c := start(t, standin.Options{})
		c.create("s", "v1")
		out := must(c.sm.PutSecretValue(c.ctx, &secretsmanager.PutSecretValueInput{SecretId: aws.String("s"), SecretString: aws.String("v2"), VersionStages: []string{"AWSPENDING"}}))(t)
		equal(t, "current value", c.value("s"), "v1")
		if diff := cmp.Diff([]string{"AWSPENDING"}, out.VersionStages); diff != "" {
			t.Fatal(diff)
		}
		many := make([]string, 21)
		for i := range many {
			many[i] = fmt.Sprint("L", i)
		}
		_, err := c.sm.PutSecretValue(c.ctx, &secretsmanager.PutSecretValueInput{SecretId: aws.String("s"), SecretString: aws.String("v3"), VersionStages: many})
		wantCode(t, err, "ValidationException")
		must(c.sm.PutSecretValue(c.ctx, &secretsmanager.PutSecretValueInput{SecretId: aws.String("s"), SecretString: aws.String("v3"), VersionStages: many[:20]}))(t)
	})
	t.Run("refusals", func(t *testing.T) {
		c := start(t, standin.Options{})
		c.create("s", "v1")
		for name, tt := range map[string]struct {
			in   secretsmanager.PutSecretValueInput
			code string
		}{
			"unknown": {secretsmanager.PutSecretValueInput{SecretId: aws.String("none"), SecretString: aws.String("v")}, "ResourceNotFoundException"},
			"both":    {secretsmanager.PutSecretValueInput{SecretId: aws.String("s"), SecretString: aws.String("v"), SecretBinary: []byte("v")}, "InvalidParameterException"},
			"neither": {secretsmanager.PutSecretValueInput{SecretId: aws.String("s")}, "InvalidRequestException"},
			"too big": {secretsmanager.PutSecretValueInput{SecretId: aws.String("s"), SecretString: aws.String(strings.Repeat("é", 32769))}, "ValidationException"},
		} {
			t.Run(name, func(t *testing.T) {
				_, err := c.sm.PutSecretValue(c.ctx, &tt.in)
				wantCode(t, err, tt.code)
			})
		}
		equal(t, "value after refusals", c.value("s"), "v1")
	})
}

func TestConcurrentPutsLeaveOneCurrent(t *testing.T) {
	c := start(t, standin.Options{})
	c.create("s", "v0")
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			_, err := c.sm.PutSecretValue(c.ctx, &secretsmanager.PutSecretValueInput{SecretId: aws.String("s"), SecretString: aws.String(fmt.Sprint("v", i))})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var labels []string
	for _, stages := range c.stages("s") {
		labels = append(labels, stages...)
	}
	slices.Sort(labels)
	if diff := cmp.Diff([]string{"AWSCURRENT", "AWSPREVIOUS"}, labels); diff != "" {
		t.Fatal(diff)
	}
}

func TestVersionLimit(t *testing.T) {
	c := start(t, standin.Options{})
	c.create("s", "v0")
	for i := 1; i < 100; i++ {
		c.put("s", fmt.Sprint("v", i))
	}
	put := &secretsmanager.PutSecretValueInput{SecretId: aws.String("s"), SecretString: aws.String("one more")}
	_, err := c.sm.PutSecretValue(c.ctx, put)
	wantCode(t, err, "LimitExceededException")
	c.server.Advance(25 * time.Hour)
	c.put("s", "one more")
	state, _ := c.server.Secret(region, "s")
	equal(t, "versions", len(state.Versions), 100)
	equal(t, "oldest kept", state.Versions[0].Text, "v1")
}

func TestUpdateSecret(t *testing.T) {
	c := start(t, standin.Options{})
	first := *c.create("s", "v1").VersionId
	arn := c.server.CreateKey(region, "alias/keeper")
	t.Run("description and key only", func(t *testing.T) {
		out := must(c.sm.UpdateSecret(c.ctx, &secretsmanager.UpdateSecretInput{SecretId: aws.String("s"), Description: aws.String("d"), KmsKeyId: aws.String("alias/keeper")}))(t)
		if out.VersionId != nil {
			t.Errorf("got version %s, want none", *out.VersionId)
		}
		d := must(c.sm.DescribeSecret(c.ctx, &secretsmanager.DescribeSecretInput{SecretId: aws.String("s")}))(t)
		equal(t, "description", *d.Description, "d")
		equal(t, "key", *d.KmsKeyId, "alias/keeper")
		if diff := cmp.Diff(map[string][]string{first: {"AWSCURRENT"}}, d.VersionIdsToStages); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("value", func(t *testing.T) {
		out := must(c.sm.UpdateSecret(c.ctx, &secretsmanager.UpdateSecretInput{SecretId: aws.String("s"), SecretString: aws.String("v2"), ClientRequestToken: aws.String(token)}))(t)
		equal(t, "version", *out.VersionId, token)
		equal(t, "value", c.value("s"), "v2")
		_, err := c.sm.UpdateSecret(c.ctx, &secretsmanager.UpdateSecretInput{SecretId: aws.String("s"), SecretString: aws.String("v3"), ClientRequestToken: aws.String(token)})
		wantCode(t, err, "ResourceExistsException")
	})
	t.Run("unknown key changes nothing", func(t *testing.T) {
		_, err := c.sm.UpdateSecret(c.ctx, &secretsmanager.UpdateSecretInput{SecretId: aws.String("s"), Description: aws.String("other"), KmsKeyId: aws.String(arn + "x")})
		wantCode(t, err, "InvalidParameterException")
		state, _ := c.server.Secret(region, "s")
		equal(t, "description", state.Description, "d")
	})
}

func TestUpdateSecretVersionStage(t *testing.T) {
	c := start(t, standin.Options{})
	first := *c.create("s", "v1").VersionId
	second := *c.put("s", "v2").VersionId
	move := func(stage string, to, from *string) error {
		_, err := c.sm.UpdateSecretVersionStage(c.ctx, &secretsmanager.UpdateSecretVersionStageInput{SecretId: aws.String("s"), VersionStage: &stage, MoveToVersionId: to, RemoveFromVersionId: from})
		return err
	}
	wantCode(t, move("AWSCURRENT", &first, nil), "InvalidParameterException")
	wantCode(t, move("AWSCURRENT", &first, &first), "InvalidParameterException")
	wantCode(t, move("AWSCURRENT", nil, &second), "InvalidParameterException")
	wantCode(t, move("AWSCURRENT", aws.String(token), &second), "ResourceNotFoundException")
	equal(t, "value after refusals", c.value("s"), "v2")

	check(t, move("AWSCURRENT", &first, &second))
	check(t, move("blue", &second, nil))
	want := map[string][]string{first: {"AWSCURRENT"}, second: {"AWSPREVIOUS", "blue"}}
	if diff := cmp.Diff(want, c.stages("s")); diff != "" {
		t.Fatalf("stages (-want +got):\n%s", diff)
	}
	check(t, move("blue", nil, &second))
	for i := range 19 {
		check(t, move(fmt.Sprint("L", i), &first, nil))
	}
	wantCode(t, move("L20", &first, nil), "LimitExceededException")
}

func TestListSecretVersionIds(t *testing.T) {
	c := start(t, standin.Options{})
	var made []string
	made = append(made, *c.create("s", "v1").VersionId)
	for i := range 4 {
		made = append(made, *c.put("s", fmt.Sprint("v", i+2)).VersionId)
	}
	list := func(deprecated bool) (ids []string, pages int) {
		in := &secretsmanager.ListSecretVersionIdsInput{SecretId: aws.String("s"), IncludeDeprecated: &deprecated, MaxResults: aws.Int32(2)}
		for p := secretsmanager.NewListSecretVersionIdsPaginator(c.sm, in); p.HasMorePages(); pages++ {
			for _, v := range must(p.NextPage(c.ctx))(t).Versions {
				ids = append(ids, *v.VersionId)
				equal(t, "key", v.KmsKeyIds[0], "DefaultEncryptionKey")
			}
		}
		return ids, pages
	}
	ids, pages := list(true)
	slices.Reverse(ids)
	if diff := cmp.Diff(made, ids); diff != "" || pages != 3 {
		t.Fatalf("%d pages, versions (-want +got):\n%s", pages, diff)
	}
	ids, _ = list(false)
	if diff := cmp.Diff([]string{made[4], made[3]}, ids); diff != "" {
		t.Fatal(diff)
	}
	_, err := c.sm.ListSecretVersionIds(c.ctx, &secretsmanager.ListSecretVersionIdsInput{SecretId: aws.String("s"), NextToken: aws.String("junk")})
	wantCode(t, err, "InvalidNextTokenException")
}

func TestValueUnderAnUnusableKey(t *testing.T) {
	c := start(t, standin.Options{KMSAliases: []string{"alias/keeper"}})
	must(c.sm.CreateSecret(c.ctx, &secretsmanager.CreateSecretInput{Name: aws.String("s"), SecretString: aws.String("v1"), KmsKeyId: aws.String("alias/keeper")}))(t)
	c.setKey(false)
	_, err := c.get("s")
	wantCode(t, err, "DecryptionFailure")
	_, err = c.sm.PutSecretValue(c.ctx, &secretsmanager.PutSecretValueInput{SecretId: aws.String("s"), SecretString: aws.String("v2")})
	wantCode(t, err, "EncryptionFailure")
	c.setKey(true)
	equal(t, "value", c.value("s"), "v1")
}

func (c *clients) stages(name string) map[string][]string {
	c.t.Helper()
	return must(c.sm.DescribeSecret(c.ctx, &secretsmanager.DescribeSecretInput{SecretId: &name}))(c.t).VersionIdsToStages
}

func (c *clients) valueOf(name, version string) string {
	c.t.Helper()
	return *must(c.sm.GetSecretValue(c.ctx, &secretsmanager.GetSecretValueInput{SecretId: &name, VersionId: &version}))(c.t).SecretString
}
