package kms

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/your-org/keeper/models"
)

// loadWidth bounds how many data keys OpenAll loads at the same time: few enough for any
// quota of a backend, and enough that a key per version does not add up to minutes.
const loadWidth = 32

// Item is one of many sealed values.
type Item struct {
	Label  Label
	Sealed Sealed
}

// Opened is the value of an Item, or why there is none.
type Opened struct {
	Value models.Plaintext
	Err   error
}

// OpenAll opens many values of an environment, each as Open does, and answers in their
// order. Every data key is loaded once at most, cached or not, and several at a time.
func (e *Envelope) OpenAll(ctx context.Context, env models.Environment, items []Item) []Opened {
	opened, byKey := make([]Opened, len(items)), map[models.DataKeyID][]int{}
	for i, item := range items {
		if opened[i].Err = openable(env, item.Label, item.Sealed); opened[i].Err == nil {
			byKey[item.Sealed.DataKeyID] = append(byKey[item.Sealed.DataKeyID], i)
		}
	}
	var group errgroup.Group
	group.SetLimit(loadWidth)
	for id, places := range byKey {
		group.Go(func() error {
			key, err := e.sealKey(ctx, env, id)
			for _, i := range places {
				if err != nil {
					opened[i].Err = err
					continue
				}
				opened[i].Value, opened[i].Err = key.open(env, items[i].Label, items[i].Sealed)
			}
			return nil // each item has its own
		})
	}
	_ = group.Wait()
	return opened
}
