package web

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/your-org/keeper/telemetry"
)

// BenchmarkAround measures what all that stands around a handler costs a request of the API.
func BenchmarkAround(b *testing.B) {
	w := &Web{Deps: Deps{
		Metrics: telemetry.NewMetrics(), Origin: NewOrigin([]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}),
		Log: slog.New(slog.DiscardHandler), Hosts: NewHosts("", "", nil),
	}, strangers: newStrangers(50)}
	handler := w.around(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusOK) }))
	for name, next := range map[string]http.Handler{"All": handler, "None": http.NotFoundHandler()} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest(http.MethodGet, "http://localhost/api/secrets/1234", nil)
			r.RemoteAddr = "127.0.0.1:4711"
			r.Header.Set("Authorization", "Bearer kpr_x")
			b.ReportAllocs()
			for b.Loop() {
				out := discard{header: http.Header{}}
				next.ServeHTTP(out, r)
			}
		})
	}
}

type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}
