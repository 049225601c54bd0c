package store

import (
	"context"
	"database/sql"
	"log/slog"
	"time"
)

// Bounds of SQLite's write-ahead journal, in pages of 4 KiB. Above softLimit pages that are
// not yet in the database, they are copied beside the writers. That alone never ends while
// writes go on, so once the journal is longer than hardLimit the writer copies the small
// rest between two commits, and the journal begins anew.
const (
	checkpointEvery = 250 * time.Millisecond
	softLimit       = 1_000
	hardLimit       = 16_000
)

// checkpoints empties SQLite's journal on a connection of its own, so that nobody who
// commits has to wait for it.
type checkpoints struct {
	pool   *sql.DB
	writer *writer
	log    *slog.Logger

	cancel context.CancelFunc
	ended  chan struct{}
}

func startCheckpoints(path string, w *writer, log *slog.Logger) (*checkpoints, error) {
	pool, err := openFile(path, checkpointPragmas)
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(1)
	ctx, cancel := context.WithCancel(context.Background())
	c := &checkpoints{pool: pool, writer: w, log: log, cancel: cancel, ended: make(chan struct{})}
	go c.run(ctx)
	return c, nil
}

func (c *checkpoints) run(ctx context.Context) {
	defer close(c.ended)
	ticker := time.NewTicker(checkpointEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := c.tick(ctx); err != nil && ctx.Err() == nil {
				c.log.LogAttrs(ctx, slog.LevelWarn, "the database's journal could not be emptied", slog.Any("error", err))
			}
		}
	}
}

func (c *checkpoints) tick(ctx context.Context) error {
	length, copied, err := checkpoint(ctx, c.pool, "NOOP")
	if err != nil || length-copied < softLimit {
		return err
	}
	length, _, err = checkpoint(ctx, c.pool, "PASSIVE")
	if length >= hardLimit {
		c.writer.emptyJournal.Store(true)
	}
	return err
}

// checkpoint says how many pages the journal has, and how many of them are in the database.
func checkpoint(ctx context.Context, conn interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
}, mode string,
) (length, copied int, err error) {
	var busy int
	err = conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint("+mode+")").Scan(&busy, &length, &copied)
	return length, copied, err
}

func (c *checkpoints) stop() error {
	c.cancel()
	<-c.ended
	return c.pool.Close()
}
