package standin

import (
	"errors"
	"time"
)

type getSecretValueIn struct {
	SecretID     string `json:"SecretId"`
	VersionID    string `json:"VersionId"`
	VersionStage string
}

type secretValue struct {
	ARN           string
	Name          string
	VersionID     string   `json:"VersionId"`
	SecretString  *string  `json:",omitempty"`
	SecretBinary  []byte   `json:",omitempty"`
	VersionStages []string `json:",omitempty"`
	CreatedDate   epoch
}

func getSecretValue(_ *Server, c *call, in *getSecretValueIn) (*secretValue, error) {
	s, err := c.region.secrets.live(in.SecretID, c.now)
	if err != nil {
		return nil, err
	}
	v, err := s.pick(in.VersionID, in.VersionStage)
	if err != nil {
		return nil, err
	}
	return readValue(c.region, s, v, c.now)
}

// pick finds the version that an id, a label or both name; the current one when neither is given.
func (s *secret) pick(id, stage string) (*version, error) {
	if id == "" && stage == "" {
		stage = stageCurrent
	}
	if id == "" {
		v := s.version(s.Stages[stage])
		if v == nil {
			return nil, refuse("ResourceNotFoundException", "Secrets Manager can't find the specified secret value for staging label: %s", stage)
		}
		return v, nil
	}
	v := s.version(id)
	switch {
	case v == nil:
		return nil, noSuchVersion(id)
	case stage != "" && s.Stages[stage] != id:
		return nil, refuse("InvalidRequestException", "You provided a VersionStage that is not associated to the provided VersionId.")
	}
	return v, nil
}

func noSuchVersion(id string) *apiError {
	return refuse("ResourceNotFoundException", "Secrets Manager can't find the specified secret value for VersionId: %s", id)
}

// readValue opens a version, which takes its KMS key.
func readValue(r *region, s *secret, v *version, now time.Time) (*secretValue, error) {
	if !r.keys.usable(v.KeyID, now) {
		return nil, undecryptable()
	}
	r.secrets.touch(s, v.ID, now)
	return &secretValue{
		ARN: s.ARN, Name: s.Name, VersionID: v.ID, SecretString: v.Text, SecretBinary: v.Binary,
		VersionStages: s.stagesOf(v.ID), CreatedDate: epoch(v.Created),
	}, nil
}

func undecryptable() *apiError {
	return refuse("DecryptionFailure", "Secrets Manager can't decrypt the protected secret text using the provided KMS key.")
}

func isNotFound(err error) bool {
	var e *apiError
	return errors.As(err, &e) && e.code == "ResourceNotFoundException"
}
