package keys

import (
	"context"
	"slices"

	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// standing is what of an environment stands under what.
type standing struct {
	total int // data keys of the environment
	usage []store.KeyUsage
}

func (s *Service) standing(ctx context.Context, env models.EnvironmentID) (now standing, err error) {
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		total, err := tx.CountDataKeysUnder(env, "")
		if err != nil {
			return err
		}
		now.total = int(total)
		now.usage, err = tx.KeyUsage(env)
		return err
	})
	return now, err
}

// former are the recipients under whom something stands that nobody wants there, the one with
// the most first.
func (now standing) former(want kms.Targets) []store.KeyUsage {
	all := slices.DeleteFunc(slices.Clone(now.usage), func(u store.KeyUsage) bool {
		return wanted(want, u.RecipientKind, u.RecipientID)
	})
	slices.SortStableFunc(all, func(a, b store.KeyUsage) int { return b.DataKeys - a.DataKeys })
	return all
}

// missing counts the wrapped keys that should stand and do not.
func (now standing) missing(want kms.Targets) int {
	n := 0
	for _, t := range want.All() {
		n += now.total - now.under(t.Kind, t.ID)
	}
	return n
}

func (now standing) under(kind models.RecipientKind, id string) int {
	for _, u := range now.usage {
		if u.RecipientKind == kind && u.RecipientID == id {
			return u.DataKeys
		}
	}
	return 0
}

// abroad reports whether something stands under a kind of keys that none of the wanted ones
// is of: bringing that over is a migration, which a person begins.
func (now standing) abroad(wants []want) bool {
	return slices.ContainsFunc(now.usage, func(u store.KeyUsage) bool {
		return u.RecipientKind != models.RecipientRecovery &&
			!slices.ContainsFunc(wants, func(w want) bool { return w.Kind == u.RecipientKind })
	})
}

func wanted(want kms.Targets, kind models.RecipientKind, id string) bool {
	return slices.ContainsFunc(want.All(), func(t kms.Target) bool { return t.Kind == kind && t.ID == id })
}
