package alerts_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/alerts"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/jobs"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

func TestRetry(t *testing.T) {
	h, r := newHouse(t, setup{}), newReceiver(t)
	c := h.webhook(t, r)
	r.answers(http.StatusServiceUnavailable)
	h.signal(t, h.drift(true))
	h.signal(t, h.drift(false))
	next := h.deliver(t, c)
	if got := len(r.requests()); got != 1 {
		t.Fatalf("%d messages went out, want the first alone: the second has to wait for it", got)
	}
	if next == nil || next.Before(h.clock.now()) || next.After(h.clock.now().Add(20*time.Second)) {
		t.Fatalf("next try at %v", next)
	}
	if h.deliver(t, c); len(r.requests()) != 1 {
		t.Error("it was tried before its time")
	}
	seen, err := h.Channel(t.Context(), manager, c.ID)
	if err != nil || seen.DeliveredAt != nil || !strings.Contains(seen.LastError, "answered with status 503") {
		t.Errorf("the channel says %q, %v", seen.LastError, err)
	}
	h.clock.move(20 * time.Second)
	r.answers(http.StatusOK)
	if next := h.deliver(t, c); next != nil {
		t.Errorf("due again at %v with nothing to deliver", next)
	}
	if diff := cmp.Diff([]string{"alert.opened", "alert.opened", "alert.recovered"}, r.types(t)); diff != "" {
		t.Fatal(diff)
	}
	got := r.requests()
	if got[0].header.Get("Webhook-Id") != got[1].header.Get("Webhook-Id") || !bytes.Equal(got[0].body, got[1].body) {
		t.Error("the second try is another message")
	}
	if got[1].header.Get("Webhook-Id") == got[2].header.Get("Webhook-Id") {
		t.Error("two messages have one id")
	}
	if seen, err = h.Channel(t.Context(), manager, c.ID); err != nil || seen.DeliveredAt == nil || seen.LastError != "" {
		t.Errorf("the channel says %+v, %v", seen, err)
	}
}

func TestGiveUp(t *testing.T) {
	h, r := newHouse(t, setup{}), newReceiver(t)
	c := h.webhook(t, r)
	r.answers(http.StatusNotFound)
	h.signal(t, h.drift(true))
	for range 75 {
		h.deliver(t, c)
		h.clock.move(time.Hour + 10*time.Second)
	}
	notices := h.notices(t)
	if len(notices) != 1 || notices[0].Status != models.NoticeGivenUp || notices[0].Attempts < 60 || notices[0].Attempts > 74 {
		t.Fatalf("after three days: %+v", notices)
	}
	before := len(r.requests())
	if next := h.deliver(t, c); next != nil || len(r.requests()) != before {
		t.Error("it goes on")
	}
}

// TestAway holds that a receiver that is away is not asked for every message that waits, and
// that one alert does not hold up another.
func TestAway(t *testing.T) {
	h, r := newHouse(t, setup{}), newReceiver(t)
	c := h.webhook(t, r)
	r.answers(http.StatusBadGateway)
	for i := range 8 {
		one := h.drift(true)
		one.Subject = fmt.Sprintf("dst_%d", i)
		h.signal(t, one)
	}
	h.deliver(t, c)
	if got := len(r.requests()); got != 3 {
		t.Errorf("it was asked %d times, want 3", got)
	}
	r.answers(http.StatusOK)
	h.deliver(t, c) // the other five, whose turn has not come yet
	if got := len(r.requests()); got != 8 {
		t.Errorf("it was asked %d times, want 8", got)
	}
	h.clock.move(time.Minute)
	h.deliver(t, c)
	if got := len(r.requests()); got != 11 {
		t.Errorf("it was asked %d times, want 11", got)
	}
}

func TestDisabled(t *testing.T) {
	h, r := newHouse(t, setup{}), newReceiver(t)
	c := h.webhook(t, r)
	h.signal(t, h.drift(true))
	enable := func(on bool) {
		if _, _, err := h.UpdateChannel(t.Context(), manager, c.ID, alerts.ChannelChange{Enabled: &on}, 0); err != nil {
			t.Fatal(err)
		}
	}
	enable(false)
	if h.deliver(t, c); len(r.requests()) > 0 {
		t.Error("a disabled channel tells")
	}
	enable(true)
	if h.deliver(t, c); len(r.requests()) != 1 {
		t.Error("what waited was not told")
	}
}

// TestRunner has a real runner deliver, as the server does.
func TestRunner(t *testing.T) {
	h, r := newHouse(t, setup{}), newReceiver(t)
	h.webhook(t, r)
	runner := jobs.New(h.store, jobs.Options{Poll: 10 * time.Millisecond, Log: slog.New(slog.DiscardHandler)})
	runner.Handle(alerts.JobKind, h.Work)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- runner.Run(ctx) }()
	h.signal(t, h.drift(true))
	for end := time.Now().Add(20 * time.Second); len(r.requests()) == 0 && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"alert.opened"}, r.types(t)); diff != "" {
		t.Error(diff)
	}
}

const victimVariable = "KEEPER_ALERTS_VICTIM"

// TestVictim is the process that TestKill kills: it sees a condition, and dies while it tells
// of it, or right before.
func TestVictim(t *testing.T) {
	path, how, set := strings.Cut(os.Getenv(victimVariable), "|")
	if !set {
		return // only TestKill starts it
	}
	h := &house{clock: &clock{}, env: models.Environment{ID: 1}}
	h.store = storetest.OpenWith(t, store.Options{Dialect: store.SQLite, Path: path})
	h.serve(t, setup{})
	h.signal(t, h.drift(true))
	if how == "delivering" {
		channels, err := h.Channels(t.Context(), admin, 0)
		if err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = h.Work(context.Background(), models.Job{Key: string(channels[0].ID)}) }()
	} else {
		fmt.Println("opened")
	}
	select {}
}

// TestKill holds that a process that dies loses no notice: another delivers what it left, and
// a message that may have arrived comes again as the same one.
func TestKill(t *testing.T) {
	for how, arrived := range map[string]int{"opened": 0, "delivering": 1} {
		t.Run(how, func(t *testing.T) {
			options := storetest.Options(t, store.SQLite)
			h, r := newHouse(t, setup{options: &options}), newReceiver(t)
			c := h.webhook(t, r)
			came := make(chan struct{}, 1)
			r.mu.Lock()
			r.answer = func(_ http.ResponseWriter, q *http.Request) { came <- struct{}{}; <-q.Context().Done() }
			r.mu.Unlock()

			victim := exec.Command(os.Args[0], "-test.run=^TestVictim$")
			victim.Env = append(os.Environ(), victimVariable+"="+options.Path+"|"+how)
			out, err := victim.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := victim.Start(); err != nil {
				t.Fatal(err)
			}
			if arrived > 0 {
				<-came
			} else {
				for lines := bufio.NewScanner(out); lines.Scan() && lines.Text() != "opened"; {
				}
			}
			if err := victim.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, out)
			_ = victim.Wait()

			r.answers(http.StatusOK)
			h.deliver(t, c)
			h.deliver(t, c)
			got := r.requests()
			if len(got) != arrived+1 {
				t.Fatalf("%d messages came, want %d", len(got), arrived+1)
			}
			for _, one := range got {
				if one.header.Get("Webhook-Id") != got[0].header.Get("Webhook-Id") || !bytes.Equal(one.body, got[0].body) {
					t.Error("it came again as another message")
				}
			}
		})
	}
}

// TestStopping holds that a delivery that is cut off is tried again at once by the next.
func TestStopping(t *testing.T) {
	h, r := newHouse(t, setup{}), newReceiver(t)
	c := h.webhook(t, r)
	ctx, cancel := context.WithCancel(t.Context())
	r.mu.Lock()
	r.answer = func(_ http.ResponseWriter, q *http.Request) { cancel(); <-q.Context().Done() }
	r.mu.Unlock()
	h.signal(t, h.drift(true))
	if _, err := h.Work(ctx, models.Job{Key: string(c.ID)}); err == nil {
		t.Fatal("it ended well")
	}
	r.answers(http.StatusOK)
	h.deliver(t, c)
	notices := h.notices(t)
	if len(r.requests()) != 2 || notices[0].Status != models.NoticeDelivered || notices[0].Attempts != 1 {
		t.Errorf("%d requests, %+v", len(r.requests()), notices)
	}
}

// TestSecretsStay holds that neither an error nor the log tells a URL, whose path may be a
// secret, or a key.
func TestSecretsStay(t *testing.T) {
	const secret = "T0SECRETPATH"
	var log bytes.Buffer
	h, r := newHouse(t, setup{log: &log}), newReceiver(t)
	closed := newReceiver(t)
	closed.Close()
	var problems []string
	for i, base := range []string{r.URL, closed.URL} {
		r.answers(http.StatusForbidden)
		url := models.NewPlaintext([]byte(base + "/services/" + secret))
		slack, _ := h.channel(t, alerts.Draft{Name: fmt.Sprintf("slack-%d", i), Kind: models.ChannelSlack, Secret: url})
		hook, key := h.channel(t, alerts.Draft{Name: fmt.Sprintf("hook-%d", i), Kind: models.ChannelWebhook, Address: base + "/" + secret})
		for _, c := range []models.AlertChannel{slack, hook} {
			err := h.TestChannel(t.Context(), manager, c.ID)
			wantFault(t, err, fault.Unavailable)
			seen, _ := h.Channel(t.Context(), manager, c.ID)
			problems = append(problems, fmt.Sprint(err), fmt.Sprintf("%+v", slog.AnyValue(err).Resolve()), seen.LastError)
		}
		problems = append(problems, fmt.Sprint(slack.Address))
		if bytes.Contains(slack.Secret, []byte(secret)) || bytes.Contains(hook.Secret, key.Reveal()) {
			t.Error("a secret is stored in clear")
		}
	}
	h.signal(t, h.drift(true))
	for _, c := range must(h.Channels(t.Context(), admin, 0))(t) {
		h.deliver(t, c)
	}
	if log.Len() == 0 {
		t.Error("nothing was logged")
	}
	if i := slices.IndexFunc(append(problems, log.String()), func(s string) bool { return strings.Contains(s, secret) || strings.Contains(s, "whsec_") }); i >= 0 {
		t.Errorf("told: %s", append(problems, log.String())[i])
	}
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
