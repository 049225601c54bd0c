package app

import (
	"context"
	"errors"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/your-org/keeper/fault"
)

// Time-outs of the server. There is none for writing an answer: live events stay open, and
// each other handler is bounded by its context.
const (
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 30 * time.Second
	idleTimeout       = 2 * time.Minute
	stopTimeout       = 15 * time.Second
	maxHeaderBytes    = 64 << 10
)

// garbage lets the heap grow to four times what lives before it is collected: what lives in
// a server is small, so that this costs some tens of megabytes and saves a tenth of the work.
const garbage = 300

// tuneGarbage leaves alone what an operator set with GOGC.
func tuneGarbage() {
	if set := debug.SetGCPercent(garbage); set != 100 {
		debug.SetGCPercent(set)
	}
}

// Listen opens the port that the settings name.
func (a *App) Listen(ctx context.Context) (net.Listener, error) {
	address := net.JoinHostPort(a.Config.Host, strconv.Itoa(a.Config.Port))
	var open net.ListenConfig
	listener, err := open.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "Keeper cannot listen on %s.", address).
			WithHint("Another program may be using the port; choose one with --port or KEEPER_PORT.")
	}
	return listener, nil
}

// Run serves on the listener and works off due jobs until the context ends, then lets what
// is under way finish.
func (a *App) Run(ctx context.Context, listener net.Listener) error {
	tuneGarbage()
	stopping, stopped := context.WithCancel(context.Background())
	defer stopped()
	server := &http.Server{
		Handler: a.Handler, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		// Requests outlive the signal to stop by as long as Shutdown waits.
		BaseContext: func(net.Listener) context.Context { return stopping },
	}
	server.RegisterOnShutdown(a.feed.close) // live events end first: they never would by themselves
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fault.Wrap(err, fault.Unavailable, "The server stopped serving.")
		}
		return nil
	})
	group.Go(func() error { return a.Jobs.Run(ctx) })
	group.Go(func() error { a.recordUse(ctx); return nil })
	group.Go(func() error {
		<-ctx.Done()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		err := server.Shutdown(ctx)
		stopped()
		return errors.Join(err, a.Auth.RecordUse(ctx))
	})
	err := group.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
