// Command vaultengine serves the real KV v2 secrets engine over Vault's HTTP API, on in-memory storage, with
// injectable faults and a record of the calls it got. It is a counterpart for tests and demonstrations.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "vaultengine:", err)
		}
		os.Exit(1)
	}
}

// Ready is the one line of JSON on stdout that says that a write works.
type Ready struct {
	Addr   string   `json:"addr"`
	Token  string   `json:"token"`
	Mount  string   `json:"mount"`
	Mounts []string `json:"mounts"`
}

// stringList is a flag that may be given more than once.
type stringList []string

func (s *stringList) String() string { return strings.Join(*s, ",") }

func (s *stringList) Set(value string) error {
	*s = append(*s, value)
	return nil
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("vaultengine", flag.ContinueOnError)
	flags.SetOutput(stderr)
	addr := flags.String("addr", "127.0.0.1:8200", "address to listen on; port 0 takes a free one")
	token := flags.String("token", "root", "the token that is accepted")
	ttl := flags.Duration("token-ttl", 0, "the token ends after this unless renewed; 0: never")
	seed := flags.Uint64("seed", 1, "seed for faults that hit a share of the calls")
	withStdin := flags.Bool("end-with-stdin", false, "end also when stdin ends, so as not to outlive the program that holds its other end")
	var mounts stringList
	flags.Var(&mounts, "mount", "path of a KV v2 mount; may be repeated (default secret)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if len(mounts) == 0 {
		mounts = stringList{"secret"}
	}
	if *withStdin {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		go func() {
			defer cancel()
			_, _ = io.Copy(io.Discard, stdin) // an error ends it too
		}()
	}
	engine, err := New(ctx, Options{Token: *token, TokenTTL: *ttl, Mounts: mounts, Seed: *seed})
	if err != nil {
		return err
	}
	defer engine.Close()
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	ready := Ready{Addr: "http://" + listener.Addr().String(), Token: *token, Mount: mounts[0], Mounts: mounts}
	fmt.Fprintf(stderr, "vaultengine: KV v2 at %s, mounts %s, token %s; Ctrl-C ends it\n", ready.Addr, &mounts, ready.Token)
	if err := json.NewEncoder(stdout).Encode(ready); err != nil {
		return err
	}
	return serve(ctx, listener, engine)
}

// serve answers until ctx ends. Calls held open by a fault are let go first, so that the end is quick.
func serve(ctx context.Context, listener net.Listener, engine *Engine) error {
	server := &http.Server{Handler: engine.Handler(), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	engine.Release()
	grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		return server.Close()
	}
	return nil
}
