package standin

import (
	"time"
)

const (
	minWindow     = 7
	defaultWindow = 30
	maxWindow     = 30
)

type replicaRegion struct {
	Region   string
	KmsKeyID string `json:"KmsKeyId"`
}

type createSecretIn struct {
	Name               string
	Description        string
	KmsKeyID           string `json:"KmsKeyId"`
	ClientRequestToken string
	SecretString       *string
	SecretBinary       []byte
	Tags               []tag
	AddReplicaRegions  []replicaRegion
}

// secretOut answers the operations that name a secret, and perhaps a version of it.
type secretOut struct {
	ARN               string
	Name              string              `json:",omitempty"`
	VersionID         string              `json:"VersionId,omitempty"`
	VersionStages     []string            `json:",omitempty"`
	ReplicationStatus []replicationStatus `json:",omitempty"`
}

func createSecret(_ *Server, c *call, in *createSecretIn) (*secretOut, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	value, err := newValue(in.ClientRequestToken, in.SecretString, in.SecretBinary)
	if err != nil {
		return nil, err
	}
	keyID, err := c.region.keys.forSecrets(in.KmsKeyID, c.now)
	if err != nil {
		return nil, err
	}
	st := c.region.secrets
	s := &secret{
		Name: in.Name, ARN: st.arnPrefix() + in.Name + "-" + randomString(6, alphanumeric),
		Description: in.Description, KMSKeyID: in.KmsKeyID, Created: c.now, Changed: c.now, Stages: map[string]string{},
	}
	s.setTags(in.Tags)
	s.replicate(in.AddReplicaRegions)
	if value != nil {
		if err := s.addVersion(value, keyID, nil, c.now); err != nil {
			return nil, err
		}
	}
	s, err = st.create(s, c.now, func(existing *secret) (*secret, error) { return createdBefore(existing, value) })
	if err != nil {
		return nil, err
	}
	out := &secretOut{ARN: s.ARN, Name: s.Name, ReplicationStatus: replicationOf(s)}
	if value != nil {
		out.VersionID = value.ID
	}
	return out, nil
}

func (in *createSecretIn) check() error {
	if err := checkLength("name", len(in.Name), 1, maxSecretName); err != nil {
		return err
	}
	if !secretName.MatchString(in.Name) {
		return refuse("ValidationException", "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!")
	}
	if err := checkLength("description", len(in.Description), 0, maxDescription); err != nil {
		return err
	}
	if err := checkTags(in.Tags); err != nil {
		return err
	}
	if len(in.Tags) > maxTags {
		return refuse("LimitExceededException", "You can't add more than %d tags to a secret.", maxTags)
	}
	return nil
}

// createdBefore answers a create whose name is taken: a repetition of the same create is a success.
func createdBefore(existing *secret, value *version) (*secret, error) {
	if existing.deleted() {
		return nil, refuse("InvalidRequestException", "You can't create this secret because a secret with this name is already scheduled for deletion.")
	}
	if value != nil {
		if made := existing.version(value.ID); made != nil && made.same(value) {
			return existing, nil
		}
	}
	return nil, refuse("ResourceExistsException", "The operation failed because the secret %s already exists.", existing.Name)
}

type secretIn struct {
	SecretID string `json:"SecretId"`
}

type describeSecretOut struct {
	ARN                string
	Name               string
	Description        string              `json:",omitempty"`
	KmsKeyID           string              `json:"KmsKeyId,omitempty"`
	CreatedDate        epoch               `json:",omitzero"`
	LastChangedDate    epoch               `json:",omitzero"`
	LastAccessedDate   epoch               `json:",omitzero"`
	DeletedDate        epoch               `json:",omitzero"`
	Tags               []tag               `json:",omitempty"`
	VersionIDsToStages map[string][]string `json:"VersionIdsToStages,omitempty"`
	PrimaryRegion      string              `json:",omitempty"`
	ReplicationStatus  []replicationStatus `json:",omitempty"`
}

func describeSecret(_ *Server, c *call, in *secretIn) (*describeSecretOut, error) {
	s, err := c.region.secrets.get(in.SecretID, c.now)
	if err != nil {
		return nil, err
	}
	e := entryOf(s)
	return &describeSecretOut{
		ARN: e.ARN, Name: e.Name, Description: e.Description, KmsKeyID: e.KmsKeyID,
		CreatedDate: e.CreatedDate, LastChangedDate: e.LastChangedDate,
		LastAccessedDate: e.LastAccessedDate, DeletedDate: e.DeletedDate, Tags: e.Tags,
		VersionIDsToStages: e.SecretVersionsToStages, PrimaryRegion: e.PrimaryRegion,
		ReplicationStatus: replicationOf(s),
	}, nil
}

type updateSecretIn struct {
	SecretID           string `json:"SecretId"`
	ClientRequestToken string
	Description        *string
	KmsKeyID           *string `json:"KmsKeyId"`
	SecretString       *string
	SecretBinary       []byte
}

func updateSecret(_ *Server, c *call, in *updateSecretIn) (*secretOut, error) {
	value, err := newValue(in.ClientRequestToken, in.SecretString, in.SecretBinary)
	if err != nil {
		return nil, err
	}
	if in.Description != nil {
		if err := checkLength("description", len(*in.Description), 0, maxDescription); err != nil {
			return nil, err
		}
	}
	keys := c.region.keys
	s, err := c.region.secrets.changeLive(in.SecretID, c.now, func(s *secret) (bool, error) {
		if value != nil {
			if repeated, err := s.repeats(value); repeated || err != nil {
				return false, err
			}
		}
		if in.Description != nil {
			s.Description = *in.Description
		}
		if in.KmsKeyID != nil {
			if err := s.changeKey(keys, *in.KmsKeyID, c.now); err != nil {
				return false, err
			}
		}
		if value == nil {
			return in.Description != nil || in.KmsKeyID != nil, nil
		}
		return true, s.store(keys, value, nil, c.now)
	})
	if err != nil {
		return nil, err
	}
	out := &secretOut{ARN: s.ARN, Name: s.Name}
	if value != nil {
		out.VersionID = value.ID
	}
	return out, nil
}

type deleteSecretIn struct {
	SecretID                   string `json:"SecretId"`
	RecoveryWindowInDays       *int
	ForceDeleteWithoutRecovery bool
}

type deleteSecretOut struct {
	ARN          string
	Name         string
	DeletionDate epoch
}

func deleteSecret(srv *Server, c *call, in *deleteSecretIn) (*deleteSecretOut, error) {
	window := defaultWindow
	if in.RecoveryWindowInDays != nil {
		window = *in.RecoveryWindowInDays
	}
	switch {
	case in.ForceDeleteWithoutRecovery && in.RecoveryWindowInDays != nil:
		return nil, refuse("InvalidParameterException", "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.")
	case window < minWindow || window > maxWindow:
		return nil, refuse("InvalidParameterException", "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).")
	}
	st := c.region.secrets
	s, err := st.change(in.SecretID, c.now, func(s *secret) (bool, error) {
		if len(s.Replicas) > 0 {
			return false, refuse("InvalidRequestException", "You can't delete secret %s that still has replica regions.", s.Name)
		}
		if in.ForceDeleteWithoutRecovery {
			s.Forced, s.DeletedAt, s.PurgeAt = true, c.now, c.now.Add(srv.opts.ForceDeleteDelay)
			return true, nil
		}
		if err := checkLive(s); err != nil {
			return false, err
		}
		s.DeletedAt = c.now.Add(time.Duration(window) * 24 * time.Hour)
		s.PurgeAt = s.DeletedAt
		return true, nil
	})
	if isNotFound(err) && in.ForceDeleteWithoutRecovery {
		// AWS answers the forced deletion of what is not there like any other, with an ARN made up for it.
		return &deleteSecretOut{ARN: st.arnPrefix() + in.SecretID + "-" + randomString(6, alphanumeric), Name: in.SecretID, DeletionDate: epoch(c.now)}, nil
	}
	if err != nil {
		return nil, err
	}
	return &deleteSecretOut{ARN: s.ARN, Name: s.Name, DeletionDate: epoch(s.DeletedAt)}, nil
}

func restoreSecret(_ *Server, c *call, in *secretIn) (*secretOut, error) {
	s, err := c.region.secrets.change(in.SecretID, c.now, func(s *secret) (bool, error) {
		if s.Forced {
			return false, refuse("InvalidRequestException", "You can't restore a secret that was deleted without recovery.")
		}
		wasDeleted := s.deleted()
		s.DeletedAt, s.PurgeAt = time.Time{}, time.Time{}
		return wasDeleted, nil
	})
	if err != nil {
		return nil, err
	}
	return &secretOut{ARN: s.ARN, Name: s.Name}, nil
}

// getResourcePolicy answers for a secret without a policy; the stand-in keeps none.
func getResourcePolicy(_ *Server, c *call, in *secretIn) (*secretOut, error) {
	s, err := c.region.secrets.live(in.SecretID, c.now)
	if err != nil {
		return nil, err
	}
	return &secretOut{ARN: s.ARN, Name: s.Name}, nil
}
