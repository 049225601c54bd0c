package auth_test

import (
	"strconv"
	"sync"
	"testing"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

func TestCreateUser(t *testing.T) {
	h := open(t)
	ada := h.reload(t, "ada")
	t.Run("OK", func(t *testing.T) {
		u, oneTime, err := h.CreateUser(t.Context(), ada, auth.NewUser{Username: " Grace ", Email: "grace@example.com"})
		if err != nil {
			t.Fatal(err)
		}
		if u.Username != "grace" || u.Role != models.RoleUser || u.Kind != models.UserPerson || !u.MustChangePassword || len(oneTime) < 20 {
			t.Errorf("made %+v", u)
		}
		in, err := h.SignIn(t.Context(), "grace", oneTime, origin)
		if err != nil || in.SessionID == "" {
			t.Errorf("the one-time password does not sign in: %v", err)
		}
	})
	t.Run("Service", func(t *testing.T) {
		u, oneTime, err := h.CreateUser(t.Context(), ada, auth.NewUser{Kind: models.UserService, Username: "deployer"})
		if err != nil || oneTime != "" || u.PasswordHash != "" {
			t.Errorf("made %+v, password %q, %v", u, oneTime, err)
		}
		_, err = h.ResetPassword(t.Context(), ada, "deployer")
		wantFault(t, err, fault.Conflict)
	})
	for name, n := range map[string]auth.NewUser{
		"no name": {}, "spaces": {Username: "a b"}, "NUL": {Username: "a\x00"}, "an id": {Username: "usr_x"}, "long": {Username: string(make([]byte, 300))},
		"role": {Username: "x", Role: "root"}, "kind": {Username: "x", Kind: "robot"}, "address": {Username: "x", Email: "nobody"},
		"break glass": {Username: "x", Kind: models.UserService, BreakGlass: true},
	} {
		t.Run("Invalid/"+name, func(t *testing.T) {
			_, _, err := h.CreateUser(t.Context(), ada, n)
			wantFault(t, err, fault.Invalid)
		})
	}
	t.Run("Taken", func(t *testing.T) {
		_, _, err := h.CreateUser(t.Context(), ada, auth.NewUser{Username: "ADA"})
		wantFault(t, err, fault.Conflict)
	})
	t.Run("Unproven", func(t *testing.T) {
		stale := ada
		stale.ProvenAt = noon
		_, _, err := h.CreateUser(t.Context(), stale, auth.NewUser{Username: "x"})
		wantFault(t, err, fault.Unproven)
	})
	t.Run("Forbidden", func(t *testing.T) {
		for _, role := range []models.GlobalRole{models.RoleUser, models.RoleAuditor} {
			other := h.person(t, "a-"+string(role), role)
			before := h.count(t, "user.create", models.OutcomeRefused)
			_, _, err := h.CreateUser(t.Context(), other, auth.NewUser{Username: "x"})
			wantFault(t, err, fault.Forbidden)
			if h.count(t, "user.create", models.OutcomeRefused) != before+1 {
				t.Error("the refusal is not on record")
			}
		}
	})
}

// TestRightsOfNow: whoever lost a right since its request began changes nothing any more.
func TestRightsOfNow(t *testing.T) {
	for name, lose := range map[string]auth.UserChange{"demoted": {Role: ptr(models.RoleUser)}, "disabled": {Disabled: ptr(true)}} {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			eve := h.person(t, "eve", models.RoleAdmin)
			if _, err := h.UpdateUser(t.Context(), h.reload(t, "ada"), "eve", lose, 0); err != nil {
				t.Fatal(err)
			}
			_, _, err := h.CreateUser(t.Context(), eve, auth.NewUser{Username: "mallory"})
			if err == nil {
				t.Fatal("made a user with rights that are gone")
			}
			if n := h.count(t, "user.create", models.OutcomeRefused); n != 1 {
				t.Errorf("%d refusals on record, want 1", n)
			}
		})
	}
}

func TestUpdateUser(t *testing.T) {
	h := open(t)
	ada := h.reload(t, "ada")
	h.person(t, "grace", models.RoleUser)
	before := h.user(t, "grace")
	t.Run("OK", func(t *testing.T) {
		changed, err := h.UpdateUser(t.Context(), ada, "grace", auth.UserChange{Role: ptr(models.RoleAuditor), DisplayName: ptr("Grace H.")}, before.Revision)
		if err != nil {
			t.Fatal(err)
		}
		now := h.user(t, "grace")
		if changed.Revision != before.Revision+1 || now.Revision != changed.Revision || now.DisplayName != "Grace H." || now.Role != models.RoleAuditor ||
			now.RightsGeneration != before.RightsGeneration+1 || now.PasswordHash != before.PasswordHash {
			t.Errorf("now %+v", now)
		}
	})
	t.Run("Stale", func(t *testing.T) {
		_, err := h.UpdateUser(t.Context(), ada, "grace", auth.UserChange{Disabled: ptr(true)}, before.Revision)
		wantFault(t, err, fault.Stale)
		wantFault(t, h.DeleteUser(t.Context(), ada, "grace", before.Revision), fault.Stale)
	})
	t.Run("NotFound", func(t *testing.T) {
		_, err := h.UpdateUser(t.Context(), ada, "nobody", auth.UserChange{}, 0)
		wantFault(t, err, fault.NotFound)
	})
	t.Run("Disabled", func(t *testing.T) {
		oneTime, err := h.ResetPassword(t.Context(), ada, "grace")
		if err != nil {
			t.Fatal(err)
		}
		in, err := h.SignIn(t.Context(), "grace", oneTime, origin)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.UpdateUser(t.Context(), ada, "grace", auth.UserChange{Disabled: ptr(true)}, 0); err != nil {
			t.Fatal(err)
		}
		_, _, _, err = h.Session(t.Context(), in.SessionID, origin)
		wantFault(t, err, fault.Unauthenticated)
		if left, err := h.SessionsOf(t.Context(), ada, "grace"); err != nil || len(left) > 0 {
			t.Errorf("sessions %v, %v", left, err)
		}
	})
	t.Run("Deleted", func(t *testing.T) {
		if err := h.DeleteUser(t.Context(), ada, "grace", 0); err != nil {
			t.Fatal(err)
		}
		_, err := h.Account(t.Context(), ada, "grace")
		wantFault(t, err, fault.NotFound)
	})
}

// TestLastAdministrator: no single change takes the last administrator who can sign in.
func TestLastAdministrator(t *testing.T) {
	h := open(t)
	ada := h.reload(t, "ada")
	h.person(t, "gone", models.RoleAdmin)
	if _, err := h.UpdateUser(t.Context(), ada, "gone", auth.UserChange{Disabled: ptr(true)}, 0); err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.CreateUser(t.Context(), ada, auth.NewUser{Kind: models.UserService, Username: "robot", Role: models.RoleAdmin}); err != nil {
		t.Fatal(err)
	}
	h.write(t, func(tx *store.Tx) error { // an administrator who can sign in no way
		return tx.CreateUser(&models.User{ID: models.NewUserID(), Username: "keyless", Role: models.RoleAdmin})
	})
	for name, change := range map[string]auth.UserChange{
		"demote": {Role: ptr(models.RoleUser)}, "disable": {Disabled: ptr(true)},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := h.UpdateUser(t.Context(), ada, "ada", change, 0)
			wantFault(t, err, fault.Conflict)
		})
	}
	wantFault(t, h.DeleteUser(t.Context(), ada, "ada", 0), fault.Conflict)
	if u := h.user(t, "ada"); u.Role != models.RoleAdmin || u.Disabled {
		t.Errorf("ada is %+v", u)
	}
	t.Run("ThroughGroup", func(t *testing.T) {
		g, err := h.CreateGroup(t.Context(), ada, auth.NewGroup{Name: "Admins", Role: models.RoleAdmin})
		if err != nil {
			t.Fatal(err)
		}
		h.person(t, "grace", models.RoleUser)
		if err := h.SetGroupMember(t.Context(), ada, "Admins", "grace", true); err != nil {
			t.Fatal(err)
		}
		if _, err := h.UpdateUser(t.Context(), ada, "ada", auth.UserChange{Role: ptr(models.RoleUser)}, 0); err != nil {
			t.Fatalf("grace is an administrator through her group: %v", err)
		}
		grace := h.reload(t, "grace")
		for name, err := range map[string]error{
			"leave":  h.SetGroupMember(t.Context(), grace, string(g.ID), "grace", false),
			"delete": h.DeleteGroup(t.Context(), grace, "Admins", 0),
			"weaken": func() error {
				_, err := h.UpdateGroup(t.Context(), grace, "Admins", auth.GroupChange{Role: ptr(models.RoleUser)}, 0)
				return err
			}(),
		} {
			if !fault.Is(err, fault.Conflict) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if !auth.Can(h.reload(t, "grace"), auth.ManageUsers, auth.Global) {
			t.Error("nobody is left")
		}
	})
}

// TestTwoAdministratorsRemoveEachOther: at once, through two replicas, one of them stays.
func TestTwoAdministratorsRemoveEachOther(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			s := storetest.Open(t, dialect)
			houses := []*house{newHouse(t, s), newHouse(t, s)}
			actors := []models.Actor{houses[0].person(t, "eve", models.RoleAdmin), houses[1].person(t, "mallory", models.RoleAdmin)}
			names := []string{"mallory", "eve"}
			for round := range 5 {
				var racing sync.WaitGroup
				errs := make([]error, 2)
				for i, h := range houses {
					racing.Go(func() {
						switch round % 2 {
						case 0:
							_, errs[i] = h.UpdateUser(t.Context(), actors[i], names[i], auth.UserChange{Role: ptr(models.RoleUser)}, 0)
						default:
							_, errs[i] = h.UpdateUser(t.Context(), actors[i], names[i], auth.UserChange{Disabled: ptr(true)}, 0)
						}
					})
				}
				racing.Wait()
				if (errs[0] == nil) == (errs[1] == nil) {
					t.Fatalf("round %d: %v, %v; want one of them", round, errs[0], errs[1])
				}
				for _, name := range names {
					h := houses[0]
					h.write(t, func(tx *store.Tx) error {
						u, err := tx.UserByName(name)
						u.Role, u.Disabled = models.RoleAdmin, false
						if err == nil {
							err = tx.UpdateUser(&u)
						}
						return err
					})
				}
			}
		})
	}
}

// TestTwoAdministratorsResign: both are still in office when they ask, and each removes
// itself; one is refused.
func TestTwoAdministratorsResign(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			s := storetest.Open(t, dialect)
			var racing sync.WaitGroup
			errs := make([]error, 4)
			houses := make([]*house, len(errs))
			actors := make([]models.Actor, len(errs))
			for i := range errs {
				houses[i] = newHouse(t, s)
				actors[i] = houses[i].person(t, "admin"+strconv.Itoa(i), models.RoleAdmin)
			}
			for i, h := range houses {
				racing.Go(func() { errs[i] = h.DeleteUser(t.Context(), actors[i], actors[i].Name, 0) })
			}
			racing.Wait()
			refused := 0
			for _, err := range errs {
				if err != nil {
					wantFault(t, err, fault.Conflict)
					refused++
				}
			}
			if refused != 1 {
				t.Errorf("%d of %d were refused, want 1: %v", refused, len(errs), errs)
			}
		})
	}
}

func TestUsers(t *testing.T) {
	h := open(t)
	ada := h.reload(t, "ada")
	for _, name := range []string{"carol", "bob", "dave"} {
		h.person(t, name, models.RoleUser)
	}
	var names []string
	cursor := ""
	for range 3 {
		page, around, err := h.Users(t.Context(), ada, auth.UserFilter{Cursor: cursor, Limit: 2})
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range page {
			names = append(names, u.Username)
		}
		if cursor = around.Next; cursor == "" {
			break
		}
	}
	if got, want := len(names), 4; got != want || names[0] != "ada" || names[3] != "dave" {
		t.Errorf("pages hold %v", names)
	}
	found, _, err := h.Users(t.Context(), ada, auth.UserFilter{Search: "BO"})
	if err != nil || len(found) != 1 || found[0].Username != "bob" {
		t.Errorf("found %v, %v", found, err)
	}
	for _, f := range []auth.UserFilter{{Kind: "robot"}, {Role: "root"}, {Cursor: "x"}} {
		_, _, err = h.Users(t.Context(), ada, f)
		wantFault(t, err, fault.Invalid)
	}
	_, _, err = h.Users(t.Context(), h.reload(t, "bob"), auth.UserFilter{})
	wantFault(t, err, fault.Forbidden)
}
