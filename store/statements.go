package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"

	"gorm.io/gorm"
)

// maxStatements bounds how many texts are kept prepared. Keeper's own texts are about a
// hundred; lists with many filters can make more, and those beyond run unprepared.
const maxStatements = 400

// statements runs queries on a connection or a pool and keeps them prepared: parsing costs
// SQLite more than most of Keeper's queries take.
type statements struct {
	base gorm.ConnPool

	mu   sync.RWMutex
	kept map[string]*sql.Stmt
}

func newStatements(base gorm.ConnPool) *statements {
	return &statements{base: base, kept: map[string]*sql.Stmt{}}
}

// prepared returns nil where the text has to run unprepared; its own error, if it has one,
// then comes from there.
func (s *statements) prepared(ctx context.Context, text string) *sql.Stmt {
	s.mu.RLock()
	stmt, full := s.kept[text], len(s.kept) >= maxStatements
	s.mu.RUnlock()
	if stmt != nil || full {
		return stmt
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if stmt = s.kept[text]; stmt != nil {
		return stmt
	}
	// Without the caller's context: the statement outlives the call.
	stmt, err := s.base.PrepareContext(context.WithoutCancel(ctx), text)
	if err != nil {
		return nil
	}
	s.kept[text] = stmt
	return stmt
}

// close gives the kept statements back. A connection that has some is not closed by SQLite,
// and leaves its journal behind.
func (s *statements) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var problems []error
	for _, stmt := range s.kept {
		problems = append(problems, stmt.Close())
	}
	clear(s.kept)
	return errors.Join(problems...)
}

// PrepareContext is part of gorm.ConnPool.
func (s *statements) PrepareContext(ctx context.Context, text string) (*sql.Stmt, error) {
	return s.base.PrepareContext(ctx, text)
}

// ExecContext is part of gorm.ConnPool.
func (s *statements) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	if stmt := s.prepared(ctx, text); stmt != nil {
		return stmt.ExecContext(ctx, args...)
	}
	return s.base.ExecContext(ctx, text, args...)
}

// QueryContext is part of gorm.ConnPool.
func (s *statements) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	if stmt := s.prepared(ctx, text); stmt != nil {
		return stmt.QueryContext(ctx, args...)
	}
	return s.base.QueryContext(ctx, text, args...)
}

// QueryRowContext is part of gorm.ConnPool.
func (s *statements) QueryRowContext(ctx context.Context, text string, args ...any) *sql.Row {
	if stmt := s.prepared(ctx, text); stmt != nil {
		return stmt.QueryRowContext(ctx, args...)
	}
	return s.base.QueryRowContext(ctx, text, args...)
}
