// Package e2e holds the whole of Keeper, as one binary in a process of its own, against its
// counterparts.
package e2e

import (
	"bytes"
	"context"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
	"github.com/your-org/keeper/test/awsstandin/standin"
	"github.com/your-org/keeper/test/ports"
	"github.com/your-org/keeper/test/scenario"
	"github.com/your-org/keeper/test/vaulttest"
)

// binary is Keeper, built once for all tests of the package.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "keeper-e2e-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "keeper")
	cmd := exec.Command("go", "build", "-o", path, "../..")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		os.Stderr.Write(out)
		return "", err
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := binary(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// TestStory plays the main job on each database.
func TestStory(t *testing.T) {
	for _, dialect := range []string{store.SQLite, store.MySQL, store.Postgres} {
		t.Run(dialect, func(t *testing.T) {
			w := newWorld(t, dialect)
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			if err := w.Run(ctx); err != nil {
				t.Fatalf("%v\nKeeper said:\n%s", err, w.Keeper.Log)
			}
		})
	}
}

// newWorld starts the counterparts and a Keeper on a database of the dialect.
func newWorld(t *testing.T, dialect string) *scenario.World {
	t.Helper()
	aws := standin.Start(t, standin.Options{Quotas: standin.RealQuotas()})
	vault := vaulttest.StartEngine(t, vaulttest.EngineOptions{})
	w := &scenario.World{
		AWS:   scenario.AWS{URL: aws.URL, Region: "eu-central-1", AccessKey: "test", SecretKey: "test"},
		Vault: scenario.Vault{URL: vault.URL, Token: vault.Token, Mount: vault.Mount},
		Tell:  t.Logf, Keeper: newKeeper(t, dialect),
	}
	if err := w.Keeper.Start(t.Context()); err != nil {
		t.Fatalf("%v\nKeeper said:\n%s", err, w.Keeper.Log)
	}
	t.Cleanup(w.Keeper.Stop)
	return w
}

func newKeeper(t *testing.T, dialect string) *scenario.Keeper {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return &scenario.Keeper{
		Binary: path, Dir: t.TempDir(), Port: freePort(t), Log: new(said),
		Env: []string{"DATABASE_URL=" + databaseURL(t, dialect), "KEEPER_ADMIN_PASSWORD=a-password-for-tests", "KEEPER_LOG_LEVEL=debug"},
	}
}

// databaseURL is a fresh database of the dialect, as DATABASE_URL spells it.
func databaseURL(t *testing.T, dialect string) string {
	t.Helper()
	o := storetest.Options(t, dialect)
	if dialect == store.SQLite {
		return "sqlite:///keeper.db"
	}
	scheme := map[string]string{store.MySQL: "mysql+pymysql", store.Postgres: "postgres"}[dialect]
	u := url.URL{Scheme: scheme, User: url.UserPassword(o.User, o.Password), Host: net.JoinHostPort(o.Host, strconv.Itoa(o.Port)), Path: "/" + o.Name}
	query := url.Values{}
	for name, value := range o.Params {
		query.Set(name, value)
	}
	u.RawQuery = query.Encode()
	return u.String()
}

func freePort(t *testing.T) int {
	t.Helper()
	port, err := ports.Free()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// said keeps what a process says.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

// String is what was said, shortened to its end.
func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := s.text.String()
	if len(text) > 8000 {
		text = "…" + text[len(text)-8000:]
	}
	return strings.TrimSpace(text)
}
