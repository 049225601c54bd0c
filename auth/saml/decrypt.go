package saml

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rsa"
	_ "crypto/sha1" //nolint:gosec // what OAEP is used with everywhere, where it need not resist collisions
	_ "crypto/sha256"
	_ "crypto/sha512"
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	"github.com/beevik/etree"
)

// Ciphers that we take, and publish in our metadata. RSA 1.5 is not here: it can be opened by asking often enough.
const (
	keyTransport = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"
	aes256GCM    = "http://www.w3.org/2009/xmlenc11#aes256-gcm"
	aes128GCM    = "http://www.w3.org/2009/xmlenc11#aes128-gcm"
	aes256CBC    = "http://www.w3.org/2001/04/xmlenc#aes256-cbc"
	aes128CBC    = "http://www.w3.org/2001/04/xmlenc#aes128-cbc"
)

var contentCiphers = []string{aes256GCM, aes128GCM, aes256CBC, aes128CBC}

// keyBytes is how long a key each cipher takes.
var keyBytes = map[string]int{aes256GCM: 32, aes128GCM: 16, aes256CBC: 32, aes128CBC: 16}

// oaepDigests are by their names, and by those that crewjam/saml has for two of them.
var oaepDigests = map[string]crypto.Hash{
	"":                                       crypto.SHA1, // what holds where none is named (XML encryption 5.5.2)
	"http://www.w3.org/2000/09/xmldsig#sha1": crypto.SHA1,
	"http://www.w3.org/2001/04/xmlenc#sha256":       crypto.SHA256,
	"http://www.w3.org/2001/04/xmldsig-more#sha384": crypto.SHA384,
	"http://www.w3.org/2001/04/xmlenc#sha512":       crypto.SHA512,
	"http://www.w3.org/2000/09/xmldsig#sha256":      crypto.SHA256,
	"http://www.w3.org/2000/09/xmldsig#sha512":      crypto.SHA512,
}

// decrypt opens an EncryptedAssertion with whichever of our keys fits. Every failure is one reason with one text, so that
// nobody learns from the answer how far a forged ciphertext got: one that opens to no XML is one that does not open.
func decrypt(encrypted *etree.Element, keys []KeyPair) (*etree.Element, string, *Refusal) {
	data := only(encrypted, nsEncrypted, "EncryptedData")
	if data == nil {
		return nil, "", refuse(ReasonUnreadable, "an EncryptedAssertion without its one EncryptedData")
	}
	method := encryptionMethod(data)
	if !slices.Contains(contentCiphers, method) {
		return nil, method, refuse(ReasonWeakAlgorithm, "encrypted with %s", quote(method))
	}
	wrapped := encryptedKeys(encrypted, data)
	for _, key := range wrapped {
		if transport := encryptionMethod(key); transport != keyTransport {
			return nil, method, refuse(ReasonWeakAlgorithm, "the key is encrypted with %s", quote(transport))
		}
	}
	for _, pair := range keys {
		for _, key := range wrapped {
			plain, err := open(data, key, method, pair)
			if err != nil {
				continue
			}
			assertion, refusal := parseXML(plain, refuseComments)
			if refusal != nil && refusal.Reason == ReasonMalformed {
				continue
			}
			return assertion, method, refusal
		}
	}
	return nil, method, refuse(ReasonUnreadable, "none of our %d keys opens the assertion", len(keys))
}

// encryptedKeys are found inside the EncryptedData and beside it; identity providers do either.
func encryptedKeys(encrypted, data *etree.Element) []*etree.Element {
	keys := all(encrypted, nsEncrypted, "EncryptedKey")
	if info := only(data, nsSignature, "KeyInfo"); info != nil {
		keys = append(keys, all(info, nsEncrypted, "EncryptedKey")...)
	}
	return keys[:min(len(keys), 8)]
}

func encryptionMethod(el *etree.Element) string {
	if method := only(el, nsEncrypted, "EncryptionMethod"); method != nil {
		return attribute(method, "Algorithm")
	}
	return ""
}

// open opens data with the key that comes wrapped with it. It reads each part by its namespace, as the checks before it did.
// (The library's Decrypt goes by local names: an EncryptionMethod of any namespace, put before the one that was checked, has
// it take RSA 1.5.)
func open(data, key *etree.Element, method string, pair KeyPair) ([]byte, error) {
	content, err := unwrap(key, pair)
	if err != nil {
		return nil, err
	}
	defer clear(content)
	sealed, err := ciphertext(data)
	if err != nil {
		return nil, err
	}
	if len(content) != keyBytes[method] {
		return nil, errors.New("the key does not fit the cipher")
	}
	block, err := aes.NewCipher(content)
	if err != nil {
		return nil, err
	}
	if method == aes256GCM || method == aes128GCM {
		return openGCM(block, sealed)
	}
	return openCBC(block, sealed)
}

// unwrap opens a key with RSA-OAEP. Its mask is made with SHA-1 whatever the digest (XML encryption 5.5.2); some identity
// providers make it with the digest.
func unwrap(key *etree.Element, pair KeyPair) ([]byte, error) {
	wrapped, err := ciphertext(key)
	if err != nil {
		return nil, err
	}
	name := ""
	if named := all(only(key, nsEncrypted, "EncryptionMethod"), nsSignature, "DigestMethod"); len(named) > 0 {
		name = attribute(named[0], "Algorithm")
	}
	digest, ok := oaepDigests[name]
	if !ok {
		return nil, errors.New("an unknown digest")
	}
	content, err := pair.Key.Decrypt(nil, wrapped, &rsa.OAEPOptions{Hash: digest, MGFHash: crypto.SHA1})
	if err != nil && digest != crypto.SHA1 {
		content, err = pair.Key.Decrypt(nil, wrapped, &rsa.OAEPOptions{Hash: digest, MGFHash: digest})
	}
	return content, err
}

// ciphertext is what EncryptedData and EncryptedKey carry.
func ciphertext(el *etree.Element) ([]byte, error) {
	holder := only(el, nsEncrypted, "CipherData")
	if holder == nil {
		return nil, errors.New("no ciphertext")
	}
	value := only(holder, nsEncrypted, "CipherValue")
	if value == nil {
		return nil, errors.New("no ciphertext")
	}
	return base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text(value)), ""))
}

func openGCM(block cipher.Block, sealed []byte) ([]byte, error) {
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	if len(sealed) < gcm.NonceSize() {
		return nil, errors.New("a short ciphertext")
	}
	return gcm.Open(nil, sealed[:gcm.NonceSize()], sealed[gcm.NonceSize():], nil)
}

// openCBC takes off the padding, of which the last byte alone means something (XML encryption 5.2).
func openCBC(block cipher.Block, sealed []byte) ([]byte, error) {
	if len(sealed) < 2*aes.BlockSize || len(sealed)%aes.BlockSize != 0 {
		return nil, errors.New("a short ciphertext")
	}
	plain := make([]byte, len(sealed)-aes.BlockSize)
	cipher.NewCBCDecrypter(block, sealed[:aes.BlockSize]).CryptBlocks(plain, sealed[aes.BlockSize:])
	padding := int(plain[len(plain)-1])
	if padding < 1 || padding > aes.BlockSize {
		return nil, errors.New("a padding that cannot be")
	}
	return plain[:len(plain)-padding], nil
}
