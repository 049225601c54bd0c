package standin

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	blobFormat    = 1
	materialIDLen = 32
	nonceLen      = 12
)

// errCiphertext is a blob that is damaged, or was sealed in another context. KMS does not say which.
var errCiphertext = errors.New("the ciphertext does not open")

// material is the secret part of a key: its backing keys, of which the last one seals and all open. A multi-Region
// key's replicas share it, and with it the rotation.
type material struct {
	mu sync.RWMutex
	// Regions are those that hold the key, its primary first.
	Regions  []string
	Backing  []backingKey
	Rotation rotation
}

// backingKey is one generation of a key.
type backingKey struct {
	ID      string
	Key     []byte
	Created time.Time
}

func newMaterial(region string, now time.Time) *material {
	m := &material{Regions: []string{region}}
	m.addBackingKey(now)
	return m
}

// addBackingKey begins a new generation. The lock is held, or the material is not shared yet.
func (m *material) addBackingKey(now time.Time) {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	m.Backing = append(m.Backing, backingKey{ID: randomHex(materialIDLen), Key: key, Created: now})
}

func (m *material) currentID() string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.Backing[len(m.Backing)-1].ID
}

func (m *material) backing(id string) (backingKey, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for _, b := range m.Backing {
		if b.ID == id {
			return b, true
		}
	}
	return backingKey{}, false
}

// seal makes a blob: format, key id, material id, nonce, then AES-256-GCM over the plaintext, with all that stands
// before the nonce and the encryption context as associated data.
func (m *material) seal(keyID string, plaintext []byte, context map[string]string, now time.Time) (blob []byte, materialID string) {
	m.rotateIfDue(now)
	materialID = m.currentID()
	current, _ := m.backing(materialID)
	header := blobHeader(keyID, materialID)
	nonce := make([]byte, nonceLen)
	_, _ = rand.Read(nonce)
	blob = append(slices.Clone(header), nonce...)
	return current.aead().Seal(blob, nonce, plaintext, associatedData(header, context)), materialID
}

// open reverses seal; every failure is errCiphertext.
func (m *material) open(b blob, context map[string]string) ([]byte, error) {
	backing, found := m.backing(b.materialID)
	if !found {
		return nil, errCiphertext
	}
	plaintext, err := backing.aead().Open(nil, b.nonce, b.sealed, associatedData(b.header, context))
	if err != nil {
		return nil, errCiphertext
	}
	return plaintext, nil
}

func (b backingKey) aead() cipher.AEAD {
	block, err := aes.NewCipher(b.Key)
	if err != nil {
		panic(err) // only a key that is not 32 bytes, which none is
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES has the block size of GCM
	}
	return aead
}

// blob is a ciphertext taken apart.
type blob struct {
	header     []byte
	keyID      string
	materialID string
	nonce      []byte
	sealed     []byte
}

func blobHeader(keyID, materialID string) []byte {
	raw, _ := hex.DecodeString(materialID)
	header := append([]byte{blobFormat, byte(len(keyID))}, keyID...)
	return append(header, raw...)
}

func parseBlob(b []byte) (blob, error) {
	if len(b) < 2 || b[0] != blobFormat {
		return blob{}, errCiphertext
	}
	keyEnd := 2 + int(b[1])
	headerEnd := keyEnd + materialIDLen
	if len(b) < headerEnd+nonceLen {
		return blob{}, errCiphertext
	}
	return blob{
		header:     b[:headerEnd],
		keyID:      string(b[2:keyEnd]),
		materialID: hex.EncodeToString(b[keyEnd:headerEnd]),
		nonce:      b[headerEnd : headerEnd+nonceLen],
		sealed:     b[headerEnd+nonceLen:],
	}, nil
}

// associatedData encodes header and context so that no two contexts have the same bytes: sorted by key, every part
// behind its length.
func associatedData(header []byte, context map[string]string) []byte {
	data := slices.Clone(header)
	for _, key := range slices.Sorted(maps.Keys(context)) {
		for _, part := range []string{key, context[key]} {
			data = binary.BigEndian.AppendUint32(data, uint32(len(part)))
			data = append(data, part...)
		}
	}
	return data
}
