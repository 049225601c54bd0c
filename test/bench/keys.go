package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/test/awsstandin/standin"
	"github.com/your-org/keeper/test/ports"
	"github.com/your-org/keeper/test/scenario"
)

// kmsLatency is what each call of KMS takes besides the work itself.
const kmsLatency = 10 * time.Millisecond

// figureOfKeys is one line of the report on keys: what was demanded and what came of it.
type figureOfKeys struct {
	what, bound, measured string
	met                   bool
}

// keyBench is a Keeper, as it is released, on SQLite and on the KMS of a stand-in that keeps
// AWS's quotas.
type keyBench struct {
	aws    *standin.Server
	keeper *scenario.Keeper
	token  string
	client *client.Client
	url    string // of the stand-in
	closed []func()
}

// openKeyBench makes one in a folder of its own, with an empty database and not serving yet.
func openKeyBench(dir, binary string, settings ...string) (*keyBench, error) {
	return openBench(dir, binary, append([]string{"KEY_MANAGEMENT_BACKEND=kms", "KMS_KEY_ALIAS=alias/keeper"}, settings...)...)
}

func openBench(dir, binary string, settings ...string) (*keyBench, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b := &keyBench{aws: standin.New(standin.Options{Quotas: standin.RealQuotas(), KMSAliases: []string{"alias/keeper", "alias/next"}})}
	front := &http.Server{Handler: b.aws, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = front.Serve(listener) }() // ends by Close
	b.closed = append(b.closed, func() { b.aws.Close(); _ = front.Close() })
	b.url = "http://" + listener.Addr().String()
	said := &tail{}
	b.keeper = &scenario.Keeper{Binary: binary, Dir: dir, Log: said, Env: append([]string{
		"DATABASE_URL=sqlite:///" + filepath.Join(dir, "keeper.db"), "KEEPER_ADMIN_PASSWORD=keeper-bench-password", "KEEPER_LOG_LEVEL=warn",
		"AWS_REGION=" + homeRegion,
		"AWS_ENDPOINT_URL=" + b.url, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
	}, settings...)}
	return b, nil
}

const (
	homeRegion  = "eu-central-1"
	otherRegion = "eu-west-1"
)

// tail keeps the end of what Keeper says, for an error.
type tail struct{ text []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-4000):]
	return len(p), nil
}

func (b *keyBench) close() {
	http.DefaultClient.CloseIdleConnections()
	b.keeper.Stop()
	for _, done := range b.closed {
		done()
	}
}

// restart starts Keeper anew, so that no data key is in memory, and counts KMS's calls from
// there on.
func (b *keyBench) restart(ctx context.Context) error {
	http.DefaultClient.CloseIdleConnections() // the server would wait for those that were never used
	b.keeper.Stop()
	port, err := ports.Free()
	if err != nil {
		return err
	}
	b.keeper.Port = port
	if err := b.keeper.Start(ctx); err != nil {
		return fmt.Errorf("%w\n%s", err, b.keeper.Log.(*tail).text)
	}
	if b.token == "" {
		if b.token, err = b.keeper.NewToken(ctx); err != nil {
			return err
		}
	}
	if b.client, err = client.New(b.keeper.URL, b.token, client.WithTries(1)); err != nil {
		return err
	}
	// What starting looks at by itself is over; the connection is open.
	time.Sleep(time.Second)
	if _, err := b.client.GetMe(ctx); err != nil {
		return err
	}
	b.aws.ResetCalls()
	return nil
}

// slow has each call of KMS take its time from now on.
func (b *keyBench) slow() error {
	return b.aws.Inject(standin.Fault{Service: "kms", Kind: standin.FaultSlow, Millis: int(kmsLatency / time.Millisecond)})
}

// kmsCalls are the calls of KMS that do cryptography, as AWS counts them for its quota, and
// how many of them were throttled.
func (b *keyBench) kmsCalls() (calls, throttled int) {
	for name, n := range b.aws.Calls() {
		switch name {
		case "kms.Encrypt", "kms.Decrypt", "kms.ReEncrypt", "kms.GenerateDataKey", "kms.GenerateDataKeyWithoutPlaintext":
			calls += n.Count
			throttled += n.Throttled
		}
	}
	return calls, throttled
}

// dataKeys is how many data keys of an environment stand.
func (b *keyBench) dataKeys(ctx context.Context, e api.Environment) (int, error) {
	list, err := b.client.ListEnvironmentKeys(ctx, api.EnvironmentByID(e.ID))
	if err != nil {
		return 0, err
	}
	n := 0
	for _, key := range list.Items {
		for _, usage := range key.Usages {
			n = max(n, usage.DataKeys)
		}
	}
	if n == 0 {
		return 0, errors.New("no data key stands in the environment")
	}
	return n, nil
}
