package vaulttest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

const (
	readyTimeout = time.Minute
	stopTimeout  = 20 * time.Second
)

// process is a counterpart's command. It ends by itself when this program does, since it holds our end of its stdin.
type process struct {
	command *exec.Cmd
	stdin   io.Closer
	output  lockedBuffer
	done    chan struct{}
	err     error // set before done closes

	mu    sync.Mutex
	ended bool // we asked it to end
}

func launch(binary string, args ...string) (*process, ready, error) {
	p := &process{command: exec.Command(binary, append(args, "-end-with-stdin")...), done: make(chan struct{})}
	p.command.Stderr = &p.output
	stdin, err := p.command.StdinPipe()
	if err != nil {
		return nil, ready{}, err
	}
	p.stdin = stdin
	stdout, stdoutWriter, err := os.Pipe()
	if err != nil {
		return nil, ready{}, err
	}
	defer stdout.Close()
	p.command.Stdout = stdoutWriter
	err = p.command.Start()
	stdoutWriter.Close()
	if err != nil {
		return nil, ready{}, err
	}
	go func() {
		defer close(p.done)
		p.err = p.command.Wait()
	}()
	line, err := readReady(stdout)
	if err != nil {
		p.kill()
		return nil, ready{}, fmt.Errorf("not ready: %w; it said:\n%s", err, p.said())
	}
	return p, line, nil
}

// readReady waits for the first line of stdout.
func readReady(stdout *os.File) (ready, error) {
	if err := stdout.SetReadDeadline(time.Now().Add(readyTimeout)); err != nil {
		return ready{}, err
	}
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		return ready{}, err
	}
	var parsed ready
	if err := json.Unmarshal(line, &parsed); err != nil {
		return ready{}, err
	}
	if parsed.Addr == "" || parsed.Token == "" || parsed.Mount == "" {
		return ready{}, errors.New("the ready line lacks addr, token or mount")
	}
	return parsed, nil
}

// stop asks the process to end and waits; it is an error if it had ended by itself, ends badly, or must be killed.
func (p *process) stop() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return nil
	}
	p.ended = true
	defer p.stdin.Close()
	select {
	case <-p.done:
		return errors.Join(errors.New("ended by itself"), p.err)
	default:
	}
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.done:
		return p.err
	case <-time.After(stopTimeout):
		_ = p.command.Process.Kill() // it may have ended just now
		<-p.done
		return fmt.Errorf("did not end within %v of SIGTERM, killed", stopTimeout)
	}
}

func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return
	}
	p.ended = true
	defer p.stdin.Close()
	_ = p.command.Process.Kill() // it may have ended already
	<-p.done
}

func (p *process) said() string { return p.output.String() }

// lockedBuffer collects what a process says while others read it.
type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(data []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(data)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}
