package kms

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"maps"
	"slices"

	"github.com/your-org/keeper/models"
)

// KeySize is the size in bytes of every symmetric key here: data keys, hash keys, master
// keys and the keys derived from them.
const KeySize = 32

// SealOverhead is how many bytes a sealing is longer than its plaintext: nonce and tag.
const SealOverhead = 12 + 16

// Format is the number of the one way in which values are sealed today: AES-256-GCM,
// nonce ‖ ciphertext ‖ tag, additional data as appendAAD encodes it. It is stored beside
// each ciphertext and bound into it, so that a row cannot be read as another format.
const Format = 1

// Domain strings of derived keys. No two uses of one secret share a string, so what is
// learnt about one derived key says nothing about another. They never change.
const (
	domainHash  = "keeper value hash v1"
	domainCheck = "keeper data key check v1"
	domainDrill = "keeper drill answer v1"
	domainSign  = "keeper signing key v1"
)

var errKeySize = errors.New("kms: a key is not 32 bytes long")

// NewAEAD makes AES-256-GCM with a random 96-bit nonce that Seal puts before the
// ciphertext. The key may be cleared afterwards: the cipher holds only its own expansion.
//
// Why random nonces are safe here. GCM breaks when a nonce repeats under one key. After q
// sealings the chance of that is below q²/2⁹⁷. The envelope seals at most
// MaxUses × sealTries values with one data key: by default 2¹⁰ × 2³, so below 2⁻⁷¹ for a
// key's whole life, and MaxUses is refused where the product could pass 2³¹, within the
// 2³² of NIST SP 800-38D §8.3. A counter would need a durable write per sealing and would
// repeat after a database is restored from a backup; random nonces survive both.
//
// GCM does not commit to its key: one who knows two keys can build a ciphertext that opens
// under both. That gains nothing here, as who knows a data key can read and write under it
// anyway, and the data key's id is part of the additional data.
func NewAEAD(key []byte) (cipher.AEAD, error) {
	if len(key) != KeySize {
		return nil, errKeySize
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// DeriveKey derives a 32-byte key from a uniformly random secret by HKDF-SHA256. The
// domain says what the key is for, the context for whom; both are encoded with their
// lengths, so that no two pairs give the same key. No salt is needed: the secret is not a
// password but has full entropy already (RFC 5869 §3.1).
func DeriveKey(secret []byte, domain string, context []byte) ([]byte, error) {
	if len(secret) != KeySize {
		return nil, errKeySize
	}
	info := appendField(nil, domain)
	info = append(info, context...)
	return hkdf.Key(sha256.New, secret, nil, string(info), KeySize)
}

// NewDerivedAEAD is NewAEAD with the key that DeriveKey derives.
func NewDerivedAEAD(secret []byte, domain string, context []byte) (cipher.AEAD, error) {
	key, err := DeriveKey(secret, domain, context)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	return NewAEAD(key)
}

// CheckSize is the size in bytes of a data key's Commitment.
const CheckSize = 16

// Commitment ties a data key's row to its key: HMAC-SHA256 of the row's id under a key
// derived from the data key, cut to CheckSize bytes. A wrapped key that opens to another
// key, as one that was swapped in from another row of the environment, is found out by it
// before anything is opened or sealed.
//
// Why it is safe to store in the clear. It is a PRF of a 256-bit uniform key that is used
// for nothing else, so it tells nothing of the data key and cannot be inverted by trying.
// Why 128 bits are enough: to pass off a key that one does not choose, 2¹²⁸ tries are
// needed; to make two keys of one's own with the same commitment, 2⁶⁴, and that gains
// nothing, as who makes data keys has their values anyway. It is no secret and no
// authenticator of the row: who can write rows can write a Check that fits a key of their
// own, but not to a key under which anything that stands opens.
func Commitment(plain []byte, id models.DataKeyID) ([]byte, error) {
	sum, err := derivedMAC(plain, domainCheck, []byte(id))
	if err != nil {
		return nil, err
	}
	return sum[:CheckSize], nil
}

// DrillAnswer proves that one holds a data key without showing it: HMAC-SHA256 of a nonce
// under a key derived for that alone. Whoever asks draws a fresh nonce, so an answer that
// was seen before proves nothing; the domain keeps it from being any other MAC of the key.
func DrillAnswer(plain, nonce []byte) ([]byte, error) {
	return derivedMAC(plain, domainDrill, nonce)
}

func derivedMAC(secret []byte, domain string, message []byte) ([]byte, error) {
	key, err := DeriveKey(secret, domain, nil)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write(message) // a hash never fails to write
	return mac.Sum(nil), nil
}

// AppendContext appends the one encoding of an encryption context: the number of pairs,
// then each key and value with its length, sorted by key. Equal contexts, and only those,
// give equal bytes; case counts.
func AppendContext(dst []byte, ec Context) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(ec)))
	for _, key := range slices.Sorted(maps.Keys(ec)) {
		dst = appendField(dst, key)
		dst = appendField(dst, ec[key])
	}
	return dst
}

// appendAAD appends the additional data that binds a ciphertext to its row: format,
// environment, kind of object, object, number, data key. Numbers have a fixed width and
// texts go behind their lengths, so that two different rows never share an encoding and a
// ciphertext that is moved to another row does not open.
func appendAAD(dst []byte, label Label, key models.DataKeyID) []byte {
	dst = binary.BigEndian.AppendUint32(dst, Format)
	dst = binary.BigEndian.AppendUint64(dst, uint64(label.Environment))
	dst = appendField(dst, label.Kind)
	dst = appendField(dst, label.Object)
	dst = binary.BigEndian.AppendUint64(dst, uint64(label.Number))
	return appendField(dst, string(key))
}

func appendField(dst []byte, field string) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(field)))
	return append(dst, field...)
}

// keyedHash is HMAC-SHA256 under one key, ready to be cloned. A plain hash of a value could
// be found by trying likely values; without the key this one says only whether two values
// of the same environment are equal. It is safe for many goroutines, as the prototype is
// never written to.
type keyedHash struct{ prototype hash.Cloner }

// newKeyedHash derives the HMAC key from a data key. The data key itself is never used for
// AES, so a row that is passed off as a sealing key gives nothing to compare with.
func newKeyedHash(dataKey []byte) (*keyedHash, error) { return newDerivedHash(dataKey, domainHash) }

func newDerivedHash(secret []byte, domain string) (*keyedHash, error) {
	key, err := DeriveKey(secret, domain, nil)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	prototype, ok := hmac.New(sha256.New, key).(hash.Cloner)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return &keyedHash{prototype}, nil
}

func (h *keyedHash) sum(value []byte) []byte {
	mac, err := h.prototype.Clone()
	if err != nil {
		panic("kms: HMAC-SHA256 of the standard library cannot be cloned") // since Go 1.25 it can
	}
	_, _ = mac.Write(value) // a hash never fails to write
	return mac.Sum(nil)
}
