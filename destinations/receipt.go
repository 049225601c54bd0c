package destinations

import (
	"context"
	"time"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	keepersync "github.com/your-org/keeper/sync"
)

// listingAge is how old what a destination lists may be. Where a receipt rests on the
// version that was listed, it holds for a time that is so much earlier.
var listingAge = map[models.DestinationKind]time.Duration{models.DestinationAWS: 5 * time.Minute}

// prove stores the signed receipt of a run that ended well. A run whose receipt
// cannot be signed or stored has done its work all the same, and says so.
func (s *Service) prove(ctx context.Context, d models.Destination, e models.Environment, run *models.SyncRun, proof *keepersync.Proof) {
	proven, ok := proof.Proven()
	if !ok {
		return
	}
	receipt := keepersync.Receipt{
		Engine: s.Version, Installation: s.Owner, Environment: e.Name,
		Destination: keepersync.ReceiptDestination{ID: d.ID, Name: d.Name, Kind: d.Kind},
		Run:         run.ID, Plan: run.PlanID, Started: run.StartedAt, Ended: s.Now(), Proven: proven,
	}
	if proven.Part == nil { // else nothing was listed
		receipt.ListingAge = int(listingAge[d.Kind].Seconds())
	}
	if err := s.keepReceipt(ctx, e, d, receipt); err != nil {
		s.Log.WarnContext(ctx, "a run has no receipt", "run", run.ID, "error", err)
		if run.Hint == "" {
			run.Hint = "The run has no receipt: " + fault.Public(err).Message
		}
	}
}

func (s *Service) keepReceipt(ctx context.Context, e models.Environment, d models.Destination, receipt keepersync.Receipt) error {
	key, err := s.Envelope.Signer(ctx, e)
	if err != nil {
		return err
	}
	text, err := receipt.Sign(s.keyName(e), key)
	if err != nil {
		return err
	}
	row := models.SyncReceipt{RunID: receipt.Run, DestinationID: d.ID, EnvironmentID: e.ID, Body: text, Whole: receipt.Part == nil, CreatedAt: receipt.Ended}
	return s.Store.Write(ctx, func(tx *store.Tx) error { return tx.AddReceipt(&row) })
}

// keyName names an environment's signing key.
func (s *Service) keyName(e models.Environment) string { return s.Owner + "/" + e.Name }

// Receipt is the signed receipt of a run.
func (s *Service) Receipt(ctx context.Context, actor models.Actor, id models.RunID) (models.SyncReceipt, error) {
	var receipt models.SyncReceipt
	run, err := s.Run(ctx, actor, id)
	if err == nil { // its text names what was not equal
		_, _, err = s.named(ctx, actor, auth.ViewDestination, run.DestinationID)
	}
	if err != nil {
		return receipt, err
	}
	err = s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		receipt, err = tx.Receipt(id)
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return receipt, fault.New(fault.NotFound, "The run has no receipt: only one that ended well has one.").
			WithHint("Start another run.")
	}
	return receipt, err
}

// What a receipt holds, for those who show it.
type (
	// SignedReceipt is what a receipt says.
	SignedReceipt = keepersync.Receipt
	// Proven is what was equal, and how that was seen.
	Proven = keepersync.Proven
	// Exception is a name that was not equal.
	Exception = keepersync.Exception
)

// ReadReceipt is what a receipt's text says, whoever signed it.
func ReadReceipt(text string) (SignedReceipt, error) { return keepersync.ReadReceipt(text) }

// ReceiptQuery chooses receipts of a destination.
type ReceiptQuery = store.ReceiptQuery

// Receipts lists the signed receipts of a destination's runs, newest first.
func (s *Service) Receipts(ctx context.Context, actor models.Actor, q ReceiptQuery) (receipts []models.SyncReceipt, around Around, err error) {
	if _, _, err := s.named(ctx, actor, auth.ViewDestination, q.DestinationID); err != nil {
		return nil, around, err
	}
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		receipts, around, err = tx.Receipts(q)
		return err
	})
	return receipts, around, err
}

// PublicKey is the key, "name+hash+base64", that checks the receipts of an environment. It
// lives as long as the environment.
func (s *Service) PublicKey(ctx context.Context, actor models.Actor, id models.EnvironmentID) (string, error) {
	e, err := s.environment(ctx, actor, auth.ViewDestination, id)
	if err != nil {
		return "", err
	}
	return s.publicKey(ctx, e)
}

func (s *Service) publicKey(ctx context.Context, e models.Environment) (string, error) {
	key, err := s.Envelope.Signer(ctx, e)
	if err != nil {
		return "", err
	}
	return keepersync.PublicKey(s.keyName(e), key)
}

// Verification is what came of checking a receipt.
type Verification struct {
	Receipt keepersync.Receipt // which this installation signed
	Again   *ReadAgain         // nil: the destination was not read again
}

// ReadAgain is how a destination stands beside an earlier receipt.
type ReadAgain struct {
	At      time.Time
	Now     keepersync.Proven // by the values themselves
	Matches bool              // the destination holds what the receipt says
	// Differences are the names that changed since the receipt or are not equal now, up to
	// keepersync.NamedExceptions of them. A secret that is gone from Keeper has no name any more;
	// the numbers of names tell of it.
	Differences []keepersync.Exception
	Differ      int // all of them
}

// VerifyReceipt checks a receipt's text: Invalid where this installation did not sign exactly
// that. With readAgain it reads every value at the destination anew, which costs calls there,
// and compares.
func (s *Service) VerifyReceipt(ctx context.Context, actor models.Actor, text string, readAgain bool) (Verification, error) {
	claimed, err := keepersync.ReadReceipt(text)
	if err != nil {
		return Verification{}, err
	}
	e, err := s.claimedEnvironment(ctx, actor, claimed)
	if err != nil {
		return Verification{}, err
	}
	public, err := s.publicKey(ctx, e)
	if err != nil {
		return Verification{}, err
	}
	var v Verification
	if v.Receipt, err = keepersync.OpenReceipt(text, public); err != nil || !readAgain {
		return v, err
	}
	d, e, err := s.destination(ctx, actor, auth.TriggerSync, v.Receipt.Destination.ID)
	if err != nil {
		return v, err
	}
	v.Again, err = s.readAgain(ctx, d, e, v.Receipt)
	entry := audit.Ended(audit.OnDestination(actor, "sync.verify", e, d), err)
	entry.Detail = map[string]string{"run": string(v.Receipt.Run)}
	if recordErr := s.Store.Record(ctx, entry); err == nil {
		err = recordErr
	}
	return v, err
}

// claimedEnvironment is the environment that a receipt names, where the actor may see it.
func (s *Service) claimedEnvironment(ctx context.Context, actor models.Actor, claimed keepersync.Receipt) (models.Environment, error) {
	var e models.Environment
	err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		e, err = tx.EnvironmentByName(claimed.Environment)
		return err
	})
	switch {
	case err == nil:
		e, err = s.environment(ctx, actor, auth.ViewDestination, e.ID)
	case fault.Is(err, fault.NotFound):
		err = auth.Absent(ctx, s.Store, actor, auth.ViewDestination, err)
	}
	if fault.Is(err, fault.NotFound) || claimed.Installation != s.Owner {
		return e, fault.New(fault.NotFound, "The receipt is of an environment that this installation does not have.").
			WithHint("Check it where it was made, or with keeper sync verify and the public key.")
	}
	return e, err
}

func (s *Service) readAgain(ctx context.Context, d models.Destination, e models.Environment, receipt keepersync.Receipt) (*ReadAgain, error) {
	if part := receipt.Part; part != nil && !part.Listed() {
		return nil, fault.New(fault.Invalid, "The receipt is about %d names and lists the first %d: the destination cannot be compared with it.", part.Names, len(part.First)).
			WithHint("Compare with a receipt over the whole destination.")
	}
	driver, err := s.driver(ctx, e, d)
	if err != nil {
		return nil, err
	}
	again := &ReadAgain{}
	listing := &listing{Driver: driver}
	book := (&ledger{service: s, environment: e, destination: d, listing: listing, still: true}).book()
	again.Now, err = keepersync.Prove(ctx, listing, book, s.options(d), receipt.Part, func(o keepersync.Outcome) { again.compare(o, receipt.Ended) })
	if err != nil {
		return nil, err
	}
	again.At, again.Matches = s.Now(), again.Now.ReadBack == receipt.ReadBack
	return again, nil
}

// compare names what was changed since a time, or is not equal.
func (a *ReadAgain) compare(o keepersync.Outcome, since time.Time) {
	desired, base := o.Entry.Desired, o.Entry.Base
	different := keepersync.Exception{Name: o.Entry.RemoteName, Status: o.Status, Why: o.Why}
	switch {
	case o.Err != nil:
		different.Why = fault.Public(o.Err).Message
	case !o.Equal():
	case desired != nil && desired.At.After(since):
		different.Why = "Changed in Keeper since, and equal again."
	case base != nil && base.At.After(since):
		different.Why = "Written by Keeper since."
	default:
		return
	}
	if a.Differ++; len(a.Differences) < keepersync.NamedExceptions {
		a.Differences = append(a.Differences, different)
	}
}
