package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/test/scenario"
)

// TestKeysOnReplicas sends requests with a key to two servers on one database, one of which is
// killed in between.
func TestKeysOnReplicas(t *testing.T) {
	for _, dialect := range []string{store.MySQL, store.Postgres} {
		t.Run(dialect, func(t *testing.T) {
			first := newKeeper(t, dialect)
			first.Env = append(first.Env, "SECRET_KEY="+strings.Repeat("s", 32))
			second := &scenario.Keeper{Binary: first.Binary, Dir: first.Dir, Env: first.Env, Port: freePort(t), Log: new(said)}
			c := signedIn(t, first)
			token, err := first.NewToken(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := second.Start(t.Context()); err != nil {
				t.Fatalf("%v\nKeeper said:\n%s", err, second.Log)
			}
			t.Cleanup(second.Stop)
			keys := replicaKeys{t: t, token: token, admin: c, on: []*scenario.Keeper{first, second}}
			t.Run("OneAct", keys.oneAct)
			t.Run("AfterAKill", keys.afterAKill)
		})
	}
}

type replicaKeys struct {
	t     *testing.T
	token string
	admin *client.Client
	on    []*scenario.Keeper
}

// post makes an environment on a server and returns the status, the body, and whether it was
// answered before.
func (r replicaKeys) post(t *testing.T, k *scenario.Keeper, key, name string) (status int, body string, replayed bool) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, k.URL+"/api/environments", strings.NewReader(`{"name":"`+name+`"}`))
	if err != nil {
		t.Error(err)
		return 0, "", false
	}
	request.Header = http.Header{"Authorization": {"Bearer " + r.token}, "Content-Type": {"application/json"}, "Idempotency-Key": {key}}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err.Error(), false
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err.Error(), false
	}
	return answer.StatusCode, string(text), answer.Header.Get("Idempotent-Replayed") == "true"
}

// acts counts how often an environment was made, as the audit log has it.
func (r replicaKeys) acts(t *testing.T, name string) int {
	t.Helper()
	entries, err := r.admin.ListAudit(t.Context(), api.ListAuditParams{Action: "environment.create", Object: name})
	if err != nil {
		t.Fatal(err)
	}
	return len(entries.Items)
}

// oneAct races both servers, and has the slower ones come again until all are answered alike.
func (r replicaKeys) oneAct(t *testing.T) {
	for round := range 5 {
		name := fmt.Sprint("raced-", round)
		var mu sync.Mutex
		fresh := 0
		bodies := map[string]int{}
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				for until := time.Now().Add(20 * time.Second); time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
					status, body, replayed := r.post(t, r.on[i%2], name, name)
					if status == http.StatusConflict && strings.Contains(body, "/problems/request_running") {
						continue
					}
					mu.Lock()
					defer mu.Unlock()
					bodies[body]++
					if status != http.StatusCreated {
						t.Errorf("got %d: %s", status, body)
					}
					if !replayed {
						fresh++
					}
					return
				}
				t.Error("it was at work for 20 seconds")
			})
		}
		all.Wait()
		if fresh != 1 || len(bodies) != 1 || r.acts(t, name) != 1 {
			t.Errorf("%s: carried out %d times, %d acts on record, answers %v", name, fresh, r.acts(t, name), bodies)
		}
	}
}

// afterAKill kills a server under load, starts it again, and sends everything once more to
// the other: each request is answered, and was carried out once.
func (r replicaKeys) afterAKill(t *testing.T) {
	const n = 40
	var all sync.WaitGroup
	begun := make(chan struct{}, n)
	for i := range n {
		all.Go(func() {
			begun <- struct{}{}
			r.post(t, r.on[0], killed(i), killed(i))
		})
	}
	for range n / 2 {
		<-begun
	}
	time.Sleep(20 * time.Millisecond)
	r.on[0].Kill()
	all.Wait()
	if err := r.on[0].Start(t.Context()); err != nil {
		t.Fatalf("%v\nKeeper said:\n%s", err, r.on[0].Log)
	}
	made, cutOff := 0, 0
	for i := range n {
		name := killed(i)
		status, body := r.settled(t, name)
		switch {
		case status == http.StatusCreated:
			made++
		case status == http.StatusConflict && strings.Contains(body, "/problems/answer_not_kept"):
			cutOff++
		default:
			t.Errorf("%s: got %d: %s", name, status, body)
		}
		if acts := r.acts(t, name); acts != 1 {
			t.Errorf("%s: %d acts on record, answered %d: %s", name, acts, status, body)
		}
	}
	t.Logf("%d answered, %d cut off between the act and its answer", made, cutOff)
}

// settled sends a request again to the other server for as long as the first is said to be at
// work.
func (r replicaKeys) settled(t *testing.T, name string) (status int, body string) {
	t.Helper()
	for until := time.Now().Add(time.Minute); time.Now().Before(until); time.Sleep(200 * time.Millisecond) {
		status, body, _ = r.post(t, r.on[1], name, name)
		if status != http.StatusConflict || !strings.Contains(body, "/problems/request_running") {
			break
		}
	}
	return status, body
}

// killed names an environment by a name that is in no other's.
func killed(i int) string { return fmt.Sprintf("killed-%03d", i) }
