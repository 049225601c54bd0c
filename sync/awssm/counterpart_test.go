package awssm_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/awssm"
	"github.com/your-org/keeper/sync/drivertest"
	"github.com/your-org/keeper/test/awsstandin/standin"
)

const (
	region = "eu-central-1"
	prefix = "keeper/test/"
)

// config is that of a client with the SDK's own retries, but without their long waits.
func config(url, key string) aws.Config {
	return aws.Config{
		Region:       region,
		BaseEndpoint: aws.String(url),
		Credentials:  credentials.NewStaticCredentialsProvider(key, "secret", ""),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = 5 * time.Millisecond })
		},
	}
}

// counterpart is the stand-in, with a stranger's client on it.
type counterpart struct {
	t        *testing.T
	server   *standin.Server
	driver   *awssm.Driver
	stranger *secretsmanager.Client
}

func start(t *testing.T) *counterpart {
	server := standin.Start(t, standin.Options{})
	return &counterpart{
		t: t, server: server,
		driver:   awssm.New(awssm.Options{Config: config(server.URL, "AKIAKEEPER"), Prefix: prefix}),
		stranger: secretsmanager.NewFromConfig(config(server.URL, "AKIASTRANGER")),
	}
}

func (c *counterpart) Driver() keepersync.Driver { return c.driver }
func (c *counterpart) Prefix() string            { return prefix }
func (c *counterpart) Mend()                     { c.server.ClearFaults() }

func (c *counterpart) Unreachable() keepersync.Driver {
	return c.At(drivertest.DeadEnd(c.t))
}

func (c *counterpart) At(url string) keepersync.Driver {
	return awssm.New(awssm.Options{Config: config(url, "AKIAKEEPER"), Prefix: prefix})
}

func (c *counterpart) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *counterpart) Read(name string) ([]byte, bool) {
	s, ok := c.server.Secret(region, name)
	v, current := s.Current()
	if v.Text != "" {
		v.Binary = []byte(v.Text)
	}
	return v.Binary, ok && current && s.Deleted.IsZero()
}

func (c *counterpart) Versions(name string) int {
	s, _ := c.server.Secret(region, name)
	return len(s.Versions)
}

func (c *counterpart) Edit(name string, value []byte) {
	c.t.Helper()
	ctx, id, text := context.Background(), aws.String(name), aws.String(string(value))
	if _, there := c.server.Secret(region, name); there {
		_, err := c.stranger.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: id, SecretString: text})
		c.must(err)
		return
	}
	_, err := c.stranger.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: id, SecretString: text})
	c.must(err)
}

func (c *counterpart) Label(name, key, value string) {
	c.t.Helper()
	_, err := c.stranger.TagResource(context.Background(), &secretsmanager.TagResourceInput{
		SecretId: aws.String(name), Tags: []types.Tag{{Key: aws.String(key), Value: aws.String(value)}},
	})
	c.must(err)
}

func (c *counterpart) Labels(name string) map[string]string {
	labels := map[string]string{}
	s, _ := c.server.Secret(region, name)
	for key, value := range s.Tags {
		if !strings.HasPrefix(key, "keeper:") {
			labels[key] = value
		}
	}
	return labels
}

func (c *counterpart) Purge(name string) {
	c.t.Helper()
	_, err := c.stranger.DeleteSecret(context.Background(), &secretsmanager.DeleteSecretInput{
		SecretId: aws.String(name), ForceDeleteWithoutRecovery: aws.Bool(true),
	})
	c.must(err)
}

var calls = map[drivertest.Op]string{
	drivertest.OpList: "ListSecrets", drivertest.OpDescribe: "DescribeSecret", drivertest.OpFetch: "BatchGetSecretValue",
	drivertest.OpCreate: "CreateSecret", drivertest.OpUpdate: "PutSecretValue", drivertest.OpMark: "TagResource",
	drivertest.OpUnmark: "UntagResource", drivertest.OpDelete: "DeleteSecret", drivertest.OpRestore: "RestoreSecret",
}

func (c *counterpart) inject(f standin.Fault) {
	c.t.Helper()
	f.Service = "secretsmanager"
	c.must(c.server.Inject(f))
}

func (c *counterpart) Lose(op drivertest.Op) {
	c.t.Helper()
	c.inject(standin.Fault{Operation: calls[op], Kind: standin.FaultTimeoutAfter, Millis: 1})
}

func (c *counterpart) Deny(op drivertest.Op, name string) string {
	c.t.Helper()
	call := calls[op]
	if op == drivertest.OpFetch && name != "" {
		call = "GetSecretValue" // what AWS asks for each secret of a batch
	}
	c.inject(standin.Fault{Operation: call, Secret: name, Kind: standin.FaultDenied})
	return "secretsmanager:" + call
}

func (c *counterpart) Throttle(op drivertest.Op) {
	c.t.Helper()
	c.inject(standin.Fault{Operation: calls[op], Kind: standin.FaultThrottle})
}

func (c *counterpart) Break(op drivertest.Op) {
	c.t.Helper()
	c.inject(standin.Fault{Operation: calls[op], Kind: standin.FaultError500})
}

func (c *counterpart) CutListing(int) {
	c.t.Helper()
	c.inject(standin.Fault{Operation: calls[drivertest.OpList], Kind: standin.FaultTruncateList})
}

func replicate(name, region string) *secretsmanager.ReplicateSecretToRegionsInput {
	return &secretsmanager.ReplicateSecretToRegionsInput{
		SecretId: aws.String(name), AddReplicaRegions: []types.ReplicaRegionType{{Region: aws.String(region)}},
	}
}
