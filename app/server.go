package app

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// limits bound what a connection may cost.
type limits struct {
	header, read, write, idle time.Duration
	headerBytes               int
	perConnection             int64 // requests, after which the connection is closed in order
	streams                   int   // requests at once on a connection of HTTP/2
}

// serving are the limits of the server. An answer that nobody takes is given up after the
// time for writing, which begins with the request: it covers the longest that a handler
// works, a plan over a large destination. Live events bound each of their writes instead.
var serving = limits{
	header: 10 * time.Second, read: 30 * time.Second, write: 5 * time.Minute, idle: 2 * time.Minute,
	headerBytes: 64 << 10, perConnection: 10_000, streams: 100,
}

// newServer makes a server within the limits. Requests get a context of the base's.
func newServer(base context.Context, handler http.Handler, l limits) *http.Server {
	return &http.Server{
		Handler: counted(handler, l.perConnection), ReadHeaderTimeout: l.header, ReadTimeout: l.read, WriteTimeout: l.write,
		IdleTimeout: l.idle, MaxHeaderBytes: l.headerBytes, HTTP2: &http.HTTP2Config{MaxConcurrentStreams: l.streams},
		BaseContext: func(net.Listener) context.Context { return base },
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
			return context.WithValue(ctx, countKey{}, new(atomic.Int64))
		},
	}
}

type countKey struct{}

// counted ends a connection after so many requests: what one costs the server over its life
// is bounded, and long-lived clients spread over replicas that were added. It ends one, too,
// on which two might disagree where the next request begins.
func counted(next http.Handler, most int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, ok := r.Context().Value(countKey{}).(*atomic.Int64)
		// A body in chunks may have come with a length, too, by which a proxy in front ended it
		// elsewhere (RFC 9112, 6.1): what follows on the connection is not believed.
		if ok && n.Add(1) >= most || r.ProtoMajor == 1 && len(r.TransferEncoding) > 0 {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}
