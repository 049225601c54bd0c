package local

import (
	"maps"
	"slices"
	"strings"
)

// ring is the versions of a master key at one time. It does not change.
type ring struct {
	byID   map[string]masterKey // by fingerprint
	newest masterKey
}

func newRing(keys []masterKey) *ring {
	r := &ring{byID: make(map[string]masterKey, len(keys))}
	for _, key := range keys {
		r.byID[key.id] = key
		if key.version >= r.newest.version {
			r.newest = key
		}
	}
	return r
}

// named finds a version by its recipient id.
func (r *ring) named(recipient string) (masterKey, bool) {
	id, version, ok := parseRecipient(recipient)
	key, found := r.byID[id]
	return key, ok && found && key.version == version
}

// lost are the recipient ids of r's versions that a later ring does not have.
func (r *ring) lost(later *ring) []string {
	var ids []string
	for id, key := range r.byID {
		if _, ok := later.byID[id]; !ok {
			ids = append(ids, key.recipient())
		}
	}
	slices.Sort(ids)
	return ids
}

// String lists the recipient ids; nothing of a key stands in it.
func (r *ring) String() string {
	var have []string
	for _, id := range slices.Sorted(maps.Keys(r.byID)) {
		have = append(have, r.byID[id].recipient())
	}
	return strings.Join(have, ", ")
}
