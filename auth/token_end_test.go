package auth_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

func networks(list ...string) (all []netip.Prefix) {
	for _, one := range list {
		all = append(all, netip.MustParsePrefix(one))
	}
	return all
}

func (h *house) refused(t *testing.T, text string) bool {
	t.Helper()
	h.wait(2 * time.Second)
	fresh := newHouse(t, h.store) // another replica, which remembers nothing
	fresh.wait(h.ahead)
	_, err := fresh.Bearer(t.Context(), text, program)
	return fault.Is(err, fault.Unauthenticated)
}

func TestTokenNetworks(t *testing.T) {
	h := open(t)
	_, ada := h.signIn(t)
	text, token := h.token(t, ada, auth.NewToken{Scope: models.TokenScope{Networks: networks("192.0.2.9/24", "::ffff:10.0.0.0/104", "2001:db8::/32")}})
	if got := token.Scope.Networks; len(got) != 3 || got[0].String() != "10.0.0.0/8" || got[1].String() != "192.0.2.0/24" {
		t.Errorf("networks %v", got)
	}
	for address, good := range map[string]bool{
		"192.0.2.200": true, "10.1.2.3": true, "::ffff:10.1.2.3": true, "2001:db8::1": true, "192.0.3.1": false, "::1": false, "": false, "nonsense": false,
	} {
		_, err := h.Bearer(t.Context(), text, auth.Origin{Via: "api", Address: address})
		if (err == nil) != good {
			t.Errorf("from %q: %v", address, err)
		}
	}
	_, _, err := h.CreateToken(t.Context(), ada, auth.NewToken{Name: "x", Scope: models.TokenScope{Networks: []netip.Prefix{{}}}})
	wantFault(t, err, fault.Invalid)
}

// TestNarrowTokensWidenNothing: not by making, not by rotating, not through others.
func TestNarrowTokensWidenNothing(t *testing.T) {
	h := open(t)
	one := h.environment(t, "one")
	_, ada := h.signIn(t)
	h.person(t, "grace", models.RoleUser)
	narrow, self := h.token(t, ada, auth.NewToken{Scope: models.TokenScope{Actions: []string{"tokens.own", "secret.view"}, Networks: networks("192.0.2.0/24")}})
	actor := h.bearer(t, narrow)
	for name, scope := range map[string]models.TokenScope{
		"all":         {},
		"actions":     {Actions: []string{"secret.reveal"}, Networks: networks("192.0.2.0/24")},
		"no actions":  {Networks: networks("192.0.2.0/24")},
		"networks":    {Actions: []string{"secret.view"}, Networks: networks("192.0.0.0/16")},
		"no networks": {Actions: []string{"secret.view"}},
		"both worlds": {Actions: []string{"secret.view"}, Networks: networks("192.0.2.0/25", "::/0")},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := h.CreateToken(t.Context(), actor, auth.NewToken{Name: name, Scope: scope})
			wantFault(t, err, fault.Invalid)
		})
	}
	_, whole := h.token(t, ada, auth.NewToken{Name: "whole"})
	_, _, err := h.RotateToken(t.Context(), actor, whole.ID, 0)
	wantFault(t, err, fault.Forbidden)
	h.token(t, actor, auth.NewToken{Name: "as narrow", Scope: models.TokenScope{Actions: []string{"secret.view"}, Networks: networks("192.0.2.7/32")}})

	people, _ := h.token(t, ada, auth.NewToken{Name: "people", Scope: models.TokenScope{Actions: []string{"users.manage"}}})
	actor = h.bearer(t, people)
	_, err = h.UpdateUser(t.Context(), actor, "grace", auth.UserChange{Role: ptr(models.RoleAdmin)}, 0)
	wantFault(t, err, fault.Forbidden)
	_, _, err = h.CreateUser(t.Context(), actor, auth.NewUser{Username: "x", Role: models.RoleAuditor})
	wantFault(t, err, fault.Forbidden)
	if err := h.SetMember(t.Context(), h.reload(t, "ada"), one, "grace", models.RoleReader); err != nil {
		t.Fatal(err)
	}
	_, err = h.ResetPassword(t.Context(), actor, "grace") // who may read values, which the token may not
	wantFault(t, err, fault.Forbidden)
	_, err = h.CreateGroup(t.Context(), actor, auth.NewGroup{Name: "x", Role: models.RoleAdmin})
	wantFault(t, err, fault.Forbidden)
	if _, _, err = h.CreateUser(t.Context(), actor, auth.NewUser{Username: "plain"}); err != nil {
		t.Errorf("a plain user: %v", err)
	}

	members, _ := h.token(t, ada, auth.NewToken{Name: "members", Scope: models.TokenScope{Environments: []models.EnvironmentID{one}, Actions: []string{"members.manage", "secret.view"}}})
	actor = h.bearer(t, members)
	wantFault(t, h.SetMember(t.Context(), actor, one, "grace", models.RoleManager), fault.Forbidden)
	if self.MadeBy != "" || self.CreatedBy != "ada" {
		t.Errorf("made by %q, %q", self.MadeBy, self.CreatedBy)
	}
}

func TestRotateToken(t *testing.T) {
	h := open(t)
	_, ada := h.signIn(t)
	end := time.Now().Add(30 * 24 * time.Hour)
	t.Run("Overlap", func(t *testing.T) {
		text, old := h.token(t, ada, auth.NewToken{ExpiresAt: &end})
		next, token, err := h.RotateToken(t.Context(), ada, old.ID, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if token.Replaces != old.ID || token.Name != old.Name || token.ExpiresAt == nil || token.ExpiresAt.Before(end.Add(-time.Minute)) {
			t.Errorf("successor %+v", token)
		}
		if h.refused(t, text) || h.refused(t, next) {
			t.Error("both are good during the overlap")
		}
		_, _, err = h.RotateToken(t.Context(), ada, old.ID, 0)
		wantFault(t, err, fault.Conflict)
		other := newHouse(t, h.store)
		other.wait(h.ahead + 2*time.Hour)
		_, err = other.Bearer(t.Context(), text, program)
		wantFault(t, err, fault.Unauthenticated)
		if _, err = other.Bearer(t.Context(), next, program); err != nil {
			t.Error(err)
		}
	})
	t.Run("NotMine", func(t *testing.T) {
		_, old := h.token(t, ada, auth.NewToken{})
		h.person(t, "grace", models.RoleAdmin)
		_, _, err := h.RotateToken(t.Context(), h.reload(t, "grace"), old.ID, 0) // a person's, whose text nobody else gets
		wantFault(t, err, fault.NotFound)
	})
	// Whoever found a token and rotated it has the successor: revoking the one ends the other.
	t.Run("ByItself", func(t *testing.T) {
		text, old := h.token(t, ada, auth.NewToken{ExpiresAt: &end})
		next, token, err := h.RotateToken(t.Context(), h.bearer(t, text), old.ID, 0)
		if err != nil {
			t.Fatal(err)
		}
		if !h.refused(t, text) || h.refused(t, next) || token.ExpiresAt.After(end) {
			t.Errorf("successor %+v", token)
		}
		if err := h.RevokeByText(t.Context(), auth.Nobody(program), " "+text+"\n"); err != nil {
			t.Fatal(err)
		}
		if !h.refused(t, next) {
			t.Error("the successor that the token made is still good")
		}
	})
	t.Run("Made", func(t *testing.T) {
		text, old := h.token(t, ada, auth.NewToken{})
		made, _ := h.token(t, h.bearer(t, text), auth.NewToken{Name: "made"})
		if _, _, err := h.RotateToken(t.Context(), ada, old.ID, 0); err != nil {
			t.Fatal(err)
		}
		if !h.refused(t, made) {
			t.Error("what the old one made does not end with it")
		}
	})
	_, old := h.token(t, ada, auth.NewToken{})
	for _, overlap := range []time.Duration{-1, auth.MaxOverlap + 1} {
		_, _, err := h.RotateToken(t.Context(), ada, old.ID, overlap)
		wantFault(t, err, fault.Invalid)
	}
}

// TestTokensEndWithTheirMaker: with the one that made them, and with its maker.
func TestTokensEndWithTheirMaker(t *testing.T) {
	h := open(t)
	_, ada := h.signIn(t)
	text, token := h.token(t, ada, auth.NewToken{Name: "first"})
	second, _ := h.token(t, h.bearer(t, text), auth.NewToken{Name: "second"})
	third, _ := h.token(t, h.bearer(t, second), auth.NewToken{Name: "third"})
	if err := h.RevokeToken(t.Context(), ada, token.ID); err != nil {
		t.Fatal(err)
	}
	if !h.refused(t, second) || !h.refused(t, third) {
		t.Error("tokens outlive the one that made them")
	}
	if n := h.count(t, "token.revoke", models.OutcomeAllowed); n != 3 {
		t.Errorf("%d revocations on record, want 3", n)
	}
}

func TestRevokeByText(t *testing.T) {
	h := open(t)
	_, ada := h.signIn(t)
	text, _ := h.token(t, ada, auth.NewToken{})
	nobody := auth.Nobody(auth.Origin{Via: "api", Address: "198.51.100.1"})
	for range 30 {
		wantFault(t, h.RevokeByText(t.Context(), nobody, "kpr_guess"), fault.NotFound)
	}
	wantFault(t, newHouse(t, h.store).RevokeByText(t.Context(), nobody, text), fault.Throttled) // on another replica too
	if h.refused(t, text) {
		t.Fatal("a network that guesses revoked it")
	}
	grace := h.person(t, "grace", models.RoleUser)
	grace.Address = nobody.Address // who is known is not kept from it by who guesses there
	if err := h.RevokeByText(t.Context(), grace, text); err != nil {
		t.Fatal(err)
	}
	if !h.refused(t, text) {
		t.Error("it is still good")
	}
	if err := h.RevokeByText(t.Context(), grace, text); err != nil {
		t.Errorf("twice: %v", err)
	}
}

func TestServiceAccountTokens(t *testing.T) {
	h := open(t)
	ada := h.reload(t, "ada")
	if _, _, err := h.CreateUser(t.Context(), ada, auth.NewUser{Kind: models.UserService, Username: "deployer"}); err != nil {
		t.Fatal(err)
	}
	text, token, err := h.CreateTokenFor(t.Context(), ada, "deployer", auth.NewToken{Name: "ci"})
	if err != nil {
		t.Fatal(err)
	}
	if actor := h.bearer(t, text); actor.Name != "deployer (ci)" || auth.Can(actor, auth.ManageUsers, auth.Global) {
		t.Errorf("acts as %+v", actor)
	}
	if _, _, err := h.RotateToken(t.Context(), ada, token.ID, 0); err != nil {
		t.Error(err)
	}
	h.person(t, "grace", models.RoleUser)
	_, _, err = h.CreateTokenFor(t.Context(), ada, "grace", auth.NewToken{Name: "x"})
	wantFault(t, err, fault.Conflict)
	_, _, err = h.CreateTokenFor(t.Context(), h.reload(t, "grace"), "deployer", auth.NewToken{Name: "x"})
	wantFault(t, err, fault.Forbidden)
	all, _, err := h.AllTokens(t.Context(), ada, true, "", 0)
	if err != nil || len(all) != 1 || all[0].Username != "deployer" {
		t.Errorf("live tokens %+v, %v", all, err)
	}
	if err := h.DeleteUser(t.Context(), ada, "deployer", 0); err != nil {
		t.Fatal(err)
	}
	if !h.refused(t, text) {
		t.Error("a token outlives its user")
	}
}
