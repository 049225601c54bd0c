package auth_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

func (h *house) needs(t *testing.T, actor models.Actor) []models.SignInMethod {
	t.Helper()
	needs, err := h.ProofNeeds(t.Context(), actor)
	if err != nil {
		t.Fatal(err)
	}
	return needs
}

// TestProveRevivesNothing: a session that ended because nobody used it stays at its end.
func TestProveRevivesNothing(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *house) {
		id, actor := h.signIn(t)
		h.wait(auth.SessionIdle)
		if next, err := h.ProveByPassword(t.Context(), actor, password); err == nil || next != "" {
			t.Errorf("revived: %v", err)
		}
		_, _, _, err := h.Session(t.Context(), id, origin)
		wantFault(t, err, fault.Unauthenticated)
	})
}

func TestProve(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *house) {
		id, actor := h.signIn(t)
		if err := auth.Proven(actor, h.clock()); err != nil {
			t.Errorf("right after signing in: %v", err)
		}
		h.wait(auth.ProofLasts)
		wantFault(t, auth.Proven(h.actorOf(t, id), h.clock()), fault.Unproven)
		if _, err := h.ProveByPassword(t.Context(), actor, "wrong"); !fault.Is(err, fault.Invalid) {
			t.Errorf("a wrong password: %v", err)
		}
		_, err := h.ProveByTOTP(t.Context(), actor, "123456")
		wantFault(t, err, fault.Forbidden)
		next, err := h.ProveByPassword(t.Context(), actor, password)
		if err != nil || next == id {
			t.Fatal(err)
		}
		if err := auth.Proven(h.actorOf(t, next), h.clock()); err != nil {
			t.Errorf("after the proof: %v", err)
		}
		// The old identifier serves what is under way, without the proof, and then no more.
		old := h.actorOf(t, id)
		wantFault(t, auth.Proven(old, h.clock()), fault.Unproven)
		if sessions, err := h.Sessions(t.Context(), old); err != nil || len(sessions) != 1 || sessions[0].Hash != old.SessionHash {
			t.Errorf("sessions %v, %v", sessions, err)
		}
		h.wait(10 * time.Second)
		_, _, _, err = h.Session(t.Context(), id, origin)
		wantFault(t, err, fault.Unauthenticated)
		h.actorOf(t, next)
		if h.count(t, "session.prove", models.OutcomeAllowed) != 1 || h.count(t, "session.prove", models.OutcomeRefused) != 2 {
			t.Error("the proofs are not on record")
		}
	})
}

// TestProofIsNotWeaker holds that a second factor is not passed by with the password.
func TestProofIsNotWeaker(t *testing.T) {
	h := open(t)
	_, actor := h.signIn(t)
	secret := h.enrol(t, actor)
	if got := h.needs(t, actor); !slices.Equal(got, []models.SignInMethod{models.ByTOTP}) {
		t.Errorf("needs %v", got)
	}
	_, err := h.ProveByPassword(t.Context(), actor, password)
	wantFault(t, err, fault.Forbidden)
	id, err := h.ProveByTOTP(t.Context(), actor, h.code(t, secret))
	if err != nil {
		t.Fatal(err)
	}
	actor = h.actorOf(t, id)
	_, err = h.ProveByTOTP(t.Context(), actor, h.code(t, secret)) // used
	wantFault(t, err, fault.Invalid)
	d := newDevice(actor)
	d.register(t, h, actor, "laptop")
	options, step, err := h.BeginPasskeyProof(t.Context(), actor)
	if err != nil {
		t.Fatal(err)
	}
	reply := d.answer(t, options, party)
	_, err = h.FinishPasskey(t.Context(), step, reply, origin) // a proof signs nobody in
	wantFault(t, err, fault.Unauthenticated)
	if _, err = h.ProveByPasskey(t.Context(), actor, step, reply); err != nil {
		t.Fatal(err)
	}
	_, err = h.ProveByPasskey(t.Context(), actor, step, reply)
	wantFault(t, err, fault.Unauthenticated)
}

func TestProveBySAML(t *testing.T) {
	h := open(t)
	_, ada := h.signIn(t)
	saml := auth.Proof{Method: models.BySAML, ProviderID: "idp_1", NameID: "ada@example"}
	end := h.clock().Add(time.Hour)
	saml.ExpiresAt = &end
	id, err := h.OpenFor(t.Context(), ada.UserID, saml, origin)
	if err != nil {
		t.Fatal(err)
	}
	actor, session, _, err := h.Session(t.Context(), id, origin)
	if err != nil || session.Method != models.BySAML || session.ExpiresAt.After(end) {
		t.Fatalf("session %+v, %v", session, err)
	}
	for name, other := range map[string]auth.Proof{
		"OtherPerson":   {Method: models.BySAML, ProviderID: "idp_1", NameID: "eve@example"},
		"OtherProvider": {Method: models.BySAML, ProviderID: "idp_2", NameID: "ada@example"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := h.Prove(t.Context(), actor, other)
			wantFault(t, err, fault.Unauthenticated)
		})
	}
	t.Run("OfAPasswordSession", func(t *testing.T) {
		_, err := h.Prove(t.Context(), ada, saml)
		wantFault(t, err, fault.Forbidden)
	})
	if _, err := h.Prove(t.Context(), actor, saml); err != nil {
		t.Error(err)
	}
	t.Run("Disabled", func(t *testing.T) {
		h.change(t, func(u *models.User) { u.Disabled = true })
		_, err := h.OpenFor(t.Context(), ada.UserID, saml, origin)
		wantFault(t, err, fault.Unauthenticated)
	})
}

// TestRenew gives a session a new identifier after a change of rights, once for all the
// requests that are under way.
func TestRenew(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *house) {
		other := newHouse(t, h.store)
		id, _ := h.signIn(t)
		look := func(id string) (models.Session, models.User) {
			t.Helper()
			_, session, u, err := h.Session(t.Context(), id, origin)
			if err != nil {
				t.Fatal(err)
			}
			return session, u
		}
		before, u := look(id)
		if got, err := h.Renew(t.Context(), id, before, u); got != "" || err != nil {
			t.Fatalf("with nothing changed: %q, %v", got, err)
		}
		h.change(t, func(u *models.User) { u.RightsGeneration++ })
		session, u := look(id)
		next, err := h.Renew(t.Context(), id, session, u)
		if err != nil || next == "" || next == id {
			t.Fatalf("got %q, %v", next, err)
		}
		if again, err := other.Renew(t.Context(), id, session, u); again != "" || err != nil {
			t.Errorf("another request got %q, %v", again, err)
		}
		if late, u := look(id); late.RightsGeneration != u.RightsGeneration {
			t.Error("a request with the old identifier would be given another one")
		}
		// Ending the session ends both at once, on every replica.
		if err := other.RevokeSession(t.Context(), h.actorOf(t, next), h.actorOf(t, next).SessionHash); err != nil {
			t.Fatal(err)
		}
		for _, gone := range []string{id, next} {
			_, _, _, err := h.Session(t.Context(), gone, origin)
			wantFault(t, err, fault.Unauthenticated)
		}
	})
}

func TestSessionLimits(t *testing.T) {
	h := openWith(t, auth.Deps{Idle: 2 * time.Minute, Lifetime: 5 * time.Minute})
	id, _ := h.signIn(t)
	h.wait(2 * time.Minute)
	_, _, _, err := h.Session(t.Context(), id, origin)
	wantFault(t, err, fault.Unauthenticated)
	id, _ = h.signIn(t)
	for range 4 {
		h.wait(61 * time.Second)
		h.actorOf(t, id)
	}
	h.wait(time.Minute)
	_, _, _, err = h.Session(t.Context(), id, origin)
	wantFault(t, err, fault.Unauthenticated)
}

func TestLocalSignInOff(t *testing.T) {
	var told []models.Signal
	h := openWith(t, auth.Deps{LocalSignInOff: true, Alert: func(_ *store.Tx, signals ...models.Signal) error {
		told = append(told, signals...)
		return nil
	}})
	t.Run("Start", func(t *testing.T) {
		err := h.CheckLocalSignIn(t.Context())
		if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "identity provider") {
			t.Errorf("without a provider: %v", err)
		}
		if err := h.store.Write(t.Context(), func(tx *store.Tx) error {
			return tx.CreateProvider(&models.Provider{ID: "idp_1", Name: "okta", Enabled: true})
		}); err != nil {
			t.Fatal(err)
		}
		if err := h.CheckLocalSignIn(t.Context()); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "break-glass account") {
			t.Errorf("without an account: %v", err)
		}
		h.change(t, func(u *models.User) { u.BreakGlass = true })
		if err := h.CheckLocalSignIn(t.Context()); err != nil {
			t.Error(err)
		}
		ended := h.clock().Add(-time.Minute)
		for name, spoil := range map[string]func(*models.User){
			"may put nothing right": func(u *models.User) { u.Role = models.RoleAuditor },
			"is disabled":           func(u *models.User) { u.Disabled = true },
			"has no password":       func(u *models.User) { u.PasswordHash = "" },
			"has one that ended":    func(u *models.User) { u.PasswordExpiresAt = &ended },
		} {
			before := h.user(t, "ada")
			h.change(t, spoil)
			if err := h.CheckLocalSignIn(t.Context()); !fault.Is(err, fault.Conflict) {
				t.Errorf("with one that %s: %v", name, err)
			}
			h.change(t, func(u *models.User) { *u = before })
		}
		h.change(t, func(u *models.User) { u.BreakGlass = false })
	})
	t.Run("Stays", func(t *testing.T) { // or the next start would be refused
		ada := h.reload(t, "ada")
		h.change(t, func(u *models.User) { u.BreakGlass = true })
		other := h.person(t, "grace", models.RoleAdmin)
		h.write(t, func(tx *store.Tx) error {
			return tx.CreateIdentity(&models.Identity{ProviderID: "idp_1", Subject: "g", NameID: "grace", UserID: other.UserID, Groups: []string{"dev"}, LastSignInAt: h.clock()})
		})
		off, on := false, true
		for name, change := range map[string]auth.UserChange{"Unmark": {BreakGlass: &off}, "Disable": {Disabled: &on}, "Demote": {Role: ptr(models.RoleUser)}} {
			_, err := h.UpdateUser(t.Context(), other, "ada", change, 0)
			if !fault.Is(err, fault.Conflict) {
				t.Errorf("%s: %v", name, err)
			}
		}
		wantFault(t, h.DeleteUser(t.Context(), other, "ada", 0), fault.Conflict)
		if _, err := h.UpdateUser(t.Context(), ada, "grace", auth.UserChange{BreakGlass: &on}, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := h.UpdateUser(t.Context(), other, "ada", auth.UserChange{BreakGlass: &off}, 0); err != nil {
			t.Errorf("with another one: %v", err)
		}
		h.write(t, func(tx *store.Tx) error { return tx.DeleteUser(other.UserID) })
	})
	t.Run("Others", func(t *testing.T) {
		_, err := h.SignIn(t.Context(), "ada", password, origin)
		var told *fault.Error
		if !errors.As(err, &told) || told.Message != "The user name or the password is wrong." {
			t.Errorf("got %v; it must not tell that the password is right", err)
		}
		_, _, err = h.BeginPasskey(t.Context(), "", origin)
		wantFault(t, err, fault.Forbidden)
	})
	t.Run("BreakGlass", func(t *testing.T) {
		h.change(t, func(u *models.User) { u.BreakGlass = true })
		for n := 1; n <= 2; n++ {
			h.signIn(t)
			if h.count(t, "session.break_glass", models.OutcomeAllowed) != n || len(told) != 2*n {
				t.Errorf("after %d sign-ins %d signals were told", n, len(told))
			}
		}
		if told[0].Subject == told[2].Subject || !told[0].Holds || told[1].Holds || told[0].Kind != models.AlertBreakGlass {
			t.Errorf("told %+v", told)
		}
	})
	t.Run("SAML", func(t *testing.T) {
		_, actor := h.signIn(t)
		before := len(told)
		if _, err := h.OpenFor(t.Context(), actor.UserID, auth.Proof{Method: models.BySAML}, origin); err != nil || len(told) != before {
			t.Errorf("%v, and %d signals", err, len(told)-before)
		}
	})
}

// TestNetworkLimit tries one password on many accounts from one network.
func TestNetworkLimit(t *testing.T) {
	h := open(t)
	other := newHouse(t, h.store)
	wrong := func(i int) error {
		replica := []*house{h, other}[i%2]
		_, err := replica.SignIn(t.Context(), "user"+strings.Repeat("x", i), "wrong", auth.Origin{Address: "198.51.100.1"})
		return err
	}
	for i := range 200 {
		wantFault(t, wrong(i), fault.Unauthenticated)
	}
	wantFault(t, wrong(200), fault.Throttled)
	_, err := other.SignIn(t.Context(), "ada", password, auth.Origin{Address: "198.51.100.1"})
	wantFault(t, err, fault.Throttled)
	h.signIn(t) // from another network
	h.wait(5 * time.Minute)
	if _, err := h.SignIn(t.Context(), "ada", password, auth.Origin{Address: "198.51.100.1"}); err != nil {
		t.Errorf("after the window: %v", err)
	}
	if err := h.Sweep(t.Context()); err != nil {
		t.Error(err)
	}
}
