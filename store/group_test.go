package store_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// testPeople goes through the pages of people, groups and tokens, and takes them away.
func testPeople(t *testing.T, s *store.Store) {
	ada, bob := newUser(t, s, "ada"), newUser(t, s, "bob")
	e := models.Environment{Name: "one", DisplayName: "One", Color: "grey"}
	g := models.Group{ID: models.NewGroupID(), Name: "Readers", Role: models.RoleAuditor}
	network := netip.MustParsePrefix("192.0.2.0/24")
	tokens := make([]models.Token, 3)
	write(t, s, func(tx *store.Tx) error {
		if err := tx.CreateEnvironment(&e); err != nil {
			return err
		}
		if err := tx.CreateGroup(&g); err != nil {
			return err
		}
		for i := range tokens {
			tokens[i] = models.Token{
				ID: models.NewTokenID(), Hash: string(rune('a' + i)), UserID: ada.ID, Scope: models.TokenScope{Actions: []string{"secret.view"}, Networks: []netip.Prefix{network}},
				CreatedAt: at.Add(time.Duration(i/2) * time.Hour), // two of them at once
			}
			if err := tx.CreateToken(&tokens[i]); err != nil {
				return err
			}
		}
		for _, u := range []models.UserID{ada.ID, bob.ID} {
			if _, err := tx.AddGroupMember(g.ID, u); err != nil {
				return err
			}
		}
		if err := tx.SetMembership(models.Membership{UserID: bob.ID, EnvironmentID: e.ID, Role: models.RoleEditor}); err != nil {
			return err
		}
		return tx.SetGroupRole(models.GroupRole{GroupID: g.ID, EnvironmentID: e.ID, Role: models.RoleReader})
	})
	t.Run("Grants", func(t *testing.T) {
		grants := read(t, s, func(tx *store.Tx) ([]store.Grant, error) { return tx.GrantsOf(ada.ID, bob.ID, "usr_none") })
		want := map[store.Grant]bool{
			{UserID: bob.ID, EnvironmentID: e.ID, Role: models.RoleEditor}:                                                                      true,
			{UserID: ada.ID, GroupID: g.ID, GroupName: "Readers", GlobalRole: models.RoleAuditor, EnvironmentID: e.ID, Role: models.RoleReader}: true,
			{UserID: bob.ID, GroupID: g.ID, GroupName: "Readers", GlobalRole: models.RoleAuditor, EnvironmentID: e.ID, Role: models.RoleReader}: true,
		}
		got := map[store.Grant]bool{}
		for _, one := range grants {
			got[one] = true
		}
		same(t, got, want)
		same(t, len(grants), len(want))
	})
	t.Run("TokenPage", func(t *testing.T) {
		seen := map[models.TokenID]int{}
		cursor := ""
		for range 4 {
			var page []store.OwnedToken
			var around store.Around
			read(t, s, func(tx *store.Tx) (_ int, err error) { page, around, err = tx.TokenPage(nil, cursor, 1); return 0, err })
			cursor = around.Next
			for _, one := range page {
				seen[one.ID]++
				if one.Username != "ada" || len(one.Scope.Networks) != 1 || one.Scope.Networks[0] != network {
					t.Errorf("got %+v", one)
				}
			}
			if cursor == "" {
				break
			}
		}
		same(t, seen, map[models.TokenID]int{tokens[0].ID: 1, tokens[1].ID: 1, tokens[2].ID: 1})
		write(t, s, func(tx *store.Tx) error { return tx.SetTokenExpiry(tokens[0].ID, at) })
		write(t, s, func(tx *store.Tx) error { return tx.RevokeToken(tokens[1].ID, at) })
		var live []store.OwnedToken
		read(t, s, func(tx *store.Tx) (_ int, err error) { live, _, err = tx.TokenPage(&at, "", 0); return 0, err })
		if len(live) != 1 || live[0].ID != tokens[2].ID {
			t.Errorf("live: %+v", live)
		}
	})
	t.Run("Members", func(t *testing.T) {
		var members []store.Member
		read(t, s, func(tx *store.Tx) (_ int, err error) { members, _, err = tx.MemberPage(e.ID, "", 1); return 0, err })
		groups := read(t, s, func(tx *store.Tx) ([]store.MemberGroup, error) { return tx.MemberGroups(e.ID) })
		if len(members) != 1 || members[0].Username != "bob" || len(groups) != 1 || groups[0].Name != "Readers" {
			t.Errorf("%+v, %+v", members, groups)
		}
		var users []models.User
		var around store.Around
		read(t, s, func(tx *store.Tx) (_ int, err error) {
			users, around, err = tx.GroupMembers(g.ID, "", 1)
			return 0, err
		})
		if len(users) != 1 || users[0].Username != "ada" || around.Next == "" {
			t.Errorf("%+v, around %+v", users, around)
		}
	})
	t.Run("Gone", func(t *testing.T) {
		write(t, s, func(tx *store.Tx) error { return tx.DeleteUser(ada.ID) })
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { _, err := tx.Token(tokens[0].ID); return err })
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { return tx.DeleteUser(ada.ID) })
		write(t, s, func(tx *store.Tx) error { return tx.DeleteEnvironment(e.ID) })
		same(t, len(read(t, s, func(tx *store.Tx) ([]models.GroupRole, error) { return tx.GroupRoles(g.ID) })), 0)
		write(t, s, func(tx *store.Tx) error { return tx.DeleteGroup(g.ID) })
		same(t, len(read(t, s, func(tx *store.Tx) ([]store.Grant, error) { return tx.GrantsOf(bob.ID) })), 0)
	})
}
