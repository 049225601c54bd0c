package saml

import (
	"context"
	"sync"
	"time"
)

// Kinds of Request.
const (
	KindSignIn = "sign_in"
	KindLogout = "logout"
)

// Request is what Keeper remembers of a message that it sent until the answer comes.
type Request struct {
	Provider string // Config.ID
	Kind     string // KindSignIn or KindLogout
	ID       string // the message's ID, which the answer must name
	ReturnTo string
	Purpose  string
	Browser  string
}

// Requests keeps requests under their RelayState, which is random and known to one browser.
type Requests interface {
	// Put keeps r until expires.
	Put(ctx context.Context, relayState string, r Request, expires time.Time) error
	// Take removes and returns the request that is kept under relayState, once: of two calls at the same time one
	// gets it. ok is false when there is none or it has expired by now.
	Take(ctx context.Context, relayState string, now time.Time) (r Request, ok bool, err error)
}

// Replays remembers which messages were used. It is shared by all replicas.
type Replays interface {
	// Use records key until a time and reports whether it is new: of two calls at the same time one is told true.
	// A key is short printable text.
	Use(ctx context.Context, key string, until time.Time) (fresh bool, err error)
}

// Memory is Requests and Replays in this process, for tests and for a single process.
type Memory struct {
	mu       sync.Mutex
	requests map[string]kept
	used     map[string]time.Time
}

type kept struct {
	request Request
	expires time.Time
}

// NewMemory makes an empty Memory.
func NewMemory() *Memory {
	return &Memory{requests: map[string]kept{}, used: map[string]time.Time{}}
}

// Put implements Requests.
func (m *Memory) Put(_ context.Context, relayState string, r Request, expires time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.requests[relayState] = kept{r, expires}
	return nil
}

// Take implements Requests.
func (m *Memory) Take(_ context.Context, relayState string, now time.Time) (Request, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k, ok := m.requests[relayState]
	delete(m.requests, relayState)
	if !ok || !now.Before(k.expires) {
		return Request{}, false, nil
	}
	return k.request, true, nil
}

// Use implements Replays.
func (m *Memory) Use(_ context.Context, key string, until time.Time) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, seen := m.used[key]; seen {
		return false, nil
	}
	m.used[key] = until
	return true, nil
}
