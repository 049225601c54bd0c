// Keeper keeps an organisation's secrets in one place and every copy of them true.
package main

import (
	"context"
	"os"

	"github.com/your-org/keeper/cli"
)

func main() {
	os.Exit(cli.Main(context.Background(), os.Args[1:], cli.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
