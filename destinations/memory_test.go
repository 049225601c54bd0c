package destinations_test

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
	keepersync "github.com/your-org/keeper/sync"
)

// vast lists copies of many secrets, made on the fly, so that the memory which is measured
// is Keeper's own.
type vast struct {
	keepersync.Driver
	first models.SecretID
	many  int
	mark  keepersync.Mark
}

func vastName(i int) string { return fmt.Sprintf("team-%02d/service-%05d/password", i%50, i) }

func vastVersion(i int) string { return fmt.Sprintf("%032x", i) }

func (v *vast) List(context.Context) iter.Seq2[keepersync.Remote, error] {
	return func(yield func(keepersync.Remote, error) bool) {
		for i := range v.many {
			i = i * 7919 % v.many
			mark := v.mark
			mark.Secret = v.first + models.SecretID(i)
			if !yield(keepersync.Remote{Name: "production/" + vastName(i), Version: vastVersion(i), Mark: mark, ChangedAt: time.Now()}, nil) {
				return
			}
		}
	}
}

// fill puts many secrets into the store, all of them in sync at a destination.
func (v *vast) fill(b *testing.B, h *house, d models.Destination) {
	b.Helper()
	now, key := time.Now().Add(-time.Hour), dataKey(b, h)
	for start := 0; start < v.many; start += 500 {
		err := h.store.Write(b.Context(), func(tx *store.Tx) error {
			for i := start; i < start+500; i++ {
				s := models.Secret{EnvironmentID: h.env.ID, Name: vastName(i), Type: models.Text, CurrentVersion: 1, CurrentSize: 3, CreatedBy: "ada"}
				if err := tx.CreateSecret(&s); err != nil {
					return err
				}
				if i == 0 {
					v.first = s.ID
				}
				hash := fmt.Appendf(nil, "%032d", i)
				version := models.SecretVersion{
					SecretID: s.ID, Number: 1, DataKeyID: key, Format: 1, Ciphertext: make([]byte, 64), Hash: hash, Size: 3, Type: models.Text, CreatedBy: "ada",
				}
				if err := tx.AddVersion(&version); err != nil {
					return err
				}
				err := tx.RecordSync([]store.SyncOutcome{{Version: 1, State: models.SyncState{
					SecretID: s.ID, DestinationID: d.ID, RemoteName: "production/" + s.Name, Status: models.StatusInSync, Since: now,
					BaseHash: hash, BaseVersion: 1, BaseRemoteVersion: vastVersion(i), BaseAt: &now,
				}}})
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// dataKey is one that versions may name; a pass with nothing to write opens none of them.
func dataKey(b *testing.B, h *house) (id models.DataKeyID) {
	b.Helper()
	e, err := h.secrets.CreateEnvironment(b.Context(), admin, models.Environment{Name: "staging"})
	if err != nil {
		b.Fatal(err)
	}
	s, err := h.secrets.Create(b.Context(), admin, secrets.NewSecret{Environment: e.ID, Name: "a", Type: models.Text, Value: plain("v")})
	if err != nil {
		b.Fatal(err)
	}
	err = h.store.Read(b.Context(), func(tx *store.Tx) error {
		v, err := tx.Version(s.ID, 1)
		id = v.DataKeyID
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return id
}

// BenchmarkMemory tells the most heap that the process had in use, garbage included, while a
// full pass found everything in sync, on SQLite.
func BenchmarkMemory(b *testing.B) {
	for _, many := range []int{10_000, 100_000} {
		b.Run(strconv.Itoa(many), func(b *testing.B) {
			h := newHouse(b, storetest.SQLite(b))
			v := &vast{many: many}
			h.Service.Open = func(context.Context, models.Destination, models.DestinationCredentials) (keepersync.Driver, error) {
				return keepersync.Retry(v), nil
			}
			draft := h.draft("vast")
			draft.SkipCheck = true
			d, err := h.Create(b.Context(), admin, draft)
			if err != nil {
				b.Fatal(err)
			}
			v.mark = keepersync.Mark{Owner: "keeper_test", Destination: d.ID}
			v.fill(b, h, d)
			runtime.GC()
			for b.Loop() {
				if _, err := h.Trigger(b.Context(), admin, d.ID); err != nil {
					b.Fatal(err)
				}
				most := watchHeap(b, func() {
					if _, err := h.Work(b.Context(), models.Job{Kind: destinations.JobKind, Key: string(d.ID)}); err != nil {
						b.Fatal(err)
					}
				})
				b.ReportMetric(float64(most)/1024, "kB-in-use")
			}
			runs, _, err := h.Runs(b.Context(), admin, destinations.RunQuery{DestinationID: d.ID})
			if err != nil || runs[0].Counts.InSync != many {
				b.Fatal(runs[0], err)
			}
		})
	}
}

// watchHeap is the most heap in use, in bytes, while something is done.
func watchHeap(b *testing.B, do func()) (most uint64) {
	b.Helper()
	done, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapInuse)
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	do()
	close(done)
	<-watched
	return most
}
