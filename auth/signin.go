package auth

import (
	"context"
	"encoding/json"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// SignedIn is how far a sign-in has come: either a session, or a step that waits for a
// second factor.
type SignedIn struct {
	SessionID string // only the browser's cookie may hold it
	User      models.User
	Step      string                // only the browser's cookie may hold it
	Needs     []models.SignInMethod // of which one takes the step
}

// Proof is how somebody else, such as a SAML provider, knows who a person is.
type Proof struct {
	Method       models.SignInMethod
	ProviderID   models.ProviderID
	NameID       string
	SessionIndex string
	ExpiresAt    *time.Time // when the session has to end at the latest; nil: as every one
}

var errLater = fault.New(fault.Unavailable, "This way to sign in is not built yet.")

// FinishTOTP takes the second step of a sign-in with a code.
func (s *Service) FinishTOTP(ctx context.Context, step, code string, o Origin) (SignedIn, error) {
	return SignedIn{}, errLater
}

// FinishRecoveryCode takes it with a recovery code, which is used up.
func (s *Service) FinishRecoveryCode(ctx context.Context, step, code string, o Origin) (SignedIn, error) {
	return SignedIn{}, errLater
}

// BeginPasskey asks a browser for a passkey: for the second step of a sign-in, or, where
// step is "", for a sign-in without a user name. It returns the browser's options and the
// step to finish.
func (s *Service) BeginPasskey(ctx context.Context, step string, o Origin) (options json.RawMessage, newStep string, err error) {
	return nil, "", errLater
}

// FinishPasskey takes what the browser answered.
func (s *Service) FinishPasskey(ctx context.Context, step string, response []byte, o Origin) (SignedIn, error) {
	return SignedIn{}, errLater
}

// OpenFor opens a session for a user whom somebody else vouches for.
func (s *Service) OpenFor(ctx context.Context, u models.UserID, proof Proof, o Origin) (sessionID string, err error) {
	return "", errLater
}

// Prove notes that the actor's person proved again who it is, to somebody else, and gives
// the session a new identifier.
func (s *Service) Prove(ctx context.Context, actor models.Actor, proof Proof) (sessionID string, err error) {
	return "", errLater
}
