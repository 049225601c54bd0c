package auth_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"
	"github.com/pquerna/otp/totp"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// TestOneTimePasswordOnce has two who hold a one-time password choose another at once, on two
// replicas: one of them has the account, and the other is out.
func TestOneTimePasswordOnce(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *house) {
		_, oneTime, err := h.CreateUser(t.Context(), models.System(), auth.NewUser{Username: "grace"})
		if err != nil {
			t.Fatal(err)
		}
		replicas := []*house{h, newHouse(t, h.store)}
		chosen := []string{"the first four words", "the other four words"}
		actors, sessions := make([]models.Actor, 2), make([]string, 2)
		for i, r := range replicas {
			in, err := r.SignIn(t.Context(), "grace", oneTime, origin)
			if err != nil {
				t.Fatal(err)
			}
			actors[i] = r.actorOf(t, in.SessionID)
		}
		errs := make([]error, 2)
		var both sync.WaitGroup
		for i, r := range replicas {
			both.Go(func() { sessions[i], errs[i] = r.ChangePassword(context.Background(), actors[i], oneTime, chosen[i]) })
		}
		both.Wait()
		won := 0
		if errs[0] != nil {
			won = 1
		}
		if errs[won] != nil || errs[1-won] == nil {
			t.Fatalf("the two end with %v and %v; want one to win", errs[0], errs[1])
		}
		h.actorOf(t, sessions[won])
		if sessions[1-won] != "" {
			t.Error("the loser has a session")
		}
		if _, err := h.SignIn(t.Context(), "grace", chosen[won], origin); err != nil {
			t.Errorf("the winner's password: %v", err)
		}
		for _, gone := range []string{oneTime, chosen[1-won]} {
			_, err := h.SignIn(t.Context(), "grace", gone, origin)
			wantFault(t, err, fault.Unauthenticated)
		}
	})
}

// TestEarlierCodesDoNotCount: after the code of a step, the one of the step before is as used
// as it is, on a replica whose clock goes after too.
func TestEarlierCodesDoNotCount(t *testing.T) {
	h := open(t)
	_, actor := h.signIn(t)
	secret := h.enrol(t, actor)
	h.wait(2 * time.Minute)
	late := newHouse(t, h.store)
	late.ahead = h.ahead - 25*time.Second
	code := func(at time.Time) string {
		t.Helper()
		text, err := totp.GenerateCode(secret, at)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	now := h.clock()
	next, present, before := code(now.Add(30*time.Second)), code(now), code(now.Add(-30*time.Second))
	if _, err := h.FinishTOTP(t.Context(), h.begin(t), next, origin); err != nil {
		t.Fatalf("the code of a clock that goes before: %v", err)
	}
	for _, one := range []string{next, present, before} {
		for _, r := range []*house{h, late} {
			_, err := r.FinishTOTP(t.Context(), r.begin(t), one, origin)
			wantFault(t, err, fault.Unauthenticated)
		}
	}
}

// TestPasskeyAnswersToItsChallenge uses answers to other challenges, in other people's hands,
// and of other sites.
func TestPasskeyAnswersToItsChallenge(t *testing.T) {
	h := open(t)
	_, ada := h.signIn(t)
	d := newDevice(ada)
	d.register(t, h, ada, "laptop")
	grace := h.person(t, "grace", models.RoleUser)
	t.Run("EarlierOne", func(t *testing.T) {
		step := h.begin(t)
		first, _, err := h.BeginPasskey(t.Context(), step, origin)
		if err != nil {
			t.Fatal(err)
		}
		old := d.answer(t, first, party)
		second, _, err := h.BeginPasskey(t.Context(), step, origin)
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.FinishPasskey(t.Context(), step, old, origin)
		wantFault(t, err, fault.Unauthenticated)
		if _, err := h.FinishPasskey(t.Context(), step, d.answer(t, second, party), origin); err != nil {
			t.Errorf("the newest: %v", err)
		}
	})
	t.Run("AnothersProof", func(t *testing.T) {
		options, step, err := h.BeginPasskeyProof(t.Context(), ada)
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.ProveByPasskey(t.Context(), grace, step, d.answer(t, options, party))
		wantFault(t, err, fault.Unauthenticated)
	})
	t.Run("ProofIsNoSecondFactor", func(t *testing.T) {
		options, _, err := h.BeginPasskeyProof(t.Context(), ada)
		if err != nil {
			t.Fatal(err)
		}
		step := h.begin(t)
		if _, _, err := h.BeginPasskey(t.Context(), step, origin); err != nil {
			t.Fatal(err)
		}
		_, err = h.FinishPasskey(t.Context(), step, d.answer(t, options, party), origin)
		wantFault(t, err, fault.Unauthenticated)
	})
	register := func(t *testing.T, actor models.Actor, by *device, at virtualwebauthn.RelyingParty, edit func(*virtualwebauthn.AttestationOptions)) error {
		t.Helper()
		options, step, err := h.BeginPasskeyRegistration(t.Context(), actor)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := virtualwebauthn.ParseAttestationOptions(string(options))
		if err != nil {
			t.Fatal(err)
		}
		edit(parsed)
		reply := virtualwebauthn.CreateAttestationResponse(at, by.Authenticator, by.key, *parsed)
		_, err = h.FinishPasskeyRegistration(t.Context(), actor, step, "new", []byte(reply))
		return err
	}
	none := func(*virtualwebauthn.AttestationOptions) {}
	t.Run("RegisteredElsewhere", func(t *testing.T) {
		wantFault(t, register(t, ada, newDevice(ada), virtualwebauthn.RelyingParty{ID: "localhost", Origin: "https://evil.example"}, none), fault.Invalid)
		wantFault(t, register(t, ada, newDevice(ada), virtualwebauthn.RelyingParty{ID: "evil.example", Origin: "http://localhost"}, none), fault.Invalid)
	})
	t.Run("RegisteredForAnother", func(t *testing.T) {
		wantFault(t, register(t, ada, newDevice(ada), party, func(o *virtualwebauthn.AttestationOptions) { o.Challenge = []byte("another challenge of 32 bytes ...") }), fault.Invalid)
	})
	t.Run("RegisteredTwice", func(t *testing.T) { // and so the key of two people
		if err := register(t, grace, d, party, none); err == nil {
			t.Error("one key is two people's")
		}
		options, step := h.ask(t)
		in, err := h.FinishPasskey(t.Context(), step, d.answer(t, options, party), origin)
		if err != nil || in.User.Username != "ada" {
			t.Errorf("it is now %s's, %v", in.User.Username, err)
		}
	})
	t.Run("NotWhatWasAsked", func(t *testing.T) { // an answer without the challenge's own step
		options, _ := h.ask(t)
		_, err := h.FinishPasskey(t.Context(), h.begin(t), d.answer(t, options, party), origin)
		wantFault(t, err, fault.Unauthenticated)
		_, err = h.FinishPasskey(t.Context(), "", d.answer(t, options, party), origin)
		wantFault(t, err, fault.Unauthenticated)
	})
}

// TestProofStaysWhereItWasGiven: in one session, until its time is over, and not with those
// that the person has besides or opens anew at a provider.
func TestProofStaysWhereItWasGiven(t *testing.T) {
	h := open(t)
	here, _ := h.signIn(t)
	there, _ := h.signIn(t)
	h.wait(auth.ProofLasts)
	proved, err := h.ProveByPassword(t.Context(), h.actorOf(t, here), password)
	if err != nil {
		t.Fatal(err)
	}
	wantFault(t, auth.Proven(h.actorOf(t, there), h.clock()), fault.Unproven)
	actor := h.actorOf(t, proved)
	long := h.clock().Add(-time.Hour)
	vouched, err := h.OpenFor(t.Context(), actor.UserID, auth.Proof{Method: models.BySAML, ProviderID: "idp_1", NameID: "ada", ProvenAt: &long}, origin)
	if err != nil {
		t.Fatal(err)
	}
	wantFault(t, auth.Proven(h.actorOf(t, vouched), h.clock()), fault.Unproven)
	if err := h.SignOut(t.Context(), actor); err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{here, proved} {
		_, _, _, err := h.Session(t.Context(), gone, origin)
		wantFault(t, err, fault.Unauthenticated)
	}
	if id, err := h.ProveByPassword(t.Context(), actor, password); err == nil || id != "" { // who was let in a moment before
		t.Errorf("a session that ended is proved: %v", err)
	}
	h.wait(auth.ProofLasts)
	again, fresh := h.signIn(t)
	if err := auth.Proven(fresh, h.clock()); err != nil {
		t.Errorf("after signing in: %v", err)
	}
	h.wait(auth.ProofLasts)
	wantFault(t, auth.Proven(h.actorOf(t, again), h.clock()), fault.Unproven)
}

// TestRightsOfTokensFollow: on a replica that remembers a token, what its user lost is lost to
// it within two seconds.
func TestRightsOfTokensFollow(t *testing.T) {
	h := open(t)
	other := newHouse(t, h.store)
	e := h.environment(t, "production")
	ada := h.reload(t, "ada")
	h.person(t, "grace", models.RoleUser)
	g, err := h.CreateGroup(t.Context(), ada, auth.NewGroup{Name: "readers"})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.SetGroupRole(t.Context(), ada, string(g.ID), e, models.RoleReader); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ give, take func() error }{
		"Member": {
			func() error { return h.SetMember(t.Context(), ada, e, "grace", models.RoleReader) },
			func() error { return h.SetMember(t.Context(), ada, e, "grace", "") },
		},
		"Group": {
			func() error { return h.SetGroupMember(t.Context(), ada, string(g.ID), "grace", true) },
			func() error { return h.SetGroupMember(t.Context(), ada, string(g.ID), "grace", false) },
		},
		"Role": {
			func() error { return h.promote(t, ada, "grace", models.RoleAdmin) },
			func() error { return h.promote(t, ada, "grace", models.RoleUser) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			if err := c.give(); err != nil {
				t.Fatal(err)
			}
			text, _ := h.token(t, h.reload(t, "grace"), auth.NewToken{Name: "of " + name})
			if !auth.Can(other.bearer(t, text), auth.RevealSecret, e) {
				t.Fatal("the token may not what its user may")
			}
			if err := c.take(); err != nil {
				t.Fatal(err)
			}
			for end := time.Now().Add(2 * time.Second); auth.Can(other.bearer(t, text), auth.RevealSecret, e); time.Sleep(20 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatal("the token keeps what its user lost")
				}
			}
		})
	}
}

func (h *house) promote(t *testing.T, by models.Actor, name string, role models.GlobalRole) error {
	t.Helper()
	_, err := h.UpdateUser(t.Context(), by, name, auth.UserChange{Role: &role}, 0)
	return err
}

// TestResetPasswordEndsWhatThereWas: the sessions that stand, and a sign-in between its steps.
func TestResetPasswordEndsWhatThereWas(t *testing.T) {
	h := open(t)
	id, actor := h.signIn(t)
	secret := h.enrol(t, actor)
	step := h.begin(t)
	oneTime, err := h.ResetPassword(t.Context(), models.System(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	_, _, _, err = h.Session(t.Context(), id, origin)
	wantFault(t, err, fault.Unauthenticated)
	_, err = h.FinishTOTP(t.Context(), step, h.code(t, secret), origin)
	wantFault(t, err, fault.Unauthenticated)
	_, err = h.SignIn(t.Context(), "ada", password, origin)
	wantFault(t, err, fault.Unauthenticated)
	in, err := h.SignIn(t.Context(), "ada", oneTime, origin)
	if err != nil || in.Step == "" {
		t.Fatalf("the new password leads to %+v, %v; the second factor stands", in, err)
	}
	if in, err = h.FinishTOTP(t.Context(), in.Step, h.code(t, secret), origin); err != nil || !in.User.MustChangePassword {
		t.Errorf("got %+v, %v", in.User, err)
	}
}
