package awskms_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/kms/awskms"
	"github.com/your-org/keeper/test/awsstandin/standin"
)

// TestPool: many calls at once find their connections again. The SDK alone would keep 10 and
// open the rest anew each time.
func TestPool(t *testing.T) {
	const atOnce, rounds = 40, 4
	handler := standin.New(standin.Options{KMSAliases: []string{alias}, KMSLatency: 20 * time.Millisecond})
	server := httptest.NewUnstartedServer(handler)
	var opened atomic.Int64
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	t.Cleanup(func() { handler.Close(); server.Close() })
	a := newAccount(t)
	a.cfg.HTTPClient, a.cfg.BaseEndpoint = nil, aws.String(server.URL)
	w := a.wrapper(t, awskms.Options{KeyAlias: alias})
	for range rounds {
		var wait sync.WaitGroup
		for range atOnce {
			wait.Go(func() {
				if _, _, err := w.GenerateDataKey(t.Context(), "", nil); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
	}
	if n := opened.Load(); n > 2*atOnce {
		t.Errorf("got %d connections for %d calls at once, %d times over", n, atOnce, rounds)
	}
}

// TestSilence: a KMS that takes connections and never answers is away, and holds nobody who
// has all the time in the world.
func TestSilence(t *testing.T) {
	t.Parallel()
	end := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-end }))
	t.Cleanup(func() { close(end); server.Close() })
	a := newAccount(t)
	a.cfg.HTTPClient, a.cfg.BaseEndpoint = nil, aws.String(server.URL)
	a.cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	w := a.wrapper(t, awskms.Options{KeyAlias: alias})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, _, err := w.GenerateDataKey(ctx, "", nil); !errors.Is(err, kms.ErrUnreachable) || ctx.Err() != nil {
		t.Errorf("got %v (%v), want ErrUnreachable before the caller gives up", err, ctx.Err())
	}
}
