package kms

import (
	"context"
	"strings"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// Target is one for whom data keys are to be wrapped.
type Target struct {
	Kind  models.RecipientKind
	Name  string // as configured: an alias, an ARN, an age recipient; "" is the backend's default
	ID    string // as WrappedKey.RecipientID names it
	Label string // for people; may be empty
}

// Targets are all for whom an environment's data keys are to be wrapped.
type Targets struct {
	Generation int64 // see models.Environment
	Primary    Target
	Others     []Target
}

// All are the primary and the others.
func (t Targets) All() []Target { return append([]Target{t.Primary}, t.Others...) }

// Targets resolves for whom an environment's data keys shall be wrapped now. Names of keys
// are looked up in their backends; ARNs of keys and age recipients are ids already.
func (e *Envelope) Targets(ctx context.Context, env models.Environment) (Targets, error) {
	targets, err := e.named(ctx, env)
	if err != nil {
		return Targets{}, err
	}
	return e.resolved(ctx, env, targets)
}

// TargetsUnder is Targets as it will be once the environment is stored with the wrapping key that env
// names. The one that the store names still is not looked up: it may be gone.
func (e *Envelope) TargetsUnder(ctx context.Context, env models.Environment) (Targets, error) {
	targets, err := e.named(ctx, env)
	if err != nil {
		return Targets{}, err
	}
	if targets.Primary.Kind == models.RecipientKMS {
		targets.Primary.Name = env.KMSKeyAlias
	}
	return e.resolved(ctx, env, targets)
}

func (e *Envelope) resolved(ctx context.Context, env models.Environment, targets Targets) (_ Targets, err error) {
	if targets.Primary.ID, err = e.resolve(ctx, env, targets.Primary); err != nil {
		return Targets{}, err
	}
	for i, target := range targets.Others {
		if targets.Others[i].ID, err = e.resolve(ctx, env, target); err != nil {
			return Targets{}, err
		}
	}
	return targets, nil
}

// named are the targets as the store names them, without ids.
func (e *Envelope) named(ctx context.Context, env models.Environment) (Targets, error) {
	wanted, err := e.keys.Recipients(ctx, env.ID)
	if err != nil {
		return Targets{}, notAbsent(err)
	}
	targets := Targets{Generation: wanted.Generation, Primary: Target{Kind: e.primary.Kind()}}
	if e.primary.Kind() == models.RecipientKMS { // the local backend has one key for all and derives from it
		targets.Primary.Name = wanted.Primary
	}
	for _, r := range wanted.Others {
		targets.Others = append(targets.Others, Target{Kind: r.Kind, Name: r.Key, Label: r.Label})
	}
	return targets, nil
}

func (e *Envelope) resolve(ctx context.Context, env models.Environment, target Target) (string, error) {
	if IsID(target.Kind, target.Name) {
		return target.Name, nil
	}
	wrapper := e.backend(target.Kind)
	if wrapper == nil {
		return "", errNoBackend(env, target)
	}
	info, err := wrapper.Describe(ctx, target.Name)
	if err != nil {
		return "", notAbsent(err)
	}
	return info.ID, nil
}

// IsID reports whether a name is a recipient id by itself, which nobody need look up: an age
// recipient, or the ARN of a key.
func IsID(kind models.RecipientKind, name string) bool {
	return kind == models.RecipientRecovery || isKeyARN(name)
}

// isKeyARN reports whether a name is the ARN of a key, not of an alias.
func isKeyARN(name string) bool {
	parts := strings.SplitN(name, ":", 6)
	return len(parts) == 6 && parts[0] == "arn" && strings.HasPrefix(parts[5], "key/")
}

func errNoBackend(env models.Environment, target Target) error {
	return fault.New(fault.Unavailable, "Data keys of environment %s are to be wrapped for %s %s, which this Keeper has no backend for.",
		env.Name, target.Kind, target.Name).WithHint("Start Keeper with that backend: KEY_MANAGEMENT_BACKEND and its settings.")
}
