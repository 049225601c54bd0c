package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/your-org/keeper/api"
)

const (
	listed      = 1000 // secrets that are listed and exported
	coldReaders = 50
)

// measureReads measures what is read when no data key is in memory. uses is
// KEEPER_DATA_KEY_MAX_USES.
func measureReads(ctx context.Context, dir, binary string, rounds, uses int) (figures []figureOfKeys, err error) {
	b, err := openKeyBench(dir, binary, fmt.Sprintf("KEEPER_DATA_KEY_MAX_USES=%d", uses))
	if err != nil {
		return nil, err
	}
	defer b.close()
	if err := b.restart(ctx); err != nil {
		return nil, err
	}
	e, err := b.client.CreateEnvironment(ctx, api.NewEnvironment{Name: "bench"})
	if err != nil {
		return nil, err
	}
	ids, err := b.write(ctx, e, listed)
	if err != nil {
		return nil, err
	}
	if err := b.slow(); err != nil {
		return nil, err
	}
	keys, err := b.dataKeys(ctx, e)
	if err != nil {
		return nil, err
	}
	for _, one := range []struct {
		what  string
		do    func() error
		calls int
		time  time.Duration
	}{
		{fmt.Sprintf("listing %d secrets, %d data keys", listed, keys), func() error { return b.list(ctx, e) }, keys, 300 * time.Millisecond},
		{fmt.Sprintf("exporting %d secrets, %d data keys", listed, keys), func() error { return b.export(ctx, e) }, keys, 300 * time.Millisecond},
		{fmt.Sprintf("%d readers of one secret at once", coldReaders), func() error { return b.readers(ctx, ids[0]) }, 1, 0},
	} {
		f, err := b.cold(ctx, one.what, one.calls, one.time, rounds, one.do)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", one.what, err)
		}
		say("%s: %s (%s)", f.what, f.measured, f.bound)
		figures = append(figures, f)
	}
	return figures, nil
}

// cold measures the median time and the most calls of something, each time right after a
// start. A bound of no time is none.
func (b *keyBench) cold(ctx context.Context, what string, calls int, limit time.Duration, rounds int, do func() error) (figureOfKeys, error) {
	most := 0
	var took []round
	for range rounds {
		if err := b.restart(ctx); err != nil {
			return figureOfKeys{}, err
		}
		began := time.Now()
		if err := do(); err != nil {
			return figureOfKeys{}, err
		}
		took = append(took, round{p50: time.Since(began)})
		n, _ := b.kmsCalls()
		most = max(most, n)
	}
	median := middle(took, func(r round) time.Duration { return r.p50 })
	f := figureOfKeys{
		what: what, bound: fmt.Sprintf("%d KMS calls", calls), measured: fmt.Sprintf("%d KMS calls, %s ms", most, millis(median)), met: most <= calls,
	}
	if limit > 0 {
		f.bound += fmt.Sprintf(", %d ms", limit.Milliseconds())
		f.met = f.met && median <= limit
	}
	return f, nil
}

// write makes secrets, a few at once.
func (b *keyBench) write(ctx context.Context, e api.Environment, n int) ([]int64, error) {
	ids := make([]int64, n)
	err := inParallel(8, n, func(i int) error {
		made, err := b.client.CreateSecret(ctx, api.NewSecret{
			EnvironmentID: api.EnvironmentByID(e.ID), Name: fmt.Sprintf("bench/%04d", i), SecretType: "TEXT", Value: api.NewValue(firstValue(i)),
		})
		ids[i] = made.ID
		return err
	})
	return ids, err
}

func (b *keyBench) list(ctx context.Context, e api.Environment) error {
	n := 0
	for _, err := range b.client.Secrets(ctx, api.ListSecretsParams{EnvironmentID: []string{e.Name}, Limit: new(200)}) {
		if err != nil {
			return err
		}
		n++
	}
	if n != listed {
		return fmt.Errorf("%d secrets are listed", n)
	}
	return nil
}

func (b *keyBench) export(ctx context.Context, e api.Environment) error {
	got, err := b.client.ExportSecrets(ctx, api.EnvironmentByID(e.ID), api.ExportSecretsParams{})
	if err != nil {
		return err
	}
	if len(got.Items) != listed {
		return fmt.Errorf("%d secrets are exported", len(got.Items))
	}
	for _, secret := range got.Items {
		var i int
		if _, err := fmt.Sscanf(secret.Name, "bench/%d", &i); err != nil || secret.Value.Reveal() != firstValue(i) {
			return fmt.Errorf("%s is not what was written", secret.Name)
		}
	}
	return nil
}

func (b *keyBench) readers(ctx context.Context, id int64) error {
	return inParallel(coldReaders, coldReaders, func(int) error {
		got, err := b.client.RevealSecret(ctx, id)
		if err == nil && got.Value.Reveal() != firstValue(0) {
			err = errors.New("the value is wrong")
		}
		return err
	})
}

// inParallel does something for 0 to n-1, so many at once, and returns the first error.
func inParallel(workers, n int, do func(i int) error) (first error) {
	var wait sync.WaitGroup
	var once sync.Once
	for w := range workers {
		wait.Go(func() {
			for i := w; i < n; i += workers {
				if err := do(i); err != nil {
					once.Do(func() { first = err })
					return
				}
			}
		})
	}
	wait.Wait()
	return first
}
