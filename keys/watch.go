package keys

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// How often the watch looks, and what it keeps.
const (
	watchEvery     = time.Minute
	tidyEvery      = time.Hour
	retryOwed      = time.Hour // after a re-wrap that did not succeed
	keepKeyRuns    = 90 * 24 * time.Hour
	keepKeyRunsMin = 20 // newest of each kind and environment that are kept whatever their age
)

// Watched is what the watch saw last, on whichever replica.
type Watched struct {
	At       time.Time
	Owed     []Owed       `json:",omitempty"`
	Troubled []TroubleKey `json:",omitempty"`
	Rotation []TroubleKey `json:",omitempty"` // keys whose rotation could not be switched on
}

// Owed is how many wrapped keys an environment is short of.
type Owed struct {
	Environment string
	Wraps       int
	Abroad      bool // they wait for a migration, which a person begins
}

// TroubleKey is a wrapping key that does not work as it should.
type TroubleKey struct {
	Key         string
	Environment string // the first that names it
	State       string // the backend's own word, or ""
	Problem     string
}

const watchedSetting = "keys_watched"

// watchState is what one process remembers between two looks.
type watchState struct {
	mu       sync.Mutex
	tidied   time.Time
	rotation []TroubleKey
}

// Watched tells what the watch saw last; its zero value where it has not looked yet.
func (s *Service) Watched(ctx context.Context) (w Watched, err error) {
	var text string
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		text, err = tx.Setting(watchedSetting)
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return w, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(text), &w)
	}
	return w, err
}

// watch looks every minute for what nobody asked for and is due all the same. What one part
// cannot do is logged and does not keep the others from their work.
func (s *Service) watch(ctx context.Context) (*time.Time, error) {
	next := s.Now().Add(watchEvery)
	environments, err := s.environments(ctx, 0)
	if err != nil {
		return nil, err
	}
	wants, err := s.wants(ctx, environments)
	if err != nil {
		return nil, err
	}
	w := Watched{At: s.Now()}
	for _, e := range environments {
		s.grumble(ctx, "people could not be told of wrapping keys", s.Store.Write(ctx, func(tx *store.Tx) error {
			return s.alertKeys(tx, e, troubled(e, wants[e.ID], nil))
		}))
		w.Troubled = append(w.Troubled, troubled(e, wants[e.ID], w.Troubled)...)
		owed, err := s.owed(ctx, e, wants[e.ID])
		s.grumble(ctx, "what is owed to an environment's recipients could not be put right", err)
		if owed.Wraps > 0 {
			w.Owed = append(w.Owed, owed)
		}
	}
	s.grumble(ctx, "a scrub could not be begun", s.scheduleScrub(ctx, environments))
	s.watching.mu.Lock()
	defer s.watching.mu.Unlock()
	if s.Now().Sub(s.watching.tidied) >= tidyEvery {
		s.watching.tidied = s.Now()
		s.watching.rotation = s.rotate(ctx, environments, wants)
		s.grumble(ctx, "old key runs could not be removed", s.tidy(ctx))
	}
	w.Rotation = s.watching.rotation
	return &next, s.keepWatched(ctx, w)
}

func (s *Service) keepWatched(ctx context.Context, w Watched) error {
	text, err := json.Marshal(w)
	if err != nil {
		return err
	}
	return s.Store.Write(ctx, func(tx *store.Tx) error { return tx.PutSetting(watchedSetting, string(text)) })
}

func (s *Service) grumble(ctx context.Context, what string, err error) {
	if err != nil && s.Log != nil {
		s.Log.LogAttrs(ctx, slog.LevelWarn, what, slog.Any("error", err))
	}
}

// troubled are the keys of an environment that cannot be looked up, or do not work.
func troubled(e models.Environment, wants []want, told []TroubleKey) []TroubleKey {
	var all []TroubleKey
	for _, w := range wants {
		t := TroubleKey{Key: cmp.Or(w.Name, w.ID, "by default"), Environment: e.Name, State: w.Info.State}
		switch {
		case slices.ContainsFunc(told, func(have TroubleKey) bool { return have.Key == t.Key }):
			continue
		case w.Err != nil:
			t.Problem = fault.Public(w.Err).Message
		case !w.Info.Enabled:
			t.Problem = "is not enabled: " + w.Info.State
		default:
			continue
		}
		all = append(all, t)
	}
	return all
}

// owed counts the wrapped keys that an environment is short of, and has them made where those
// who are short of them can be had. That is so after a data key was made while one of the
// recipients was away, and after an environment was given another wrapping key.
func (s *Service) owed(ctx context.Context, e models.Environment, wants []want) (Owed, error) {
	owed := Owed{Environment: e.Name}
	var last models.KeyRun
	err := s.Store.Read(ctx, func(tx *store.Tx) error {
		owed.Wraps = 0
		total, err := tx.CountDataKeysUnder(e.ID, "")
		for _, w := range wants {
			if err != nil || w.ID == "" || total == 0 {
				continue
			}
			var n int64
			n, err = tx.CountDataKeysUnder(e.ID, w.ID)
			owed.Wraps += int(total - n)
		}
		if err != nil || owed.Wraps == 0 {
			return err
		}
		last, err = lastRewrap(tx, e.ID)
		return err
	})
	if err != nil || owed.Wraps == 0 || last.ID != "" && !last.Status.Ended() {
		return owed, err
	}
	reachable := !slices.ContainsFunc(wants, func(w want) bool { return w.Err != nil || !w.Info.Enabled })
	waits := last.Status != models.KeyRunSucceeded && last.FinishedAt != nil && s.Now().Sub(*last.FinishedAt) < retryOwed
	now, err := s.standing(ctx, e.ID)
	if err != nil {
		return owed, err
	}
	if owed.Abroad = now.abroad(wants); owed.Abroad || !reachable || waits {
		return owed, nil
	}
	run := models.KeyRun{Kind: models.KeyRewrap, EnvironmentID: e.ID}
	_, err = s.begin(ctx, models.System(), []begin{{run: run, env: e}}, nil)
	if fault.Is(err, fault.Conflict) {
		err = nil // another run is at it; the next look sees what that leaves
	}
	return owed, err
}

func lastRewrap(tx *store.Tx, env models.EnvironmentID) (models.KeyRun, error) {
	rows, _, err := tx.KeyRuns(store.KeyRunQuery{Kind: models.KeyRewrap, Environment: env, Limit: 1})
	if err != nil || len(rows) == 0 {
		return models.KeyRun{}, err
	}
	return rows[0], nil
}

// scheduleScrub begins a scrub of everything where the last one, or the first environment, is
// older than the interval.
func (s *Service) scheduleScrub(ctx context.Context, environments []models.Environment) error {
	if s.ScrubInterval <= 0 || len(environments) == 0 {
		return nil
	}
	since := slices.MinFunc(environments, func(a, b models.Environment) int { return a.CreatedAt.Compare(b.CreatedAt) }).CreatedAt
	active := false
	err := s.Store.Read(ctx, func(tx *store.Tx) error {
		last, err := s.lastScrub(tx)
		if last != nil {
			since = last.CreatedAt
		}
		if err != nil {
			return err
		}
		_, err = tx.ActiveKeyRun(models.KeyScrub, 0)
		if active = err == nil; fault.Is(err, fault.NotFound) {
			err = nil
		}
		return err
	})
	if err != nil || active || s.Now().Sub(since) < s.ScrubInterval {
		return err
	}
	_, err = s.begin(ctx, models.System(), []begin{{run: models.KeyRun{Kind: models.KeyScrub}}}, nil)
	return err
}

// tidy removes old runs, and the jobs of those that ended.
func (s *Service) tidy(ctx context.Context) error {
	return s.Store.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.DeleteKeyRunsBefore(s.Now().Add(-keepKeyRuns), keepKeyRunsMin); err != nil {
			return err
		}
		jobs, err := tx.Jobs(JobKind)
		if err != nil {
			return err
		}
		for _, job := range jobs {
			run, err := tx.KeyRun(models.KeyRunID(job.Key))
			if err != nil && !fault.Is(err, fault.NotFound) {
				return err
			}
			if job.LeaseToken == "" && (err != nil || run.Status.Ended()) {
				if err := tx.DeleteJob(JobKind, job.Key); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
