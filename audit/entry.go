// Package audit tells what happened: who did what to which thing, from where, and whether
// it was allowed. Entries are written in the transaction of what they tell of.
package audit

import (
	"strconv"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// Entry begins an entry about an action of an actor: allowed, about nothing yet. The store
// gives it its time and identifiers.
func Entry(actor models.Actor, action string) models.AuditEntry {
	return models.AuditEntry{
		ActorKind: actor.Kind, ActorID: actor.ID, ActorName: actor.Name,
		Via: actor.Via, Address: actor.Address, RequestID: actor.RequestID,
		Action: action, Outcome: models.OutcomeAllowed,
	}
}

// OnSecret is an entry about a secret of an environment.
func OnSecret(actor models.Actor, action string, e models.Environment, s models.Secret) models.AuditEntry {
	entry := OnEnvironment(actor, action, e)
	entry.ObjectKind, entry.ObjectID, entry.ObjectName = "secret", strconv.FormatInt(int64(s.ID), 10), s.Name
	return entry
}

// OnEnvironment is an entry about an environment itself.
func OnEnvironment(actor models.Actor, action string, e models.Environment) models.AuditEntry {
	entry := Entry(actor, action)
	entry.EnvironmentID, entry.EnvironmentName = e.ID, e.Name
	entry.ObjectKind, entry.ObjectID, entry.ObjectName = "environment", strconv.FormatInt(int64(e.ID), 10), e.Name
	return entry
}

// OnDestination is an entry about a destination of an environment.
func OnDestination(actor models.Actor, action string, e models.Environment, d models.Destination) models.AuditEntry {
	entry := OnEnvironment(actor, action, e)
	entry.ObjectKind, entry.ObjectID, entry.ObjectName = "destination", string(d.ID), d.Name
	return entry
}

// OnChannel is an entry about a channel that alerts are told through.
func OnChannel(actor models.Actor, action string, e models.Environment, c models.AlertChannel) models.AuditEntry {
	entry := OnEnvironment(actor, action, e)
	entry.ObjectKind, entry.ObjectID, entry.ObjectName = "channel", string(c.ID), c.Name
	return entry
}

// Ended returns the entry with the outcome that an error stands for: nil is allowed, a lack
// of permission refused, anything else failed.
func Ended(entry models.AuditEntry, err error) models.AuditEntry {
	switch {
	case err == nil:
		entry.Outcome = models.OutcomeAllowed
	case fault.Is(err, fault.Forbidden), fault.Is(err, fault.Unauthenticated), fault.Is(err, fault.Unproven), fault.Is(err, fault.NotFound):
		entry.Outcome = models.OutcomeRefused
	default:
		entry.Outcome = models.OutcomeFailed
	}
	return entry
}
