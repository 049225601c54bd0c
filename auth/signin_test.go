package auth_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store/storetest"
)

// eachDatabase runs a test with ada on every database.
func eachDatabase(t *testing.T, test func(*testing.T, *house)) {
	t.Helper()
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			h := newHouse(t, storetest.Open(t, dialect))
			if _, err := h.Bootstrap(t.Context(), "ada", password); err != nil {
				t.Fatal(err)
			}
			test(t, h)
		})
	}
}

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return time.Now().Add(h.ahead)
}

func (h *house) code(t *testing.T, secret string) string {
	t.Helper()
	code, err := totp.GenerateCode(secret, h.clock())
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// enrol sets up an authenticator app and moves on by a step, so that the next code is fresh.
func (h *house) enrol(t *testing.T, actor models.Actor) (secret string) {
	t.Helper()
	e, err := h.BeginTOTP(t.Context(), actor)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.ConfirmTOTP(t.Context(), actor, h.code(t, e.Secret)); err != nil {
		t.Fatal(err)
	}
	h.wait(30 * time.Second)
	return e.Secret
}

// begin takes the first step of a sign-in, of two.
func (h *house) begin(t *testing.T) string {
	t.Helper()
	in, err := h.SignIn(t.Context(), "ada", password, origin)
	if err != nil || in.SessionID != "" || in.Step == "" || in.User.ID != "" {
		t.Fatalf("got %+v, %v; want a step and nothing else", in, err)
	}
	return in.Step
}

func (h *house) actorOf(t *testing.T, id string) models.Actor {
	t.Helper()
	actor, _, _, err := h.Session(t.Context(), id, origin)
	if err != nil {
		t.Fatal(err)
	}
	return actor
}

func TestTOTP(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *house) {
		_, actor := h.signIn(t)
		e, err := h.BeginTOTP(t.Context(), actor)
		if err != nil || !strings.HasPrefix(e.URI, "otpauth://totp/Keeper:ada?") || !strings.HasPrefix(string(e.QR), "\x89PNG") {
			t.Fatalf("got %s and a picture of %d bytes, %v", e.URI, len(e.QR), err)
		}
		// Begun and not confirmed, it changes nothing.
		h.signIn(t)
		wantFault(t, h.ConfirmTOTP(t.Context(), actor, "000000"), fault.Invalid)
		first := h.code(t, e.Secret)
		if err := h.ConfirmTOTP(t.Context(), actor, first); err != nil {
			t.Fatal(err)
		}
		_, err = h.BeginTOTP(t.Context(), actor)
		wantFault(t, err, fault.Conflict)
		_, err = h.FinishTOTP(t.Context(), h.begin(t), first, origin) // used to confirm
		wantFault(t, err, fault.Unauthenticated)

		h.wait(30 * time.Second)
		step, code := h.begin(t), h.code(t, e.Secret)
		in, err := h.FinishTOTP(t.Context(), step, code[:3]+" "+code[3:], origin)
		if err != nil || in.User.Username != "ada" {
			t.Fatalf("got %+v, %v", in, err)
		}
		if _, session, _, err := h.Session(t.Context(), in.SessionID, origin); err != nil || session.Method != models.ByTOTP || !h.Fresh(session) {
			t.Errorf("session %+v, %v", session, err)
		}
		_, err = h.FinishTOTP(t.Context(), step, h.code(t, e.Secret), origin)
		wantFault(t, err, fault.Unauthenticated) // the step is used up
		_, err = h.FinishTOTP(t.Context(), h.begin(t), code, origin)
		wantFault(t, err, fault.Unauthenticated) // the code is used up

		if err := h.RemoveTOTP(t.Context(), actor); err != nil {
			t.Fatal(err)
		}
		h.signIn(t)
		var stored models.User
		h.change(t, func(u *models.User) { stored = *u })
		if len(stored.TOTPSecret) != 0 || stored.TOTPConfirmedAt != nil {
			t.Errorf("stored %+v", stored)
		}
	})
}

// TestOneCodeOnce has many sign-ins use one code at once, on two replicas.
func TestOneCodeOnce(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *house) {
		_, actor := h.signIn(t)
		secret := h.enrol(t, actor)
		codes, err := h.NewRecoveryCodes(t.Context(), actor)
		if err != nil {
			t.Fatal(err)
		}
		other := newHouse(t, h.store)
		other.ahead = h.ahead
		race := func(t *testing.T, finish func(h *house, step string) error) {
			var steps []string
			for range 6 {
				steps = append(steps, h.begin(t))
			}
			steps = append(steps, steps[0], steps[0]) // and one step several times
			var in int
			var mu sync.Mutex
			var all sync.WaitGroup
			for i, step := range steps {
				all.Go(func() {
					err := finish([]*house{h, other}[i%2], step)
					mu.Lock()
					defer mu.Unlock()
					if err == nil {
						in++
					} else if !fault.Is(err, fault.Unauthenticated) {
						t.Error(err)
					}
				})
			}
			all.Wait()
			if in != 1 {
				t.Errorf("%d came in with one code", in)
			}
		}
		t.Run("TOTP", func(t *testing.T) {
			code := h.code(t, secret)
			race(t, func(h *house, step string) error {
				_, err := h.FinishTOTP(context.Background(), step, code, origin)
				return err
			})
		})
		t.Run("RecoveryCode", func(t *testing.T) {
			race(t, func(h *house, step string) error {
				_, err := h.FinishRecoveryCode(context.Background(), step, codes[0], origin)
				return err
			})
		})
		t.Run("OneStepTwoCodes", func(t *testing.T) {
			step := h.begin(t)
			var in int
			var mu sync.Mutex
			var all sync.WaitGroup
			for _, code := range codes[1:4] {
				all.Go(func() {
					if _, err := h.FinishRecoveryCode(context.Background(), step, code, origin); err == nil {
						mu.Lock()
						defer mu.Unlock()
						in++
					}
				})
			}
			all.Wait()
			if in != 1 {
				t.Errorf("one step let %d in", in)
			}
			if left, _ := h.RecoveryCodesLeft(t.Context(), actor); left != 8 {
				t.Errorf("%d codes are left; those of the sign-ins that failed must be", left)
			}
		})
	})
}

func TestGuessingCodes(t *testing.T) {
	wrong := func(h *house, step string) error {
		_, err := h.FinishTOTP(context.Background(), step, "000000", origin)
		return err
	}
	t.Run("OneStep", func(t *testing.T) {
		h := open(t)
		_, actor := h.signIn(t)
		secret := h.enrol(t, actor)
		step := h.begin(t)
		for range 5 {
			wantFault(t, wrong(h, step), fault.Unauthenticated)
		}
		_, err := h.FinishTOTP(t.Context(), step, h.code(t, secret), origin)
		wantFault(t, err, fault.Unauthenticated)
		if _, err := h.FinishTOTP(t.Context(), h.begin(t), h.code(t, secret), origin); err != nil {
			t.Errorf("a new sign-in: %v", err)
		}
	})
	// However many sign-ins, networks and replicas: ten an hour, and a few more a day. What is
	// right in between gives no further tries.
	t.Run("ManySteps", func(t *testing.T) {
		h := open(t)
		_, actor := h.signIn(t)
		secret := h.enrol(t, actor)
		codes, err := h.NewRecoveryCodes(t.Context(), actor)
		if err != nil {
			t.Fatal(err)
		}
		replicas := []*house{h, newHouse(t, h.store)}
		replicas[1].ahead = h.ahead
		tried := 0
		for i := range 30 {
			in, err := replicas[i%2].SignIn(t.Context(), "ada", password, auth.Origin{Address: fmt.Sprintf("192.0.2.%d", i)})
			if err != nil {
				t.Fatal(err)
			}
			if fault.Is(wrong(replicas[i%2], in.Step), fault.Unauthenticated) {
				tried++
			}
			if i == 5 {
				if _, err := h.FinishTOTP(t.Context(), h.begin(t), h.code(t, secret), origin); err != nil {
					t.Fatal(err)
				}
			}
		}
		if tried != 10 {
			t.Errorf("%d codes were tried, want 10", tried)
		}
		wantFault(t, wrong(newHouse(t, h.store), h.begin(t)), fault.Throttled)
		if _, err := h.FinishRecoveryCode(t.Context(), h.begin(t), strings.ToLower(codes[9]), origin); err != nil {
			t.Errorf("a recovery code: %v", err)
		}
		for range 48 {
			h.wait(30 * time.Minute)
			if step := h.begin(t); fault.Is(wrong(h, step), fault.Unauthenticated) {
				tried++
			}
		}
		if tried > 41 || tried < 35 {
			t.Errorf("%d codes were tried within a day, want 40", tried)
		}
	})
}

// TestStepConfusion uses what belongs to one step, account or purpose for another.
func TestStepConfusion(t *testing.T) {
	h := open(t)
	id, actor := h.signIn(t)
	secret := h.enrol(t, actor)
	finish := func(step string) error {
		_, err := h.FinishTOTP(t.Context(), step, h.code(t, secret), origin)
		return err
	}
	t.Run("NoStep", func(t *testing.T) {
		for _, step := range []string{"", "x", id, strings.Repeat("x", 100_000)} {
			wantFault(t, finish(step), fault.Unauthenticated)
		}
	})
	t.Run("AStepIsNoSession", func(t *testing.T) {
		_, _, _, err := h.Session(t.Context(), h.begin(t), origin)
		wantFault(t, err, fault.Unauthenticated)
	})
	t.Run("OtherPurpose", func(t *testing.T) {
		_, step, err := h.BeginPasskey(t.Context(), "", origin)
		if err != nil {
			t.Fatal(err)
		}
		wantFault(t, finish(step), fault.Unauthenticated)
		if _, step, err = h.BeginPasskeyRegistration(t.Context(), actor); err != nil {
			t.Fatal(err)
		}
		wantFault(t, finish(step), fault.Unauthenticated)
	})
	t.Run("Expired", func(t *testing.T) {
		step := h.begin(t)
		h.wait(5 * time.Minute)
		wantFault(t, finish(step), fault.Unauthenticated)
	})
	t.Run("PasswordChanged", func(t *testing.T) {
		step := h.begin(t)
		id, err := h.ChangePassword(t.Context(), actor, password, "a quite different one")
		if err != nil {
			t.Fatal(err)
		}
		wantFault(t, finish(step), fault.Unauthenticated)
		if _, err := h.ChangePassword(t.Context(), h.actorOf(t, id), "a quite different one", password); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("Disabled", func(t *testing.T) {
		step := h.begin(t)
		h.change(t, func(u *models.User) { u.Disabled = true })
		wantFault(t, finish(step), fault.Unauthenticated)
	})
}

func TestRecoveryCodes(t *testing.T) {
	h := open(t)
	_, actor := h.signIn(t)
	_, err := h.NewRecoveryCodes(t.Context(), actor)
	wantFault(t, err, fault.Conflict) // nothing to stand in for
	h.enrol(t, actor)
	codes, err := h.NewRecoveryCodes(t.Context(), actor)
	if err != nil || len(codes) != 10 || len(slices.Compact(slices.Sorted(slices.Values(codes)))) != 10 || len(codes[0]) != 19 {
		t.Fatalf("got %d codes, %v", len(codes), err)
	}
	if needs, err := h.StepNeeds(t.Context(), h.begin(t)); err != nil || !slices.Equal(needs, []models.SignInMethod{models.ByTOTP, models.ByRecoveryCode}) {
		t.Errorf("needs %v, %v", needs, err)
	}
	for _, code := range []string{"", "AAAA-AAAA-AAAA-AAAA", codes[0][:18], codes[0] + "A"} {
		_, err := h.FinishRecoveryCode(t.Context(), h.begin(t), code, origin)
		wantFault(t, err, fault.Unauthenticated)
	}
	if _, err := h.FinishRecoveryCode(t.Context(), h.begin(t), " "+strings.ToLower(strings.ReplaceAll(codes[0], "-", " ")), origin); err != nil {
		t.Error(err)
	}
	if _, err := h.NewRecoveryCodes(t.Context(), actor); err != nil {
		t.Fatal(err)
	}
	_, err = h.FinishRecoveryCode(t.Context(), h.begin(t), codes[1], origin)
	wantFault(t, err, fault.Unauthenticated)
	if err := h.RemoveTOTP(t.Context(), actor); err != nil { // the codes go with the last factor
		t.Fatal(err)
	}
	if left, err := h.RecoveryCodesLeft(t.Context(), actor); left != 0 || err != nil {
		t.Errorf("%d are left, %v", left, err)
	}
}

// TestFactorsNeedAProof holds that a session that was stolen, or a token, sets up nothing.
func TestFactorsNeedAProof(t *testing.T) {
	h := open(t)
	_, actor := h.signIn(t)
	stale := actor
	stale.ProvenAt = h.clock().Add(-auth.ProofLasts)
	token := actor
	token.Kind = models.ActorToken
	for name, c := range map[string]struct {
		actor models.Actor
		kind  fault.Kind
	}{"Stale": {stale, fault.Unproven}, "Token": {token, fault.Forbidden}, "Nobody": {auth.Nobody(origin), fault.Forbidden}} {
		t.Run(name, func(t *testing.T) {
			_, err := h.BeginTOTP(t.Context(), c.actor)
			wantFault(t, err, c.kind)
			wantFault(t, h.ConfirmTOTP(t.Context(), c.actor, "1"), c.kind)
			wantFault(t, h.RemoveTOTP(t.Context(), c.actor), c.kind)
			_, err = h.NewRecoveryCodes(t.Context(), c.actor)
			wantFault(t, err, c.kind)
			_, _, err = h.BeginPasskeyRegistration(t.Context(), c.actor)
			wantFault(t, err, c.kind)
			wantFault(t, h.RenamePasskey(t.Context(), c.actor, "x", "y"), c.kind)
			wantFault(t, h.RemovePasskey(t.Context(), c.actor, "x"), c.kind)
		})
	}
}

func TestAdminResetFactors(t *testing.T) {
	h := open(t)
	id, actor := h.signIn(t)
	h.enrol(t, actor)
	nobody := actor
	nobody.Role = models.RoleUser
	wantFault(t, h.AdminResetFactors(t.Context(), nobody, actor.UserID), fault.Forbidden)
	stale := actor
	stale.ProvenAt = time.Time{}
	wantFault(t, h.AdminResetFactors(t.Context(), stale, actor.UserID), fault.Unproven)
	step := h.begin(t)
	local, err := h.Local(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	if err := h.AdminResetFactors(t.Context(), local, actor.UserID); err != nil {
		t.Fatal(err)
	}
	_, _, _, err = h.Session(t.Context(), id, origin)
	wantFault(t, err, fault.Unauthenticated)
	_, err = h.StepNeeds(t.Context(), step)
	wantFault(t, err, fault.Unauthenticated)
	h.signIn(t)
	if h.count(t, "factor.reset", models.OutcomeAllowed) != 1 || h.count(t, "factor.reset", models.OutcomeRefused) != 2 {
		t.Error("the reset, its refusal or the proof that was asked for is not on record")
	}
}
