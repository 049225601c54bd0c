// Command awsstandin serves the AWS stand-in, so that anyone can point a client at it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/your-org/keeper/test/awsstandin/standin"
)

const saveEvery = 2 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	switch err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); {
	case errors.Is(err, flag.ErrHelp), errors.Is(err, errUsage):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "awsstandin:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	cfg, err := parse(args, stderr)
	if err != nil {
		return err
	}
	server := standin.New(cfg.options)
	if cfg.state != "" {
		if err := server.LoadState(cfg.state); err != nil {
			return err
		}
	}
	listener, err := net.Listen("tcp", cfg.addr)
	if err != nil {
		return err
	}
	greet(stdout, "http://"+listener.Addr().String(), cfg)
	stopSaving := keepState(server, cfg.state, stderr)
	err = serve(ctx, server, listener)
	return errors.Join(err, stopSaving())
}

// keepState saves the state while it changes. The function that it returns saves it a last time.
func keepState(server *standin.Server, path string, stderr io.Writer) func() error {
	if path == "" {
		return func() error { return nil }
	}
	ctx, cancel := context.WithCancel(context.Background())
	saved := make(chan error, 1)
	go func() {
		saved <- server.Autosave(ctx, path, saveEvery, func(err error) { fmt.Fprintln(stderr, "awsstandin:", err) })
	}()
	return func() error {
		cancel()
		return <-saved
	}
}

// serve answers until ctx ends or serving fails, and waits for the calls that are being answered.
func serve(ctx context.Context, handler *standin.Server, listener net.Listener) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		handler.Close()
		grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		stopped <- server.Shutdown(grace)
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

func greet(w io.Writer, url string, cfg config) {
	fmt.Fprintf(w, `AWS stand-in (Secrets Manager, KMS, STS) on %s
  account %s, quotas %s; any access key is accepted
Point a client at it:
  export AWS_ENDPOINT_URL=%s AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
  aws --endpoint-url %s secretsmanager list-secrets
Faults, counts, clock: %s/_standin/
`, url, cfg.options.Account, cfg.quotas, url, url, url)
}
