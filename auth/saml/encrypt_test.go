package saml_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"

	"github.com/beevik/etree"
	"github.com/crewjam/saml/xmlenc"
)

// gcm encrypts as Okta's AES256-GCM and AES128-GCM do. The library does not know the first, and seals zeroes in the second.
type gcm struct {
	size      int
	algorithm string
}

func (g gcm) KeySize() int      { return g.size }
func (g gcm) Algorithm() string { return g.algorithm }

func (g gcm) Decrypt(any, *etree.Element) ([]byte, error) { panic("this side encrypts") }

func (g gcm) Encrypt(key any, plain, _ []byte) (*etree.Element, error) {
	block, err := aes.NewCipher(key.([]byte))
	if err != nil {
		return nil, err
	}
	sealer, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, sealer.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	data := etree.NewElement("xenc:EncryptedData")
	data.CreateAttr("xmlns:xenc", "http://www.w3.org/2001/04/xmlenc#")
	data.CreateElement("xenc:EncryptionMethod").CreateAttr("Algorithm", g.algorithm)
	data.CreateElement("xenc:CipherData").CreateElement("xenc:CipherValue").
		SetText(base64.StdEncoding.EncodeToString(sealer.Seal(nonce, nonce, plain, nil)))
	return data, nil
}

func oktaGCM(size int, algorithm string) xmlenc.Encrypter {
	e := xmlenc.OAEP()
	e.BlockCipher, e.DigestMethod = gcm{size, algorithm}, &xmlenc.SHA1
	return e
}

// okta128 encrypts as Okta's AES128-CBC does.
func okta128() xmlenc.Encrypter {
	e := xmlenc.OAEP()
	e.BlockCipher, e.DigestMethod = xmlenc.AES128CBC, &xmlenc.SHA1
	return e
}
