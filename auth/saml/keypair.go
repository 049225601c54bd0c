package saml

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// KeyPair is a private key of ours with its certificate. It cannot print its key.
type KeyPair struct {
	Key         *rsa.PrivateKey
	Certificate *x509.Certificate
}

// GenerateKeyPair makes an RSA-3072 key and a self-signed certificate for it, valid from an hour ago for a span. (Okta
// verifies RSA only. Identity providers compare the certificate itself and build no chain, so self-signed is what is usual.)
func GenerateKeyPair(commonName string, now time.Time, valid time.Duration) (KeyPair, error) {
	key, err := rsa.GenerateKey(rand.Reader, 3072)
	if err != nil {
		return KeyPair{}, fault.Wrap(err, fault.Internal, "Making a key pair for SAML failed.")
	}
	return selfSigned(key, commonName, now, valid)
}

func selfSigned(key *rsa.PrivateKey, commonName string, now time.Time, valid time.Duration) (KeyPair, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return KeyPair{}, fault.Wrap(err, fault.Internal, "Making a certificate for SAML failed.")
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: commonName},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(valid),
		KeyUsage:     x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return KeyPair{}, fault.Wrap(err, fault.Internal, "Making a certificate for SAML failed.")
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return KeyPair{}, fault.Wrap(err, fault.Internal, "Making a certificate for SAML failed.")
	}
	return KeyPair{Key: key, Certificate: certificate}, nil
}

// ParseKeyPair reads a PEM certificate and a PEM private key (PKCS #8 or PKCS #1). An error is Invalid and quotes nothing.
func ParseKeyPair(certificate []byte, key models.Plaintext) (KeyPair, error) {
	block, _ := pem.Decode(certificate)
	if block == nil || block.Type != "CERTIFICATE" {
		return KeyPair{}, fault.InvalidField("certificate", "must be a PEM certificate")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return KeyPair{}, fault.InvalidField("certificate", "must be a PEM certificate")
	}
	private, err := parsePrivate(key)
	if err != nil {
		return KeyPair{}, err
	}
	pair := KeyPair{Key: private, Certificate: cert}
	if err := pair.validate(); err != nil {
		return KeyPair{}, fault.InvalidField("key", "%s", err.Error())
	}
	return pair, nil
}

func parsePrivate(key models.Plaintext) (*rsa.PrivateKey, error) {
	invalid := fault.InvalidField("key", "must be a PEM private RSA key without a passphrase")
	block, _ := pem.Decode(key.Reveal())
	if block == nil {
		return nil, invalid
	}
	defer clear(block.Bytes)
	if private, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return private, nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, invalid
	}
	private, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, invalid
	}
	return private, nil
}

// CertificatePEM is the certificate as PEM, to be uploaded at the identity provider.
func (k KeyPair) CertificatePEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.Certificate.Raw})
}

// KeyPEM is the private key as PKCS #8 PEM, to be sealed and stored.
func (k KeyPair) KeyPEM() (models.Plaintext, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.Key)
	if err != nil {
		return models.Plaintext{}, fault.Wrap(err, fault.Internal, "The SAML key could not be encoded.")
	}
	defer clear(der)
	return models.NewPlaintext(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), nil
}

// String names the certificate and keeps the key to itself.
func (k KeyPair) String() string {
	if k.Certificate == nil {
		return "no key pair"
	}
	return "key pair " + fingerprint(k.Certificate)
}

// GoString is String, so that %#v prints no key.
func (k KeyPair) GoString() string { return k.String() }

// Format prints String whatever the verb, so that none prints the key.
func (k KeyPair) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(k.String())) }

// MarshalJSON prints String.
func (k KeyPair) MarshalJSON() ([]byte, error) { return []byte(`"` + k.String() + `"`), nil }

func (k KeyPair) validate() error {
	if k.Key == nil || k.Certificate == nil {
		return errors.New("must have a key and a certificate")
	}
	public, ok := k.Certificate.PublicKey.(*rsa.PublicKey)
	if !ok || !k.Key.PublicKey.Equal(public) {
		return errors.New("must belong to the certificate")
	}
	if public.N.BitLen() < minimumRSA {
		return fmt.Errorf("must have %d bits at least", minimumRSA)
	}
	return nil
}

// fingerprint is the SHA-256 of a certificate in hexadecimal.
func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}
