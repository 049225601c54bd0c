package app

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
)

// secretFile stands beside the local master key's file.
const secretFile = "keeper.secret"

// boxSecret is what the secrets of second factors and of identity providers are sealed under.
// Without SECRET_KEY, which only development does without, the server draws one and keeps it
// in a file; nil where it cannot, and then nothing is sealed.
func (a *App) boxSecret(o Options) ([]byte, error) {
	if a.Config.SecretKey.Set() {
		return []byte(a.Config.SecretKey.Reveal()), nil
	}
	path := filepath.Join(filepath.Dir(cmp.Or(a.Config.MasterKeyFile, defaultKeyFile)), secretFile)
	secret, err := readSecret(path)
	if errors.Is(err, fs.ErrNotExist) && o.Server {
		if err = drawSecret(path); err == nil || errors.Is(err, fs.ErrExist) {
			secret, err = readSecret(path)
		}
	}
	switch {
	case err == nil:
		return secret, nil
	case fault.Is(err, fault.Invalid):
		return nil, err
	case o.Server:
		a.Log.Warn("no secret is kept, so that nobody can set up an authenticator app, no identity provider can have a key, and an Idempotency-Key is forgotten at the next start; set SECRET_KEY", "file", path)
	}
	return nil, nil
}

func readSecret(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fault.New(fault.Invalid, "The file %s can be read or written by others than its owner (mode %04o).", path, mode).
			WithHint("Run: chmod 600 %s", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	secret, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(secret) != kms.KeySize {
		return nil, fault.New(fault.Invalid, "The file %s does not hold what Keeper wrote into it.", path).
			WithHint("Put the old one back, or remove it: who has an authenticator app needs keeper users reset-factors then.")
	}
	return secret, nil
}

// drawSecret puts a fresh secret into a file, whole and durable; fs.ErrExist where another
// process was first.
func drawSecret(path string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".keeper-secret-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // the link to it stays
	secret := make([]byte, kms.KeySize)
	_, _ = rand.Read(secret) // crypto/rand.Read never fails since Go 1.24
	_, err = f.WriteString(hex.EncodeToString(secret) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), path)
}
