package web

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/your-org/keeper/telemetry"
)

func TestPanic(t *testing.T) {
	var log bytes.Buffer
	w := &Web{Deps: Deps{Metrics: telemetry.NewMetrics(), Log: slog.New(slog.NewTextHandler(&log, nil)), Hosts: NewHosts("", "", nil)}}
	handler := w.around(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a value") }))
	out := httptest.NewRecorder()
	handler.ServeHTTP(out, httptest.NewRequest(http.MethodGet, "http://localhost/secrets", nil))
	if id := out.Header().Get(headerRequestID); out.Code != http.StatusInternalServerError || id == "" || !strings.Contains(out.Body.String(), id) {
		t.Errorf("got %d %s", out.Code, out.Body)
	}
	if strings.Contains(out.Body.String()+log.String(), "a value") {
		t.Error("what the panic was about is told")
	}
	if !strings.Contains(log.String(), "panic_test.go") {
		t.Errorf("the log does not say where: %s", log.String())
	}
}

// TestCutOff sees that an answer which is broken off is logged as any other, and counted.
func TestCutOff(t *testing.T) {
	var log bytes.Buffer
	w := &Web{Deps: Deps{Metrics: telemetry.NewMetrics(), Log: slog.New(slog.NewTextHandler(&log, nil)), Hosts: NewHosts("", "", nil)}}
	server := httptest.NewServer(w.around(http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) {
		_, _ = out.Write([]byte("half of it"))
		_ = http.NewResponseController(out).Flush()
		panic(http.ErrAbortHandler)
	})))
	response, err := http.Get(server.URL + "/audit/export?search=name")
	if err != nil {
		t.Fatal(err)
	}
	if half, err := io.ReadAll(response.Body); err == nil {
		t.Errorf("%q looks whole", half)
	}
	_ = response.Body.Close()
	server.Close() // which waits for the handler
	line := log.String()
	for _, want := range []string{"level=WARN", "route=/audit/export", "status=200", "cut_off=true", "request_id=" + response.Header.Get(headerRequestID)} {
		if !strings.Contains(line, want) {
			t.Errorf("%s is not in the log: %q", want, line)
		}
	}
	out := httptest.NewRecorder()
	w.Metrics.Handler().ServeHTTP(out, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if !strings.Contains(out.Body.String(), `route="/audit/export"`) {
		t.Error("the request is not counted")
	}
}
