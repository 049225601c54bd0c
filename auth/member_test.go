package auth_test

import (
	"testing"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

// TestMembers: a manager gives roles in its own environment, and nothing elsewhere.
func TestMembers(t *testing.T) {
	h := open(t)
	one, two := h.environment(t, "one"), h.environment(t, "two")
	ada := h.reload(t, "ada")
	h.person(t, "max", models.RoleUser)
	h.person(t, "nina", models.RoleUser)
	if err := h.SetMember(t.Context(), ada, one, "max", models.RoleManager); err != nil {
		t.Fatal(err)
	}
	max := h.reload(t, "max")
	t.Run("OK", func(t *testing.T) {
		before := h.user(t, "nina").RightsGeneration
		if err := h.SetMember(t.Context(), max, one, "nina", models.RoleManager); err != nil {
			t.Fatal(err)
		}
		if !auth.Can(h.reload(t, "nina"), auth.ManageMembers, one) || h.user(t, "nina").RightsGeneration != before+1 {
			t.Error("nina does not manage")
		}
		members, _, _, err := h.Members(t.Context(), max, one, "", 0)
		if err != nil || len(members) != 2 || members[1].Username != "nina" {
			t.Errorf("members %+v, %v", members, err)
		}
		if err := h.SetMember(t.Context(), max, one, "nina", ""); err != nil {
			t.Fatal(err)
		}
		if auth.Can(h.reload(t, "nina"), auth.ViewEnvironment, one) {
			t.Error("nina still sees the environment")
		}
		wantFault(t, h.SetMember(t.Context(), max, one, "nina", ""), fault.NotFound)
	})
	t.Run("Elsewhere", func(t *testing.T) {
		hidden, missing := h.SetMember(t.Context(), max, two, "max", models.RoleViewer), h.SetMember(t.Context(), max, 2222, "max", models.RoleViewer)
		wantFault(t, hidden, fault.NotFound)
		wantFault(t, missing, fault.NotFound)
		_, _, _, err := h.Members(t.Context(), max, two, "", 0)
		wantFault(t, err, fault.NotFound)
	})
	t.Run("Weaker", func(t *testing.T) {
		if err := h.SetMember(t.Context(), ada, one, "nina", models.RoleEditor); err != nil {
			t.Fatal(err)
		}
		nina := h.reload(t, "nina")
		wantFault(t, h.SetMember(t.Context(), nina, one, "nina", models.RoleManager), fault.Forbidden)
		_, _, _, err := h.Members(t.Context(), nina, one, "", 0)
		wantFault(t, err, fault.Forbidden)
	})
	t.Run("Globally", func(t *testing.T) {
		for name, err := range map[string]error{
			"role": func() error {
				_, err := h.UpdateUser(t.Context(), max, "max", auth.UserChange{Role: ptr(models.RoleAdmin)}, 0)
				return err
			}(),
			"group":  h.SetGroupRole(t.Context(), max, "x", one, models.RoleManager),
			"reset":  func() error { _, err := h.ResetPassword(t.Context(), max, "ada"); return err }(),
			"delete": h.DeleteUser(t.Context(), max, "nina", 0),
		} {
			if !fault.Is(err, fault.Forbidden) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	wantFault(t, h.SetMember(t.Context(), max, one, "nina", "owner"), fault.Invalid)
	t.Run("Naming", func(t *testing.T) {
		for range 19 { // and the one above
			wantFault(t, h.SetMember(t.Context(), max, one, "nobody", models.RoleViewer), fault.NotFound)
		}
		wantFault(t, h.SetMember(t.Context(), max, one, "nobody", models.RoleViewer), fault.Throttled)
		wantFault(t, h.SetMember(t.Context(), ada, one, "nobody", models.RoleViewer), fault.NotFound)
		if n := h.count(t, "members.set", models.OutcomeRefused); n != 19 {
			t.Errorf("%d misses on record", n)
		}
	})
}

// TestGroups: what groups give, on all databases.
func TestGroups(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			h := newHouse(t, storetest.Open(t, dialect))
			one := h.environment(t, "one")
			ada := h.person(t, "ada", models.RoleAdmin)
			h.person(t, "max", models.RoleUser)
			g, err := h.CreateGroup(t.Context(), ada, auth.NewGroup{Name: "Readers"})
			if err != nil {
				t.Fatal(err)
			}
			_, err = h.CreateGroup(t.Context(), ada, auth.NewGroup{Name: "Readers"})
			wantFault(t, err, fault.Conflict)
			if err := h.SetGroupMember(t.Context(), ada, "Readers", "max", true); err != nil {
				t.Fatal(err)
			}
			before := h.user(t, "max").RightsGeneration
			if err := h.SetGroupRole(t.Context(), ada, string(g.ID), one, models.RoleReader); err != nil {
				t.Fatal(err)
			}
			if !auth.Can(h.reload(t, "max"), auth.RevealSecret, one) || h.user(t, "max").RightsGeneration != before+1 {
				t.Error("the group gives nothing")
			}
			if err := h.SetMember(t.Context(), ada, one, "max", models.RoleViewer); err != nil {
				t.Fatal(err)
			}
			if !auth.Can(h.reload(t, "max"), auth.RevealSecret, one) {
				t.Error("a weaker role of its own takes the group's away")
			}
			_, _, groups := membersOf(t, h, ada, one)
			if len(groups) != 1 || groups[0].Name != "Readers" || groups[0].Role != models.RoleReader {
				t.Errorf("groups %+v", groups)
			}
			wantFault(t, h.DeleteGroup(t.Context(), ada, "Readers", g.Revision), fault.Stale) // its role was set since
			if err := h.SetGroupRole(t.Context(), ada, "Readers", one, ""); err != nil {
				t.Fatal(err)
			}
			if auth.Can(h.reload(t, "max"), auth.RevealSecret, one) {
				t.Error("the group's role is gone, and still gives")
			}
			if err := h.DeleteGroup(t.Context(), ada, "Readers", 0); err != nil {
				t.Fatal(err)
			}
			wantFault(t, h.SetGroupMember(t.Context(), ada, "Readers", "max", true), fault.NotFound)
		})
	}
}

func membersOf(t *testing.T, h *house, actor models.Actor, e models.EnvironmentID) ([]auth.Member, string, []auth.MemberGroup) {
	t.Helper()
	members, groups, around, err := h.Members(t.Context(), actor, e, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	return members, around.Next, groups
}

// TestProvidersGroup: its members come from its provider alone.
func TestProvidersGroup(t *testing.T) {
	h := open(t)
	ada := h.reload(t, "ada")
	g := models.Group{ID: models.NewGroupID(), ProviderID: "idp_1", Name: "okta-admins", Role: models.RoleUser}
	h.write(t, func(tx *store.Tx) error { return tx.CreateGroup(&g) })
	wantFault(t, h.SetGroupMember(t.Context(), ada, string(g.ID), "ada", true), fault.Conflict)
	_, err := h.UpdateGroup(t.Context(), ada, string(g.ID), auth.GroupChange{Name: ptr("mine")}, 0)
	wantFault(t, err, fault.Conflict)
	_, err = h.UpdateGroup(t.Context(), ada, string(g.ID), auth.GroupChange{Role: ptr(models.RoleAuditor)}, 0)
	if err != nil {
		t.Error(err)
	}
	_, err = h.Group(t.Context(), ada, "okta-admins")
	wantFault(t, err, fault.NotFound) // only Keeper's own are found by name
}
