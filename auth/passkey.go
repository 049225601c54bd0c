package auth

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

const (
	mostPasskeys     = 20 // of a user
	mostPasskeyName  = 100
	mostPasskeyReply = 64 << 10 // bytes
)

// newWebAuthn knows passkeys of the host that people type to reach Keeper: one made for it
// serves nowhere else, and none made elsewhere serves here.
func newWebAuthn(publicURL string) (*webauthn.WebAuthn, error) {
	c := webauthn.Config{RPDisplayName: "Keeper", RPID: "localhost", RPOrigins: []string{"http://localhost:8989", "http://localhost"}}
	if publicURL != "" {
		u, err := url.Parse(publicURL)
		if err != nil {
			return nil, fault.New(fault.Invalid, "KEEPER_PUBLIC_URL is not a URL.")
		}
		c.RPID, c.RPOrigins = u.Hostname(), []string{u.Scheme + "://" + u.Host}
	}
	if protocol.ValidateRPID(c.RPID) != nil {
		return nil, nil //nolint:nilnil // browsers make no passkeys for an address; there are none then
	}
	w, err := webauthn.New(&c)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "Passkeys cannot be set up for KEEPER_PUBLIC_URL.")
	}
	return w, nil
}

// HasPasskeys reports whether browsers can make passkeys for this installation's address.
func (s *Service) HasPasskeys() bool { return s.webauthn != nil }

// MayPasskeySignIn reports whether a passkey alone may sign in.
func (s *Service) MayPasskeySignIn() bool { return s.HasPasskeys() && !s.deps.LocalSignInOff }

func noPasskeys() error {
	return fault.New(fault.Invalid, "Passkeys need a host name; this installation is reached by an address.").
		WithHint("Set KEEPER_PUBLIC_URL to an https:// URL with a host name.")
}

// holder is a user as the library sees it.
type holder struct {
	user models.User
	keys []webauthn.Credential
}

// WebAuthnID is the handle that authenticators keep; it tells nothing of the person.
func (h holder) WebAuthnID() []byte { return []byte(h.user.ID) }

// WebAuthnName is what authenticators show.
func (h holder) WebAuthnName() string { return h.user.Username }

// WebAuthnDisplayName is what authenticators show.
func (h holder) WebAuthnDisplayName() string {
	if h.user.DisplayName != "" {
		return h.user.DisplayName
	}
	return h.user.Username
}

// WebAuthnCredentials are the user's passkeys.
func (h holder) WebAuthnCredentials() []webauthn.Credential { return h.keys }

func passkeyID(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// holder loads a user with its passkeys.
func (s *Service) holder(tx *store.Tx, u models.User) (holder, error) {
	h := holder{user: u}
	rows, err := tx.Passkeys(u.ID)
	for _, row := range rows {
		var key webauthn.Credential
		if err := json.Unmarshal(row.Credential, &key); err != nil {
			return h, fault.Wrap(err, fault.Internal, "A passkey cannot be read.")
		}
		h.keys = append(h.keys, key)
	}
	return h, err
}

// BeginPasskey asks a browser for a passkey: for the second step of a sign-in, or, where
// step is "", for a sign-in without a user name. It returns the browser's options and the
// step to finish.
func (s *Service) BeginPasskey(ctx context.Context, step string, o Origin) (options json.RawMessage, newStep string, err error) {
	if s.webauthn == nil {
		return nil, "", noPasskeys()
	}
	if step == "" {
		return s.beginDiscoverable(ctx, o)
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		row, data, err := s.step(tx, step, secondFactor)
		if err != nil {
			return err
		}
		u, err := tx.User(row.UserID)
		if err != nil {
			return err
		}
		if options, data.WebAuthn, err = s.askKnown(tx, u); err != nil {
			return err
		}
		encoded, err := json.Marshal(data)
		if err != nil {
			return fault.Wrap(err, fault.Internal, "The step cannot be kept.")
		}
		return tx.SetStepData(row.Hash, encoded)
	})
	return options, step, err
}

// beginDiscoverable asks for any passkey of this installation. What it proves stands alone,
// so the authenticator has to verify its person.
func (s *Service) beginDiscoverable(ctx context.Context, o Origin) (json.RawMessage, string, error) {
	if s.deps.LocalSignInOff {
		return nil, "", localOff()
	}
	browser, err := s.device(ctx, o.Device)
	if err != nil {
		return nil, "", err
	}
	over, err := s.countTry(ctx, count{passkeyLimit, cmp.Or(browser.key, network(o.Address))})
	if err != nil {
		return nil, "", err
	}
	if over > 0 {
		return nil, "", tooMany()
	}
	asked, session, err := s.webauthn.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return nil, "", fault.Wrap(err, fault.Internal, "The passkey cannot be asked for.")
	}
	return s.keepAsked(ctx, asked, passkeySignIn, "", session)
}

// askKnown asks for one of a user's passkeys.
func (s *Service) askKnown(tx *store.Tx, u models.User) (json.RawMessage, *webauthn.SessionData, error) {
	h, err := s.holder(tx, u)
	if err != nil {
		return nil, nil, err
	}
	if len(h.keys) == 0 {
		return nil, nil, fault.New(fault.Conflict, "This account has no passkey.").WithHint("Use another second factor.")
	}
	asked, session, err := s.webauthn.BeginLogin(h, webauthn.WithUserVerification(protocol.VerificationPreferred))
	if err != nil {
		return nil, nil, fault.Wrap(err, fault.Internal, "The passkey cannot be asked for.")
	}
	options, err := json.Marshal(asked)
	if err != nil {
		return nil, nil, fault.Wrap(err, fault.Internal, "The passkey cannot be asked for.")
	}
	return options, session, nil
}

// keepAsked keeps what was asked of a browser as a step of its own.
func (s *Service) keepAsked(ctx context.Context, asked any, purpose string, user models.UserID, session *webauthn.SessionData) (json.RawMessage, string, error) {
	options, err := json.Marshal(asked)
	if err != nil {
		return nil, "", fault.Wrap(err, fault.Internal, "The passkey cannot be asked for.")
	}
	step := ""
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		step, err = s.newStep(tx, purpose, user, stepData{WebAuthn: session})
		return err
	})
	return options, step, err
}

// errCopied is that a passkey's counter went back.
type errCopied struct{ key models.Passkey }

func (errCopied) Error() string { return "the passkey seems to have been copied" }

func badPasskey() error {
	return fault.New(fault.Unauthenticated, "The passkey was not accepted.").WithHint("Try again, or use another way to sign in.")
}

// parseReply reads what a browser answered. The parser's error may quote it, so it goes nowhere.
func parseReply(reply []byte) (*protocol.ParsedCredentialAssertionData, error) {
	if len(reply) > mostPasskeyReply {
		return nil, badPasskey()
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(reply)
	if err != nil {
		return nil, badPasskey()
	}
	return parsed, nil
}

// FinishPasskey takes what the browser answered to BeginPasskey.
func (s *Service) FinishPasskey(ctx context.Context, step string, response []byte, o Origin) (SignedIn, error) {
	parsed, err := parseReply(response)
	if err != nil {
		return SignedIn{}, err
	}
	var row models.SignInStep
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		row, _, err = s.step(tx, step, secondFactor, passkeySignIn)
		return err
	})
	if err != nil {
		return SignedIn{}, err
	}
	var in SignedIn
	if row.Purpose == passkeySignIn {
		in, err = s.finishDiscoverable(ctx, step, parsed, o)
	} else {
		in, err = s.finish(ctx, step, models.ByPasskey, o, func(tx *store.Tx, u *models.User, data stepData) error {
			return s.takePasskey(tx, *u, data, parsed)
		})
	}
	return in, s.copied(ctx, Nobody(o), err)
}

// takePasskey checks the answer of one of a locked user's passkeys, and notes its use.
func (s *Service) takePasskey(tx *store.Tx, u models.User, data stepData, parsed *protocol.ParsedCredentialAssertionData) error {
	if s.webauthn == nil || data.WebAuthn == nil {
		return badPasskey()
	}
	h, err := s.holder(tx, u)
	if err != nil {
		return err
	}
	key, err := s.webauthn.ValidateLogin(h, *data.WebAuthn, parsed)
	if err != nil {
		return badPasskey()
	}
	return s.notePasskey(tx, u, key)
}

// notePasskey keeps what a passkey's use changed of it.
func (s *Service) notePasskey(tx *store.Tx, u models.User, key *webauthn.Credential) error {
	row, err := tx.LockPasskey(passkeyID(key.ID))
	if err != nil || row.UserID != u.ID {
		return badPasskey()
	}
	if key.Authenticator.CloneWarning || row.CloneWarning {
		return errCopied{row}
	}
	if row.Credential, err = json.Marshal(key); err != nil {
		return fault.Wrap(err, fault.Internal, "The passkey cannot be kept.")
	}
	now := s.now()
	row.LastUsedAt = &now
	return tx.UpdatePasskey(&row)
}

// finishDiscoverable signs in whoever the passkey belongs to.
func (s *Service) finishDiscoverable(ctx context.Context, id string, parsed *protocol.ParsedCredentialAssertionData, o Origin) (SignedIn, error) {
	row, data, err := s.tryStep(ctx, id, passkeySignIn)
	if err != nil {
		return SignedIn{}, err
	}
	var (
		in    SignedIn
		owner models.User
	)
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		key, err := tx.LockPasskey(passkeyID(parsed.RawID))
		if err != nil {
			return err
		}
		if owner, err = tx.LockUser(key.UserID); err != nil {
			return err
		}
		if owner.Disabled || s.deps.LocalSignInOff || !s.mayUsePassword(owner) {
			return badPasskey() // its provider alone says who it is
		}
		h, err := s.holder(tx, owner)
		if err != nil {
			return err
		}
		byHandle := func(_, handle []byte) (webauthn.User, error) {
			if string(handle) != string(owner.ID) {
				return nil, badPasskey()
			}
			return h, nil
		}
		_, used, err := s.webauthn.ValidatePasskeyLogin(byHandle, *data.WebAuthn, parsed)
		if err != nil {
			return badPasskey()
		}
		if s.oneTimeEnded(owner) { // it would have to be changed first, and cannot be any more
			return errOneTimeEnded
		}
		if err := s.notePasskey(tx, owner, used); err != nil {
			return err
		}
		if err := tx.TakeStep(row.Hash); err != nil {
			return err
		}
		in, err = s.enter(tx, owner, models.ByPasskey, o)
		return err
	})
	if fault.Is(err, fault.NotFound) {
		err = badPasskey()
	}
	if fault.Is(err, fault.Unauthenticated) {
		return SignedIn{}, s.refuseStep(ctx, owner.ID, models.ByPasskey, o, err)
	}
	if err != nil {
		return SignedIn{}, err
	}
	return in, nil
}

// copied marks a passkey whose counter went back, which says that there are two of it: it
// serves no more, and people are told.
func (s *Service) copied(ctx context.Context, actor models.Actor, err error) error {
	one, ok := err.(errCopied) //nolint:errorlint // it comes as it is
	if !ok {
		return err
	}
	marked := s.store.Write(ctx, func(tx *store.Tx) error {
		u, err := tx.LockUser(one.key.UserID)
		if err != nil {
			return err
		}
		row, err := tx.LockPasskey(one.key.ID)
		if err != nil {
			return err
		}
		row.CloneWarning = true
		if err := tx.UpdatePasskey(&row); err != nil {
			return err
		}
		entry := audit.Ended(onUser(actor, "passkey.copied", u), badPasskey())
		entry.Detail = map[string]string{"passkey": row.Name}
		if err := tx.AppendAudit(entry); err != nil {
			return err
		}
		return s.tell(tx, models.Signal{
			Kind: models.AlertPasskeyCopied, Subject: row.ID, SubjectName: u.Username,
			Summary: "A passkey of " + u.Username + " seems to have been copied: its counter went back. It signs in no more.",
			Hint:    "Have its owner remove it and register another; look at the audit log for sign-ins with it.",
		})
	})
	if marked != nil {
		return marked
	}
	return fault.New(fault.Unauthenticated, "This passkey seems to have been copied, and serves no more.").
		WithHint("Sign in another way, remove the passkey on your profile, and tell an administrator.")
}

// Passkeys lists the actor's own, the oldest first.
func (s *Service) Passkeys(ctx context.Context, actor models.Actor) ([]models.Passkey, error) {
	if err := ownSessions(actor); err != nil {
		return nil, s.refuse(ctx, actor, "factor.view", err)
	}
	var keys []models.Passkey
	err := s.store.Read(ctx, func(tx *store.Tx) (err error) {
		keys, err = tx.Passkeys(actor.UserID)
		return err
	})
	return keys, err
}

// BeginPasskeyRegistration asks the actor's browser for a new passkey.
func (s *Service) BeginPasskeyRegistration(ctx context.Context, actor models.Actor) (options json.RawMessage, step string, err error) {
	if s.webauthn == nil {
		return nil, "", noPasskeys()
	}
	var h holder
	err = s.onOwnFactors(ctx, actor, "", func(tx *store.Tx, u *models.User) error {
		if h, err = s.holder(tx, *u); err != nil {
			return err
		}
		if len(h.keys) >= mostPasskeys {
			return tooManyPasskeys()
		}
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	asked, session, err := s.webauthn.BeginRegistration(h,
		webauthn.WithExclusions(webauthn.Credentials(h.keys).CredentialDescriptors()),
		webauthn.WithAuthenticatorSelection(protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementPreferred, UserVerification: protocol.VerificationPreferred,
		}),
		webauthn.WithConveyancePreference(protocol.PreferNoAttestation))
	if err != nil {
		return nil, "", fault.Wrap(err, fault.Internal, "The passkey cannot be asked for.")
	}
	return s.keepAsked(ctx, asked, passkeyRegister, actor.UserID, session)
}

// FinishPasskeyRegistration keeps what the browser made.
func (s *Service) FinishPasskeyRegistration(ctx context.Context, actor models.Actor, step, name string, response []byte) (models.Passkey, error) {
	name, err := passkeyName(name)
	if err != nil {
		return models.Passkey{}, err
	}
	refused := fault.New(fault.Invalid, "The passkey cannot be registered: what the browser sent does not hold.").WithHint("Try again.")
	if s.webauthn == nil || len(response) > mostPasskeyReply {
		return models.Passkey{}, refused
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(response)
	if err != nil {
		return models.Passkey{}, refused
	}
	row, data, err := s.tryStep(ctx, step, passkeyRegister)
	if fault.Is(err, fault.Unauthenticated) || err == nil && (row.UserID != actor.UserID || data.WebAuthn == nil) {
		return models.Passkey{}, fault.New(fault.Invalid, "Registering the passkey took too long, or was done already.").WithHint("Begin again.")
	}
	if err != nil {
		return models.Passkey{}, err
	}
	var key models.Passkey
	err = s.onOwnFactors(ctx, actor, "passkey.create", func(tx *store.Tx, u *models.User) error {
		h, err := s.holder(tx, *u)
		if err != nil {
			return err
		}
		if len(h.keys) >= mostPasskeys {
			return tooManyPasskeys()
		}
		made, err := s.webauthn.CreateCredential(h, *data.WebAuthn, parsed)
		if err != nil {
			return refused
		}
		encoded, err := json.Marshal(made)
		if err != nil {
			return fault.Wrap(err, fault.Internal, "The passkey cannot be kept.")
		}
		key = models.Passkey{ID: passkeyID(made.ID), UserID: u.ID, Name: name, Credential: encoded, CreatedAt: s.now()}
		if err := tx.TakeStep(row.Hash); err != nil {
			return err
		}
		return tx.CreatePasskey(&key)
	})
	return key, err
}

func tooManyPasskeys() error {
	return fault.New(fault.Conflict, "You have %d passkeys, which is as many as there may be.", mostPasskeys).WithHint("Remove one first.")
}

func passkeyName(name string) (string, error) {
	name = strings.TrimSpace(name)
	if name == "" || len(name) > mostPasskeyName || name != cut(name, mostPasskeyName) {
		return "", fault.InvalidField("name", "must be text of 1 to %d bytes; say which device it is on", mostPasskeyName)
	}
	return name, nil
}

// RenamePasskey gives one of the actor's passkeys another name.
func (s *Service) RenamePasskey(ctx context.Context, actor models.Actor, id, name string) error {
	name, err := passkeyName(name)
	if err != nil {
		return err
	}
	return s.onOwnFactors(ctx, actor, "passkey.update", func(tx *store.Tx, u *models.User) error {
		row, err := tx.LockPasskey(id)
		if err == nil && row.UserID != u.ID {
			err = fault.New(fault.NotFound, "You have no such passkey.")
		}
		if err != nil {
			return err
		}
		row.Name = name
		return tx.UpdatePasskey(&row)
	})
}

// RemovePasskey ends one of the actor's passkeys.
func (s *Service) RemovePasskey(ctx context.Context, actor models.Actor, id string) error {
	return s.onOwnFactors(ctx, actor, "passkey.delete", func(tx *store.Tx, u *models.User) error {
		if err := tx.DeletePasskey(u.ID, id); err != nil {
			return err
		}
		return s.dropIdleCodes(tx, *u)
	})
}
