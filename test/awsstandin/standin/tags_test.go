package standin_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/test/awsstandin/standin"
)

func manyTags(n int) (many []types.Tag) {
	for i := range n {
		many = append(many, tags(fmt.Sprint("k", i), "v")...)
	}
	return many
}

func TestTags(t *testing.T) {
	c := start(t, standin.Options{})
	id := aws.String("s")
	must(c.sm.CreateSecret(c.ctx, &secretsmanager.CreateSecretInput{Name: id, Tags: tags("a", "1", "b", "2")}))(t)
	tag := func(tags []types.Tag) error {
		_, err := c.sm.TagResource(c.ctx, &secretsmanager.TagResourceInput{SecretId: id, Tags: tags})
		return err
	}
	check(t, tag(tags("b", "3", "c", "4")))
	must(c.sm.UntagResource(c.ctx, &secretsmanager.UntagResourceInput{SecretId: id, TagKeys: []string{"a", "none"}}))(t)
	state, _ := c.server.Secret(region, "s")
	if diff := cmp.Diff(map[string]string{"b": "3", "c": "4"}, state.Tags); diff != "" {
		t.Fatal(diff)
	}

	wantCode(t, tag(tags("aws:x", "1")), "InvalidParameterException")
	wantCode(t, tag(tags("x", "1", "x", "2")), "InvalidParameterException")
	wantCode(t, tag(tags(strings.Repeat("k", 129), "1")), "ValidationException")
	wantCode(t, tag(tags("x", strings.Repeat("v", 257))), "ValidationException")
	wantCode(t, tag(manyTags(49)), "InvalidParameterException")
	check(t, tag(manyTags(48)))
	_, err := c.sm.CreateSecret(c.ctx, &secretsmanager.CreateSecretInput{Name: aws.String("t"), Tags: manyTags(51)})
	wantCode(t, err, "LimitExceededException")
}

func TestReplication(t *testing.T) {
	c := start(t, standin.Options{})
	c.create("s", "v")
	id := aws.String("s")
	out := must(c.sm.ReplicateSecretToRegions(c.ctx, &secretsmanager.ReplicateSecretToRegionsInput{SecretId: id, AddReplicaRegions: []types.ReplicaRegionType{{Region: aws.String("us-east-1")}}}))(t)
	equal(t, "status", out.ReplicationStatus[0].Status, types.StatusTypeInSync)
	d := must(c.sm.DescribeSecret(c.ctx, &secretsmanager.DescribeSecretInput{SecretId: id}))(t)
	equal(t, "primary region", aws.ToString(d.PrimaryRegion), region)
	equal(t, "replica", aws.ToString(d.ReplicationStatus[0].Region), "us-east-1")
	wantCode(t, c.remove("s", nil, nil), "InvalidRequestException")
	left := must(c.sm.RemoveRegionsFromReplication(c.ctx, &secretsmanager.RemoveRegionsFromReplicationInput{SecretId: id, RemoveReplicaRegions: []string{"us-east-1"}}))(t)
	equal(t, "replicas left", len(left.ReplicationStatus), 0)
	check(t, c.remove("s", nil, nil))
	_, err := c.sm.GetResourcePolicy(c.ctx, &secretsmanager.GetResourcePolicyInput{SecretId: id})
	wantCode(t, err, "InvalidRequestException")
}

func TestResourcePolicyIsEmpty(t *testing.T) {
	c := start(t, standin.Options{})
	c.create("s", "v")
	out := must(c.sm.GetResourcePolicy(c.ctx, &secretsmanager.GetResourcePolicyInput{SecretId: aws.String("s")}))(t)
	equal(t, "name", *out.Name, "s")
	equal(t, "policy", aws.ToString(out.ResourcePolicy), "")
}
