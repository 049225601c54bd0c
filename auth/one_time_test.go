package auth_test

import (
	"strings"
	"testing"
	"time"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store/storetest"
)

// TestOneTimePasswordsEnd lets each kind of one-time password grow old, on every database.
func TestOneTimePasswordsEnd(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			s := storetest.Open(t, dialect)
			t.Run("First", func(t *testing.T) {
				h := newHouse(t, s)
				oneTime, err := h.Bootstrap(t.Context(), "ada", "")
				if err != nil {
					t.Fatal(err)
				}
				h.ends(t, "ada", oneTime)
			})
			t.Run("Given", func(t *testing.T) {
				h := newHouse(t, s)
				_, oneTime, err := h.CreateUser(t.Context(), models.System(), auth.NewUser{Username: "grace"})
				if err != nil {
					t.Fatal(err)
				}
				h.ends(t, "grace", oneTime)
			})
			t.Run("Reset", func(t *testing.T) {
				h := newHouse(t, s)
				oneTime, err := h.ResetPassword(t.Context(), models.System(), "grace")
				if err != nil {
					t.Fatal(err)
				}
				h.ends(t, "grace", oneTime)
				if oneTime, err = h.ResetPassword(t.Context(), models.System(), "grace"); err != nil {
					t.Fatal(err)
				}
				h.chosen(t, "grace", oneTime)
			})
		})
	}
}

// ends holds that a one-time password serves until its end, and is refused from then on.
func (h *house) ends(t *testing.T, name, oneTime string) {
	t.Helper()
	h.wait(auth.OneTimeLasts - time.Minute)
	in, err := h.SignIn(t.Context(), name, oneTime, origin)
	if err != nil {
		t.Fatalf("a minute before its end: %v", err)
	}
	actor, _, _, err := h.Session(t.Context(), in.SessionID, origin)
	if err != nil {
		t.Fatal(err)
	}
	h.wait(time.Minute)
	_, err = h.SignIn(t.Context(), name, oneTime, origin)
	wantFault(t, err, fault.Unauthenticated)
	if err == nil || !strings.Contains(err.Error(), "has ended") || !strings.Contains(err.Error(), "reset-password") {
		t.Errorf("it is said %v", err)
	}
	if e := h.entries(t)[0]; e.Action != "session.create" || e.Outcome != models.OutcomeRefused || e.Detail["reason"] != auth.ReasonOneTimeEnded {
		t.Errorf("on record is %+v", e)
	}
	_, err = h.SignIn(t.Context(), name, oneTime+"x", origin)
	if err == nil || strings.Contains(err.Error(), "ended") {
		t.Errorf("who has not the password is told %v", err)
	}
	_, err = h.ChangePassword(t.Context(), actor, oneTime, "a long new password")
	wantFault(t, err, fault.Unauthenticated)
	if e := h.entries(t)[0]; e.Action != "user.password" || e.Outcome != models.OutcomeRefused || e.Detail["reason"] != auth.ReasonOneTimeEnded {
		t.Errorf("on record is %+v", e)
	}
	if needs, err := h.ProofNeeds(t.Context(), actor); err != nil || len(needs) != 0 {
		t.Errorf("it still proves who one is: %v, %v", needs, err)
	}
}

// chosen holds that the person's own password has no end.
func (h *house) chosen(t *testing.T, name, oneTime string) {
	t.Helper()
	in, err := h.SignIn(t.Context(), name, oneTime, origin)
	if err != nil {
		t.Fatal(err)
	}
	actor, _, _, err := h.Session(t.Context(), in.SessionID, origin)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.ChangePassword(t.Context(), actor, oneTime, "a long new password"); err != nil {
		t.Fatal(err)
	}
	h.wait(10 * auth.OneTimeLasts)
	if _, err := h.SignIn(t.Context(), name, "a long new password", origin); err != nil {
		t.Errorf("the password of one's own ended: %v", err)
	}
}

// TestOneTimePasswordBehindASecondFactor ends between the two steps.
func TestOneTimePasswordBehindASecondFactor(t *testing.T) {
	h := open(t)
	_, ada := h.signIn(t)
	e := h.enrol(t, ada)
	oneTime, err := h.ResetPassword(t.Context(), models.System(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	h.wait(auth.OneTimeLasts - time.Minute)
	in, err := h.SignIn(t.Context(), "ada", oneTime, origin)
	if err != nil || in.Step == "" {
		t.Fatalf("%+v, %v", in, err)
	}
	h.wait(2 * time.Minute)
	_, err = h.FinishTOTP(t.Context(), in.Step, h.code(t, e), origin)
	if err == nil || !strings.Contains(err.Error(), "has ended") {
		t.Errorf("the second step says %v", err)
	}
}

// TestOneTimePasswordWhileLocalSignInIsOff tells nobody that the password was right.
func TestOneTimePasswordWhileLocalSignInIsOff(t *testing.T) {
	h := newHouseWith(t, storetest.SQLite(t), auth.Deps{LocalSignInOff: true})
	oneTime, err := h.Bootstrap(t.Context(), "ada", "")
	if err != nil {
		t.Fatal(err)
	}
	h.wait(auth.OneTimeLasts)
	_, err = h.SignIn(t.Context(), "ada", oneTime, origin)
	if err == nil || !strings.HasPrefix(err.Error(), "The user name or the password is wrong.") {
		t.Errorf("it is said %v", err)
	}
}

// TestOneTimeAdministratorDoesNotCount takes the last administrator away who chose a password.
func TestOneTimeAdministratorDoesNotCount(t *testing.T) {
	h := open(t)
	ada := h.reload(t, "ada")
	_, oneTime, err := h.CreateUser(t.Context(), ada, auth.NewUser{Username: "grace", Role: models.RoleAdmin})
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.UpdateUser(t.Context(), ada, "ada", auth.UserChange{Disabled: ptr(true)}, 0)
	wantFault(t, err, fault.Conflict)
	h.chosen(t, "grace", oneTime)
	ada.ProvenAt = h.clock()
	if _, err := h.UpdateUser(t.Context(), ada, "ada", auth.UserChange{Disabled: ptr(true)}, 0); err != nil {
		t.Errorf("grace is one who is left: %v", err)
	}
}
