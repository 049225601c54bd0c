package synctests

import (
	"context"
	"errors"
	"math/rand/v2"
	gosync "sync"
	"sync/atomic"
	"time"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/keys"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
	"github.com/your-org/keeper/store"
	keepersync "github.com/your-org/keeper/sync"
)

var errDead = errors.New("the process is dead")

// keeper is one process: services on a connection of its own to the one database.
type keeper struct {
	world    *world
	name     string
	store    *store.Store
	envelope *kms.Envelope
	secrets  *secrets.Service
	syncs    *destinations.Service

	dead   atomic.Bool
	cancel context.CancelFunc // of what it does now
	errand *errand            // what it does now
	lapse  bool               // it dies as the end of its run is to be recorded
}

// begin starts a process on the database as it stands. Nothing of an earlier one is in it.
func (w *world) begin(name string) *keeper {
	k := &keeper{world: w, name: name}
	var err error
	k.store, err = store.Open(w.quiet(), w.storage())
	w.must(err)
	k.envelope, err = kms.NewEnvelope(keys.NewRows(k.store), w.keys, kms.Options{})
	w.must(err)
	k.secrets = secrets.New(secrets.Deps{
		Store: k.store, Envelope: k.envelope, Now: w.clock.read, Log: silent, DeleteGrace: 100 * 365 * 24 * time.Hour,
		Changed: func(tx *store.Tx, s models.Secret) error { return k.syncs.Changed(tx, s) },
	})
	k.syncs = destinations.New(destinations.Deps{
		Store: k.store, Envelope: k.envelope, OpenVersion: k.secrets.OpenVersion, Take: k.take, Open: k.open,
		Owner: owner, Version: "test", Interval: time.Hour, Workers: 4, Now: w.clock.read, Log: silent, Wake: func() {},
		Alert: k.alert, Jitter: w.jitter(),
	})
	return k
}

// jitter draws waits from the seed, for one process of those that the world has begun.
func (w *world) jitter() func(time.Duration) time.Duration {
	w.begun++
	var mu gosync.Mutex
	random := rand.New(rand.NewPCG(w.seed, w.begun))
	return func(below time.Duration) time.Duration {
		mu.Lock()
		defer mu.Unlock()
		return time.Duration(random.Int64N(int64(below)))
	}
}

// die ends the process as SIGKILL does: what it does is cut off, and nothing that it still
// tries reaches the database or a destination.
func (k *keeper) die() {
	if k.dead.Swap(true) {
		return
	}
	k.world.tell("%s dies", k.name)
	if k.cancel != nil {
		k.cancel()
	}
	_ = k.store.Close()
}

func (k *keeper) bury() {
	k.dead.Store(true)
	_ = k.store.Close()
	k.envelope.Close()
}

// alert stands where a run's end is being recorded, in its transaction.
func (k *keeper) alert(*store.Tx, ...models.Signal) error {
	if k.lapse {
		return errDead
	}
	return nil
}

// take is the secrets' own, watched by the model.
func (k *keeper) take(ctx context.Context, id models.SecretID, current models.VersionNumber, v models.Plaintext, changed time.Time, comment string) (models.Secret, error) {
	k.world.model.taking(k, id, string(v.Reveal()))
	secret, err := k.secrets.Take(ctx, id, current, v, changed, comment)
	k.world.model.took(k, id, secret, string(v.Reveal()), err)
	return secret, err
}

func (k *keeper) open(_ context.Context, d models.Destination, _ models.DestinationCredentials) (keepersync.Driver, error) {
	for _, s := range k.world.sites {
		if s.name == d.Name {
			return &front{keeper: k, site: s, Driver: s.driver}, nil
		}
	}
	return nil, errors.New("no such site")
}
