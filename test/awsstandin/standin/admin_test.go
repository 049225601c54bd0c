package standin_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/your-org/keeper/test/awsstandin/standin"
)

func (c *clients) admin(method, path, body string, into any) int {
	c.t.Helper()
	req := must(http.NewRequestWithContext(c.ctx, method, c.server.URL+"/_standin/"+path, strings.NewReader(body)))(c.t)
	resp := must(http.DefaultClient.Do(req))(c.t)
	defer resp.Body.Close()
	if into != nil {
		check(c.t, json.NewDecoder(resp.Body).Decode(into))
	}
	return resp.StatusCode
}

func TestAdminFaults(t *testing.T) {
	c := start(t, standin.Options{})
	c.create("s", "v")
	equal(t, "status", c.admin("POST", "faults", `{"service":"secretsmanager","operation":"*","secret":"s*","kind":"throttle","count":1,"skip":1}`, nil), 200)
	c.value("s")
	_, err := c.get("s")
	wantCode(t, err, "ThrottlingException")
	var told []standin.FaultState
	c.admin("GET", "faults", "", &told)
	equal(t, "hits", told[0].Hits, 1)
	c.admin("POST", "faults", `{"kind":"denied"}`, nil)
	equal(t, "status of the deletion", c.admin("DELETE", "faults", "", nil), 200)
	c.value("s")

	for _, body := range []string{`{"kind":"explode"}`, `{"kind":"reset","colour":"red"}`, `{`} {
		equal(t, "status of "+body, c.admin("POST", "faults", body, nil), 400)
	}
	equal(t, "status of an unknown path", c.admin("GET", "nothing", "", nil), 400)
}

func TestAdminCallsAndReset(t *testing.T) {
	c := start(t, standin.Options{KMSAliases: []string{"alias/keeper"}})
	c.create("s", "v")
	begun := time.Now()
	for range 5 {
		c.value("s")
	}
	_, _ = c.get("none")
	var calls map[string]standin.CallCount
	c.admin("GET", "calls", "", &calls)
	got := calls["secretsmanager.GetSecretValue"]
	equal(t, "count", got.Count, 6)
	// Six calls within a second touch two seconds of the clock at most, so one of them saw three.
	if took := time.Since(begun); got.PeakPerSecond > 6 || (took < time.Second && got.PeakPerSecond < 3) {
		t.Errorf("got a peak of %d in %s, want 3 to 6", got.PeakPerSecond, took)
	}

	equal(t, "status", c.admin("POST", "reset", `{"what":["calls"]}`, nil), 200)
	equal(t, "calls after the reset", c.server.CallsOf("secretsmanager", "GetSecretValue"), 0)
	equal(t, "value", c.value("s"), "v")
	equal(t, "status of nonsense", c.admin("POST", "reset", `{"what":["calls","all"]}`, nil), 400)

	old := c.keyARN("alias/keeper")
	c.inject(standin.Fault{Operation: "ListSecrets", Kind: standin.FaultDenied})
	equal(t, "status", c.admin("POST", "reset", "", nil), 200)
	_, err := c.get("s")
	wantCode(t, err, "ResourceNotFoundException")
	equal(t, "faults", len(c.server.Faults()), 0)
	equal(t, "the key is a new one", c.keyARN("alias/keeper") != old, true)
}

func TestAdminClockAndHealth(t *testing.T) {
	c := start(t, standin.Options{})
	c.create("s", "v")
	check(t, c.remove("s", nil, nil))
	equal(t, "status", c.admin("POST", "clock", `{"advance":"721h"}`, nil), 200)
	c.create("s", "v2")
	equal(t, "status of nonsense", c.admin("POST", "clock", `{"advance":"soon"}`, nil), 400)
	c.admin("POST", "clock", `{"skew":"10m"}`, nil)
	_, err := c.get("s")
	wantCode(t, err, "InvalidSignatureException")

	var health struct{ Status string }
	equal(t, "status", c.admin("GET", "health", "", &health), 200)
	equal(t, "health", health.Status, "ok")

	c.server.SetClock(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC))
	equal(t, "year", c.server.Now().UTC().Year(), 2030)
}

func TestLatency(t *testing.T) {
	c := start(t, standin.Options{Latency: 50 * time.Millisecond})
	begun := time.Now()
	c.create("s", "v")
	if took := time.Since(begun); took < 50*time.Millisecond {
		t.Errorf("took %s, want 50ms at least", took)
	}
}
