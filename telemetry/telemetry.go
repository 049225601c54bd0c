// Package telemetry is what Keeper tells of its own running: structured logs, Prometheus
// metrics, and the health of what it depends on. None of it ever holds a value.
package telemetry

import (
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/your-org/keeper/fault"
)

// NewLogger writes structured JSON lines from a level up.
func NewLogger(w io.Writer, level slog.Leveler) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
}

// Metrics are Keeper's counters and timings. Labels name kinds of things, never a secret.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	calls    *prometheus.HistogramVec
	runs     *prometheus.CounterVec
}

// NewMetrics registers the metrics and those of the Go runtime.
func NewMetrics() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "keeper_http_request_duration_seconds", Help: "Time to answer a request, by method, route and status.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1, 5},
		}, []string{"method", "route", "status"}),
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "keeper_destination_call_duration_seconds", Help: "Time of a call to a destination, by kind, operation and outcome.",
			Buckets: []float64{.001, .005, .01, .05, .1, .25, 1, 5, 20},
		}, []string{"kind", "operation", "outcome"}),
		runs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "keeper_sync_runs_total", Help: "Passes over destinations that ended, by status.",
		}, []string{"status"}),
	}
	m.registry.MustRegister(m.requests, m.calls, m.runs, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Request notes one answered request. The route is a pattern, not a path: a path may name a
// secret.
func (m *Metrics) Request(method, route string, status int, took time.Duration) {
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Observe(took.Seconds())
}

// Call notes one call to a destination.
func (m *Metrics) Call(kind, operation string, took time.Duration, err error) {
	outcome := "ok"
	if err != nil {
		outcome = fault.KindOf(err).String()
	}
	m.calls.WithLabelValues(kind, operation, outcome).Observe(took.Seconds())
}

// Run notes one pass that ended.
func (m *Metrics) Run(status string) { m.runs.WithLabelValues(status).Inc() }

// Register adds a collector of another package's.
func (m *Metrics) Register(c prometheus.Collector) { m.registry.MustRegister(c) }

// ServesTLS tells until when the certificate that is served holds.
func (m *Metrics) ServesTLS(expires func() time.Time) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "keeper_tls_certificate_expiry_timestamp_seconds", Help: "When the certificate that Keeper serves ends, in seconds since 1970.",
	}, func() float64 { return float64(expires().Unix()) }))
}

// Handler serves the metrics in Prometheus's text form.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// Component is the health of one thing that Keeper depends on.
type Component struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"` // a sentence; no addresses with credentials, no values
}

// Health is what is known of all components. Ready means that requests can be answered:
// destinations that are away do not make Keeper unready.
type Health struct {
	Ready      bool        `json:"ready"`
	Components []Component `json:"components"`
}
