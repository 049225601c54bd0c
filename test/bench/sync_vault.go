package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/test/vaulttest"
)

// syncWorkers are how many writes of a run are under way at once: few, and as many as by default.
var syncWorkers = []int{2, 4, 8}

// lookedAhead is how many names that were looked at wait for a writer of the generator's at most.
const lookedAhead = 40

// vaultCore is Vault's core on raft storage, in a process of its own.
type vaultCore struct {
	URL, Token, Mount string
	pid               int
	stop              func()
}

func openVault(ctx context.Context, dir string) (*vaultCore, error) {
	vault, err := vaulttest.Run(ctx, "vaultcore", "-addr", "127.0.0.1:0", "-storage", "raft", "-dir", filepath.Join(dir, "vault"))
	if err != nil {
		return nil, err
	}
	return &vaultCore{URL: vault.URL, Token: vault.Token, Mount: vault.Mount, pid: vault.PID, stop: func() {
		if err := vault.Stop(); err != nil {
			say("Vault: %v", err)
		}
	}}, nil
}

// value is what a name holds, "" where nothing.
func (v *vaultCore) value(ctx context.Context, name string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, v.URL+"/v1/"+v.Mount+"/data/"+name, nil)
	if err != nil {
		return "", err
	}
	request.Header.Set("X-Vault-Token", v.Token)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	var body struct {
		Data struct {
			Data map[string]string `json:"data"`
		} `json:"data"`
	}
	err = json.NewDecoder(answer.Body).Decode(&body)
	return body.Data.Data["value"], errors.Join(err, answer.Body.Close())
}

// side is the load generator's view of Vault: names of its own, as many as Keeper's.
func (v *vaultCore) side() *side {
	return &side{
		name: "Vault", pid: v.pid, address: strings.TrimPrefix(v.URL, "http://"), header: "X-Vault-Token: " + v.Token,
		method: http.MethodPost, before: `{"data":{"value":"`, after: `"}}`,
		path: func(secret int) string { return fmt.Sprintf("/v1/%s/data/bare/%05d", v.Mount, secret) },
	}
}

// bare is the rate at which a load generator that does nothing else writes new values, over as many
// connections as a run of Keeper's.
func (v *vaultCore) bare(atOnce int, length time.Duration) (round, error) {
	s, calls := v.side(), make([]*call, copies)
	for i := range calls {
		calls[i] = s.set(i, firstValue(i))
	}
	r := measureRound(s, calls, atOnce, length)
	return r, r.first
}

// looking is the rate at which a load generator writes that looks at each name before, as a run must,
// which has to see the mark: as many writers as a run's, and as many that look ahead of them, over
// connections of their own. No run that looks is quicker, whatever it costs itself.
func (v *vaultCore) looking(atOnce int, length time.Duration) (float64, error) {
	s, end := v.side(), time.Now().Add(length)
	names, looked := make(chan int), make(chan int, lookedAhead)
	go func() {
		defer close(names)
		for i := 0; time.Now().Before(end); i++ {
			names <- i % copies
		}
	}()
	var lookers, writers errgroup.Group
	for range atOnce {
		lookers.Go(func() error {
			return v.each(names, func(c *connection, i int) error {
				path := fmt.Sprintf("/v1/%s/metadata/bare/%05d", v.Mount, i)
				err := c.do(newCall(s, http.MethodGet, path, "", "", `"current_version":`))
				looked <- i
				return err
			})
		})
	}
	var written atomic.Int64
	for range atOnce {
		writers.Go(func() error {
			return v.each(looked, func(c *connection, i int) error {
				written.Add(1)
				return c.do(s.set(i, firstValue(i)))
			})
		})
	}
	began := time.Now()
	err := lookers.Wait()
	close(looked)
	err = errors.Join(err, writers.Wait())
	return float64(written.Load()) / time.Since(began).Seconds(), err
}

// each does something with each number over a connection of its own. After an error the rest is
// taken and left undone.
func (v *vaultCore) each(numbers <-chan int, do func(c *connection, i int) error) error {
	c, err := dial(strings.TrimPrefix(v.URL, "http://"))
	defer c.close()
	for i := range numbers {
		if err == nil {
			err = do(c, i)
		}
	}
	return err
}

// measureVault measures passes over a destination at Vault's core, and what they take of memory.
func measureVault(ctx context.Context, dir, binary string, many int) (figures []figureOfKeys, err error) {
	vault, err := openVault(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer vault.stop()
	s, err := openSyncBench(ctx, dir, binary, copies)
	if err != nil {
		return nil, err
	}
	defer s.close()
	d, run, err := s.connect(ctx, s.vaultDestination(vault))
	if err != nil {
		return nil, err
	}
	took := run.FinishedAt.Sub(run.StartedAt)
	say("Vault: first sync of %d in %.1f s, %.0f a second", copies, took.Seconds(), copies/took.Seconds())
	if _, err := vault.bare(slices.Max(syncWorkers), 10*time.Second); err != nil { // makes the names
		return nil, err
	}
	for _, atOnce := range syncWorkers {
		f, err := s.measureWrites(ctx, vault, d.ID, atOnce)
		if err != nil {
			return nil, err
		}
		figures = append(figures, told(f))
	}
	small, tookSmall, err := s.peak(ctx, d.ID)
	if err != nil {
		return nil, err
	}
	s.keeper.Stop()
	if err := errors.Join(s.more(ctx, copies, many), s.restart(ctx)); err != nil {
		return nil, err
	}
	if _, err := s.newest(ctx, d.ID, func(run api.SyncRun) bool { return run.Counts.Created > 0 }); err != nil {
		return nil, err
	}
	large, tookLarge, err := s.peak(ctx, d.ID)
	if err != nil {
		return nil, err
	}
	return append(figures, told(figureOfKeys{
		what:  fmt.Sprintf("memory of Keeper's process, full pass over %d, nothing to do", many),
		bound: fmt.Sprintf("1.5 × that over %d", copies),
		measured: fmt.Sprintf("%.2f × (%d MiB and %d MiB at most; the passes took %.1f s and %.1f s)", float64(large)/float64(small),
			large>>20, small>>20, tookLarge.Seconds(), tookSmall.Seconds()),
		met: large*2 <= small*3,
	})), nil
}

// measureWrites measures a run that writes a new value of every secret, so many at once, between
// two rounds of the bare load generator.
func (s *syncBench) measureWrites(ctx context.Context, vault *vaultCore, destination string, atOnce int) (f figureOfKeys, err error) {
	before, err := vault.bare(atOnce, 10*time.Second)
	if err != nil {
		return f, err
	}
	s.keeper.Stop()
	if err := s.changeAll(ctx, strconv.Itoa(atOnce)); err != nil {
		return f, err
	}
	s.keeper.Env = append(s.keeper.Env, fmt.Sprintf("KEEPER_SYNC_WORKERS=%d", atOnce)) // the last one counts
	ofVault, began := processorTime(vault.pid), time.Now()
	if err := s.restart(ctx); err != nil {
		return f, err
	}
	run, err := s.newest(ctx, destination, func(run api.SyncRun) bool { return run.Counts.Updated > 0 && run.StartedAt.After(began) })
	if err != nil {
		return f, err
	}
	ofVault = (processorTime(vault.pid) - ofVault) / copies
	ofKeeper := processorTime(s.keeper.PID()) / copies
	looking, err := vault.looking(atOnce, 10*time.Second)
	if err != nil {
		return f, err
	}
	after, err := vault.bare(atOnce, 10*time.Second)
	if err != nil {
		return f, err
	}
	took := run.FinishedAt.Sub(run.StartedAt)
	rate, bare := float64(run.Counts.Updated)/took.Seconds(), (before.rate+after.rate)/2
	return figureOfKeys{
		what:  fmt.Sprintf("Vault core: %d new values, %d at once", copies, atOnce),
		bound: "0.9 × the rate of the bare load generator",
		measured: fmt.Sprintf("%.0f a second, bare %.0f and %.0f: %.2f ×; the generator that looks ahead of its writes %.0f: %.2f ×, of which Keeper has %.2f ×; "+
			"of the processor each takes %s ms of Vault's and %s ms of Keeper's, bare %s ms of Vault's",
			rate, before.rate, after.rate, rate/bare, looking, looking/bare, rate/looking, millis(ofVault), millis(ofKeeper), millis(after.processor)),
		met: rate >= 0.9*bare && run.Counts.Updated == copies,
	}, nil
}

// peak is the most resident memory that a Keeper started anew had by the end of a full pass,
// and how long the pass took.
func (s *syncBench) peak(ctx context.Context, destination string) (int64, time.Duration, error) {
	if err := s.restart(ctx); err != nil {
		return 0, 0, err
	}
	run, err := s.pass(ctx, destination)
	if err != nil {
		return 0, 0, err
	}
	if changed := run.Counts.Checked - run.Counts.InSync; changed != 0 {
		return 0, 0, fmt.Errorf("there was something to do for %d", changed)
	}
	_, peak := memory(s.keeper.PID())
	return peak, run.FinishedAt.Sub(run.StartedAt), nil
}

// Changes come at this pace while their way to both destinations is measured.
const (
	changesAMinute = 100
	changes        = 300
)

// measureChange measures how long a change takes from its answer until both destinations hold
// it.
func measureChange(ctx context.Context, dir, binary string) (figures []figureOfKeys, err error) {
	vault, err := openVault(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer vault.stop()
	s, err := openSyncBench(ctx, dir, binary, changes)
	if err != nil {
		return nil, err
	}
	defer s.close()
	for _, d := range []api.NewDestination{s.awsDestination(), s.vaultDestination(vault)} {
		if _, _, err := s.connect(ctx, d); err != nil {
			return nil, err
		}
	}
	var list []api.Secret
	for one, err := range s.client.Secrets(ctx, api.ListSecretsParams{EnvironmentID: []string{s.e.Name}, Limit: new(200)}) {
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	took := make([]time.Duration, len(list))
	failed := make([]error, len(list))
	var wait sync.WaitGroup
	due := time.Now()
	for i, one := range list {
		time.Sleep(time.Until(due))
		due = due.Add(time.Minute / changesAMinute)
		wait.Go(func() { took[i], failed[i] = s.follow(ctx, vault, one, fmt.Sprintf("changed %d", i)) })
	}
	wait.Wait()
	if err := errors.Join(failed...); err != nil {
		return nil, err
	}
	slices.Sort(took)
	p50, p95, p99 := took[len(took)/2], took[len(took)*95/100], took[len(took)*99/100]
	return append(figures, told(figureOfKeys{
		what:     fmt.Sprintf("one change until both destinations hold it, %d changes at %d a minute", changes, changesAMinute),
		bound:    "p95 1 s, p99 2 s",
		measured: fmt.Sprintf("p50 %s ms, p95 %s ms, p99 %s ms, most %s ms", millis(p50), millis(p95), millis(p99), millis(took[len(took)-1])),
		met:      p95 <= time.Second && p99 <= 2*time.Second,
	})), nil
}

// follow changes a secret and waits until both destinations hold the value, from the answer on.
func (s *syncBench) follow(ctx context.Context, vault *vaultCore, secret api.Secret, value string) (time.Duration, error) {
	if _, err := s.client.UpdateSecret(ctx, secret.ID, api.SecretChange{Value: api.NewValue(value)}, 0); err != nil {
		return 0, err
	}
	began := time.Now()
	name := s.e.Name + "/" + secret.Name
	for time.Since(began) < time.Minute {
		there, err := vault.value(ctx, name)
		if err != nil {
			return 0, err
		}
		state, _ := s.aws.Secret(homeRegion, name)
		current, _ := state.Current()
		if there == value && current.Text == value {
			return time.Since(began), nil
		}
		time.Sleep(5 * time.Millisecond)
	}
	return 0, fmt.Errorf("%s did not reach both destinations within a minute", name)
}
