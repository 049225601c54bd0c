package web

import (
	"bytes"
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
