package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/web"
)

// stopTimeout is how long requests that are under way may take to end.
const stopTimeout = 15 * time.Second

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
	return a.listen(ctx, a.Config.Port, "--port or KEEPER_PORT")
}

func (a *App) listen(ctx context.Context, port int, setting string) (net.Listener, error) {
	address := net.JoinHostPort(a.Config.Host, strconv.Itoa(port))
	var open net.ListenConfig
	listener, err := open.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "Keeper cannot listen on %s.", address).
			WithHint("Another program may be using the port; choose one with %s.", setting)
	}
	return listener, nil
}

// Run serves on the listener and works off due jobs until the context ends, then lets what
// is under way finish.
func (a *App) Run(ctx context.Context, listener net.Listener) error {
	tuneGarbage()
	stopping, stopped := context.WithCancel(context.Background())
	defer stopped()
	// Requests outlive the signal to stop by as long as Shutdown waits.
	server := newServer(stopping, a.Handler, serving)
	server.RegisterOnShutdown(a.feed.close) // live events end first: they never would by themselves
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return a.serve(server, listener) })
	if a.certificate != nil {
		group.Go(func() error { a.certificate.watch(ctx); return nil })
	}
	if a.Config.RedirectPort != 0 {
		group.Go(func() error { return a.redirect(ctx, listener) })
	}
	group.Go(func() error { return a.Jobs.Run(ctx) })
	group.Go(func() error { a.recordUse(ctx); return nil })
	if a.Quotas != nil {
		group.Go(func() error { a.Quotas.Run(ctx); return nil })
	}
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

// serve serves over TLS where there is a certificate.
func (a *App) serve(server *http.Server, listener net.Listener) (err error) {
	if a.certificate == nil {
		err = server.Serve(listener)
	} else {
		server.TLSConfig = a.certificate.config()
		server.ErrorLog = slog.NewLogLogger(a.Log.Handler(), slog.LevelDebug) // of handshakes that strangers break off
		err = server.ServeTLS(listener, "", "")
	}
	if !errors.Is(err, http.ErrServerClosed) {
		return fault.Wrap(err, fault.Unavailable, "The server stopped serving.")
	}
	return nil
}

// redirect sends on who comes over plain HTTP, until the context ends.
func (a *App) redirect(ctx context.Context, tls net.Listener) error {
	listener, err := a.listen(ctx, a.Config.RedirectPort, "KEEPER_HTTP_REDIRECT_PORT")
	if err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(tls.Addr().String())
	if err != nil {
		return fault.Wrap(err, fault.Internal, "The server's port is not known.")
	}
	server := newServer(ctx, web.RedirectToTLS(a.hosts(), a.Config.PublicURL, port), serving)
	end := context.AfterFunc(ctx, func() { _ = server.Close() }) // it holds nothing
	defer end()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fault.Wrap(err, fault.Unavailable, "The server for plain HTTP stopped serving.")
	}
	return nil
}
