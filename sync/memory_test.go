package sync_test

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
)

// vast is a destination and a ledger of many secrets that are all in sync. Both make what
// they are asked for on the fly and keep nothing, so that what is seen is the run's own.
type vast struct {
	keepersync.Driver
	many int
	look func() // at moments of the run
}

func (v *vast) remote(i int) keepersync.Remote {
	return keepersync.Remote{
		Name: fmt.Sprintf("production/team-%02d/service-%05d/password", i%50, i), Version: fmt.Sprintf("%032x", i), ChangedAt: noon,
		Mark: keepersync.Mark{Owner: "us", Destination: "dst_1", Secret: models.SecretID(i + 1)},
	}
}

func (v *vast) List(context.Context) iter.Seq2[keepersync.Remote, error] {
	return func(yield func(keepersync.Remote, error) bool) {
		for i := range v.many {
			if !yield(v.remote(i*7919%v.many), nil) { // each once, in no order: 7919 is a prime
				return
			}
		}
		v.look()
	}
}

func (v *vast) Count(context.Context, bool) (int, error) { return v.many, nil }

func (v *vast) Entries(context.Context, bool) iter.Seq2[[]keepersync.Entry, error] {
	return func(yield func([]keepersync.Entry, error) bool) {
		const size = 100
		for start := 0; start < v.many; start += size {
			page := make([]keepersync.Entry, size)
			for i := range page {
				page[i] = v.entry(start + i)
			}
			if start%(v.many/4) == 0 {
				v.look()
			}
			if !yield(page, nil) {
				return
			}
		}
		v.look()
	}
}

func (v *vast) entry(i int) keepersync.Entry {
	r, h := v.remote(i), hash(strconv.Itoa(i))
	return keepersync.Entry{
		SecretID: r.Mark.Secret, Name: r.Name, RemoteName: r.Name, Type: models.Text, Status: models.StatusInSync,
		Desired: &keepersync.Desired{Version: 1, Hash: h, Size: 3, At: noon},
		Base:    &keepersync.Base{Hash: h, Version: 1, RemoteVersion: r.Version, At: noon},
	}
}

func (v *vast) Record(context.Context, []keepersync.Outcome) error { return nil }

// A run with nothing to do needs none of these.
func (v *vast) Open(context.Context, keepersync.Entry) (models.Plaintext, error) { panic("called") }

func (v *vast) Hash(context.Context, keepersync.Entry, models.Plaintext) ([]byte, error) {
	panic("called")
}

func (v *vast) Intend(context.Context, []keepersync.Entry) error { panic("called") }
func (v *vast) Take(context.Context, keepersync.Entry, models.Plaintext, keepersync.Remote) (keepersync.Desired, error) {
	panic("called")
}

// run makes a full pass, with brake, strays and proof.
func (v *vast) run(t testing.TB) {
	t.Helper()
	proof := &keepersync.Proof{}
	counts, err := keepersync.Run(t.Context(), keepersync.Retry(v), v, keepersync.Options{
		Owner: "us", Destination: "dst_1", Full: true, Now: func() time.Time { return noon.Add(time.Hour) },
		Brake: keepersync.Brake{Most: 50, Percent: 20}, Stray: func(keepersync.Remote) {}, Proof: proof,
	})
	if proven, ok := proof.Proven(); err != nil || counts.InSync != v.many || !ok || proven.Equal != v.many {
		t.Fatal(counts, proven, err)
	}
}

// retained is the most that a run over so many secrets holds on to, in bytes.
func retained(t *testing.T, many int) (most int) {
	heap := func() int {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	before := heap()
	(&vast{many: many, look: func() { most = max(most, heap()-before) }}).run(t)
	return most
}

// TestMemoryPerName holds that a run keeps no name, version or mark: what it keeps of each
// is two hashes, and a third until the listing is there.
func TestMemoryPerName(t *testing.T) {
	few, many := retained(t, 10_000), retained(t, 100_000)
	if perName := (many - few) / 90_000; perName > 40 {
		t.Errorf("a run keeps %d bytes of a name: %d kB for 10,000 secrets, %d kB for 100,000", perName, few/1024, many/1024)
	}
}

// BenchmarkMemory tells the most heap that the process had in use during a full pass,
// garbage included.
func BenchmarkMemory(b *testing.B) {
	for _, many := range []int{10_000, 100_000} {
		b.Run(strconv.Itoa(many), func(b *testing.B) {
			var most uint64
			v := &vast{many: many, look: func() {
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapInuse)
			}}
			for b.Loop() {
				v.run(b)
			}
			b.ReportMetric(float64(most)/1024, "kB-in-use")
		})
	}
}
