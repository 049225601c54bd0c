package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// report is all that was measured.
type report struct {
	options options
	machine machine
	date    time.Time
	sides   [2]*side // Keeper, Vault
	peak    [2]int64 // highest resident memory, in bytes
	figures []figure
}

// save writes its part of the report to a file, or to standard output where path is "".
func (r *report) save(path string) error { return savePart(path, "", r.render()) }

// failed is an error where calls failed: then the figures tell less than they seem to.
func (r *report) failed() error {
	var problems []error
	for _, f := range r.figures {
		for i, rounds := range f.rounds {
			for _, one := range rounds {
				if one.errors > 0 {
					problems = append(problems, fmt.Errorf("%s at %d connections, %s: %d calls failed, the first with: %w",
						f.operation, f.connections, r.sides[i].name, one.errors, one.first))
				}
			}
		}
	}
	return errors.Join(problems...)
}

func (r *report) render() string {
	var b strings.Builder
	b.WriteString("# Benchmarks\n\nReading and writing one value of 200 bytes through the API, Keeper beside Vault.\n\n" +
		"| | connections | Keeper /s | p50 ms | p99 ms | Vault /s | p50 ms | p99 ms | rate ratio | p99 ratio |\n" +
		"|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, f := range r.figures {
		keeper, vault := summarise(f.rounds[0]), summarise(f.rounds[1])
		fmt.Fprintf(&b, "| %s | %d | %s | %s | %s | %s | %s | %s | %.2f | %.2f |\n", f.operation, f.connections,
			keeper.perSecond(), millis(keeper.p50), millis(keeper.p99), vault.perSecond(), millis(vault.p50), millis(vault.p99),
			keeper.rate/vault.rate, float64(keeper.p99)/float64(vault.p99))
	}
	b.WriteString("\nRate ratio: Keeper's rate over Vault's, more is better. P99 ratio: Keeper's over Vault's, less is better.\n")
	r.renderRounds(&b)
	r.renderConditions(&b)
	return b.String()
}

func (r *report) renderRounds(b *strings.Builder) {
	b.WriteString("\n| | connections | Keeper, each round /s | server's processor µs per call | Vault, each round /s | server's processor µs per call |\n" +
		"|---|--:|--:|--:|--:|--:|\n")
	for _, f := range r.figures {
		fmt.Fprintf(b, "| %s | %d | %s | %.0f | %s | %.0f |\n", f.operation, f.connections,
			rates(f.rounds[0]), micros(summarise(f.rounds[0]).processor), rates(f.rounds[1]), micros(summarise(f.rounds[1]).processor))
	}
	fmt.Fprintf(b, "\n| resident memory | idle | highest |\n|---|--:|--:|\n")
	for i, s := range r.sides {
		fmt.Fprintf(b, "| %s | %d MB | %d MB |\n", s.name, s.idle>>20, r.peak[i]>>20)
	}
}

func (r *report) renderConditions(b *strings.Builder) {
	m := r.machine
	fmt.Fprintf(b, `
## What is measured

- Keeper: `+"`GET /api/secrets/{id}` and `PATCH /api/secrets/{id}`"+` with a new value each time, on SQLite and a local key: token, permission,
  encryption, a new version, and an audit entry that is on the disk (fsync) before the answer.
- Vault 1.14.1's core with raft storage, KV v2: `+"`GET` and `POST /v1/secret/data/…`"+` with the root token. No audit device.
- Both on loopback without TLS, their data in one folder; servers and load generator share the processor.
- Each connection sends one call after the other, spread over at least 64 secrets. Every answer's status and value are checked; values
  written are read back after each round.
- Medians of %d rounds of %g s each, the two sides taking turns, after a warm-up.
- A read of Keeper's waits for one fsync at least, a read of Vault's for none: with one connection the disk bounds Keeper's rate.

## Conditions

`, r.options.rounds, r.options.seconds)
	m.render(b, "go run ./test/bench"+r.options.flags(), r.date)
}

// flags are the options that a reader needs to measure the same.
func (o options) flags() string {
	numbers := make([]string, len(o.connections))
	for i, n := range o.connections {
		numbers[i] = strconv.Itoa(n)
	}
	return fmt.Sprintf(" -seconds %g -rounds %d -connections %s", o.seconds, o.rounds, strings.Join(numbers, ","))
}

// summarise is the median of rounds, each quantity by itself, and the failures of all.
func summarise(rounds []round) round {
	median := round{
		rate:      middle(rounds, func(r round) float64 { return r.rate }),
		p50:       middle(rounds, func(r round) time.Duration { return r.p50 }),
		p99:       middle(rounds, func(r round) time.Duration { return r.p99 }),
		processor: middle(rounds, func(r round) time.Duration { return r.processor }),
	}
	for _, r := range rounds {
		median.errors += r.errors
	}
	return median
}

func middle[T float64 | time.Duration](rounds []round, of func(round) T) T {
	values := make([]T, len(rounds))
	for i, r := range rounds {
		values[i] = of(r)
	}
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// perSecond is the rate, and how many calls failed where some did.
func (r round) perSecond() string {
	if r.errors > 0 {
		return fmt.Sprintf("%.0f (%d failed)", r.rate, r.errors)
	}
	return fmt.Sprintf("%.0f", r.rate)
}

func rates(rounds []round) string {
	texts := make([]string, len(rounds))
	for i, r := range rounds {
		texts[i] = fmt.Sprintf("%.0f", r.rate)
	}
	return strings.Join(texts, " · ")
}

func millis(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 2, 64)
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
