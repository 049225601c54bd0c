package auth

import (
	"context"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// IdentityView is how a provider knows a user.
type IdentityView = store.KnownUser

// Identities is a page of the people whom a provider knows by user name, of whom search is part
// of a name: the user's, the displayed one or the NameID. And the cursors of the pages around it.
func (s *Service) Identities(ctx context.Context, actor models.Actor, named, search, cursor string, limit int) ([]IdentityView, Around, error) {
	var found []IdentityView
	var around Around
	err := s.look(ctx, actor, "provider.view", func(tx *store.Tx) error {
		p, err := findProvider(tx, named)
		if err == nil {
			found, around, err = tx.IdentityPage(p.ID, search, cursor, limit)
		}
		return err
	})
	return found, around, err
}

// LinkIdentity has a provider's word for a name count for an account that stands: whoever
// signs in there under that name is that user from now on.
func (s *Service) LinkIdentity(ctx context.Context, actor models.Actor, named, user, nameID string) error {
	if nameID == "" || len(nameID) > 1024 || cut(nameID, 1024) != nameID {
		return fault.InvalidField("name_id", "must be the name that the provider sends, exactly")
	}
	return s.provide(ctx, actor, "user.link", func(tx *store.Tx, actor models.Actor) error {
		p, u, err := providerAndUser(tx, named, user)
		if err != nil {
			return err
		}
		if u.Kind == models.UserService {
			return fault.New(fault.Conflict, "%s is a service account, which does not sign in.", u.Username)
		}
		row := models.Identity{ProviderID: p.ID, Subject: subjectOf(nameID), NameID: nameID, UserID: u.ID, LastSignInAt: s.now()}
		if err := tx.CreateIdentity(&row); err != nil {
			if fault.Is(err, fault.Conflict) {
				err = fault.New(fault.Conflict, "The provider knows an account by that name already.").WithHint("Unlink that one first.")
			}
			return err
		}
		entry := onUser(actor, "user.link", u)
		entry.Detail = map[string]string{"provider": p.Name, "name_id": nameID}
		return tx.AppendAudit(entry)
	})
}

// UnlinkIdentity forgets by what names a provider knows a user, with what it gave and the
// sessions that it opened.
func (s *Service) UnlinkIdentity(ctx context.Context, actor models.Actor, named, user string) error {
	return s.provide(ctx, actor, "user.unlink", func(tx *store.Tx, actor models.Actor) error {
		p, u, err := providerAndUser(tx, named, user)
		if err != nil {
			return err
		}
		all, err := tx.IdentitiesOf(u.ID)
		if err != nil {
			return err
		}
		n := 0
		for _, one := range all {
			if one.ProviderID != p.ID {
				continue
			}
			n++
			if err := tx.DeleteIdentity(p.ID, one.Subject); err != nil {
				return err
			}
		}
		if n == 0 {
			return fault.New(fault.NotFound, "The provider does not know this user.")
		}
		if _, err := tx.NameGroups(u.ID, p.ID, nil, s.now()); err != nil {
			return err
		}
		if _, err := tx.DeleteSessionsOfProvider(p.ID, u.ID); err != nil {
			return err
		}
		if err := tx.BumpRights(u.ID); err != nil {
			return err
		}
		entry := onUser(actor, "user.unlink", u)
		entry.Detail = map[string]string{"provider": p.Name}
		return tx.AppendAudit(entry)
	})
}

func providerAndUser(tx *store.Tx, named, user string) (models.Provider, models.User, error) {
	p, err := findProvider(tx, named)
	if err != nil {
		return p, models.User{}, err
	}
	u, err := findUser(tx, user)
	return p, u, err
}

// GroupsOfProvider lists the groups of a provider that stand in Keeper, with what they give.
func (s *Service) GroupsOfProvider(ctx context.Context, actor models.Actor, named string) ([]GroupView, error) {
	var views []GroupView
	err := s.look(ctx, actor, "group.view", func(tx *store.Tx) error {
		p, err := findProvider(tx, named)
		if err != nil {
			return err
		}
		groups, err := tx.GroupsOfProvider(p.ID)
		if err != nil {
			return err
		}
		for _, g := range groups {
			roles, err := tx.GroupRoles(g.ID)
			if err != nil {
				return err
			}
			views = append(views, GroupView{g, roles})
		}
		return nil
	})
	return views, err
}

// EnvironmentNames are all environments by their ids: for pages of who sees people's rights.
func (s *Service) EnvironmentNames(ctx context.Context) (map[models.EnvironmentID]models.Environment, error) {
	found := map[models.EnvironmentID]models.Environment{}
	err := s.store.Read(ctx, func(tx *store.Tx) error {
		all, err := tx.Environments(nil)
		for _, e := range all {
			found[e.ID] = e
		}
		return err
	})
	return found, err
}
