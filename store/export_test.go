package store

import (
	"context"
	"database/sql"

	"github.com/pressly/goose/v3"
	"gorm.io/gorm"
)

// MigrateTo brings the schema to that of an older program.
func (s *Store) MigrateTo(ctx context.Context, version int64) error {
	return s.migrations(func(p *goose.Provider) error {
		_, err := p.UpTo(ctx, version)
		return err
	})
}

// Exec runs SQL of a test's own.
func (s *Store) Exec(ctx context.Context, text string) error {
	pool, done, err := s.admin()
	if err != nil {
		return err
	}
	defer done()
	_, err = pool.ExecContext(ctx, text)
	return err
}

// Explain is Read, and returns the database's plan of each query.
func (s *Store) Explain(ctx context.Context, do func(*Tx) error) (plans []string, err error) {
	err = do(&Tx{s: s, ctx: ctx, conn: &explaining{ConnPool: s.reads, dialect: s.options.Dialect, plans: &plans}})
	return plans, err
}

// explaining asks for the plan of a query before it runs it.
type explaining struct {
	gorm.ConnPool
	dialect string
	plans   *[]string
}

func (e *explaining) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	if err := e.explain(ctx, text, args); err != nil {
		return nil, err
	}
	return e.ConnPool.QueryContext(ctx, text, args...)
}

func (e *explaining) explain(ctx context.Context, text string, args []any) error {
	words := map[string]string{SQLite: "EXPLAIN QUERY PLAN ", MySQL: "EXPLAIN ", Postgres: "EXPLAIN "}
	rows, err := e.ConnPool.QueryContext(ctx, words[e.dialect]+text, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	plan := text
	for rows.Next() {
		cells, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		plan += "\n\t"
		for _, cell := range cells {
			plan += cell.String + " "
		}
	}
	*e.plans = append(*e.plans, plan)
	return rows.Err()
}
