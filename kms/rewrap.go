package kms

import (
	"context"
	"crypto/subtle"
	"errors"
	"slices"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// RewrapOptions say how Rewrap goes about it.
type RewrapOptions struct {
	// Fresh wraps anew also where a wrapped key of an online target stands, so that it is
	// under the newest material of its wrapping key.
	Fresh bool
	// Prove opens each new wrapped key again, where that can be done here, and compares.
	Prove bool
}

// Rewrapped is what is to be stored of a Rewrap.
type Rewrapped struct {
	Add    []models.WrappedKey // takes the place of the row with the same recipient, where there is one
	Remove []models.WrappedKey
	Check  []byte // the commitment, where the row had none and the key was opened
	Calls  int    // of backends, failed ones too; wrapping for an offline recipient is none
}

// Rewrap wraps one data key for exactly the targets. It stores nothing, goes past cache and
// breaker, and clears the data key before it returns.
//
// Where all that is missing can be had inside the backends from rows of theirs, and nothing
// but those rows is given up for it, that is one Rewrapper call for each target, and the
// data key does not come here. Otherwise it is opened, by whichever row opens to the right
// key, and wrapped for each target that misses it or whose row turned out to be damaged.
//
// Rows that nobody wants are in Remove only if every target's row stands or is in Add, and
// one of them was opened or made in this very call. With an error Add holds what could be
// made all the same, and Remove is empty.
func (e *Envelope) Rewrap(ctx context.Context, env models.Environment, key models.DataKey, wrapped []models.WrappedKey, want Targets, o RewrapOptions) (Rewrapped, error) {
	if err := belongs(env, key, wrapped...); err != nil {
		return Rewrapped{}, err
	}
	r := rewrap{envelope: e, env: env, key: key, rows: wrapped, options: o}
	if slices.ContainsFunc(want.All(), func(t Target) bool { return t.ID == "" }) {
		return Rewrapped{}, errors.New("kms: a target without its id")
	}
	r.plan(want.All())
	if len(r.needed) == 0 && len(r.unwanted) == 0 {
		return r.done, nil
	}
	err := errInside
	if sources := r.inside(); sources != nil {
		err = r.rewrapInside(ctx, sources)
	}
	// Where a backend was reached and refused, another row may open, or another permission do.
	if err != nil && (len(wrapped) > 1 || !errors.Is(err, ErrUnreachable)) {
		err = r.rewrapHere(ctx)
	}
	if err != nil {
		return r.done, err
	}
	r.done.Remove = r.unwanted
	return r.done, nil
}

// errInside says that a data key cannot be re-wrapped inside the backends.
var errInside = errors.New("kms: not inside the backend")

type rewrap struct {
	envelope *Envelope
	env      models.Environment
	key      models.DataKey
	rows     []models.WrappedKey
	options  RewrapOptions

	targets  []Target
	needed   []Target            // whose row is missing, or is to be made anew
	unwanted []models.WrappedKey // rows of nobody who is a target
	damaged  []models.WrappedKey // rows that were tried and do not open to the right key
	done     Rewrapped
}

func (r *rewrap) plan(targets []Target) {
	for _, target := range targets {
		if slices.ContainsFunc(r.targets, target.sameRecipient) {
			continue // named twice: an alias and its ARN
		}
		r.targets = append(r.targets, target)
		stands := slices.ContainsFunc(r.rows, target.owns)
		if !stands || r.options.Fresh && r.envelope.online(target.Kind) != nil {
			r.needed = append(r.needed, target)
		}
	}
	for _, row := range r.rows {
		if !slices.ContainsFunc(r.targets, func(t Target) bool { return t.owns(row) }) {
			r.unwanted = append(r.unwanted, row)
		}
	}
}

func (t Target) owns(row models.WrappedKey) bool {
	return row.RecipientKind == t.Kind && row.RecipientID == t.ID
}

func (t Target) sameRecipient(other Target) bool { return t.Kind == other.Kind && t.ID == other.ID }

// inside finds for each needed target a row that its backend can take to it, or returns nil.
// Rows that would be given up must all be such sources: a row that is not looked at may be
// the only good one.
func (r *rewrap) inside() []models.WrappedKey {
	var sources []models.WrappedKey
	for _, target := range r.needed {
		wrapper := r.envelope.online(target.Kind)
		if wrapper == nil {
			return nil
		}
		from := slices.IndexFunc(r.rows, target.owns)
		if from < 0 {
			from = slices.IndexFunc(r.rows, func(row models.WrappedKey) bool {
				return row.RecipientKind == target.Kind && canRewrap(wrapper, row.RecipientID, target.ID)
			})
		}
		if from < 0 {
			return nil
		}
		sources = append(sources, r.rows[from])
	}
	for _, row := range r.unwanted {
		if !slices.ContainsFunc(sources, func(s models.WrappedKey) bool { return sameRow(s, row) }) {
			return nil
		}
	}
	return sources
}

func sameRow(a, b models.WrappedKey) bool {
	return a.RecipientKind == b.RecipientKind && a.RecipientID == b.RecipientID
}

// canRewrap is what the backend says, else whether both keys are in one region and account.
func canRewrap(wrapper Wrapper, from, to string) bool {
	if w, ok := wrapper.(Rewrapper); ok {
		return w.CanRewrap(from, to)
	}
	region, account, ok := regionAndAccount(from)
	toRegion, toAccount, toOK := regionAndAccount(to)
	return ok == toOK && region == toRegion && account == toAccount
}

func (r *rewrap) rewrapInside(ctx context.Context, sources []models.WrappedKey) error {
	for i, target := range r.needed {
		wrapper := r.envelope.online(target.Kind)
		r.done.Calls++
		moved, err := wrapper.Rewrap(ctx, Wrapped{RecipientID: sources[i].RecipientID, Blob: sources[i].Blob}, target.ID, r.envelope.context(r.env))
		if err != nil {
			r.done.Add = nil
			return r.refused(err)
		}
		added, err := r.row(target, moved)
		if err == nil && r.options.Prove {
			err = r.proveInside(ctx, sources[i], added)
		}
		if err != nil {
			r.done.Add = nil
			return err
		}
		r.done.Add = append(r.done.Add, added)
	}
	return nil
}

// proveInside opens what a backend re-wrapped. Where the row commits to no key, it is held
// against what the source opens to.
func (r *rewrap) proveInside(ctx context.Context, source, added models.WrappedKey) error {
	plain, err := r.open(ctx, added)
	if err != nil {
		return err
	}
	defer clear(plain)
	if len(r.key.Check) > 0 {
		return nil
	}
	before, err := r.open(ctx, source)
	if err != nil {
		return err
	}
	defer clear(before)
	if subtle.ConstantTimeCompare(before, plain) != 1 {
		return r.notTheSame(added)
	}
	r.done.Check, err = Commitment(plain, r.key.ID)
	return err
}

// rewrapHere opens the data key and wraps it for those who need it.
func (r *rewrap) rewrapHere(ctx context.Context) error {
	plain, opened, errs := r.openAny(ctx)
	if plain == nil {
		return notOpened(r.env, r.key.ID, r.rows, errs)
	}
	defer clear(plain)
	var err error
	if len(r.key.Check) == 0 {
		if r.done.Check, err = Commitment(plain, r.key.ID); err != nil {
			return err
		}
	}
	for _, target := range r.targets {
		if slices.ContainsFunc(r.damaged, target.owns) && !slices.ContainsFunc(r.needed, target.sameRecipient) {
			r.needed = append(r.needed, target)
		}
	}
	var failed []error
	for _, target := range r.needed {
		if err := r.wrap(ctx, target, plain); err != nil {
			failed = append(failed, err)
		}
	}
	if len(failed) == 0 && len(r.unwanted) > 0 && !r.proved(opened) {
		// What would stay has not been seen to open, and what opened would go.
		return notOpened(r.env, r.key.ID, r.rows, errs)
	}
	return errors.Join(failed...)
}

// proved reports whether a row that stays and can be opened while Keeper runs was opened or
// made in this call.
func (r *rewrap) proved(opened models.WrappedKey) bool {
	return slices.ContainsFunc(append(slices.Clone(r.done.Add), opened), func(row models.WrappedKey) bool {
		return r.envelope.online(row.RecipientKind) != nil && !slices.ContainsFunc(r.unwanted, func(u models.WrappedKey) bool { return sameRow(u, row) })
	})
}

// openAny opens the data key by the first row that opens to the right key, and says which;
// the errors are those of the rows before it. Rows that are to stay come first, so that it
// is known of one of them that it opens; offline recipients come last, as their backend has
// an identity only while somebody recovers.
func (r *rewrap) openAny(ctx context.Context) ([]byte, models.WrappedKey, []error) {
	rows := slices.Clone(r.rows)
	slices.SortStableFunc(rows, func(a, b models.WrappedKey) int { return r.rank(a) - r.rank(b) })
	var errs []error
	for _, row := range rows {
		plain, err := r.open(ctx, row)
		if err == nil {
			return plain, row, errs
		}
		if errors.Is(err, ErrDamaged) {
			r.damaged = append(r.damaged, row)
		}
		errs = append(errs, err)
	}
	return nil, models.WrappedKey{}, errs
}

func (r *rewrap) rank(row models.WrappedKey) int {
	rank := 0
	if slices.ContainsFunc(r.unwanted, func(u models.WrappedKey) bool { return sameRow(u, row) }) {
		rank++
	}
	if r.envelope.online(row.RecipientKind) == nil {
		rank += 2
	}
	return rank
}

func (r *rewrap) open(ctx context.Context, row models.WrappedKey) ([]byte, error) {
	if r.envelope.online(row.RecipientKind) != nil {
		r.done.Calls++
	}
	return r.envelope.openRow(ctx, r.env, r.key, row)
}

func (r *rewrap) wrap(ctx context.Context, target Target, plain []byte) error {
	wrapper := r.envelope.backend(target.Kind)
	if wrapper == nil {
		return errNoBackend(r.env, target)
	}
	online := r.envelope.online(target.Kind) != nil
	if online {
		r.done.Calls++
	}
	wrapped, err := wrapper.Wrap(ctx, target.ID, plain, r.envelope.context(r.env))
	if err != nil {
		return r.refused(err)
	}
	added, err := r.row(target, wrapped)
	if err != nil {
		return err
	}
	if r.options.Prove && online {
		again, err := r.open(ctx, added)
		if err != nil {
			return err
		}
		defer clear(again)
		if subtle.ConstantTimeCompare(again, plain) != 1 {
			return r.notTheSame(added)
		}
	}
	r.done.Add = append(r.done.Add, added)
	return nil
}

// row is the row to be stored. A backend that wrapped under another key than asked would
// have the target missing for ever.
func (r *rewrap) row(target Target, wrapped Wrapped) (models.WrappedKey, error) {
	if wrapped.RecipientID != target.ID {
		return models.WrappedKey{}, fault.New(fault.Internal, "Data key %s was to be wrapped for %s and was wrapped for %s.", r.key.ID, target.ID, wrapped.RecipientID)
	}
	return models.WrappedKey{
		DataKeyID: r.key.ID, RecipientKind: target.Kind, RecipientID: wrapped.RecipientID,
		Blob: wrapped.Blob, CreatedAt: r.envelope.options.Now(),
	}, nil
}

func (r *rewrap) refused(err error) error {
	kind := fault.Unavailable
	if fault.Is(err, fault.Invalid) {
		kind, err = fault.Invalid, errors.Join(err, ErrDamaged)
	}
	return explain(err, kind, "Data key %s of environment %s cannot be wrapped anew.", r.key.ID, r.env.Name)
}

func (r *rewrap) notTheSame(row models.WrappedKey) error {
	return fault.New(fault.Internal, "Data key %s of environment %s, wrapped for %s %s, does not open to itself.",
		r.key.ID, r.env.Name, row.RecipientKind, row.RecipientID)
}
