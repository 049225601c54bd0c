package auth

import (
	"context"
	"strings"

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
	users := 0
	err = s.store.Read(ctx, func(tx *store.Tx) (err error) {
		users, err = tx.CountUsers()
		return err
	})
	if err != nil || users > 0 {
		return "", err
	}
	u := models.User{
		ID: models.NewUserID(), Kind: models.UserPerson, Username: accountName(username), DisplayName: "Administrator",
		Role: models.RoleAdmin, Revision: 1, CreatedAt: s.now(), UpdatedAt: s.now(),
	}
	if given == "" {
		oneTime, err = s.oneTimePassword(ctx, &u)
	} else if err = checkPassword(u, given); err == nil {
		u.PasswordHash, err = hashPassword(given)
	}
	if err != nil {
		return "", err
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.CreateUser(&u); err != nil {
			return err
		}
		return tx.AppendAudit(onUser(models.System(), "user.create", u))
	})
	if fault.Is(err, fault.Conflict) {
		return "", nil // another replica was first
	}
	if err != nil {
		return "", err
	}
	return oneTime, nil
}

func onUser(actor models.Actor, action string, u models.User) models.AuditEntry {
	entry := audit.Entry(actor, action)
	entry.ObjectKind, entry.ObjectID, entry.ObjectName = "user", string(u.ID), u.Username
	return entry
}

// accountName is a user name as it is stored, whatever case and space it was typed with; ""
// where no account can have it.
func accountName(typed string) string {
	name := strings.ToLower(strings.TrimSpace(typed))
	if len(name) > 255 || name != cut(name, 255) {
		return ""
	}
	return name
}

// verify finds the user that a name and a password belong to. It takes the same work
// whether the name or the password is wrong.
func (s *Service) verify(ctx context.Context, username, password string) (models.User, error) {
	var u models.User
	err := s.store.Read(ctx, func(tx *store.Tx) (err error) {
		u, err = tx.UserByName(accountName(username))
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

// unchanged loads a user to be changed whose password was verified a moment ago: hashing
// takes long enough for it to be changed, or the account to be disabled, in between.
func unchanged(tx *store.Tx, verified models.User) (models.User, error) {
	u, err := tx.LockUser(verified.ID)
	if fault.Is(err, fault.NotFound) || err == nil && (u.Disabled || u.PasswordHash != verified.PasswordHash) {
		return u, badCredentials()
	}
	return u, err
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

// ChangePassword sets an actor's own password, given the present one, and returns the new
// identifier of its session. The one before ends at once, with all other sessions of the user
// and what was begun with the old password: whoever changes it may fear that somebody has them.
func (s *Service) ChangePassword(ctx context.Context, actor models.Actor, present, next string) (sessionID string, err error) {
	if actor.Kind != models.ActorUser {
		err := fault.New(fault.Forbidden, "Only a person who is signed in may change a password.")
		return "", s.refuse(ctx, actor, "user.password", err)
	}
	u, err := s.User(ctx, actor)
	if err != nil {
		return "", err
	}
	if s.oneTimeEnded(u) {
		return "", s.refuseAs(ctx, onUser(actor, "user.password", u), ReasonOneTimeEnded, errOneTimeEnded)
	}
	if err := checkPassword(u, next); err != nil {
		return "", err
	}
	if present == next {
		return "", fault.InvalidField("password", "must differ from the present one")
	}
	again, err := s.guarded(ctx, countedIn(actor), func() error {
		sessionID, err = s.changePassword(ctx, actor, present, next)
		return err
	})
	if fault.Is(err, fault.Unauthenticated) {
		err = fault.InvalidField("current_password", "is not right")
	} else if !fault.Is(err, fault.Throttled) {
		return sessionID, err
	}
	if again {
		return "", err
	}
	return "", s.refuse(ctx, actor, "user.password", err)
}

func (s *Service) changePassword(ctx context.Context, actor models.Actor, present, next string) (sessionID string, err error) {
	verified, err := s.verify(ctx, actor.Name, present)
	if err == nil && verified.ID != actor.UserID {
		err = badCredentials()
	}
	if err != nil {
		return "", err
	}
	var hash string
	err = s.hashed(ctx, func() error {
		hash, err = hashPassword(next)
		return err
	})
	if err != nil {
		return "", err
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		u, err := unchanged(tx, verified)
		if err != nil {
			return err
		}
		u.PasswordHash, u.MustChangePassword, u.PasswordExpiresAt = hash, false, nil
		if err := tx.UpdateUser(&u); err != nil {
			return err
		}
		if sessionID, err = s.renew(tx, actor.SessionHash, nil); err != nil {
			return err
		}
		if _, err := tx.DeleteSessionsOfUser(u.ID, s.digest(sessionID)); err != nil {
			return err
		}
		return tx.AppendAudit(onUser(actor, "user.password", u))
	})
	if fault.Is(err, fault.NotFound) { // the session ended in this moment
		err = ended()
	}
	return sessionID, err
}

// Local is a user as an actor, for whoever administers on the server's own machine.
func (s *Service) Local(ctx context.Context, username string) (models.Actor, error) {
	var actor models.Actor
	err := s.store.Read(ctx, func(tx *store.Tx) error {
		u, err := tx.UserByName(accountName(username))
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
