package alerts

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// Tries of a notice that does not arrive wait at least half of retryFirst, twice as long each
// time, and at most retryMost and that. After giveUpAfter nobody needs it any more.
const (
	retryFirst  = 10 * time.Second
	retryMost   = time.Hour
	giveUpAfter = 72 * time.Hour
)

// batch is how many notices one piece of work looks at, and failuresMost how many of them may
// fail in a row before the rest waits: a receiver that is away answers none.
const (
	batch        = 100
	failuresMost = 3
)

// recordTime is how long writing down what happened may take when the program is stopping.
const recordTime = 5 * time.Second

// Work is the job that delivers a channel's notices, each alert's in their order. It returns
// when the next try is due. A notice whose delivery was not written down before a crash is
// sent again with the same id and body.
func (s *Service) Work(ctx context.Context, job models.Job) (*time.Time, error) {
	c, e, err := s.load(ctx, models.ChannelID(job.Key))
	if fault.Is(err, fault.NotFound) {
		return nil, nil // removed since
	}
	if err != nil || !c.Enabled {
		return nil, err // enabling asks for the job
	}
	var pending []models.Notice
	err = s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		pending, err = tx.PendingNotices(c.ID, batch)
		return err
	})
	if err != nil {
		return nil, err
	}
	var next *time.Time
	if len(pending) == batch {
		next = new(s.Now().Add(retryFirst))
	}
	waits := map[models.AlertID]bool{} // alerts of which an earlier notice has not arrived
	failures := 0
	for i := range pending {
		n := &pending[i]
		if waits[n.AlertID] {
			continue
		}
		if !n.NextTryAt.After(s.Now()) && failures < failuresMost {
			if err := s.try(ctx, c, e, n); err != nil {
				return nil, err
			}
			failures++
			if n.Status == models.NoticeDelivered {
				failures = 0
			}
		}
		if n.Status == models.NoticePending {
			waits[n.AlertID] = true
			next = earlier(next, latest(n.NextTryAt, s.Now().Add(retryFirst/2)))
		}
	}
	return next, nil
}

// try delivers one notice once and writes down how that went. An error is that the work has
// to end.
func (s *Service) try(ctx context.Context, c models.AlertChannel, e models.Environment, n *models.Notice) error {
	failure := s.deliver(ctx, c, e, n)
	if failure != nil && ctx.Err() != nil {
		return ctx.Err() // it was cut off, and says nothing of the channel
	}
	now := s.Now()
	n.Attempts++
	problem := ""
	switch {
	case failure == nil:
		n.Status, n.DeliveredAt, n.LastError = models.NoticeDelivered, &now, ""
	case now.Sub(n.CreatedAt) > giveUpAfter:
		n.Status = models.NoticeGivenUp
		fallthrough
	default:
		problem = fault.Public(failure).Error()
		n.LastError, n.NextTryAt = problem, now.Add(backoff(n.Attempts-1))
		s.Log.WarnContext(ctx, "an alert's notice was not delivered", "channel", c.Name, "environment", e.Name, "notice", n.UID,
			"attempts", n.Attempts, "error", failure)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	err := s.Store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.SetChannelHealth(c.ID, now, problem); err != nil {
			return err
		}
		return tx.UpdateNotice(n)
	})
	if fault.Is(err, fault.NotFound) {
		return nil // the channel was removed meanwhile
	}
	return err
}

// deliver sends a notice through its channel.
func (s *Service) deliver(ctx context.Context, c models.AlertChannel, e models.Environment, n *models.Notice) error {
	m, err := decode(n.Body)
	if err != nil {
		return err
	}
	if c.Kind == models.ChannelEmail {
		return s.email(ctx, c.Address, n, m)
	}
	secret, err := s.open(ctx, e, c)
	if err != nil {
		return err
	}
	defer secret.Zero()
	if c.Kind == models.ChannelSlack {
		return s.slack(ctx, secret, m)
	}
	return s.webhook(ctx, c.Address, secret, n)
}

// seal puts a channel's secret into it, sealed under its environment's key.
func (s *Service) seal(ctx context.Context, e models.Environment, c *models.AlertChannel, secret models.Plaintext) error {
	sealer, err := s.Envelope.Sealer(ctx, e)
	if err != nil {
		return err
	}
	sealed, err := sealer.Seal(kms.ChannelLabel(*c), secret)
	if err != nil {
		return err
	}
	c.Secret, c.SecretKeyID = sealed.Ciphertext, sealed.DataKeyID
	return nil
}

// open is a channel's secret, which the caller zeroes.
func (s *Service) open(ctx context.Context, e models.Environment, c models.AlertChannel) (models.Plaintext, error) {
	return s.Envelope.Open(ctx, e, kms.ChannelLabel(c), kms.Sealed{DataKeyID: c.SecretKeyID, Format: kms.Format, Ciphertext: c.Secret})
}

// backoff is the wait before another try after so many failures, with full jitter.
func backoff(failures int) time.Duration {
	limit := min(retryMost, retryFirst<<min(failures, 10))
	return retryFirst/2 + rand.N(limit)
}

func earlier(a *time.Time, b time.Time) *time.Time {
	if a == nil || b.Before(*a) {
		return &b
	}
	return a
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
