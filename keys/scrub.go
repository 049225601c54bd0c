package keys

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// scrubPage is how many rows a scrub looks at between two commits.
const scrubPage = 100

// scrubPatience is how often a scrub waits for a key backend before it calls unknown what it
// could not look at, and goes on.
const scrubPatience = 4

// maxUnknown is how many things that could not be looked at are named; the others are
// counted.
const maxUnknown = 200

// The parts of a scrub, in their order, for each environment.
const (
	scrubKeys        = "keys"
	scrubVersions    = "versions"
	scrubCredentials = "credentials"
	scrubSecrets     = "secrets"
)

// scrubPlace is where a scrub stands.
type scrubPlace struct {
	Environment models.EnvironmentID `json:"environment,omitempty"`
	Part        string               `json:"part,omitempty"`
	Key         models.DataKeyID     `json:"key,omitempty"`
	Secret      models.SecretID      `json:"secret,omitempty"`
	Version     models.VersionNumber `json:"version,omitempty"`
	Destination models.DestinationID `json:"destination,omitempty"`
	Waited      int                  `json:"waited,omitempty"`  // for a backend that did not answer
	Unknown     int64                `json:"unknown,omitempty"` // could not be looked at
}

type scrub struct {
	*work
	env    models.Environment
	ring   *keyring
	hash   *kms.OpenedKey
	hashed error // why there is no hash key
	place  scrubPlace
	away   map[string]int // by recipient: how often in a row it did not answer
}

// scrub opens everything that is stored and changes nothing.
func (w *work) scrub(ctx context.Context) (*time.Time, error) {
	s := &scrub{work: w, away: map[string]int{}}
	if err := recall(w.run, &s.place); err != nil {
		return nil, err
	}
	all, err := s.environments(ctx, w.run.EnvironmentID)
	if err != nil {
		return nil, err
	}
	if err := s.count(ctx); err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b models.Environment) int { return cmp.Compare(a.ID, b.ID) })
	for _, e := range all {
		if e.ID < s.place.Environment {
			continue
		}
		if err := s.environmentOf(ctx, e); err != nil {
			return nil, err
		}
	}
	return nil, s.conclude(ctx)
}

// count says at the beginning how much there is to open.
func (s *scrub) count(ctx context.Context) error {
	if s.run.Cursor != "" {
		return nil
	}
	var total int64
	err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		if total, err = tx.CountVersions(store.VersionQuery{Environment: s.run.EnvironmentID}); err != nil {
			return err
		}
		all, err := settings(tx, s.run.EnvironmentID)
		total += int64(len(all))
		return err
	})
	if err != nil {
		return err
	}
	return s.commit(ctx, func(_ *store.Tx, run *models.KeyRun) error {
		run.Total = total
		return remember(run, s.place)
	})
}

// environmentOf looks at one environment, from the part on where the run stands.
func (s *scrub) environmentOf(ctx context.Context, e models.Environment) error {
	s.env, s.ring, s.hash, s.hashed = e, s.newKeyring(e, &s.calls), nil, nil
	s.ring.away = func(recipient string) bool { return s.place.Waited >= scrubPatience && s.awayNow(recipient) }
	if s.place.Environment != e.ID {
		s.place = scrubPlace{Environment: e.ID, Part: scrubKeys, Waited: s.place.Waited, Unknown: s.place.Unknown}
	}
	parts := []struct {
		name string
		page func(context.Context, scrubPlace) (looking, error)
	}{
		{scrubKeys, s.keyPage}, {scrubVersions, s.versionPage}, {scrubCredentials, s.credentialPage}, {scrubSecrets, s.secretPage},
	}
	for i, part := range parts {
		for s.place.Part == part.name {
			seen, err := part.page(ctx, s.place)
			if err != nil {
				return err
			}
			if seen.ended {
				seen.place = scrubPlace{Environment: e.ID, Waited: seen.place.Waited, Unknown: seen.place.Unknown}
				if i+1 < len(parts) {
					seen.place.Part = parts[i+1].name
				}
			}
			if err := s.keep(ctx, seen); err != nil {
				return err
			}
		}
	}
	return nil
}

// looking is what a look at a page found.
type looking struct {
	place    scrubPlace // after it
	done     int64
	failed   int64
	findings []models.KeyFinding
	ended    bool  // of the part: there is no more
	away     error // a backend did not answer, and it is worth waiting for
}

func (s *scrub) keep(ctx context.Context, seen looking) error {
	if seen.away != nil {
		place := s.place
		place.Waited++
		if err := s.commit(ctx, func(_ *store.Tx, run *models.KeyRun) error { return remember(run, place) }); err != nil {
			return err
		}
		s.place = place
		return seen.away
	}
	err := s.commit(ctx, func(tx *store.Tx, run *models.KeyRun) error {
		run.Done, run.Failed = run.Done+seen.done, run.Failed+seen.failed
		if err := remember(run, seen.place); err != nil {
			return err
		}
		return tx.AddKeyFindings(seen.findings)
	})
	s.place = seen.place
	return err
}

// patient reports whether an error is worth waiting for: for a while each is.
func (s *scrub) patient(err error) bool {
	return err != nil && !damaged(err) && s.place.Waited < scrubPatience
}

// each looks at n things, several at a time, and returns the error of one that is worth
// waiting for.
func (s *scrub) each(ctx context.Context, n int, look func(ctx context.Context, i int) error) error {
	group, looking := errgroup.WithContext(ctx)
	group.SetLimit(s.pace.workers())
	for i := range n {
		group.Go(func() error {
			if err := look(looking, i); s.patient(err) {
				return err
			}
			return looking.Err()
		})
	}
	err := group.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (s *scrub) conclude(ctx context.Context) error {
	var found, unknown int64
	err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		found, unknown, err = tx.CountKeyFindings(s.run.ID)
		return err
	})
	if err != nil {
		return err
	}
	status, message, hint := models.KeyRunSucceeded, "", "Everything that is stored opens and is what was written."
	if s.offline(ctx) {
		hint += " What is wrapped for offline recipients cannot be checked here; a drill does."
	}
	switch {
	case found > 0:
		status, message = models.KeyRunPartial, fmt.Sprintf("%d things are damaged; the findings name them.", found)
		hint = "Restore the damaged rows from a backup; until then they are left as they are."
	case unknown+s.place.Unknown > 0:
		status, message = models.KeyRunPartial, fmt.Sprintf("%d things could not be looked at.", max(unknown, s.place.Unknown))
		hint = "Nothing is known to be damaged. Run it again when the key backend answers."
	}
	return s.end(ctx, models.Environment{ID: s.run.EnvironmentID}, status, message, hint, nil)
}

// offline reports whether something is wrapped for recipients that cannot open here.
func (s *scrub) offline(ctx context.Context) bool {
	now, err := s.standing(ctx, s.run.EnvironmentID)
	for _, u := range now.usage {
		if u.RecipientKind == models.RecipientRecovery {
			return err == nil
		}
	}
	return false
}

// awayNow reports whether a recipient did not answer so often that it is not asked any more
// in this run.
func (s *scrub) awayNow(recipient string) bool { return s.away[recipient] >= scrubPatience }

func (s *scrub) answered(recipient string, err error) {
	if errors.Is(err, kms.ErrUnreachable) {
		s.away[recipient]++
		return
	}
	if !fault.Is(err, fault.Unavailable) {
		s.away[recipient] = 0
	}
}
