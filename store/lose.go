package store

import (
	"context"
	"database/sql"
	"time"

	"gorm.io/gorm"
)

// losing is a connection that loses answers: the database says nothing in time.
type losing struct {
	gorm.ConnPool
	lose func(statement string) bool
}

// over is a context that has ended already where the statement's answer is to be lost.
func (l losing) over(ctx context.Context, text string) (context.Context, context.CancelFunc) {
	if l.lose(text) {
		return context.WithDeadline(ctx, time.Unix(0, 0))
	}
	return ctx, func() {}
}

// ExecContext is part of gorm.ConnPool.
func (l losing) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	ctx, cancel := l.over(ctx, text)
	defer cancel()
	return l.ConnPool.ExecContext(ctx, text, args...)
}

// QueryContext is part of gorm.ConnPool. The rows outlive the call, and so does their context.
func (l losing) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	ctx, _ = l.over(ctx, text)
	return l.ConnPool.QueryContext(ctx, text, args...)
}

// QueryRowContext is part of gorm.ConnPool.
func (l losing) QueryRowContext(ctx context.Context, text string, args ...any) *sql.Row {
	ctx, _ = l.over(ctx, text)
	return l.ConnPool.QueryRowContext(ctx, text, args...)
}
