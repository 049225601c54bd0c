package auth

import (
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"

	"github.com/your-org/keeper/fault"
)

// hashParameters are OWASP's first choice for argon2id: 19 MiB, two passes, one lane.
// https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
var hashParameters = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// MinPassword is the least length of a password in characters.
const MinPassword = 12

func hashPassword(password string) (string, error) {
	return argon2id.CreateHash(password, hashParameters)
}

// checkPassword says what is wrong with a new password of a user.
func checkPassword(username, password string) error {
	lower := strings.ToLower(password)
	switch {
	case utf8.RuneCountInString(password) < MinPassword:
		return fault.InvalidField("password", "must be at least %d characters", MinPassword)
	case len(password) > 1024:
		return fault.InvalidField("password", "must be at most 1024 bytes")
	case username != "" && strings.Contains(lower, strings.ToLower(username)):
		return fault.InvalidField("password", "must not contain the user name")
	case strings.Count(lower, lower[:1]) == len(lower):
		return fault.InvalidField("password", "must not be one character again and again")
	}
	return nil
}

// attempts slows guessing: so many failures per account and address in a window, then none
// until the window is over. It is keyed by both, so that nobody can lock another out from
// elsewhere.
type attempts struct {
	now  func() time.Time
	mu   sync.Mutex
	seen map[string]*window
}

type window struct {
	ends     time.Time
	failures int
}

const (
	attemptWindow  = 5 * time.Minute
	attemptLimit   = 10
	attemptEntries = 50_000
)

func newAttempts(now func() time.Time) *attempts {
	return &attempts{now: now, seen: map[string]*window{}}
}

// allowed reports whether another try may be made.
func (a *attempts) allowed(key string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	w := a.seen[key]
	return w == nil || a.now().After(w.ends) || w.failures < attemptLimit
}

func (a *attempts) failed(key string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	if len(a.seen) > attemptEntries {
		for k, w := range a.seen {
			if now.After(w.ends) {
				delete(a.seen, k)
			}
		}
	}
	w := a.seen[key]
	if w == nil || now.After(w.ends) {
		w = &window{ends: now.Add(attemptWindow)}
		a.seen[key] = w
	}
	w.failures++
}

func (a *attempts) succeeded(key string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.seen, key)
}
