package alerts

import (
	"context"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// Signal keeps what somebody saw, in the transaction of what it was seen by. A condition that
// begins to hold opens an alert and leaves a notice for each channel that tells of it; one
// that goes on holding is counted; one that is over ends its alert, and those who were told
// are told that too. Nothing is sent here.
func (s *Service) Signal(tx *store.Tx, signals ...models.Signal) error {
	for _, one := range signals {
		do := s.over
		if one.Holds {
			do = s.holds
		}
		if err := do(tx, one); err != nil {
			return err
		}
	}
	return nil
}

// SignalEverywhere is Signal for what concerns no environment, such as a sign-in. An alert
// belongs to an environment, so it is kept with the first that has a channel which tells of
// all; where there is none, nobody could be told, and the audit log alone has it.
func (s *Service) SignalEverywhere(tx *store.Tx, signals ...models.Signal) error {
	id, err := tx.EnvironmentOfEverywhere()
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	for i := range signals {
		signals[i].EnvironmentID = id
	}
	return s.Signal(tx, signals...)
}

func (s *Service) holds(tx *store.Tx, one models.Signal) error {
	stands, err := tx.LockOpenAlert(one.EnvironmentID, one.Kind, one.Subject)
	switch {
	case err == nil:
		see(&stands, one, tx.Now())
		return tx.SeeAlert(&stands)
	case !fault.Is(err, fault.NotFound):
		return err
	}
	a := models.Alert{ID: models.NewAlertID(), EnvironmentID: one.EnvironmentID, Kind: one.Kind, Subject: one.Subject}
	see(&a, one, tx.Now())
	opened, err := tx.OpenAlert(&a)
	if err != nil || !opened { // another replica saw it at the same time
		return err
	}
	return s.tell(tx, &a, models.OccasionOpened)
}

// see writes into an alert what was seen last.
func see(a *models.Alert, one models.Signal, now time.Time) {
	a.SubjectName, a.Summary, a.Hint, a.Total = one.SubjectName, one.Summary, one.Hint, one.Total
	a.Secrets = one.Secrets[:min(len(one.Secrets), models.MaxAlertSecrets)]
	a.LastSeenAt = now
	a.Count++
}

func (s *Service) over(tx *store.Tx, one models.Signal) error {
	// Almost always there is none: that is found out without a lock.
	_, err := tx.OpenAlertFor(one.EnvironmentID, one.Kind, one.Subject)
	var a models.Alert
	if err == nil {
		a, err = tx.LockOpenAlert(one.EnvironmentID, one.Kind, one.Subject)
	}
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := tx.ResolveAlert(&a, tx.Now()); err != nil || one.Quiet {
		return err
	}
	return s.tell(tx, &a, models.OccasionRecovered)
}

// tell leaves notices of an alert for the channels that tell of it. That it is over is told
// to those alone who were told of it.
func (s *Service) tell(tx *store.Tx, a *models.Alert, o models.Occasion) error {
	channels, err := tx.AlertChannelsFor(a.EnvironmentID)
	if err != nil {
		return err
	}
	told := map[models.ChannelID]bool{}
	if o == models.OccasionRecovered {
		ids, err := tx.ToldChannels(a.ID)
		if err != nil {
			return err
		}
		for _, id := range ids {
			told[id] = true
		}
	}
	e, err := tx.Environment(a.EnvironmentID)
	if err != nil {
		return err
	}
	body, err := encode(s.message(e, a, o, tx.Now()))
	if err != nil {
		return err
	}
	var notices []models.Notice
	for i := range channels {
		if c := &channels[i]; c.Tells(a) && (o != models.OccasionRecovered || told[c.ID]) {
			notices = append(notices, models.Notice{
				UID: models.NewNoticeID(), AlertID: a.ID, ChannelID: c.ID, Occasion: o, Body: body, Status: models.NoticePending,
			})
			if err := tx.EnqueueJob(JobKind, string(c.ID), "", tx.Now()); err != nil {
				return err
			}
		}
	}
	return tx.AddNotices(notices)
}

// Remind is the job that tells again of alerts that have held for long since people were told
// last. It returns when it is due again.
func (s *Service) Remind(ctx context.Context, _ models.Job) (*time.Time, error) {
	const batch = 50
	for more := true; more; {
		err := s.Store.Write(ctx, func(tx *store.Tx) error {
			due, err := tx.LockAlertsToRemind(tx.Now().Add(-remindAfter), batch)
			if err != nil {
				return err
			}
			more = len(due) == batch
			for i := range due {
				if err := tx.TouchAlert(due[i].ID, tx.Now()); err != nil {
					return err
				}
				if err := s.tell(tx, &due[i], models.OccasionReminder); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	s.Wake()
	next := s.Now().Add(remindEvery)
	return &next, nil
}

// Sweep removes alerts that have been over for long.
func (s *Service) Sweep(ctx context.Context) error {
	for n := 1; n > 0; {
		err := s.Store.Write(ctx, func(tx *store.Tx) (err error) {
			n, err = tx.DeleteAlertsBefore(tx.Now().Add(-keepAlerts))
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
