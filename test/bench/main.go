// Command bench measures reading and writing one value through Keeper's API, with its token
// check, permission, audit and fsync on, beside Vault's core on raft storage, in turn on the
// same machine and disk, and writes the figures of both and their ratios. With -keys it
// measures what keys cost with a KMS beside it: calls, cold reads, and re-wraps under load. With -sync it
// measures passes over destinations: time, calls and memory. With -pages it measures what
// pages over many secrets weigh, and how long they take, in Chromium.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// options say how long and how hard to measure.
type options struct {
	out         string
	dir         string // where the temporary folder is made
	seconds     float64
	rounds      int
	connections []int
	keys        bool
	versions    int // that are re-wrapped
	sync        bool
	pages       bool
	many        int    // secrets, of -pages and where what they take of memory is measured
	only        string // of the parts of -sync; "": all
}

func main() {
	o, err := parse(os.Args[1:], os.Stderr)
	if err == nil {
		// The generator shares the processor with what it measures: it should seldom collect.
		debug.SetGCPercent(1000)
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		switch {
		case o.keys:
			err = runKeys(ctx, o)
		case o.sync:
			err = runSync(ctx, o)
		case o.pages:
			err = runPages(ctx, o)
		default:
			err = run(ctx, o)
		}
		stop()
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	var connections string
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.out, "out", "", "file for the figures, in Markdown; default: standard output")
	flags.StringVar(&o.dir, "dir", ".tmp", "folder on the disk to be measured; what is made there is removed")
	flags.Float64Var(&o.seconds, "seconds", 5, "length of a round")
	flags.IntVar(&o.rounds, "rounds", 3, "rounds of each side per figure; the median counts")
	flags.StringVar(&connections, "connections", "1,16,64", "numbers of connections, with commas")
	flags.BoolVar(&o.keys, "keys", false, "measure what is about KMS instead: cold reads and re-wraps")
	flags.IntVar(&o.versions, "versions", 100_000, "versions that are re-wrapped, of -keys")
	flags.BoolVar(&o.sync, "sync", false, "measure passes over destinations instead")
	flags.BoolVar(&o.pages, "pages", false, "measure pages in Chromium instead")
	flags.IntVar(&o.many, "many", 100_000, "secrets of -pages, and where memory is measured of -sync")
	flags.StringVar(&o.only, "only", "", "part of -sync: aws, vault or change; default: all")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	for text := range strings.SplitSeq(connections, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 1 || n > 10_000 {
			return o, errors.New("-connections must be numbers from 1 to 10000, with commas between")
		}
		o.connections = append(o.connections, n)
	}
	if o.rounds < 1 || o.seconds <= 0 || o.versions < steadySecrets*versionsEach {
		return o, fmt.Errorf("-rounds and -seconds must be above 0, and -versions at least %d", steadySecrets*versionsEach)
	}
	if o.only != "" && !slices.ContainsFunc(syncParts, func(p syncPart) bool { return p.name == o.only }) {
		return o, errors.New("-only must be aws, vault or change")
	}
	return o, nil
}

func run(ctx context.Context, o options) error {
	say("Building and starting Keeper and Vault's core; the core's first build takes minutes.")
	return measureIn(ctx, o, func(p place) error {
		keeper, stopKeeper, err := startKeeper(ctx, p.dir, p.binary)
		if err != nil {
			return err
		}
		defer stopKeeper()
		vault, stopVault, err := startVault(ctx, p.dir)
		if err != nil {
			return err
		}
		defer stopVault()
		figures, err := measure(ctx, o, keeper, vault)
		if err != nil {
			return err
		}
		r := report{options: o, machine: p.machine, date: time.Now(), sides: [2]*side{keeper, vault}, figures: figures}
		for i, s := range r.sides {
			_, r.peak[i] = memory(s.pid)
		}
		return errors.Join(r.save(o.out), r.failed())
	})
}

func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
