package store

import (
	"database/sql"
	"slices"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// EntryHash is the keyed hash of a version's value as a whole entry at a destination. It is
// derived from the value, so that it can be found out anew whenever it is not there.
type EntryHash struct {
	SecretID models.SecretID
	Number   models.VersionNumber
	Hash     []byte
}

// SetEntryHashes keeps hashes beside their versions. A version that is gone is passed over.
func (tx *Tx) SetEntryHashes(hashes []EntryHash) error {
	for _, h := range hashes {
		if _, err := tx.exec("version", setEntryHash, h.Hash, int64(h.SecretID), int64(h.Number)); err != nil {
			return err
		}
	}
	return nil
}

var setEntryHash = newQuery("UPDATE secret_versions SET entry_hash = ? WHERE secret_id = ? AND number = ?")

// EntryHashes are those of secrets' current versions, where they are known.
func (tx *Tx) EntryHashes(ids []models.SecretID) (map[models.SecretID]EntryHash, error) {
	known := make(map[models.SecretID]EntryHash, len(ids))
	for batch := range slices.Chunk(ids, batchSize) {
		var rows []EntryHash
		err := tx.db().Table("secrets s").Joins("JOIN secret_versions v ON v.secret_id = s.id AND v.number = s.current_version").
			Where("s.id IN ? AND v.entry_hash IS NOT NULL", batch).Select("v.secret_id, v.number, v.entry_hash AS hash").Scan(&rows).Error
		if err != nil {
			return nil, translate(err, "version")
		}
		for _, r := range rows {
			known[r.SecretID] = r
		}
	}
	return known, nil
}

// TagsOf are the tags of secrets that have some.
func (tx *Tx) TagsOf(ids []models.SecretID) (map[models.SecretID]map[string]string, error) {
	tags := make(map[models.SecretID]map[string]string, len(ids))
	for batch := range slices.Chunk(ids, batchSize) {
		var rows []struct {
			ID   models.SecretID
			Tags sql.NullString
		}
		if err := tx.db().Table("secrets").Where("id IN ?", batch).Select("id, tags").Scan(&rows).Error; err != nil {
			return nil, translate(err, "secret")
		}
		for _, r := range rows {
			var these map[string]string
			if err := decodeJSON(r.Tags, &these); err != nil {
				return nil, fault.Wrap(err, fault.Internal, "The secret's row is damaged.")
			}
			tags[r.ID] = these
		}
	}
	return tags, nil
}

// NameAt is a name at a destination and whose it is.
type NameAt struct {
	RemoteName string
	SecretID   models.SecretID
	SecretName string
}

// NamesAt says which of the names at a destination belong to which secret: those that were
// written there, or are about to be.
func (tx *Tx) NamesAt(destination models.DestinationID, names []string) (map[string]NameAt, error) {
	owners := map[string]NameAt{}
	for batch := range slices.Chunk(names, batchSize) {
		var rows []NameAt
		err := tx.db().Table("sync_states st").Joins("JOIN secrets s ON s.id = st.secret_id").
			Where("st.destination_id = ? AND st.remote_name IN ?", destination, batch).
			Where("st.base_at IS NOT NULL OR st.intent_at IS NOT NULL").
			Select("st.remote_name, st.secret_id, s.name AS secret_name").Scan(&rows).Error
		if err != nil {
			return nil, translate(err, "sync state")
		}
		for _, r := range rows {
			owners[r.RemoteName] = r
		}
	}
	return owners, nil
}
