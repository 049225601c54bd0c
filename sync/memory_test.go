package sync_test

import (
	"context"
	"fmt"
	"iter"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
)

// vast is a destination and a ledger of many secrets that are all in sync. Both make what
// they are asked for on the fly and keep nothing, so that what a run needs is seen alone.
type vast struct {
	keepersync.Driver
	many int
	look func() // at chosen moments of a run
	at   time.Time
}

func (v *vast) remote(i int) keepersync.Remote {
	return keepersync.Remote{
		Name: fmt.Sprintf("production/team-%02d/service-%05d/password", i%50, i), Version: fmt.Sprintf("%032x", i),
		Mark:      keepersync.Mark{Owner: fmt.Sprint("u", "s"), Destination: models.DestinationID(fmt.Sprint("dst", "_1")), Secret: models.SecretID(i + 1)},
		ChangedAt: v.at,
	}
}

func (v *vast) List(context.Context) iter.Seq2[keepersync.Remote, error] {
	return func(yield func(keepersync.Remote, error) bool) {
		for i := range v.many {
			if !yield(v.remote(i*7919%v.many), nil) { // in no order; 7919 is prime to the sizes used
				return
			}
		}
		v.look()
	}
}

func (v *vast) Count(context.Context, bool) (int, error) { return v.many, nil }

func (v *vast) Entries(context.Context, bool) iter.Seq2[[]keepersync.Entry, error] {
	return func(yield func([]keepersync.Entry, error) bool) {
		for start := 0; start < v.many; start += 100 {
			page := make([]keepersync.Entry, 100)
			for i := range page {
				r := v.remote(start + i)
				h := hash(strconv.Itoa(start + i))
				page[i] = keepersync.Entry{
					SecretID: r.Mark.Secret, Name: r.Name, RemoteName: r.Name, Type: models.Text, Status: models.StatusInSync,
					Desired: &keepersync.Desired{Version: 1, Hash: h, Size: 3, At: v.at},
					Base:    &keepersync.Base{Hash: h, Version: 1, RemoteVersion: r.Version, At: v.at},
				}
			}
			if start%(v.many/10) == 0 {
				v.look()
			}
			if !yield(page, nil) {
				return
			}
		}
		v.look()
	}
}

func (v *vast) Open(context.Context, keepersync.Entry) (models.Plaintext, error) { panic("not needed") }

func (v *vast) Hash(context.Context, models.Plaintext) ([]byte, error) { panic("not needed") }

func (v *vast) Intend(context.Context, []keepersync.Entry) error   { panic("not needed") }
func (v *vast) Record(context.Context, []keepersync.Outcome) error { return nil }
func (v *vast) Take(context.Context, keepersync.Entry, models.Plaintext, keepersync.Remote) (keepersync.Desired, error) {
	panic("not needed")
}

func retained() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// peak is the most heap in use, garbage aside, at any of the moments looked at in a full run.
func peak(t *testing.T, many int) uint64 {
	v := &vast{many: many, at: noon}
	var most, mostHeap uint64
	v.look = func() {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		mostHeap = max(mostHeap, m.HeapInuse)
		most = max(most, retained())
	}
	if os.Getenv("NOGC") != "" {
		v.look = func() {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			mostHeap = max(mostHeap, m.HeapInuse)
		}
	}
	counts, err := keepersync.Run(t.Context(), keepersync.Retry(v), v, keepersync.Options{
		Owner: "us", Destination: "dst_1", Full: true, Now: func() time.Time { return noon.Add(time.Hour) }, Stray: func(keepersync.Remote) {},
		Brake: keepersync.Brake{Most: 50, Percent: 20},
	})
	if err != nil || counts.InSync != many {
		t.Fatal(counts, err)
	}
	t.Logf("heap in use %d kB", mostHeap/1024)
	return most
}

func TestMemoryIsFlat(t *testing.T) {
	base := retained()
	few := peak(t, 10_000)
	lots := peak(t, 100_000)
	t.Logf("base %d kB, 10,000: %d kB, 100,000: %d kB", base/1024, few/1024, lots/1024)
}
