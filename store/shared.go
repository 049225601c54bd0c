package store

import (
	"cmp"
	"context"
	"database/sql"
	"math/rand/v2"
	"time"
)

// tries is how often a write runs at most.
const tries = 3

// openShared finishes opening a database server: one pool for everything.
func (s *Store) openShared(ctx context.Context, pool *sql.DB) error {
	pool.SetMaxOpenConns(s.options.PoolSize + s.options.MaxOverflow)
	pool.SetMaxIdleConns(s.options.PoolSize)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	s.reader, s.reads = pool, pool
	s.close = append(s.close, pool.Close)
	if err := s.Ping(ctx); err != nil {
		return err
	}
	var err error
	if s.orm, err = openORM(s.options.Dialect, pool); err != nil {
		return translate(err, "database")
	}
	s.changes = newQueue(s.recordGroup)
	s.close = append([]func() error{s.changes.close}, s.close...)
	s.write = s.writeShared
	s.admin = func() (*sql.DB, func(), error) { return pool, func() {}, nil }
	return nil
}

func (s *Store) port(usual int) int { return cmp.Or(s.options.Port, usual) }

// writeShared runs the closure in a transaction, again where the database asks for that.
func (s *Store) writeShared(ctx context.Context, do func(*Tx) error) error {
	for try := 1; ; try++ {
		err := s.transact(ctx, do)
		if err == nil || try == tries || classify(err) != classRetry {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Duration(try) * rand.N(20*time.Millisecond)):
		}
	}
}

// transact is one try.
func (s *Store) transact(ctx context.Context, do func(*Tx) error) error {
	begun, err := s.reader.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return translate(err, "change")
	}
	defer func() { _ = begun.Rollback() }() // nothing after a commit
	if err := do(&Tx{s: s, ctx: ctx, conn: begun}); err != nil {
		return err
	}
	return translate(begun.Commit(), "change")
}

// recordGroup writes a group of audit entries in one transaction. One that the database
// refuses must not take the others along, so after a failure each is written alone.
func (s *Store) recordGroup(group []*request) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	err := s.recordTogether(ctx, group)
	for i, r := range group {
		if err != nil && len(group) > 1 && classify(err) != classGone {
			r.finish(s.recordTogether(ctx, group[i:i+1]))
			continue
		}
		r.finish(err)
	}
}

func (s *Store) recordTogether(ctx context.Context, group []*request) error {
	return s.writeShared(ctx, func(tx *Tx) error {
		return insertEntries(tx, len(group), func(i int) *request { return group[i] })
	})
}
