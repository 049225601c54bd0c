package standin_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/test/awsstandin/standin"
)

// list follows all pages and returns the names.
func (c *clients) list(in *secretsmanager.ListSecretsInput) []string {
	c.t.Helper()
	var names []string
	for p := secretsmanager.NewListSecretsPaginator(c.sm, in); p.HasMorePages(); {
		for _, e := range must(p.NextPage(c.ctx))(c.t).SecretList {
			names = append(names, *e.Name)
		}
	}
	return names
}

func tags(pairs ...string) (tags []types.Tag) {
	for i := 0; i < len(pairs); i += 2 {
		tags = append(tags, types.Tag{Key: &pairs[i], Value: &pairs[i+1]})
	}
	return tags
}

func by(key types.FilterNameStringType, values ...string) types.Filter {
	return types.Filter{Key: key, Values: values}
}

func TestListSecretsFilters(t *testing.T) {
	c := start(t, standin.Options{})
	for _, in := range []secretsmanager.CreateSecretInput{
		{Name: aws.String("prod/db"), Description: aws.String("Main Database"), Tags: tags("keeper:owner", "k1", "team", "blue")},
		{Name: aws.String("prod/mail"), Description: aws.String("Outgoing"), Tags: tags("team", "red")},
		{Name: aws.String("test/db"), Tags: tags("keeper:owner", "k2")},
	} {
		must(c.sm.CreateSecret(c.ctx, &in))(t)
	}
	tests := map[string]struct {
		filters []types.Filter
		want    []string
	}{
		"none":               {nil, []string{"prod/db", "prod/mail", "test/db"}},
		"name prefix":        {[]types.Filter{by("name", "prod/")}, []string{"prod/db", "prod/mail"}},
		"name is no infix":   {[]types.Filter{by("name", "db")}, nil},
		"name keeps case":    {[]types.Filter{by("name", "Prod")}, nil},
		"two names":          {[]types.Filter{by("name", "prod/m", "test")}, []string{"prod/mail", "test/db"}},
		"not a name":         {[]types.Filter{by("name", "!prod/")}, []string{"test/db"}},
		"tag key":            {[]types.Filter{by("tag-key", "keeper:")}, []string{"prod/db", "test/db"}},
		"tag value":          {[]types.Filter{by("tag-value", "red")}, []string{"prod/mail"}},
		"tag key and value":  {[]types.Filter{by("tag-key", "keeper:"), by("tag-value", "k2")}, []string{"test/db"}},
		"description":        {[]types.Filter{by("description", "main")}, []string{"prod/db"}},
		"all, name":          {[]types.Filter{by("all", "mail")}, []string{"prod/mail"}},
		"all, tag, any case": {[]types.Filter{by("all", "BLUE database")}, []string{"prod/db"}},
		"primary region":     {[]types.Filter{by("primary-region", region)}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := c.list(&secretsmanager.ListSecretsInput{Filters: tt.filters, SortOrder: types.SortOrderTypeAsc})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("names (-want +got):\n%s", diff)
			}
		})
	}
	_, err := c.sm.ListSecrets(c.ctx, &secretsmanager.ListSecretsInput{Filters: []types.Filter{by("colour", "red")}})
	wantCode(t, err, "ValidationException")
}

func TestListSecretsPages(t *testing.T) {
	c := start(t, standin.Options{})
	var want []string
	for i := range 250 {
		want = append(want, fmt.Sprintf("s-%03d", i))
		c.create(want[i], "v")
	}
	for _, size := range []int32{1, 7, 100} {
		t.Run(fmt.Sprint("pages of ", size), func(t *testing.T) {
			got := c.list(&secretsmanager.ListSecretsInput{MaxResults: &size, SortOrder: types.SortOrderTypeAsc})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	got := c.list(&secretsmanager.ListSecretsInput{})
	slices.Reverse(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("newest first is not the default: %s", diff)
	}
	first := must(c.sm.ListSecrets(c.ctx, &secretsmanager.ListSecretsInput{}))(t)
	equal(t, "size of a page by default", len(first.SecretList), 100)
	for _, size := range []int32{0, 101} {
		_, err := c.sm.ListSecrets(c.ctx, &secretsmanager.ListSecretsInput{MaxResults: &size})
		wantCode(t, err, "ValidationException")
	}
	for name, in := range map[string]secretsmanager.ListSecretsInput{
		"junk":        {NextToken: aws.String("junk")},
		"other query": {NextToken: first.NextToken, SortOrder: types.SortOrderTypeAsc},
	} {
		_, err := c.sm.ListSecrets(c.ctx, &in)
		t.Run(name, func(t *testing.T) { wantCode(t, err, "InvalidNextTokenException") })
	}
}

func TestListWhileSecretsGo(t *testing.T) {
	c := start(t, standin.Options{})
	for i := range 1500 {
		c.create(fmt.Sprintf("s-%04d", i), "v")
	}
	in := &secretsmanager.ListSecretsInput{SortOrder: types.SortOrderTypeAsc}
	first := must(c.sm.ListSecrets(c.ctx, in))(t)
	for i := range 1400 {
		check(t, c.remove(fmt.Sprintf("s-%04d", i), nil, aws.Bool(true)))
	}
	c.create("last", "v")
	in.NextToken = first.NextToken
	got := c.list(in)
	equal(t, "first after the page", got[0], "s-1400")
	equal(t, "last", got[len(got)-1], "last")
	equal(t, "how many", len(got), 101)
}

func TestListIsStale(t *testing.T) {
	c := start(t, standin.Options{ListDelay: 5 * time.Minute})
	c.create("s", "v1")
	equal(t, "listed at once", len(c.list(&secretsmanager.ListSecretsInput{})), 0)
	equal(t, "value at once", c.value("s"), "v1")
	c.server.Advance(5*time.Minute + time.Second)
	equal(t, "listed later", len(c.list(&secretsmanager.ListSecretsInput{})), 1)

	old := c.listed("s")
	now := *c.put("s", "v2").VersionId
	if diff := cmp.Diff(old, c.listed("s")); diff != "" {
		t.Errorf("the list shows a put at once:\n%s", diff)
	}
	check(t, c.remove("s", nil, aws.Bool(true)))
	equal(t, "listed after the deletion", len(c.list(&secretsmanager.ListSecretsInput{})), 1)
	c.server.Advance(5*time.Minute + time.Second)
	equal(t, "listed long after the deletion", len(c.list(&secretsmanager.ListSecretsInput{})), 0)
	if _, listed := old[now]; listed {
		t.Error("the stale list knew the new version")
	}
}

func (c *clients) listed(name string) map[string][]string {
	c.t.Helper()
	out := must(c.sm.ListSecrets(c.ctx, &secretsmanager.ListSecretsInput{Filters: []types.Filter{by("name", name)}}))(c.t)
	return out.SecretList[0].SecretVersionsToStages
}
