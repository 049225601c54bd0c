package sync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/your-org/keeper/models"
)

const (
	defaultWorkers = 8
	fetchBatch     = 20 // what AWS reads in one call; bounds the values held in memory too
	maxRounds      = 4  // looks at one entry, and actions on it, in one run
	recordTime     = 30 * time.Second
	recordEvery    = 50 * time.Millisecond // how long an outcome waits for others to be recorded with
	// lookAtOnce is how many entries are looked at together, in full batches, so that no call is
	// made for less. Looked at, waiting for a worker, are no more than one in lookAhead of the
	// page's, and no more than are looked at together. Both bound how old a look may be by the time it is acted on.
	lookAtOnce = 4 * fetchBatch
	lookAhead  = 5
)

// Options say how a run goes.
type Options struct {
	Owner       string // the installation's identity, as in Mark
	Destination models.DestinationID
	Strategy    models.Strategy // zero: KeeperWins
	Full        bool            // list the destination and look at every entry, not only at what is due
	// Brake stops the run before it takes anything away where that would be too much; see
	// ErrBraked. Zero: no brake.
	Brake Brake
	// Taken are the entries of which earlier runs took something away lately, and how many values
	// of each: the brake counts them with what this run would take away. nil: none.
	Taken map[models.SecretID]int
	// Approved limits the run to what was agreed to, and has it refuse as Stale, before it
	// does anything, where any of that is no longer so. nil: everything.
	Approved map[models.SecretID]Approval
	Workers  int              // calls to the destination at once; 0: 8
	Now      func() time.Time // nil: time.Now
	// Progress is called after each batch of records with the counts so far and the number
	// of entries that the run set out to deal with. nil: nobody listens.
	Progress func(done models.RunCounts, total int)
	// Stray is called at the end of a full run for each live name there that bears this
	// destination's mark and has no entry, as after the restore of an older database. It is
	// only told, never touched. nil: nobody listens.
	Stray func(Remote)
	// Proof gathers what the run proves of the entries that it looks at, if it ends well.
	// nil: nobody asks.
	Proof *Proof
}

// Run makes one pass over a destination: looks, decides, writes off the difference, and
// records what it did. One entry's failure is its own; the error is that of the run as a
// whole: the ledger failed, the context ended, or the listing was cut off, in which case
// what it did not show was recorded as unknown and not touched.
//
// A run may be cut off at any point, by the context or by the end of the process. The next
// one finds out by looking, and repeats no write.
func Run(ctx context.Context, d Driver, l Ledger, o Options) (models.RunCounts, error) {
	r := newRun(d, l, o)
	err := r.pass(ctx)
	if ctx.Err() != nil {
		err = fmt.Errorf("sync: the run was interrupted: %w", cmp.Or(err, ctx.Err()))
	}
	if err != nil && o.Proof != nil {
		o.Proof.failed = true
	}
	return r.counts, err
}

func newRun(d Driver, l Ledger, o Options) *run {
	if o.Workers <= 0 {
		o.Workers = defaultWorkers
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &run{driver: d, ledger: l, Options: o, rules: Rules{Owner: o.Owner, Destination: o.Destination, Strategy: o.Strategy}}
}

type run struct {
	Options
	driver  Driver
	ledger  Ledger
	rules   Rules
	listing *listing // nil where only due entries are looked at
	counts  models.RunCounts
	total   int
	sparing bool                                     // what would take something away is left alone, and
	spared  map[models.SecretID]models.VersionNumber // remembered: by version, 0 where deleted
	entries int                                      // of the destination, and
	taken   int                                      // how many this run takes away of them, for the brake, and
	beside  int                                      // how many of these earlier runs did not
	ended   []Outcome                                // of the page, for the proof
}

// work is one entry on its way through a run.
type work struct {
	entry    Entry
	seen     Observed
	decision Decision
	unfit    error             // can never be written; there is nothing to look at
	found    models.SyncStatus // by the first look
	done     models.SyncAction // the first action that succeeded
	why      string            // of that action
	lost     int               // values that it took away, and
	counted  int               // as the brake counted them beforehand
	clash    error             // of the last action that came too late
	intended bool              // the ledger knows of the write or the deletion that may come, over
	over     string            // this remote version
	later    time.Time         // when the value may be written; zero: now
}

func (r *run) pass(ctx context.Context) error {
	total, err := r.ledger.Count(ctx, !r.Full)
	if err != nil {
		return fmt.Errorf("sync: count entries: %w", err)
	}
	r.total = total
	if r.Proof != nil && !r.Full {
		r.Proof.part = true
	}
	if r.Full && r.Approved == nil {
		r.listing = r.list(ctx)
	}
	if err := r.permit(ctx); err != nil {
		return err
	}
	if err := r.pages(ctx); err != nil {
		return err
	}
	if r.listing == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	r.tellStrays(ctx)
	return r.listing.err
}

// pages works off all entries of the run.
func (r *run) pages(ctx context.Context) error {
	for entries, err := range r.ledger.Entries(ctx, !r.Full) {
		if err != nil {
			return fmt.Errorf("sync: read entries: %w", err)
		}
		if err := r.page(ctx, entries); err != nil {
			return err
		}
	}
	return nil
}

// permit settles, before anything is taken away, whether the run may do it.
func (r *run) permit(ctx context.Context) error {
	if r.Approved != nil {
		return r.verify(ctx)
	}
	return r.brake(ctx)
}

// page works off one page of entries: some are looked at while those before them are acted on
// by bounded workers, and outcomes are recorded meanwhile.
func (r *run) page(ctx context.Context, entries []Entry) error {
	r.ended = r.ended[:0]
	outcomes := make(chan Outcome, len(entries)) // room for all: no worker waits for a record
	both, working := errgroup.WithContext(ctx)
	both.Go(func() error { return r.record(working, outcomes) })
	both.Go(func() error {
		defer close(outcomes)
		return r.workOff(working, entries, outcomes)
	})
	if err := both.Wait(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if r.Proof != nil {
		r.Proof.page(len(entries), r.ended)
	}
	return nil
}

// workOff has the workers act on what prepare hands them. Where the brake stops the run, what went
// before is finished; any other error ends it at once.
func (r *run) workOff(ctx context.Context, entries []Entry, outcomes chan<- Outcome) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	todo := make(chan *work, min(len(entries)/lookAhead, lookAtOnce))
	workers, ctx := errgroup.WithContext(ctx)
	for range min(r.Workers, len(entries)) {
		workers.Go(func() error {
			for w := range todo {
				if err := r.settle(ctx, w, outcomes); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := r.prepare(ctx, r.chosen(entries), todo, outcomes)
	close(todo)
	if err != nil && !errors.Is(err, ErrBraked) {
		cancel()
	}
	return cmp.Or(workers.Wait(), err)
}

// prepare looks at entries, a few at a time, and hands over those that there is something to do
// for. Nothing is done to one before its intent is on record.
func (r *run) prepare(ctx context.Context, entries []Entry, todo chan<- *work, outcomes chan<- Outcome) error {
	if r.sparing {
		entries = slices.DeleteFunc(slices.Clone(entries), r.leftAlone)
	}
	for some := range slices.Chunk(entries, lookAtOnce) {
		page := r.looked(ctx, some)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		switch {
		case r.Approved != nil:
			page = slices.DeleteFunc(page, func(w *work) bool { return r.movedOn(w, outcomes) })
		case r.sparing:
			page = slices.DeleteFunc(page, r.spare)
		}
		r.pace(page)
		if err := r.brakePage(page); err != nil {
			return err
		}
		if err := r.intend(ctx, page); err != nil {
			return err
		}
		for _, w := range page {
			if err := r.hand(ctx, w, todo, outcomes); err != nil {
				return err
			}
		}
	}
	return nil
}

// spare reports whether an entry is to be left alone, and remembers it then.
func (r *run) spare(w *work) bool {
	if w.decision.Loses(w.entry, w.seen) == 0 {
		return false
	}
	r.spared[w.entry.SecretID] = w.entry.version()
	return true
}

// leftAlone reports whether an entry was left alone as it is now: it comes again until something
// is done about it.
func (r *run) leftAlone(e Entry) bool {
	version, spared := r.spared[e.SecretID]
	return spared && version == e.version()
}

// hand gives an entry to the workers, or where there is nothing to do for it, its outcome to
// the record.
func (r *run) hand(ctx context.Context, w *work, todo chan<- *work, outcomes chan<- Outcome) error {
	switch {
	case !w.later.IsZero():
		outcomes <- r.postponed(w)
	case acts(w.decision.Action) || w.seen.Remote.Untuned:
		select {
		case todo <- w:
		case <-ctx.Done():
			return ctx.Err()
		}
	default:
		outcomes <- r.conclude(w)
	}
	return nil
}

// chosen are the entries that the run may act on at all.
func (r *run) chosen(entries []Entry) []Entry {
	if r.Approved == nil {
		return entries
	}
	return slices.DeleteFunc(slices.Clone(entries), func(e Entry) bool { _, known := r.Approved[e.SecretID]; return !known })
}

// looked are entries with what is decided about each.
func (r *run) looked(ctx context.Context, entries []Entry) []*work {
	page := make([]*work, len(entries))
	for i, e := range entries {
		page[i] = &work{entry: e, unfit: unfit(e), seen: r.firstSight(e)}
	}
	r.look(ctx, page)
	return page
}

// intend records what is about to be written or deleted. After it, a crash can no longer make
// Keeper's own write look like another's, nor an old listing what it deleted like what it keeps.
func (r *run) intend(ctx context.Context, page []*work) error {
	var entries []Entry
	for _, w := range page {
		deletes := w.decision.Action == models.ActionDelete
		if !writes(w.decision.Action) && !deletes || !w.later.IsZero() {
			continue
		}
		w.entry.Base = w.entry.proven(w.seen, r.Now())
		if deletes { // Keeper's, and perhaps gone: what the name holds has to be looked at
			w.entry.Base = w.entry.Base.leaving(w.seen.Remote.Version, r.Now())
		}
		w.intended, w.over = true, w.seen.Remote.Version
		entries = append(entries, w.entry)
	}
	if len(entries) == 0 {
		return nil
	}
	if err := r.ledger.Intend(ctx, entries); err != nil {
		return fmt.Errorf("sync: record intents: %w", err)
	}
	return nil
}

// record writes down what the workers send, many at a time. What was done is recorded even
// where the run is being ended.
func (r *run) record(ctx context.Context, outcomes <-chan Outcome) error {
	for first := range outcomes {
		batch := gather(first, outcomes)
		if err := r.recordBatch(ctx, batch); err != nil {
			return fmt.Errorf("sync: record outcomes: %w", err)
		}
		for _, o := range batch {
			o.count(&r.counts)
		}
		if r.Proof != nil {
			r.ended = append(r.ended, batch...)
		}
		if r.Progress != nil {
			r.Progress(r.counts, max(r.total, r.counts.Checked))
		}
	}
	return nil
}

// gather waits a moment for outcomes that can share a record with the first one. What a crash
// takes in that moment the next run finds out by the intents.
func gather(first Outcome, outcomes <-chan Outcome) []Outcome {
	batch := append(make([]Outcome, 0, len(outcomes)+1), first)
	enough := time.NewTimer(recordEvery)
	defer enough.Stop()
	for {
		select {
		case o, more := <-outcomes:
			if !more {
				return batch
			}
			batch = append(batch, o)
		case <-enough.C:
			return batch
		}
	}
}

func (r *run) recordBatch(ctx context.Context, batch []Outcome) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	return r.ledger.Record(ctx, batch)
}
