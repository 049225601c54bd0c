package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/keys"
	"github.com/your-org/keeper/models"
)

func TestPrice(t *testing.T) {
	for calls, want := range map[int64]string{0: "$0.00", 1: "less than $0.01", 10_000: "$0.03", 2_000_000: "$6.00"} {
		if got := price(calls); got != want {
			t.Errorf("%d calls: got %s, want %s", calls, got, want)
		}
	}
}

func plan(problem string) keys.MigrationPlan {
	return keys.MigrationPlan{
		DataKeys: 3, Versions: 40, Calls: 20_000, Duration: 20 * time.Second,
		Environments: []keys.EnvironmentPlan{{
			Environment: models.Environment{Name: "production"}, Targets: []string{"arn:b"}, DataKeys: 4, Standing: 1, Versions: 40, Credentials: 2,
			Under: []keys.Under{{Kind: models.RecipientLocal, ID: "local:a:1", DataKeys: 3, Versions: 40}}, Calls: 20_000, Problem: problem, Hint: "Mend it.",
		}},
	}
}

func TestShowPlan(t *testing.T) {
	for name, c := range map[string]struct {
		problem string
		want    error
		says    string
	}{
		"Possible": {"", nil, "3 data keys to move, 40 versions to open under the new key: 20000 calls of KMS, $0.06 at AWS's list price"},
		"Blocked":  {"KMS refuses.", quietExit(exitFailed), "production cannot be moved now: KMS refuses. Mend it."},
	} {
		t.Run(name, func(t *testing.T) {
			var data, talk bytes.Buffer
			e := &env{std: Stdio{Out: &data, Err: &talk}, output: "table"}
			if err := e.showPlan(plan(c.problem), 1000); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if !strings.Contains(talk.String(), c.says) || !strings.Contains(talk.String(), "nothing was changed") {
				t.Errorf("got %q, want it to say %q", talk.String(), c.says)
			}
			want := []string{"production", "4", "3", "40", "2", "20000", "local:a:1", "(3)", "arn:b"}
			if diff := cmp.Diff(want, strings.Fields(strings.Split(data.String(), "\n")[1])); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
	t.Run("JSON", func(t *testing.T) {
		var data bytes.Buffer
		e := &env{std: Stdio{Out: &data, Err: &bytes.Buffer{}}, output: "json"}
		if err := e.showPlan(plan(""), 1000); err != nil {
			t.Fatal(err)
		}
		var got plannedMigration
		if err := json.Unmarshal(data.Bytes(), &got); err != nil || got.Dollars != 0.06 || got.Seconds != 20 || got.Environments[0].Under[0].Key != "local:a:1" {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}
