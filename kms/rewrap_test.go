package kms_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/kms/drivertest"
	"github.com/your-org/keeper/models"
)

func isDamaged(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, kms.ErrDamaged) || !fault.Is(err, fault.Invalid) {
		t.Errorf("got %v, want ErrDamaged", err)
	}
}

// targets are those whose ids are given, the first being the primary.
func targets(ids ...string) kms.Targets {
	var all []kms.Target
	for _, id := range ids {
		kind := models.RecipientKMS
		if id == safe {
			kind = models.RecipientRecovery
		}
		all = append(all, kms.Target{Kind: kind, Name: id, ID: id})
	}
	return kms.Targets{Primary: all[0], Others: all[1:]}
}

// calls counts what the online backend was asked.
func (p party) calls() int {
	n := 0
	for _, op := range []drivertest.Op{drivertest.OpGenerate, drivertest.OpWrap, drivertest.OpUnwrap, drivertest.OpRewrap, drivertest.OpDescribe} {
		n += p.fake.Calls(op)
	}
	return n
}

// apply is what the store does with the result.
func apply(rows []models.WrappedKey, r kms.Rewrapped) []models.WrappedKey {
	var after []models.WrappedKey
	for _, row := range rows {
		same := func(other models.WrappedKey) bool {
			return other.RecipientKind == row.RecipientKind && other.RecipientID == row.RecipientID
		}
		if !slices.ContainsFunc(r.Remove, same) && !slices.ContainsFunc(r.Add, same) {
			after = append(after, row)
		}
	}
	return append(after, r.Add...)
}

func TestRewrap(t *testing.T) {
	third := "eu/c" // in the region of the first
	damage := func(recipient string) func(*models.DataKey, []models.WrappedKey) {
		return func(_ *models.DataKey, rows []models.WrappedKey) {
			for i := range rows {
				if rows[i].RecipientID == recipient {
					rows[i].Blob = slices.Clone(rows[i].Blob)
					rows[i].Blob[0] ^= 1
				}
			}
		}
	}
	for name, test := range map[string]struct {
		stands  []string // besides the first key
		want    []string
		options kms.RewrapOptions
		begin   func(party)
		change  func(*models.DataKey, []models.WrappedKey)
		add     []string
		remove  []string
		calls   int
		rewraps int  // of calls
		check   bool // Check is filled in
	}{
		"NothingToDo":           {stands: []string{far}, want: []string{near, far}},
		"NothingToDoNamedTwice": {want: []string{near, near}},
		"Moved":                 {want: []string{third}, add: []string{third}, remove: []string{near}, calls: 1, rewraps: 1},
		"MovedAndProved":        {want: []string{third}, options: kms.RewrapOptions{Prove: true}, add: []string{third}, remove: []string{near}, calls: 2, rewraps: 1},
		"MovedAndProvedUncommitted": {
			want: []string{third}, options: kms.RewrapOptions{Prove: true}, change: func(k *models.DataKey, _ []models.WrappedKey) { k.Check = nil },
			add: []string{third}, remove: []string{near}, calls: 3, rewraps: 1, check: true,
		},
		"Fresh":        {want: []string{near}, options: kms.RewrapOptions{Fresh: true}, add: []string{near}, calls: 1, rewraps: 1},
		"FreshAll":     {stands: []string{far, safe}, want: []string{near, far, safe}, options: kms.RewrapOptions{Fresh: true}, add: []string{near, far}, calls: 2, rewraps: 2},
		"OtherRegion":  {want: []string{far}, add: []string{far}, remove: []string{near}, calls: 2},
		"SecondAdded":  {want: []string{near, far}, add: []string{far}, calls: 2},
		"OfflineAdded": {want: []string{near, safe}, add: []string{safe}, calls: 1},
		"OfflineAddedUncommitted": {
			want: []string{near, safe}, change: func(k *models.DataKey, _ []models.WrappedKey) { k.Check = nil },
			add: []string{safe}, calls: 1, check: true,
		},
		"AllAdded":       {want: []string{near, far, third, safe}, options: kms.RewrapOptions{Prove: true}, add: []string{far, third, safe}, calls: 5},
		"SecondRemoved":  {stands: []string{far}, want: []string{near}, remove: []string{far}, calls: 1},
		"OfflineRemoved": {stands: []string{safe}, want: []string{near}, remove: []string{safe}, calls: 1},
		"MovedAndOfflineRemoved": { // the row that goes may be the only good one: it is opened, not re-wrapped unseen
			stands: []string{safe}, want: []string{third}, add: []string{third}, remove: []string{near, safe}, calls: 2,
		},
		"SourceDead": {
			stands: []string{far}, want: []string{third, far}, begin: func(p party) { p.fake.RefuseKey(near) },
			add: []string{third}, remove: []string{near}, calls: 3, rewraps: 1,
		},
		"OnlyOfflineOpens": {
			stands: []string{safe}, want: []string{third, safe}, begin: func(p party) { p.fake.RefuseKey(near) },
			add: []string{third}, remove: []string{near}, calls: 3, rewraps: 1,
		},
		"DamagedRowIsMended": {
			stands: []string{far}, want: []string{near, far, safe}, change: damage(near), add: []string{near, safe}, calls: 3,
		},
		"DamagedRowIsNotLeftAlone": { // the good row is about to go
			stands: []string{far}, want: []string{near}, change: damage(near), add: []string{near}, remove: []string{far}, calls: 3,
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newParty(t, kms.Options{})
			p.want(test.stands...)
			sealed := seal(t, p.Envelope, production, label, canary)
			row, rows := p.rows(t, sealed.DataKeyID)
			if test.change != nil {
				test.change(&row, rows)
			}
			if test.begin != nil {
				test.begin(p)
			}
			calls, rewraps := p.calls(), p.fake.Calls(drivertest.OpRewrap)
			got, err := p.Rewrap(t.Context(), production, row, rows, targets(test.want...), test.options)
			if err != nil {
				t.Fatal(err)
			}
			wants(t, got.Add, test.add...)
			wants(t, got.Remove, test.remove...)
			if made := p.calls() - calls; got.Calls != made || made != test.calls {
				t.Errorf("got %d calls told and %d made, want %d", got.Calls, made, test.calls)
			}
			if made := p.fake.Calls(drivertest.OpRewrap) - rewraps; made != test.rewraps {
				t.Errorf("got %d re-wraps inside the backend, want %d", made, test.rewraps)
			}
			if filled := len(got.Check) > 0; filled != test.check {
				t.Errorf("got a commitment %t, want %t", filled, test.check)
			}
			p.fake.Mend()
			for _, wrapped := range apply(rows, got) {
				row.Check = slices.Concat(row.Check, got.Check)[:kms.CheckSize]
				opened, err := p.OpenDataKey(t.Context(), production, row, wrapped)
				if err != nil {
					t.Fatalf("%s: %v", wrapped.RecipientID, err)
				}
				if value, err := opened.Open(label, sealed); err != nil || string(value.Reveal()) != canary {
					t.Errorf("%s: got %v", wrapped.RecipientID, err)
				}
			}
			for i, key := range slices.Concat(p.fake.HandedOut(), p.fake.Given(), p.offline.HandedOut(), p.offline.Given()) {
				if !cmp.Equal(key, make([]byte, kms.KeySize)) {
					t.Errorf("key %d is still in memory", i)
				}
			}
		})
	}
}

// TestRewrapRemovesNothingUnseen: where it is not known that what stays opens, nothing goes.
func TestRewrapRemovesNothingUnseen(t *testing.T) {
	for name, test := range map[string]struct {
		stands []string
		want   []string
		begin  func(party)
		add    []string
	}{
		"StayingKeyRefused":   {[]string{far}, []string{near}, func(p party) { p.fake.RefuseKey(near) }, nil},
		"StayingKeyAway":      {[]string{far}, []string{near}, func(p party) { p.fake.CutOffKey(near) }, nil},
		"OnlyOfflineWasAdded": {[]string{far}, []string{near, safe}, func(p party) { p.fake.RefuseKey(near) }, []string{safe}},
		"TargetAway":          {nil, []string{far}, func(p party) { p.fake.CutOffKey(far) }, nil},
		"OneTargetAway":       {nil, []string{"eu/c", far, safe}, func(p party) { p.fake.CutOffKey(far) }, []string{"eu/c", safe}},
		"AllAway":             {nil, []string{"eu/c"}, func(p party) { p.fake.CutOff() }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := newParty(t, kms.Options{})
			p.want(test.stands...)
			row, rows := p.rows(t, seal(t, p.Envelope, production, label, canary).DataKeyID)
			test.begin(p)
			got, err := p.Rewrap(t.Context(), production, row, rows, targets(test.want...), kms.RewrapOptions{})
			if !fault.Is(err, fault.Unavailable) || len(got.Remove) > 0 {
				t.Errorf("got %v to be removed and error %v, want none and Unavailable", recipients(got.Remove), err)
			}
			wants(t, got.Add, test.add...)
		})
	}
}

func TestRewrapRefused(t *testing.T) {
	p := newParty(t, kms.Options{})
	p.want()
	sealed, other := seal(t, p.Envelope, production, label, canary), seal(t, p.another(t, kms.Options{MaxUses: 1}), production, label, canary)
	row, rows := p.rows(t, sealed.DataKeyID)
	_, otherRows := p.rows(t, other.DataKeyID)
	swapped := slices.Clone(rows)
	swapped[0].Blob = otherRows[0].Blob
	damaged := slices.Clone(rows)
	damaged[0].Blob = slices.Clone(rows[0].Blob)
	damaged[0].Blob[7] ^= 1
	prove := kms.RewrapOptions{Prove: true}

	for name, rewrap := range map[string]func() (kms.Rewrapped, error){
		"Damaged": func() (kms.Rewrapped, error) {
			return p.Rewrap(t.Context(), production, row, damaged, targets("eu/c"), prove)
		},
		"DamagedAbroad": func() (kms.Rewrapped, error) {
			return p.Rewrap(t.Context(), production, row, damaged, targets(far), prove)
		},
		"Swapped": func() (kms.Rewrapped, error) {
			return p.Rewrap(t.Context(), production, row, swapped, targets("eu/c"), prove)
		},
		"SwappedAbroad": func() (kms.Rewrapped, error) {
			return p.Rewrap(t.Context(), production, row, swapped, targets(far), kms.RewrapOptions{})
		},
		"OtherEnvironment": func() (kms.Rewrapped, error) { return p.Rewrap(t.Context(), staging, row, rows, targets(far), prove) },
		"RowOfAnotherKey": func() (kms.Rewrapped, error) {
			return p.Rewrap(t.Context(), production, row, otherRows, targets(far), prove)
		},
		"NoRows": func() (kms.Rewrapped, error) { return p.Rewrap(t.Context(), production, row, nil, targets(far), prove) },
	} {
		t.Run(name, func(t *testing.T) {
			got, err := rewrap()
			isDamaged(t, err)
			if len(got.Add)+len(got.Remove) > 0 {
				t.Errorf("got %d rows to add and %d to remove, want none", len(got.Add), len(got.Remove))
			}
		})
	}
	t.Run("TargetWithoutID", func(t *testing.T) {
		if _, err := p.Rewrap(t.Context(), production, row, rows, kms.Targets{Primary: kms.Target{Kind: models.RecipientKMS}}, prove); err == nil {
			t.Error("a target without its id was taken")
		}
	})
	t.Run("BackendThatLies", func(t *testing.T) {
		e, err := kms.NewEnvelope(p.keys, liar{p.fake}, kms.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		uncommitted := row
		uncommitted.Check = nil
		for _, key := range []models.DataKey{row, uncommitted} {
			for _, to := range []string{"eu/c", far} {
				got, err := e.Rewrap(t.Context(), production, key, rows, targets(to), prove)
				if err == nil || len(got.Add)+len(got.Remove) > 0 {
					t.Errorf("to %s: got %d rows and %v, want an error and none", to, len(got.Add), err)
				}
			}
		}
	})
}

// liar wraps another key than it was given.
type liar struct{ *drivertest.Fake }

func (l liar) Wrap(ctx context.Context, key string, _ []byte, ec kms.Context) (kms.Wrapped, error) {
	return l.Fake.Wrap(ctx, key, make([]byte, kms.KeySize), ec)
}

func (l liar) Rewrap(ctx context.Context, _ kms.Wrapped, key string, ec kms.Context) (kms.Wrapped, error) {
	return l.Wrap(ctx, key, nil, ec)
}
