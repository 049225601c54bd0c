package store

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"

	"github.com/your-org/keeper/fault"
)

// writer is SQLite's one writing connection. It runs the requests of a group in one
// physical transaction, each in a savepoint of its own, so that durable writes scale with
// the number of callers and not with the disk's flushes.
type writer struct {
	s    *Store
	conn *statements

	emptyJournal atomic.Bool // asks for a checkpoint between two commits
}

// commit runs a group and answers every request after the COMMIT. Statements run without
// the callers' contexts: an interrupted statement would roll back the whole transaction,
// and with it what others wrote.
func (w *writer) commit(group []*request) {
	results := make([]error, len(group))
	err := errExited // stands where a closure ends this goroutine
	defer func() {
		for i, r := range group {
			if err == nil {
				r.finish(results[i])
				continue
			}
			r.panicked = nil // nothing was kept of anyone
			r.finish(translate(err, "change"))
		}
		if w.emptyJournal.CompareAndSwap(true, false) {
			// Best effort: the checkpoints of the other connection report what is wrong.
			_, _, _ = checkpoint(context.Background(), w.conn, "PASSIVE")
		}
	}()
	err = w.transaction(func() error { return w.runAll(group, results) })
}

// transaction wraps do in BEGIN and COMMIT. After an error nothing of it stands.
func (w *writer) transaction(do func() error) error {
	if err := w.statement("BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("beginning: %w", err)
	}
	committed := false
	defer func() {
		if !committed {
			// SQLite may have rolled back by itself (disk full, out of memory); then this
			// fails, and means nothing.
			_ = w.statement("ROLLBACK")
		}
	}()
	if err := do(); err != nil {
		return err
	}
	if err := w.statement("COMMIT"); err != nil {
		return fmt.Errorf("committing: %w", err)
	}
	committed = true
	return nil
}

// runAll runs each request, entries together. A failure of a request is its own result; an
// error of runAll means that the transaction as a whole is lost.
func (w *writer) runAll(group []*request, results []error) error {
	tx := func() *Tx { return &Tx{s: w.s, ctx: context.Background(), conn: w.conn} }
	var entries []int
	for i, r := range group {
		if r.entry != nil {
			entries = append(entries, i)
			continue
		}
		if err := w.guarded(func() error { return protect(r, tx()) }, &results[i]); err != nil {
			return err
		}
	}
	if len(entries) == 0 {
		return nil
	}
	var together error
	err := w.guarded(func() error {
		return insertEntries(tx(), len(entries), func(i int) *request { return group[entries[i]] })
	}, &together)
	if err != nil || together == nil {
		return err
	}
	for _, i := range entries {
		alone := func() error { return insertEntries(tx(), 1, func(int) *request { return group[i] }) }
		if err := w.guarded(alone, &results[i]); err != nil {
			return err
		}
	}
	return nil
}

// guarded runs do in a savepoint and keeps its error as the result. What guarded itself
// returns is that the transaction is no longer to be trusted.
func (w *writer) guarded(do func() error, result *error) error {
	if err := w.statement("SAVEPOINT one"); err != nil {
		return fmt.Errorf("setting a savepoint: %w", err)
	}
	if *result = do(); *result != nil {
		// Fails where SQLite rolled the transaction back by itself.
		if err := w.statement("ROLLBACK TO one"); err != nil {
			return errors.Join(*result, fmt.Errorf("rolling back to a savepoint: %w", err))
		}
	}
	if err := w.statement("RELEASE one"); err != nil {
		return fmt.Errorf("releasing a savepoint: %w", err)
	}
	return nil
}

func (w *writer) statement(text string) error {
	_, err := w.conn.ExecContext(context.Background(), text)
	return err
}

// protect runs a request's closure. A panic is kept for the caller together with the stack,
// which would be lost on the way to the caller's goroutine.
func protect(r *request, tx *Tx) (err error) {
	defer func() {
		if value := recover(); value != nil {
			r.panicked = panicError(value)
			err = fault.New(fault.Internal, "The change failed; nothing was changed.")
		}
	}()
	return r.do(tx)
}

func panicError(value any) error {
	if cause, ok := value.(error); ok {
		return fmt.Errorf("store: panic in a transaction: %w\n%s", cause, debug.Stack())
	}
	return fmt.Errorf("store: panic in a transaction: %v\n%s", value, debug.Stack())
}
