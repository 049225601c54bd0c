package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/fault"
)

const (
	// lineEvery is the time between two lines of progress where they are not rewritten.
	lineEvery = 5 * time.Second
	// serverPatience is how long a command that follows a run waits for a server that does not
	// answer: a restart does not end the run.
	serverPatience = 2 * time.Minute
)

// meter tells how far a long work is: in one line that is rewritten on a terminal, in a line
// every few seconds elsewhere.
type meter struct {
	w     io.Writer
	width int // of the terminal; 0: it is none
	last  time.Time
}

func (e *env) meter() *meter {
	m := &meter{w: e.std.Err}
	if f, ok := e.std.Err.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		m.width = 80
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			m.width = width
		}
	}
	return m
}

func (m *meter) show(line string, now time.Time) {
	line = printable(line)
	if m.width > 0 {
		runes := []rune(line)
		fmt.Fprintf(m.w, "\r\x1b[K%s", string(runes[:min(len(runes), m.width-1)]))
		return
	}
	if m.last.IsZero() || now.Sub(m.last) >= lineEvery {
		m.last = now
		fmt.Fprintln(m.w, line)
	}
}

// clear makes room for other text.
func (m *meter) clear() {
	if m.width > 0 {
		fmt.Fprint(m.w, "\r\x1b[K")
	}
}

var keyRunNames = map[api.KeyRunKind]string{
	api.KeyRewrap: "re-wrap", api.KeyReencrypt: "re-encryption", api.KeyMigrate: "migration", api.KeyScrub: "scrub",
}

func keyRunUnit(kind api.KeyRunKind) string {
	if kind == api.KeyRewrap || kind == api.KeyMigrate {
		return "data keys"
	}
	return "values"
}

// progressLine is how far a run is: "production: re-wrap, 1200 of 4000 data keys (30 %), 96/s,
// 30s left".
func progressLine(where string, run api.KeyRun) string {
	line := where + ": " + keyRunNames[run.Kind]
	switch {
	case run.Status == api.KeyRunQueued:
		return line + ", waiting to begin"
	case run.Total == 0:
		return line + ", at work"
	}
	line += fmt.Sprintf(", %d of %d %s (%d %%)", run.Done, run.Total, keyRunUnit(run.Kind), 100*run.Done/run.Total)
	line += paceWords(run.Rate, run.RemainingSeconds)
	if run.Failed > 0 {
		line += fmt.Sprintf(", %d failed", run.Failed)
	}
	return line
}

// paceWords say how fast a run goes and how long it still takes, as far as that is known.
func paceWords(rate float64, remaining int64) (words string) {
	if rate > 0 {
		words += fmt.Sprintf(", %.0f/s", rate)
	}
	if remaining > 0 {
		words += fmt.Sprintf(", %s left", time.Duration(remaining)*time.Second)
	}
	return words
}

func keyRunEnded(run api.KeyRun) bool {
	return run.Status != api.KeyRunQueued && run.Status != api.KeyRunRunning
}

// follow shows how far runs are until all have ended. Interrupting it leaves them going.
func (e *env) follow(ctx context.Context, c *client.Client, names map[int64]string, runs []api.KeyRun) error {
	m := e.meter()
	defer m.clear()
	for i := range runs {
		for !keyRunEnded(runs[i]) {
			m.show(progressLine(environmentName(names, runs[i].EnvironmentID), runs[i]), now())
			if err := pause(ctx, pollEvery); err != nil {
				m.clear()
				e.leave(runs[i:])
				return err
			}
			read, err := awaited(ctx, func() (api.KeyRun, error) { return c.GetKeyRun(ctx, runs[i].ID) }, "keeper kms run "+runs[i].ID+" --follow")
			if err != nil {
				if ctx.Err() != nil {
					continue // interrupted: told above
				}
				return err
			}
			runs[i] = read
		}
	}
	return nil
}

// leave says how to look again at runs that go on.
func (e *env) leave(runs []api.KeyRun) {
	for _, run := range runs {
		if !keyRunEnded(run) {
			e.say("The %s %s goes on without this command. Look again with: keeper kms run %s --follow", keyRunNames[run.Kind], run.ID, run.ID)
		}
	}
}

// awaited reads a run, and waits for a server that is away for a while. again is how to look
// at it later.
func awaited[T any](ctx context.Context, read func() (T, error), again string) (T, error) {
	for began := now(); ; {
		run, err := read()
		var problem *api.Problem
		gone := err != nil && (!errors.As(err, &problem) || problem.Status >= 500 || problem.Status == 429)
		if !gone {
			return run, err
		}
		if now().Sub(began) > serverPatience {
			return run, fault.Wrap(err, fault.Unavailable, "The server does not answer any more; the run goes on where it stood when it is back.").
				WithHint("Look again with: %s", again)
		}
		if err := pause(ctx, time.Second); err != nil {
			return run, err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// environmentNames are the names of the environments that the token may see, by id.
func environmentNames(ctx context.Context, c *client.Client) (map[int64]string, error) {
	all, err := c.ListEnvironments(ctx)
	names := make(map[int64]string, len(all.Items))
	for _, one := range all.Items {
		names[one.ID] = one.Name
	}
	return names, err
}

func environmentName(names map[int64]string, id int64) string {
	if id == 0 {
		return "all environments"
	}
	if name := names[id]; name != "" {
		return name
	}
	return fmt.Sprintf("environment %d", id)
}

// took is how long a run went on; "" where it has not ended.
func took(run api.KeyRun) string {
	if run.StartedAt.IsZero() || run.FinishedAt.IsZero() {
		return ""
	}
	span := run.FinishedAt.Sub(run.StartedAt)
	if span < time.Second {
		return span.Round(time.Millisecond).String()
	}
	return span.Round(100 * time.Millisecond).String()
}

// sentence joins what happened and what to do about it.
func sentence(message, hint string) string {
	return strings.TrimSpace(message + " " + hint)
}
