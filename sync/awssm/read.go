package awssm

import (
	"context"
	"iter"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
)

// List yields the names under the prefix from ListSecrets alone, which AWS keeps consistent
// only within five minutes.
func (d *Driver) List(ctx context.Context) iter.Seq2[keepersync.Remote, error] {
	return func(yield func(keepersync.Remote, error) bool) {
		pages := secretsmanager.NewListSecretsPaginator(d.client, d.listInput(pageSize))
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(keepersync.Remote{}, d.fail(err, opList, ""))
				return
			}
			for _, e := range page.SecretList {
				// AWS's filter is a narrowing and no more: what it lets through is looked at again.
				if !strings.HasPrefix(aws.ToString(e.Name), d.prefix) {
					continue
				}
				r := remote(aws.ToString(e.Name), e.SecretVersionsToStages, e.Tags, e.DeletedDate, e.LastChangedDate)
				r.Untuned = d.untuned(ctx, beside{key: aws.ToString(e.KmsKeyId), tags: e.Tags}, r)
				if !yield(r.Remote, nil) {
					return
				}
			}
		}
	}
}

func (d *Driver) listInput(size int32) *secretsmanager.ListSecretsInput {
	in := &secretsmanager.ListSecretsInput{
		IncludePlannedDeletion: aws.Bool(true),
		MaxResults:             aws.Int32(size),
	}
	if d.prefix != "" {
		in.Filters = []types.Filter{{Key: types.FilterNameStringTypeName, Values: []string{d.prefix}}}
	}
	return in
}

// Describe looks one name up.
func (d *Driver) Describe(ctx context.Context, name string) (keepersync.Remote, error) {
	s, err := d.describe(ctx, name)
	return s.Remote, err
}

// state is a Remote with the version before the current one, and what stands beside the
// value.
type state struct {
	keepersync.Remote
	previous string
	beside   beside
}

func (d *Driver) describe(ctx context.Context, name string) (state, error) {
	out, err := d.client.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: aws.String(name)})
	if err != nil {
		return state{}, d.fail(err, opDescribe, name)
	}
	if out.ARN == nil { // what answers so is not AWS, and does not say that there is no value
		return state{}, fault.New(fault.Unavailable, "AWS Secrets Manager's answer does not tell of %s.", name)
	}
	s := remote(name, out.VersionIdsToStages, out.Tags, out.DeletedDate, out.LastChangedDate)
	s.beside = beside{key: aws.ToString(out.KmsKeyId), tags: out.Tags, replicas: out.ReplicationStatus, described: true}
	s.Untuned = d.untuned(ctx, s.beside, s)
	return s, nil
}

func remote(name string, stages map[string][]string, tags []types.Tag, deleted, changed *time.Time) state {
	s := state{Remote: keepersync.Remote{
		Name: name, Mark: markOf(tags), Deleted: deleted != nil, ChangedAt: aws.ToTime(changed),
	}}
	for version, labels := range stages {
		if slices.Contains(labels, stageCurrent) {
			s.Version = version
		}
		if slices.Contains(labels, stagePrevious) {
			s.previous = version
		}
	}
	return s
}

// Fetch reads values by twenties. A name that AWS says nothing of is unknown, not absent.
func (d *Driver) Fetch(ctx context.Context, names []string) map[string]keepersync.Fetched {
	answers := make(map[string]keepersync.Fetched, len(names))
	for batch := range slices.Chunk(names, batchSize) {
		out, err := d.client.BatchGetSecretValue(ctx, &secretsmanager.BatchGetSecretValueInput{SecretIdList: batch})
		if err != nil {
			for _, name := range batch {
				answers[name] = keepersync.Fetched{Err: d.fail(err, opBatchGet, name)}
			}
			continue
		}
		for _, v := range out.SecretValues {
			if v.SecretString != nil || v.SecretBinary != nil {
				answers[aws.ToString(v.Name)] = fetched(v)
			}
		}
		for _, e := range out.Errors {
			name := nameOf(aws.ToString(e.SecretId))
			answers[name] = keepersync.Fetched{Err: d.failFetch(ctx, aws.ToString(e.ErrorCode), name)}
		}
		for _, name := range batch {
			if _, ok := answers[name]; !ok {
				answers[name] = keepersync.Fetched{Err: fault.New(fault.Unavailable, "AWS Secrets Manager answered neither with a value nor with an error for %s.", name)}
			}
		}
	}
	return answers
}

func fetched(v types.SecretValueEntry) keepersync.Fetched {
	f := keepersync.Fetched{Value: models.NewPlaintext(v.SecretBinary), Version: aws.ToString(v.VersionId)}
	switch {
	case v.SecretString != nil:
		f.Value = models.NewPlaintext([]byte(*v.SecretString))
	case utf8.Valid(v.SecretBinary):
		f.Odd = "It stands in SecretBinary, and Keeper would write it as SecretString."
	}
	return f
}

// failFetch explains why one secret of a batch has no value. AWS answers alike for what is
// deleted and for other states that forbid reading, so a look decides.
func (d *Driver) failFetch(ctx context.Context, code, name string) error {
	if code == "InvalidRequestException" {
		s, err := d.describe(ctx, name)
		if err != nil {
			return err
		}
		if s.Deleted {
			return fault.New(fault.NotFound, "%s is scheduled for deletion in AWS Secrets Manager and has no current value.", name)
		}
	}
	return d.failCode(code, opGet, name, nil)
}

// nameOf is the name in an ARN, or what it is given: AWS names the secrets of a batch's
// errors either way.
func nameOf(id string) string {
	if !strings.HasPrefix(id, "arn:") {
		return id
	}
	_, name, _ := strings.Cut(id, ":secret:")
	if cut := len(name) - 7; cut > 0 && name[cut] == '-' {
		return name[:cut]
	}
	return name
}
