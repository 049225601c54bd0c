package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

func TestSQLiteFile(t *testing.T) {
	ctx := context.Background()
	options := storetest.Options(t, store.SQLite)
	options.Exclusive = true
	s := storetest.OpenWith(t, options)
	newHouse(t, s)
	t.Run("Mode", func(t *testing.T) {
		for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
			info, err := os.Stat(options.Path + suffix)
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode().Perm() != 0o600 {
				t.Errorf("%q: got mode %v, want 0600", suffix, info.Mode().Perm())
			}
		}
	})
	t.Run("SecondServer", func(t *testing.T) {
		_, err := store.Open(ctx, options)
		wantKind(t, err, fault.Conflict)
	})
	t.Run("CommandBeside", func(t *testing.T) {
		beside := options
		beside.Exclusive = false
		other, err := store.Open(ctx, beside)
		if err != nil {
			t.Fatal(err)
		}
		write(t, other, func(tx *store.Tx) error { return tx.PutSetting("beside", "1") })
		if err := other.Close(); err != nil {
			t.Fatal(err)
		}
		same(t, settings(t, s, "beside"), []string{"beside"})
	})
	t.Run("ReadersCannotWrite", func(t *testing.T) {
		err := s.Read(ctx, func(tx *store.Tx) error { return tx.PutSetting("a", "b") })
		if err == nil {
			t.Error("a closure of Read wrote")
		}
	})
	t.Run("NoFolder", func(t *testing.T) {
		_, err := store.Open(ctx, store.Options{Dialect: store.SQLite, Path: filepath.Join(t.TempDir(), "no", "x.db")})
		wantKind(t, err, fault.Unavailable)
	})
	t.Run("LockGoesWithClose", func(t *testing.T) {
		one := storetest.Options(t, store.SQLite)
		one.Exclusive = true
		for range 2 {
			s, err := store.Open(ctx, one)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestUnreachable(t *testing.T) {
	for _, dialect := range []string{store.MySQL, store.Postgres} {
		t.Run(dialect, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			_, err := store.Open(ctx, store.Options{Dialect: dialect, Host: "127.0.0.1", Port: 1, User: "u", Password: "hunter2", Name: "n"})
			wantKind(t, err, fault.Unavailable)
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Error("the error holds the password")
			}
		})
	}
}

func TestClosed(t *testing.T) {
	s, err := store.Open(context.Background(), storetest.Options(t, store.SQLite))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wantKind(t, s.Write(context.Background(), func(*store.Tx) error { return nil }), fault.Unavailable)
	wantKind(t, s.Ping(context.Background()), fault.Unavailable)
	wantKind(t, s.Read(context.Background(), func(*store.Tx) error { return nil }), fault.Unavailable)
}

// TestGoexit holds that a closure that ends its goroutine, as testing's FailNow does, takes
// neither the writer nor what others wrote with it.
func TestGoexit(t *testing.T) {
	s := storetest.SQLite(t)
	err := s.Write(context.Background(), func(tx *store.Tx) error {
		if err := tx.PutSetting("exit", "1"); err != nil {
			return err
		}
		runtime.Goexit()
		return nil
	})
	wantKind(t, err, fault.Internal)
	write(t, s, func(tx *store.Tx) error { return tx.PutSetting("after", "1") })
	same(t, settings(t, s, "exit", "after"), []string{"after"})
}

// TestQueued holds that a caller whose context ends while its write waits for its turn is
// answered at once, and that its closure never runs.
func TestQueued(t *testing.T) {
	s := storetest.SQLite(t)
	began, proceed := make(chan struct{}), make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		_ = s.Write(context.Background(), func(*store.Tx) error { close(began); <-proceed; return nil })
	})
	<-began
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	err := s.Write(ctx, func(*store.Tx) error { t.Error("it ran"); return nil })
	wantKind(t, err, fault.Unavailable)
	close(proceed)
	wait.Wait()
	write(t, s, func(*store.Tx) error { return nil })
}

func TestNoLeak(t *testing.T) {
	ignore := goleak.IgnoreCurrent()
	t.Run("Store", func(t *testing.T) { newHouse(t, storetest.SQLite(t)).secret(t, "a") })
	goleak.VerifyNone(t, ignore)
}

const victimVariable = "KEEPER_STORE_VICTIM"

// TestVictim is the process that TestKill kills: it writes without end, and says on its
// output what was acknowledged.
func TestVictim(t *testing.T) {
	path := os.Getenv(victimVariable)
	if path == "" {
		return // only TestKill starts it
	}
	s, err := store.Open(context.Background(), store.Options{Dialect: store.SQLite, Path: path, Exclusive: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	var out sync.Mutex
	say := func(what, key string) {
		out.Lock()
		defer out.Unlock()
		fmt.Println("ack", what, key)
	}
	for w := range 8 {
		go func() {
			for i := 0; ; i++ {
				key := fmt.Sprintf("%d-%d-%d", os.Getpid(), w, i)
				if w%2 == 0 {
					if s.Record(context.Background(), entryOf(1, "secret.reveal", key)) == nil {
						say("entry", key)
					}
					continue
				}
				err := s.Write(context.Background(), func(tx *store.Tx) error {
					if err := tx.PutSetting("a-"+key, "1"); err != nil {
						return err
					}
					return tx.PutSetting("b-"+key, "1")
				})
				if err == nil {
					say("pair", key)
				}
			}
		}()
	}
	select {}
}

// TestKill kills a writing process again and again, and holds that every write it
// acknowledged is there, whole, and that no write is there by half.
func TestKill(t *testing.T) {
	options := storetest.Options(t, store.SQLite)
	storetest.OpenWith(t, options)
	acknowledged := 0
	for round := range 4 {
		acks := killed(t, options.Path, time.Duration(100+37*round)*time.Millisecond)
		acknowledged += len(acks)
		s, err := store.Open(context.Background(), options)
		if err != nil {
			t.Fatalf("opening after a kill: %v", err)
		}
		check(t, s, acks)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if acknowledged < 100 {
		t.Errorf("only %d writes were acknowledged in all: nothing was tried", acknowledged)
	}
}

// killed runs the victim for a while and returns what it acknowledged: kind and key.
func killed(t *testing.T, path string, after time.Duration) (acks [][2]string) {
	t.Helper()
	victim := exec.Command(os.Args[0], "-test.run=^TestVictim$")
	victim.Env = append(os.Environ(), victimVariable+"="+path)
	out, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var timer *time.Timer
	for lines.Scan() {
		if timer == nil { // from the first acknowledgement on
			timer = time.AfterFunc(after, func() { _ = victim.Process.Kill() })
		}
		if words := strings.Fields(lines.Text()); len(words) == 3 && words[0] == "ack" {
			acks = append(acks, [2]string{words[1], words[2]})
		}
	}
	if timer == nil {
		t.Error("the victim acknowledged nothing")
	}
	_ = victim.Wait()
	return acks
}

func check(t *testing.T, s *store.Store, acks [][2]string) {
	t.Helper()
	for _, ack := range acks {
		switch ack[0] {
		case "pair":
			if got := settings(t, s, "a-"+ack[1], "b-"+ack[1]); len(got) != 2 {
				t.Errorf("acknowledged pair %s: got %v", ack[1], got)
			}
		case "entry":
			q := store.AuditQuery{Everything: true, ObjectKind: "secret", ObjectID: ack[1]}
			if got := audit(t, s, q); len(got) != 1 {
				t.Errorf("acknowledged entry %s: got %d", ack[1], len(got))
			}
		}
	}
	if len(acks) == 0 {
		return
	}
	// The write after the last acknowledged one of each writer may be there, but whole.
	pid, _, _ := strings.Cut(acks[0][1], "-")
	for w := 1; w < 8; w += 2 {
		last := -1
		for _, ack := range acks {
			if parts := strings.Split(ack[1], "-"); parts[1] == strconv.Itoa(w) {
				n, _ := strconv.Atoi(parts[2])
				last = max(last, n)
			}
		}
		next := fmt.Sprintf("%s-%d-%d", pid, w, last+1)
		if got := settings(t, s, "a-"+next, "b-"+next); len(got) == 1 {
			t.Errorf("pair %s is there by half", next)
		}
	}
}

// TestCloseLeavesOneFile holds that after a clean end the file alone is the database: who
// copies it then copies everything.
func TestCloseLeavesOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keeper.db")
	open := func() *store.Store {
		s, err := store.Open(t.Context(), store.Options{Dialect: store.SQLite, Path: path})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open()
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Record(t.Context(), models.AuditEntry{Action: "test.close"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Write(t.Context(), func(tx *store.Tx) error { return tx.PutSetting("kept", "yes") }); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + "-wal"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the journal stays beside the file (%v)", err)
	}
	s = open()
	defer s.Close()
	var kept string
	err := s.Read(t.Context(), func(tx *store.Tx) (err error) {
		kept, err = tx.Setting("kept")
		return err
	})
	if err != nil || kept != "yes" {
		t.Errorf("after opening it again: %q, %v", kept, err)
	}
}
