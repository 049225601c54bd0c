package secrets

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"golang.org/x/crypto/ssh"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// maxShownKeys bounds the list of top-level keys among the facts of a value.
const maxShownKeys = 100

// Inspect checks a value against its type and returns what may be shown of it. The errors
// say where a value is wrong, never what stands there: they are built here, for a parser's
// own text may quote the value.
func Inspect(t models.SecretType, value models.Plaintext) (models.Facts, error) {
	b := value.Reveal()
	switch {
	case len(b) == 0:
		return models.Facts{}, badValue("must not be empty")
	case len(b) > models.MaxValueSize:
		return models.Facts{}, badValue("is %d bytes; a value is at most %d bytes", len(b), models.MaxValueSize)
	case !utf8.Valid(b):
		return models.Facts{}, badValue("must be UTF-8 text; encode binary data as base64")
	}
	switch t {
	case models.Password, models.APIKey:
		if bytes.ContainsFunc(b, unicode.IsControl) {
			return models.Facts{}, badValue("must be one line without control characters; use TEXT for others")
		}
		return models.Facts{}, nil
	case models.SSHKey:
		return inspectSSHKey(b)
	case models.Certificate:
		return inspectCertificate(b)
	case models.JSON:
		return inspectJSON(b)
	case models.YAML:
		return inspectYAML(b)
	case models.Text:
		return models.Facts{}, nil
	default:
		return models.Facts{}, fault.InvalidField("secret_type", "must be one of %s", models.SecretTypes)
	}
}

func badValue(format string, args ...any) error { return fault.InvalidField("value", format, args...) }

func inspectSSHKey(b []byte) (models.Facts, error) {
	b = bytes.TrimSpace(b)
	if public, _, _, _, err := ssh.ParseAuthorizedKey(b); err == nil && !bytes.Contains(b, []byte("\n")) {
		return sshFacts(public, false), nil
	}
	block, rest := pem.Decode(b)
	if block == nil || len(rest) > 0 || !bytes.HasPrefix(b, pemBegin) {
		return models.Facts{}, badValue("must be one SSH private key in PEM or OpenSSH form, or one public key in authorized_keys form")
	}
	if block.Type == "ENCRYPTED PRIVATE KEY" {
		return models.Facts{SSHKey: lockedKey}, nil
	}
	signer, err := ssh.ParsePrivateKey(b)
	var locked *ssh.PassphraseMissingError
	switch {
	case err == nil:
		return sshFacts(signer.PublicKey(), false), nil
	case errors.As(err, &locked) && locked.PublicKey != nil:
		return sshFacts(locked.PublicKey, true), nil
	case errors.As(err, &locked):
		return models.Facts{SSHKey: lockedKey}, nil
	default:
		return models.Facts{}, badValue("holds an SSH private key that is damaged or of an unknown kind")
	}
}

// lockedKey is all that is known of a key whose public half is locked too.
var lockedKey = &models.SSHKeyFacts{Kind: "private key", Encrypted: true}

var pemBegin = []byte("-----BEGIN ")

func sshFacts(key ssh.PublicKey, encrypted bool) models.Facts {
	return models.Facts{SSHKey: &models.SSHKeyFacts{Kind: key.Type(), Fingerprint: ssh.FingerprintSHA256(key), Encrypted: encrypted}}
}

func inspectCertificate(b []byte) (models.Facts, error) {
	var chain []*x509.Certificate
	hasKey, locked, blocks := false, false, 0
	for rest := b; ; blocks++ {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		switch {
		case block.Type == "CERTIFICATE":
			certificate, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return models.Facts{}, badValue("holds a certificate block that is damaged (number %d)", len(chain)+1)
			}
			chain = append(chain, certificate)
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			hasKey = true
			locked = locked || block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != ""
		}
	}
	if blocks != bytes.Count(b, pemBegin) {
		return models.Facts{}, badValue("holds a PEM block that is damaged")
	}
	if len(chain) == 0 {
		return models.Facts{}, badValue("must hold at least one certificate in PEM form (-----BEGIN CERTIFICATE-----)")
	}
	if hasKey && !locked {
		if _, err := tls.X509KeyPair(b, b); err != nil {
			return models.Facts{}, badValue("holds a private key that does not belong to its first certificate")
		}
	}
	return certificateFacts(chain, hasKey), nil
}

func certificateFacts(chain []*x509.Certificate, hasKey bool) models.Facts {
	first := chain[0]
	sum := sha256.Sum256(first.Raw)
	return models.Facts{Certificate: &models.CertificateFacts{
		Subject: first.Subject.String(), Issuer: first.Issuer.String(), DNSNames: first.DNSNames,
		NotBefore: first.NotBefore.UTC(), NotAfter: first.NotAfter.UTC(),
		FingerprintSHA256: hex.EncodeToString(sum[:]), ChainLength: len(chain), HasPrivateKey: hasKey,
	}}
}

func inspectJSON(b []byte) (models.Facts, error) {
	var value any
	if err := json.Unmarshal(b, &value); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			line, column := position(b, int(syntax.Offset))
			return models.Facts{}, badValue("is not valid JSON: see line %d, column %d", line, column)
		}
		return models.Facts{}, badValue("is not valid JSON")
	}
	object, _ := value.(map[string]any)
	keys := make([]string, 0, len(object))
	for key := range object {
		keys = append(keys, key)
	}
	return keyFacts(keys), nil
}

// position turns a byte offset, counted from 1 as encoding/json does, into line and column.
func position(b []byte, offset int) (line, column int) {
	before := b[:max(0, min(offset-1, len(b)))]
	return bytes.Count(before, []byte("\n")) + 1, len(before) - bytes.LastIndexByte(before, '\n')
}

// maxDepth bounds the nesting of YAML: the parser's work grows with its square.
const maxDepth = 1000

// deep reports whether YAML nests deeper than maxDepth by brackets, or by dashes on a line.
// (By indentation it cannot: that many lines are longer than a value.) Brackets in quotes
// count too; nobody has a thousand of them open.
func deep(b []byte) bool {
	open := 0
	for line := range bytes.Lines(b) {
		dashes := 0
		for rest := line; bytes.HasPrefix(rest, []byte("- ")); dashes++ {
			rest = bytes.TrimLeft(rest[2:], " ")
		}
		for _, c := range line {
			switch c {
			case '[', '{':
				open++
			case ']', '}':
				open = max(0, open-1)
			}
			if open+dashes > maxDepth {
				return true
			}
		}
	}
	return false
}

// inspectYAML parses without expanding aliases, so that a small text cannot become a huge
// tree.
func inspectYAML(b []byte) (facts models.Facts, err error) {
	defer func() {
		if recover() != nil { // the parser is known to panic on some malformed input
			facts, err = models.Facts{}, badValue("is not valid YAML")
		}
	}()
	if deep(b) {
		return models.Facts{}, badValue("is nested deeper than %d levels", maxDepth)
	}
	file, parseErr := parser.ParseBytes(b, 0)
	if parseErr != nil {
		return models.Facts{}, badValue("is not valid YAML")
	}
	var keys []string
	for _, doc := range file.Docs {
		mapping, ok := doc.Body.(*ast.MappingNode)
		if !ok {
			continue
		}
		for _, pair := range mapping.Values {
			keys = append(keys, strings.Trim(pair.Key.String(), `"'`))
		}
	}
	return keyFacts(keys), nil
}

func keyFacts(keys []string) models.Facts {
	if len(keys) == 0 {
		return models.Facts{}
	}
	slices.Sort(keys)
	return models.Facts{Keys: keys[:min(len(keys), maxShownKeys)]}
}
