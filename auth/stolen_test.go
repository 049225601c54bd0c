package auth_test

import (
	"fmt"
	"testing"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// TestStolenIdentifierIsNotRenewed has somebody use a stolen identifier in the moment that it
// still serves after its owner's proof, while rights change: it must not become one that
// bears the proof.
func TestStolenIdentifierIsNotRenewed(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *house) {
		stolen, _ := h.signIn(t)
		h.wait(auth.ProofLasts)
		owners, err := h.ProveByPassword(t.Context(), h.actorOf(t, stolen), password)
		if err != nil {
			t.Fatal(err)
		}
		h.change(t, func(u *models.User) { u.RightsGeneration++ })
		_, session, u, err := h.Session(t.Context(), stolen, origin)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := h.Renew(t.Context(), stolen, session, u); got != "" || err != nil {
			t.Errorf("the stolen identifier was renewed: %v", err)
		}
		_, session, u, err = h.Session(t.Context(), owners, origin)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := h.Renew(t.Context(), owners, session, u); got == "" || err != nil {
			t.Errorf("the owner's was not: %v", err)
		}
	})
}

// TestTokensNeedTheProofTheyExemptFrom holds that a session without a fresh proof makes no
// token that does what the session may not.
func TestTokensNeedTheProofTheyExemptFrom(t *testing.T) {
	h := open(t)
	e := h.environment(t, "production")
	h.person(t, "root", models.RoleAdmin)
	h.person(t, "max", models.RoleUser)
	if err := h.SetMember(t.Context(), h.reload(t, "root"), e, "max", models.RoleManager); err != nil {
		t.Fatal(err)
	}
	reveal := []string{string(auth.RevealSecret)}
	for name, c := range map[string]struct {
		user  string
		scope models.TokenScope
		takes bool
	}{
		"All":             {"root", models.TokenScope{}, true},
		"Users":           {"root", models.TokenScope{Actions: []string{string(auth.ManageUsers)}}, true},
		"OneEnvironment":  {"root", models.TokenScope{Environments: []models.EnvironmentID{e}}, true}, // manages its members
		"Reveal":          {"root", models.TokenScope{ReadOnly: true, Actions: reveal}, true},
		"ReadOnly":        {"root", models.TokenScope{ReadOnly: true}, false},
		"Views":           {"root", models.TokenScope{Actions: []string{string(auth.ViewSecret)}}, false},
		"Manager":         {"max", models.TokenScope{}, true},
		"ManagerReveals":  {"max", models.TokenScope{Actions: reveal}, true},
		"ManagerReads":    {"max", models.TokenScope{ReadOnly: true}, false},
		"ManagerMayWrite": {"max", models.TokenScope{Actions: []string{string(auth.WriteSecret)}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			n := auth.NewToken{Name: "ci", Scope: c.scope}
			actor := h.reload(t, c.user)
			stale := actor
			stale.ProvenAt = h.clock().Add(-auth.ProofLasts)
			_, made, err := h.CreateToken(t.Context(), stale, n)
			if got := fault.Is(err, fault.Unproven); got != c.takes || !got && err != nil {
				t.Fatalf("making one without a proof: %v", err)
			}
			if c.takes {
				if _, made, err = h.CreateToken(t.Context(), actor, n); err != nil {
					t.Fatal(err)
				}
			}
			_, next, err := h.RotateToken(t.Context(), stale, made.ID, 0)
			if got := fault.Is(err, fault.Unproven); got != c.takes || !got && err != nil {
				t.Fatalf("rotating it without a proof: %v", err)
			}
			if c.takes {
				if _, next, err = h.RotateToken(t.Context(), actor, made.ID, 0); err != nil || next.ID == "" {
					t.Fatal(err)
				}
			}
		})
	}
}

// TestTokensNameNoRevealThatTheyLack has a token without a list of actions, which reveals
// nothing of a protected environment, make one that would.
func TestTokensNameNoRevealThatTheyLack(t *testing.T) {
	h := open(t)
	_, ada := h.signIn(t)
	protected := models.Environment{ID: 1, Protected: true}
	reveal := models.TokenScope{Actions: []string{string(auth.RevealSecret), string(auth.ManageOwnTokens)}}
	wide, _ := h.token(t, ada, auth.NewToken{})
	wantFault(t, auth.MayReveal(h.bearer(t, wide), protected, h.clock()), fault.Forbidden)
	_, _, err := h.CreateToken(t.Context(), h.bearer(t, wide), auth.NewToken{Name: "x", Scope: reveal})
	wantFault(t, err, fault.Invalid)
	if _, _, err := h.CreateUser(t.Context(), ada, auth.NewUser{Username: "robot", Kind: models.UserService, Role: models.RoleAdmin}); err != nil {
		t.Fatal(err)
	}
	_, _, err = h.CreateTokenFor(t.Context(), h.bearer(t, wide), "robot", auth.NewToken{Name: "x", Scope: reveal})
	wantFault(t, err, fault.Invalid)
	named, old := h.token(t, ada, auth.NewToken{Scope: reveal})
	if _, _, err := h.RotateToken(t.Context(), h.bearer(t, wide), old.ID, 0); !fault.Is(err, fault.Forbidden) {
		t.Errorf("it rotates one that reveals: %v", err)
	}
	if _, _, err := h.CreateToken(t.Context(), h.bearer(t, named), auth.NewToken{Name: "x", Scope: reveal}); err != nil {
		t.Errorf("one that names the action cannot hand it on: %v", err)
	}
}

// TestNarrowTokenKeepsItsHandsOffFactors: what a token cannot do itself, it does not open to
// others by taking an administrator's second factor away.
func TestNarrowTokenKeepsItsHandsOffFactors(t *testing.T) {
	h := open(t)
	_, ada := h.signIn(t)
	h.person(t, "root", models.RoleAdmin)
	h.person(t, "grace", models.RoleUser)
	text, _ := h.token(t, ada, auth.NewToken{Scope: models.TokenScope{Actions: []string{string(auth.ManageUsers)}}})
	actor := h.bearer(t, text)
	wantFault(t, h.AdminResetFactors(t.Context(), actor, h.user(t, "root").ID), fault.Forbidden)
	if err := h.AdminResetFactors(t.Context(), actor, "grace"); err != nil {
		t.Error(err)
	}
	if h.count(t, "factor.reset", models.OutcomeRefused) != 1 {
		t.Error("the refusal is not on record")
	}
}

// TestLocalSessionsEndWhenLocalSignInDoes: those of before the switch, but a break-glass
// account's.
func TestLocalSessionsEndWhenLocalSignInDoes(t *testing.T) {
	h := open(t)
	id, ada := h.signIn(t)
	saml, err := h.OpenFor(t.Context(), ada.UserID, auth.Proof{Method: models.BySAML, ProviderID: "idp_1", NameID: "ada"}, origin)
	if err != nil {
		t.Fatal(err)
	}
	off := newHouseWith(t, h.store, auth.Deps{LocalSignInOff: true})
	_, _, _, err = off.Session(t.Context(), id, origin)
	wantFault(t, err, fault.Unauthenticated)
	if _, _, _, err = off.Session(t.Context(), saml, origin); err != nil {
		t.Error(err)
	}
	h.change(t, func(u *models.User) { u.BreakGlass = true })
	if _, _, _, err = off.Session(t.Context(), id, origin); err != nil {
		t.Error(err)
	}
}

// TestPasswordLimitForms: an address counts as one however it is written, and so does a name.
func TestPasswordLimitForms(t *testing.T) {
	h := open(t)
	addresses := []string{"192.0.2.1", "::ffff:192.0.2.1", "::ffff:c000:201"}
	names := []string{"ada", "ADA", " Ada ", "ada\u00a0", "aDa\t"}
	var err error
	for i := range 11 {
		_, err = h.SignIn(t.Context(), names[i%len(names)], fmt.Sprint("wrong", i), auth.Origin{Address: addresses[i%len(addresses)]})
	}
	wantFault(t, err, fault.Throttled)
}
