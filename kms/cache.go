package kms

import (
	"container/list"
	"crypto/cipher"
	"sync"
	"time"

	"github.com/your-org/keeper/models"
)

// dataKey is a data key ready for use. It holds the expanded cipher or the keyed hash, not
// the key's bytes: those are cleared as soon as it is built, so there is nothing left to
// clear at eviction, and nothing that could be cleared under a goroutine that uses it. The
// standard library gives no way to clear an expanded key; it goes with the garbage.
type dataKey struct {
	id          models.DataKeyID
	environment models.EnvironmentID
	aead        cipher.AEAD // purpose seal
	hash        *keyedHash  // purpose hash
}

// keyCache keeps data keys for a fixed time from their loading, whether they are used or
// not, and no more than size of them. As every key lives equally long, the order of loading
// is the order of expiry, and the key to go first when the cache is full.
type keyCache struct {
	ttl  time.Duration // not above 0: nothing is kept
	size int
	now  func() time.Time

	mu      sync.RWMutex
	entries map[models.DataKeyID]*list.Element
	order   list.List // of cacheEntry, oldest first
	epoch   uint64    // grows when keys are forgotten
	closed  bool
}

type cacheEntry struct {
	key     *dataKey
	expires time.Time
}

func newKeyCache(ttl time.Duration, size int, now func() time.Time) *keyCache {
	return &keyCache{ttl: ttl, size: size, now: now, entries: map[models.DataKeyID]*list.Element{}}
}

// get returns the key, or nil where it is not kept or its time is over.
func (c *keyCache) get(id models.DataKeyID) *dataKey {
	c.mu.RLock()
	defer c.mu.RUnlock()
	element, ok := c.entries[id]
	if !ok {
		return nil
	}
	entry := element.Value.(cacheEntry)
	if !c.now().Before(entry.expires) {
		return nil
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
	c.entries[key.id] = c.order.PushBack(cacheEntry{key, c.now().Add(c.ttl)})
}

// sweep drops the keys whose time is over.
func (c *keyCache) sweep() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	for oldest := c.order.Front(); oldest != nil; oldest = c.order.Front() {
		if now.Before(oldest.Value.(cacheEntry).expires) {
			return
		}
		c.remove(oldest)
	}
}

func (c *keyCache) forget(env models.EnvironmentID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	for _, element := range c.entries {
		if element.Value.(cacheEntry).key.environment == env {
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

func (c *keyCache) len() int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.entries)
}

func (c *keyCache) remove(element *list.Element) {
	entry := c.order.Remove(element).(cacheEntry)
	delete(c.entries, entry.key.id)
}
