package kms

import (
	"container/list"
	"crypto"
	"crypto/cipher"
	"sync"
	"time"

	"github.com/your-org/keeper/models"
)

// dataKey is a data key ready for use. It holds the expanded cipher or the keyed hash, not
// the key's bytes: those are cleared as soon as it is built, so there is nothing left to
// clear at eviction, and nothing that could be cleared under a goroutine that uses it. The
// standard library gives no way to clear an expanded key; it goes with the garbage, and so
// does the signing key, from which the data key cannot be found.
type dataKey struct {
	id          models.DataKeyID
	environment models.EnvironmentID
	check       [CheckSize]byte // its Commitment
	aead        cipher.AEAD     // purpose seal
	hash        *keyedHash      // purpose hash
	sign        crypto.Signer   // purpose hash
}

// keyCache keeps data keys for a fixed time from their loading, whether they are used or
// not, and no more than size of them. After ttl a key must be loaded again before it is
// used; for grace beyond that it is kept for the case that its backend cannot be reached.
// As every key lives equally long, the order of loading is the order of expiry, and the key
// to go first when the cache is full.
type keyCache struct {
	ttl   time.Duration // not above 0: nothing is kept
	grace time.Duration
	size  int
	now   func() time.Time

	mu      sync.RWMutex
	entries map[models.DataKeyID]*list.Element
	order   list.List // of *cacheEntry, oldest first
	epoch   uint64    // grows when keys are forgotten
	closed  bool
}

type cacheEntry struct {
	key  *dataKey
	soft time.Time // loaded + ttl
	next time.Time // given without a question until then: soft, and later the next try to load it again
	hard time.Time // loaded + ttl + grace
}

func newKeyCache(ttl, grace time.Duration, size int, now func() time.Time) *keyCache {
	return &keyCache{ttl: ttl, grace: grace, size: size, now: now, entries: map[models.DataKeyID]*list.Element{}}
}

// get returns the key, or nil where it is not kept or is to be loaded again.
func (c *keyCache) get(id models.DataKeyID) *dataKey {
	c.mu.RLock()
	defer c.mu.RUnlock()
	element, ok := c.entries[id]
	if !ok {
		return nil
	}
	entry := element.Value.(*cacheEntry)
	if !c.now().Before(entry.next) {
		return nil
	}
	return entry.key
}

// peek returns the key as long as it is kept, for comparison and not for use.
func (c *keyCache) peek(id models.DataKeyID) *dataKey {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if element, ok := c.entries[id]; ok {
		return element.Value.(*cacheEntry).key
	}
	return nil
}

// graced reports whether the key could be used on if it cannot be loaded again.
func (c *keyCache) graced(id models.DataKeyID) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	element, ok := c.entries[id]
	return ok && c.now().Before(element.Value.(*cacheEntry).hard)
}

// stale returns a key that could not be loaded again because its backend cannot be reached,
// or nil where its grace is over; and has it given for pause without another try.
func (c *keyCache) stale(id models.DataKeyID, pause time.Duration) *dataKey {
	c.mu.Lock()
	defer c.mu.Unlock()
	element, ok := c.entries[id]
	if !ok {
		return nil
	}
	entry, now := element.Value.(*cacheEntry), c.now()
	if !now.Before(entry.hard) {
		return nil
	}
	if again := now.Add(pause); again.After(entry.next) {
		entry.next = again
		if entry.hard.Before(again) {
			entry.next = entry.hard
		}
	}
	return entry.key
}

// mark is to be taken before a key is fetched and given to put: what was fetched before
// something was forgotten does not come back after it.
func (c *keyCache) mark() uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.epoch
}

func (c *keyCache) put(key *dataKey, mark uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ttl <= 0 || c.closed || mark != c.epoch {
		return
	}
	if old, ok := c.entries[key.id]; ok {
		c.remove(old)
	}
	for len(c.entries) >= c.size {
		c.remove(c.order.Front())
	}
	soft := c.now().Add(c.ttl)
	c.entries[key.id] = c.order.PushBack(&cacheEntry{key: key, soft: soft, next: soft, hard: soft.Add(c.grace)})
}

// sweep drops the keys whose time and grace are over.
func (c *keyCache) sweep() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	for oldest := c.order.Front(); oldest != nil; oldest = c.order.Front() {
		if now.Before(oldest.Value.(*cacheEntry).hard) {
			return
		}
		c.remove(oldest)
	}
}

// drop drops one key of an environment.
func (c *keyCache) drop(env models.EnvironmentID, id models.DataKeyID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if element, ok := c.entries[id]; ok && element.Value.(*cacheEntry).key.environment == env {
		c.remove(element)
	}
}

func (c *keyCache) forget(env models.EnvironmentID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	for _, element := range c.entries {
		if element.Value.(*cacheEntry).key.environment == env {
			c.remove(element)
		}
	}
}

// close drops all keys and keeps none from now on.
func (c *keyCache) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	clear(c.entries)
	c.order.Init()
}

// count is how many keys are kept, and how many of them are past their ttl and given.
func (c *keyCache) count() (all, stale int) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	now := c.now()
	for element := c.order.Front(); element != nil; element = element.Next() {
		entry := element.Value.(*cacheEntry)
		if now.Before(entry.soft) {
			break // and all that were loaded after it
		}
		if entry.next.After(entry.soft) && now.Before(entry.hard) {
			stale++
		}
	}
	return len(c.entries), stale
}

func (c *keyCache) remove(element *list.Element) {
	entry := c.order.Remove(element).(*cacheEntry)
	delete(c.entries, entry.key.id)
}
