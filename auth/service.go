package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/jellydator/ttlcache/v3"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// Limits of sessions, where the settings say no others, and of what is remembered between
// requests.
const (
	SessionIdle     = time.Hour      // a session that is not used ends after this
	SessionLifetime = 12 * time.Hour // every session ends after this
	// SAMLMaxAge is how long a person has the groups that a provider named, where the settings
	// say nothing else: whoever does not sign in any more loses them, tokens and all.
	SAMLMaxAge = 30 * 24 * time.Hour
	// cacheTTL bounds how long a revoked token, a changed role or a disabled user may still
	// pass, on every replica.
	cacheTTL  = time.Second
	cacheSize = 10_000
)

// Origin is where a request comes from.
type Origin struct {
	Via       string // "web", "api"
	Address   string // IP, or ""
	UserAgent string
	RequestID string
	// Device is what SignedIn.Device gave the browser when its person signed in before; "": nobody
	// has. It tells it from strangers', and opens nothing.
	Device string
}

// Service knows accounts, sessions and tokens. It is safe for concurrent use.
type Service struct {
	deps     Deps
	store    *store.Store
	now      func() time.Time
	secret   []byte        // keys the digests of tokens and sessions
	box      *kms.Box      // seals the secrets of second factors
	hashing  chan struct{} // bounds the memory that password hashes take at once
	decoy    string        // hash of nobody's password, to take the same time for nobody
	tries    *attempts
	refused  *ttlcache.Cache[string, time.Time] // slots that are over their limit, and until when that is known
	webauthn *webauthn.WebAuthn
	actors   *ttlcache.Cache[string, cachedActor] // by hash of the token
	used     *usage
	live     liveProviders
	http     *http.Client // fetches metadata of identity providers
}

type cachedActor struct {
	actor    models.Actor
	token    models.Token
	disabled bool // its user is
}

// Deps is what the service works with. What is left empty has a good meaning, but for the
// store, the clock and the secret.
type Deps struct {
	Store *store.Store
	Now   func() time.Time
	// Secret is not in the database. It keys the hashes of tokens and sessions, and seals the
	// secrets of second factors: who can write to the database alone cannot put one there.
	// With another secret, all that were made before end.
	Secret []byte
	// BoxSecret seals the secrets of second factors and of identity providers; nil: Secret. With
	// neither, nothing is sealed and none can be set up.
	BoxSecret []byte

	Idle     time.Duration // 0: SessionIdle
	Lifetime time.Duration // 0: SessionLifetime
	// PublicURL is what people type to reach Keeper; passkeys belong to its host. "": localhost.
	PublicURL string
	// LocalSignInOff leaves passwords and passkeys to break-glass accounts.
	LocalSignInOff bool
	// SAMLMaxAge is how long what a provider said of a person's groups counts; 0: SAMLMaxAge.
	SAMLMaxAge time.Duration
	// Log hears of what goes wrong in the background; nil: nobody does.
	Log *slog.Logger
	// Alert tells people of a condition, in the transaction of what it was seen by; nil: nobody is told.
	Alert func(*store.Tx, ...models.Signal) error
}

// New makes the service.
func New(d Deps) (*Service, error) {
	decoy, err := hashPassword(rand.Text())
	if err != nil {
		return nil, err
	}
	keys, err := newWebAuthn(d.PublicURL)
	if err != nil {
		return nil, err
	}
	if d.Idle == 0 {
		d.Idle = SessionIdle
	}
	if d.Lifetime == 0 {
		d.Lifetime = SessionLifetime
	}
	if d.SAMLMaxAge == 0 {
		d.SAMLMaxAge = SAMLMaxAge
	}
	if d.BoxSecret == nil {
		d.BoxSecret = d.Secret
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Alert == nil {
		d.Alert = func(*store.Tx, ...models.Signal) error { return nil }
	}
	return &Service{
		deps: d, store: d.Store, now: d.Now, secret: d.Secret, box: kms.NewBox(d.BoxSecret), webauthn: keys,
		hashing: make(chan struct{}, 4), decoy: decoy, tries: newAttempts(),
		refused: ttlcache.New(
			ttlcache.WithTTL[string, time.Time](refusedFor),
			ttlcache.WithCapacity[string, time.Time](recordEntries),
			ttlcache.WithDisableTouchOnHit[string, time.Time](),
		),
		actors: ttlcache.New(
			ttlcache.WithTTL[string, cachedActor](cacheTTL),
			ttlcache.WithCapacity[string, cachedActor](cacheSize),
			ttlcache.WithDisableTouchOnHit[string, cachedActor](),
		),
		used: newUsage(),
		http: guardedClient(),
	}, nil
}

// Nobody is the actor of a request without credentials.
func Nobody(o Origin) models.Actor {
	return models.Actor{Kind: models.ActorNobody, Name: "nobody", Via: o.Via, Address: o.Address, RequestID: o.RequestID}
}

func from(a models.Actor, o Origin) models.Actor {
	a.Via, a.Address, a.RequestID = o.Via, o.Address, o.RequestID
	return a
}

// random is a fresh identifier of n random bytes, in URL-safe text.
func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// digest is the form in which the identifiers of tokens and sessions are stored.
func (s *Service) digest(identifier string) string {
	mac := hmac.New(sha256.New, s.secret)
	_, _ = mac.Write([]byte(identifier)) // a hash never fails
	return hex.EncodeToString(mac.Sum(nil))
}

// record writes an entry on its own; where that fails, the answer must not go out.
func (s *Service) record(ctx context.Context, entry models.AuditEntry) error {
	if err := s.store.Record(ctx, entry); err != nil {
		return fault.Wrap(err, fault.Unavailable, "The audit log cannot be written; nothing was done.").WithHint("Try again.")
	}
	return nil
}

// refuse records a refusal and returns it.
func (s *Service) refuse(ctx context.Context, actor models.Actor, action string, refusal error) error {
	return s.refuseAs(ctx, audit.Entry(actor, action), "", refusal)
}

// refuseAs is refuse with an entry of the caller's, and the reason in it where there is one.
func (s *Service) refuseAs(ctx context.Context, entry models.AuditEntry, reason string, refusal error) error {
	if reason != "" {
		entry.Detail = map[string]string{"reason": reason}
	}
	if err := s.record(ctx, audit.Ended(entry, refusal)); err != nil {
		return err
	}
	return refusal
}
