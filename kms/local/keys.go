package local

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
)

// masterKey is one version of the master key. Versions are independent keys; the number
// only says which is newest.
type masterKey struct {
	version uint32
	id      string // fingerprint of the key
	secret  []byte
}

// recipient is how wrapped keys name the master key that they need: "local:<id>:<version>".
func (k masterKey) recipient() string {
	return recipientPrefix + k.id + ":" + strconv.FormatUint(uint64(k.version), 10)
}

const recipientPrefix = "local:"

// headerPrefix begins the line before each key of a key file.
const headerPrefix = "# keeper master key "

func newMasterKey(version uint32) masterKey {
	secret := make([]byte, kms.KeySize)
	_, _ = rand.Read(secret) // crypto/rand.Read never fails since Go 1.24
	return masterKey{version: version, id: fingerprint(secret), secret: secret}
}

// fingerprint names a key without telling anything of it: a keyed hash of a constant is as
// far from the key as the best attack on HMAC-SHA256. 64 bits are enough to tell an
// organisation's keys apart; it guards against mistakes, not against forgers, whom
// the authenticated wrapping stops.
func fingerprint(secret []byte) string {
	mac := hmac.New(sha256.New, secret)
	_, _ = mac.Write([]byte("keeper local key id v1"))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// format is how a version stands in a key file: a header line, then the key in base64.
func format(key masterKey) []byte {
	return fmt.Appendf(nil, "%s%s\n%s\n", headerPrefix, key.recipient(), base64.StdEncoding.EncodeToString(key.secret))
}

// parse reads the text of a key file, or a single key in base64 without a header, which is
// version 1. No error quotes the text.
func parse(text string) ([]masterKey, error) {
	var keys []masterKey
	header := ""
	for number, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
		case strings.HasPrefix(line, headerPrefix):
			if header != "" {
				return nil, badLine(number, "is a second header without a key between them")
			}
			header = strings.TrimPrefix(line, headerPrefix)
		case strings.HasPrefix(line, "#"):
		default:
			key, problem := parseKey(header, line)
			if problem != "" {
				return nil, badLine(number, problem)
			}
			keys, header = append(keys, key), ""
		}
	}
	if header != "" {
		return nil, fault.New(fault.Invalid, "The master key ends after a header: the key itself is cut off.")
	}
	return keys, check(keys)
}

func parseKey(header, line string) (key masterKey, problem string) {
	secret, err := base64.StdEncoding.Strict().DecodeString(line)
	if err != nil || len(secret) != kms.KeySize {
		return masterKey{}, "must be 32 bytes in base64; openssl rand -base64 32 makes such a key"
	}
	key = masterKey{version: 1, id: fingerprint(secret), secret: secret}
	if header == "" {
		return key, ""
	}
	id, version, ok := parseRecipient(header)
	if !ok {
		return masterKey{}, "follows a header that cannot be read"
	}
	if id != key.id {
		return masterKey{}, "is not the key that its header names: one of the two was changed"
	}
	key.version = version
	return key, ""
}

func check(keys []masterKey) error {
	if len(keys) == 0 {
		return fault.New(fault.Invalid, "There is no master key in the text given.").
			WithHint("It must be 32 bytes in base64; openssl rand -base64 32 makes such a key.")
	}
	versions, ids := map[uint32]bool{}, map[string]bool{}
	for _, key := range keys {
		if versions[key.version] || ids[key.id] {
			return fault.New(fault.Invalid, "The master key holds version %d twice.", key.version).
				WithHint("Several keys need the header lines that Keeper writes, each with a version of its own.")
		}
		versions[key.version], ids[key.id] = true, true
	}
	return nil
}

// parseRecipient takes "local:<id>:<version>" apart. Only the one spelling that recipient
// writes is read.
func parseRecipient(s string) (id string, version uint32, ok bool) {
	rest, ok := strings.CutPrefix(s, recipientPrefix)
	if !ok {
		return "", 0, false
	}
	id, digits, ok := strings.Cut(rest, ":")
	n, err := strconv.ParseUint(digits, 10, 32)
	if !ok || err != nil || n == 0 || strconv.FormatUint(n, 10) != digits || len(id) != 16 {
		return "", 0, false
	}
	return id, uint32(n), true
}

func badLine(number int, problem string) error {
	return fault.New(fault.Invalid, "Line %d of the master key %s.", number+1, problem)
}
