package main

import (
	"context"
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

// syncPart is one of the measurements of -sync.
type syncPart struct {
	name    string // that -only takes
	measure func(ctx context.Context, o options, dir, binary string) ([]figureOfKeys, error)
}

// syncParts are all of them, in the order of the report.
var syncParts = []syncPart{
	{"aws", func(ctx context.Context, _ options, dir, binary string) ([]figureOfKeys, error) {
		return measureAWS(ctx, dir, binary)
	}},
	{"vault", func(ctx context.Context, o options, dir, binary string) ([]figureOfKeys, error) {
		return measureVault(ctx, dir, binary, o.many)
	}},
	{"change", func(ctx context.Context, _ options, dir, binary string) ([]figureOfKeys, error) {
		return measureChange(ctx, dir, binary)
	}},
}

// runSync measures syncing and writes it into its part of the report.
func runSync(ctx context.Context, o options) error {
	return measureIn(ctx, o, func(p place) error {
		var all []figureOfKeys
		for _, part := range syncParts {
			if o.only != "" && o.only != part.name {
				continue
			}
			folder := filepath.Join(p.dir, part.name)
			if err := os.Mkdir(folder, 0o700); err != nil {
				return err
			}
			figures, err := part.measure(ctx, o, folder, p.binary)
			if err != nil {
				return fmt.Errorf("%s: %w", part.name, err)
			}
			all = append(all, figures...)
		}
		return savePart(o.out, syncHeading, renderSync(all, p.machine, o, time.Now()))
	})
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
