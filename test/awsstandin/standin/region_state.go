package standin

import (
	"cmp"
	"maps"
	"slices"
)

// state copies what a region holds, for saving. Secrets are shared, since their states never change.
func (r *region) state() regionState {
	rs := regionState{Account: r.account, Region: r.name, Secrets: r.secrets.all()}
	slices.SortFunc(rs.Secrets, func(a, b *secret) int { return cmp.Compare(a.Seq, b.Seq) })
	r.secrets.mu.RLock()
	rs.NextSeq = r.secrets.nextSeq
	r.secrets.mu.RUnlock()

	r.keys.mu.RLock()
	defer r.keys.mu.RUnlock()
	for _, k := range r.keys.keys {
		rs.Keys = append(rs.Keys, *k)
	}
	rs.Aliases = maps.Clone(r.keys.aliases)
	return rs
}

// materials copies the keys' material, by the names that a state file gives them.
func (kr *keyring) materials() map[string]*material {
	kr.mu.RLock()
	defer kr.mu.RUnlock()
	copies := make(map[string]*material, len(kr.keys))
	for id, k := range kr.keys {
		copies[materialName(kr.where.account, id)] = k.material.copy()
	}
	return copies
}

func (m *material) copy() *material {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return &material{Regions: slices.Clone(m.Regions), Backing: slices.Clone(m.Backing), Rotation: m.Rotation}
}
