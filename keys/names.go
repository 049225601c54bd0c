package keys

import (
	"context"
	"encoding/json"
	"maps"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// namesSetting is where names holds, for all replicas and over restarts.
const namesSetting = "keys_names"

// names are the recipient ids that the names of wrapping keys were last looked up to, for the
// time when they cannot be: without them it would not be known any more under which key an
// environment's data keys should stand, nor of which a drill tells.
type names map[string]string

func (w want) name() string { return string(w.Kind) + " " + w.Name }

// readNames are the names as the watch kept them last. What cannot be read is as good as not
// known.
func readNames(tx *store.Tx) (names, error) {
	text, err := tx.Setting(namesSetting)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	var kept names
	if json.Unmarshal([]byte(text), &kept) != nil {
		return nil, err
	}
	return kept, err
}

// keepNames remembers what was looked up. What could not be stays as it was, and what is not
// wanted any more is forgotten.
func (s *Service) keepNames(ctx context.Context, all map[models.EnvironmentID][]want) error {
	now := names{}
	for _, list := range all {
		for _, w := range list {
			if w.ID != "" && !kms.IsID(w.Kind, w.Name) {
				now[w.name()] = w.ID
			}
		}
	}
	var before names
	err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		before, err = readNames(tx)
		return err
	})
	if err != nil || maps.Equal(before, now) {
		return err
	}
	text, err := json.Marshal(now)
	if err != nil {
		return err
	}
	return s.Store.Write(ctx, func(tx *store.Tx) error { return tx.PutSetting(namesSetting, string(text)) })
}
