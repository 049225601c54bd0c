package standin

import (
	"bytes"
	"slices"
	"time"
)

// newValue makes the version that a request asks for, or nil when it brings no value.
func newValue(token string, text *string, binary []byte) (*version, error) {
	if text == nil && binary == nil {
		return nil, nil
	}
	if text != nil && binary != nil {
		return nil, refuse("InvalidParameterException", "You can't specify both a binary secret value and a string secret value in the same secret.")
	}
	if token == "" {
		return nil, refuse("InvalidParameterException", "You must provide a ClientRequestToken value. We recommend a UUID-type value.")
	}
	if err := checkLength("clientRequestToken", len(token), 32, 64); err != nil {
		return nil, err
	}
	if text != nil {
		return &version{ID: token, Text: text}, checkLength("secretString", len(*text), 1, maxSecretValue)
	}
	return &version{ID: token, Binary: binary}, checkLength("secretBinary", len(binary), 1, maxSecretValue)
}

func (v *version) same(other *version) bool {
	if (v.Text == nil) != (other.Text == nil) || (v.Text != nil && *v.Text != *other.Text) {
		return false
	}
	return bytes.Equal(v.Binary, other.Binary)
}

// repeats tells whether the secret has this very version already, so that a retry changes nothing.
// The same token with another value is refused.
func (s *secret) repeats(value *version) (bool, error) {
	existing := s.version(value.ID)
	switch {
	case existing == nil:
		return false, nil
	case existing.same(value):
		return true, nil
	}
	return false, refuse("ResourceExistsException", "You can't use ClientRequestToken %s because that value is already in use for a version of secret %s.", value.ID, s.ARN)
}

// store adds a version under the secret's present key.
func (s *secret) store(keys *keyring, value *version, stages []string, now time.Time) error {
	keyID, err := keys.forSecrets(s.KMSKeyID, now)
	if err != nil {
		return err
	}
	return s.addVersion(value, keyID, stages, now)
}

// addVersion adds a version with labels, AWSCURRENT when none are given. The first version is always current.
func (s *secret) addVersion(value *version, keyID string, stages []string, now time.Time) error {
	if err := s.makeRoom(now); err != nil {
		return err
	}
	added := *value
	added.Created, added.KeyID, added.KeyName = now, keyID, s.KMSKeyID
	s.Versions = append(s.Versions, &added)
	if len(stages) == 0 {
		stages = []string{stageCurrent}
	}
	for _, label := range stages {
		if label != stageCurrent {
			s.Stages[label] = added.ID
		}
	}
	if slices.Contains(stages, stageCurrent) || s.Stages[stageCurrent] == "" {
		s.makeCurrent(added.ID)
	}
	return nil
}

// makeCurrent moves AWSCURRENT, and leaves AWSPREVIOUS on the version that had it.
func (s *secret) makeCurrent(id string) {
	was := s.Stages[stageCurrent]
	s.Stages[stageCurrent] = id
	if was != "" && was != id {
		s.Stages[stagePrevious] = was
	}
}

// makeRoom drops versions that have no label and are older than a day, oldest first, while the secret is full.
func (s *secret) makeRoom(now time.Time) error {
	for len(s.Versions) >= maxVersions {
		old := slices.IndexFunc(s.Versions, func(v *version) bool {
			return now.Sub(v.Created) > versionKeptFor && len(s.stagesOf(v.ID)) == 0
		})
		if old < 0 {
			return refuse("LimitExceededException", "You can't have more than %d versions of a secret.", maxVersions)
		}
		s.Versions = slices.Delete(s.Versions, old, old+1)
	}
	return nil
}

// changeKey makes new versions use another key, and moves the labelled ones to it when the old key can still be used.
func (s *secret) changeKey(keys *keyring, name string, now time.Time) error {
	keyID, err := keys.forSecrets(name, now)
	if err != nil {
		return err
	}
	s.KMSKeyID = name
	for i, v := range s.Versions {
		if len(s.stagesOf(v.ID)) > 0 && keys.usable(v.KeyID, now) {
			moved := *v
			moved.KeyID, moved.KeyName = keyID, name
			s.Versions[i] = &moved
		}
	}
	return nil
}

type putSecretValueIn struct {
	SecretID           string `json:"SecretId"`
	ClientRequestToken string
	SecretString       *string
	SecretBinary       []byte
	VersionStages      []string
}

func putSecretValue(_ *Server, c *call, in *putSecretValueIn) (*secretOut, error) {
	value, err := newValue(in.ClientRequestToken, in.SecretString, in.SecretBinary)
	if err != nil {
		return nil, err
	}
	if value == nil {
		return nil, refuse("InvalidRequestException", "You must provide either SecretString or SecretBinary.")
	}
	if err := checkStages(in.VersionStages); err != nil {
		return nil, err
	}
	s, err := c.region.secrets.changeLive(in.SecretID, c.now, func(s *secret) (bool, error) {
		if repeated, err := s.repeats(value); repeated || err != nil {
			return false, err
		}
		return true, s.store(c.region.keys, value, in.VersionStages, c.now)
	})
	if err != nil {
		return nil, err
	}
	return &secretOut{ARN: s.ARN, Name: s.Name, VersionID: value.ID, VersionStages: s.stagesOf(value.ID)}, nil
}

func checkStages(stages []string) error {
	if stages == nil {
		return nil
	}
	if err := checkLength("versionStages", len(stages), 1, maxStages); err != nil {
		return err
	}
	for _, label := range stages {
		if err := checkLength("versionStages.member", len(label), 1, maxStageName); err != nil {
			return err
		}
	}
	return nil
}

type listVersionsIn struct {
	SecretID          string `json:"SecretId"`
	IncludeDeprecated bool
	MaxResults        *int
	NextToken         string
}

type versionEntry struct {
	VersionID        string   `json:"VersionId"`
	VersionStages    []string `json:",omitempty"`
	CreatedDate      epoch
	LastAccessedDate epoch    `json:",omitzero"`
	KmsKeyIDs        []string `json:"KmsKeyIds"`
}

type listVersionsOut struct {
	ARN       string
	Name      string
	Versions  []versionEntry
	NextToken string `json:",omitempty"`
}

// listSecretVersionIDs lists the newest version first.
func listSecretVersionIDs(_ *Server, c *call, in *listVersionsIn) (*listVersionsOut, error) {
	if err := checkRange("maxResults", in.MaxResults, 1, maxListResults); err != nil {
		return nil, err
	}
	s, err := c.region.secrets.get(in.SecretID, c.now)
	if err != nil {
		return nil, err
	}
	query := pageQuery(s.ARN, in.IncludeDeprecated)
	skip, err := readPageToken(in.NextToken, query)
	if err != nil {
		return nil, err
	}
	var entries []versionEntry
	for _, v := range slices.Backward(s.Versions) {
		if stages := s.stagesOf(v.ID); len(stages) > 0 || in.IncludeDeprecated {
			entries = append(entries, versionEntry{v.ID, stages, epoch(v.Created), epoch(v.Accessed), []string{v.keyShown()}})
		}
	}
	from := min(int(skip), len(entries))
	to := len(entries)
	if in.MaxResults != nil {
		to = min(from+*in.MaxResults, to)
	}
	out := &listVersionsOut{ARN: s.ARN, Name: s.Name, Versions: append([]versionEntry{}, entries[from:to]...)}
	if to < len(entries) {
		out.NextToken = pageToken(uint64(to), query)
	}
	return out, nil
}

func (v *version) keyShown() string {
	if v.KeyName == "" {
		return defaultKeyMarker
	}
	return v.KeyName
}
