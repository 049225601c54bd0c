package saml

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	"github.com/beevik/etree"
	"github.com/crewjam/saml/xmlenc"
)

// Ciphers that we take, and publish in our metadata. RSA 1.5 is not here: it can be opened by asking often enough.
const (
	keyTransport = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"
	aes256GCM    = "http://www.w3.org/2009/xmlenc11#aes256-gcm"
	aes128GCM    = "http://www.w3.org/2009/xmlenc11#aes128-gcm"
)

var contentCiphers = []string{aes256GCM, aes128GCM, "http://www.w3.org/2001/04/xmlenc#aes256-cbc", "http://www.w3.org/2001/04/xmlenc#aes128-cbc"}

// decrypt opens an EncryptedAssertion with whichever of our keys fits. Every failure is one reason with one text, so that
// nobody learns from the answer how far a forged ciphertext got.
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

func open(data, key *etree.Element, method string, pair KeyPair) (plain []byte, err error) {
	defer func() {
		if recover() != nil { // the library slices a ciphertext without looking at its length
			err = errors.New("cannot be decrypted")
		}
	}()
	key = key.Copy()
	for _, info := range all(key, nsSignature, "KeyInfo") {
		key.RemoveChild(info) // names the recipient; every key is tried anyway
	}
	content, err := xmlenc.Decrypt(pair.Key, key)
	if err != nil {
		return nil, err
	}
	defer clear(content)
	if method == aes256GCM || method == aes128GCM {
		return openGCM(data, method, content)
	}
	bare := data.Copy()
	for _, info := range all(bare, nsSignature, "KeyInfo") {
		bare.RemoveChild(info)
	}
	return xmlenc.Decrypt(content, bare)
}

// openGCM stands in for the library, which does not know AES-256-GCM.
func openGCM(data *etree.Element, method string, key []byte) ([]byte, error) {
	if want := map[string]int{aes256GCM: 32, aes128GCM: 16}[method]; len(key) != want {
		return nil, errors.New("the key does not fit the cipher")
	}
	holder := only(data, nsEncrypted, "CipherData")
	if holder == nil {
		return nil, errors.New("no ciphertext")
	}
	value := only(holder, nsEncrypted, "CipherValue")
	if value == nil {
		return nil, errors.New("no ciphertext")
	}
	sealed, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text(value)), ""))
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	if len(sealed) < gcm.NonceSize() {
		return nil, errors.New("a short ciphertext")
	}
	return gcm.Open(nil, sealed[:gcm.NonceSize()], sealed[gcm.NonceSize():], nil)
}
