package secrets_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
)

// material is keys and certificates that were made for this test.
type material struct {
	certificate, key, otherKey, lockedKey string
	leaf                                  *x509.Certificate
	sshKey, sshLocked, sshPublic, pkcs8   string
	public                                ssh.PublicKey
}

func newMaterial(t testing.TB) material {
	t.Helper()
	var m material
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "keeper.test"}, DNSNames: []string{"keeper.test", "www.keeper.test"},
		NotBefore: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), NotAfter: time.Date(2031, 1, 2, 3, 4, 5, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	check(err)
	m.leaf, err = x509.ParseCertificate(der)
	check(err)
	keyDER, err := x509.MarshalECPrivateKey(key)
	check(err)
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	otherDER, err := x509.MarshalECPrivateKey(other)
	check(err)
	m.certificate, m.key, m.otherKey = block("CERTIFICATE", der), block("EC PRIVATE KEY", keyDER), block("EC PRIVATE KEY", otherDER)
	m.lockedKey = block("ENCRYPTED PRIVATE KEY", []byte("locked"))

	_, private, err := ed25519.GenerateKey(rand.Reader)
	check(err)
	open, err := ssh.MarshalPrivateKey(private, "ada@test")
	check(err)
	locked, err := ssh.MarshalPrivateKeyWithPassphrase(private, "ada@test", []byte("passphrase"))
	check(err)
	m.public, err = ssh.NewPublicKey(private.Public())
	check(err)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	check(err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(rsaKey)
	check(err)
	m.sshKey, m.sshLocked = string(pem.EncodeToMemory(open)), string(pem.EncodeToMemory(locked))
	m.sshPublic, m.pkcs8 = string(ssh.MarshalAuthorizedKey(m.public)), block("PRIVATE KEY", pkcs8)
	return m
}

func TestInspect(t *testing.T) {
	m := newMaterial(t)
	certificate := func(chain int, key bool) models.Facts {
		return models.Facts{Certificate: &models.CertificateFacts{
			Subject: "CN=keeper.test", Issuer: "CN=keeper.test", DNSNames: []string{"keeper.test", "www.keeper.test"},
			NotBefore: m.leaf.NotBefore, NotAfter: m.leaf.NotAfter, FingerprintSHA256: fingerprint(m.leaf.Raw), ChainLength: chain, HasPrivateKey: key,
		}}
	}
	sshKey := func(locked bool) models.Facts {
		return models.Facts{SSHKey: &models.SSHKeyFacts{Kind: "ssh-ed25519", Fingerprint: ssh.FingerprintSHA256(m.public), Encrypted: locked}}
	}
	keys := func(names ...string) models.Facts { return models.Facts{Keys: names} }
	anyFacts := models.Facts{Keys: []string{"any"}}

	for name, c := range map[string]struct {
		kind  models.SecretType
		value string
		want  models.Facts
		says  string // of the error; "": none
	}{
		"password":                  {models.Password, "pässword with spaces", models.Facts{}, ""},
		"password, two lines":       {models.Password, "canary-one\ncanary-two", models.Facts{}, "one line"},
		"password, bell":            {models.Password, "canary-\a-bell", models.Facts{}, "control characters"},
		"password, NUL":             {models.Password, "canary-\x00", models.Facts{}, "control characters"},
		"API key":                   {models.APIKey, "sk_live_123", models.Facts{}, ""},
		"API key, trailing newline": {models.APIKey, "canary-sk_live\n", models.Facts{}, "one line"},
		"text":                      {models.Text, "any\x00thing\n", models.Facts{}, ""},
		"empty":                     {models.Text, "", models.Facts{}, "must not be empty"},
		"not UTF-8":                 {models.Text, "canary-\xff", models.Facts{}, "UTF-8"},
		"largest":                   {models.Text, strings.Repeat("v", models.MaxValueSize), models.Facts{}, ""},
		"too large":                 {models.Text, strings.Repeat("canary--", 8193), models.Facts{}, "65544 bytes"},
		"unknown type":              {"WHATEVER", "canary-value", models.Facts{}, "must be one of"},
		"type in lower case":        {"password", "canary-value\n", models.Facts{}, "must be one of"},

		"JSON object":         {models.JSON, `{"b": 1, "a": {"c": 2}}`, keys("a", "b"), ""},
		"JSON scalar":         {models.JSON, `"canary"`, models.Facts{}, ""},
		"JSON array":          {models.JSON, `[1, 2]`, models.Facts{}, ""},
		"JSON, comma":         {models.JSON, "{\"a\": \"canary-value\",\n \"b\": canary-value}", models.Facts{}, "line 2, column 7"},
		"JSON, cut off":       {models.JSON, `{"canary-value": "canary-value`, models.Facts{}, "not valid JSON"},
		"JSON, two documents": {models.JSON, `{} {"canary-value": 1}`, models.Facts{}, "line 1, column 4"},
		"JSON, too deep":      {models.JSON, strings.Repeat("[", 20_000), models.Facts{}, "not valid JSON"},
		"JSON, many keys":     {models.JSON, manyKeys(), anyFacts, ""},

		"YAML mapping":           {models.YAML, "b: 1\na:\n  c: 2\n", keys("a", "b"), ""},
		"YAML, one pair":         {models.YAML, "only: canary", keys("only"), ""},
		"YAML, quoted keys":      {models.YAML, "\"q\": 1\n's': 2\n", keys("q", "s"), ""},
		"YAML, comment at a key": {models.YAML, "a: 1 # canary\n# canary\nb: 2\n", keys("a", "b"), ""},
		"YAML list":              {models.YAML, "- 1\n- 2\n", models.Facts{}, ""},
		"YAML scalar":            {models.YAML, "canary", models.Facts{}, ""},
		"YAML, aliases":          {models.YAML, "a: &x [1, 2]\nb: *x\n", keys("a", "b"), ""},
		"YAML, cut off":          {models.YAML, "canary-value: [1, 2", models.Facts{}, "not valid YAML"},
		"YAML, deep brackets":    {models.YAML, strings.Repeat("[", 60_000), models.Facts{}, "nested deeper"},
		"YAML, deep list":        {models.YAML, strings.Repeat("- ", 30_000), models.Facts{}, "nested deeper"},
		"YAML, brackets":         {models.YAML, "a: " + strings.Repeat("[]", 3000), models.Facts{}, "not valid YAML"},
		"YAML, many lists":       {models.YAML, "a:\n" + strings.Repeat("- [[1], {b: 2}]\n", 3000), keys("a"), ""},
		"YAML, tab":              {models.YAML, "a:\n\tcanary-value: 1", models.Facts{}, "not valid YAML"},

		"certificate":                  {models.Certificate, m.certificate, certificate(1, false), ""},
		"chain":                        {models.Certificate, m.certificate + m.certificate, certificate(2, false), ""},
		"certificate and its key":      {models.Certificate, m.certificate + m.key, certificate(1, true), ""},
		"key first":                    {models.Certificate, m.key + m.certificate, certificate(1, true), ""},
		"certificate and a locked key": {models.Certificate, m.certificate + m.lockedKey, certificate(1, true), ""},
		"another's key":                {models.Certificate, m.certificate + m.otherKey, models.Facts{}, "does not belong"},
		"another's key, ENCRYPTED":     {models.Certificate, "ENCRYPTED\n" + m.certificate + m.otherKey, models.Facts{}, "does not belong"},
		"key alone":                    {models.Certificate, m.key, models.Facts{}, "at least one certificate"},
		"no PEM":                       {models.Certificate, "canary-value", models.Facts{}, "at least one certificate"},
		"damaged certificate":          {models.Certificate, m.certificate + "-----BEGIN CERTIFICATE-----\nY2FuYXJ5LXZhbHVl\n-----END CERTIFICATE-----\n", models.Facts{}, "number 2"},
		"cut off in the chain":         {models.Certificate, m.certificate + m.certificate[:200], models.Facts{}, "PEM block that is damaged"},

		"SSH key":             {models.SSHKey, m.sshKey, sshKey(false), ""},
		"SSH key, blanks":     {models.SSHKey, "\n" + m.sshKey + "\n\n", sshKey(false), ""},
		"SSH key, passphrase": {models.SSHKey, m.sshLocked, sshKey(true), ""},
		"SSH key, PKCS 8":     {models.SSHKey, m.pkcs8, models.Facts{SSHKey: &models.SSHKeyFacts{Kind: "ssh-rsa"}}, ""},
		"SSH key, EC PEM":     {models.SSHKey, m.key, models.Facts{SSHKey: &models.SSHKeyFacts{Kind: "ecdsa-sha2-nistp256"}}, ""},
		"SSH key, locked PEM": {models.SSHKey, m.lockedKey, models.Facts{SSHKey: &models.SSHKeyFacts{Kind: "private key", Encrypted: true}}, ""},
		"SSH public key":      {models.SSHKey, m.sshPublic, sshKey(false), ""},
		"SSH, text":           {models.SSHKey, "canary-value", models.Facts{}, "must be one SSH private key"},
		"SSH, a second line":  {models.SSHKey, m.sshPublic + "canary-value\n", models.Facts{}, "must be one SSH private key"},
		"SSH, text before":    {models.SSHKey, "canary-value\n" + m.sshKey, models.Facts{}, "must be one SSH private key"},
		"SSH, two keys":       {models.SSHKey, m.sshKey + m.sshKey, models.Facts{}, "must be one SSH private key"},
		"SSH, damaged":        {models.SSHKey, strings.Replace(m.sshKey, "b3BlbnNzaC1rZXktdjE", "b3BlbnNzaC1rZXktdjI", 1), models.Facts{}, "damaged"},
		"SSH, a certificate":  {models.SSHKey, m.certificate, models.Facts{}, "damaged or of an unknown kind"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := secrets.Inspect(c.kind, plain(c.value))
			if c.says != "" {
				if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.says) {
					t.Fatalf("error %v, want one that says %q", err, c.says)
				}
				if strings.Contains(err.Error(), "canary") {
					t.Errorf("the error quotes the value: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if c.want.SSHKey != nil && c.want.SSHKey.Fingerprint == "" && got.SSHKey != nil {
				if c.want.SSHKey.Encrypted == (got.SSHKey.Fingerprint != "") {
					t.Errorf("fingerprint %q", got.SSHKey.Fingerprint)
				}
				got.SSHKey = &models.SSHKeyFacts{Kind: got.SSHKey.Kind, Encrypted: got.SSHKey.Encrypted}
			}
			if cmp.Equal(c.want, anyFacts) {
				if len(got.Keys) != 100 {
					t.Errorf("%d keys are shown, want 100", len(got.Keys))
				}
				return
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("facts (-want +got):\n%s", diff)
			}
		})
	}
}

func fingerprint(der []byte) string { return fmt.Sprintf("%x", sha256.Sum256(der)) }

func manyKeys() string {
	var b strings.Builder
	for i := range 300 {
		fmt.Fprintf(&b, `,"k%03d":1`, i)
	}
	return "{" + b.String()[1:] + "}"
}

// FuzzInspect holds that nothing makes Inspect panic, and that no error tells a value.
func FuzzInspect(f *testing.F) {
	m := newMaterial(f)
	for _, seed := range []string{
		`{"a": 1}`, "a: 1\nb: [", m.certificate, m.certificate + m.key, m.sshKey, m.sshLocked, m.sshPublic, m.pkcs8, m.lockedKey, "\xff", "x\n",
		"? a\n: b", "--- &a\n- *a", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----",
	} {
		f.Add([]byte(seed), []byte("canary-4711"))
	}
	f.Fuzz(func(t *testing.T, value, canary []byte) {
		value = append(append(bytes.Clone(value), canary...), value...)
		for _, kind := range models.SecretTypes {
			_, err := secrets.Inspect(kind, models.NewPlaintext(bytes.Clone(value)))
			if err == nil {
				continue
			}
			if !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", kind, err)
			}
			text := fmt.Sprintf("%v %#v %s", err, err, fault.Public(err).LogValue())
			if len(canary) >= 8 && strings.Contains(text, string(canary)) && !strings.Contains(innocent, string(canary)) {
				t.Errorf("%s: the error holds the value: %s", kind, text)
			}
		}
	})
}

// innocent is all that errors say of their own: a canary that the fuzzer takes from it
// proves nothing.
var innocent = func() string {
	var all strings.Builder
	for _, kind := range append([]models.SecretType{"x"}, models.SecretTypes...) {
		for _, value := range []string{"", "\xff", "\n", "[", strings.Repeat("x", models.MaxValueSize+1), "-----BEGIN ", "-----BEGIN X-----\nAAAA\n-----END X-----\n"} {
			if _, err := secrets.Inspect(kind, plain(value)); err != nil {
				fmt.Fprintf(&all, "%v %#v %s\n", err, err, fault.Public(err).LogValue())
			}
		}
	}
	return all.String()
}()
