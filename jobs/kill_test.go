package jobs

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

const victimVariable = "KEEPER_JOBS_VICTIM"

// TestVictim is the process that TestKill kills: it works on a job for ever.
func TestVictim(t *testing.T) {
	path := os.Getenv(victimVariable)
	if path == "" {
		return // only TestKill starts it
	}
	s, err := store.Open(context.Background(), store.Options{Dialect: store.SQLite, Path: path, Log: silent})
	if err != nil {
		t.Fatal(err)
	}
	r := New(s, Options{Lease: time.Second, Log: silent})
	r.Handle("k", func(context.Context, models.Job) (*time.Time, error) {
		fmt.Println("working")
		select {}
	})
	_ = r.Run(context.Background())
}

// TestKill holds that when a worker's process dies, another takes over after the lease ran
// out, and not before.
func TestKill(t *testing.T) {
	options := store.Options{Dialect: store.SQLite, Path: filepath.Join(t.TempDir(), "keeper.db"), Log: silent}
	s := storetest.OpenWith(t, options)
	enqueue(t, s, "1", time.Now())

	victim := exec.Command(os.Args[0], "-test.run=^TestVictim$")
	victim.Env = append(os.Environ(), victimVariable+"="+options.Path)
	out, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = victim.Process.Kill() })
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "working" {
	}
	took := make(chan struct{})
	r := New(s, Options{Poll: 20 * time.Millisecond, Log: silent})
	r.Handle("k", func(context.Context, models.Job) (*time.Time, error) { close(took); return nil, nil })
	start(t, r)
	select {
	case <-took:
		t.Fatal("it was taken over while its worker lived")
	case <-time.After(1500 * time.Millisecond): // longer than a lease that nobody extends
	}
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait()
	receive(t, took)
}
