package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// SignedIn is how far a sign-in has come: either a session, or a step that waits for a
// second factor.
type SignedIn struct {
	SessionID string // only the browser's cookie may hold it
	User      models.User
	Device    string                // for the browser to keep, with a session; see Origin
	Step      string                // only the browser's cookie may hold it
	Needs     []models.SignInMethod // of which one takes the step
}

// Proof is how a person proved who it is.
type Proof struct {
	Method       models.SignInMethod
	ProviderID   models.ProviderID // the rest is of SAML
	NameID       string
	NameIDFormat string
	SessionIndex string
	ProvenAt     *time.Time // when the person proved it, where that was earlier; nil: now
	ExpiresAt    *time.Time // when the session has to end at the latest; nil: as every one
}

// The purposes of steps. One of a purpose is no step of another.
const (
	secondFactor    = "second_factor"
	passkeySignIn   = "passkey_sign_in"
	passkeyProof    = "prove"
	passkeyRegister = "passkey_register"
)

// Limits of steps.
const (
	stepLasts = 5 * time.Minute
	stepTries = 5
)

// stepData is what a step needs to be checked.
type stepData struct {
	Account  []byte                `json:"account,omitempty"`  // digest of what the step was begun with
	WebAuthn *webauthn.SessionData `json:"webauthn,omitempty"` // of the passkey that was asked for
}

// SignIn begins a sign-in with a password. Where the account has a second factor there is a
// step to finish, and no session yet.
func (s *Service) SignIn(ctx context.Context, username, password string, o Origin) (SignedIn, error) {
	nobody := Nobody(o)
	nobody.Name = username
	browser, err := s.device(ctx, o.Device)
	if err != nil {
		return SignedIn{}, err
	}
	var in SignedIn
	again, err := s.guarded(ctx, countedAt(accountName(username), o.Address, browser), func() error {
		u, err := s.verify(ctx, username, password)
		if err == nil {
			err = s.passwordServes(u)
		}
		if err != nil {
			return err
		}
		return s.store.Write(ctx, func(tx *store.Tx) error {
			in, err = s.passwordWasRight(tx, u, o)
			return err
		})
	})
	switch {
	case again:
		return SignedIn{}, err
	case fault.Is(err, fault.Unauthenticated), fault.Is(err, fault.Throttled):
		return SignedIn{}, s.refuseSignIn(ctx, nobody, err)
	case err != nil:
		return SignedIn{}, err
	}
	return in, nil
}

// passwordWasRight goes on where the password was right a moment ago, and still is.
func (s *Service) passwordWasRight(tx *store.Tx, verified models.User, o Origin) (in SignedIn, err error) {
	u, err := unchanged(tx, verified)
	if err != nil {
		return in, err
	}
	if in.Needs, err = s.secondFactors(tx, u); err != nil {
		return in, err
	}
	if len(in.Needs) == 0 {
		return s.enter(tx, u, models.ByPassword, o)
	}
	if in.Step, err = s.newStep(tx, secondFactor, u.ID, stepData{Account: s.accountState(u)}); err != nil {
		return in, err
	}
	return in, tx.AppendAudit(onUser(from(person(u), o), "session.begin", u))
}

// enter opens the session of a locked user who has proved all that it takes.
func (s *Service) enter(tx *store.Tx, u models.User, by models.SignInMethod, o Origin) (in SignedIn, err error) {
	in.SessionID, err = s.open(tx, &u, Proof{Method: by}, o)
	in.User, in.Device = u, s.newDevice(u)
	return in, err
}

// secondFactors are those that an account has set up.
func (s *Service) secondFactors(tx *store.Tx, u models.User) ([]models.SignInMethod, error) {
	var have []models.SignInMethod
	if u.TOTPConfirmedAt != nil {
		have = append(have, models.ByTOTP)
	}
	keys, err := tx.Passkeys(u.ID)
	if err != nil {
		return nil, err
	}
	if len(keys) > 0 {
		have = append(have, models.ByPasskey)
	}
	if len(have) == 0 {
		return nil, nil
	}
	codes, err := tx.CountRecoveryCodes(u.ID)
	if codes > 0 {
		have = append(have, models.ByRecoveryCode)
	}
	return have, err
}

// accountState changes with the password: a sign-in that was begun with another one ends.
func (s *Service) accountState(u models.User) []byte {
	return []byte(s.digest("account\x00" + string(u.ID) + "\x00" + u.PasswordHash))
}

func (s *Service) stepHash(id string) string { return s.digest("step\x00" + id) }

// newStep keeps a step and returns its identifier.
func (s *Service) newStep(tx *store.Tx, purpose string, user models.UserID, data stepData) (string, error) {
	encoded, err := json.Marshal(data)
	if err != nil {
		return "", fault.Wrap(err, fault.Internal, "The step cannot be kept.")
	}
	id, now := random(32), s.now()
	step := models.SignInStep{
		Hash: s.stepHash(id), UserID: user, Purpose: purpose, Data: encoded, CreatedAt: now, ExpiresAt: now.Add(stepLasts),
	}
	return id, tx.CreateStep(&step)
}

func stepOver() error {
	return fault.New(fault.Unauthenticated, "This took too long, was tried too often, or is done already.").WithHint("Begin again.")
}

// step loads a step of one of the purposes that is still open.
func (s *Service) step(tx *store.Tx, id string, purposes ...string) (models.SignInStep, stepData, error) {
	row, err := tx.Step(s.stepHash(id))
	return s.openStep(row, err, purposes)
}

// tryStep is step, and counts the try, which stays counted whatever comes of it.
func (s *Service) tryStep(ctx context.Context, id string, purposes ...string) (row models.SignInStep, data stepData, err error) {
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		row, err = tx.TryStep(s.stepHash(id))
		return err
	})
	return s.openStep(row, err, purposes)
}

func (s *Service) openStep(row models.SignInStep, err error, purposes []string) (models.SignInStep, stepData, error) {
	var data stepData
	switch {
	case fault.Is(err, fault.NotFound):
		return row, data, stepOver()
	case err != nil:
		return row, data, err
	case !slices.Contains(purposes, row.Purpose), row.Tries > stepTries, !s.now().Before(row.ExpiresAt):
		return row, data, stepOver()
	}
	if err := json.Unmarshal(row.Data, &data); err != nil {
		return row, data, fault.Wrap(err, fault.Internal, "A step of a sign-in cannot be read.")
	}
	return row, data, nil
}

// StepNeeds is what takes a sign-in's second step.
func (s *Service) StepNeeds(ctx context.Context, step string) (needs []models.SignInMethod, err error) {
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		row, _, err := s.step(tx, step, secondFactor)
		if err != nil {
			return err
		}
		u, err := tx.User(row.UserID)
		if err != nil {
			return err
		}
		needs, err = s.secondFactors(tx, u)
		return err
	})
	return needs, err
}

// FinishTOTP takes the second step of a sign-in with a code.
func (s *Service) FinishTOTP(ctx context.Context, step, code string, o Origin) (SignedIn, error) {
	return s.finish(ctx, step, models.ByTOTP, o, func(tx *store.Tx, u *models.User, _ stepData) error { return s.takeCode(tx, u, code) })
}

// FinishRecoveryCode takes it with a recovery code, which is used up.
func (s *Service) FinishRecoveryCode(ctx context.Context, step, code string, o Origin) (SignedIn, error) {
	return s.finish(ctx, step, models.ByRecoveryCode, o, func(tx *store.Tx, u *models.User, _ stepData) error {
		return s.takeRecoveryCode(tx, *u, code)
	})
}

// finish takes the second step of a sign-in. What was checked, the end of the step and the
// session are one transaction: of two that take a step, or use a code, at once, one gets in.
func (s *Service) finish(ctx context.Context, id string, by models.SignInMethod, o Origin, check func(*store.Tx, *models.User, stepData) error) (SignedIn, error) {
	row, data, err := s.tryStep(ctx, id, secondFactor)
	if err != nil {
		return SignedIn{}, err
	}
	var in SignedIn
	attempt := func() error {
		return s.store.Write(ctx, func(tx *store.Tx) error {
			u, err := tx.LockUser(row.UserID)
			if err != nil {
				return err
			}
			if u.Disabled || !s.mayUsePassword(u) || !bytes.Equal(data.Account, s.accountState(u)) {
				return stepOver()
			}
			if s.oneTimeEnded(u) {
				return errOneTimeEnded
			}
			if err := check(tx, &u, data); err != nil {
				return err
			}
			if err := tx.TakeStep(row.Hash); err != nil {
				return err
			}
			in, err = s.enter(tx, u, by, o)
			return err
		})
	}
	again := false
	if by == models.ByTOTP {
		var browser device
		if browser, err = s.device(ctx, o.Device); err != nil {
			return SignedIn{}, err
		}
		key := string(row.UserID)
		if browser.user.ID == row.UserID {
			key = browser.key
		}
		again, err = s.guardedCode(ctx, key, attempt)
	} else {
		err = attempt()
	}
	if err == nil {
		return in, nil
	}
	if fault.Is(err, fault.NotFound) {
		err = stepOver()
	}
	if again || !fault.Is(err, fault.Unauthenticated) && !fault.Is(err, fault.Throttled) {
		return SignedIn{}, err
	}
	return SignedIn{}, s.refuseStep(ctx, row.UserID, by, o, err)
}

// refuseStep records a second step that failed: whoever took it knew the password.
func (s *Service) refuseStep(ctx context.Context, user models.UserID, by models.SignInMethod, o Origin, refusal error) error {
	var u models.User
	err := s.store.Read(ctx, func(tx *store.Tx) (err error) {
		u, err = tx.User(user)
		return err
	})
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	nobody := Nobody(o)
	nobody.Name = u.Username
	entry := onUser(nobody, "session.create", u)
	entry.Outcome, entry.Detail = models.OutcomeRefused, map[string]string{"method": string(by)}
	if errors.Is(refusal, errOneTimeEnded) {
		entry.Detail["reason"] = ReasonOneTimeEnded
	}
	if err := s.record(ctx, entry); err != nil {
		return err
	}
	return refusal
}
