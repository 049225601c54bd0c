package auth

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// What the store keeps of people, by names that the layers above may use.
type (
	// UserFilter chooses users.
	UserFilter = store.UserFilter
	// Around are the cursors of the pages around one.
	Around = store.Around
	// Grant is one thing that gives a user rights.
	Grant = store.Grant
)

// Account is a user with what gives it rights, and the global role that results.
type Account struct {
	models.User
	Effective models.GlobalRole
	Grants    []Grant
}

func account(u models.User, grants []Grant) Account {
	return Account{User: u, Effective: withRights(u, grants).Role, Grants: grants}
}

// Users is a page of accounts by user name, and the cursors of the pages around it.
func (s *Service) Users(ctx context.Context, actor models.Actor, f UserFilter) ([]Account, Around, error) {
	if err := Check(actor, ViewUsers, Global); err != nil {
		return nil, Around{}, s.refuse(ctx, actor, "user.view", err)
	}
	if f.Kind != "" && f.Kind != models.UserPerson && f.Kind != models.UserService {
		return nil, Around{}, fault.InvalidField("kind", "must be person or service")
	}
	if f.Role != "" && globalRank(f.Role) == 0 {
		return nil, Around{}, fault.InvalidField("role", "must be admin, auditor or user")
	}
	var found []Account
	var around Around
	err := s.store.Read(ctx, func(tx *store.Tx) error {
		users, at, err := tx.UserPage(f)
		if err != nil {
			return err
		}
		around = at
		found, err = accounts(tx, users)
		return err
	})
	return found, around, err
}

func accounts(tx *store.Tx, users []models.User) ([]Account, error) {
	ids := make([]models.UserID, len(users))
	for i, u := range users {
		ids[i] = u.ID
	}
	grants, err := tx.GrantsOf(ids...)
	if err != nil {
		return nil, err
	}
	of := map[models.UserID][]Grant{}
	for _, g := range grants {
		of[g.UserID] = append(of[g.UserID], g)
	}
	found := make([]Account, len(users))
	for i, u := range users {
		found[i] = account(u, of[u.ID])
	}
	return found, nil
}

// Account finds a user by its id or its user name.
func (s *Service) Account(ctx context.Context, actor models.Actor, named string) (Account, error) {
	if err := Check(actor, ViewUsers, Global); err != nil {
		return Account{}, s.refuse(ctx, actor, "user.view", err)
	}
	var found Account
	err := s.store.Read(ctx, func(tx *store.Tx) error {
		u, err := findUser(tx, named)
		if err != nil {
			return err
		}
		grants, err := tx.GrantsOf(u.ID)
		found = account(u, grants)
		return err
	})
	return found, err
}

// findUser loads a user by its id or its user name.
func findUser(tx *store.Tx, named string) (models.User, error) {
	u, err := tx.User(models.UserID(cut(named, 40)))
	if name := accountName(named); fault.Is(err, fault.NotFound) && name != "" {
		u, err = tx.UserByName(name)
	}
	if fault.Is(err, fault.NotFound) {
		return u, noUser()
	}
	return u, err
}

func noUser() error {
	return fault.New(fault.NotFound, "There is no such user, or none that you may see.")
}

// NewUser is what an account is made from.
type NewUser struct {
	Kind        models.UserKind // "": a person
	Username    string
	DisplayName string
	Email       string
	Description string
	Role        models.GlobalRole // "": user
	BreakGlass  bool
}

// CreateUser makes an account. A person gets a one-time password, which is shown once and
// has to be changed at the first sign-in, within OneTimeLasts; a service account has none.
func (s *Service) CreateUser(ctx context.Context, actor models.Actor, n NewUser) (u models.User, oneTime string, err error) {
	u = models.User{
		ID: models.NewUserID(), Kind: cmp.Or(n.Kind, models.UserPerson), Username: accountName(n.Username), DisplayName: strings.TrimSpace(n.DisplayName),
		Email: strings.TrimSpace(n.Email), Description: n.Description, Role: cmp.Or(n.Role, models.RoleUser), BreakGlass: n.BreakGlass,
	}
	if Can(actor, ManageUsers, Global) {
		if err := u.Validate(); err != nil {
			return models.User{}, "", err
		}
		if u.Kind == models.UserPerson {
			if oneTime, err = s.oneTimePassword(ctx, &u); err != nil {
				return models.User{}, "", err
			}
		}
	}
	err = s.gravely(ctx, actor, ManageUsers, Global, "user.create", func(tx *store.Tx, actor models.Actor) error {
		if err := holds(actor, withRights(u, nil)); err != nil {
			return err
		}
		if err := tx.CreateUser(&u); err != nil {
			return taken(err, "user", u.Username)
		}
		entry := onUser(actor, "user.create", u)
		entry.Detail = map[string]string{"kind": string(u.Kind), "role": string(u.Role)}
		return tx.AppendAudit(entry)
	})
	if err != nil {
		return models.User{}, "", err
	}
	return u, oneTime, nil
}

func taken(err error, noun, name string) error {
	if fault.Is(err, fault.Conflict) {
		return fault.New(fault.Conflict, "There is already a %s %q.", noun, name)
	}
	return err
}

// UserChange is what is to be changed of an account; nil leaves a field as it is.
type UserChange struct {
	DisplayName *string
	Email       *string
	Description *string
	Role        *models.GlobalRole
	BreakGlass  *bool
	Disabled    *bool
}

func (c UserChange) apply(u *models.User) {
	set(&u.DisplayName, c.DisplayName)
	set(&u.Email, c.Email)
	set(&u.Description, c.Description)
	set(&u.Role, c.Role)
	set(&u.BreakGlass, c.BreakGlass)
	set(&u.Disabled, c.Disabled)
}

func set[T any](field, to *T) {
	if to != nil {
		*field = *to
	}
}

// UpdateUser changes an account, where its revision still is the expected one (0: whichever
// it is). Disabling ends its sessions; its tokens rest until it is enabled again.
func (s *Service) UpdateUser(ctx context.Context, actor models.Actor, named string, change UserChange, expected int64) (Account, error) {
	var changed Account
	err := s.gravely(ctx, actor, ManageUsers, Global, "user.update", func(tx *store.Tx, actor models.Actor) error {
		before, grants, err := lockAccount(tx, named)
		if err != nil {
			return err
		}
		u := before
		change.apply(&u)
		if err := u.Validate(); err != nil && !onlyName(err) {
			return err
		}
		if u.Role != before.Role || before.Disabled && !u.Disabled {
			if err := holds(actor, withRights(u, grants)); err != nil {
				return err
			}
		}
		if err := tx.ReviseUser(&u, expected); err != nil {
			return err
		}
		if err := s.follow(tx, account(before, grants), account(u, grants)); err != nil {
			return err
		}
		changed = account(u, grants)
		entry := onUser(actor, "user.update", u)
		entry.Detail = changes(before, u)
		return tx.AppendAudit(entry)
	})
	return changed, err
}

// onlyName reports whether a user's name is all that is wrong with it: names of before the
// rules for them are kept.
func onlyName(err error) bool {
	fields := fault.Public(err).Fields
	return len(fields) == 1 && fields[0].Name == "username"
}

func lockAccount(tx *store.Tx, named string) (models.User, []Grant, error) {
	u, err := findUser(tx, named)
	if err == nil {
		u, err = tx.LockUser(u.ID)
	}
	if err != nil {
		return u, nil, err
	}
	grants, err := tx.GrantsOf(u.ID)
	return u, grants, err
}

// follow does what a change of an account brings with it.
func (s *Service) follow(tx *store.Tx, before, after Account) error {
	if before.Role != after.Role || before.Disabled != after.Disabled {
		if err := tx.BumpRights(after.ID); err != nil {
			return err
		}
	}
	if after.Disabled && !before.Disabled {
		if _, err := tx.DeleteSessionsOfUser(after.ID, ""); err != nil {
			return err
		}
	}
	was := before.Effective == models.RoleAdmin && !before.Disabled
	if was && before.BreakGlass && (after.Effective != models.RoleAdmin || after.Disabled || !after.BreakGlass) {
		if err := s.keepsBreakGlass(tx); err != nil {
			return err
		}
	}
	if was && (after.Effective != models.RoleAdmin || after.Disabled || before.BreakGlass && !after.BreakGlass) {
		return s.keepsAdministrator(tx)
	}
	return nil
}

// changes tells of a change what the audit log keeps: what decides over rights in full, of
// the rest the names.
func changes(before, after models.User) map[string]string {
	detail := map[string]string{}
	if before.Role != after.Role {
		detail["role"] = string(before.Role) + " → " + string(after.Role)
	}
	for name, pair := range map[string][2]bool{"disabled": {before.Disabled, after.Disabled}, "break_glass": {before.BreakGlass, after.BreakGlass}} {
		if pair[0] != pair[1] {
			detail[name] = map[bool]string{true: "on", false: "off"}[pair[1]]
		}
	}
	var fields []string
	for name, differs := range map[string]bool{
		"display_name": before.DisplayName != after.DisplayName, "email": before.Email != after.Email, "description": before.Description != after.Description,
	} {
		if differs {
			fields = append(fields, name)
		}
	}
	if len(fields) > 0 {
		slices.Sort(fields)
		detail["fields"] = strings.Join(fields, ", ")
	}
	return detail
}

// DeleteUser removes an account with its roles, tokens, sessions and factors, where its
// revision still is the expected one (0: whichever it is). History keeps its name.
func (s *Service) DeleteUser(ctx context.Context, actor models.Actor, named string, expected int64) error {
	return s.gravely(ctx, actor, ManageUsers, Global, "user.delete", func(tx *store.Tx, actor models.Actor) error {
		u, grants, err := lockAccount(tx, named)
		if err != nil {
			return err
		}
		if expected != 0 && u.Revision != expected {
			return staleThing("user")
		}
		if err := s.revokeTokensOf(tx, actor, u.ID); err != nil {
			return err
		}
		if err := tx.DeleteUser(u.ID); err != nil {
			return err
		}
		if account(u, grants).Effective == models.RoleAdmin && !u.Disabled {
			if err := s.keepsAdministrator(tx); err != nil {
				return err
			}
			if u.BreakGlass {
				if err := s.keepsBreakGlass(tx); err != nil {
					return err
				}
			}
		}
		return tx.AppendAudit(onUser(actor, "user.delete", u))
	})
}

func staleThing(noun string) error {
	return fault.New(fault.Stale, "The %s was changed in the meantime; nothing was changed now.", noun).
		WithHint("Load it again and repeat the change.")
}

// ResetPassword gives a person a new one-time password, which is shown once and serves for
// OneTimeLasts, and ends its sessions.
func (s *Service) ResetPassword(ctx context.Context, actor models.Actor, named string) (oneTime string, err error) {
	var fresh models.User
	if Can(actor, ManageUsers, Global) {
		if oneTime, err = s.oneTimePassword(ctx, &fresh); err != nil {
			return "", err
		}
	}
	err = s.gravely(ctx, actor, ManageUsers, Global, "user.password_reset", func(tx *store.Tx, actor models.Actor) error {
		u, grants, err := lockAccount(tx, named)
		switch {
		case err != nil:
			return err
		case u.Kind == models.UserService:
			return fault.New(fault.Conflict, "%s is a service account, which has no password.", u.Username).WithHint("Make it a token.")
		case u.ID == actor.UserID:
			return fault.New(fault.Conflict, "Your own password is changed on your profile.").WithHint("Give the present password there.")
		}
		if err := holds(actor, withRights(u, grants)); err != nil {
			return err
		}
		u.PasswordHash, u.MustChangePassword, u.PasswordExpiresAt = fresh.PasswordHash, true, fresh.PasswordExpiresAt
		if err := tx.UpdateUser(&u); err != nil {
			return err
		}
		if _, err := tx.DeleteSessionsOfUser(u.ID, ""); err != nil {
			return err
		}
		return tx.AppendAudit(onUser(actor, "user.password_reset", u))
	})
	if err != nil {
		return "", err
	}
	return oneTime, nil
}

// SessionsOf lists a user's sessions, the last used first.
func (s *Service) SessionsOf(ctx context.Context, actor models.Actor, named string) ([]models.Session, error) {
	if err := Check(actor, ViewUsers, Global); err != nil {
		return nil, s.refuse(ctx, actor, "session.view", err)
	}
	var sessions []models.Session
	err := s.store.Read(ctx, func(tx *store.Tx) error {
		u, err := findUser(tx, named)
		if err != nil {
			return err
		}
		sessions, err = tx.SessionsOfUser(u.ID)
		return err
	})
	return sessions, err
}

// RevokeSessionsOf ends all sessions of a user, and says how many there were.
func (s *Service) RevokeSessionsOf(ctx context.Context, actor models.Actor, named string) (n int, err error) {
	err = s.administer(ctx, actor, ManageUsers, Global, "session.end", func(tx *store.Tx, actor models.Actor) error {
		u, err := findUser(tx, named)
		if err != nil {
			return err
		}
		if n, err = tx.DeleteSessionsOfUser(u.ID, ""); err != nil {
			return err
		}
		return tx.AppendAudit(onUser(actor, "session.end", u))
	})
	return n, err
}
