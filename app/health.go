package app

import (
	"context"
	"fmt"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/telemetry"
)

// Health looks at the database and at what is known of the wrapping keys and of each
// destination.
func (a *App) Health(ctx context.Context) telemetry.Health {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	database := telemetry.Component{Name: "database", OK: true, Detail: "answers (" + a.Config.Database.Dialect + ")"}
	if err := a.Store.Ping(ctx); err != nil {
		database.OK, database.Detail = false, "does not answer; nothing can be read or written until it is back"
	}
	h := telemetry.Health{Ready: database.OK, Components: []telemetry.Component{database, a.keyHealth()}}
	if !database.OK {
		return h
	}
	all, err := a.Destinations.List(ctx, models.System(), 0)
	if err != nil {
		h.Components = append(h.Components, telemetry.Component{Name: "destinations", Detail: "could not be looked at"})
		return h
	}
	for _, d := range all {
		h.Components = append(h.Components, destinationHealth(d))
	}
	return h
}

func (a *App) keyHealth() telemetry.Component {
	status := a.Envelope.Status()
	c := telemetry.Component{Name: "encryption", OK: status.Reachable}
	if status.Reachable {
		c.Detail = fmt.Sprintf("%s backend answers; %d data keys are cached", status.Backend, status.CachedKeys)
		return c
	}
	c.Detail = fmt.Sprintf("%s backend does not answer: %s Values whose data key is cached stay readable for at most %s.",
		status.Backend, fault.Public(status.LastError).Error(), status.CacheTTL)
	return c
}

func destinationHealth(d models.Destination) telemetry.Component {
	c := telemetry.Component{Name: "destination " + d.Name + " (" + string(d.ID) + ")", OK: d.LastError == ""}
	switch {
	case d.Paused:
		c.Detail = "paused"
	case d.LastError != "":
		c.Detail = d.LastError
	case d.LastRunAt == nil:
		c.Detail = "not synced yet"
	default:
		c.Detail = "last run " + string(d.LastRunStatus)
	}
	return c
}
