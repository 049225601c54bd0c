package idempotency

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/jellydator/ttlcache/v3"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

const (
	// Lasts is how long a key and its answer are kept.
	Lasts = 24 * time.Hour
	// MaxAnswer bounds the body of an answer that is kept, in bytes.
	MaxAnswer = 64 << 10
	// MaxKeys bounds the keys of one user that are kept at once. Replicas count for themselves,
	// so that it can be passed by what a minute brings.
	MaxKeys = 100_000

	lease      = 30 * time.Second // an attempt that says nothing for this long is over
	renewEvery = lease / 3
	countLasts = time.Minute
	sweepPage  = 500
)

// The purposes of the box.
const (
	slotPurpose    = "idempotency key"
	requestPurpose = "idempotency request"
	answerPurpose  = "idempotency answer"
)

// Deps is what the service works with.
type Deps struct {
	Store *store.Store
	Auth  *auth.Service
	Box   *kms.Box // keys the hashes and seals the answers
	Now   func() time.Time
	Most  int64 // of keys of one user; 0: MaxKeys
}

// Service keeps keys and answers. It is safe for concurrent use.
type Service struct {
	Deps
	counts *ttlcache.Cache[models.UserID, *count]
}

// New makes the service.
func New(d Deps) *Service {
	if d.Most == 0 {
		d.Most = MaxKeys
	}
	return &Service{Deps: d, counts: ttlcache.New(
		ttlcache.WithTTL[models.UserID, *count](countLasts),
		ttlcache.WithCapacity[models.UserID, *count](10_000),
		ttlcache.WithDisableTouchOnHit[models.UserID, *count](),
	)}
}

// Request is what a key was sent with: two with one key have to be equal in all of it.
type Request struct {
	Method, Target, IfMatch string
	Body                    []byte
}

// Answer is what a request was answered with.
type Answer struct {
	Status int               `json:"status"`
	Header map[string]string `json:"header,omitempty"`
	Body   []byte            `json:"body,omitempty"`
}

// Begin takes a key for a user's request. It returns the attempt that now has it; or the answer
// of an earlier one, for an actor that may still do all that the earlier one might; or a Refusal
// where an earlier one stands in the way. Throttled where the user has too many keys.
func (s *Service) Begin(ctx context.Context, actor models.Actor, key string, r Request) (*Attempt, *Answer, error) {
	slot, err := s.Box.Digest(slotPurpose, []byte(actor.UserID), []byte(key))
	if err != nil {
		return nil, nil, err
	}
	fingerprint, err := s.Box.Digest(requestPurpose, []byte(r.Method), []byte(r.Target), []byte(r.IfMatch), r.Body)
	if err != nil {
		return nil, nil, err
	}
	row := models.IdempotencyKey{Slot: hex.EncodeToString(slot), UserID: actor.UserID, Fingerprint: fingerprint, Holder: models.NewID("try")}
	for range 3 { // what ends in between leaves its key free
		err := s.claim(ctx, row)
		if err == nil {
			return s.begun(ctx, actor, row), nil, nil
		}
		if !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.Throttled) {
			return nil, nil, err
		}
		earlier, found, readErr := s.earlier(ctx, row.Slot)
		switch {
		case readErr != nil:
			return nil, nil, readErr
		case found:
			answer, err := s.repeat(ctx, actor, earlier, fingerprint)
			return nil, answer, err
		case fault.Is(err, fault.Throttled):
			return nil, nil, err
		}
	}
	return nil, nil, &Refusal{Why: Running}
}

func (s *Service) claim(ctx context.Context, row models.IdempotencyKey) error {
	counted, err := s.count(ctx, row.UserID)
	if err != nil {
		return err
	}
	if counted.kept.Load() >= s.Most {
		return fault.New(fault.Throttled, "There were %d requests with a key within a day; nothing was done.", s.Most).
			WithHint("Send it without Idempotency-Key, or wait until the oldest keys end.")
	}
	now := s.Now()
	row.LeaseUntil, row.ExpiresAt = now.Add(lease), now.Add(Lasts)
	if err := s.Store.Write(ctx, func(tx *store.Tx) error { return tx.ClaimKey(row, now) }); err != nil {
		return err
	}
	counted.kept.Add(1)
	return nil
}

// earlier finds the row that keeps a key from being taken, as ClaimKey has it.
func (s *Service) earlier(ctx context.Context, slot string) (row models.IdempotencyKey, found bool, err error) {
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		row, err = tx.IdempotencyKey(slot)
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return row, false, nil
	}
	now := s.Now()
	free := !now.Before(row.ExpiresAt) || !row.Acted && !now.Before(row.LeaseUntil)
	return row, err == nil && !free, err
}

// Sweep removes keys that have ended.
func (s *Service) Sweep(ctx context.Context) error {
	for {
		n := 0
		err := s.Store.Write(ctx, func(tx *store.Tx) (err error) {
			n, err = tx.DeleteKeysBefore(s.Now(), sweepPage)
			return err
		})
		if err != nil || n < sweepPage {
			return err
		}
	}
}
