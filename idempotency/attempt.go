package idempotency

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// endTime bounds what is written after a request whose client may be gone.
const endTime = 10 * time.Second

// Attempt is a request that has its key, until Keep or Release.
type Attempt struct {
	s     *Service
	row   models.IdempotencyKey
	reach auth.Reach
	stop  func() // ends the renewal of the lease, and waits for it
}

// stored is what is sealed of an answer.
type stored struct {
	Answer
	Gone  Why        `json:"gone,omitempty"` // why the body is not kept; 0: it is
	Reach auth.Reach `json:"reach"`          // of whom it was told to
}

func (s *Service) begun(ctx context.Context, actor models.Actor, row models.IdempotencyKey) *Attempt {
	a := &Attempt{s: s, row: row, reach: s.Auth.Reach(actor)}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		a.renew(ctx)
	}()
	a.stop = func() { cancel(); <-ended }
	return a
}

// renew keeps the lease from ending while the attempt is at work. Where that fails the mark
// keeps two attempts from acting.
func (a *Attempt) renew(ctx context.Context) {
	ticker := time.NewTicker(renewEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			a.tick(ctx)
		}
	}
}

func (a *Attempt) tick(ctx context.Context) {
	_ = a.s.Store.Write(ctx, func(tx *store.Tx) error {
		return tx.RenewKey(a.row.Slot, a.row.Holder, a.s.Now().Add(lease))
	})
}

// Context marks what is done in it as done by the attempt.
func (a *Attempt) Context(ctx context.Context) context.Context {
	return store.UnderKey(ctx, a.row.Slot, a.row.Holder)
}

// Keep keeps the answer for whoever sends the request again. Of one that is too large, or holds
// a value, the body is left out, so that a value is never at rest beyond where it belongs.
func (a *Attempt) Keep(ctx context.Context, answer Answer, holdsValue bool) error {
	kept := stored{Answer: answer, Reach: a.reach}
	switch {
	case holdsValue:
		kept.Gone, kept.Body = Told, nil
	case len(answer.Body) > MaxAnswer:
		kept.Gone, kept.Body = Large, nil
	}
	text, err := json.Marshal(kept)
	if err != nil {
		return fault.Wrap(err, fault.Internal, "The answer could not be encoded.")
	}
	sealed, err := a.s.Box.Seal(answerPurpose, a.row.Slot, text)
	if err != nil {
		return err
	}
	return a.end(ctx, func(tx *store.Tx) error { return tx.AnswerKey(a.row.Slot, a.row.Holder, sealed) })
}

// Release gives the key back: nothing was done. Where something was, it stays taken, and says so
// to whoever sends the request again.
func (a *Attempt) Release(ctx context.Context) error {
	return a.end(ctx, func(tx *store.Tx) error { return tx.ReleaseKey(a.row.Slot, a.row.Holder, a.s.Now()) })
}

func (a *Attempt) end(ctx context.Context, do func(*store.Tx) error) error {
	a.stop()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
	defer cancel()
	return a.s.Store.Write(ctx, do)
}

// repeat is what a request is answered with whose key an earlier attempt has.
func (s *Service) repeat(ctx context.Context, actor models.Actor, earlier models.IdempotencyKey, fingerprint []byte) (*Answer, error) {
	switch {
	case !bytes.Equal(earlier.Fingerprint, fingerprint):
		return nil, &Refusal{Why: Reused}
	case earlier.Answer == nil && s.Now().Before(earlier.LeaseUntil):
		return nil, &Refusal{Why: Running}
	case earlier.Answer == nil:
		return nil, &Refusal{Why: CutOff}
	}
	text, err := s.Box.Open(answerPurpose, earlier.Slot, earlier.Answer)
	if err != nil {
		return nil, err
	}
	var kept stored
	if err := json.Unmarshal(text, &kept); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "A kept answer cannot be read.")
	}
	if err := s.Auth.StillReaches(ctx, actor, kept.Reach, "request.repeat"); err != nil {
		return nil, err
	}
	if kept.Gone != 0 {
		return nil, &Refusal{Why: kept.Gone, Location: kept.Header["Location"]}
	}
	return &kept.Answer, nil
}
