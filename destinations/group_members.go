package destinations

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// group is an entry that several secrets share, as the store last said.
type group struct {
	row     models.SyncGroup
	members []member // by key
	gone    []member // deleted, and perhaps in the entry still
	hold    *models.SyncHold
}

// member is one secret of a group, and the key that its value stands under.
type member struct {
	store.SyncGroupMember
	key string
}

func (m member) compare(o member) int {
	return cmp.Or(strings.Compare(m.key, o.key), cmp.Compare(m.SecretID, o.SecretID))
}

func (m member) compareKey(o member) int { return strings.Compare(m.key, o.key) }

func (g *group) id() models.SecretID { return g.row.ID.SecretID() }

// changed reports whether anything of the group changed in Keeper since the last look.
func (g *group) changed() bool {
	return g.row.Status == "" || g.row.Dirty ||
		slices.ContainsFunc(g.members, func(m member) bool { return !m.Known || m.Dirty || m.GroupID != g.row.ID }) ||
		slices.ContainsFunc(g.gone, func(m member) bool { return m.Dirty })
}

// due reports whether a pass over what is due has to look at the group.
func (g *group) due(now time.Time) bool {
	return g.changed() || g.row.NextTryAt != nil && !g.row.NextTryAt.After(now)
}

// written is how many values of Keeper's the entry holds, going by what was recorded.
func (g *group) written() int {
	n := g.fewer()
	for _, m := range g.members {
		if m.Base > 0 && m.GroupID == g.row.ID {
			n++
		}
	}
	return n
}

// fewer is how many of them the next version leaves out.
func (g *group) fewer() (n int) {
	for _, m := range g.gone {
		if m.Base > 0 {
			n++
		}
	}
	return n
}

// maxNamed is how many bytes of keys a group's name shows.
const maxNamed = 200

// name is what people know the group by: its folder, and what is in it.
func (g *group) name() string {
	named := g.members
	if len(named) == 0 {
		named = g.gone
	}
	var keys []string
	length := 0
	for i, m := range named {
		if length += len(m.key); i > 0 && length > maxNamed {
			keys = append(keys, fmt.Sprintf("and %d more", len(named)-i))
			break
		}
		keys = append(keys, m.key)
	}
	if len(keys) == 0 {
		return g.row.Folder
	}
	return clip(g.row.Folder, maxNamed) + " (" + clip(strings.Join(keys, ", "), maxNamed) + ")"
}

func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}

// problem is why the entry can never be written as it stands in Keeper.
func (g *group) problem() error {
	for i := 1; i < len(g.members); i++ {
		if a, b := g.members[i-1], g.members[i]; a.key == b.key {
			return fault.New(fault.Invalid, "The secrets %s and %s would stand under the same key %s.", a.Name, b.Name, a.key).
				WithHint("Rename one of the two: delete it, and make it anew under another name.")
		}
	}
	if g.row.Size > models.MaxValueSize {
		return fault.New(fault.Invalid, "The entry of %s has at least %d bytes; a destination takes %d at most.",
			many(len(g.members), "secret"), g.row.Size, models.MaxValueSize).
			WithHint("Move some of its secrets to another folder or environment, or use a destination with an entry for each secret.")
	}
	return nil
}

// groupDigest keeps digests of groups apart from hashes of all other values.
const groupDigest = "keeper group 1\x00"

// digests are keyed hashes over the keys and the keyed hashes of the members of each group;
// nil where it has none. Each part stands behind its length.
func (l *groupLedger) digests(ctx context.Context, groups []*group) ([][]byte, error) {
	hasher, err := l.service.Envelope.Hasher(ctx, l.environment)
	if err != nil {
		return nil, err
	}
	all := make([][]byte, len(groups))
	for i, g := range groups {
		all[i] = g.digest(hasher)
	}
	return all, nil
}

func (g *group) digest(hasher kms.Hasher) []byte {
	if len(g.members) == 0 {
		return nil
	}
	pairs := make([]pair, len(g.members))
	for i, m := range g.members {
		pairs[i] = pair{m.key, m.Hash}
	}
	return digest(hasher, pairs)
}

// pair is a key with the keyed hash of its value.
type pair struct {
	key  string
	hash []byte
}

// digest is over pairs in the order of their keys.
func digest(hasher kms.Hasher, pairs []pair) []byte {
	text := []byte(groupDigest)
	for _, p := range pairs {
		text = append(binary.BigEndian.AppendUint32(text, uint32(len(p.key))), p.key...)
		text = append(binary.BigEndian.AppendUint32(text, uint32(len(p.hash))), p.hash...)
	}
	return hasher.Sum(models.NewPlaintext(text))
}

// size is how many bytes the group's entry has. It takes a look at the values only where their
// lengths alone leave open whether they are too many. Where they cannot be opened, the write
// will tell.
func (l *groupLedger) size(ctx context.Context, g *group) (int, error) {
	least, most := 1, 1
	for _, m := range g.members {
		least += len(m.key) + m.Size + len(`"":"",`)
		most += len(m.key) + 6*m.Size + len(`"_base64":"",`) // \u0000 for a byte
	}
	if least > models.MaxValueSize || most <= models.MaxValueSize {
		return least, nil
	}
	form, err := l.form(ctx, g)
	if err != nil {
		return least, ctx.Err()
	}
	defer form.Zero()
	return form.Len(), nil
}
