package rest

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
)

// CreateSecret makes a secret.
func (s *server) CreateSecret(w http.ResponseWriter, r *http.Request) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		var body api.NewSecret
		if err := decode(w, r, &body); err != nil {
			return answer{}, err
		}
		environment, err := s.environmentID(ctx, actor, body.EnvironmentID)
		if err != nil {
			return answer{}, err
		}
		created, err := s.Secrets.Create(ctx, actor, secrets.NewSecret{
			Environment: environment, Name: body.Name, Type: secretType(body.SecretType), Value: plaintext(body.Value),
			Description: body.Description, Owner: body.Owner, Tags: body.Tags, ExpiresAt: expiry(body.ExpiresAt),
			RotateEvery: body.RotateEveryDays, Comment: body.Comment,
		})
		if err != nil {
			return answer{}, err
		}
		a := secretAnswer(created)
		a.status, a.location = http.StatusCreated, "/api/secrets/"+decimal(created.ID)
		return a, nil
	})
}

// secretType reads a type in either case; the service says which there are.
func secretType(s string) models.SecretType { return models.SecretType(strings.ToUpper(s)) }

func plaintext(v api.Value) models.Plaintext { return models.NewPlaintext([]byte(v.Reveal())) }

// expiry is the expiry of something new, which has none that could be taken away.
func expiry(e api.Expiry) *time.Time {
	if at := e.Time(); at != nil && !at.IsZero() {
		return at
	}
	return nil
}

// GetSecret reads a secret, with its value where the actor may see it and did not leave it
// out.
func (s *server) GetSecret(w http.ResponseWriter, r *http.Request, id api.SecretID, params api.GetSecretParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		if params.Value != nil && !*params.Value || r.Method == http.MethodHead {
			found, _, err := s.Secrets.Get(ctx, actor, models.SecretID(id))
			return secretAnswer(found), err
		}
		if !revealsAll(actor) {
			found, _, err := s.Secrets.Get(ctx, actor, models.SecretID(id))
			if err != nil || !auth.Can(actor, auth.RevealSecret, found.EnvironmentID) {
				return hiddenAnswer(found), err
			}
		}
		revealed, err := s.Secrets.Reveal(ctx, actor, models.SecretID(id), 0)
		if fault.Is(err, fault.Conflict) {
			found, _, getErr := s.Secrets.Get(ctx, actor, models.SecretID(id))
			if getErr == nil && found.Deleted() {
				return hiddenAnswer(found), nil
			}
		}
		if err != nil {
			return answer{}, err
		}
		defer revealed.Value.Zero()
		return valueAnswer(revealed), nil
	})
}

// revealsAll reports whether the actor may read the value of every secret that it may see,
// so that there is no need to look at the secret first. A mere look must leave no refused
// reveal on record.
func revealsAll(actor models.Actor) bool {
	if actor.Role == models.RoleAdmin {
		return true
	}
	for environment := range actor.Roles {
		if auth.Can(actor, auth.ViewSecret, environment) && !auth.Can(actor, auth.RevealSecret, environment) {
			return false
		}
	}
	return actor.Role == models.RoleUser
}

// ReplaceSecret writes a new value.
func (s *server) ReplaceSecret(w http.ResponseWriter, r *http.Request, id api.SecretID, params api.ReplaceSecretParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		var body api.ReplaceSecret
		if err := decode(w, r, &body); err != nil {
			return answer{}, err
		}
		if err := s.sameIdentity(ctx, actor, models.SecretID(id), body); err != nil {
			return answer{}, err
		}
		value := plaintext(body.Value)
		return s.updateSecret(ctx, actor, id, params.IfMatch, secrets.Change{
			Value: &value, Comment: body.Comment, Description: body.Description, Owner: body.Owner,
			Tags: (*map[string]string)(body.Tags), ExpiresAt: body.ExpiresAt.Time(), RotateEvery: body.RotateEveryDays,
		})
	})
}

// sameIdentity refuses a replacement that would move, rename or retype the secret.
func (s *server) sameIdentity(ctx context.Context, actor models.Actor, id models.SecretID, body api.ReplaceSecret) error {
	if body.Name == "" && body.SecretType == "" && body.EnvironmentID.IsZero() {
		return nil
	}
	found, environment, err := s.Secrets.Get(ctx, actor, id)
	if err != nil {
		return err
	}
	asked, byID := body.EnvironmentID.ID()
	var fixed *fault.Error
	switch {
	case body.Name != "" && body.Name != found.Name:
		fixed = fault.InvalidField("name", "cannot change")
	case body.SecretType != "" && secretType(body.SecretType) != found.Type:
		fixed = fault.InvalidField("secret_type", "cannot change")
	case byID && asked != int64(environment.ID), !byID && !body.EnvironmentID.IsZero() && body.EnvironmentID.String() != environment.Name:
		fixed = fault.InvalidField("environment_id", "cannot change")
	default:
		return nil
	}
	return fixed.WithHint("Create another secret, then delete this one.")
}

// UpdateSecret changes some fields.
func (s *server) UpdateSecret(w http.ResponseWriter, r *http.Request, id api.SecretID, params api.UpdateSecretParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		var body api.SecretChange
		if err := decode(w, r, &body); err != nil {
			return answer{}, err
		}
		change := secrets.Change{
			Comment: body.Comment, Description: body.Description, Owner: body.Owner,
			Tags: (*map[string]string)(body.Tags), ExpiresAt: body.ExpiresAt.Time(), RotateEvery: body.RotateEveryDays,
		}
		if !body.Value.IsZero() {
			value := plaintext(body.Value)
			change.Value = &value
		}
		return s.updateSecret(ctx, actor, id, params.IfMatch, change)
	})
}

func (s *server) updateSecret(ctx context.Context, actor models.Actor, id api.SecretID, ifMatch string, change secrets.Change) (answer, error) {
	expect, err := s.expectSecret(ctx, actor, id, ifMatch)
	if err != nil {
		return answer{}, err
	}
	changed, err := s.Secrets.Update(ctx, actor, models.SecretID(id), change, expect)
	return secretAnswer(changed), err
}

func (s *server) expectSecret(ctx context.Context, actor models.Actor, id api.SecretID, ifMatch string) (int64, error) {
	return expected(ifMatch, func() (int64, error) {
		found, _, err := s.Secrets.Get(ctx, actor, models.SecretID(id))
		return found.Revision, err
	})
}

// DeleteSecret deletes a secret, which can be undeleted for a while.
func (s *server) DeleteSecret(w http.ResponseWriter, r *http.Request, id api.SecretID, params api.DeleteSecretParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		expect, err := s.expectSecret(ctx, actor, id, params.IfMatch)
		if err != nil {
			return answer{}, err
		}
		deleted, err := s.Secrets.Delete(ctx, actor, models.SecretID(id), expect)
		return secretAnswer(deleted), err
	})
}

// UndeleteSecret brings a deleted secret back.
func (s *server) UndeleteSecret(w http.ResponseWriter, r *http.Request, id api.SecretID) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		back, err := s.Secrets.Undelete(ctx, actor, models.SecretID(id))
		return secretAnswer(back), err
	})
}

// RollbackSecret makes an earlier version's value the newest version.
func (s *server) RollbackSecret(w http.ResponseWriter, r *http.Request, id api.SecretID, params api.RollbackSecretParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		var body api.Rollback
		if err := decode(w, r, &body); err != nil {
			return answer{}, err
		}
		if body.Version < 1 {
			return answer{}, fault.InvalidField("version", "must be the number of a version, from 1")
		}
		expect, err := s.expectSecret(ctx, actor, id, params.IfMatch)
		if err != nil {
			return answer{}, err
		}
		changed, err := s.Secrets.Rollback(ctx, actor, models.SecretID(id), models.VersionNumber(body.Version), body.Comment, expect)
		return secretAnswer(changed), err
	})
}

func secretAnswer(s models.Secret) answer {
	return answer{body: secret(s), revision: s.Revision}
}

func valueAnswer(r secrets.Revealed) answer {
	value := api.NewValue(string(r.Value.Reveal()))
	return answer{body: api.SecretWithValue{Secret: secret(r.Secret), Value: value}, revision: r.Secret.Revision}
}

func hiddenAnswer(s models.Secret) answer {
	return answer{body: api.SecretWithValue{Secret: secret(s), ValueHidden: true}, revision: s.Revision}
}

// secret is a secret on the wire, without its value.
func secret(s models.Secret) api.Secret {
	return api.Secret{
		ID: int64(s.ID), EnvironmentID: int64(s.EnvironmentID), Name: s.Name, SecretType: api.SecretType(s.Type),
		Description: s.Description, Owner: s.Owner, Tags: s.Tags, ExpiresAt: moment(s.ExpiresAt),
		RotateEveryDays: s.RotateEvery, RotationDueAt: moment(s.RotationDueAt()),
		Version: int64(s.CurrentVersion), Size: s.CurrentSize, Facts: facts(s.Facts), Revision: s.Revision,
		CreatedAt: s.CreatedAt.UTC(), CreatedBy: s.CreatedBy, UpdatedAt: s.UpdatedAt.UTC(), UpdatedBy: s.UpdatedBy,
		ValueChangedAt: s.ValueChangedAt.UTC(), DeletedAt: moment(s.DeletedAt), UndeleteUntil: moment(s.PurgeAfter),
	}
}

func facts(f models.Facts) api.Facts {
	wire := api.Facts{Keys: f.Keys}
	if c := f.Certificate; c != nil {
		wire.Certificate = &api.CertificateFacts{
			Subject: c.Subject, Issuer: c.Issuer, DNSNames: c.DNSNames, NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC(),
			FingerprintSHA256: c.FingerprintSHA256, ChainLength: c.ChainLength, HasPrivateKey: c.HasPrivateKey,
		}
	}
	if k := f.SSHKey; k != nil {
		wire.SSHKey = &api.SSHKeyFacts{Kind: k.Kind, Fingerprint: k.Fingerprint, Encrypted: k.Encrypted}
	}
	return wire
}
