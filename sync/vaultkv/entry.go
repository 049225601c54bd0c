package vaultkv

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
)

// The keys of Keeper's mark in the custom metadata.
const (
	keyOwner       = "keeper_owner"
	keyDestination = "keeper_destination"
	keySecret      = "keeper_secret"
)

const base64Suffix = "_base64"

func customOf(m keepersync.Mark) map[string]string {
	return map[string]string{
		keyOwner: m.Owner, keyDestination: string(m.Destination), keySecret: strconv.FormatInt(int64(m.Secret), 10),
	}
}

// markOf reads the mark. A secret number that is none leaves the rest of the mark, which
// then equals no mark of ours.
func markOf(custom map[string]string) keepersync.Mark {
	id, _ := strconv.ParseInt(custom[keySecret], 10, 64)
	return keepersync.Mark{
		Owner: custom[keyOwner], Destination: models.DestinationID(custom[keyDestination]), Secret: models.SecretID(id),
	}
}

// metadata is an answer of M/metadata/name.
type metadata struct {
	CurrentVersion     int                 `json:"current_version"`
	UpdatedTime        time.Time           `json:"updated_time"`
	Versions           map[string]revision `json:"versions"`
	CustomMetadata     map[string]string   `json:"custom_metadata"`
	CASRequired        bool                `json:"cas_required"`
	MaxVersions        int                 `json:"max_versions"`
	DeleteVersionAfter string              `json:"delete_version_after"`
}

// revision is what Vault says of one version, in metadata as beside data.
type revision struct {
	Version      int       `json:"version"` // beside data only
	CreatedTime  time.Time `json:"created_time"`
	DeletionTime string    `json:"deletion_time"` // empty: not deleted; in the future: not yet
	Destroyed    bool      `json:"destroyed"`

	CustomMetadata map[string]string `json:"custom_metadata"` // beside data only
}

func (r revision) deleted() bool {
	at, err := time.Parse(time.RFC3339Nano, r.DeletionTime)
	return err == nil && !at.After(time.Now())
}

// remote tells of a name by its metadata. Where the newest version is destroyed, or there
// never was one, nothing can be restored: such an entry has no version if it is ours, so
// that a value can be put, and keeps its version if it is not, so that it is seen as taken.
func (m metadata) remote(name string) keepersync.Remote {
	current, has := m.Versions[strconv.Itoa(m.CurrentVersion)]
	r := keepersync.Remote{
		Name: name, Version: strconv.Itoa(m.CurrentVersion), Mark: markOf(m.CustomMetadata), ChangedAt: m.UpdatedTime,
	}
	if has {
		r.ChangedAt = current.CreatedTime
	}
	switch {
	case !has || current.Destroyed:
		if !r.Mark.Zero() {
			r.Version = ""
		}
	case current.deleted():
		r.Deleted = true
	}
	return r
}

// encode is the entry of a value.
func (d *Driver) encode(value []byte) map[string]string {
	if utf8.Valid(value) {
		return map[string]string{d.valueKey: string(value)}
	}
	return map[string]string{d.valueKey + base64Suffix: base64.StdEncoding.EncodeToString(value)}
}

// decode is the value of an entry. An entry that Keeper did not shape is the JSON of all its
// keys, sorted and with its numbers as they stand.
func (d *Driver) decode(data json.RawMessage) (models.Plaintext, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var entry map[string]any
	if decoder.Decode(&entry) != nil {
		return models.Plaintext{}, errNotVault
	}
	if len(entry) == 1 {
		if text, ok := entry[d.valueKey].(string); ok {
			return models.NewPlaintext([]byte(text)), nil
		}
		if text, ok := entry[d.valueKey+base64Suffix].(string); ok {
			if value, err := base64.StdEncoding.DecodeString(text); err == nil {
				return models.NewPlaintext(value), nil
			}
		}
	}
	all, err := json.Marshal(entry)
	if err != nil {
		return models.Plaintext{}, errNotVault
	}
	return models.NewPlaintext(all), nil
}
