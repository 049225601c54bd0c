package web_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/models"
)

// hearing is an open stream of events.
type hearing struct {
	t      testing.TB
	answer *http.Response
	lines  chan string // "change sync secrets"; closed when the stream ends
}

func (v *visitor) listen(topics string) *hearing {
	v.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	v.t.Cleanup(stop)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, v.h.url+"/events?topics="+topics, http.NoBody)
	must(v.t, err)
	answer, err := v.client.Do(r)
	must(v.t, err)
	heard := &hearing{t: v.t, answer: answer, lines: make(chan string, 100)}
	go func() {
		defer close(heard.lines)
		defer answer.Body.Close()
		event := ""
		for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
			if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				event = name
			}
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				heard.lines <- event + " " + data
			}
		}
	}()
	return heard
}

// next is the next event but beats; "" when the stream ended.
func (s *hearing) next() string {
	s.t.Helper()
	limit := time.After(15 * time.Second)
	for {
		select {
		case line := <-s.lines:
			if !strings.HasPrefix(line, "beat") {
				return line
			}
		case <-limit:
			s.t.Fatal("nothing is heard")
		}
	}
}

// ends waits until the stream does.
func (s *hearing) ends() {
	s.t.Helper()
	limit := time.After(15 * time.Second)
	for {
		select {
		case _, open := <-s.lines:
			if !open {
				return
			}
		case <-limit:
			s.t.Fatal("the stream does not end")
		}
	}
}

// quiet fails if anything but a beat is heard for a while.
func (s *hearing) quiet(d time.Duration) {
	s.t.Helper()
	limit := time.After(d)
	for {
		select {
		case line, open := <-s.lines:
			if !open || !strings.HasPrefix(line, "beat") {
				s.t.Fatalf("got %q, open: %t", line, open)
			}
		case <-limit:
			return
		}
	}
}

func TestEvents(t *testing.T) {
	h := newHouse(t)
	production, staging := h.environment("production"), h.environment("staging")
	h.destination(production, "aws-main")
	h.user("ada", models.RoleAdmin, nil)
	h.user("vic", models.RoleUser, map[models.EnvironmentID]models.EnvironmentRole{production.ID: models.RoleViewer})
	time.Sleep(100 * time.Millisecond) // the first pass over the destination
	admin, viewer := h.as("ada"), h.as("vic")

	t.Run("CatchesUp", func(t *testing.T) {
		// What happened just before the page began to listen is told at once.
		if got := admin.listen("sync").next(); got != "change sync" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("Change", func(t *testing.T) {
		s := viewer.listen("secrets+sync")
		if s.answer.Header.Get("Content-Type") != "text/event-stream" || s.answer.Header.Get("X-Accel-Buffering") != "no" {
			t.Errorf("got %v", s.answer.Header)
		}
		settle(s)
		h.secret(production, "a")
		if got := s.next(); !strings.HasPrefix(got, "change") || !strings.Contains(got, "secrets") {
			t.Errorf("got %q", got)
		}
	})
	t.Run("OnlyWhatMayBeSeen", func(t *testing.T) {
		s := viewer.listen("secrets+sync")
		settle(s)
		h.secret(staging, "hidden")
		s.quiet(3 * time.Second)
	})
	t.Run("RightsGone", func(t *testing.T) {
		ctx, local := context.Background(), h.local("ada")
		in, err := h.auth.CreateGroup(ctx, local, auth.NewGroup{Name: "Seers"})
		must(t, err)
		h.user("gus", models.RoleUser, nil)
		must(t, h.auth.SetGroupRole(ctx, local, string(in.ID), production.ID, models.RoleViewer))
		must(t, h.auth.SetGroupMember(ctx, local, string(in.ID), "gus", true))
		member, through := viewer.listen("secrets+sync"), h.as("gus").listen("secrets+sync")
		settle(member)
		settle(through)
		must(t, h.auth.SetMember(ctx, local, production.ID, "vic", ""))
		must(t, h.auth.SetGroupMember(ctx, local, string(in.ID), "gus", false))
		time.Sleep(2 * time.Second) // no signal in this process: only the database tells
		h.secret(production, "gone")
		member.quiet(2 * time.Second)
		through.quiet(time.Second)
		must(t, h.auth.SetMember(ctx, local, production.ID, "vic", models.RoleViewer))
	})
	t.Run("EndedElsewhere", func(t *testing.T) {
		s := viewer.listen("secrets")
		settle(s)
		begin := time.Now()
		_, err := h.auth.RevokeSessionsOf(context.Background(), h.local("ada"), "vic") // on another replica: no signal here
		must(t, err)
		if s.ends(); time.Since(begin) > 2*time.Second {
			t.Errorf("it is told of changes for another %s", time.Since(begin))
		}
	})
	t.Run("OtherReplica", func(t *testing.T) {
		s := admin.listen("secrets")
		settle(s)
		h.secrets.Committed = nil // no signal in this process: only the database tells
		h.secret(staging, "b")
		if got := s.next(); got != "change secrets" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("Health", func(t *testing.T) {
		s := admin.listen("health")
		settle(s)
		h.sick.Store(true)
		if got := s.next(); got != "change health" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("SignOut", func(t *testing.T) {
		leaving := h.as("ada")
		s, other := leaving.listen("health"), admin.listen("health")
		leaving.get("/").form("/sign-out").submit()
		s.ends()
		settle(other)
		other.quiet(time.Second)
	})
	// What ends a session ends what it listens to, within two seconds on whichever replica: here
	// only the database tells of it.
	t.Run("EndedElsewhere", func(t *testing.T) {
		ctx := context.Background()
		off := true
		for name, end := range map[string]func(user string) error{
			"Sessions": func(u string) error { _, err := h.auth.RevokeSessionsOf(ctx, models.System(), u); return err },
			"Disabled": func(u string) error {
				_, err := h.auth.UpdateUser(ctx, models.System(), u, auth.UserChange{Disabled: &off}, 0)
				return err
			},
			"Password": func(u string) error { _, err := h.auth.ResetPassword(ctx, models.System(), u); return err },
			"Factors":  func(u string) error { return h.auth.AdminResetFactors(ctx, models.System(), models.UserID(u)) },
			"Deleted":  func(u string) error { return h.auth.DeleteUser(ctx, models.System(), u, 0) },
		} {
			t.Run(name, func(t *testing.T) {
				user := "of-" + strings.ToLower(name)
				h.user(user, models.RoleUser, nil)
				s := h.as(user).listen("health")
				settle(s)
				begin := time.Now()
				must(t, end(user))
				s.ends()
				if took := time.Since(begin); took > 2*time.Second+slack {
					t.Errorf("the stream ends after %s", took)
				}
			})
		}
	})
	t.Run("TooMany", func(t *testing.T) {
		h.user("max", models.RoleUser, nil)
		v := h.as("max")
		open := 0
		for s := v.listen("health"); s.answer.StatusCode == http.StatusOK; s = v.listen("health") {
			if open++; open > 200 {
				t.Fatal("nothing bounds the pages that one person has open")
			}
		}
		if s := v.listen("health"); s.answer.StatusCode != http.StatusTooManyRequests || open != 50 {
			t.Errorf("after %d streams one more is answered %d", open, s.answer.StatusCode)
		}
		if s := admin.listen("health"); s.answer.StatusCode != http.StatusOK {
			t.Errorf("another person's is answered %d", s.answer.StatusCode)
		}
	})
	t.Run("Stop", func(t *testing.T) {
		s := admin.listen("health")
		settle(s)
		h.feed.close()
		s.ends()
	})
}

// slack is what a machine that is busy may add to a time that is held.
const slack = time.Second

// settle passes over what is told of the recent past.
func settle(s *hearing) {
	for {
		select {
		case <-s.lines:
		case <-time.After(2500 * time.Millisecond):
			return
		}
	}
}

// TestLiveEnds holds that nothing goes on working for pages that are closed.
func TestLiveEnds(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	v := h.as("ada")
	v.client.CloseIdleConnections()
	before := goleak.IgnoreCurrent()
	for range 3 {
		s := v.listen("sync")
		<-s.lines
		_ = s.answer.Body.Close()
		s.ends()
	}
	v.client.CloseIdleConnections()
	if err := goleak.Find(before); err != nil {
		t.Error(err)
	}
}
