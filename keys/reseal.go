package keys

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// resealWorkers is how many versions are opened and sealed at once: each waits for a key
// backend only where its data key is not at hand.
const resealWorkers = 16

// resealed is one version, or one setting, sealed anew.
type resealed struct {
	version *store.VersionRow // nil: it is the setting
	setting setting
	sealed  kms.Sealed
	err     error
}

func (r *reencrypt) settingsUnderOld(tx *store.Tx) (old []setting, err error) {
	all, err := settings(tx, r.env.ID)
	if err != nil {
		return nil, err
	}
	for _, one := range all {
		key, _, err := tx.DataKey(one.dataKey())
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, err
		}
		if err != nil || key.CreatedAt.Before(r.run.CreatedAt) {
			old = append(old, one)
		}
	}
	return old, nil
}

func (r *reencrypt) settings(ctx context.Context) (items []resealed, err error) {
	err = r.Store.Read(ctx, func(tx *store.Tx) error {
		old, err := r.settingsUnderOld(tx)
		items = make([]resealed, len(old))
		for i := range old {
			items[i].setting = old[i]
		}
		return err
	})
	return items, err
}

// seal opens and seals items, several at a time. An error of it is that the run has to wait.
func (r *reencrypt) seal(ctx context.Context, items []resealed) error {
	if r.hash == nil && len(items) > 0 {
		hash, err := r.ring.open(ctx, kms.HashKeyID(r.env.ID))
		if err != nil && !damaged(err) {
			return err
		}
		r.hash = hash // nil where it is lost: values are then not held against their hashes
	}
	group, sealing := errgroup.WithContext(ctx)
	group.SetLimit(resealWorkers)
	for i := range items {
		group.Go(func() error {
			items[i].err = r.one(sealing, &items[i])
			if errors.Is(items[i].err, kms.ErrUnreachable) || sealing.Err() != nil {
				return items[i].err
			}
			return nil
		})
	}
	return group.Wait()
}

func (r *reencrypt) one(ctx context.Context, item *resealed) error {
	label, sealed := item.label()
	key, err := r.ring.open(ctx, sealed.DataKeyID)
	if err != nil {
		return err
	}
	plain, err := key.Open(label, sealed)
	if err != nil {
		return err
	}
	defer plain.Zero()
	if item.version != nil {
		if err := matches(r.hash, item.version, plain); err != nil {
			return err
		}
	}
	sealer, err := r.Envelope.Sealer(ctx, r.env)
	if err != nil {
		return cannotSeal(err)
	}
	item.sealed, err = sealer.Seal(label, plain)
	return err
}

// cannotSeal keeps a data key that is damaged from being taken for a damaged value, which is
// merely to be sealed under it.
func cannotSeal(err error) error {
	if !damaged(err) {
		return err
	}
	said := fault.Public(err)
	return fault.New(fault.Unavailable, "Nothing can be sealed anew now: %s", said.Message).WithHint("%s", said.Hint)
}

func (i *resealed) label() (kms.Label, kms.Sealed) {
	if v := i.version; v != nil {
		return versionSeal(v)
	}
	return i.setting.seal()
}

func versionSeal(v *store.VersionRow) (kms.Label, kms.Sealed) {
	return kms.VersionLabel(v.EnvironmentID, v.SecretID, v.Number),
		kms.Sealed{DataKeyID: v.DataKeyID, Format: v.Format, Ciphertext: v.Ciphertext}
}

// matches holds an opened value against what its row says of it.
func matches(hash *kms.OpenedKey, v *store.VersionRow, plain models.Plaintext) error {
	if plain.Len() != v.Size {
		return lost("The value has %d bytes, and its row says %d.", plain.Len(), v.Size)
	}
	if hash == nil {
		return nil
	}
	sum, err := hash.Sum(plain)
	if err == nil && !hmac.Equal(sum, v.Hash) {
		return lost("The value is not the one that its row's keyed hash was made of.")
	}
	return err
}

// store keeps what was sealed anew, each only where the row still is what was opened.
func (r *reencrypt) store(ctx context.Context, items []resealed, place reencryptPlace) error {
	var findings []models.KeyFinding
	var failed int64
	for i := range items {
		item := &items[i]
		switch {
		case item.err == nil:
			r.generated(item.sealed.DataKeyID)
		case !damaged(item.err):
			place.Unknown, r.why = place.Unknown+1, item.err
		case !r.found[item.object()]:
			findings, failed = append(findings, r.about(item)), failed+1
		}
	}
	err := r.commit(ctx, func(tx *store.Tx, run *models.KeyRun) error {
		place := place
		for i := range items {
			if items[i].err != nil {
				continue
			}
			done, err := items[i].reseal(tx)
			if err != nil {
				return err
			}
			if done {
				place.Resealed, run.Done, run.Remaining = true, run.Done+1, max(0, run.Remaining-1)
			}
		}
		run.Done, run.Failed = run.Done+failed, run.Failed+failed
		if err := remember(run, place); err != nil {
			return err
		}
		return tx.AddKeyFindings(findings)
	})
	if err != nil {
		return err
	}
	for _, f := range findings {
		r.found[f.Object] = true
	}
	return recall(r.run, &r.place)
}

// generated counts the call that made a data key which this run did not seal under before.
func (r *reencrypt) generated(id models.DataKeyID) {
	if r.fresh[id] {
		return
	}
	r.fresh[id] = true
	if r.Backends[0].Kind() == models.RecipientKMS {
		r.calls.Add(1)
		r.pace.spent(1)
	}
}

func (i *resealed) reseal(tx *store.Tx) (bool, error) {
	if i.version == nil {
		return i.setting.reseal(tx, i.sealed)
	}
	v := i.version.SecretVersion
	v.DataKeyID, v.Format, v.Ciphertext = i.sealed.DataKeyID, i.sealed.Format, i.sealed.Ciphertext
	return tx.ResealVersion(&v, i.version.DataKeyID, i.version.Ciphertext)
}

// object names an item for people.
func (i *resealed) object() string {
	if i.version != nil {
		return versionName(i.version)
	}
	return i.setting.object()
}

func versionName(v *store.VersionRow) string {
	return fmt.Sprintf("%s, version %d", v.SecretName, v.Number)
}

// about makes a finding of an item.
func (r *reencrypt) about(item *resealed) models.KeyFinding {
	if item.version == nil {
		return r.finding(r.env, "credentials", item.setting.object(), item.setting.dataKey(), item.err)
	}
	return r.versionFinding(r.env, item.version, item.err)
}
