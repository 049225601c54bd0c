package vaultkv

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
)

// The keys of Keeper's mark in the custom metadata.
const (
	keyOwner       = "keeper_owner"
	keyDestination = "keeper_destination"
	keySecret      = "keeper_secret"
)

func customOf(m keepersync.Mark) map[string]any {
	return map[string]any{
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
	at, err := r.deletedAt()
	return err == nil && !at.After(time.Now())
}

func (r revision) deletedAt() (time.Time, error) { return time.Parse(time.RFC3339Nano, r.DeletionTime) }

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

// encode is the entry of a value that is to stand under a name. Invalid where the value is to
// be a whole entry and is no object.
func (d *Driver) encode(name string, value []byte) (json.RawMessage, error) {
	if !d.whole {
		key := d.valueKey
		if !utf8.Valid(value) {
			key, value = key+keepersync.Base64Suffix, base64.StdEncoding.AppendEncode(nil, value)
		}
		return json.Marshal(map[string]string{key: string(value)})
	}
	object, err := keepersync.CanonicalObject(value)
	if err != nil {
		return nil, d.noEntry(err, opPut, name)
	}
	return object, nil
}

// noEntry explains that a whole entry cannot be read or written.
func (d *Driver) noEntry(err error, op operation, name string) error {
	public := fault.Public(err)
	return fault.Wrap(err, fault.Invalid, "Keeper cannot %s in Vault. %s", op.on(name), public.Message).WithHint("%s", public.Hint)
}

// decode is the value of the entry under a name. An entry that Keeper did not shape is the
// JSON of all its keys, sorted and with its numbers as they stand, and Odd.
func (d *Driver) decode(name string, data json.RawMessage) (keepersync.Fetched, error) {
	if d.whole {
		object, err := keepersync.CanonicalObject(data)
		if err != nil {
			return keepersync.Fetched{}, d.noEntry(err, opFetch, name)
		}
		return keepersync.Fetched{Value: models.NewPlaintext(object)}, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var entry map[string]any
	if decoder.Decode(&entry) != nil {
		return keepersync.Fetched{}, d.fail(answer{}, errNotVault, opFetch, name)
	}
	if len(entry) == 1 {
		if text, ok := entry[d.valueKey].(string); ok {
			return keepersync.Fetched{Value: models.NewPlaintext([]byte(text))}, nil
		}
		if text, ok := entry[d.valueKey+keepersync.Base64Suffix].(string); ok {
			// Only what Keeper would write so: a text under this key is none under the other.
			value, err := base64.StdEncoding.DecodeString(text)
			if err == nil && !utf8.Valid(value) && base64.StdEncoding.EncodeToString(value) == text {
				return keepersync.Fetched{Value: models.NewPlaintext(value)}, nil
			}
		}
	}
	all, err := json.Marshal(entry)
	if err != nil {
		return keepersync.Fetched{}, d.fail(answer{}, errNotVault, opFetch, name)
	}
	return keepersync.Fetched{
		Value: models.NewPlaintext(all), Odd: "It has keys of its own, and Keeper would write its value under the one key " + d.valueKey + ".",
	}, nil
}
