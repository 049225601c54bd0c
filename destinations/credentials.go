package destinations

import (
	"context"
	"encoding/json"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
)

// sealedCredentials is the form in which credentials are sealed. It exists only between a
// Plaintext and the envelope.
type sealedCredentials map[string]string

// fields pairs each credential with its name in the sealed form.
func fields(c *models.DestinationCredentials) map[string]*models.Plaintext {
	return map[string]*models.Plaintext{
		"access_key_id": &c.AccessKeyID, "secret_access_key": &c.SecretAccessKey, "session_token": &c.SessionToken,
		"vault_token": &c.VaultToken, "role_id": &c.RoleID, "secret_id": &c.SecretID,
	}
}

// lend refuses a destination without credentials of its own to all but administrators: what
// Keeper itself may do reaches further than the environment that an actor manages.
func (s *Service) lend(ctx context.Context, actor models.Actor, e models.Environment, d models.Destination, c models.DestinationCredentials) error {
	for _, value := range fields(&c) {
		if value.Len() > 0 {
			return nil
		}
	}
	if d.Kind == models.DestinationMemory || auth.Can(actor, auth.LendCredentials, auth.Global) {
		return nil
	}
	return s.refused(ctx, audit.OnDestination(actor, string(auth.LendCredentials), e, d),
		fault.New(fault.Forbidden, "Only an administrator may let a destination work with Keeper's own credentials; nothing was saved.").
			WithHint("Give the destination credentials of its own, or ask an administrator."))
}

// seal puts the credentials into the destination, sealed under its environment's key. None
// at all leaves it to the process's own.
func (s *Service) seal(ctx context.Context, e models.Environment, d *models.Destination, c models.DestinationCredentials) error {
	clear := sealedCredentials{}
	for name, value := range fields(&c) {
		if value.Len() > 0 {
			clear[name] = string(value.Reveal())
		}
	}
	d.Credentials, d.CredentialsKeyID = nil, ""
	if len(clear) == 0 {
		return nil
	}
	encoded, err := json.Marshal(clear)
	if err != nil {
		return fault.New(fault.Internal, "The credentials cannot be encoded.")
	}
	sealer, err := s.Envelope.Sealer(ctx, e)
	if err != nil {
		return err
	}
	plain := models.NewPlaintext(encoded)
	defer plain.Zero()
	sealed, err := sealer.Seal(kms.CredentialsLabel(*d), plain)
	if err != nil {
		return err
	}
	d.Credentials, d.CredentialsKeyID = sealed.Ciphertext, sealed.DataKeyID
	return nil
}

// credentials opens a destination's credentials; empty ones where it has none of its own.
func (s *Service) credentials(ctx context.Context, e models.Environment, d models.Destination) (models.DestinationCredentials, error) {
	var c models.DestinationCredentials
	if len(d.Credentials) == 0 {
		return c, nil
	}
	plain, err := s.Envelope.Open(ctx, e, kms.CredentialsLabel(d), kms.Sealed{DataKeyID: d.CredentialsKeyID, Format: kms.Format, Ciphertext: d.Credentials})
	if err != nil {
		return c, err
	}
	defer plain.Zero()
	var clear sealedCredentials
	if json.Unmarshal(plain.Reveal(), &clear) != nil {
		return c, fault.New(fault.Internal, "The credentials of the destination %s are damaged.", d.Name).WithHint("Enter them again.")
	}
	for name, value := range fields(&c) {
		if clear[name] != "" {
			*value = models.NewPlaintext([]byte(clear[name]))
		}
	}
	return c, nil
}
