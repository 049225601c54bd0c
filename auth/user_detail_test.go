package auth_test

import (
	"testing"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

func TestAccountRoles(t *testing.T) {
	h := open(t)
	ada, production, staging := h.reload(t, "ada"), h.environment(t, "production"), h.environment(t, "staging")
	h.person(t, "grace", models.RoleUser)
	g, err := h.CreateGroup(t.Context(), ada, auth.NewGroup{Name: "Payments"})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		h.SetMember(t.Context(), ada, production, "grace", models.RoleViewer),
		h.SetGroupMember(t.Context(), ada, string(g.ID), "grace", true),
		h.SetGroupRole(t.Context(), ada, string(g.ID), production, models.RoleEditor),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	a, err := h.Account(t.Context(), ada, "grace")
	if err != nil {
		t.Fatal(err)
	}
	if roles := a.Roles(); roles[production] != models.RoleEditor || roles[staging] != "" {
		t.Errorf("the roles are %v", roles)
	}
}

func TestFactorsOf(t *testing.T) {
	h := open(t)
	ada, grace := h.reload(t, "ada"), h.person(t, "grace", models.RoleUser)
	none, err := h.FactorsOf(t.Context(), ada, "grace")
	if err != nil || !none.None() {
		t.Errorf("got %+v, %v", none, err)
	}
	h.write(t, func(tx *store.Tx) error {
		if err := tx.CreatePasskey(&models.Passkey{ID: "k", UserID: grace.UserID, Name: "Stick"}); err != nil {
			return err
		}
		return tx.ReplaceRecoveryCodes(grace.UserID, []string{"aa", "bb"})
	})
	got, err := h.FactorsOf(t.Context(), ada, "grace")
	if want := (auth.Factors{Passkeys: 1, RecoveryCodes: 2}); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	_, err = h.FactorsOf(t.Context(), ada, "nobody")
	wantFault(t, err, fault.NotFound)
	_, err = h.FactorsOf(t.Context(), grace, "grace")
	wantFault(t, err, fault.Forbidden)
}

func TestRevokeSessionOf(t *testing.T) {
	h := open(t)
	_, signedIn := h.signIn(t)
	h.signIn(t)
	ada := h.reload(t, "ada")
	other := h.person(t, "grace", models.RoleAuditor)
	hash := signedIn.SessionHash
	wantFault(t, h.RevokeSessionOf(t.Context(), other, "ada", hash), fault.Forbidden)
	wantFault(t, h.RevokeSessionOf(t.Context(), ada, "grace", hash), fault.NotFound) // another's
	if err := h.RevokeSessionOf(t.Context(), ada, "ada", hash); err != nil {
		t.Fatal(err)
	}
	wantFault(t, h.RevokeSessionOf(t.Context(), ada, "ada", hash), fault.NotFound)
	left, err := h.SessionsOf(t.Context(), ada, "ada")
	if err != nil || len(left) != 1 || left[0].Hash == hash {
		t.Fatalf("left are %+v, %v", left, err)
	}
	name := auth.SessionName(left[0].Hash)
	wantFault(t, h.RevokeSessionOf(t.Context(), ada, "ada", name[:11]), fault.NotFound)
	wantFault(t, h.RevokeSessionOf(t.Context(), ada, "ada", ""), fault.NotFound)
	if err := h.RevokeSessionOf(t.Context(), ada, "ada", name); err != nil {
		t.Fatal(err)
	}
	if e := h.entries(t)[0]; e.Action != "session.end" || e.ObjectID != name {
		t.Errorf("on record is %+v", e)
	}
}
