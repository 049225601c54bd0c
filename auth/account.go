package auth

import (
	"context"
	"crypto/rand"
	"strings"

	"github.com/alexedwards/argon2id"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// badCredentials is the one answer to a wrong user and to a wrong password.
func badCredentials() error {
	return fault.New(fault.Unauthenticated, "The user name or the password is wrong.").WithHint("Check both and try again.")
}

// Bootstrap makes the first administrator where there is no user yet. It returns the
// one-time password to be shown once, or "" where users exist already or the caller set it.
func (s *Service) Bootstrap(ctx context.Context, username, given string) (oneTime string, err error) {
	password, mustChange := given, false
	if given == "" {
		password, mustChange = rand.Text(), true
	}
	hash, err := hashPassword(password)
	if err != nil {
		return "", fault.Wrap(err, fault.Internal, "The first password cannot be hashed.")
	}
	created := false
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		count, err := tx.CountUsers()
		if err != nil || count > 0 {
			return err
		}
		u := models.User{
			ID: models.NewUserID(), Username: username, DisplayName: "Administrator", PasswordHash: hash,
			Role: models.RoleAdmin, MustChangePassword: mustChange, CreatedAt: s.now(), UpdatedAt: s.now(),
		}
		if err := tx.CreateUser(&u); err != nil {
			return err
		}
		created = true
		return tx.AppendAudit(onUser(models.System(), "user.create", u))
	})
	if fault.Is(err, fault.Conflict) {
		return "", nil // another replica was first
	}
	if err != nil || !created || given != "" {
		return "", err
	}
	return password, nil
}

func onUser(actor models.Actor, action string, u models.User) models.AuditEntry {
	entry := audit.Entry(actor, action)
	entry.ObjectKind, entry.ObjectID, entry.ObjectName = "user", string(u.ID), u.Username
	return entry
}

// verify finds the user that a name and a password belong to. It takes the same work
// whether the name or the password is wrong.
func (s *Service) verify(ctx context.Context, username, password string) (models.User, error) {
	var u models.User
	err := s.store.Read(ctx, func(tx *store.Tx) (err error) {
		u, err = tx.UserByName(strings.ToLower(strings.TrimSpace(username)))
		return err
	})
	if err != nil && !fault.Is(err, fault.NotFound) {
		return u, err
	}
	hash := u.PasswordHash
	if hash == "" {
		hash = s.decoy
	}
	match, hashErr := s.compare(ctx, password, hash)
	if hashErr != nil {
		return u, hashErr
	}
	if err != nil || !match || u.Disabled || u.PasswordHash == "" {
		return models.User{}, badCredentials()
	}
	return u, nil
}

func (s *Service) compare(ctx context.Context, password, hash string) (bool, error) {
	select {
	case s.hashing <- struct{}{}:
		defer func() { <-s.hashing }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	match, err := argon2id.ComparePasswordAndHash(password, hash)
	if err != nil {
		return false, fault.Wrap(err, fault.Internal, "A stored password hash cannot be read.")
	}
	return match, nil
}

// User is the account behind an actor.
func (s *Service) User(ctx context.Context, actor models.Actor) (models.User, error) {
	var u models.User
	err := s.store.Read(ctx, func(tx *store.Tx) (err error) {
		u, err = tx.User(actor.UserID)
		return err
	})
	return u, err
}

// ChangePassword sets an actor's own password, given the present one. All other sessions
// of the user end; keep is the identifier of the one that stays.
func (s *Service) ChangePassword(ctx context.Context, actor models.Actor, present, next, keep string) error {
	if actor.Kind != models.ActorUser {
		return fault.New(fault.Forbidden, "Only a person who is signed in may change a password.")
	}
	u, err := s.verify(ctx, actor.Name, present)
	if err != nil {
		if fault.Is(err, fault.Unauthenticated) {
			err = fault.InvalidField("current_password", "is not right")
			return s.refuse(ctx, actor, "user.password", err)
		}
		return err
	}
	if err := checkPassword(u.Username, next); err != nil {
		return err
	}
	if present == next {
		return fault.InvalidField("password", "must differ from the present one")
	}
	if u.PasswordHash, err = hashPassword(next); err != nil {
		return fault.Wrap(err, fault.Internal, "The password cannot be hashed.")
	}
	u.MustChangePassword, u.UpdatedAt = false, s.now()
	return s.store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.UpdateUser(&u); err != nil {
			return err
		}
		if _, err := tx.DeleteSessionsOfUser(u.ID, digest(keep)); err != nil {
			return err
		}
		return tx.AppendAudit(onUser(actor, "user.password", u))
	})
}

// Local is a user as an actor, for whoever administers on the server's own machine.
func (s *Service) Local(ctx context.Context, username string) (models.Actor, error) {
	var actor models.Actor
	err := s.store.Read(ctx, func(tx *store.Tx) error {
		u, err := tx.UserByName(strings.ToLower(username))
		if err != nil {
			return err
		}
		actor, err = s.actor(tx, u, Origin{Via: "cli"})
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return actor, fault.New(fault.NotFound, "There is no user %q.", username).WithHint("The first administrator is named admin.")
	}
	return actor, err
}
