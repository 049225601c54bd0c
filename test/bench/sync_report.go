package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/your-org/keeper/api"
)

// syncHeading begins the part of the report that is about syncing.
const syncHeading = "\n## Sync\n"

// sound reports whether a destination still is as a receipt says.
func sound(v api.Verification) bool {
	return v.Again != nil && v.Again.Matches && v.Again.Differ == 0
}

// runSync measures syncing and writes it into its part of the report.
func runSync(ctx context.Context, o options) (err error) {
	if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(o.dir, "bench-sync-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	m, err := describe(dir)
	if err != nil {
		return err
	}
	binary, err := buildKeeper(ctx, dir)
	if err != nil {
		return err
	}
	var all []figureOfKeys
	for name, measure := range map[string]func(dir string) ([]figureOfKeys, error){
		"aws":    func(dir string) ([]figureOfKeys, error) { return measureAWS(ctx, dir, binary) },
		"vault":  func(dir string) ([]figureOfKeys, error) { return measureVault(ctx, dir, binary, o.many) },
		"change": func(dir string) ([]figureOfKeys, error) { return measureChange(ctx, dir, binary) },
	} {
		if o.only != "" && o.only != name {
			continue
		}
		folder := filepath.Join(dir, name)
		if err := os.Mkdir(folder, 0o700); err != nil {
			return err
		}
		figures, err := measure(folder)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, figures...)
	}
	return savePart(o.out, syncHeading, renderSync(all, m, o, time.Now()))
}

func renderSync(figures []figureOfKeys, m machine, o options, date time.Time) string {
	var b strings.Builder
	b.WriteString(syncHeading + "\n| | bound | measured | |\n|---|---|---|---|\n")
	renderFigures(&b, figures)
	b.WriteString(`
- Keeper as it is released, on SQLite and a local key, in a process of its own; the destinations and the load share the processor with it.
- AWS is a stand-in that keeps AWS's published quotas and throttles what goes beyond. Calls are those that it counted. The full compare is
  a receipt that is verified by reading every value again.
- Vault is its core on raft storage. The bare load generator writes new values of as many names over as many connections as a run has
  writes under way at once, and does nothing else; it is measured before and after Keeper's run. Keeper's rate is from the start of its run to the
  end: it reads and opens each version, looks at each name before it writes with check-and-set, and records intents and results.
- A change counts from the API's answer until both destinations give out the new value, asked every 5 ms.
- Memory is the most that the process ever had resident, started anew before the pass.

`)
	m.render(&b, fmt.Sprintf("go run ./test/bench -sync -many %d", o.many), date)
	return b.String()
}
