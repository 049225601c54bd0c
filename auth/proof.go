package auth

import (
	"context"
	"slices"
	"time"

	"github.com/your-org/keeper/audit"
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

// reasonProofNeeded is why an act was refused of which a proof is all that is missing.
const reasonProofNeeded = "proof_needed"

// askProof is Proven, and records that a proof was asked for.
func (s *Service) askProof(ctx context.Context, actor models.Actor, operation string) error {
	return s.proofAsked(ctx, actor, operation, Proven(actor, s.now()))
}

// proofAsked records an Unproven error and returns what it is given. A session is asked for an
// act once in a while, however often its page is loaded; with the proof it has another hash.
func (s *Service) proofAsked(ctx context.Context, actor models.Actor, operation string, err error) error {
	if !fault.Is(err, fault.Unproven) || s.tries.begin("proof\x00"+string(actor.UserID)+"\x00"+actor.SessionHash+"\x00"+operation) > 1 {
		return err
	}
	return s.refuseAs(ctx, audit.Entry(actor, operation), reasonProofNeeded, err)
}

// Administers is nil where the actor may change users now. The pages ask it before a form is
// filled in, so that the proof is not asked for after.
func (s *Service) Administers(ctx context.Context, actor models.Actor) error {
	if err := Check(actor, ManageUsers, Global); err != nil {
		return s.refuse(ctx, actor, string(ManageUsers), err)
	}
	return s.askProof(ctx, actor, string(ManageUsers))
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
