package saml_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"slices"
	"testing"

	"github.com/beevik/etree"

	"github.com/your-org/keeper/auth/saml"
	"github.com/your-org/keeper/auth/saml/samltest"
)

// oaep wraps keys with RSA-OAEP of a digest, under its name, and of a mask; what they open is sealed with AES-256-GCM.
type oaep struct {
	name         string // "" for none
	digest, mask crypto.Hash
}

func (o oaep) Encrypt(certificate any, plain, _ []byte) (*etree.Element, error) {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	data, err := gcm{len(key), "http://www.w3.org/2009/xmlenc11#aes256-gcm"}.Encrypt(key, plain, nil)
	if err != nil {
		return nil, err
	}
	public := certificate.(*x509.Certificate).PublicKey.(*rsa.PublicKey)
	wrapped, err := rsa.EncryptOAEPWithOptions(rand.Reader, public, key, &rsa.OAEPOptions{Hash: o.digest, MGFHash: o.mask})
	if err != nil {
		return nil, err
	}
	info := data.CreateElement("ds:KeyInfo")
	info.CreateAttr("xmlns:ds", "http://www.w3.org/2000/09/xmldsig#")
	el := info.CreateElement("xenc:EncryptedKey")
	method := el.CreateElement("xenc:EncryptionMethod")
	method.CreateAttr("Algorithm", "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p")
	if o.name != "" {
		method.CreateElement("ds:DigestMethod").CreateAttr("Algorithm", o.name)
	}
	el.CreateElement("xenc:CipherData").CreateElement("xenc:CipherValue").SetText(base64.StdEncoding.EncodeToString(wrapped))
	return data, nil
}

// TestKeyTransport opens keys as the standard wraps them, and as crewjam/saml does.
func TestKeyTransport(t *testing.T) {
	for name, c := range map[string]struct {
		how  oaep
		want saml.Reason
	}{
		"NoDigestNamed":   {oaep{"", crypto.SHA1, crypto.SHA1}, ""},
		"SHA1":            {oaep{"http://www.w3.org/2000/09/xmldsig#sha1", crypto.SHA1, crypto.SHA1}, ""},
		"SHA256":          {oaep{"http://www.w3.org/2001/04/xmlenc#sha256", crypto.SHA256, crypto.SHA1}, ""},
		"SHA384":          {oaep{"http://www.w3.org/2001/04/xmldsig-more#sha384", crypto.SHA384, crypto.SHA1}, ""},
		"SHA512":          {oaep{"http://www.w3.org/2001/04/xmlenc#sha512", crypto.SHA512, crypto.SHA1}, ""},
		"MaskOfTheDigest": {oaep{"http://www.w3.org/2000/09/xmldsig#sha256", crypto.SHA256, crypto.SHA256}, ""},
		"AnotherDigest":   {oaep{"http://www.w3.org/2001/04/xmlenc#sha512", crypto.SHA256, crypto.SHA1}, saml.ReasonUnreadable},
		"UnknownDigest":   {oaep{"http://www.w3.org/2001/04/xmldsig-more#md5", crypto.SHA1, crypto.SHA1}, saml.ReasonUnreadable},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			got, err := w.signIn(samltest.Making{Encrypt: true, Cipher: c.how})
			if c.want != "" {
				wantReason(t, err, c.want)
				return
			}
			if err != nil {
				t.Fatal(saml.ReasonOf(err))
			}
			wantAda(t, got, w.idp)
		})
	}
}

// TestDecryptionTellsNothing changes a ciphertext of CBC, which does not notice: whether the padding or the XML came out
// wrong is told to nobody, not in the audit log either. Who could tell them apart could read the assertion by trying.
func TestDecryptionTellsNothing(t *testing.T) {
	w := newWorld(t)
	response := w.answer("id-asked", samltest.Making{Encrypt: true})
	const path = "./EncryptedAssertion/EncryptedData/CipherData/CipherValue"
	sealed, err := base64.StdEncoding.DecodeString(parse(t, response).FindElement(path).Text())
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]int{}
	tell := func(response []byte) {
		t.Helper()
		_, err := w.finish(response, "")
		reason, detail := saml.ReasonOf(err)
		told[string(reason)+": "+detail]++
	}
	turn := func(at int, bits byte) {
		root, changed := parse(t, response), slices.Clone(sealed)
		changed[at] ^= bits
		root.FindElement(path).SetText(base64Of(changed))
		tell(write(t, root))
	}
	tell(w.answer("id-asked", samltest.Making{Encrypt: true, EncryptFor: new(strangerKey())}))
	const block = 16
	for at := 0; at < len(sealed)-2*block; at += block { // garbage in one block, and bits of the next
		turn(at, 0xff)
	}
	for bits := 1; bits < 256; bits++ { // the last byte, which says how many are padding
		turn(len(sealed)-block-1, byte(bits))
	}
	if want := "encrypted_unreadable: none of our 1 keys opens the assertion"; len(told) != 1 || told[want] < 300 {
		t.Errorf("what is told: %v", told)
	}
}
