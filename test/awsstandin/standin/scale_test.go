package standin_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/your-org/keeper/test/awsstandin/standin"
)

// TestManySecrets lists while many clients write, and misses nothing that stood all the while.
func TestManySecrets(t *testing.T) {
	const kept, added, workers = 1500, 800, 8
	c := start(t, standin.Options{})
	write := func(prefix string, n int) {
		var wg sync.WaitGroup
		for w := range workers {
			wg.Go(func() {
				for i := w; i < n; i += workers {
					if _, err := c.sm.CreateSecret(c.ctx, &secretsmanager.CreateSecretInput{Name: aws.String(fmt.Sprintf("%s%05d", prefix, i)), SecretString: aws.String("v")}); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
	}
	write("kept/", kept)
	var wg sync.WaitGroup
	wg.Go(func() { write("added/", added) })
	for range 3 {
		for _, order := range []types.SortOrderType{types.SortOrderTypeAsc, types.SortOrderTypeDesc} {
			in := &secretsmanager.ListSecretsInput{Filters: []types.Filter{by("name", "kept/")}, SortOrder: order}
			equal(t, "kept secrets listed", distinct(c.list(in)), kept)
		}
	}
	wg.Wait()
	equal(t, "secrets listed", distinct(c.list(&secretsmanager.ListSecretsInput{})), kept+added)
}

func distinct(names []string) int {
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		seen[name] = true
	}
	return len(seen)
}
