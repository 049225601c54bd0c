package secrets_test

import (
	"testing"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
)

func TestProtectedEnvironment(t *testing.T) {
	h := newHouse(t)
	on, off := true, false
	if _, err := h.UpdateEnvironment(t.Context(), h.admin, h.env.ID, secrets.EnvironmentChange{Protected: &on}, 0); err != nil {
		t.Fatal(err)
	}
	s := h.create(t, "payments/key", "a value")
	as := func(edit func(*models.Actor)) models.Actor {
		actor := h.admin
		edit(&actor)
		return actor
	}
	stale := as(func(a *models.Actor) { a.ProvenAt = time.Now().Add(-10 * time.Minute) })
	token := as(func(a *models.Actor) {
		a.Kind, a.ProvenAt, a.Scope = models.ActorToken, time.Time{}, &models.TokenScope{}
	})
	named := as(func(a *models.Actor) {
		a.Kind, a.ProvenAt, a.Scope = models.ActorToken, time.Time{}, &models.TokenScope{Actions: []string{"secret.reveal", "environment.manage"}}
	})
	for name, c := range map[string]struct {
		actor models.Actor
		kind  fault.Kind // Internal: it is allowed
	}{
		"Fresh": {h.admin, fault.Internal}, "Stale": {stale, fault.Unproven}, "Token": {token, fault.Forbidden}, "NamedToken": {named, fault.Internal},
		"System": {models.System(), fault.Internal},
		"Local":  {as(func(a *models.Actor) { a.ProvenAt, a.Via = time.Time{}, "cli" }), fault.Internal},
	} {
		t.Run(name, func(t *testing.T) {
			_, revealed := h.Reveal(t.Context(), c.actor, s.ID, 0)
			_, opened := h.UpdateEnvironment(t.Context(), c.actor, h.env.ID, secrets.EnvironmentChange{Protected: &off}, 0)
			if c.kind != fault.Internal {
				if !fault.Is(revealed, c.kind) || !fault.Is(opened, c.kind) {
					t.Errorf("a reveal gets %v, taking the protection off %v; want %v", revealed, opened, c.kind)
				}
				return
			}
			if revealed != nil || opened != nil {
				t.Errorf("a reveal gets %v, taking the protection off %v", revealed, opened)
			}
			if _, err := h.UpdateEnvironment(t.Context(), h.admin, h.env.ID, secrets.EnvironmentChange{Protected: &on}, 0); err != nil {
				t.Fatal(err)
			}
		})
	}
}
