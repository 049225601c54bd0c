package store

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	driver "modernc.org/sqlite"

	"github.com/your-org/keeper/fault"
)

// openSQLite opens the file with one writing connection and a pool of readers.
func (s *Store) openSQLite(ctx context.Context) error {
	path, err := s.prepareFile()
	if err != nil {
		return err
	}
	writing, err := openFile(path, writerPragmas)
	if err != nil {
		return err
	}
	writing.SetMaxOpenConns(1)
	s.close = append(s.close, writing.Close)
	conn, err := writing.Conn(ctx)
	if err != nil {
		return translate(fmt.Errorf("opening %s: %w", path, err), "database")
	}
	if s.reader, err = openFile(path, readerPragmas); err != nil {
		return err
	}
	s.reader.SetMaxOpenConns(s.options.PoolSize + s.options.MaxOverflow)
	s.reader.SetMaxIdleConns(s.options.PoolSize)
	reads := newStatements(s.reader)
	s.reads = reads
	if s.orm, err = openORM(SQLite, s.reader); err != nil {
		return translate(err, "database")
	}

	w := &writer{s: s, conn: newStatements(conn)}
	s.changes = newQueue(w.commit)
	s.write = func(ctx context.Context, do func(*Tx) error) error {
		return s.changes.do(ctx, &request{ctx: ctx, do: do})
	}
	s.admin = func() (*sql.DB, func(), error) {
		pool, err := openFile(path, writerPragmas)
		return pool, func() { _ = pool.Close() }, err
	}
	c, err := startCheckpoints(path, w, s.log)
	if err != nil {
		return err
	}
	// The last to be closed is the writing connection, which empties the journal.
	s.close = append([]func() error{s.changes.close, c.stop, reads.close, s.reader.Close, w.conn.close, conn.Close}, s.close...)
	return s.Ping(ctx)
}

// prepareFile makes the file where it is missing, for its owner only, and takes the lock
// where it is asked for. It returns the absolute path.
func (s *Store) prepareFile() (string, error) {
	path, err := filepath.Abs(s.options.Path)
	if err != nil || s.options.Path == "" {
		return "", fault.Wrap(err, fault.Invalid, "The database's path is not valid.")
	}
	if s.options.Exclusive {
		unlock, err := lockFile(path + ".lock")
		if err != nil {
			return "", err
		}
		s.close = append(s.close, unlock)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		return path, file.Close()
	}
	hint := "Check that the folder exists and that Keeper may write there."
	if errors.Is(err, fs.ErrPermission) {
		hint = "Check that the user that Keeper runs as may read and write it."
	}
	return "", fault.Wrap(err, fault.Unavailable, "The database file %s cannot be opened.", path).WithHint("%s", hint)
}

// Every connection: foreign keys, and patience with another process's write. FULL makes a
// commit durable before it is answered. The journal is emptied by checkpoints of our own,
// not by whoever commits.
//
// What connections keep of the file is one store for the whole process, as large as all of
// their shares together, and any of them may fill it: the shares bound the memory that a large
// database takes beside a small one. A reader lets go of its pages at each commit, so that it
// gains little from many, and the system keeps the file's besides. Who copies the journal
// needs none.
var (
	writerPragmas     = writing(16384)
	checkpointPragmas = writing(128)
	readerPragmas     = []string{"busy_timeout(10000)", "foreign_keys(1)", "query_only(1)", "cache_size(-1024)", "temp_store(MEMORY)"}
)

// writing are the pragmas of a connection that writes, with its share of the store, in KiB.
func writing(share int) []string {
	return []string{
		"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
		"wal_autocheckpoint(0)", fmt.Sprintf("cache_size(-%d)", share), "temp_store(MEMORY)",
	}
}

// openFile opens a pool on the file. Times are integers, microseconds since 1970, which
// sort and compare as they should.
func openFile(path string, pragmas []string) (*sql.DB, error) {
	settings := url.Values{
		"_pragma": pragmas, "_time_integer_format": {"unix_micro"}, "_inttotime": {"1"}, "_txlock": {"immediate"},
	}
	source := url.URL{Scheme: "file", Path: path, RawQuery: settings.Encode()}
	if err := registerFold(); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "The database could not be opened.")
	}
	connector, err := driver.NewConnector(source.String())
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "The database could not be opened.")
	}
	return sql.OpenDB(connector), nil
}

// foldFunction lowers the case of any letter; SQLite's own LOWER knows ASCII only.
const foldFunction = "keeper_fold"

var registerFold = sync.OnceValue(func() error {
	return driver.RegisterDeterministicScalarFunction(foldFunction, 1,
		func(_ *driver.FunctionContext, args []sqldriver.Value) (sqldriver.Value, error) {
			text, _ := args[0].(string)
			return strings.ToLower(text), nil
		})
})
