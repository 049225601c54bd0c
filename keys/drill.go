package keys

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// challengeLife is how long the holder of an offline identity has to fetch it and answer.
const challengeLife = time.Hour

// Drill tries whether each recipient of an environment alone opens a sample: the newest data
// key. An offline recipient gets a challenge, which whoever holds its identity answers.
func (s *Service) Drill(ctx context.Context, actor models.Actor, env models.EnvironmentID) ([]DrillResult, error) {
	e, err := s.manage(ctx, actor, env)
	if err != nil {
		return nil, err
	}
	sample, err := s.sample(ctx, e)
	if err != nil {
		return nil, err
	}
	wants, err := s.wants(ctx, []models.Environment{e})
	if err != nil {
		return nil, err
	}
	var results []DrillResult
	for _, w := range wants[e.ID] {
		r := s.drillOne(ctx, e, sample, w)
		if r.Challenge == nil {
			if err := s.keepDrill(ctx, actor, "keys.drill", e, r); err != nil {
				return nil, err
			}
		}
		results = append(results, r)
	}
	return results, nil
}

// sample is the environment's newest data key that seals, or that of its hashes where there
// is no other.
func (s *Service) sample(ctx context.Context, e models.Environment) (newest store.DataKeyRow, err error) {
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		for after := models.DataKeyID(""); ; {
			rows, err := tx.DataKeysPage(store.DataKeyQuery{Environment: e.ID}, after, 0)
			if err != nil || len(rows) == 0 {
				return err
			}
			for _, row := range rows {
				if better(row.Key, newest.Key) {
					newest = row
				}
			}
			after = rows[len(rows)-1].Key.ID
		}
	})
	if err == nil && newest.Key.ID == "" {
		err = fault.New(fault.Conflict, "%s has no data key yet that a drill could open.", e.Name).WithHint("Write a secret first.")
	}
	return newest, err
}

func better(a, b models.DataKey) bool {
	if b.ID == "" || a.Purpose != b.Purpose {
		return b.ID == "" || a.Purpose == models.PurposeSeal
	}
	return a.CreatedAt.After(b.CreatedAt)
}

func (s *Service) drillOne(ctx context.Context, e models.Environment, sample store.DataKeyRow, w want) DrillResult {
	r := DrillResult{Kind: w.Kind, ID: w.ID, Label: w.Label, Sample: sample.Key.ID}
	if w.ID == "" {
		r.ID = w.Name
		return r.failed(w.Err)
	}
	i := slices.IndexFunc(sample.Wrapped, func(row models.WrappedKey) bool { return row.RecipientKind == w.Kind && row.RecipientID == w.ID })
	if i < 0 && !w.sure() {
		return r.failed(w.Err)
	}
	if i < 0 {
		return r.failed(fault.New(fault.Conflict, "Data key %s is not wrapped for %s yet.", sample.Key.ID, w.ID).
			WithHint("Wait for the re-wrap that follows a change of recipients, or begin one."))
	}
	if w.Kind == models.RecipientRecovery {
		c := Challenge{
			Environment: e.ID, Recipient: w.ID, DataKeyID: sample.Key.ID,
			Context: s.Envelope.Context(e), Blob: sample.Wrapped[i].Blob,
		}
		c.Nonce = s.nonce(c, s.Now())
		r.Challenge = &c
		return r
	}
	_, err := s.Envelope.OpenDataKey(ctx, e, sample.Key, sample.Wrapped[i])
	return r.failed(err)
}

// failed returns the result with what an error says; nil: it opened.
func (r DrillResult) failed(err error) DrillResult {
	if r.OK = err == nil; !r.OK {
		said := fault.Public(err)
		r.Error, r.Hint = said.Message, said.Hint
	}
	return r
}

// Prove takes the answer to a challenge of Drill: that of one who opened the sample with the
// recipient's identity alone.
func (s *Service) Prove(ctx context.Context, actor models.Actor, env models.EnvironmentID, c Challenge, answer []byte) (DrillResult, error) {
	e, err := s.manage(ctx, actor, env)
	if err != nil {
		return DrillResult{}, err
	}
	c.Environment = e.ID
	if err := s.checkNonce(c); err != nil {
		return DrillResult{}, err
	}
	var own store.DataKeyRow
	if own.Key, own.Wrapped, err = s.dataKey(ctx, c.DataKeyID); err != nil {
		return DrillResult{}, fault.Wrap(err, fault.Conflict, "The data key of the challenge is gone.").WithHint("Begin the drill anew.")
	}
	want, err := s.ownAnswer(ctx, e, own, c.Nonce)
	if err != nil {
		return DrillResult{}, err
	}
	r := DrillResult{Kind: models.RecipientRecovery, ID: c.Recipient, Label: s.label(ctx, e, c.Recipient), Sample: c.DataKeyID}
	if hmac.Equal(want, answer) {
		r.OK = true
	} else {
		r = r.failed(fault.New(fault.Invalid, "The answer is not that of one who opened the sample.").
			WithHint("Check that the identity is the recipient's own, and begin the drill anew."))
	}
	return r, s.keepDrill(ctx, actor, "keys.prove", e, r)
}

// ownAnswer is the answer that the data key itself gives, opened by a recipient that is here.
func (s *Service) ownAnswer(ctx context.Context, e models.Environment, row store.DataKeyRow, nonce []byte) ([]byte, error) {
	why := notTried(row, e)
	for _, wrapped := range s.openable(row.Wrapped) {
		key, err := s.Envelope.OpenDataKey(ctx, e, row.Key, wrapped)
		if err == nil {
			return key.Answer(nonce)
		}
		why = err
	}
	return nil, why
}

func (s *Service) label(ctx context.Context, e models.Environment, recipient string) (label string) {
	_ = s.Store.Read(ctx, func(tx *store.Tx) error { // a label is not worth a refusal
		all, err := tx.Recipients(e.ID)
		for _, r := range all {
			if r.Key == recipient {
				label = r.Label
			}
		}
		return err
	})
	return label
}

// keepDrill stores how a try went, with its audit entry.
func (s *Service) keepDrill(ctx context.Context, actor models.Actor, action string, e models.Environment, r DrillResult) error {
	now := s.Now()
	drill := models.KeyDrill{
		EnvironmentID: e.ID, RecipientKind: r.Kind, RecipientID: r.ID, TriedAt: now, Error: r.Error, Actor: actor.Name,
	}
	entry := audit.OnEnvironment(actor, action, e)
	entry.Detail = map[string]string{"kind": string(r.Kind), "key": r.ID, "data_key": string(r.Sample)}
	if entry.Outcome = models.OutcomeFailed; r.OK {
		entry.Outcome, drill.ProvedAt = models.OutcomeAllowed, &now
	}
	return s.Store.Write(ctx, func(tx *store.Tx) error {
		kept := drill
		if err := tx.PutKeyDrill(&kept); err != nil {
			return err
		}
		return tx.AppendAudit(entry)
	})
}

// A nonce is random ‖ time ‖ mac: any replica tells by the mac that one of them made it, for
// just that sample and recipient, and when. So it needs no place in the database.
const (
	nonceRandom = 16
	nonceTime   = 8
	nonceMAC    = sha256.Size
)

func (s *Service) nonce(c Challenge, now time.Time) []byte {
	n := make([]byte, nonceRandom, nonceRandom+nonceTime+nonceMAC)
	_, _ = rand.Read(n) // crypto/rand.Read never fails since Go 1.24
	n = binary.BigEndian.AppendUint64(n, uint64(now.Unix()))
	return append(n, s.nonceMAC(c, n)...)
}

func (s *Service) nonceMAC(c Challenge, head []byte) []byte {
	mac := hmac.New(sha256.New, s.sealKey("keeper drill nonce v1"))
	for _, part := range [][]byte{head, binary.BigEndian.AppendUint64(nil, uint64(c.Environment)), []byte(c.DataKeyID), []byte(c.Recipient)} {
		_, _ = mac.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part)))) // a hash never fails to write
		_, _ = mac.Write(part)
	}
	return mac.Sum(nil)
}

func (s *Service) checkNonce(c Challenge) error {
	head := nonceRandom + nonceTime
	if len(c.Nonce) != head+nonceMAC || !hmac.Equal(s.nonceMAC(c, c.Nonce[:head]), c.Nonce[head:]) {
		return fault.New(fault.Invalid, "The answer belongs to no challenge of this Keeper for that recipient and data key.").WithHint("Begin the drill anew.")
	}
	made := time.Unix(int64(binary.BigEndian.Uint64(c.Nonce[nonceRandom:head])), 0)
	if age := s.Now().Sub(made); age < -time.Minute || age > challengeLife {
		return fault.New(fault.Conflict, "The challenge is older than an hour.").WithHint("Begin the drill anew.")
	}
	return nil
}

// sealKey derives a key for one purpose from the installation's secret.
func (s *Service) sealKey(domain string) []byte {
	secret := sha256.Sum256(s.Seal)
	key, err := kms.DeriveKey(secret[:], domain, nil)
	if err != nil {
		panic("keys: " + err.Error()) // a SHA-256 is as long as a key
	}
	return key
}
