package idempotency

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

// house is a service on a real store, with a clock that a test sets.
type house struct {
	*Service
	t    *testing.T
	auth *auth.Service
	path string

	mu  sync.Mutex
	now time.Time
}

func newHouse(t *testing.T) *house {
	t.Helper()
	options := storetest.Options(t, store.SQLite)
	h := &house{t: t, now: time.Now().UTC().Truncate(time.Second), path: options.Path}
	s := storetest.OpenWith(t, options)
	var err error
	h.auth, err = auth.New(auth.Deps{Store: s, Now: h.clock, Secret: bytes.Repeat([]byte{5}, 32)})
	if err != nil {
		t.Fatal(err)
	}
	h.Service = New(Deps{Store: s, Auth: h.auth, Box: kms.NewBox(bytes.Repeat([]byte{5}, 32)), Now: h.clock})
	return h
}

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

// person is a user who has just proved who it is.
func (h *house) person(name string, role models.GlobalRole) models.Actor {
	h.t.Helper()
	u := models.User{ID: models.NewUserID(), Username: name, Role: role, CreatedAt: h.now, UpdatedAt: h.now}
	if err := h.Store.Write(context.Background(), func(tx *store.Tx) error { return tx.CreateUser(&u) }); err != nil {
		h.t.Fatal(err)
	}
	return models.Actor{Kind: models.ActorUser, ID: string(u.ID), Name: name, UserID: u.ID, Role: role, ProvenAt: h.now}
}

func (h *house) begin(actor models.Actor, key string, r Request) (*Attempt, *Answer, error) {
	h.t.Helper()
	return h.Begin(context.Background(), actor, key, r)
}

// first is an attempt that has its key.
func (h *house) first(actor models.Actor, key string, r Request) *Attempt {
	h.t.Helper()
	attempt, answer, err := h.begin(actor, key, r)
	if err != nil || attempt == nil || answer != nil {
		h.t.Fatalf("got the attempt %v, the answer %v, %v", attempt, answer, err)
	}
	h.t.Cleanup(attempt.stop)
	return attempt
}

// act is a change with its audit entry, as services make them.
func (h *house) act(a *Attempt, object string) error {
	return h.Store.Write(a.Context(context.Background()), func(tx *store.Tx) error {
		return tx.AppendAudit(models.AuditEntry{Action: "thing.create", Outcome: models.OutcomeAllowed, ObjectID: object})
	})
}

func (h *house) keep(a *Attempt, answer Answer, holdsValue bool) {
	h.t.Helper()
	if err := a.Keep(context.Background(), answer, holdsValue); err != nil {
		h.t.Fatal(err)
	}
}

// refused fails unless err is a refusal for the reason.
func (h *house) refused(why Why, location string) func(*Attempt, *Answer, error) {
	h.t.Helper()
	return func(a *Attempt, answer *Answer, err error) {
		h.t.Helper()
		var refusal *Refusal
		if a != nil || answer != nil || !errors.As(err, &refusal) || *refusal != (Refusal{why, location}) {
			h.t.Errorf("got %v, %v, %v; want the reason %d at %q", a, answer, err, why, location)
		}
	}
}

var (
	request = Request{Method: "POST", Target: "/api/things?x=1", IfMatch: `"3"`, Body: []byte(`{"name":"n"}`)}
	created = Answer{Status: 201, Header: map[string]string{"Location": "/api/things/7", "ETag": `"1"`}, Body: []byte(`{"id":7}`)}
)

func TestRepeat(t *testing.T) {
	h := newHouse(t)
	ada, bob := h.person("ada", models.RoleUser), h.person("bob", models.RoleUser)
	attempt := h.first(ada, "k", request)
	t.Run("Running", func(*testing.T) { h.refused(Running, "")(h.begin(ada, "k", request)) })
	h.keep(attempt, created, false)
	t.Run("Answered", func(t *testing.T) {
		for range 2 {
			attempt, answer, err := h.begin(ada, "k", request)
			if attempt != nil || err != nil {
				t.Fatalf("got %v, %v", attempt, err)
			}
			if diff := cmp.Diff(&created, answer); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		}
	})
	for name, change := range map[string]func(*Request){
		"Method":  func(r *Request) { r.Method = "PATCH" },
		"Target":  func(r *Request) { r.Target = "/api/things?x=2" },
		"IfMatch": func(r *Request) { r.IfMatch = "" },
		"Body":    func(r *Request) { r.Body = []byte(`{"name":"m"}`) },
		"Shifted": func(r *Request) { r.Target, r.IfMatch = `/api/things?x=1"3"`, "" },
	} {
		t.Run("Other"+name, func(*testing.T) {
			other := request
			change(&other)
			h.refused(Reused, "")(h.begin(ada, "k", other))
		})
	}
	t.Run("OtherKey", func(*testing.T) { h.first(ada, "K", request) })
	t.Run("OtherUser", func(*testing.T) { h.first(bob, "k", request) })
	t.Run("ADayLater", func(t *testing.T) {
		h.pass(Lasts - time.Second)
		ada.ProvenAt = h.clock()
		if _, answer, err := h.begin(ada, "k", request); answer == nil {
			t.Errorf("just before: %v", err)
		}
		h.pass(time.Second)
		h.first(ada, "k", request)
	})
}

func TestNotKept(t *testing.T) {
	h := newHouse(t)
	ada := h.person("ada", models.RoleUser)
	t.Run("Value", func(*testing.T) {
		h.keep(h.first(ada, "value", request), created, true)
		h.refused(Told, "/api/things/7")(h.begin(ada, "value", request))
	})
	t.Run("Large", func(*testing.T) {
		large := created
		large.Body = bytes.Repeat([]byte("x"), MaxAnswer+1)
		h.keep(h.first(ada, "large", request), large, false)
		h.refused(Large, "/api/things/7")(h.begin(ada, "large", request))
	})
	t.Run("Largest", func(t *testing.T) {
		large := Answer{Status: 200, Body: bytes.Repeat([]byte("x"), MaxAnswer)}
		h.keep(h.first(ada, "largest", request), large, false)
		_, answer, err := h.begin(ada, "largest", request)
		if diff := cmp.Diff(&large, answer); diff != "" || err != nil {
			t.Errorf("got %v, %s", err, diff)
		}
	})
}

// TestAbandoned leaves attempts as a crash would.
func TestAbandoned(t *testing.T) {
	h := newHouse(t)
	ada := h.person("ada", models.RoleUser)
	t.Run("NothingDone", func(t *testing.T) {
		first := h.first(ada, "idle", request)
		first.stop()
		h.pass(lease - time.Second)
		h.refused(Running, "")(h.begin(ada, "idle", request))
		h.pass(time.Second)
		second := h.first(ada, "idle", request)
		if err := h.act(first, "x"); !fault.Is(err, fault.Conflict) {
			t.Errorf("the one that was given up acts: %v", err)
		}
		if err := first.Keep(context.Background(), created, false); !fault.Is(err, fault.NotFound) {
			t.Errorf("the one that was given up answers: %v", err)
		}
		if err := h.act(second, "x"); err != nil {
			t.Error(err)
		}
	})
	t.Run("Acted", func(t *testing.T) {
		first := h.first(ada, "acted", request)
		if err := h.act(first, "y"); err != nil {
			t.Fatal(err)
		}
		first.stop()
		h.refused(Running, "")(h.begin(ada, "acted", request))
		h.pass(lease)
		for range 2 {
			h.refused(CutOff, "")(h.begin(ada, "acted", request))
		}
	})
	t.Run("Slow", func(t *testing.T) {
		first := h.first(ada, "slow", request)
		for range 3 {
			h.pass(lease - time.Second)
			first.tick(context.Background())
		}
		h.refused(Running, "")(h.begin(ada, "slow", request))
		h.keep(first, created, false)
		if _, answer, err := h.begin(ada, "slow", request); answer == nil {
			t.Error(err)
		}
	})
}

func TestRelease(t *testing.T) {
	h := newHouse(t)
	ada := h.person("ada", models.RoleUser)
	release := func(a *Attempt) {
		t.Helper()
		if err := a.Release(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("NothingDone", func(*testing.T) {
		release(h.first(ada, "k", request))
		other := request
		other.Body = nil
		h.first(ada, "k", other) // the key is free for anything
	})
	t.Run("APartDone", func(t *testing.T) {
		first := h.first(ada, "part", request)
		if err := h.act(first, "x"); err != nil {
			t.Fatal(err)
		}
		release(first)
		h.refused(CutOff, "")(h.begin(ada, "part", request))
	})
	t.Run("ClientGone", func(t *testing.T) {
		first := h.first(ada, "gone", request)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		must(t, first.Release(ctx))
		must(t, h.first(ada, "gone", request).Keep(ctx, created, false))
		if _, answer, err := h.begin(ada, "gone", request); answer == nil {
			t.Error(err)
		}
	})
}

// TestAccess sends requests again that were answered, after rights changed.
func TestAccess(t *testing.T) {
	h := newHouse(t)
	answered := func(key string, actor models.Actor) {
		h.keep(h.first(actor, key, request), created, false)
	}
	set := func(actor models.Actor, change func(*models.User)) {
		t.Helper()
		must(t, h.Store.Write(context.Background(), func(tx *store.Tx) error {
			u, err := tx.LockUser(actor.UserID)
			if err != nil {
				return err
			}
			change(&u)
			return tx.UpdateUser(&u)
		}))
	}
	wants := func(t *testing.T, actor models.Actor, key string, kind fault.Kind) {
		t.Helper()
		_, answer, err := h.begin(actor, key, request)
		if kind == 0 {
			if answer == nil || err != nil {
				t.Errorf("got %v, want the answer", err)
			}
			return
		}
		if answer != nil || !fault.Is(err, kind) {
			t.Errorf("got %v, %v; want %v", answer, err, kind)
		}
	}
	t.Run("RoleLost", func(t *testing.T) {
		eve := h.person("eve", models.RoleAdmin)
		answered("k", eve)
		wants(t, eve, "k", 0)
		set(eve, func(u *models.User) { u.Role = models.RoleUser })
		wants(t, eve, "k", fault.Forbidden)
		set(eve, func(u *models.User) { u.Role = models.RoleAdmin })
		wants(t, eve, "k", 0)
		if n := h.refusals(eve); n != 1 {
			t.Errorf("%d refusals are on record", n)
		}
	})
	t.Run("Disabled", func(t *testing.T) {
		mia := h.person("mia", models.RoleUser)
		answered("k", mia)
		set(mia, func(u *models.User) { u.Disabled = true })
		wants(t, mia, "k", fault.Unauthenticated)
	})
	t.Run("ProofLapsed", func(t *testing.T) {
		kim := h.person("kim", models.RoleAdmin)
		answered("k", kim)
		h.pass(auth.ProofLasts)
		wants(t, kim, "k", fault.Unproven)
		kim.ProvenAt = h.clock()
		wants(t, kim, "k", 0)
	})
	t.Run("EnvironmentRole", func(t *testing.T) {
		lin := h.person("lin", models.RoleUser)
		e := models.Environment{Name: "production"}
		role := func(r models.EnvironmentRole) {
			t.Helper()
			must(t, h.Store.Write(context.Background(), func(tx *store.Tx) error {
				return tx.SetMembership(models.Membership{UserID: lin.UserID, EnvironmentID: e.ID, Role: r, CreatedAt: h.clock()})
			}))
		}
		must(t, h.Store.Write(context.Background(), func(tx *store.Tx) error { return tx.CreateEnvironment(&e) }))
		role(models.RoleEditor)
		lin.Roles = map[models.EnvironmentID]models.EnvironmentRole{e.ID: models.RoleEditor}
		answered("k", lin)
		role(models.RoleManager)
		wants(t, lin, "k", 0)
		role(models.RoleViewer)
		wants(t, lin, "k", fault.Forbidden)
	})
	t.Run("Token", func(t *testing.T) {
		oz := h.person("oz", models.RoleUser)
		token := func(scope models.TokenScope) (models.Actor, models.TokenID) {
			t.Helper()
			text, made, err := h.auth.CreateToken(context.Background(), oz, auth.NewToken{Name: "t", Scope: scope})
			must(t, err)
			actor, err := h.auth.Bearer(context.Background(), text, auth.Origin{Via: "api"})
			must(t, err)
			return actor, made.ID
		}
		wide, id := token(models.TokenScope{})
		answered("k", wide)
		same, _ := token(models.TokenScope{})
		wants(t, same, "k", 0)
		narrow, _ := token(models.TokenScope{ReadOnly: true})
		wants(t, narrow, "k", fault.Forbidden)
		must(t, h.auth.RevokeToken(context.Background(), oz, id))
		wants(t, wide, "k", fault.Unauthenticated)
		wants(t, same, "k", 0)
	})
}

// refusals counts what is on record of repeats that an actor was refused.
func (h *house) refusals(actor models.Actor) (n int) {
	h.t.Helper()
	must(h.t, h.Store.Read(context.Background(), func(tx *store.Tx) error {
		entries, _, err := tx.Audit(store.AuditQuery{Everything: true, ActorID: actor.ID, Action: "request.repeat", Outcome: models.OutcomeRefused})
		n = len(entries)
		return err
	}))
	return n
}

func TestBounds(t *testing.T) {
	h := newHouse(t)
	h.Most = 5
	ada, bob := h.person("ada", models.RoleUser), h.person("bob", models.RoleUser)
	for _, key := range []string{"1", "2", "3", "4", "5"} {
		h.keep(h.first(ada, key, request), created, false)
	}
	if _, _, err := h.begin(ada, "6", request); !fault.Is(err, fault.Throttled) {
		t.Errorf("got %v", err)
	}
	other := New(h.Deps) // another replica, or this one a minute later
	if _, _, err := other.Begin(context.Background(), ada, "6", request); !fault.Is(err, fault.Throttled) {
		t.Errorf("another replica: got %v", err)
	}
	if _, answer, err := h.begin(ada, "5", request); answer == nil || err != nil {
		t.Errorf("what was answered before: got %v", err)
	}
	h.first(bob, "6", request)
	h.pass(Lasts)
	must(t, h.Sweep(context.Background()))
	again := New(h.Deps)
	attempt, _, err := again.Begin(context.Background(), ada, "6", request)
	must(t, err)
	must(t, attempt.Release(context.Background()))
}

// TestAtRest looks for what was sent and answered in the files of the database.
func TestAtRest(t *testing.T) {
	h := newHouse(t)
	ada := h.person("ada", models.RoleUser)
	const key, sent, told, shown = "canary-key-51c0", "canary-sent-51c0", "canary-told-51c0", "canary-shown-51c0"
	secret := request
	secret.Body = []byte(`{"value":"` + sent + `"}`)
	answer := created
	answer.Body = []byte(`{"name":"` + shown + `"}`)
	h.keep(h.first(ada, key, secret), answer, false)
	answer.Body = []byte(`{"token":"` + told + `"}`)
	h.keep(h.first(ada, key+"-2", secret), answer, true)
	if _, answer, err := h.begin(ada, key, secret); answer == nil || !bytes.Contains(answer.Body, []byte(shown)) {
		t.Fatalf("got %v, %v", answer, err)
	}
	files, err := filepath.Glob(h.path + "*")
	must(t, err)
	found := false
	for _, file := range files {
		text, err := os.ReadFile(file)
		must(t, err)
		found = found || bytes.Contains(text, []byte("thing")) || bytes.Contains(text, []byte("ada"))
		for _, canary := range []string{key, sent, told, shown, "/api/things"} {
			if bytes.Contains(text, []byte(canary)) {
				t.Errorf("%s holds %s", filepath.Base(file), canary)
			}
		}
	}
	if !found {
		t.Error("the files were not looked at: what is there in the clear was not found")
	}
	t.Run("Moved", func(t *testing.T) { // an answer that is put into another row does not open
		h.keep(h.first(ada, "other", secret), created, false)
		slots := map[string]models.IdempotencyKey{}
		for _, k := range []string{key, "other"} {
			slot, err := h.Box.Digest(slotPurpose, []byte(ada.UserID), []byte(k))
			must(t, err)
			slots[k], _, err = h.earlier(context.Background(), hex.EncodeToString(slot))
			must(t, err)
		}
		must(t, h.Store.Write(context.Background(), func(tx *store.Tx) error {
			return tx.AnswerKey(slots["other"].Slot, slots["other"].Holder, slots[key].Answer)
		}))
		if _, answer, err := h.begin(ada, "other", secret); answer != nil || !fault.Is(err, fault.Internal) {
			t.Errorf("got %v, %v", answer, err)
		}
	})
	t.Run("NoSecret", func(t *testing.T) {
		d := h.Deps
		d.Box = kms.NewBox(nil)
		if _, _, err := New(d).Begin(context.Background(), ada, "k", secret); !fault.Is(err, fault.Unavailable) || strings.Contains(err.Error(), sent) {
			t.Errorf("got %v", err)
		}
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
