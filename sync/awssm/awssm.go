// Package awssm is the driver for AWS Secrets Manager: one account and region, names under
// a prefix. Keeper's mark is three tags, set in the call that creates a secret.
//
// The IAM actions that it needs on the prefix are ListSecrets and BatchGetSecretValue (on
// all resources, as AWS wants it), DescribeSecret, GetSecretValue, CreateSecret,
// PutSecretValue, UpdateSecretVersionStage, TagResource, DeleteSecret and RestoreSecret of
// secretsmanager, UntagResource where what was adopted is to be released, and kms:GenerateDataKey and kms:Decrypt on a key of the customer's own. To change the key
// of what stands, UpdateSecret, kms:Encrypt on the new one and kms:Decrypt on the old one;
// for replicas, ReplicateSecretToRegions and RemoveRegionsFromReplication.
package awssm

import (
	"cmp"
	"context"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/your-org/keeper/egress"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
)

// The tags of Keeper's mark.
const (
	tagOwner       = "keeper:owner"
	tagDestination = "keeper:destination"
	tagSecret      = "keeper:secret"
)

// tagReplicas is beside the mark: the regions, separated by spaces, of replicas that Keeper
// made and has seen in sync. A listing shows it, and shows nothing of the replicas.
const tagReplicas = "keeper:replicas"

const (
	stageCurrent  = "AWSCURRENT"
	stagePrevious = "AWSPREVIOUS"

	defaultRecoveryDays = 30
	defaultTimeout      = 30 * time.Second
	pageSize            = 100
	batchSize           = 20
)

// Options say where to work. Config holds the region, the credentials and, where it is not
// AWS's own, the endpoint (BaseEndpoint, which serves STS too).
type Options struct {
	Config       aws.Config
	Prefix       string // before each name: "keeper/production/"
	KMSKeyID     string // id, ARN or alias; empty: aws/secretsmanager for what is created, and any key for what is there
	RecoveryDays int    // 7 to 30; 0: 30
	RoleARN      string // assumed with Config's credentials; empty: none
	ExternalID   string // given when the role is assumed; empty: none
	WriteBurst   int    // values of one secret in quick succession, before one in ten minutes; 0: 5, below 0: any

	Tags            map[string]string // beside Keeper's and others'
	ReplicaRegions  []string
	ReplicaKMSKeyID string // for replicas that are made, in their own regions; empty: aws/secretsmanager
}

// Driver is a keepersync.Driver for AWS Secrets Manager.
type Driver struct {
	client       *secretsmanager.Client
	credentials  aws.CredentialsProvider
	prefix       string
	kmsKeyID     string
	recoveryDays int64
	roleARN      string
	region       string
	endpoint     string // that was entered; empty: AWS's
	scope        string // where STS does not tell the account
	account      account
	pace         keepersync.Pace

	keys       keyNames
	tags       map[string]string
	regions    []string
	replicaKey string
}

var (
	_ keepersync.Driver = (*Driver)(nil)
	_ keepersync.Quoted = (*Driver)(nil)
)

// New makes a driver; it calls nobody.
func New(o Options) *Driver {
	config := o.Config.Copy()
	config.HTTPClient = guarded(config.HTTPClient)
	who, known := identity(o)
	if o.RoleARN != "" {
		config.Credentials = assume(config, o)
	}
	d := &Driver{
		client:       secretsmanager.NewFromConfig(config),
		credentials:  config.Credentials,
		prefix:       o.Prefix,
		kmsKeyID:     o.KMSKeyID,
		recoveryDays: int64(cmp.Or(o.RecoveryDays, defaultRecoveryDays)),
		roleARN:      o.RoleARN,
		region:       config.Region,
		endpoint:     aws.ToString(config.BaseEndpoint),
		scope:        scopeOf(aws.ToString(config.BaseEndpoint), who, config.Region),
		pace:         paceOf(o.WriteBurst),
		keys:         keyNames{client: kms.NewFromConfig(config)},
		tags:         o.Tags,
		regions:      slices.Sorted(slices.Values(o.ReplicaRegions)),
		replicaKey:   o.ReplicaKMSKeyID,
	}
	if !known {
		d.account.client = sts.NewFromConfig(config)
	}
	return d
}

// AWS keeps up to 100 versions of a secret and removes none that is younger than a day, and
// so advises against more than one change in ten minutes for long.
const (
	sustained    = 10 * time.Minute
	defaultBurst = 5
)

func paceOf(burst int) keepersync.Pace {
	if burst < 0 {
		return keepersync.Pace{}
	}
	return keepersync.Pace{Burst: cmp.Or(burst, defaultBurst), Every: sustained}
}

// guarded is the SDK's own client, kept from addresses that no destination has; another
// stays as it is.
func guarded(client aws.HTTPClient) aws.HTTPClient {
	if client == nil {
		client = awshttp.NewBuildableClient().WithTimeout(defaultTimeout)
	}
	own, ok := client.(*awshttp.BuildableClient)
	if !ok {
		return client
	}
	return own.
		WithDialerOptions(func(d *net.Dialer) { d.Control = egress.Control }).
		WithTransportOptions(func(t *http.Transport) { t.Proxy = egress.Proxy(t.Proxy) })
}

func assume(config aws.Config, o Options) aws.CredentialsProvider {
	return aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(config), o.RoleARN,
		func(a *stscreds.AssumeRoleOptions) {
			a.RoleSessionName = "keeper"
			if o.ExternalID != "" {
				a.ExternalID = aws.String(o.ExternalID)
			}
		}))
}

// identity tells accounts apart as well as can be done without a call: by the account of
// the role, which is known, else by the access key. All that uses the process's own
// credentials is one.
func identity(o Options) (who string, known bool) {
	if parts := strings.Split(o.RoleARN, ":"); len(parts) == 6 && parts[4] != "" {
		return parts[4], true
	}
	if aws.IsCredentialsProvider(o.Config.Credentials, (*credentials.StaticCredentialsProvider)(nil)) {
		if c, err := o.Config.Credentials.Retrieve(context.Background()); err == nil {
			return c.AccessKeyID, false
		}
	}
	return "default", false
}

// Quota is what AWS grants an account in a region, calls per second.
func (d *Driver) Quota() keepersync.Quota {
	return keepersync.Quota{
		Scope: d.scope,
		Rates: map[keepersync.Family]float64{
			keepersync.FamilyList: 100, keepersync.FamilyDescribe: 40_000, keepersync.FamilyGet: 10_000,
			keepersync.FamilyBatchGet: 100, keepersync.FamilyCreate: 50, keepersync.FamilyPut: 50,
			keepersync.FamilyDelete: 50, keepersync.FamilyRestore: 50, keepersync.FamilyTag: 50,
		},
		PageSize:  pageSize,
		BatchSize: batchSize,
		Pace:      d.pace,
	}
}

func tagsOf(m keepersync.Mark) []types.Tag {
	return []types.Tag{
		{Key: aws.String(tagOwner), Value: aws.String(m.Owner)},
		{Key: aws.String(tagDestination), Value: aws.String(string(m.Destination))},
		{Key: aws.String(tagSecret), Value: aws.String(strconv.FormatInt(int64(m.Secret), 10))},
	}
}

// markOf reads the mark. A secret number that is none leaves the rest of the mark, which
// then equals no mark of ours.
func markOf(tags []types.Tag) keepersync.Mark {
	var m keepersync.Mark
	for _, t := range tags {
		switch aws.ToString(t.Key) {
		case tagOwner:
			m.Owner = aws.ToString(t.Value)
		case tagDestination:
			m.Destination = models.DestinationID(aws.ToString(t.Value))
		case tagSecret:
			id, _ := strconv.ParseInt(aws.ToString(t.Value), 10, 64)
			m.Secret = models.SecretID(id)
		}
	}
	return m
}
