package vaulttest

import (
	"context"
	"fmt"
	"strings"
)

// Counterpart is a running counterpart of a program that is no test.
type Counterpart struct {
	URL   string // http://127.0.0.1:port, without a slash at the end
	Token string
	Mount string // a KV v2 mount, without a slash
	PID   int

	process *process
	ready   ready
}

// Run builds a module (vaultengine or vaultcore) if need be and runs its command. It ends
// with this program at the latest; Stop ends it in good order.
func Run(ctx context.Context, module string, args ...string) (*Counterpart, error) {
	root, err := repositoryRoot()
	if err != nil {
		return nil, fmt.Errorf("vaulttest: %w", err)
	}
	binary, err := build(ctx, root, module)
	if err != nil {
		return nil, fmt.Errorf("vaulttest: %w", err)
	}
	process, line, err := launch(binary, args...)
	if err != nil {
		return nil, fmt.Errorf("vaulttest: %s: %w", module, err)
	}
	return &Counterpart{
		URL: strings.TrimSuffix(line.Addr, "/"), Token: line.Token, Mount: line.Mount, PID: process.command.Process.Pid,
		process: process, ready: line,
	}, nil
}

// Stop ends the counterpart; an error says that it ended otherwise than it should.
func (c *Counterpart) Stop() error { return c.process.stop() }
