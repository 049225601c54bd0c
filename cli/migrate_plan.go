package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/your-org/keeper/keys"
)

// kmsPrice is AWS's list price of 10,000 requests to symmetric keys, in dollars, outside the
// free tier: https://aws.amazon.com/kms/pricing/
const kmsPrice = 0.03

// plannedMigration is a plan as JSON.
type plannedMigration struct {
	Environments []plannedEnvironment `json:"environments"`
	DataKeys     int64                `json:"data_keys"`
	Versions     int64                `json:"versions"`
	Calls        int64                `json:"calls"`
	Dollars      float64              `json:"dollars_at_list_price"`
	Seconds      int64                `json:"seconds"`
}

type plannedEnvironment struct {
	Name        string     `json:"environment"`
	Targets     []string   `json:"targets"`
	DataKeys    int64      `json:"data_keys"`
	Standing    int64      `json:"standing"`
	Versions    int64      `json:"versions"`
	Credentials int64      `json:"credentials"`
	Under       []underKey `json:"under"`
	Calls       int64      `json:"calls"`
	Problem     string     `json:"problem,omitempty"`
	Hint        string     `json:"hint,omitempty"`
}

type underKey struct {
	Kind     string `json:"kind"`
	Key      string `json:"key"`
	DataKeys int    `json:"data_keys"`
	Versions int    `json:"versions"`
}

func planned(p keys.MigrationPlan) plannedMigration {
	plan := plannedMigration{
		Environments: []plannedEnvironment{}, DataKeys: p.DataKeys, Versions: p.Versions, Calls: p.Calls,
		Dollars: dollars(p.Calls), Seconds: int64(p.Duration.Seconds()),
	}
	for _, one := range p.Environments {
		environment := plannedEnvironment{
			Name: one.Environment.Name, Targets: one.Targets, DataKeys: one.DataKeys, Standing: one.Standing, Versions: one.Versions,
			Credentials: one.Credentials, Under: []underKey{}, Calls: one.Calls, Problem: one.Problem, Hint: one.Hint,
		}
		for _, u := range one.Under {
			environment.Under = append(environment.Under, underKey{string(u.Kind), u.ID, u.DataKeys, u.Versions})
		}
		plan.Environments = append(plan.Environments, environment)
	}
	return plan
}

func dollars(calls int64) float64 { return float64(calls) * kmsPrice / 10_000 }

// showPlan prints what a migration would do, and ends with the exit code of a dry run.
func (e *env) showPlan(p keys.MigrationPlan, rate int) error {
	err := e.print(planned(p), func(w io.Writer) {
		rows := make([][]any, len(p.Environments))
		for i, one := range p.Environments {
			rows[i] = []any{
				one.Environment.Name, one.DataKeys, one.DataKeys - one.Standing, one.Versions, one.Credentials, one.Calls,
				standsUnder(one.Under), strings.Join(one.Targets, " "),
			}
		}
		grid(w, []string{"environment", "data keys", "to move", "versions", "credentials", "calls", "under now", "under then"}, rows)
	})
	if err != nil {
		return err
	}
	e.sayPlan(p, rate)
	blocked := e.sayProblems(p)
	e.say("This was a dry run; nothing was changed. To do it: keeper migrate to-kms --no-dry-run")
	if blocked {
		return quietExit(exitFailed)
	}
	return nil
}

// standsUnder is what stands under what: "local:3f…#1 (12)".
func standsUnder(all []keys.Under) string {
	texts := make([]string, len(all))
	for i, u := range all {
		texts[i] = fmt.Sprintf("%s (%d)", u.ID, u.DataKeys)
	}
	return strings.Join(texts, " ")
}

// sayPlan sums a plan up.
func (e *env) sayPlan(p keys.MigrationPlan, rate int) {
	e.say("%d data keys to move, %d versions to open under the new key: %d calls of KMS, %s at AWS's list price of $%.2f for 10,000 (check it for your region), about %s at %d calls a second (KEEPER_KMS_RATE).",
		p.DataKeys, p.Versions, p.Calls, price(p.Calls), kmsPrice, p.Duration.Round(time.Second), rate)
}

func price(calls int64) string {
	cost := dollars(calls)
	if calls > 0 && cost < 0.01 {
		return "less than $0.01"
	}
	return fmt.Sprintf("$%.2f", cost)
}

// sayProblems says which environments cannot be moved now, and reports whether there are any.
func (e *env) sayProblems(p keys.MigrationPlan) (blocked bool) {
	for _, one := range p.Environments {
		if one.Problem != "" {
			blocked = true
			e.say("%s cannot be moved now: %s", one.Environment.Name, printable(sentence(one.Problem, one.Hint)))
		}
	}
	return blocked
}
