// Package receipt says what a signed receipt says in the words of the API, for the server
// that signed it and for a command that checks it without a server.
package receipt

import (
	"github.com/your-org/keeper/api"
	keepersync "github.com/your-org/keeper/sync"
)

// Facts is what a receipt says.
func Facts(r keepersync.Receipt) api.ReceiptFacts {
	return api.ReceiptFacts{
		Engine: r.Engine, Installation: r.Installation, Environment: r.Environment,
		DestinationID: string(r.Destination.ID), DestinationName: r.Destination.Name, DestinationKind: api.DestinationKind(r.Destination.Kind),
		RunID: string(r.Run), PlanID: string(r.Plan), StartedAt: r.Started.UTC(), EndedAt: r.Ended.UTC(),
		ListingAgeSeconds: r.ListingAge, Proven: Proven(r.Proven),
	}
}

// Proven is what a look proved.
func Proven(p keepersync.Proven) api.Proven {
	return api.Proven{
		Part:   part(p.Part),
		Source: head(p.Source), ReadBack: head(p.ReadBack), Equal: p.Equal, Exceptions: p.Exceptions, Named: Exceptions(p.Named),
		Evidence: api.Evidence{Version: p.Evidence.Version, Value: p.Evidence.Value, Write: p.Evidence.Write},
	}
}

// Exceptions are the names that are not equal; none is an empty list.
func Exceptions(all []keepersync.Exception) []api.ReceiptException {
	named := make([]api.ReceiptException, len(all))
	for i, one := range all {
		named[i] = api.ReceiptException{Name: one.Name, Status: api.SyncStatus(one.Status), Why: one.Why}
	}
	return named
}

func part(p *keepersync.Part) *api.ProvenPart {
	if p == nil {
		return nil
	}
	return &api.ProvenPart{Names: p.Names, First: p.First}
}

func head(h keepersync.Head) api.TreeHead { return api.TreeHead{Names: h.Names, Root: h.Root.String()} }
