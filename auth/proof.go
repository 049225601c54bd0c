package auth

import (
	"slices"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// ProofLasts is how long a proof of who somebody is serves for the gravest acts.
const ProofLasts = 10 * time.Minute

// Reproof asks a person to prove again who it is.
func Reproof() error {
	return fault.New(fault.Unproven, "This takes a proof of who you are that is not older than ten minutes; nothing was done.").
		WithHint("Prove who you are, then do it again.")
}

// Fresh reports whether a session's person has proved who it is a moment ago.
func (s *Service) Fresh(session models.Session) bool {
	return session.ProvenAt != nil && fresh(*session.ProvenAt, s.now())
}

func fresh(proven, now time.Time) bool {
	return !proven.IsZero() && now.Sub(proven) < ProofLasts
}

// Proven is nil where the actor may do the gravest acts now: changes of keys, users, roles
// and providers, and a restore. A person who is signed in has to have proved who it is a
// moment ago: Reproof. A token cannot, and whoever administers on the server's own machine
// holds all there is.
func Proven(actor models.Actor, now time.Time) error {
	if actor.Kind != models.ActorUser || actor.Via == "cli" || fresh(actor.ProvenAt, now) {
		return nil
	}
	return Reproof()
}

// MayReveal is nil where an actor who may reveal values may do so in this environment now: of
// a protected one a person needs a fresh proof, and a token that action by name in its scope.
func MayReveal(actor models.Actor, e models.Environment, now time.Time) error {
	if !e.Protected {
		return nil
	}
	if actor.Kind == models.ActorToken && !namesReveal(actor.Scope) {
		return fault.New(fault.Forbidden, "The environment %s is protected: a token reveals its values only where its scope names that action.", e.Name).
			WithHint("Use a token whose scope's actions include %s.", RevealSecret)
	}
	return Proven(actor, now)
}

// grave are the actions that concern no environment and take a fresh proof.
var grave = []Action{ManageKeys, ManageUsers}

// CheckAt is Check, and asks besides for the fresh proof that an action takes: Unproven where
// it is all that is missing.
func CheckAt(actor models.Actor, action Action, e models.Environment, now time.Time) error {
	if err := Check(actor, action, e.ID); err != nil {
		return err
	}
	switch {
	case action == RevealSecret:
		return MayReveal(actor, e, now)
	case slices.Contains(grave, action):
		return Proven(actor, now)
	}
	return nil
}
