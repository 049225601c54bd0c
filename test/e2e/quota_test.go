package e2e

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/test/awsstandin/standin"
	"github.com/your-org/keeper/test/scenario"
)

// TestQuotaOfReplicas has two servers on one database sync two destinations of one AWS
// account, under its real quotas: together they stay below them. One is killed; the other
// comes to the whole share. What is held is counts; a slow machine makes fewer calls.
func TestQuotaOfReplicas(t *testing.T) {
	for _, dialect := range []string{store.MySQL, store.Postgres} {
		t.Run(dialect, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
			defer cancel()
			aws := standin.Start(t, standin.Options{Quotas: standin.RealQuotas()})
			first := newKeeper(t, dialect)
			ours := signedIn(t, first, "SECRET_KEY="+strings.Repeat("s", 32), "KEEPER_SYNC_INTERVAL=86400")
			second := &scenario.Keeper{Binary: first.Binary, Dir: first.Dir, Env: first.Env, Port: freePort(t), Log: new(said)}
			theirs := signedIn(t, second)
			e := environment(t, ours, "production")
			addSecrets(ctx, t, ours, e, 600)

			connect(ctx, t, ours, e, aws.URL, 1)
			soon(t, "the first is at work", func() bool { return written(t, first) > 0 })
			// Who makes a destination takes up its pass, unless the other looks for work in that moment.
			for n := 2; written(t, second) == 0; n++ {
				if n == 6 {
					t.Fatal("the second takes up no pass")
				}
				connect(ctx, t, theirs, e, aws.URL, n)
				for wait := time.Now(); written(t, second) == 0 && time.Since(wait) < 5*time.Second; {
					time.Sleep(100 * time.Millisecond)
				}
			}
			a, b := written(t, first), written(t, second)
			time.Sleep(8 * time.Second)
			a, b = written(t, first)-a, written(t, second)-b
			t.Logf("in 8 s together: %d and %d", a, b)
			if a == 0 || b == 0 {
				t.Fatalf("%d and %d names were made: they were not both at work", a, b)
			}

			first.Kill()
			soon(t, "the other makes more than its half", func() bool {
				begin, before := time.Now(), written(t, second)
				time.Sleep(2 * time.Second)
				speed := float64(written(t, second)-before) / time.Since(begin).Seconds()
				t.Logf("alone: %.1f a second", speed)
				return speed > 30 // its half is 20, the share 40, the quota 50
			})
			calls := aws.Calls()["secretsmanager.CreateSecret"]
			if calls.Throttled > 0 {
				t.Errorf("AWS throttled %d of %d calls that make a secret", calls.Throttled, calls.Count)
			}
		})
	}
}

func addSecrets(ctx context.Context, t *testing.T, c *client.Client, e api.Environment, n int) {
	t.Helper()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for i := range n {
		group.Go(func() error {
			_, err := c.CreateSecret(ctx, api.NewSecret{
				EnvironmentID: api.EnvironmentByID(e.ID), Name: fmt.Sprintf("s%04d", i), SecretType: "TEXT", Value: api.NewValue("v"),
			})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}

// connect makes the nth destination in the account.
func connect(ctx context.Context, t *testing.T, c *client.Client, e api.Environment, url string, n int) {
	t.Helper()
	_, err := c.CreateDestination(ctx, api.NewDestination{
		EnvironmentID: api.EnvironmentByID(e.ID), Name: fmt.Sprint("aws-", n), Kind: "aws_secrets_manager",
		Config:      api.DestinationConfig{Region: region, Endpoint: url, Prefix: fmt.Sprint("place-", n, "/")},
		Credentials: api.DestinationCredentials{AccessKeyID: api.NewValue("test"), SecretAccessKey: api.NewValue("test")},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// written is how many values a server has written to AWS.
func written(t *testing.T, k *scenario.Keeper) int {
	t.Helper()
	answer, err := http.Get(k.URL + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	n := 0
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		name, count, _ := strings.Cut(lines.Text(), "} ")
		if strings.HasPrefix(name, "keeper_destination_call_duration_seconds_count") && strings.Contains(name, `operation="put"`) {
			made, err := strconv.Atoi(count)
			if err != nil {
				t.Fatal(err)
			}
			n += made
		}
	}
	return n
}

// soon waits until something is so.
func soon(t *testing.T, what string, is func() bool) {
	t.Helper()
	for begin := time.Now(); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Since(begin) > time.Minute {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}
