// Package keystest holds what Keeper promises of its keys, as whole processes beside a
// stand-in of AWS: killed at any point while keys move, with KMS away, with KMS lost for ever,
// with rows changed behind its back, nothing is lost and no value is ever wrong.
package keystest

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/your-org/keeper/cli"
)

// asKeeper makes this test binary the keeper command, so that what is killed is built as the
// tests are: with the race detector where they have it.
const asKeeper = "KEEPER_TEST_AS_KEEPER"

func TestMain(m *testing.M) {
	if os.Getenv(asKeeper) == "" {
		os.Exit(m.Run())
	}
	go endWithParent(os.Getppid())
	os.Exit(cli.Main(context.Background(), os.Args[1:], cli.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}

// endWithParent leaves no server behind where the tests themselves were killed.
func endWithParent(parent int) {
	for os.Getppid() == parent {
		time.Sleep(time.Second)
	}
	os.Exit(1)
}
