package scenario

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/your-org/keeper/test/awsstandin/standin"
)

// Build builds a command of this repository, given the folder of its module.
func Build(ctx context.Context, module, binary string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, ".")
	cmd.Dir, cmd.Stderr = module, os.Stderr
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	return cmd.Run()
}

// StartAWS serves the stand-in, with AWS's own quotas, in this process.
func StartAWS(kmsAliases ...string) (AWS, func(), error) {
	server := standin.New(standin.Options{Quotas: standin.RealQuotas(), KMSAliases: kmsAliases})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return AWS{}, nil, err
	}
	front := &http.Server{Handler: server, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = front.Serve(listener) }() // ends by Close
	stop := func() {
		server.Close()
		_ = front.Close()
	}
	return AWS{URL: "http://" + listener.Addr().String(), Region: "eu-central-1", AccessKey: "demo", SecretKey: "demo"}, stop, nil
}

// StartVault starts the KV v2 engine and waits for the line that says it is ready.
func StartVault(ctx context.Context, binary string) (Vault, func(), error) {
	cmd := exec.Command(binary, "-addr", "127.0.0.1:0", "-token", "demo-root", "-mount", "secret")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return Vault{}, nil, err
	}
	if err := cmd.Start(); err != nil {
		return Vault{}, nil, err
	}
	stop := func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		_ = cmd.Wait()
	}
	var ready struct{ Addr, Token, Mount string }
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &ready)
	}
	if err != nil {
		stop()
		return Vault{}, nil, errors.Join(errors.New("the KV v2 engine did not start"), err, ctx.Err())
	}
	go func() { _, _ = io.Copy(io.Discard, out) }() // it says nothing more; the pipe must not fill
	return Vault{URL: ready.Addr, Token: ready.Token, Mount: ready.Mount}, stop, nil
}
