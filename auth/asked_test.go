package auth_test

import (
	"testing"
	"time"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// TestAskingForAProofIsOnRecord asks for each kind of grave act without a proof: one entry
// per act and session, however often it is tried, and another after a proof has grown old.
func TestAskingForAProofIsOnRecord(t *testing.T) {
	h := open(t)
	id, ada := h.signIn(t)
	_, own := h.token(t, ada, auth.NewToken{Name: "own"})
	h.wait(auth.ProofLasts)
	ada = h.actorOf(t, id)
	acts := map[string]func() error{
		"user.create":     func() error { _, _, err := h.CreateUser(t.Context(), ada, auth.NewUser{Username: "eve"}); return err },
		"group.create":    func() error { _, err := h.CreateGroup(t.Context(), ada, auth.NewGroup{Name: "eves"}); return err },
		"provider.create": func() error { _, err := h.CreateProvider(t.Context(), ada, auth.NewProvider{Name: "eves"}); return err },
		"factor.change":   func() error { _, err := h.BeginTOTP(t.Context(), ada); return err },
		"token.create":    func() error { _, _, err := h.CreateToken(t.Context(), ada, auth.NewToken{Name: "eve's"}); return err },
		"token.rotate":    func() error { _, _, err := h.RotateToken(t.Context(), ada, own.ID, time.Hour); return err },
		"users.manage":    func() error { return h.Administers(t.Context(), ada) },
	}
	asked := func(operation string) (n int) {
		for _, e := range h.entries(t) {
			if e.Action == operation && e.Outcome == models.OutcomeRefused && e.Detail["reason"] == "proof_needed" && e.ActorName == "ada" && e.Address == origin.Address {
				n++
			}
		}
		return n
	}
	for operation, act := range acts {
		t.Run(operation, func(t *testing.T) {
			for range 5 {
				wantFault(t, act(), fault.Unproven)
			}
			if n := asked(operation); n != 1 {
				t.Errorf("%d entries of five tries", n)
			}
		})
	}
	t.Run("AnotherSession", func(t *testing.T) {
		other, _ := h.signIn(t)
		h.wait(auth.ProofLasts)
		ada = h.actorOf(t, other)
		wantFault(t, acts["user.create"](), fault.Unproven)
		if n := asked("user.create"); n != 2 {
			t.Errorf("%d entries of two sessions", n)
		}
	})
	t.Run("Forbidden", func(t *testing.T) { // is not told that a proof would help
		max := h.person(t, "max", models.RoleUser)
		max.ProvenAt = noon
		wantFault(t, h.Administers(t.Context(), max), fault.Forbidden)
		if n := asked("users.manage"); n != 1 {
			t.Errorf("%d entries", n)
		}
	})
}
