// Command demo does Keeper's main job before one's eyes. It builds Keeper, starts it on its
// embedded defaults beside an AWS Secrets Manager and a Vault KV v2 of its own, plays the
// story of package scenario, and leaves the dashboard up until Ctrl-C.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/your-org/keeper/test/scenario"
)

// password is the demo's own; a real installation gets a one-time password at its first start.
const password = "keeper-demo-password"

func main() {
	port := flag.Int("port", 8989, "port of the dashboard")
	once := flag.Bool("once", false, "end after the story instead of leaving the dashboard up")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	err := demo(ctx, *port, *once)
	switch {
	case ctx.Err() != nil:
		fmt.Println("\nEverything is stopped and removed.")
	case err != nil:
		fmt.Fprintln(os.Stderr, "\nThe demo failed:", err)
		os.Exit(1)
	}
}

func demo(ctx context.Context, port int, once bool) (err error) {
	if err := free(port); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "keeper-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	say("Building Keeper and the KV v2 engine; the first time this takes a few minutes.")
	binary, engine := filepath.Join(dir, "keeper"), filepath.Join(dir, "vaultengine")
	if err := errors.Join(scenario.Build(ctx, ".", binary), scenario.Build(ctx, "test/vaultengine", engine)); err != nil {
		return err
	}
	aws, stopAWS, err := scenario.StartAWS()
	if err != nil {
		return err
	}
	defer stopAWS()
	vault, stopVault, err := scenario.StartVault(ctx, engine)
	if err != nil {
		return err
	}
	defer stopVault()

	log, err := os.Create(filepath.Join(dir, "keeper.log"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	world := &scenario.World{
		AWS: aws, Vault: vault, Tell: say,
		Keeper: &scenario.Keeper{
			Binary: binary, Dir: dir, Port: port, Log: log, Env: []string{"KEEPER_ADMIN_PASSWORD=" + password, "KEEPER_LOG_LEVEL=warn"},
		},
	}
	if err := world.Keeper.Start(ctx); err != nil {
		return err
	}
	defer world.Keeper.Stop()
	say("Keeper runs on SQLite with a local master key, AWS Secrets Manager (a stand-in with real quotas) at %s,", aws.URL)
	say("Vault's real KV v2 engine at %s.", vault.URL)
	if err := world.Run(ctx); err != nil {
		return err
	}
	invite(world, once)
	if !once {
		<-ctx.Done()
	}
	return nil
}

func invite(w *scenario.World, once bool) {
	say("\nDone: written once, right everywhere.")
	if once {
		return
	}
	say(`
  Dashboard   http://localhost:%d
  Sign in     admin / %s

  Look at the copies yourself:
    export AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s AWS_REGION=%s
    aws --endpoint-url %s secretsmanager get-secret-value --secret-id production/payments/db/password
    curl -H 'X-Vault-Token: %s' %s/v1/%s/data/production/payments/db/password

  Ctrl-C stops everything and removes it.`,
		w.Keeper.Port, password, w.AWS.AccessKey, w.AWS.SecretKey, w.AWS.Region, w.AWS.URL, w.Vault.Token, w.Vault.URL, w.Vault.Mount)
}

func say(format string, args ...any) { fmt.Printf(format+"\n", args...) }

// free says whether the dashboard's port can be had, before anything is built for it.
func free(port int) error {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return fmt.Errorf("port %d is in use; stop what uses it, or choose another with: go run ./test/demo -port 8990", port)
	}
	return listener.Close()
}
