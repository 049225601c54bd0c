// Package samltest is an identity provider for tests: it serves metadata, sign-in without a form, sign-in that it begins
// itself, and single logout over HTTP on a loopback address, and can be told to make any part of its messages wrong.
package samltest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"sync"
	"time"

	crewjam "github.com/crewjam/saml"

	"github.com/your-org/keeper/auth/saml"
)

// User is somebody who has an account at the identity provider.
type User struct {
	NameID string // "ada@example.com"
	Email  string
	Name   string
	Groups []string
}

// Names of the attributes that the identity provider sends, as one would set them up in Okta.
const (
	AttributeEmail  = "email"
	AttributeName   = "displayName"
	AttributeGroups = "groups"
)

// IDP is a running identity provider. Its methods are safe for use while it serves.
type IDP struct {
	server *httptest.Server

	mu       sync.Mutex
	keys     []saml.KeyPair // the first signs, all are published
	sps      map[string]*crewjam.EntityDescriptor
	users    map[string]User
	current  string
	sessions map[string]string // SessionIndex → NameID
	ended    []string          // NameIDs whose logout a service provider confirmed or asked for
	making   Making
	slo      bool
}

// Start runs an identity provider with these users. The first is who signs in unless a browser chose another at
// /login?user=NameID.
func Start(users ...User) (*IDP, error) {
	pair, err := NewKeyPair("Test identity provider")
	if err != nil {
		return nil, err
	}
	return StartWith(pair, users...), nil
}

// StartWith is Start with a signing key that exists: making one is slow.
func StartWith(pair saml.KeyPair, users ...User) *IDP {
	i := &IDP{
		keys: []saml.KeyPair{pair}, sps: map[string]*crewjam.EntityDescriptor{}, users: map[string]User{},
		sessions: map[string]string{}, slo: true,
	}
	for _, u := range users {
		i.users[u.NameID] = u
	}
	if len(users) > 0 {
		i.current = users[0].NameID
	}
	i.server = httptest.NewServer(i.routes())
	return i
}

// Close stops it.
func (i *IDP) Close() { i.server.Close() }

// NewKeyPair makes an RSA-2048 key pair that is valid for a day.
func NewKeyPair(name string) (saml.KeyPair, error) {
	return NewKeyPairValid(name, time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour), 2048)
}

// NewKeyPairValid makes an RSA key pair of so many bits with a certificate for a span of time.
func NewKeyPairValid(name string, from, until time.Time, bits int) (saml.KeyPair, error) {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return saml.KeyPair{}, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return saml.KeyPair{}, err
	}
	certificate, err := x509.ParseCertificate(der)
	return saml.KeyPair{Key: key, Certificate: certificate}, err
}

// URL is the address of a path of the identity provider.
func (i *IDP) URL(path string) string { return i.server.URL + path }

// EntityID is the identity provider's name for itself.
func (i *IDP) EntityID() string { return i.URL("/metadata") }

// MetadataURL is where its metadata is served.
func (i *IDP) MetadataURL() string { return i.URL("/metadata") }

// Register makes a service provider known by its metadata.
func (i *IDP) Register(metadata []byte) error {
	var sp crewjam.EntityDescriptor
	if err := xml.Unmarshal(metadata, &sp); err != nil {
		return fmt.Errorf("reading the service provider's metadata: %w", err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.sps[sp.EntityID] = &sp
	return nil
}

// SetUser adds or changes a user and makes it who signs in.
func (i *IDP) SetUser(u User) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.users[u.NameID], i.current = u, u.NameID
}

// Make sets how responses are made from now on; the zero Making makes good ones.
func (i *IDP) Make(m Making) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.making = m
}

// Rotate puts a new signing key first. The old certificate stays published until DropOldKeys.
func (i *IDP) Rotate() error {
	pair, err := NewKeyPair("Test identity provider, next key")
	if err != nil {
		return err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = slices.Insert(i.keys, 0, pair)
	return nil
}

// DropOldKeys publishes nothing but the key that signs.
func (i *IDP) DropOldKeys() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = i.keys[:1]
}

// SetKeys replaces the keys; the first signs.
func (i *IDP) SetKeys(keys ...saml.KeyPair) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = keys
}

// Keys are the identity provider's keys, the one that signs first.
func (i *IDP) Keys() []saml.KeyPair {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.keys)
}

// Ended lists the NameIDs whose single logout came to its end here, in order.
func (i *IDP) Ended() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.ended)
}

// Metadata is the identity provider's metadata.
func (i *IDP) Metadata() []byte {
	i.mu.Lock()
	defer i.mu.Unlock()
	descriptor := i.provider().Metadata()
	role := &descriptor.IDPSSODescriptors[0]
	role.KeyDescriptors = nil
	for _, pair := range i.keys {
		role.KeyDescriptors = append(role.KeyDescriptors, crewjam.KeyDescriptor{Use: "signing", KeyInfo: crewjam.KeyInfo{
			X509Data: crewjam.X509Data{X509Certificates: []crewjam.X509Certificate{{Data: base64.StdEncoding.EncodeToString(pair.Certificate.Raw)}}},
		}})
	}
	text, err := xml.MarshalIndent(descriptor, "", "  ")
	if err != nil {
		panic(err) // of a structure made here
	}
	return text
}

// provider is the library's identity provider as things stand; mu is held.
func (i *IDP) provider() *crewjam.IdentityProvider {
	address := func(path string) url.URL {
		u, err := url.Parse(i.server.URL + path)
		if err != nil {
			panic(err) // of an address made by httptest
		}
		return *u
	}
	return &crewjam.IdentityProvider{
		Key: i.keys[0].Key, Certificate: i.keys[0].Certificate, Logger: log.New(io.Discard, "", 0),
		MetadataURL: address("/metadata"), SSOURL: address("/sso"), LogoutURL: address("/slo"),
		ServiceProviderProvider: directory{i},
	}
}

// directory finds service providers for the library.
type directory struct{ i *IDP }

// GetServiceProvider implements crewjam's ServiceProviderProvider.
func (d directory) GetServiceProvider(_ *http.Request, id string) (*crewjam.EntityDescriptor, error) {
	d.i.mu.Lock()
	defer d.i.mu.Unlock()
	if sp, ok := d.i.sps[id]; ok {
		return sp, nil
	}
	return nil, os.ErrNotExist
}
