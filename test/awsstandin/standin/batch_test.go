package standin_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/test/awsstandin/standin"
)

// batch returns values by name and error codes by the id that was asked for.
func (c *clients) batch(ids ...string) (values, errors map[string]string) {
	c.t.Helper()
	out := must(c.sm.BatchGetSecretValue(c.ctx, &secretsmanager.BatchGetSecretValueInput{SecretIdList: ids}))(c.t)
	values, errors = map[string]string{}, map[string]string{}
	for _, v := range out.SecretValues {
		values[*v.Name] = *v.SecretString
	}
	for _, e := range out.Errors {
		errors[*e.SecretId] = *e.ErrorCode
	}
	return values, errors
}

func TestBatchGetSecretValue(t *testing.T) {
	c := start(t, standin.Options{})
	c.create("a", "va")
	arn := *c.create("b", "vb").ARN
	c.create("gone", "v")
	check(t, c.remove("gone", nil, nil))

	values, errors := c.batch("a", arn, "gone", "none")
	if diff := cmp.Diff(map[string]string{"a": "va", "b": "vb"}, values); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{"gone": "InvalidRequestException", "none": "ResourceNotFoundException"}, errors); diff != "" {
		t.Error(diff)
	}

	ids := make([]string, 21)
	for i := range ids {
		ids[i] = fmt.Sprint("s", i)
	}
	for name, tt := range map[string]struct {
		in   secretsmanager.BatchGetSecretValueInput
		code string
	}{
		"20":              {secretsmanager.BatchGetSecretValueInput{SecretIdList: ids[:20]}, ""},
		"21":              {secretsmanager.BatchGetSecretValueInput{SecretIdList: ids}, "ValidationException"},
		"nothing":         {secretsmanager.BatchGetSecretValueInput{}, "InvalidParameterException"},
		"ids and filters": {secretsmanager.BatchGetSecretValueInput{SecretIdList: ids[:1], Filters: []types.Filter{by("name", "a")}}, "InvalidParameterException"},
		"ids and a limit": {secretsmanager.BatchGetSecretValueInput{SecretIdList: ids[:1], MaxResults: aws.Int32(1)}, "InvalidParameterException"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.sm.BatchGetSecretValue(c.ctx, &tt.in)
			wantCode(t, err, tt.code)
		})
	}
}

func TestBatchByFilters(t *testing.T) {
	c := start(t, standin.Options{})
	want := map[string]string{}
	for i := range 45 {
		name := fmt.Sprintf("app/%02d", i)
		c.create(name, "v-"+name)
		want[name] = "v-" + name
	}
	c.create("other", "v")
	got, pages := map[string]string{}, 0
	in := &secretsmanager.BatchGetSecretValueInput{Filters: []types.Filter{by("name", "app/")}}
	for p := secretsmanager.NewBatchGetSecretValuePaginator(c.sm, in); p.HasMorePages(); pages++ {
		for _, v := range must(p.NextPage(c.ctx))(t).SecretValues {
			got[*v.Name] = *v.SecretString
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || pages != 3 {
		t.Fatalf("%d pages, values (-want +got):\n%s", pages, diff)
	}
}
