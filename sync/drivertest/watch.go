package drivertest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"strings"
	"testing"

	"github.com/your-org/keeper/fault"
	keepersync "github.com/your-org/keeper/sync"
)

// watched looks at every error that leaves a driver: it is a *fault.Error, is no answer at
// the same time, and shows no value to a person or to the log.
type watched struct {
	keepersync.Driver
	t *testing.T
}

// Unwrap gives the optional interfaces of the driver below.
func (w watched) Unwrap() keepersync.Driver { return w.Driver }

func watch(t *testing.T, d keepersync.Driver) keepersync.Driver { return watched{d, t} }

func (w watched) look(op, name string, err error) {
	w.t.Helper()
	if err == nil {
		return
	}
	var e *fault.Error
	if !errors.As(err, &e) {
		w.t.Errorf("%s: error is a %T, not a *fault.Error: %v", op, err, err)
		return
	}
	if name != "" && !strings.Contains(e.Message, name) {
		w.t.Errorf("%s: the message does not name the secret: %s", op, e.Message)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(io.Writer(&log), nil)).Error("failed", "error", e)
	if text := fmt.Sprintf("%v %+v", err, err) + log.String(); strings.Contains(text, canary) {
		w.t.Errorf("%s: the error shows a value", op)
	}
}

func (w watched) List(ctx context.Context) iter.Seq2[keepersync.Remote, error] {
	return func(yield func(keepersync.Remote, error) bool) {
		ended := false
		for r, err := range w.Driver.List(ctx) {
			if ended {
				w.t.Error("List goes on after an error")
			}
			w.look("List", "", err)
			ended = err != nil
			if !yield(r, err) {
				return
			}
		}
	}
}

func (w watched) Describe(ctx context.Context, name string) (keepersync.Remote, error) {
	r, err := w.Driver.Describe(ctx, name)
	w.look("Describe", name, err)
	return r, err
}

func (w watched) Fetch(ctx context.Context, names []string) map[string]keepersync.Fetched {
	answers := w.Driver.Fetch(ctx, names)
	for name, got := range answers {
		w.look("Fetch", name, got.Err)
		if got.Err != nil && got.Value.Len() > 0 {
			w.t.Errorf("Fetch of %s gives a value beside its error", name)
		}
	}
	return answers
}

func (w watched) Put(ctx context.Context, write keepersync.Write) (keepersync.Remote, error) {
	r, err := w.Driver.Put(ctx, write)
	w.look("Put", write.Name, err)
	return r, err
}

func (w watched) Mark(ctx context.Context, name string, mark keepersync.Mark) (keepersync.Remote, error) {
	r, err := w.Driver.Mark(ctx, name, mark)
	w.look("Mark", name, err)
	return r, err
}

func (w watched) Unmark(ctx context.Context, name string, mark keepersync.Mark) (keepersync.Remote, error) {
	r, err := w.Driver.Unmark(ctx, name, mark)
	w.look("Unmark", name, err)
	return r, err
}

func (w watched) Delete(ctx context.Context, r keepersync.Remote) (keepersync.Remote, error) {
	after, err := w.Driver.Delete(ctx, r)
	w.look("Delete", r.Name, err)
	return after, err
}

func (w watched) Restore(ctx context.Context, r keepersync.Remote) (keepersync.Remote, error) {
	after, err := w.Driver.Restore(ctx, r)
	w.look("Restore", r.Name, err)
	return after, err
}

func (w watched) Check(ctx context.Context) error {
	err := w.Driver.Check(ctx)
	w.look("Check", "", err)
	return err
}
