package auth

import (
	"context"
	"slices"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// administer runs a change of what people may do. The actor is asked for the action before
// anything is looked up, and again in the transaction, where rights stand still: whoever was
// demoted, disabled or revoked a moment ago changes nothing any more. operation names it in
// the audit log where it is refused.
func (s *Service) administer(
	ctx context.Context, actor models.Actor, action Action, where models.EnvironmentID, operation string,
	do func(tx *store.Tx, actor models.Actor) error,
) error {
	if err := Check(actor, action, where); err != nil {
		return s.refuse(ctx, actor, operation, err)
	}
	var refused error
	err := s.store.Write(ctx, func(tx *store.Tx) error {
		refused = nil
		if err := tx.LockRights(); err != nil {
			return err
		}
		current, err := s.current(tx, actor)
		if err == nil {
			err = Check(current, action, where)
		}
		if err != nil {
			refused = err
			return err
		}
		err = do(tx, current)
		if fault.Is(err, fault.Forbidden) {
			refused = err
		}
		return err
	})
	if refused != nil && !fault.Is(refused, fault.Unavailable) && !fault.Is(refused, fault.Internal) {
		return s.refuseAbout(ctx, actor, operation, models.Environment{ID: where}, refused)
	}
	return err
}

// gravely is administer for what gives rights: a person has to have proved who it is, and an
// administrator has to be left.
func (s *Service) gravely(
	ctx context.Context, actor models.Actor, action Action, where models.EnvironmentID, operation string,
	do func(tx *store.Tx, actor models.Actor) error,
) error {
	if Can(actor, action, where) {
		if err := s.askProof(ctx, actor, operation); err != nil {
			return err
		}
	}
	if action == ManageUsers {
		do = s.keepingAdministrators(do)
	}
	return s.administer(ctx, actor, action, where, operation, do)
}

// current is the actor with the rights that it has now.
func (s *Service) current(tx *store.Tx, actor models.Actor) (models.Actor, error) {
	if actor.Kind == models.ActorSystem {
		return actor, nil
	}
	u, err := tx.User(actor.UserID)
	if fault.Is(err, fault.NotFound) || err == nil && u.Disabled {
		return actor, ended()
	}
	if err != nil {
		return actor, err
	}
	grants, err := tx.GrantsOf(u.ID)
	if err != nil {
		return actor, err
	}
	now := withRights(u, grants)
	actor.Role, actor.Roles = now.Role, now.Roles
	if actor.Kind != models.ActorToken {
		return actor, nil
	}
	token, err := tx.Token(models.TokenID(actor.ID))
	if fault.Is(err, fault.NotFound) || err == nil && over(token, s.now()) {
		return actor, badToken()
	}
	actor.Scope = &token.Scope
	return actor, err
}

// anywhere stands for an environment in which nobody has a role.
const anywhere models.EnvironmentID = -1

// holds refuses to give what the giver does not have itself. Without a scope it never does:
// it is what keeps a narrowed token from making itself wider through somebody else.
func holds(giver, given models.Actor) error {
	places := []models.EnvironmentID{Global, anywhere}
	for id := range given.Roles {
		places = append(places, id)
	}
	for _, action := range Actions() {
		if action == ViewOwnTokens || action == ManageOwnTokens { // every user has these
			continue
		}
		if slices.ContainsFunc(places, func(e models.EnvironmentID) bool { return Can(given, action, e) && !Can(giver, action, e) }) {
			return fault.New(fault.Forbidden, "A token gives nobody more than it may do itself, and %s is beyond this one.", action).
				WithHint("Use a token whose scope includes %s, or do it signed in.", action)
		}
	}
	return nil
}

// footing is how sure it is that somebody can put things right.
type footing int

const (
	nobodyLeft footing = iota // there is no enabled administrator
	shutOut                   // there is one, and none could sign in: a password is given at the server's own machine
	onLoan                    // one could, whose role is what an identity provider said, and ends when that does
	lasting                   // one could, whose role Keeper alone gives and takes
)

// footing is that of the best of all administrators.
func (s *Service) footing(tx *store.Tx) (best footing, err error) {
	found, err := tx.Administrators()
	for _, a := range found {
		switch {
		case !s.canSignIn(a):
			best = max(best, shutOut)
		case a.Lasting:
			return lasting, err
		default:
			best = onLoan
		}
	}
	return best, err
}

func (s *Service) canSignIn(a store.Administrator) bool {
	// Passkeys serve beside the password. A one-time password that nobody has changed yet ends by
	// itself, and is no way in to count on.
	return a.Identities > 0 || s.mayUsePassword(a.User) && a.PasswordExpiresAt == nil
}

// keepingAdministrators is a change that is refused where after it, it is less sure than before
// that somebody is left who could put things right. Both are looked at in its transaction, where
// rights stand still.
func (s *Service) keepingAdministrators(change func(*store.Tx, models.Actor) error) func(*store.Tx, models.Actor) error {
	return func(tx *store.Tx, actor models.Actor) error {
		before, err := s.footing(tx)
		if err != nil {
			return err
		}
		able, err := s.breaksGlass(tx)
		if err != nil {
			return err
		}
		if err := change(tx, actor); err != nil {
			return err
		}
		if err := s.keepsBreakGlass(tx, able); err != nil {
			return err
		}
		switch after, err := s.footing(tx); {
		case err != nil || after >= before:
			return err
		case after == onLoan:
			return fault.New(fault.Conflict, "That would leave only administrators whose role an identity provider gives, and can take away; nothing was changed.").
				WithHint("Give somebody else the role admin in Keeper first, who has signed in.")
		default:
			return fault.New(fault.Conflict, "That would leave no administrator who can sign in; nothing was changed.").
				WithHint("Make somebody else an administrator first, who has signed in and chosen a password.")
		}
	}
}

// keepsBreakGlass refuses a change after which nobody could break the glass, where somebody could
// before, while local sign-in is off: the next start would be refused.
func (s *Service) keepsBreakGlass(tx *store.Tx, before bool) error {
	if !s.deps.LocalSignInOff || !before {
		return nil
	}
	after, err := s.breaksGlass(tx)
	if err != nil || after {
		return err
	}
	return fault.New(fault.Conflict, "That would leave no break-glass account, while local sign-in is off; nothing was changed.").
		WithHint("Mark another administrator with a password as break-glass first.")
}
