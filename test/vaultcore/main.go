// Command vaultcore runs Vault's real core (1.14, the last line under the MPL) with KV v2, AppRole, JWT and Kubernetes
// auth, on memory, file or raft storage. It initialises and unseals itself. It is a counterpart for tests and benchmarks.
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
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "vaultcore:", err)
		}
		os.Exit(1)
	}
}

// Ready is the one line of JSON on stdout that says that a write works.
type Ready struct {
	Addr     string   `json:"addr"`
	Token    string   `json:"token"`
	Mount    string   `json:"mount"`
	Mounts   []string `json:"mounts"`
	CASMount string   `json:"cas_mount"`
	RoleID   string   `json:"role_id,omitempty"`
	SecretID string   `json:"secret_id,omitempty"`
}

type options struct {
	addr, storage, dir, logLevel string
	appRole, withStdin           bool
	appRoleTTL                   time.Duration
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("vaultcore", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.addr, "addr", "127.0.0.1:8201", "address to listen on; port 0 takes a free one")
	flags.StringVar(&o.storage, "storage", storageInmem, "inmem, file or raft")
	flags.StringVar(&o.dir, "dir", "", "where file and raft keep the data, the unseal key and the root token")
	flags.BoolVar(&o.appRole, "approle", false, "make a role that may use the mounts only, and print its identifiers")
	flags.DurationVar(&o.appRoleTTL, "approle-ttl", time.Hour, "how long a token of that role lives between renewals")
	flags.StringVar(&o.logLevel, "log-level", "error", "level of Vault's log on stderr")
	flags.BoolVar(&o.withStdin, "end-with-stdin", false, "end also when stdin ends, so as not to outlive the program that holds its other end")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	return o, checkStorage(o.storage, o.dir)
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	if o.withStdin {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		go func() {
			defer cancel()
			_, _ = io.Copy(io.Discard, stdin) // an error ends it too
		}()
	}
	listener, err := net.Listen("tcp", o.addr)
	if err != nil {
		return err
	}
	defer listener.Close() // a second close, after serving, does no harm
	url := "http://" + listener.Addr().String()
	core, err := openCore(ctx, o, url, stderr)
	if err != nil {
		return err
	}
	stop := serve(listener, core)
	ready, err := provision(ctx, url, core.keys.RootToken, o)
	if err == nil {
		fmt.Fprintf(stderr, "vaultcore: Vault at %s, mounts %v, root token %s; Ctrl-C ends it\n", url, ready.Mounts, ready.Token)
		err = json.NewEncoder(stdout).Encode(ready)
	}
	if err == nil {
		<-ctx.Done()
	}
	return errors.Join(err, stop(), core.close())
}

// serve answers until the function it returns is called, which waits for the calls under way.
func serve(listener net.Listener, core *core) (stop func() error) {
	server := &http.Server{Handler: core.handler(), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	return func() error {
		grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := server.Shutdown(grace); err != nil {
			_ = server.Close() // calls that would not end are cut off
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	}
}
