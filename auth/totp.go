package auth

import (
	"bytes"
	"context"
	"crypto/subtle"
	"image/png"
	"strings"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// Codes are those of RFC 6238 that every authenticator app makes: SHA-1, six digits, thirty
// seconds; the step before and the one after are taken, for clocks that differ.
const (
	totpPeriod  = 30
	totpSkew    = 1
	totpPurpose = "totp"
	qrSize      = 240 // pixels
)

// Enrolment is what an authenticator app needs; it is shown once.
type Enrolment struct {
	Secret string // base32, to be typed where a picture cannot be read
	URI    string // otpauth://
	QR     []byte // PNG of the URI
}

func wrongCode() error {
	return fault.New(fault.Unauthenticated, "The code is wrong, or was used already.").WithHint("Wait for the next one and try that.")
}

// takeCode accepts a code of a locked user, each time step's once.
func (s *Service) takeCode(tx *store.Tx, u *models.User, code string) error {
	if u.TOTPConfirmedAt == nil {
		return wrongCode()
	}
	step, err := s.matchCode(*u, code)
	if err != nil {
		return err
	}
	u.TOTPLastStep = step
	return tx.UpdateUser(u)
}

// matchCode finds the time step, later than the last one accepted, that a code belongs to.
func (s *Service) matchCode(u models.User, code string) (int64, error) {
	secret, err := s.box.Open(totpPurpose, string(u.ID), u.TOTPSecret)
	if err != nil {
		return 0, err
	}
	code = strings.Join(strings.Fields(code), "")
	now := s.now().Unix() / totpPeriod
	found := int64(0)
	for step := now - totpSkew; step <= now+totpSkew; step++ {
		want, err := hotp.GenerateCodeCustom(string(secret), uint64(step), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			return 0, fault.Wrap(err, fault.Internal, "The secret of an authenticator app cannot be read.")
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 && step > u.TOTPLastStep {
			found = step
		}
	}
	if found == 0 {
		return 0, wrongCode()
	}
	return found, nil
}

// BeginTOTP makes a secret for the actor's authenticator app. It holds from ConfirmTOTP on;
// Conflict where an app is set up already.
func (s *Service) BeginTOTP(ctx context.Context, actor models.Actor) (Enrolment, error) {
	key, err := totp.Generate(totp.GenerateOpts{Issuer: "Keeper", AccountName: actor.Name, Period: totpPeriod, SecretSize: 20})
	if err != nil {
		return Enrolment{}, fault.Wrap(err, fault.Internal, "A secret for the app cannot be made.")
	}
	sealed, err := s.box.Seal(totpPurpose, string(actor.UserID), []byte(key.Secret()))
	if err != nil {
		return Enrolment{}, err
	}
	picture, err := key.Image(qrSize, qrSize)
	if err != nil {
		return Enrolment{}, fault.Wrap(err, fault.Internal, "The picture of the secret cannot be made.")
	}
	var qr bytes.Buffer
	if err := png.Encode(&qr, picture); err != nil {
		return Enrolment{}, fault.Wrap(err, fault.Internal, "The picture of the secret cannot be made.")
	}
	err = s.onOwnFactors(ctx, actor, "", func(_ *store.Tx, u *models.User) error {
		if u.TOTPConfirmedAt != nil {
			return fault.New(fault.Conflict, "An authenticator app is set up already.").WithHint("Remove it first, then set up the other one.")
		}
		u.TOTPSecret = sealed
		return nil
	})
	if err != nil {
		return Enrolment{}, err
	}
	return Enrolment{Secret: key.Secret(), URI: key.String(), QR: qr.Bytes()}, nil
}

// ConfirmTOTP switches codes on, given one that the app shows.
func (s *Service) ConfirmTOTP(ctx context.Context, actor models.Actor, code string) error {
	_, err := s.guardedCode(ctx, codesIn(actor), func() error {
		return s.onOwnFactors(ctx, actor, "factor.totp_on", func(_ *store.Tx, u *models.User) error {
			if u.TOTPSecret == nil || u.TOTPConfirmedAt != nil {
				return fault.New(fault.Conflict, "There is no authenticator app to confirm.").WithHint("Begin to set one up.")
			}
			step, err := s.matchCode(*u, code)
			if err != nil {
				return err
			}
			now := s.now()
			u.TOTPConfirmedAt, u.TOTPLastStep = &now, step
			return nil
		})
	})
	if fault.Is(err, fault.Unauthenticated) {
		return fault.InvalidField("code", "is not the one that the app shows now; check that the clocks are right")
	}
	return err
}

// RemoveTOTP switches codes off.
func (s *Service) RemoveTOTP(ctx context.Context, actor models.Actor) error {
	return s.onOwnFactors(ctx, actor, "factor.totp_off", func(tx *store.Tx, u *models.User) error {
		if u.TOTPSecret == nil {
			return fault.New(fault.NotFound, "There is no authenticator app to remove.")
		}
		// The last step stays: a code that was seen serves no second time for another secret.
		u.TOTPSecret, u.TOTPConfirmedAt = nil, nil
		return s.dropIdleCodes(tx, *u)
	})
}

// onOwnFactors changes the actor's own second factors: only a person may who has proved who
// it is a moment ago. The change is recorded as the action, where it has a name.
func (s *Service) onOwnFactors(ctx context.Context, actor models.Actor, action string, change func(*store.Tx, *models.User) error) error {
	if err := s.mayChangeFactors(ctx, actor); err != nil {
		return err
	}
	return s.store.Write(ctx, func(tx *store.Tx) error {
		u, err := tx.LockUser(actor.UserID)
		if err != nil {
			return err
		}
		if err := change(tx, &u); err != nil {
			return err
		}
		if err := tx.UpdateUser(&u); err != nil || action == "" {
			return err
		}
		return tx.AppendAudit(onUser(actor, action, u))
	})
}

func (s *Service) mayChangeFactors(ctx context.Context, actor models.Actor) error {
	if actor.Kind != models.ActorUser {
		err := fault.New(fault.Forbidden, "Second factors are set up only by the person whose they are.").WithHint("Sign in with a browser.")
		return s.refuse(ctx, actor, "factor.change", err)
	}
	return s.askProof(ctx, actor, "factor.change")
}
