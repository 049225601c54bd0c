package keystest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
	"github.com/your-org/keeper/test/awsstandin/standin"
)

// longKills is how many kills are spread over everything that is killed; by itself a test
// kills little and often enough to notice what is broken.
const longKills = "LONG_KILLS"

// sizes are how much is at stake.
type sizes struct{ secrets, versions, kills int }

// cells are kinds of work times databases: what LONG_KILLS is spread over.
const cells = 15

// size says how often to kill in one cell. Without LONG_KILLS SQLite, which everybody has,
// gets most.
func size(t *testing.T, cell int, dialect string) sizes {
	t.Helper()
	if text := os.Getenv(longKills); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < cells {
			t.Fatalf("%s must be a number from %d on", longKills, cells)
		}
		share := n / cells
		if cell < n%cells {
			share++
		}
		return sizes{secrets: 200, versions: 10, kills: share}
	}
	few := sizes{secrets: 40, versions: 4, kills: 1}
	if dialect == store.SQLite {
		few.kills = 3
	}
	return few
}

// siege is a Keeper that is killed again and again while keys move under load.
type siege struct {
	*world
	sizes
	ledger      *ledger
	alpha, beta api.Environment
	identity    *age.X25519Identity
	random      *rand.Rand
	within      time.Duration // of a work's beginning it is killed
	seed        uint64
	runs        []string // key runs that were asked for
	hits        int      // kills while a run was under way
}

func newSiege(t *testing.T, cell int, dialect string, settings ...string) *siege {
	t.Helper()
	s := &siege{sizes: size(t, cell, dialect), ledger: new(ledger), identity: newIdentity(t), seed: uint64(time.Now().UnixNano()), within: 500 * time.Millisecond}
	if text := os.Getenv("LONG_SEED"); text != "" {
		s.seed, _ = strconv.ParseUint(text, 10, 64)
	}
	s.random = rand.New(rand.NewPCG(s.seed, 0))
	t.Logf("LONG_SEED=%d", s.seed)
	settings = append([]string{"KEEPER_DATA_KEY_MAX_USES=2", "KEEPER_KMS_RATE=150", "KMS_DEK_CACHE_TTL=2"}, settings...)
	s.world = newWorld(t, dialect, standin.Options{Latency: 2 * time.Millisecond}, settings...)
	s.start(t)
	s.alpha, s.beta = s.environment(t, "alpha"), s.environment(t, "beta")
	return s
}

func (s *siege) fill(t *testing.T) {
	t.Helper()
	s.ledger.fill(t, s.client, s.secrets, s.versions, s.alpha, s.beta)
}

// recipients gives alpha a second KMS key in another region and an offline recipient.
func (s *siege) recipients(t *testing.T) {
	t.Helper()
	s.recipient(t, s.alpha, models.RecipientKMS, s.keyARN(t, abroad, "alias/keeper"))
	s.recipient(t, s.alpha, models.RecipientRecovery, s.identity.Recipient().String())
}

func (s *siege) recipient(t *testing.T, e api.Environment, kind models.RecipientKind, key string) {
	t.Helper()
	run, err := s.client.AddRecipient(t.Context(), api.EnvironmentByID(e.ID), api.NewRecipient{Kind: api.RecipientKind(kind), Key: key, Label: "another"})
	if err != nil {
		t.Fatalf("%v\nKeeper said:\n%s", err, s.log)
	}
	s.await(t, run.ID)
}

func (s *siege) run(t *testing.T, id string) api.KeyRun {
	t.Helper()
	run, err := s.client.GetKeyRun(t.Context(), id)
	if err != nil {
		t.Fatalf("%v\nKeeper said:\n%s", err, s.log)
	}
	return run
}

func ended(run api.KeyRun) bool { return models.KeyRunStatus(run.Status).Ended() }

// await waits until runs have ended, as they should.
func (s *siege) await(t *testing.T, ids ...string) {
	t.Helper()
	for _, id := range ids {
		var run api.KeyRun
		eventually(t, "run "+id, func() error {
			if run = s.run(t, id); !ended(run) {
				return fmt.Errorf("it is %s, %d of %d", run.Status, run.Done, run.Total)
			}
			return nil
		})
		if run.Status != api.KeyRunStatus(models.KeyRunSucceeded) || run.Failed != 0 {
			t.Errorf("run %s (%s) ended %s, %d of %d, %d failed: %s %s\nKeeper said:\n%s",
				id, run.Kind, run.Status, run.Done, run.Total, run.Failed, run.Error, run.Hint, s.log)
		}
		if run.Done < run.Total {
			t.Errorf("run %s (%s) did %d of %d", id, run.Kind, run.Done, run.Total)
		}
	}
}

// finish lets the runs end. A re-encryption ends a minute after it has retired the old data
// keys, for which only a long test waits: else it is cancelled when all is sealed anew.
func (s *siege) finish(t *testing.T) {
	t.Helper()
	for _, id := range s.runs {
		if run := s.run(t, id); run.Kind != api.KeyRunKind(models.KeyReencrypt) || os.Getenv(longKills) != "" || ended(run) {
			s.await(t, id)
			continue
		}
		eventually(t, "all to be sealed anew", func() error {
			if run := s.run(t, id); run.Done < run.Total || run.Total == 0 {
				return fmt.Errorf("%d of %d are", run.Done, run.Total)
			}
			return nil
		})
		if _, err := s.client.CancelKeyRun(t.Context(), id); err != nil {
			t.Error(err)
		}
		eventually(t, "the end of a cancelled run", func() error {
			if run := s.run(t, id); !ended(run) {
				return fmt.Errorf("it is %s", run.Status)
			}
			return nil
		})
	}
}

// underWay reports whether one of the runs still has to go on.
func (s *siege) underWay(t *testing.T) bool {
	t.Helper()
	for _, id := range s.runs {
		if !ended(s.run(t, id)) {
			return true
		}
	}
	return false
}

// round lets readers, writers and the work go on for a random while, kills, starts Keeper
// again where it was what died, and looks whether everything that was acknowledged is there.
func (s *siege) round(t *testing.T, work func() (kill func() (died bool))) {
	t.Helper()
	load := s.ledger.begin(t.Context(), s.client, s.random.Uint64())
	kill := work()
	time.Sleep(time.Duration(s.random.Int64N(int64(s.within))))
	load.ending.Store(true)
	died := kill()
	if err := load.end(); err != nil {
		t.Fatalf("before the kill: %v\nKeeper said:\n%s", err, s.log)
	}
	if died {
		s.leasesRunOut(t)
		s.start(t)
	}
	if err := s.ledger.settle(t.Context(), s.client); err != nil {
		t.Fatalf("after a kill: %v\nKeeper said:\n%s", err, s.log)
	}
}

// besiege kills Keeper as often as it should while runs of a kind go on, then lets them end
// and proves everything.
func (s *siege) besiege(t *testing.T, primary models.RecipientKind, begin func()) {
	t.Helper()
	s.hits = 0
	for range s.kills {
		s.round(t, func() func() bool {
			if !s.underWay(t) {
				begin()
			}
			return func() bool { s.keeper.Kill(); return true }
		})
		if s.underWay(t) {
			s.hits++
		}
	}
	t.Logf("%d kills, %d of them while a run was under way; %d writes acknowledged, %d values read", s.kills, s.hits, s.ledger.written.Load(), s.ledger.read.Load())
	load := s.ledger.begin(t.Context(), s.client, s.random.Uint64())
	if !s.underWay(t) {
		begin() // one has to be seen through under load
	}
	s.finish(t)
	if err := load.end(); err != nil {
		t.Fatalf("%v\nKeeper said:\n%s", err, s.log)
	}
	s.stop()
	s.witness(t, primary, s.identity).prove(t, s.ledger, models.EnvironmentID(s.alpha.ID), models.EnvironmentID(s.beta.ID))
	s.recorded(t)
	s.start(t)
}

// recorded holds that each run's beginning and its end stand in the audit log, once each.
func (s *siege) recorded(t *testing.T) {
	t.Helper()
	told := map[string]int{} // run and step
	db := s.beside(t)
	for cursor, page := "", 0; page == 0 || cursor != ""; page++ {
		var entries []models.AuditEntry
		err := db.Read(t.Context(), func(tx *store.Tx) (err error) {
			var around store.Around
			entries, around, err = tx.Audit(store.AuditQuery{Everything: true, Action: "keys.", Cursor: cursor})
			cursor = around.Next
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			step := entry.Detail["step"]
			if entry.Action == "keys.cancel" {
				step = "end"
			}
			told[entry.Detail["run"]+" "+step]++
		}
	}
	for _, id := range s.runs {
		if begun, over := told[id+" begin"], told[id+" end"]; begun != 1 || over != 1 {
			t.Errorf("the audit log tells %d times that run %s began and %d times that it ended", begun, id, over)
		}
	}
	s.runs = nil
}

// order has runs begin in both environments.
func (s *siege) order(t *testing.T, kind models.KeyRunKind, to string) {
	t.Helper()
	for _, e := range []api.Environment{s.alpha, s.beta} {
		list, err := s.client.StartKeyRuns(t.Context(), api.NewKeyRun{Kind: api.KeyRunKind(kind), EnvironmentID: api.EnvironmentByID(e.ID), ToKey: to})
		if err != nil || len(list.Items) == 0 {
			t.Fatalf("%d runs began: %v\nKeeper said:\n%s", len(list.Items), err, s.log)
		}
		for _, run := range list.Items {
			s.runs = append(s.runs, run.ID)
		}
	}
}

// TestKillOnKMS kills Keeper while it re-wraps and re-encrypts what is under KMS keys, one
// environment of it for three recipients.
func TestKillOnKMS(t *testing.T) {
	for i, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			s := newSiege(t, i, dialect, onKMS()...)
			s.recipients(t)
			s.fill(t)
			t.Run("Rewrap", func(t *testing.T) {
				to := 0
				s.besiege(t, models.RecipientKMS, func() {
					to++
					s.order(t, models.KeyRewrap, []string{"alias/keeper", "alias/next"}[to%2])
				})
			})
			s.sizes = size(t, 3+i, dialect)
			t.Run("Reencrypt", func(t *testing.T) {
				s.besiege(t, models.RecipientKMS, func() { s.order(t, models.KeyReencrypt, "") })
			})
		})
	}
}

// TestKillOnLocalKeys does the same with a local master key, whose re-wrap is to its next
// version.
func TestKillOnLocalKeys(t *testing.T) {
	for i, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			if os.Getenv(longKills) == "" && dialect != store.SQLite {
				return // what differs between databases is killed above
			}
			s := newSiege(t, 6+i, dialect)
			s.fill(t)
			t.Run("Rewrap", func(t *testing.T) {
				s.within = 80 * time.Millisecond // nothing is waited for, so it is soon over
				s.besiege(t, models.RecipientLocal, func() { s.order(t, models.KeyRewrap, "") })
				s.within = 500 * time.Millisecond
			})
			s.sizes = size(t, 9+i, dialect)
			t.Run("Reencrypt", func(t *testing.T) {
				s.besiege(t, models.RecipientLocal, func() { s.order(t, models.KeyReencrypt, "") })
			})
		})
	}
}
