package destinations

import (
	"fmt"
	"slices"
	"sync"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	keepersync "github.com/your-org/keeper/sync"
)

// failuresToTell is after how many failures in a row people are told of a secret: fewer are
// often over by themselves within a minute.
const failuresToTell = 3

// drift is what a pass found to be changed by somebody else than Keeper.
type drift struct {
	known bool // a person has seen it and approved what is done about it

	mu       sync.Mutex
	names    []string // the first models.MaxAlertSecrets
	total    int
	repaired int
}

// see counts an outcome. What the destination's strategy takes and what a person has decided
// are no surprise, and what is held for a person is told of as held.
func (d *drift) see(o keepersync.Outcome, hold *models.SyncHold) {
	if d.decided(o, hold) {
		return
	}
	switch o.Found {
	case models.StatusDrifted, models.StatusMissing, models.StatusConflict:
	default:
		return
	}
	settled := o.Action == models.ActionTake || o.Action == models.ActionHold || o.Action == models.ActionRefuse
	if settled || o.Entry.Desired == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.total++
	if o.Err == nil && o.Status == models.StatusInSync {
		d.repaired++
	}
	if len(d.names) < models.MaxAlertSecrets {
		d.names = append(d.names, o.Entry.Name)
	}
}

// decided reports whether a person has decided what is done: by a plan, or between the two
// values that the outcome is about. Who has decided between others has not seen these.
func (d *drift) decided(o keepersync.Outcome, hold *models.SyncHold) bool {
	if d.known || hold == nil || hold.Ruling == "" || o.Entry.Desired == nil {
		return d.known
	}
	if o.Found == models.StatusMissing {
		return hold.RemoteVersion == "" && hold.Version == o.Entry.Desired.Version
	}
	taken := o.Action == models.ActionTake // the entry's version is the new one by now
	return hold.RemoteVersion == o.Seen.Remote.Version && (taken || hold.Version == o.Entry.Desired.Version)
}

// recall adds what runs found that ended with their process, and so told nobody.
func (d *drift) recall(results []models.SyncResult) {
	for _, r := range results {
		d.total++
		if !r.Failed && r.Status == models.StatusInSync {
			d.repaired++
		}
		if len(d.names) < models.MaxAlertSecrets {
			d.names = append(d.names, r.SecretName)
		}
	}
}

// alert tells how the destination's conditions stand at the end of a run, in the transaction
// that keeps its end. Of a run that did not come through only what it saw counts.
func (s *Service) alert(tx *store.Tx, d models.Destination, run models.SyncRun, runErr error, found *drift) error {
	signals := drifted(d, run, found)
	if run.Status == models.RunInterrupted || run.Status == models.RunFailed && fault.Is(runErr, fault.Stale) {
		return s.Alert(tx, signals...) // cut off, or an approved plan was refused: the destination may well work
	}
	signals = append(signals, failing(d, run))
	if run.Status == models.RunFailed {
		return s.Alert(tx, signals...)
	}
	for _, look := range []func(*store.Tx, models.Destination, models.SyncRun) ([]models.Signal, error){stuck, waiting, braked} {
		more, err := look(tx, d, run)
		if err != nil {
			return err
		}
		signals = append(signals, more...)
	}
	return s.Alert(tx, signals...)
}

// about begins a signal about a destination.
func about(d models.Destination, kind models.AlertKind) models.Signal {
	return models.Signal{EnvironmentID: d.EnvironmentID, Kind: kind, Subject: string(d.ID), SubjectName: d.Name}
}

func failing(d models.Destination, run models.SyncRun) models.Signal {
	signal := about(d, models.AlertDestinationFailing)
	if run.Status == models.RunFailed {
		signal.Holds, signal.Summary, signal.Hint = true, "A run over the destination "+d.Name+" failed. "+run.Error, run.Hint
	}
	return signal
}

// stuck tells of secrets that fail again and again at a destination that works otherwise.
func stuck(tx *store.Tx, d models.Destination, _ models.SyncRun) ([]models.Signal, error) {
	signal := about(d, models.AlertSecretsFailing)
	var err error
	signal.Secrets, signal.Total, err = tx.FailingSecrets(d.ID, failuresToTell, models.MaxAlertSecrets)
	if signal.Total > 0 {
		signal.Holds = true
		signal.Summary = fmt.Sprintf("%s failed at %s again and again.", many(signal.Total, "secret"), d.Name)
		signal.Hint = "Each secret's state says why; Keeper goes on trying."
	}
	return []models.Signal{signal}, err
}

// waiting tells of conflicts and differences that wait for a person.
func waiting(tx *store.Tx, d models.Destination, _ models.SyncRun) ([]models.Signal, error) {
	signal := about(d, models.AlertHeld)
	var err error
	signal.Secrets, signal.Total, err = tx.WaitingSecrets(d.ID, models.MaxAlertSecrets)
	if signal.Total > 0 {
		signal.Holds = true
		differ := "differ between Keeper and %s and wait for a person to decide."
		if signal.Total == 1 {
			differ = "differs between Keeper and %s and waits for a person to decide."
		}
		signal.Summary = many(signal.Total, "secret") + " " + fmt.Sprintf(differ, d.Name)
		signal.Hint = "Compare both sides and decide whose value counts."
	}
	return []models.Signal{signal}, err
}

// braked tells of a plan that the brake holds. It is over when no plan is held any more, or a
// full run went through without the brake.
func braked(tx *store.Tx, d models.Destination, run models.SyncRun) ([]models.Signal, error) {
	signal := about(d, models.AlertBraked)
	if run.Status == models.RunHeld {
		signal.Holds, signal.Summary = true, "The brake held a run over "+d.Name+" before it took too much away. "+run.Error
		signal.Hint = "Look at the plan that is held, then apply or discard it."
		return []models.Signal{signal}, nil
	}
	if !run.Full {
		_, err := tx.HeldPlan(d.ID)
		if err == nil {
			return nil, nil
		}
		if !fault.Is(err, fault.NotFound) {
			return nil, err
		}
	}
	return []models.Signal{signal}, nil
}

// drifted tells of what the run found to be changed by somebody else. That nothing is, only a
// look at everything can say in which nothing stayed unknown.
func drifted(d models.Destination, run models.SyncRun, found *drift) []models.Signal {
	signal := about(d, models.AlertDrift)
	switch {
	case found.total > 0:
		signal.Holds, signal.Secrets, signal.Total = true, slices.Sorted(slices.Values(found.names)), found.total
		signal.Summary = fmt.Sprintf("The copies of %s at %s were changed or removed there by somebody else than Keeper.", many(found.total, "secret"), d.Name)
		signal.Hint = "Find out who changes them: Keeper has written its own values again."
		if found.repaired < found.total {
			signal.Hint = "Find out who changes them; the run's results say what became of each."
		}
	case !run.Full, run.Status != models.RunSucceeded && run.Status != models.RunPartial, run.Counts.Unknown > 0:
		return nil
	}
	return []models.Signal{signal}
}

// silence ends everything that is told of a destination that is removed.
func silence(d models.Destination) []models.Signal {
	var all []models.Signal
	for _, kind := range models.AlertKinds {
		signal := about(d, kind)
		signal.Quiet = true
		all = append(all, signal)
	}
	return all
}

func many(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
