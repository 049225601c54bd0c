package auth

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// Recovery codes: 16 letters and digits of base32, which are 80 random bits. There is nothing
// to guess, so they are not counted as codes of six digits are.
const (
	recoveryCodes   = 10
	recoveryLetters = 16
	recoveryGroup   = 4
)

// NewRecoveryCodes makes ten codes in place of those before. They are shown once. Conflict
// where there is no second factor that they could stand in for.
func (s *Service) NewRecoveryCodes(ctx context.Context, actor models.Actor) ([]string, error) {
	codes, hashes := make([]string, recoveryCodes), make([]string, recoveryCodes)
	for i := range codes {
		text := rand.Text()[:recoveryLetters]
		groups := slices.Collect(slices.Chunk([]byte(text), recoveryGroup))
		parts := make([]string, len(groups))
		for j, group := range groups {
			parts[j] = string(group)
		}
		codes[i], hashes[i] = strings.Join(parts, "-"), s.recoveryHash(actor.UserID, text)
	}
	err := s.onOwnFactors(ctx, actor, "factor.recovery_codes", func(tx *store.Tx, u *models.User) error {
		have, err := s.secondFactors(tx, *u)
		if err != nil {
			return err
		}
		if len(have) == 0 {
			return fault.New(fault.Conflict, "Recovery codes stand in for a second factor, and there is none yet.").
				WithHint("Set up an authenticator app or a passkey first.")
		}
		return tx.ReplaceRecoveryCodes(u.ID, hashes)
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// RecoveryCodesLeft is how many of the actor's codes are not used up.
func (s *Service) RecoveryCodesLeft(ctx context.Context, actor models.Actor) (n int, err error) {
	err = s.store.Read(ctx, func(tx *store.Tx) (err error) {
		n, err = tx.CountRecoveryCodes(actor.UserID)
		return err
	})
	return n, err
}

func (s *Service) recoveryHash(user models.UserID, code string) string {
	return s.digest("recovery code\x00" + string(user) + "\x00" + code)
}

// takeRecoveryCode uses a code up, however it was typed.
func (s *Service) takeRecoveryCode(tx *store.Tx, u models.User, typed string) error {
	code := strings.Map(func(c rune) rune {
		if c == '-' || c == ' ' || c == '\t' {
			return -1
		}
		return c
	}, strings.ToUpper(typed))
	if len(code) == recoveryLetters {
		if err := tx.TakeRecoveryCode(u.ID, s.recoveryHash(u.ID, code)); !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	return fault.New(fault.Unauthenticated, "The recovery code is wrong, or was used already.").WithHint("Try another one of yours.")
}

// dropIdleCodes removes recovery codes when the last factor that they stand in for is gone:
// left over, they would come alive with the next one. The user is not saved yet.
func (s *Service) dropIdleCodes(tx *store.Tx, u models.User) error {
	have, err := s.secondFactors(tx, u)
	if err != nil || len(have) > 0 {
		return err
	}
	return tx.ReplaceRecoveryCodes(u.ID, nil)
}

// AdminResetFactors takes all second factors from a user who lost them, and ends its
// sessions: the password alone opens the account then. The user is named by its id or its
// user name.
func (s *Service) AdminResetFactors(ctx context.Context, actor models.Actor, user models.UserID) error {
	return s.gravely(ctx, actor, ManageUsers, Global, "factor.reset", func(tx *store.Tx, actor models.Actor) error {
		u, grants, err := lockAccount(tx, string(user))
		if err != nil {
			return err
		}
		if err := holds(actor, withRights(u, grants)); err != nil {
			return err
		}
		u.TOTPSecret, u.TOTPConfirmedAt = nil, nil
		steps := []func() error{
			func() error { return tx.UpdateUser(&u) },
			func() error { return tx.DeletePasskeysOfUser(u.ID) },
			func() error { return tx.ReplaceRecoveryCodes(u.ID, nil) },
			func() error { return tx.DeleteStepsOfUser(u.ID) },
			func() error { _, err := tx.DeleteSessionsOfUser(u.ID, ""); return err },
		}
		for _, step := range steps {
			if err := step(); err != nil {
				return err
			}
		}
		return tx.AppendAudit(onUser(actor, "factor.reset", u))
	})
}
