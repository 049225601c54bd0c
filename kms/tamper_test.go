package kms_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
)

// notGiven asserts that no value comes out. Whatever the field says now, it is damage, or a
// key that is not to be had; it is never another value, and never NotFound.
func notGiven(t *testing.T, e *kms.Envelope, env models.Environment, l kms.Label, sealed kms.Sealed) {
	t.Helper()
	got, err := e.Open(t.Context(), env, l, sealed)
	if err == nil || got.Len() != 0 {
		t.Errorf("got %d bytes and error %v, want a refusal", got.Len(), err)
	}
	if fault.Is(err, fault.NotFound) {
		t.Errorf("got %v: what does not open is never absent", err)
	}
}

// flips are all texts that differ from one in one bit.
func flips(text string) []string {
	var all []string
	for i := range len(text) {
		for bit := range 8 {
			changed := []byte(text)
			changed[i] ^= 1 << bit
			all = append(all, string(changed))
		}
	}
	return all
}

// flipped are all numbers that differ from one in one bit.
func flipped(number int64) []int64 {
	var all []int64
	for bit := range 64 {
		all = append(all, int64(binary.BigEndian.Uint64(binary.BigEndian.AppendUint64(nil, uint64(number)))^1<<bit))
	}
	return all
}

// TestEveryBitOfAVersion flips each bit of each field of a sealed version and of the row that
// it belongs to.
func TestEveryBitOfAVersion(t *testing.T) {
	b := newBench(t, kms.Options{})
	sealed := seal(t, b.Envelope, production, label, canary)
	type version struct {
		env    models.Environment
		label  kms.Label
		sealed kms.Sealed
	}
	original := version{production, label, sealed}
	fields := map[string]func() []version{
		"Ciphertext": func() (all []version) {
			for _, text := range flips(string(sealed.Ciphertext)) {
				changed := original
				changed.sealed.Ciphertext = []byte(text)
				all = append(all, changed)
			}
			return all
		},
		"DataKeyID": func() (all []version) {
			for _, text := range flips(string(sealed.DataKeyID)) {
				changed := original
				changed.sealed.DataKeyID = models.DataKeyID(text)
				all = append(all, changed)
			}
			return all
		},
		"Format": func() (all []version) {
			for _, number := range flipped(int64(sealed.Format)) {
				changed := original
				changed.sealed.Format = int(number)
				all = append(all, changed)
			}
			return all
		},
		"Environment": func() (all []version) {
			for _, number := range flipped(int64(production.ID)) {
				changed := original
				changed.env.ID, changed.label.Environment = models.EnvironmentID(number), models.EnvironmentID(number)
				all = append(all, changed)
			}
			return all
		},
		"Kind": func() (all []version) {
			for _, text := range flips(label.Kind) {
				changed := original
				changed.label.Kind = text
				all = append(all, changed)
			}
			return all
		},
		"Object": func() (all []version) {
			for _, text := range flips(label.Object) {
				changed := original
				changed.label.Object = text
				all = append(all, changed)
			}
			return all
		},
		"Number": func() (all []version) {
			for _, number := range flipped(label.Number) {
				changed := original
				changed.label.Number = number
				all = append(all, changed)
			}
			return all
		},
	}
	for name, changes := range fields {
		t.Run(name, func(t *testing.T) {
			all := changes()
			if len(all) < 8 {
				t.Fatalf("got %d changes", len(all))
			}
			for _, changed := range all {
				refuses(t, b.Envelope, changed.env, changed.label, changed.sealed)
			}
		})
	}
	opens(t, b.Envelope, production, label, sealed, canary)
}

// TestEveryBitOfAWrappedKey flips each bit of each field of a stored data key and of its
// wrapped key, as one does who can write to the database.
func TestEveryBitOfAWrappedKey(t *testing.T) {
	b := newBench(t, kms.Options{})
	sealed := seal(t, b.Envelope, production, label, canary)
	original, rows, err := b.keys.DataKey(t.Context(), sealed.DataKeyID)
	if err != nil {
		t.Fatal(err)
	}
	type change = func(*models.DataKey, *models.WrappedKey)
	texts := func(text string, set func(*models.DataKey, *models.WrappedKey, string)) (all []change) {
		for _, other := range flips(text) {
			all = append(all, func(k *models.DataKey, w *models.WrappedKey) { set(k, w, other) })
		}
		return all
	}
	var environments []change
	for _, number := range flipped(int64(original.EnvironmentID)) {
		environments = append(environments, func(k *models.DataKey, _ *models.WrappedKey) { k.EnvironmentID = models.EnvironmentID(number) })
	}
	for name, changes := range map[string][]change{
		"Blob":          texts(string(rows[0].Blob), func(_ *models.DataKey, w *models.WrappedKey, s string) { w.Blob = []byte(s) }),
		"RecipientKind": texts(string(rows[0].RecipientKind), func(_ *models.DataKey, w *models.WrappedKey, s string) { w.RecipientKind = models.RecipientKind(s) }),
		"RecipientID":   texts(rows[0].RecipientID, func(_ *models.DataKey, w *models.WrappedKey, s string) { w.RecipientID = s }),
		"WrappedOf":     texts(string(rows[0].DataKeyID), func(_ *models.DataKey, w *models.WrappedKey, s string) { w.DataKeyID = models.DataKeyID(s) }),
		"ID":            texts(string(original.ID), func(k *models.DataKey, _ *models.WrappedKey, s string) { k.ID = models.DataKeyID(s) }),
		"Purpose":       texts(string(original.Purpose), func(k *models.DataKey, _ *models.WrappedKey, s string) { k.Purpose = models.KeyPurpose(s) }),
		"Check":         texts(string(original.Check), func(k *models.DataKey, _ *models.WrappedKey, s string) { k.Check = []byte(s) }),
		"Environment":   environments,
	} {
		t.Run(name, func(t *testing.T) {
			if len(changes) < 8 {
				t.Fatalf("got %d changes", len(changes))
			}
			cold := b.another(t, kms.Options{CacheTTL: kms.NoCache})
			for i, change := range changes {
				wrapped := rows[0]
				row := original
				change(&row, &wrapped)
				b.keys.Change(sealed.DataKeyID, func(k *models.DataKey, w *[]models.WrappedKey) { *k, *w = row, []models.WrappedKey{wrapped} })
				notGiven(t, cold, production, label, sealed)
				if t.Failed() {
					t.Fatalf("change %d", i)
				}
			}
		})
	}
	b.keys.Change(sealed.DataKeyID, func(k *models.DataKey, w *[]models.WrappedKey) { *k, *w = original, rows })
	opens(t, b.another(t, kms.Options{}), production, label, sealed, canary)
}

// TestCheckOfAnotherLength: a commitment that was cut or lengthened commits to nothing.
func TestCheckOfAnotherLength(t *testing.T) {
	b := newBench(t, kms.Options{})
	sealed := seal(t, b.Envelope, production, label, canary)
	row, _, _ := b.keys.DataKey(t.Context(), sealed.DataKeyID)
	for _, check := range [][]byte{row.Check[:1], row.Check[:15], append(slices.Clone(row.Check), 0)} {
		b.keys.Change(sealed.DataKeyID, func(k *models.DataKey, _ *[]models.WrappedKey) { k.Check = check })
		refuses(t, b.another(t, kms.Options{}), production, label, sealed)
	}
	// Rows from before there were commitments have none and open.
	b.keys.Change(sealed.DataKeyID, func(k *models.DataKey, _ *[]models.WrappedKey) { k.Check = nil })
	opens(t, b.another(t, kms.Options{}), production, label, sealed, canary)
}

// TestSwappedRows swaps what belongs together, in the database of one who may write there.
func TestSwappedRows(t *testing.T) {
	b := newBench(t, kms.Options{})
	one := func(number int64) kms.Label {
		l := label
		l.Number = number
		return l
	}
	old, current := seal(t, b.Envelope, production, one(1), "old"), seal(t, b.Envelope, production, one(2), "current")
	if old.DataKeyID != current.DataKeyID {
		t.Fatal("the two were to be sealed under one data key")
	}
	t.Run("TwoVersions", func(t *testing.T) {
		refuses(t, b.Envelope, production, one(1), current)
		refuses(t, b.Envelope, production, one(2), old)
	})
	t.Run("OldVersionReplayedAsNewer", func(t *testing.T) { refuses(t, b.Envelope, production, one(3), old) })
	t.Run("TwoSecrets", func(t *testing.T) {
		l := one(2)
		l.Object = "18"
		refuses(t, b.Envelope, production, l, current)
	})

	elsewhere := b.another(t, kms.Options{MaxUses: 1})
	other := seal(t, elsewhere, production, one(1), "other")
	swap := func(change func(a, b *models.DataKey, aw, bw *[]models.WrappedKey)) {
		var ak, bk models.DataKey
		var aw, bw []models.WrappedKey
		b.keys.Change(current.DataKeyID, func(k *models.DataKey, w *[]models.WrappedKey) { ak, aw = *k, *w })
		b.keys.Change(other.DataKeyID, func(k *models.DataKey, w *[]models.WrappedKey) { bk, bw = *k, *w })
		change(&ak, &bk, &aw, &bw)
		b.keys.Change(current.DataKeyID, func(k *models.DataKey, w *[]models.WrappedKey) { *k, *w = ak, aw })
		b.keys.Change(other.DataKeyID, func(k *models.DataKey, w *[]models.WrappedKey) { *k, *w = bk, bw })
	}
	blobs := func(_, _ *models.DataKey, aw, bw *[]models.WrappedKey) {
		(*aw)[0].Blob, (*bw)[0].Blob = (*bw)[0].Blob, (*aw)[0].Blob
	}
	checks := func(a, b *models.DataKey, _, _ *[]models.WrappedKey) { a.Check, b.Check = b.Check, a.Check }
	wrapped := func(_, _ *models.DataKey, aw, bw *[]models.WrappedKey) { *aw, *bw = *bw, *aw }
	for name, changes := range map[string][]func(a, b *models.DataKey, aw, bw *[]models.WrappedKey){
		"TwoBlobs": {blobs}, "TwoWrappedKeys": {wrapped}, "TwoChecks": {checks}, "BlobsAndChecks": {blobs, checks},
	} {
		t.Run(name, func(t *testing.T) {
			for _, change := range changes {
				swap(change)
				defer swap(change)
			}
			refuses(t, b.another(t, kms.Options{}), production, one(2), current)
			refuses(t, b.another(t, kms.Options{}), production, one(1), other)
		})
	}
	t.Run("TwoEnvironments", func(t *testing.T) {
		abroad := seal(t, b.Envelope, staging, one(2), "abroad")
		moved := one(2)
		moved.Environment = staging.ID
		refuses(t, b.Envelope, staging, moved, current)
		refuses(t, b.Envelope, production, one(2), abroad)
		renamed := models.Environment{ID: production.ID, Name: staging.Name} // the encryption context of the other
		refuses(t, b.another(t, kms.Options{}), renamed, one(2), current)
	})
	opens(t, b.another(t, kms.Options{}), production, one(2), current, "current")
}

// TestCommitmentCatchesSwapsBeforeUse: with it a swapped key is found when it is loaded, so
// that nothing is ever sealed under a key that its row does not name.
func TestCommitmentCatchesSwapsBeforeUse(t *testing.T) {
	b := newBench(t, kms.Options{})
	sealed := seal(t, b.Envelope, production, label, canary)
	other := seal(t, b.another(t, kms.Options{MaxUses: 1}), production, label, canary)
	_, rows, _ := b.keys.DataKey(t.Context(), other.DataKeyID)
	b.keys.Change(sealed.DataKeyID, func(_ *models.DataKey, w *[]models.WrappedKey) { (*w)[0].Blob = rows[0].Blob })
	if _, err := b.another(t, kms.Options{}).Sealer(t.Context(), production); !errors.Is(err, kms.ErrDamaged) {
		t.Errorf("got %v, want ErrDamaged", err)
	}
}

// TestDrawnChanges changes any number of fields of a version at once.
func TestDrawnChanges(t *testing.T) {
	b := newBench(t, kms.Options{})
	sealed := seal(t, b.Envelope, production, label, canary)
	rapid.Check(t, func(r *rapid.T) {
		l, s := label, sealed
		l.Number = rapid.SampledFrom([]int64{label.Number, 0, 4, -3}).Draw(r, "number")
		l.Object = rapid.SampledFrom([]string{label.Object, "1", "173", ""}).Draw(r, "object")
		l.Kind = rapid.SampledFrom([]string{label.Kind, kms.KindCredentials, ""}).Draw(r, "kind")
		s.Format = rapid.SampledFrom([]int{sealed.Format, 0, 2}).Draw(r, "format")
		s.Ciphertext = slices.Clone(sealed.Ciphertext)
		for range rapid.IntRange(0, 3).Draw(r, "flips") {
			s.Ciphertext[rapid.IntRange(0, len(s.Ciphertext)-1).Draw(r, "at")] ^= rapid.Byte().Draw(r, "with")
		}
		s.Ciphertext = s.Ciphertext[:len(s.Ciphertext)-rapid.IntRange(0, 2).Draw(r, "cut")]
		same := l == label && s.Format == sealed.Format && slices.Equal(s.Ciphertext, sealed.Ciphertext)
		got, err := b.Open(t.Context(), production, l, s)
		switch {
		case same && (err != nil || string(got.Reveal()) != canary):
			r.Fatalf("nothing was changed: got %v", err)
		case !same && (!errors.Is(err, kms.ErrDamaged) || got.Len() != 0):
			r.Fatalf("got %d bytes and %v, want ErrDamaged for %s", got.Len(), err, fmt.Sprint(l, s.Format))
		}
	})
}
