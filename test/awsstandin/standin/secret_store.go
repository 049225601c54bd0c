package standin

import (
	"container/heap"
	"strings"
	"sync"
	"time"
)

// secretStore holds the secrets of one account in one region. Its lock is held for map look-ups and pointer swaps
// only: a secret's states are immutable.
type secretStore struct {
	where regionKey
	list  *listing

	mu      sync.RWMutex
	byName  map[string]*secret
	nextSeq uint64
	purges  purgeQueue
}

func newSecretStore(where regionKey, listDelay time.Duration) *secretStore {
	return &secretStore{where: where, list: newListing(listDelay), byName: make(map[string]*secret)}
}

func (st *secretStore) arnPrefix() string {
	return "arn:aws:secretsmanager:" + st.where.name + ":" + st.where.account + ":secret:"
}

// newARN makes the ARN of a new secret, which ends in six random characters.
func (st *secretStore) newARN(name string) string {
	return st.arnPrefix() + name + "-" + randomString(6, alphanumeric)
}

func notFound() *apiError {
	return refuse("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
}

// get returns the present state of the secret that id names: a name, an ARN, or an ARN without its random end.
func (st *secretStore) get(id string, now time.Time) (*secret, error) {
	st.mu.RLock()
	defer st.mu.RUnlock()
	return st.find(id, now)
}

// find is get for holders of the lock.
func (st *secretStore) find(id string, now time.Time) (*secret, error) {
	if err := checkLength("secretId", len(id), 1, 2048); err != nil {
		return nil, err
	}
	found := st.byName[id]
	if found == nil && strings.HasPrefix(id, "arn:") {
		found = st.findARN(id)
	}
	if found == nil || found.purged(now) {
		return nil, notFound()
	}
	return found, nil
}

func (st *secretStore) findARN(arn string) *secret {
	rest, ours := strings.CutPrefix(arn, st.arnPrefix())
	if !ours {
		return nil
	}
	if cut := len(rest) - 7; cut > 0 && rest[cut] == '-' {
		if s := st.byName[rest[:cut]]; s != nil && s.ARN == arn {
			return s
		}
	}
	return st.byName[rest]
}

// live is get for operations that a secret in its recovery window refuses.
func (st *secretStore) live(id string, now time.Time) (*secret, error) {
	s, err := st.get(id, now)
	if err != nil {
		return nil, err
	}
	return s, checkLive(s)
}

func checkLive(s *secret) error {
	if s.deleted() {
		return refuse("InvalidRequestException", "You can't perform this operation on the secret because it was marked for deletion.")
	}
	return nil
}

// change replaces a secret by what edit makes of a clone of it, or leaves it alone when edit fails or asks to.
// It returns the state that then stands.
func (st *secretStore) change(id string, now time.Time, edit func(*secret) (changed bool, err error)) (*secret, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.purge(now)
	old, err := st.find(id, now)
	if err != nil {
		return nil, err
	}
	edited := old.clone()
	changed, err := edit(edited)
	if err != nil || !changed {
		return old, err
	}
	edited.Changed = now
	st.publish(edited, now)
	return edited, nil
}

// changeLive is change for operations that a secret in its recovery window refuses.
func (st *secretStore) changeLive(id string, now time.Time, edit func(*secret) (bool, error)) (*secret, error) {
	return st.change(id, now, func(s *secret) (bool, error) {
		if err := checkLive(s); err != nil {
			return false, err
		}
		return edit(s)
	})
}

// publish makes a state the present one. The lock is held.
func (st *secretStore) publish(s *secret, now time.Time) {
	st.byName[s.Name] = s
	st.list.record(now, s.Seq, s)
	if s.deleted() {
		heap.Push(&st.purges, purge{s.PurgeAt, s})
	}
}

// create publishes a new secret, or hands the one that has its name to taken.
func (st *secretStore) create(s *secret, now time.Time, taken func(*secret) (*secret, error)) (*secret, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.purge(now)
	if existing := st.byName[s.Name]; existing != nil {
		return taken(existing)
	}
	st.nextSeq++
	s.Seq = st.nextSeq
	st.publish(s, now)
	return s, nil
}

// touch notes the day of the last access, at most one write a day per secret.
func (st *secretStore) touch(s *secret, versionID string, now time.Time) {
	today := day(now)
	if v := s.version(versionID); s.Accessed.Equal(today) && (v == nil || v.Accessed.Equal(today)) {
		return
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	present := st.byName[s.Name]
	if present == nil || present.ARN != s.ARN {
		return
	}
	touched := present.clone()
	touched.Accessed = today
	for i, v := range touched.Versions {
		if v.ID == versionID {
			read := *v
			read.Accessed = today
			touched.Versions[i] = &read
		}
	}
	st.byName[s.Name] = touched
	st.list.record(now, touched.Seq, touched)
}

// purge frees the names whose time has come. The lock is held.
func (st *secretStore) purge(now time.Time) {
	for len(st.purges) > 0 && !now.Before(st.purges[0].at) {
		due := heap.Pop(&st.purges).(purge)
		present := st.byName[due.secret.Name]
		if present == nil || present.ARN != due.secret.ARN || !present.purged(now) {
			continue // restored since, or deleted anew
		}
		delete(st.byName, present.Name)
		st.list.record(now, present.Seq, nil)
	}
}

// all returns every secret's present state, in no order.
func (st *secretStore) all() []*secret {
	st.mu.RLock()
	defer st.mu.RUnlock()
	all := make([]*secret, 0, len(st.byName))
	for _, s := range st.byName {
		all = append(all, s)
	}
	return all
}

// purge is a name to be freed at a time.
type purge struct {
	at     time.Time
	secret *secret
}

// purgeQueue is a heap, the earliest first.
type purgeQueue []purge

func (q purgeQueue) Len() int           { return len(q) }
func (q purgeQueue) Less(i, j int) bool { return q[i].at.Before(q[j].at) }
func (q purgeQueue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *purgeQueue) Push(x any)        { *q = append(*q, x.(purge)) }
func (q *purgeQueue) Pop() any {
	last := len(*q) - 1
	popped := (*q)[last]
	(*q)[last] = purge{}
	*q = (*q)[:last]
	return popped
}
