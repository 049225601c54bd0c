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
		"jwt": &c.JWT,
	}
}

// lend refuses a destination without credentials of its own, or that signs in as Keeper's
// service account, to all but administrators: what Keeper itself may do reaches further than
// the environment that an actor manages, and whoever answers at the address learns who it is.
func (s *Service) lend(ctx context.Context, actor models.Actor, e models.Environment, d models.Destination, c models.DestinationCredentials) error {
	if ownCredentials(d, c) || auth.Can(actor, auth.LendCredentials, auth.Global) {
		return nil
	}
	return s.refused(ctx, audit.OnDestination(actor, string(auth.LendCredentials), e, d),
		fault.New(fault.Forbidden, "Only an administrator may let a destination work with Keeper's own credentials; nothing was saved.").
			WithHint("Give the destination credentials of its own, or ask an administrator."))
}

// MayConnect is nil where an actor who manages an environment's destinations may say now who
// gets its values. Of a protected one that is a reveal by another way, and takes what one takes.
func (s *Service) MayConnect(ctx context.Context, actor models.Actor, e models.Environment) error {
	if err := auth.MayReveal(actor, e, s.Now()); err != nil {
		return s.refused(ctx, audit.OnEnvironment(actor, string(auth.ManageDestination), e), err)
	}
	return nil
}

// receivers is what of a configuration says who gets the values, beside the place, which never
// changes.
func receivers(c models.DestinationConfig) []string {
	who := []string{c.RoleARN, c.ExternalID, c.KMSKeyID, c.ReplicaKMSKeyID, c.CACert, string(c.AuthMethod), c.AuthPath, c.AuthRole}
	return append(who, c.ReplicaRegions...)
}

// ownCredentials reports whether a destination works with the credentials that were given
// for it: some that are of no use to it do not count.
func ownCredentials(d models.Destination, c models.DestinationCredentials) bool {
	token, appRole, jwt := c.VaultToken.Len() > 0, c.RoleID.Len() > 0, c.JWT.Len() > 0
	switch d.Kind {
	case models.DestinationAWS:
		return c.AccessKeyID.Len() > 0
	case models.DestinationVault:
		return map[models.VaultAuth]bool{
			"": token || appRole || jwt, models.VaultToken: token, models.VaultAppRole: appRole, models.VaultJWT: jwt,
		}[d.Config.AuthMethod]
	default:
		return d.Kind == models.DestinationMemory
	}
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
