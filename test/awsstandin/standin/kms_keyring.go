package standin

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// The states of a key.
const (
	stateEnabled         = "Enabled"
	stateDisabled        = "Disabled"
	statePendingDeletion = "PendingDeletion"
)

const managedAliases = "alias/aws/"

// keyring holds the KMS keys and aliases of one account in one region.
type keyring struct {
	where regionKey

	mu      sync.RWMutex
	keys    map[string]*key
	aliases map[string]alias
}

// key is a KMS key. Its fields are guarded by the keyring's lock, its material by a lock of its own.
type key struct {
	ID          string
	Region      string
	Description string
	Created     time.Time
	State       string
	MultiRegion bool
	// Origin is where the key's material comes from; empty for originKMS.
	Origin string `json:",omitempty"`
	// Managed marks a key of AWS's own, such as alias/aws/secretsmanager.
	Managed bool
	// DeleteAt is the end of the waiting period; zero when no deletion is scheduled.
	DeleteAt time.Time
	Window   int
	Tags     []keyTag
	material *material
}

type keyTag struct {
	TagKey   string
	TagValue string
}

type alias struct {
	Target  string
	Created time.Time
	Updated time.Time
}

// keySpec is what a new key is made from.
type keySpec struct {
	description string
	origin      string
	multiRegion bool
	managed     bool
	tags        []keyTag
}

func newKeyring(where regionKey) *keyring {
	return &keyring{where: where, keys: make(map[string]*key), aliases: make(map[string]alias)}
}

func (kr *keyring) arnPrefix() string {
	return "arn:aws:kms:" + kr.where.name + ":" + kr.where.account + ":"
}

func (kr *keyring) keyARN(id string) string { return kr.arnPrefix() + "key/" + id }

// create adds a key and returns a copy of it.
func (kr *keyring) create(spec keySpec, now time.Time) key {
	kr.mu.Lock()
	defer kr.mu.Unlock()
	return *kr.add(spec, now)
}

// add is create for holders of the lock.
func (kr *keyring) add(spec keySpec, now time.Time) *key {
	k := &key{
		ID: newUUID(), Region: kr.where.name, Description: spec.description, Created: now, State: stateEnabled,
		MultiRegion: spec.multiRegion, Origin: spec.origin, Managed: spec.managed, Tags: spec.tags, material: newMaterial(kr.where.name, now),
	}
	if spec.multiRegion {
		k.ID = "mrk-" + strings.ReplaceAll(k.ID, "-", "")
	}
	kr.keys[k.ID] = k
	return k
}

// setAlias points an alias at a key, new or not.
func (kr *keyring) setAlias(name, keyID string, now time.Time) {
	kr.mu.Lock()
	defer kr.mu.Unlock()
	kr.pointAlias(name, keyID, now)
}

// pointAlias is setAlias for holders of the lock.
func (kr *keyring) pointAlias(name, keyID string, now time.Time) {
	a := alias{Target: keyID, Created: now, Updated: now}
	if old, found := kr.aliases[name]; found {
		a.Created = old.Created
	}
	kr.aliases[name] = a
}

// get returns a copy of the key that id names: a key id, key ARN, alias name or alias ARN.
func (kr *keyring) get(id string, now time.Time) (key, error) {
	kr.mu.RLock()
	k, err := kr.find(id, now)
	if err == nil {
		defer kr.mu.RUnlock()
		return *k, nil
	}
	kr.mu.RUnlock()
	if name, managed := kr.managedAlias(id); managed {
		return kr.managed(name, now), nil
	}
	return key{}, err
}

// change runs edit on the key that id names, under the lock, and returns a copy of the result.
func (kr *keyring) change(id string, now time.Time, edit func(*key) error) (key, error) {
	kr.mu.Lock()
	defer kr.mu.Unlock()
	kr.purge(now)
	k, err := kr.find(id, now)
	if err != nil {
		return key{}, err
	}
	if err := edit(k); err != nil {
		return key{}, err
	}
	return *k, nil
}

// find looks a key up for holders of the lock.
func (kr *keyring) find(id string, now time.Time) (*key, error) {
	if err := checkLength("keyId", len(id), 1, 2048); err != nil {
		return nil, err
	}
	rest, isARN, err := kr.stripARN(id)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(rest, "alias/") {
		a, found := kr.aliases[rest]
		if !found {
			return nil, refuse("NotFoundException", "Alias %s%s is not found.", kr.arnPrefix(), rest)
		}
		rest = a.Target
	} else if bare, cut := strings.CutPrefix(rest, "key/"); cut && isARN {
		rest = bare
	}
	k := kr.keys[rest]
	if k == nil || k.gone(now) {
		return nil, refuse("NotFoundException", "Key '%s' does not exist", kr.keyARN(rest))
	}
	return k, nil
}

// stripARN takes this region's prefix off an ARN.
func (kr *keyring) stripARN(id string) (rest string, isARN bool, err error) {
	if !strings.HasPrefix(id, "arn:") {
		return id, false, nil
	}
	if rest, ours := strings.CutPrefix(id, kr.arnPrefix()); ours {
		return rest, true, nil
	}
	parts := strings.SplitN(id, ":", 6)
	if len(parts) == 6 && parts[2] == serviceKMS && parts[3] != kr.where.name {
		return "", true, refuse("NotFoundException", "Invalid arn %s", parts[3])
	}
	return "", true, refuse("AccessDeniedException", "The key %s does not exist, does not exist in this region, or you are not allowed to access it.", id)
}

func (k *key) gone(now time.Time) bool {
	return k.State == statePendingDeletion && !now.Before(k.DeleteAt)
}

// purge removes the keys whose waiting period is over, and their aliases. The lock is held.
func (kr *keyring) purge(now time.Time) {
	for id, k := range kr.keys {
		if !k.gone(now) {
			continue
		}
		delete(kr.keys, id)
		maps.DeleteFunc(kr.aliases, func(_ string, a alias) bool { return a.Target == id })
		k.material.leave(kr.where.name)
	}
}

// leave notes that a region holds the key no more.
func (m *material) leave(region string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.Regions = slices.DeleteFunc(slices.Clone(m.Regions), func(r string) bool { return r == region })
}

// managedAlias reports whether id is the name or ARN of an alias of AWS's own, whose keys exist once they are used.
func (kr *keyring) managedAlias(id string) (name string, managed bool) {
	name = strings.TrimPrefix(id, kr.arnPrefix())
	return name, strings.HasPrefix(name, managedAliases)
}

func (kr *keyring) managed(name string, now time.Time) key {
	kr.mu.Lock()
	defer kr.mu.Unlock()
	if a, found := kr.aliases[name]; found {
		return *kr.keys[a.Target]
	}
	k := kr.add(keySpec{description: "Default key of AWS for " + strings.TrimPrefix(name, managedAliases), managed: true}, now)
	kr.pointAlias(name, k.ID, now)
	return *k
}

// checkUsable says why a key can do no cryptography now.
func (kr *keyring) checkUsable(k key) error {
	switch k.State {
	case stateDisabled:
		return refuse("DisabledException", "%s is disabled.", kr.keyARN(k.ID))
	case statePendingDeletion:
		return kr.pendingDeletion(k)
	}
	return nil
}

func (kr *keyring) pendingDeletion(k key) *apiError {
	return refuse("KMSInvalidStateException", "%s is pending deletion.", kr.keyARN(k.ID))
}

// forSecrets resolves the key that Secrets Manager is told to encrypt with to its id. Empty is the default key.
func (kr *keyring) forSecrets(name string, now time.Time) (string, error) {
	if name == "" {
		return "", nil
	}
	k, err := kr.get(name, now)
	if err != nil {
		return "", refuse("InvalidParameterException", "The operation failed because of an invalid KMS key: the key does not exist in this account and region.")
	}
	if kr.checkUsable(k) != nil {
		return "", refuse("EncryptionFailure", "Secrets Manager can't encrypt the protected secret text using the provided KMS key. Check that the KMS key is available, enabled, and not in an invalid state.")
	}
	return k.ID, nil
}

// usable reports whether Secrets Manager can decrypt what was written under a key. Empty is the default key.
func (kr *keyring) usable(keyID string, now time.Time) bool {
	if keyID == "" {
		return true
	}
	k, err := kr.get(keyID, now)
	return err == nil && kr.checkUsable(k) == nil
}
