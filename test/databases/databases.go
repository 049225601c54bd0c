// Package databases gives tests databases of their own on throw-away MariaDB and PostgreSQL
// servers. A server starts on loopback at the first use in a test binary and ends with the
// binary, however that ends.
package databases

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/stdlib"
)

// Parts say where a database is, in the words of a database URL. The password is empty.
type Parts struct {
	Host string
	Port int
	User string
	Name string
}

// Address is host:port.
func (p Parts) Address() string { return net.JoinHostPort(p.Host, strconv.Itoa(p.Port)) }

// MariaDB makes an empty database, which is dropped at the test's end.
func MariaDB(t testing.TB) Parts {
	t.Helper()
	return fresh(t, mariaDB)
}

// Postgres makes an empty database, which is dropped at the test's end.
func Postgres(t testing.TB) Parts {
	t.Helper()
	return fresh(t, postgres)
}

var (
	mariaDB = &server{
		kind: mariaDBKind{}, packages: "mariadb-server",
		drop: "DROP DATABASE IF EXISTS %s",
	}
	postgres = &server{
		kind: postgresKind{}, packages: "postgresql",
		drop: "DROP DATABASE IF EXISTS %s WITH (FORCE)",
	}
)

// kind is a sort of server.
type kind interface {
	name() string
	// binaries finds the folder of the server's programs.
	binaries() (string, error)
	// initialize fills an empty folder with a new cluster.
	initialize(bin, folder string) error
	// command starts the server in the foreground.
	command(bin, folder string, port int) []string
	// account is the user that the programs run as and that the database knows.
	account() account
	connect(p Parts) *sql.DB
}

// server is the one of its kind in this process.
type server struct {
	kind     kind
	packages string // of the distribution
	drop     string

	once    sync.Once
	at      Parts
	missing error // the programs are not installed
	failed  error
	count   atomic.Int64
}

func fresh(t testing.TB, s *server) Parts {
	t.Helper()
	s.once.Do(s.start)
	switch {
	case s.missing != nil && (os.Getenv("CI") != "" || os.Getenv("KEEPER_TEST_ALL") != ""):
		t.Fatalf("%s is not installed (apt-get install -y %s): %v", s.kind.name(), s.packages, s.missing)
	case s.missing != nil:
		t.Skipf("%s is not installed; to run this test: apt-get install -y %s", s.kind.name(), s.packages)
	case s.failed != nil:
		t.Fatalf("starting %s: %v", s.kind.name(), s.failed)
	}
	parts := s.at
	parts.Name = fmt.Sprintf("keeper_%d", s.count.Add(1))
	if err := s.run("CREATE DATABASE " + parts.Name); err != nil {
		t.Fatalf("creating a database: %v", err)
	}
	t.Cleanup(func() {
		if err := s.run(fmt.Sprintf(s.drop, parts.Name)); err != nil {
			t.Errorf("dropping a database: %v", err)
		}
	})
	return parts
}

func (s *server) run(statement string) error {
	pool := s.kind.connect(s.at)
	defer func() { _ = pool.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err := pool.ExecContext(ctx, statement)
	return err
}

func (s *server) start() {
	bin, err := s.kind.binaries()
	if err != nil {
		s.missing = err
		return
	}
	// The port is free when it is chosen; another process may take it before the server does.
	for range 3 {
		if s.at, s.failed = launch(s.kind, bin); s.failed == nil {
			return
		}
	}
}

// answers waits until the server takes connections, or ended is closed.
func answers(k kind, at Parts, ended <-chan struct{}) error {
	pool := k.connect(at)
	defer func() { _ = pool.Close() }()
	deadline := time.After(time.Minute)
	for {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		err := pool.PingContext(ctx)
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-ended:
			return fmt.Errorf("the server ended: %w", err)
		case <-deadline:
			return fmt.Errorf("the server does not answer: %w", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func connectMariaDB(p Parts) *sql.DB {
	config := mysql.NewConfig()
	config.User, config.Net, config.Addr, config.DBName = p.User, "tcp", p.Address(), p.Name
	config.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		panic(err) // our own settings
	}
	return sql.OpenDB(connector)
}

func connectPostgres(p Parts) *sql.DB {
	source := fmt.Sprintf("host=%s port=%d user=%s dbname=postgres sslmode=disable", p.Host, p.Port, p.User)
	pool, err := sql.Open("pgx", source)
	if err != nil {
		panic(err) // our own settings
	}
	return pool
}

var _ = stdlib.GetDefaultDriver // registers "pgx"
