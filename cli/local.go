package cli

import (
	"context"

	"github.com/your-org/keeper/app"
	"github.com/your-org/keeper/config"
	"github.com/your-org/keeper/models"
)

// local is Keeper on the database itself, for whoever administers on the server's own
// machine, with the actor of it. The caller closes it.
func (e *env) local(ctx context.Context, o app.Options) (*app.App, models.Actor, error) {
	actor := models.System()
	actor.Via = "cli"
	c, err := config.FromEnvironment()
	if err != nil {
		return nil, actor, err
	}
	o.Log, o.Version = e.quietLog(), Version
	a, err := app.New(ctx, c, o)
	return a, actor, err
}

// locally does what whoever administers the server's own machine may do, on the database
// itself.
func (e *env) locally(ctx context.Context, do func(*app.App, models.Actor) error) error {
	a, actor, err := e.local(ctx, app.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }() // nothing is left to write
	return do(a, actor)
}

// locallyAs does it in the name of a user, who must be there and may do what he may.
func (e *env) locallyAs(ctx context.Context, user string, do func(*app.App, models.Actor) error) error {
	return e.locally(ctx, func(a *app.App, _ models.Actor) error {
		actor, err := a.Auth.Local(ctx, user)
		if err != nil {
			return err
		}
		return do(a, actor)
	})
}
