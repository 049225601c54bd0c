package destinations

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	keepersync "github.com/your-org/keeper/sync"
)

// openBatch is how many versions are loaded in one query.
const openBatch = 200

// texts are the values of an entry by key. They are the owner's to wipe.
type texts map[string][]byte

func (t texts) zero() {
	for _, value := range t {
		clear(value)
	}
}

// Open is the entry's JSON object of all members. Where one of them cannot be opened there is
// none.
func (l *groupLedger) Open(ctx context.Context, e keepersync.Entry) (models.Plaintext, error) {
	return l.form(ctx, l.working[e.SecretID])
}

func (l *groupLedger) form(ctx context.Context, g *group) (models.Plaintext, error) {
	values := make(texts, len(g.members))
	defer values.zero()
	for batch := range slices.Chunk(g.members, openBatch) {
		if err := l.open(ctx, batch, values); err != nil {
			return models.Plaintext{}, err
		}
	}
	object, err := keepersync.ObjectOf(values)
	return models.NewPlaintext(object), err
}

// open adds the values of members, each at the version that the group was read with.
func (l *groupLedger) open(ctx context.Context, batch []member, values texts) error {
	ids := make([]models.SecretID, len(batch))
	for i, m := range batch {
		ids[i] = m.SecretID
	}
	versions := make(map[models.SecretID]models.SecretVersion, len(batch))
	err := l.service.Store.Read(ctx, func(tx *store.Tx) error {
		current, err := tx.VersionsOfSecrets(ids)
		for _, v := range current {
			versions[v.SecretID] = v
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, m := range batch {
		value, err := l.openMember(ctx, m, versions[m.SecretID])
		if err != nil {
			return unreadable(m, err)
		}
		values[m.key] = value.Reveal()
	}
	return nil
}

func (l *groupLedger) openMember(ctx context.Context, m member, v models.SecretVersion) (models.Plaintext, error) {
	if v.Number != m.Version { // changed since the group was read
		err := l.service.Store.Read(ctx, func(tx *store.Tx) (err error) {
			v, err = tx.Version(m.SecretID, m.Version)
			return err
		})
		if err != nil {
			return models.Plaintext{}, err
		}
	}
	return l.service.OpenVersion(ctx, l.environment, v)
}

// unreadable names the member whose value keeps all the others from being written.
func unreadable(m member, err error) error {
	public := fault.Public(err)
	kind := public.Kind
	if kind == fault.Internal { // whose message nobody is shown
		kind = fault.Unavailable
	}
	return fault.Wrap(err, kind, "its secret %s could not be opened, and Keeper writes no entry without one of its secrets. %s", m.Name, public.Message).
		WithHint("Open %s in Keeper to see why; store its value anew, or delete it, where it is lost.", m.Name)
}

// Hash is the digest over an entry's keys and values, the same as its group's where every key
// and value is. Anything but an object of texts, as Keeper writes it, has a hash of its own.
func (l *groupLedger) Hash(ctx context.Context, e keepersync.Entry, v models.Plaintext) ([]byte, error) {
	hasher, err := l.service.Envelope.Hasher(ctx, l.environment)
	if err != nil {
		return nil, err
	}
	values, ok := l.working[e.SecretID].read(v)
	defer values.zero()
	if !ok {
		return hasher.Sum(models.NewPlaintext(append([]byte("keeper entry\x00"), v.Reveal()...))), nil
	}
	pairs := make([]pair, 0, len(values))
	for _, key := range slices.Sorted(maps.Keys(values)) {
		pairs = append(pairs, pair{key, hasher.Sum(models.NewPlaintext(values[key]))})
	}
	return digest(hasher, pairs), nil
}

// read is the values of an entry; false where it is no object that Keeper could have written.
func (g *group) read(v models.Plaintext) (texts, bool) {
	canonical, err := keepersync.CanonicalObject(v.Reveal())
	if err != nil {
		return nil, false
	}
	defer clear(canonical)
	values, err := keepersync.Members(canonical, g.has)
	if err != nil {
		return nil, false
	}
	again, err := keepersync.ObjectOf(values)
	defer clear(again)
	return values, err == nil && bytes.Equal(again, canonical) // a number is no text
}

// has reports whether a key is a member's.
func (g *group) has(key string) bool { return g.find(key) != nil }

func (g *group) find(key string) *member {
	at, found := slices.BinarySearchFunc(g.members, member{key: key}, member.compareKey)
	if !found {
		return nil
	}
	return &g.members[at]
}

// Examine says how many keys there differ from Keeper's, and why the entry could not be taken:
// only one that has exactly the keys of the secrets can be.
func (l *groupLedger) Examine(ctx context.Context, e keepersync.Entry, v models.Plaintext) (keepersync.Examined, error) {
	hasher, err := l.service.Envelope.Hasher(ctx, l.environment)
	if err != nil {
		return keepersync.Examined{}, err
	}
	g := l.working[e.SecretID]
	values, ok := g.read(v)
	defer values.zero()
	if !ok {
		return keepersync.Examined{Untaken: "the entry there is not an object of texts", Differ: max(1, len(values))}, nil
	}
	return g.examine(hasher, values), nil
}

func (g *group) examine(hasher kms.Hasher, values texts) (x keepersync.Examined) {
	strange, found := "", 0
	for key, value := range values {
		m := g.find(key)
		if m == nil || !bytes.Equal(m.Hash, hasher.Sum(models.NewPlaintext(value))) {
			x.Differ++
		}
		if m != nil {
			found++
		} else if strange == "" || key < strange {
			strange = key
		}
	}
	switch {
	case strange != "":
		x.Untaken = fmt.Sprintf("the entry there has a key that no secret has (%q)", clip(strange, maxNamed))
	case found < len(g.members):
		x.Untaken = fmt.Sprintf("the entry there lacks the keys of %s", many(len(g.members)-found, "secret"))
	}
	return x
}

// Take makes the entry's values those of its secrets, each where it differs. One that is cut
// off is finished by the next run, or asked about again.
func (l *groupLedger) Take(ctx context.Context, e keepersync.Entry, v models.Plaintext, from keepersync.Remote) (keepersync.Desired, error) {
	if err := l.leads(ctx); err != nil {
		return keepersync.Desired{}, err
	}
	g := l.working[e.SecretID]
	hasher, err := l.service.Envelope.Hasher(ctx, l.environment)
	if err != nil {
		return keepersync.Desired{}, err
	}
	values, ok := g.read(v)
	defer values.zero()
	if x := g.examine(hasher, values); !ok || x.Untaken != "" {
		return keepersync.Desired{}, fault.New(fault.Conflict, "The entry at the destination does not have the keys of Keeper's secrets.")
	}
	l.moved.Store(true)
	comment := fmt.Sprintf("Taken from the destination %s, where it stood in version %s of %s.", l.destination.Name, from.Version, e.RemoteName)
	for i := range g.members {
		m := &g.members[i]
		value := models.NewPlaintext(values[m.key])
		hash := hasher.Sum(value)
		if bytes.Equal(hash, m.Hash) {
			continue
		}
		secret, err := l.service.Take(ctx, m.SecretID, m.Version, value, from.ChangedAt, comment)
		if err != nil {
			return keepersync.Desired{}, err
		}
		m.Version, m.Size, m.Hash, m.Dirty = secret.CurrentVersion, secret.CurrentSize, hash, true
	}
	return l.taken(ctx, g, g.digest(hasher), v.Len())
}

// taken stores the group's next version after its members took other values.
func (l *groupLedger) taken(ctx context.Context, g *group, digest []byte, size int) (keepersync.Desired, error) {
	row := g.row
	err := l.service.Store.Write(ctx, func(tx *store.Tx) error {
		row = g.row
		row.Hash, row.Size = digest, size
		if bytes.Equal(g.row.Hash, digest) {
			return nil
		}
		return tx.MoveGroup(&row)
	})
	if err != nil {
		return keepersync.Desired{}, err
	}
	g.row = row
	return keepersync.Desired{Version: row.Version, Hash: row.Hash, Size: row.Size, At: row.ChangedAt}, nil
}
