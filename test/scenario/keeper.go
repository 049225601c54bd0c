package scenario

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Keeper is a server in a process of its own, which can be killed and started again.
type Keeper struct {
	Binary string   // the built command
	Dir    string   // its working directory, where its files stand
	Env    []string // its settings, NAME=value; nothing else of the environment reaches it
	Port   int
	URL    string
	Log    io.Writer // what it says

	process *exec.Cmd
	ended   chan struct{}
}

// Start starts the server and waits until it is ready.
func (k *Keeper) Start(ctx context.Context) error {
	k.URL = fmt.Sprintf("http://127.0.0.1:%d", k.Port)
	k.process = exec.Command(k.Binary, "run", "--port", fmt.Sprint(k.Port))
	k.process.Dir, k.process.Env = k.Dir, k.env()
	k.process.Stdout, k.process.Stderr = k.Log, k.Log
	// A Ctrl-C at the terminal reaches the story alone, which then stops Keeper in order.
	k.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := k.process.Start(); err != nil {
		return err
	}
	k.ended = make(chan struct{})
	go func(process *exec.Cmd, ended chan struct{}) {
		_ = process.Wait()
		close(ended)
	}(k.process, k.ended)
	return eventually(ctx, "Keeper to be ready", func() (bool, error) {
		select {
		case <-k.ended:
			return false, fmt.Errorf("keeper ended at once: %s", k.process.ProcessState)
		default:
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, k.URL+"/readyz", nil)
		if err != nil {
			return false, err
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return false, err
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK, nil
	})
}

func (k *Keeper) env() []string {
	return append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + k.Dir}, k.Env...)
}

// PID is the server's process.
func (k *Keeper) PID() int { return k.process.Process.Pid }

// Kill ends the server as a power cut would.
func (k *Keeper) Kill() { k.end(syscall.SIGKILL) }

// Stop asks the server to end, and waits for it.
func (k *Keeper) Stop() { k.end(syscall.SIGTERM) }

func (k *Keeper) end(signal syscall.Signal) {
	if k.process == nil {
		return
	}
	_ = k.process.Process.Signal(signal) // it may have ended
	select {
	case <-k.ended:
	case <-time.After(30 * time.Second):
		_ = k.process.Process.Kill()
		<-k.ended
	}
	k.process = nil
}

// NewToken makes an API token with the command, beside the running server.
func (k *Keeper) NewToken(ctx context.Context) (string, error) {
	return k.Command(ctx, "", "tokens", "create", "--name", "story")
}

// Command runs the keeper command with the server's settings and returns what it prints.
func (k *Keeper) Command(ctx context.Context, stdin string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, k.Binary, args...)
	cmd.Dir, cmd.Env, cmd.Stdin = k.Dir, k.env(), strings.NewReader(stdin)
	var out, talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &talk
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("keeper %s: %w: %s", args[0], err, bytes.TrimSpace(talk.Bytes()))
	}
	return strings.TrimSpace(out.String()), nil
}
