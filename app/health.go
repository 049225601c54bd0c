package app

import (
	"context"
	"fmt"
	"strings"
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
	if a.certificate != nil {
		h.Components = append(h.Components, a.certificate.health())
	}
	if !database.OK {
		return h
	}
	h.Components = append(h.Components, a.watchHealth(ctx)...)
	h.Components = append(h.Components, a.providerHealth(ctx)...)
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

// keyHealth tells how the backends of wrapping keys answer, and for how long what is cached
// reads on where they do not.
func (a *App) keyHealth() telemetry.Component {
	status := a.Envelope.Status()
	c := telemetry.Component{Name: "encryption", OK: status.Reachable}
	if status.Reachable {
		c.Detail = fmt.Sprintf("%s backend answers; %d data keys are cached", status.Backend, status.CachedKeys)
	} else {
		does := "does not answer"
		if status.Refused() {
			does = "refuses its keys"
		}
		c.Detail = fmt.Sprintf("The %s backend %s: %s Values whose data key is cached stay readable for at most %s after it was loaded.",
			status.Backend, does, fault.Public(status.LastError).Error(), inWords(status.Bound()))
	}
	for _, p := range status.Places {
		if p.Reachable && !p.Refused || p.LastError == nil || p.Home {
			continue // the home is what the rest tells of
		}
		c.OK = false
		c.Detail = strings.TrimSuffix(c.Detail, ".") + fmt.Sprintf(". The %s backend in %s does not work: %s", p.Kind, p.Place, fault.Public(p.LastError).Message)
	}
	return c
}

// inWords is a length of time as people say it: "20 minutes", "90 seconds".
func inWords(d time.Duration) string {
	n, unit := int(d.Round(time.Second)/time.Second), "second"
	for _, larger := range []struct {
		of   int
		name string
	}{{60, "minute"}, {60, "hour"}} {
		if n == 0 || n%larger.of != 0 {
			break
		}
		n, unit = n/larger.of, larger.name
	}
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}

// watchHealth tells of wrapping keys that do not work and of what is owed to recipients, as
// the watch saw it last. A component without trouble is left out.
func (a *App) watchHealth(ctx context.Context) []telemetry.Component {
	w, err := a.Keys.Watched(ctx)
	if err != nil {
		return []telemetry.Component{{Name: "wrapping keys", Detail: "could not be looked at"}}
	}
	var all []telemetry.Component
	for _, k := range append(w.Troubled, w.Rotation...) {
		all = append(all, telemetry.Component{Name: "wrapping key " + k.Key, Detail: strings.TrimSpace(k.Environment + ": " + k.Problem)})
	}
	for _, o := range w.Owed {
		c := telemetry.Component{Name: "recipients of " + o.Environment}
		c.Detail = fmt.Sprintf("%d wrapped keys are owed; they are made as soon as they can be", o.Wraps)
		if c.OK = o.Abroad; o.Abroad {
			c.Detail = fmt.Sprintf("%d wrapped keys wait for a migration, which an administrator begins: keeper migrate to-kms", o.Wraps)
		}
		all = append(all, c)
	}
	return all
}

// providerHealth tells of the identity providers that are on.
func (a *App) providerHealth(ctx context.Context) []telemetry.Component {
	all, err := a.Auth.ProvidersHealth(ctx)
	if err != nil {
		return []telemetry.Component{{Name: "identity providers", Detail: "could not be looked at"}}
	}
	components := make([]telemetry.Component, len(all))
	for i, p := range all {
		components[i] = telemetry.Component{Name: "identity provider " + p.Name, OK: p.OK, Detail: p.Detail}
	}
	return components
}

func destinationHealth(d models.Destination) telemetry.Component {
	c := telemetry.Component{Name: "destination " + d.Name + " (" + string(d.ID) + ")", OK: d.LastError == ""}
	switch {
	case d.Paused:
		c.Detail = "paused"
	case d.LastRunStatus == models.RunHeld:
		c.Detail = "held for a person: " + d.LastError
	case d.LastError != "":
		c.Detail = d.LastError
	case d.LastRunAt == nil:
		c.Detail = "not synced yet"
	default:
		c.Detail = "last run " + string(d.LastRunStatus)
	}
	return c
}
