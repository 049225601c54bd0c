package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// keysHeading begins the part of the report that is about keys; each part is written by a run
// of its own and leaves the other as it is.
const keysHeading = "\n## Keys\n"

// runKeys measures everything about keys and writes it into its part of the report.
func runKeys(ctx context.Context, o options) error {
	return measureIn(ctx, o, func(p place) error {
		figures, err := measureKeys(ctx, o, p.dir, p.binary)
		if err != nil {
			return err
		}
		return savePart(o.out, keysHeading, renderKeys(figures, p.machine, o, time.Now()))
	})
}

func measureKeys(ctx context.Context, o options, dir, binary string) (all []figureOfKeys, err error) {
	folder := func(name string) string {
		path := filepath.Join(dir, name)
		err = errors.Join(err, os.MkdirAll(path, 0o700))
		return path
	}
	for _, uses := range []int{1024, 100} {
		figures, failed := measureReads(ctx, folder(fmt.Sprintf("read-%d", uses)), binary, o.rounds, uses)
		if err = errors.Join(err, failed); err != nil {
			return nil, err
		}
		all = append(all, figures...)
	}
	before := time.Duration(4 * o.seconds * float64(time.Second))
	for _, c := range []rewrapCase{
		{versions: o.versions, uses: 1024, rate: 100}, {versions: o.versions, uses: 1024, rate: 10}, {versions: o.versions, uses: 1, rate: 500},
	} {
		figures, failed := measureRewrap(ctx, folder(fmt.Sprintf("rewrap-%d-%d", c.uses, c.rate)), binary, c, before)
		if err = errors.Join(err, failed); err != nil {
			return nil, err
		}
		all = append(all, figures...)
	}
	return all, nil
}

func renderKeys(figures []figureOfKeys, m machine, o options, date time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nKMS is a stand-in that takes %d ms per call and keeps AWS's quotas.\n\n", keysHeading, kmsLatency.Milliseconds())
	b.WriteString("| | at most | measured | |\n|---|---|---|---|\n")
	renderFigures(&b, figures)
	fmt.Fprintf(&b, `
- Keeper as it is released, on SQLite, in a process of its own; stand-in and load share the processor with it.
- Listing, exporting and the readers are measured right after a start, with no data key in memory: median time of %d starts, most calls of
  all. Listing is five pages of 200. Every value is checked.
- A data key seals 1,024 values by default; with 100 and with 1 there are more of them. Data keys include the one that keys hashes.
- The re-wrap moves an environment to another key, by `+"`POST /api/key-runs`"+`; its time is from its start to its end, as it tells them. Calls a
  second are KEEPER_KMS_RATE.
- The API's load is %d calls a second over %d connections, one in %d of them a write, sent at set times whatever the answers take; a latency
  counts from the time at which the call should have been sent. Of a re-wrap that is over before %d calls no p99 is told;
  else it is the median of the p99s of slices of %s, before and meanwhile.

`, o.rounds, steadyRate, steadyConnections, steadyWrites, leastCalls, sliceLength)
	m.render(&b, fmt.Sprintf("go run ./test/bench -keys -seconds %g -rounds %d -versions %d", o.seconds, o.rounds, o.versions), date)
	return b.String()
}

// renderFigures writes a line for each figure, with whether its bound held.
func renderFigures(b *strings.Builder, figures []figureOfKeys) {
	for _, f := range figures {
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", f.what, f.bound, f.measured, verdict(f.met))
	}
}

// headings begin the parts of the report after the first, in order.
var headings = []string{keysHeading, syncHeading, pagesHeading}

// savePart writes one part of a file and leaves the others as they are: the one that begins at
// the heading, or with no heading the first. No path is standard output.
func savePart(path, heading, text string) error {
	if path == "" {
		_, err := os.Stdout.WriteString(text)
		return err
	}
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	parts, rest := map[string]string{}, string(old)
	for _, one := range slices.Backward(headings) {
		before, after, found := strings.Cut(rest, one)
		if found {
			parts[one] = one + after
		}
		rest = before
	}
	parts[""] = rest
	parts[heading] = text
	whole := parts[""]
	for _, one := range headings {
		whole += parts[one]
	}
	return os.WriteFile(path, []byte(whole), 0o644)
}
