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

// namesSetting is where names are kept, for all replicas and over restarts.
const namesSetting = "keys_names"

// names are the recipient ids that the names of wrapping keys were last looked up to, for the
// time when they cannot be: without them it would not be known any more under which key an
// environment's data keys should stand, nor of which a drill tells.
type names map[string]string

func (w want) name() string { return string(w.Kind) + " " + w.Name }

// readNames are the names as they were kept last. What cannot be read is as good as not known.
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

// learned are the names that were looked up just now to something else than is kept.
func (kept names) learned(all map[models.EnvironmentID][]want) names {
	found := names{}
	for _, list := range all {
		for _, w := range list {
			if w.Info.ID != "" && !kms.IsID(w.Kind, w.Name) && kept[w.name()] != w.Info.ID {
				found[w.name()] = w.Info.ID
			}
		}
	}
	return found
}

// keepNames adds to what is kept. There are never more of them than keys were ever named.
func (s *Service) keepNames(ctx context.Context, learned names) error {
	if len(learned) == 0 {
		return nil
	}
	return s.Store.Write(ctx, func(tx *store.Tx) error {
		kept, err := readNames(tx)
		if err != nil {
			return err
		}
		now := names{}
		maps.Copy(now, kept)
		maps.Copy(now, learned)
		text, err := json.Marshal(now)
		if err != nil {
			return err
		}
		return tx.PutSetting(namesSetting, string(text))
	})
}
