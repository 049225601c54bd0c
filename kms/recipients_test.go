package kms_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/kms/drivertest"
	"github.com/your-org/keeper/models"
)

const safe = "age1safe"

// party is an environment with a second KMS key and an offline recipient.
type party struct {
	*bench
	offline *drivertest.Fake
}

func newParty(t *testing.T, options kms.Options) party {
	t.Helper()
	p := party{&bench{
		keys: drivertest.NewKeys(), fake: drivertest.NewFake(models.RecipientKMS, near, far, "eu/c"),
		now: &clock{},
	}, drivertest.NewFake(models.RecipientRecovery, safe)}
	p.want(far, safe)
	options.Others = append(options.Others, p.offline)
	p.Envelope = p.another(t, options)
	return p
}

// want sets for whom the data keys of production are wrapped besides its own key.
func (p party) want(keys ...string) {
	var others []models.Recipient
	for _, key := range keys {
		kind := models.RecipientKMS
		if key == safe {
			kind = models.RecipientRecovery
		}
		others = append(others, models.Recipient{EnvironmentID: production.ID, Kind: kind, Key: key, Label: "label of " + key})
	}
	p.keys.SetRecipients(production.ID, "", others...)
}

// recipients are those for whom a data key is wrapped, in order.
func recipients(rows []models.WrappedKey) []string {
	var ids []string
	for _, row := range rows {
		ids = append(ids, row.RecipientID)
	}
	slices.Sort(ids)
	return ids
}

func (p party) rows(t *testing.T, id models.DataKeyID) (models.DataKey, []models.WrappedKey) {
	t.Helper()
	row, rows, err := p.keys.DataKey(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return row, rows
}

func wants(t *testing.T, rows []models.WrappedKey, want ...string) {
	t.Helper()
	slices.Sort(want)
	if diff := cmp.Diff(want, recipients(rows)); diff != "" {
		t.Errorf("recipients (-want +got):\n%s", diff)
	}
}

func TestDataKeysAreWrappedForAll(t *testing.T) {
	p := newParty(t, kms.Options{})
	sealed := seal(t, p.Envelope, production, label, canary)
	hash := sum(t, p.Envelope, production, canary)
	for _, id := range []models.DataKeyID{sealed.DataKeyID, "hash_1"} {
		row, rows := p.rows(t, id)
		wants(t, rows, near, far, safe)
		for _, wrapped := range rows {
			opened, err := p.OpenDataKey(t.Context(), production, row, wrapped)
			if err != nil {
				t.Fatalf("%s alone: %v", wrapped.RecipientID, err)
			}
			if row.Purpose == models.PurposeHash {
				if got, err := opened.Sum(models.NewPlaintext([]byte(canary))); err != nil || !cmp.Equal(got, hash) {
					t.Errorf("%s alone hashes otherwise: %v", wrapped.RecipientID, err)
				}
				continue
			}
			if got, err := opened.Open(label, sealed); err != nil || string(got.Reveal()) != canary {
				t.Errorf("%s alone: got %v", wrapped.RecipientID, err)
			}
		}
	}
	if generated, wrapped := p.fake.Calls(drivertest.OpGenerate), p.fake.Calls(drivertest.OpWrap); generated != 2 || wrapped != 2 {
		t.Errorf("got %d keys made and %d wrapped, want 2 and 2", generated, wrapped)
	}
	for i, key := range slices.Concat(p.fake.HandedOut(), p.fake.Given(), p.offline.Given()) {
		if !cmp.Equal(key, make([]byte, kms.KeySize)) {
			t.Errorf("key %d is still in memory", i)
		}
	}
}

// TestRecipientThatChanges: a data key is never stored for those of before.
func TestRecipientThatChanges(t *testing.T) {
	p := newParty(t, kms.Options{})
	changed := false
	p.fake.Before(func(_ context.Context, op drivertest.Op) {
		if op == drivertest.OpGenerate && !changed {
			changed = true
			p.want(safe)
		}
	})
	sealed := seal(t, p.Envelope, production, label, canary)
	_, rows := p.rows(t, sealed.DataKeyID)
	wants(t, rows, near, safe)

	p.fake.Before(func(_ context.Context, op drivertest.Op) {
		if op == drivertest.OpGenerate {
			p.want(far, safe)
		}
	})
	before := len(p.keys.All())
	if _, err := p.another(t, kms.Options{MaxUses: 1}).Sealer(t.Context(), production); !fault.Is(err, fault.Unavailable) {
		t.Errorf("recipients that never rest: got %v, want Unavailable", err)
	}
	if got := len(p.keys.All()); got != before {
		t.Errorf("got %d data keys, want %d", got, before)
	}
}

// TestOwedRecipients: whom no backend serves, or who does not answer, is left out; the data
// key is made all the same.
func TestOwedRecipients(t *testing.T) {
	for name, test := range map[string]struct {
		begin func(party)
		want  []string
	}{
		"SecondRefused": {func(p party) { p.fake.RefuseKey(far) }, []string{near, safe}},
		"OfflineBroken": {func(p party) { p.offline.CutOff() }, []string{near, far}},
		"NamedTwice":    {func(p party) { p.want(near, far) }, []string{near, far}},
		"NoBackend": {func(p party) {
			p.keys.SetRecipients(production.ID, "", models.Recipient{Kind: models.RecipientLocal, Key: "local:1"})
		}, []string{near}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newParty(t, kms.Options{})
			test.begin(p)
			_, rows := p.rows(t, seal(t, p.Envelope, production, label, canary).DataKeyID)
			wants(t, rows, test.want...)
		})
	}
}

func TestTargets(t *testing.T) {
	p := newParty(t, kms.Options{})
	arn := "arn:aws:kms:eu-central-1:111122223333:key/0"
	p.want(far, arn, safe)
	got, err := p.Targets(t.Context(), production)
	if err != nil {
		t.Fatal(err)
	}
	target := func(kind models.RecipientKind, id string) kms.Target {
		return kms.Target{Kind: kind, Name: id, ID: id, Label: "label of " + id}
	}
	want := kms.Targets{
		Generation: 2, Primary: kms.Target{Kind: models.RecipientKMS, ID: near},
		Others: []kms.Target{target(models.RecipientKMS, far), target(models.RecipientKMS, arn), target(models.RecipientRecovery, safe)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := p.fake.Calls(drivertest.OpDescribe); got != 2 {
		t.Errorf("got %d look-ups, want 2: an ARN is an id already", got)
	}
	p.keys.SetRecipients(production.ID, "nobody")
	if _, err := p.Targets(t.Context(), production); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a key that is not there: got %v, want Unavailable", err)
	}
	p.keys.SetRecipients(production.ID, "", models.Recipient{Kind: models.RecipientLocal, Key: "local:1"})
	if _, err := p.Targets(t.Context(), production); !fault.Is(err, fault.Unavailable) {
		t.Errorf("no backend: got %v, want Unavailable", err)
	}
}

func TestOpenedKey(t *testing.T) {
	p := newParty(t, kms.Options{})
	sealed := seal(t, p.Envelope, production, label, canary)
	row, rows := p.rows(t, sealed.DataKeyID)
	var answers [][]byte
	for _, wrapped := range rows {
		opened, err := p.OpenDataKey(t.Context(), production, row, wrapped)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := opened.Answer([]byte("nonce"))
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, answer)
		if other, _ := opened.Answer([]byte("Nonce")); cmp.Equal(other, answer) {
			t.Error("two nonces have one answer")
		}
		if _, err := opened.Sum(models.NewPlaintext(nil)); err == nil {
			t.Error("a key that seals hashed")
		}
	}
	if !cmp.Equal(answers[0], answers[1]) || !cmp.Equal(answers[0], answers[2]) {
		t.Error("the recipients of one data key answer differently")
	}
	if got := p.Status().CachedKeys; got != 1 {
		t.Errorf("got %d keys cached, want only the one that sealed", got)
	}
	for i, key := range slices.Concat(p.fake.HandedOut(), p.offline.HandedOut()) {
		if !cmp.Equal(key, make([]byte, kms.KeySize)) {
			t.Errorf("key %d is still in memory", i)
		}
	}

	other := seal(t, p.another(t, kms.Options{MaxUses: 1}), production, label, canary)
	otherRow, otherRows := p.rows(t, other.DataKeyID)
	for name, open := range map[string]func() error{
		"EnvironmentOfAnother": func() error { _, err := p.OpenDataKey(t.Context(), staging, row, rows[0]); return err },
		"RowOfAnother":         func() error { _, err := p.OpenDataKey(t.Context(), production, row, otherRows[0]); return err },
		"BlobOfAnother": func() error {
			swapped := rows[0]
			swapped.Blob = otherRows[0].Blob
			_, err := p.OpenDataKey(t.Context(), production, row, swapped)
			return err
		},
		"ValueOfAnother": func() error {
			opened, err := p.OpenDataKey(t.Context(), production, otherRow, otherRows[0])
			if err != nil {
				t.Fatal(err)
			}
			_, err = opened.Open(label, sealed)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) { isDamaged(t, open()) })
	}
	t.Run("NoBackend", func(t *testing.T) {
		alone := rows[0]
		alone.RecipientKind = models.RecipientLocal
		if _, err := p.OpenDataKey(t.Context(), production, row, alone); !fault.Is(err, fault.Unavailable) {
			t.Errorf("got %v, want Unavailable", err)
		}
	})
}
