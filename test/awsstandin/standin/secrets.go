package standin

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

func createSecret(srv *Server, c *call, in *createSecretIn) (*secretOut, error) {
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
		Name: in.Name, ARN: st.newARN(in.Name),
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
	out := &secretOut{ARN: s.ARN, Name: s.Name, ReplicationStatus: srv.replicationOf(s)}
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

func describeSecret(srv *Server, c *call, in *secretIn) (*describeSecretOut, error) {
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
		ReplicationStatus: srv.replicationOf(s),
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

// getResourcePolicy answers for a secret without a policy; the stand-in keeps none.
func getResourcePolicy(_ *Server, c *call, in *secretIn) (*secretOut, error) {
	s, err := c.region.secrets.live(in.SecretID, c.now)
	if err != nil {
		return nil, err
	}
	return &secretOut{ARN: s.ARN, Name: s.Name}, nil
}
