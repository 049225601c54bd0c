package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/app"
	"github.com/your-org/keeper/config"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
)

// versionsEach is how many versions a secret of a re-wrap has.
const versionsEach = 10

// leastCalls is how many calls a p99 is told of; a shorter re-wrap has none.
const leastCalls = 1000

// rewrapCase is one re-wrap that is measured.
type rewrapCase struct {
	versions, uses int // versions in all, and how many a data key seals
	rate           int // KEEPER_KMS_RATE
}

// measureRewrap fills a database, and re-wraps it to another key under a steady load.
func measureRewrap(ctx context.Context, dir, binary string, c rewrapCase, before time.Duration) (figures []figureOfKeys, err error) {
	b, err := openKeyBench(dir, binary, fmt.Sprintf("KEEPER_DATA_KEY_MAX_USES=%d", c.uses), fmt.Sprintf("KEEPER_KMS_RATE=%d", c.rate))
	if err != nil {
		return nil, err
	}
	defer b.close()
	began := time.Now()
	if err := b.fill(ctx, c.versions/versionsEach, versionsEach); err != nil {
		return nil, fmt.Errorf("filling the database: %w", err)
	}
	say("%d versions were written in %s.", c.versions, time.Since(began).Round(time.Second))
	if err := errors.Join(b.slow(), b.restart(ctx)); err != nil {
		return nil, err
	}
	e, err := b.client.GetEnvironment(ctx, api.EnvironmentNamed("bench"))
	if err != nil {
		return nil, err
	}
	load, err := b.steadyCalls(ctx, e)
	if err != nil {
		return nil, err
	}
	load.during(ctx, min(before, 5*time.Second)) // warm-up: the data keys that it reads are in memory from here on
	quiet := load.during(ctx, before)
	b.aws.ResetCalls()
	loaded, run, err := b.rewrapUnder(ctx, load, e)
	if err != nil {
		return nil, err
	}
	calls, throttled := b.kmsCalls()
	after := load.during(ctx, before)
	keys := run.Total // when it began: the load's writes make some all the time
	what := fmt.Sprintf("re-wrapping %d versions, %d data keys, at %d calls a second", c.versions, keys, c.rate)
	took := run.FinishedAt.Sub(run.StartedAt)
	limit := time.Duration(1.2 * float64(run.Calls) / float64(c.rate) * float64(time.Second))
	ratio := float64(loaded.p99()) / float64(quiet.p99())
	figures = []figureOfKeys{
		{
			what: what + ": calls", bound: fmt.Sprint(keys + 10), met: run.Calls <= keys+10,
			measured: fmt.Sprintf("%d by the run; %d at KMS with the load's own, %d of them throttled", run.Calls, calls, throttled),
		},
		{
			what: what + ": time", bound: fmt.Sprintf("1.2 × calls ÷ rate = %.1f s", limit.Seconds()), met: took <= limit,
			measured: fmt.Sprintf("%.1f s", took.Seconds()),
		},
	}
	if loaded.calls() >= leastCalls {
		figures = append(figures, figureOfKeys{
			what: fmt.Sprintf("API p99 meanwhile, of %d calls a second", steadyRate), bound: "1.5 × before", met: ratio <= 1.5,
			measured: fmt.Sprintf("%.2f × (before %s ms, during %s ms, after %s ms)", ratio, millis(quiet.p99()), millis(loaded.p99()), millis(after.p99())),
		})
	}
	for _, f := range figures {
		say("%s: %s (%s)", f.what, f.measured, f.bound)
	}
	return figures, nil
}

// fill writes versions in this process, without the server between, as fast as it goes. KMS
// answers at once meanwhile.
func (b *keyBench) fill(ctx context.Context, many, each int) error {
	return b.inside(ctx, func(a *app.App) error {
		actor := models.System()
		e, err := a.Secrets.CreateEnvironment(ctx, actor, models.Environment{Name: "bench", DisplayName: "Bench", Color: "grey"})
		if err != nil {
			return err
		}
		return inParallel(64, many, func(i int) error {
			s, err := a.Secrets.Create(ctx, actor, secrets.NewSecret{
				Environment: e.ID, Name: fmt.Sprintf("bench/%05d", i), Type: models.Text, Value: models.NewPlaintext([]byte(firstValue(i))),
			})
			for n := 1; n < each && err == nil; n++ {
				value := models.NewPlaintext(fmt.Appendf(nil, "%s version %d", firstValue(i), n))
				_, err = a.Secrets.Update(ctx, actor, s.ID, secrets.Change{Value: &value}, 0)
			}
			return err
		})
	})
}

// inside does something with the services in this process, while the server is down.
func (b *keyBench) inside(ctx context.Context, do func(*app.App) error) (err error) {
	settings := map[string]string{}
	for _, one := range b.keeper.Env {
		name, value, _ := strings.Cut(one, "=")
		settings[name] = value
	}
	c, err := config.Load(settings, nil)
	if err != nil {
		return err
	}
	a, err := app.New(ctx, c, app.Options{Log: slog.New(slog.DiscardHandler), Server: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	return do(a)
}

// rewrapUnder moves the environment to the other key while the load goes on, and waits for
// the run's end.
func (b *keyBench) rewrapUnder(ctx context.Context, load *steady, e api.Environment) (stretches, api.KeyRun, error) {
	loading, stop := context.WithCancel(ctx)
	defer stop()
	var measured stretches
	var wait sync.WaitGroup
	wait.Go(func() { measured = load.until(loading) })
	run, err := b.rewrap(ctx, e)
	stop()
	wait.Wait()
	return measured, run, errors.Join(err, load.failed())
}

func (b *keyBench) rewrap(ctx context.Context, e api.Environment) (api.KeyRun, error) {
	runs, err := b.client.StartKeyRuns(ctx, api.NewKeyRun{Kind: "rewrap", EnvironmentID: api.EnvironmentByID(e.ID), ToKey: "alias/next"})
	if err != nil {
		return api.KeyRun{}, err
	}
	if len(runs.Items) != 1 {
		return api.KeyRun{}, fmt.Errorf("%d runs began", len(runs.Items))
	}
	for {
		run, err := b.client.GetKeyRun(ctx, runs.Items[0].ID)
		if err != nil {
			return run, err
		}
		if models.KeyRunStatus(run.Status).Ended() {
			if run.Status != api.KeyRunStatus(models.KeyRunSucceeded) || run.Remaining != 0 {
				err = fmt.Errorf("the run ended %s and leaves %d: %s", run.Status, run.Remaining, run.Error)
			}
			return run, err
		}
		select {
		case <-ctx.Done():
			return run, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}
