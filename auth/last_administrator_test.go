package auth_test

import (
	"sync"
	"testing"
	"time"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

// mapped is a house with the administrator ada, who has a password, and an identity provider
// whose group makes administrators.
type mapped struct {
	*house
	ada      models.Actor
	provider models.Provider
	group    models.Group
}

func newMapped(t *testing.T, dialect string) *mapped {
	t.Helper()
	m := &mapped{
		house:    newHouse(t, storetest.Open(t, dialect)),
		provider: models.Provider{ID: models.NewProviderID(), Name: "okta", Enabled: true},
	}
	m.group = models.Group{ID: models.NewGroupID(), ProviderID: m.provider.ID, Name: "admins", Role: models.RoleAdmin}
	m.ada = m.person(t, "ada", models.RoleAdmin)
	m.write(t, func(tx *store.Tx) error {
		if err := tx.CreateProvider(&m.provider); err != nil {
			return err
		}
		return tx.CreateGroup(&m.group)
	})
	return m
}

// vouched makes somebody without a password whom the provider knows, and named in its group
// until a time; zero: it never did.
func (m *mapped) vouched(t *testing.T, name string, role models.GlobalRole, until time.Time) models.User {
	t.Helper()
	u := models.User{ID: models.NewUserID(), Username: name, Role: role}
	m.write(t, func(tx *store.Tx) error {
		if err := tx.CreateUser(&u); err != nil {
			return err
		}
		row := models.Identity{ProviderID: m.provider.ID, Subject: name, NameID: name, UserID: u.ID, LastSignInAt: time.Now()}
		if err := tx.CreateIdentity(&row); err != nil || until.IsZero() {
			return err
		}
		_, err := tx.NameGroups(u.ID, m.provider.ID, []models.GroupID{m.group.ID}, until)
		return err
	})
	return u
}

// adaGoes tries all ways to take ada's role, and puts back what worked.
func (m *mapped) adaGoes(t *testing.T, want bool) {
	t.Helper()
	before := m.user(t, "ada")
	for name, take := range map[string]func() error{
		"demoted": func() error {
			_, err := m.UpdateUser(t.Context(), m.ada, "ada", auth.UserChange{Role: ptr(models.RoleUser)}, 0)
			return err
		},
		"disabled": func() error {
			_, err := m.UpdateUser(t.Context(), m.ada, "ada", auth.UserChange{Disabled: ptr(true)}, 0)
			return err
		},
	} {
		err := take()
		if want && err != nil || !want && !fault.Is(err, fault.Conflict) {
			t.Errorf("%s: %v", name, err)
		}
		m.write(t, func(tx *store.Tx) error { again := before; return tx.UpdateUser(&again) })
	}
	if !want {
		wantFault(t, m.DeleteUser(t.Context(), m.ada, "ada", 0), fault.Conflict)
	}
}

// TestAdministratorsOnLoan: whose role or way in is a provider's to take does not stand for the
// administrator who has to be left.
func TestAdministratorsOnLoan(t *testing.T) {
	soon := time.Now().Add(time.Hour)
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			for name, c := range map[string]struct {
				role  models.GlobalRole
				until time.Time
				goes  bool
			}{
				"ThroughTheProvidersGroup": {models.RoleUser, soon, false},
				"WhoIsAuditorBesides":      {models.RoleAuditor, soon, false},
				"WhomTheProviderForgot":    {models.RoleUser, time.Now().Add(-time.Second), false},
				"LinkedAndNeverThere":      {models.RoleAdmin, time.Time{}, false},
				"WhoWasThereLongAgo":       {models.RoleAdmin, time.Now().Add(-time.Second), false},
				"OfItsOwnAndThere":         {models.RoleAdmin, soon, true},
			} {
				t.Run(name, func(t *testing.T) {
					m := newMapped(t, dialect)
					m.vouched(t, "grace", c.role, c.until)
					m.adaGoes(t, c.goes)
				})
			}
		})
	}
}

// TestOnlyAdministratorsOnLoan: where all are, as an installation may stand, one of them can go,
// and the last one stays.
func TestOnlyAdministratorsOnLoan(t *testing.T) {
	m := newMapped(t, store.SQLite)
	soon := time.Now().Add(time.Hour)
	grace, kay := m.vouched(t, "grace", models.RoleUser, soon), m.vouched(t, "kay", models.RoleUser, soon)
	m.write(t, func(tx *store.Tx) error { return tx.DeleteUser(m.ada.UserID) })
	actor := m.reload(t, "grace")
	if _, err := m.UpdateUser(t.Context(), actor, kay.Username, auth.UserChange{Disabled: ptr(true)}, 0); err != nil {
		t.Fatalf("one of two: %v", err)
	}
	_, err := m.UpdateUser(t.Context(), actor, grace.Username, auth.UserChange{Disabled: ptr(true)}, 0)
	wantFault(t, err, fault.Conflict)
	_, err = m.UpdateGroup(t.Context(), actor, string(m.group.ID), auth.GroupChange{Role: ptr(models.RoleUser)}, 0)
	wantFault(t, err, fault.Conflict)
	wantFault(t, m.DeleteGroup(t.Context(), actor, string(m.group.ID), 0), fault.Conflict)
	wantFault(t, m.UnlinkIdentity(t.Context(), actor, "okta", "grace"), fault.Conflict)
	wantFault(t, m.DeleteProvider(t.Context(), actor, "okta", 0), fault.Conflict)
	if !auth.Can(m.reload(t, "grace"), auth.ManageUsers, auth.Global) {
		t.Error("nobody is left")
	}
}

// TestTheOneWhoIsShutOut: who cannot sign in now is given a password at the server's own machine,
// and has to have the role still.
func TestTheOneWhoIsShutOut(t *testing.T) {
	h := open(t)
	ada := h.reload(t, "ada")
	h.change(t, func(u *models.User) { u.PasswordExpiresAt = ptr(time.Now().Add(time.Hour)) })
	for _, change := range []auth.UserChange{{Role: ptr(models.RoleAuditor)}, {Disabled: ptr(true)}} {
		_, err := h.UpdateUser(t.Context(), ada, "ada", change, 0)
		wantFault(t, err, fault.Conflict)
	}
	wantFault(t, h.DeleteUser(t.Context(), ada, "ada", 0), fault.Conflict)
}

// TestLastPasswordIsNotReset: a one-time password ends, and with it the last administrator's way
// in, unless whoever resets it is at the server's own machine and can do it again.
func TestLastPasswordIsNotReset(t *testing.T) {
	h := open(t)
	ada := h.reload(t, "ada")
	robot, _, err := h.CreateUser(t.Context(), ada, auth.NewUser{Kind: models.UserService, Username: "robot", Role: models.RoleAdmin})
	if err != nil {
		t.Fatal(err)
	}
	text, _, err := h.CreateTokenFor(t.Context(), ada, robot.Username, auth.NewToken{Name: "whole"})
	if err != nil {
		t.Fatal(err)
	}
	before := h.user(t, "ada").PasswordHash
	_, err = h.ResetPassword(t.Context(), h.bearer(t, text), "ada")
	wantFault(t, err, fault.Conflict)
	if h.user(t, "ada").PasswordHash != before {
		t.Error("the password is another one")
	}
	if _, err := h.ResetPassword(t.Context(), models.System(), "ada"); err != nil {
		t.Errorf("at the machine: %v", err)
	}
}

// TestAdministratorsGoAtOnce takes two administrators, one of them on loan, through two replicas
// at the same moment, each in another way: the lasting one stays, or one who is as sure.
func TestAdministratorsGoAtOnce(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			m := newMapped(t, dialect)
			m.vouched(t, "kay", models.RoleUser, time.Now().Add(time.Hour))
			m.person(t, "grace", models.RoleUser)
			local, err := m.CreateGroup(t.Context(), m.ada, auth.NewGroup{Name: "Own", Role: models.RoleAdmin})
			if err != nil {
				t.Fatal(err)
			}
			if err := m.SetGroupMember(t.Context(), m.ada, "Own", "grace", true); err != nil {
				t.Fatal(err)
			}
			other, kay := newHouse(t, m.store), m.reload(t, "kay")
			for round := range 6 {
				var racing sync.WaitGroup
				errs := make([]error, 2)
				racing.Go(func() {
					_, errs[0] = m.UpdateUser(t.Context(), kay, "ada", auth.UserChange{Role: ptr(models.RoleUser)}, 0)
				})
				racing.Go(func() {
					switch round % 3 {
					case 0:
						errs[1] = other.SetGroupMember(t.Context(), kay, "Own", "grace", false)
					case 1:
						_, errs[1] = other.UpdateGroup(t.Context(), kay, "Own", auth.GroupChange{Role: ptr(models.RoleUser)}, 0)
					default:
						_, errs[1] = other.UpdateUser(t.Context(), kay, "grace", auth.UserChange{Disabled: ptr(true)}, 0)
					}
				})
				racing.Wait()
				if (errs[0] == nil) == (errs[1] == nil) {
					t.Fatalf("round %d: %v, %v; want one of them", round, errs[0], errs[1])
				}
				for _, err := range errs {
					if err != nil {
						wantFault(t, err, fault.Conflict)
					}
				}
				m.write(t, func(tx *store.Tx) error {
					for name, role := range map[string]models.GlobalRole{"ada": models.RoleAdmin, "grace": models.RoleUser} {
						u, err := tx.UserByName(name)
						if err != nil {
							return err
						}
						u.Role, u.Disabled = role, false
						if err := tx.UpdateUser(&u); err != nil {
							return err
						}
					}
					g, err := tx.Group(local.ID)
					if err != nil {
						return err
					}
					g.Role = models.RoleAdmin
					if err := tx.UpdateGroup(&g, 0); err != nil {
						return err
					}
					u, err := tx.UserByName("grace")
					if err == nil {
						_, err = tx.AddGroupMember(g.ID, u.ID)
					}
					return err
				})
			}
		})
	}
}

// TestBreakGlassOfAnAdministrator: Keeper does not start without local sign-in where the only
// account that is let past it could mend nothing.
func TestBreakGlassOfAnAdministrator(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*models.User)
		starts bool
	}{
		"Administrator":  {func(*models.User) {}, true},
		"User":           {func(u *models.User) { u.Role = models.RoleUser }, false},
		"Disabled":       {func(u *models.User) { u.Disabled = true }, false},
		"OneTime":        {func(u *models.User) { u.PasswordExpiresAt = ptr(time.Now().Add(time.Hour)) }, false},
		"NoBreakGlass":   {func(u *models.User) { u.BreakGlass = false }, false},
		"WithoutAnyWord": {func(u *models.User) { u.PasswordHash = "" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := openWith(t, auth.Deps{LocalSignInOff: true})
			h.write(t, func(tx *store.Tx) error {
				return tx.CreateProvider(&models.Provider{ID: "idp_1", Name: "okta", Enabled: true})
			})
			h.change(t, func(u *models.User) { u.BreakGlass = true; c.change(u) })
			if err := h.CheckLocalSignIn(t.Context()); (err == nil) != c.starts {
				t.Errorf("it starts: %v", err)
			}
		})
	}
}
