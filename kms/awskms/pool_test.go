package awskms_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

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
