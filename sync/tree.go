package sync

import (
	"crypto/sha256"
	"encoding/binary"

	"golang.org/x/mod/sumdb/tlog"
)

// Tree is a Merkle tree over leaves that come one after the other (RFC 6962, as
// golang.org/x/mod/sumdb/tlog has it). It keeps no leaf, and one hash for each bit of their
// number. The zero Tree is empty.
type Tree struct {
	size int64
	edge []tlog.Hash // roots of the full subtrees, the largest first
}

// Add puts a leaf behind those that are there.
func (t *Tree) Add(leaf []byte) {
	hash := tlog.RecordHash(leaf)
	for n := t.size; n&1 == 1; n >>= 1 {
		last := len(t.edge) - 1
		hash, t.edge = tlog.NodeHash(t.edge[last], hash), t.edge[:last]
	}
	t.edge = append(t.edge, hash)
	t.size++
}

// Root is the root over the leaves so far.
func (t *Tree) Root() tlog.Hash {
	if t.size == 0 {
		return sha256.Sum256(nil)
	}
	last := len(t.edge) - 1
	root := t.edge[last]
	for i := last - 1; i >= 0; i-- {
		root = tlog.NodeHash(t.edge[i], root)
	}
	return root
}

// Leaf encodes a name at the destination and the keyed hash of its value, each behind its
// length in four bytes, big-endian: no two pairs have the same leaf.
func Leaf(name string, hash []byte) []byte {
	leaf := make([]byte, 0, 8+len(name)+len(hash))
	leaf = binary.BigEndian.AppendUint32(leaf, uint32(len(name)))
	leaf = append(leaf, name...)
	leaf = binary.BigEndian.AppendUint32(leaf, uint32(len(hash)))
	return append(leaf, hash...)
}
