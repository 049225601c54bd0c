package auth_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

const password = "correct horse battery"

var origin = auth.Origin{Via: "web", Address: "192.0.2.1", UserAgent: "test"}

// house is one replica of the service, with a clock of its own.
type house struct {
	*auth.Service
	store *store.Store
	mu    sync.Mutex
	ahead time.Duration
}

func newHouse(t *testing.T, s *store.Store) *house {
	t.Helper()
	return newHouseWith(t, s, auth.Deps{})
}

func newHouseWith(t *testing.T, s *store.Store, d auth.Deps) *house {
	t.Helper()
	h := &house{store: s}
	d.Store, d.Secret = s, []byte("a secret for tests")
	d.Now = func() time.Time {
		h.mu.Lock()
		defer h.mu.Unlock()
		return time.Now().Add(h.ahead)
	}
	service, err := auth.New(d)
	if err != nil {
		t.Fatal(err)
	}
	h.Service = service
	return h
}

// open is a first replica with the administrator ada.
func open(t *testing.T) *house {
	t.Helper()
	return openWith(t, auth.Deps{})
}

func openWith(t *testing.T, d auth.Deps) *house {
	t.Helper()
	h := newHouseWith(t, storetest.SQLite(t), d)
	if _, err := h.Bootstrap(t.Context(), "ada", password); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) wait(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ahead += d
}

func (h *house) signIn(t *testing.T) (id string, actor models.Actor) {
	t.Helper()
	in, err := h.SignIn(t.Context(), "ada", password, origin)
	if err != nil {
		t.Fatal(err)
	}
	id = in.SessionID
	actor, _, _, err = h.Session(t.Context(), id, origin)
	if err != nil {
		t.Fatal(err)
	}
	return id, actor
}

func (h *house) entries(t *testing.T) []models.AuditEntry {
	t.Helper()
	var entries []models.AuditEntry
	err := h.store.Read(t.Context(), func(tx *store.Tx) (err error) {
		entries, _, err = tx.Audit(store.AuditQuery{Everything: true})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func (h *house) count(t *testing.T, action string, outcome models.Outcome) (n int) {
	t.Helper()
	for _, e := range h.entries(t) {
		if e.Action == action && e.Outcome == outcome {
			n++
		}
	}
	return n
}

func (h *house) change(t *testing.T, edit func(*models.User)) {
	t.Helper()
	err := h.store.Write(t.Context(), func(tx *store.Tx) error {
		u, err := tx.UserByName("ada")
		if err != nil {
			return err
		}
		edit(&u)
		return tx.UpdateUser(&u)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func wantFault(t *testing.T, err error, kind fault.Kind) {
	t.Helper()
	if !fault.Is(err, kind) {
		t.Errorf("error %v, want kind %v", err, kind)
	}
}

// TestBootstrap starts replicas at once: one administrator, one password, and it works.
func TestBootstrap(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			s := storetest.Open(t, dialect)
			replicas := []*house{newHouse(t, s), newHouse(t, s), newHouse(t, s)}
			passwords := make([]string, len(replicas))
			var starting sync.WaitGroup
			for i, h := range replicas {
				starting.Go(func() {
					var err error
					if passwords[i], err = h.Bootstrap(t.Context(), "admin", ""); err != nil {
						t.Error(err)
					}
				})
			}
			starting.Wait()
			told := slices.DeleteFunc(passwords, func(p string) bool { return p == "" })
			if len(told) != 1 {
				t.Fatalf("%d passwords were told, want 1", len(told))
			}
			in, err := replicas[0].SignIn(t.Context(), "admin", told[0], origin)
			u := in.User
			if err != nil || !u.MustChangePassword || u.Role != models.RoleAdmin {
				t.Errorf("user %+v, %v", u, err)
			}
			if n := replicas[0].count(t, "user.create", models.OutcomeAllowed); n != 1 {
				t.Errorf("%d users were made", n)
			}
			if again, err := replicas[1].Bootstrap(t.Context(), "admin", ""); again != "" || err != nil {
				t.Errorf("a later start told %q, %v", again, err)
			}
		})
	}
	t.Run("WeakPassword", func(t *testing.T) {
		h := newHouse(t, storetest.SQLite(t))
		_, err := h.Bootstrap(t.Context(), "admin", "short")
		wantFault(t, err, fault.Invalid)
	})
}

func TestSignIn(t *testing.T) {
	h := open(t)
	for name, c := range map[string]struct {
		user, password string
		good           bool
	}{
		"right": {"ada", password, true}, "other case": {"ADA", password, true}, "with space": {" Ada\t", password, true},
		"wrong password": {"ada", "wrong", false}, "no password": {"ada", "", false}, "unknown": {"eve", password, false},
		"nobody": {"", password, false}, "NUL": {"ada\x00", password, false}, "not UTF-8": {"ada\xff", password, false},
		"very long": {strings.Repeat("a", 100_000), password, false},
	} {
		t.Run(name, func(t *testing.T) {
			allowed, refused := h.count(t, "session.create", models.OutcomeAllowed), h.count(t, "session.create", models.OutcomeRefused)
			in, err := h.SignIn(t.Context(), c.user, c.password, auth.Origin{Via: "web", Address: "192.0.2." + fmt.Sprint(len(name))})
			id, u := in.SessionID, in.User
			if c.good {
				if err != nil || u.Username != "ada" || u.LastSignInAt == nil || len(id) < 40 {
					t.Fatalf("id of %d characters, user %+v, %v", len(id), u, err)
				}
				allowed++
			} else {
				if !fault.Is(err, fault.Unauthenticated) || id != "" || u.ID != "" || err.Error() != "The user name or the password is wrong. Check both and try again." {
					t.Fatalf("id %q, user %+v, %v", id, u, err)
				}
				refused++
			}
			if a, r := h.count(t, "session.create", models.OutcomeAllowed), h.count(t, "session.create", models.OutcomeRefused); a != allowed || r != refused {
				t.Errorf("on record: %d allowed, %d refused; want %d and %d", a, r, allowed, refused)
			}
		})
	}
	t.Run("disabled", func(t *testing.T) {
		h.change(t, func(u *models.User) { u.Disabled = true })
		_, err := h.SignIn(t.Context(), "ada", password, origin)
		wantFault(t, err, fault.Unauthenticated)
	})
}

// TestSignInOnEveryDatabase tries what PostgreSQL cannot keep as text.
func TestSignInOnEveryDatabase(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			h := newHouse(t, storetest.Open(t, dialect))
			if _, err := h.Bootstrap(t.Context(), "ada", password); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"ada\x00", "ada\xff", "é", strings.Repeat("ä", 5000)} {
				_, err := h.SignIn(t.Context(), name, password, origin)
				wantFault(t, err, fault.Unauthenticated)
			}
			odd := origin
			odd.UserAgent = "caf\xe9\x00 " + strings.Repeat("ü", 400)
			if _, err := h.SignIn(t.Context(), "ada", password, odd); err != nil {
				t.Errorf("with an odd browser: %v", err)
			}
		})
	}
}

// TestUnknownUserTakesAsLong compares medians: without the decoy hash an unknown user would
// be answered a hundred times faster.
func TestUnknownUserTakesAsLong(t *testing.T) {
	h := open(t)
	median := func(user string) time.Duration {
		var took []time.Duration
		for i := range 9 {
			start := time.Now()
			_, err := h.SignIn(t.Context(), user, "wrong password", auth.Origin{Address: fmt.Sprint(user, i)})
			took = append(took, time.Since(start))
			wantFault(t, err, fault.Unauthenticated)
		}
		slices.Sort(took)
		return took[len(took)/2]
	}
	known, unknown := median("ada"), median("nobody-of-that-name")
	if unknown < known/3 || known < unknown/3 {
		t.Errorf("a known user takes %v, an unknown one %v", known, unknown)
	}
}

func TestGuessingIsSlowed(t *testing.T) {
	h := open(t)
	try := func(user, with, address string) error {
		_, err := h.SignIn(t.Context(), user, with, auth.Origin{Address: address})
		return err
	}
	t.Run("AllAtOnce", func(t *testing.T) {
		var wrong, throttled int
		var mu sync.Mutex
		var all sync.WaitGroup
		for i := range 40 {
			all.Go(func() { // other case and space are the same account
				err := try(strings.Repeat(" ", i)+[]string{"ada", "ADA", "Ada"}[i%3], "wrong", "192.0.2.9")
				mu.Lock()
				defer mu.Unlock()
				if fault.Is(err, fault.Throttled) {
					throttled++
				} else if fault.Is(err, fault.Unauthenticated) {
					wrong++
				}
			})
		}
		all.Wait()
		if wrong != 10 || throttled != 30 {
			t.Errorf("%d were tried and %d throttled, want 10 and 30", wrong, throttled)
		}
		if n := h.count(t, "session.create", models.OutcomeRefused); n != 11 {
			t.Errorf("%d refusals are on record, want the ten and the first of the others", n)
		}
	})
	t.Run("AlsoWithTheRightPassword", func(t *testing.T) { wantFault(t, try("ada", password, "192.0.2.9"), fault.Throttled) })
	t.Run("NotFromElsewhere", func(t *testing.T) {
		if err := try("ada", password, "192.0.2.10"); err != nil {
			t.Error(err)
		}
	})
	t.Run("NotAnother", func(t *testing.T) { wantFault(t, try("eve", "wrong", "192.0.2.9"), fault.Unauthenticated) })
	t.Run("OneIPv6Network", func(t *testing.T) {
		var err error
		for i := range 11 {
			err = try("ada", "wrong", fmt.Sprintf("2001:db8::%x", i))
		}
		wantFault(t, err, fault.Throttled)
		wantFault(t, try("ada", "wrong", "2001:db8:0:1::1"), fault.Unauthenticated)
	})
	t.Run("SuccessBeginsAnew", func(t *testing.T) {
		for range 3 {
			for range 9 {
				wantFault(t, try("ada", "wrong", "192.0.2.11"), fault.Unauthenticated)
			}
			if err := try("ada", password, "192.0.2.11"); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestSessions(t *testing.T) {
	look := func(h *house, id string) error {
		_, _, _, err := h.Session(context.Background(), id, origin)
		return err
	}
	t.Run("OK", func(t *testing.T) {
		h := open(t)
		id, actor := h.signIn(t)
		if actor.Kind != models.ActorUser || actor.Name != "ada" || actor.Role != models.RoleAdmin || actor.Address != origin.Address || actor.Scope != nil {
			t.Errorf("actor %+v", actor)
		}
		if other, _ := h.signIn(t); other == id {
			t.Error("two sessions share an identifier")
		}
		err := h.store.Read(t.Context(), func(tx *store.Tx) error { _, err := tx.Session(id); return err })
		wantFault(t, err, fault.NotFound) // the row is found by the hash alone
	})
	t.Run("Forged", func(t *testing.T) {
		h := open(t)
		for _, id := range []string{"", "x", "\x00", strings.Repeat("x", 10_000)} {
			wantFault(t, look(h, id), fault.Unauthenticated)
		}
	})
	t.Run("Idle", func(t *testing.T) {
		h := open(t)
		id, _ := h.signIn(t)
		h.wait(auth.SessionIdle - time.Minute)
		if err := look(h, id); err != nil {
			t.Fatal(err)
		}
		h.wait(auth.SessionIdle - time.Minute) // used in between
		if err := look(h, id); err != nil {
			t.Fatal(err)
		}
		h.wait(auth.SessionIdle)
		wantFault(t, look(h, id), fault.Unauthenticated)
	})
	t.Run("ALookIsNoUse", func(t *testing.T) {
		h := open(t)
		id, _ := h.signIn(t)
		h.wait(auth.SessionIdle - time.Minute)
		if _, _, _, err := h.LookAtSession(t.Context(), id, origin); err != nil {
			t.Fatal(err)
		}
		h.wait(time.Minute)
		wantFault(t, look(h, id), fault.Unauthenticated)
	})
	t.Run("Absolute", func(t *testing.T) {
		h := open(t)
		id, _ := h.signIn(t)
		for end := auth.SessionLifetime; end > 30*time.Minute; end -= 30 * time.Minute {
			h.wait(30 * time.Minute)
			if err := look(h, id); err != nil {
				t.Fatal(err)
			}
		}
		h.wait(30 * time.Minute)
		wantFault(t, look(h, id), fault.Unauthenticated)
		if err := h.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("RevokedElsewhere", func(t *testing.T) {
		h := open(t)
		other := newHouse(t, h.store)
		id, actor := h.signIn(t)
		sessions, err := other.Sessions(t.Context(), actor)
		if err != nil || len(sessions) != 1 || sessions[0].Hash != actor.SessionHash {
			t.Fatalf("sessions %v, %v", sessions, err)
		}
		if err := other.RevokeSession(t.Context(), actor, sessions[0].Hash); err != nil {
			t.Fatal(err)
		}
		wantFault(t, look(h, id), fault.Unauthenticated)
		wantFault(t, other.RevokeSession(t.Context(), actor, sessions[0].Hash), fault.NotFound)
	})
	t.Run("Disabled", func(t *testing.T) {
		h := open(t)
		id, _ := h.signIn(t)
		h.change(t, func(u *models.User) { u.Disabled = true })
		wantFault(t, look(h, id), fault.Unauthenticated)
	})
	t.Run("NotForTokens", func(t *testing.T) {
		h := open(t)
		_, actor := h.signIn(t)
		actor.Kind, actor.Scope = models.ActorToken, &models.TokenScope{}
		_, err := h.Sessions(t.Context(), actor)
		wantFault(t, err, fault.Forbidden)
		wantFault(t, h.RevokeSession(t.Context(), actor, "x"), fault.Forbidden)
	})
}

func TestChangePassword(t *testing.T) {
	const next = "a quite different one"
	t.Run("OK", func(t *testing.T) {
		h := open(t)
		keep, actor := h.signIn(t)
		gone, _ := h.signIn(t)
		h.wait(auth.ProofLasts)
		now, err := h.ChangePassword(t.Context(), actor, password, next)
		if err != nil || now == keep {
			t.Fatal(err)
		}
		if got := h.actorOf(t, now); !got.ProvenAt.Equal(actor.ProvenAt) {
			t.Error("the change counts as a proof")
		}
		for _, id := range []string{keep, gone} { // at once: somebody may have a copy
			_, _, _, err := h.Session(t.Context(), id, origin)
			wantFault(t, err, fault.Unauthenticated)
		}
		_, err = h.SignIn(t.Context(), "ada", password, origin)
		wantFault(t, err, fault.Unauthenticated)
		if _, err := h.SignIn(t.Context(), "ada", next, origin); err != nil {
			t.Error(err)
		}
	})
	t.Run("Refused", func(t *testing.T) {
		h := open(t)
		_, actor := h.signIn(t)
		for name, c := range map[string]struct{ present, next, field string }{
			"wrong present": {"wrong", next, "current_password"}, "short": {password, "short", "password"},
			"the same": {password, password, "password"}, "the user's name": {password, "xxADAxx-yy-zz", "password"},
			"one character": {password, strings.Repeat("ä", 20), "password"}, "too long": {password, strings.Repeat("ab", 600), "password"},
		} {
			t.Run(name, func(t *testing.T) {
				_, err := h.ChangePassword(t.Context(), actor, c.present, c.next)
				var told *fault.Error
				if !errors.As(err, &told) || told.Kind != fault.Invalid || told.Fields[0].Name != c.field {
					t.Errorf("error %v, want field %s", err, c.field)
				}
			})
		}
		if _, err := h.SignIn(t.Context(), "ada", password, origin); err != nil {
			t.Errorf("the password changed: %v", err)
		}
	})
	t.Run("GuessingIsSlowed", func(t *testing.T) {
		h := open(t)
		_, actor := h.signIn(t)
		var err error
		for range 11 {
			_, err = h.ChangePassword(t.Context(), actor, "wrong", next)
		}
		wantFault(t, err, fault.Throttled)
		_, err = h.ChangePassword(t.Context(), actor, password, next)
		wantFault(t, err, fault.Throttled)
	})
	t.Run("NotForTokens", func(t *testing.T) {
		h := open(t)
		_, actor := h.signIn(t)
		actor.Kind = models.ActorToken
		_, err := h.ChangePassword(t.Context(), actor, password, next)
		wantFault(t, err, fault.Forbidden)
		if h.count(t, "user.password", models.OutcomeRefused) != 1 {
			t.Error("the refusal is not on record")
		}
	})
}

// TestSignInDoesNotUndo has the password change, or the account be disabled, while a sign-in
// hashes: it must neither succeed nor write the old row back.
func TestSignInDoesNotUndo(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			h := newHouse(t, storetest.Open(t, dialect))
			if _, err := h.Bootstrap(t.Context(), "ada", password); err != nil {
				t.Fatal(err)
			}
			const next = "a quite different one"
			_, actor := h.signIn(t)
			var both sync.WaitGroup
			for i := range 20 { // most wait for their hash while the password changes
				both.Go(func() { _, _ = h.SignIn(t.Context(), "ada", password, auth.Origin{Address: fmt.Sprint(i)}) })
			}
			both.Go(func() {
				if _, err := h.ChangePassword(t.Context(), actor, password, next); err != nil {
					t.Error(err)
				}
			})
			both.Wait()
			if sessions, err := h.Sessions(t.Context(), actor); err != nil || len(sessions) != 1 {
				t.Errorf("%d sessions are open beside the one that changed the password, %v", len(sessions)-1, err)
			}
			if _, err := h.SignIn(t.Context(), "ada", next, origin); err != nil {
				t.Errorf("the change was undone: %v", err)
			}
			_, err := h.SignIn(t.Context(), "ada", password, origin)
			wantFault(t, err, fault.Unauthenticated)
		})
	}
}
