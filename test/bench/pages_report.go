package main

import (
	"fmt"
	"strings"
	"time"
)

// pagesHeading begins the part of the report that is about pages.
const pagesHeading = "\n## Pages\n"

func renderPages(first pageFigure, figures []pageFigure, m machine, o options, date time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nPages of %d secrets in Chromium. A page may weigh %d kB, its HTML take %d ms (p95), and nothing in it move.\n\n",
		pagesHeading, o.many, pageWeight>>10, pageReady.Milliseconds())
	b.WriteString("| | kB over the wire | files | HTML ready, p50 ms | p95 ms | first drawn, ms | layout shift | |\n|---|--:|--:|--:|--:|--:|--:|---|\n")
	for _, f := range figures {
		fmt.Fprintf(&b, "| %s | %.1f | %d | %s | %s | %.0f | %.4f | %s |\n",
			f.name, f.weight/1024, f.files, millis(f.p50), millis(f.p95), float64(f.drawn)/float64(time.Millisecond), f.shift, verdict(f.met()))
	}
	fmt.Fprintf(&b, "\n%s: %.1f kB of at most %d kB, %s.\n", first.name, first.weight/1024, firstWeight>>10, verdict(first.weight <= firstWeight))
	fmt.Fprintf(&b, `
- Keeper as it is released, on SQLite, in a process of its own; Chromium shares the processor with it. The secrets have a destination that is
  paused: each has a copy that waits.
- Weight is all that Chromium's network reports for the page, headers included, with what it has in its cache already left out. HTML is
  ready when its last byte is there, over loopback, %d times each, by a client that keeps its connection.
- Layout shift is Chromium's own score, until %s after the page has loaded.

`, pageMoments, quietFor)
	m.render(&b, fmt.Sprintf("go run ./test/bench -pages -many %d", o.many), date)
	return b.String()
}

func verdict(met bool) string {
	if met {
		return "held"
	}
	return "**missed**"
}
