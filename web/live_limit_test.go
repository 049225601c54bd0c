package web

import (
	"context"
	"testing"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// TestOpenPagesAreBounded opens more live pages than one person, and than all together, may.
func TestOpenPagesAreBounded(t *testing.T) {
	silent := func() (<-chan struct{}, func()) { return make(chan struct{}), func() {} }
	l := newLive(silent, func(context.Context, *sighting) ([]change, error) { return nil, nil })
	l.most = mostOwnPages + 1
	open := func(who models.UserID) *listener {
		t.Helper()
		one, err := l.join(models.Actor{UserID: who}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return one
	}
	refused := func(who models.UserID) {
		t.Helper()
		if _, err := l.join(models.Actor{UserID: who}, nil); !fault.Is(err, fault.Throttled) {
			t.Errorf("one more of %s: %v", who, err)
		}
	}
	var all []*listener
	for range mostOwnPages {
		all = append(all, open("ada"))
	}
	refused("ada")
	all = append(all, open("grace")) // whom ada's do not concern
	refused("max")                   // all together are as many as there may be
	l.leave(all[0])
	all[0] = open("max")
	refused("ada")
	for _, one := range all {
		l.leave(one)
	}
	if len(l.open) > 0 || len(l.listeners) > 0 {
		t.Errorf("%d people and %d pages are remembered after all have gone", len(l.open), len(l.listeners))
	}
}
