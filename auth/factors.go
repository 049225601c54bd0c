package auth

import (
	"context"
	"encoding/json"

	"github.com/your-org/keeper/models"
)

// Enrolment is what an authenticator app needs; it is shown once.
type Enrolment struct {
	Secret string // base32, to be typed where a picture cannot be read
	URI    string // otpauth://
	QR     []byte // PNG of the URI
}

// BeginTOTP makes a secret for the actor's authenticator app. It holds from ConfirmTOTP on.
func (s *Service) BeginTOTP(ctx context.Context, actor models.Actor) (Enrolment, error) {
	return Enrolment{}, errLater
}

// ConfirmTOTP switches codes on, given one that the app shows.
func (s *Service) ConfirmTOTP(ctx context.Context, actor models.Actor, code string) error {
	return errLater
}

// RemoveTOTP switches codes off.
func (s *Service) RemoveTOTP(ctx context.Context, actor models.Actor) error { return errLater }

// NewRecoveryCodes makes ten codes in place of those before. They are shown once.
func (s *Service) NewRecoveryCodes(ctx context.Context, actor models.Actor) ([]string, error) {
	return nil, errLater
}

// Passkeys lists the actor's own, the oldest first.
func (s *Service) Passkeys(ctx context.Context, actor models.Actor) ([]models.Passkey, error) {
	return nil, errLater
}

// BeginPasskeyRegistration asks the actor's browser for a new passkey.
func (s *Service) BeginPasskeyRegistration(ctx context.Context, actor models.Actor) (options json.RawMessage, step string, err error) {
	return nil, "", errLater
}

// FinishPasskeyRegistration keeps what the browser made.
func (s *Service) FinishPasskeyRegistration(ctx context.Context, actor models.Actor, step, name string, response []byte) (models.Passkey, error) {
	return models.Passkey{}, errLater
}

// RenamePasskey gives one of the actor's passkeys another name.
func (s *Service) RenamePasskey(ctx context.Context, actor models.Actor, id, name string) error {
	return errLater
}

// RemovePasskey ends one of the actor's passkeys.
func (s *Service) RemovePasskey(ctx context.Context, actor models.Actor, id string) error {
	return errLater
}

// AdminResetFactors takes all second factors from a user who lost them, and ends its sessions.
func (s *Service) AdminResetFactors(ctx context.Context, actor models.Actor, user models.UserID) error {
	return errLater
}
