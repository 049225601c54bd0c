// Package keystest holds what Keeper promises of its keys, as whole processes beside a
// stand-in of AWS: killed at any point while keys move, with KMS away, with KMS lost for ever,
// with rows changed behind its back, nothing is lost and no value is ever wrong.
package keystest

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// binary is Keeper, built once for all tests of the package. It is built without the race
// detector, whatever the tests are: most of their time is its.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "keeper-keys-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "keeper")
	cmd := exec.Command("go", "build", "-o", path, "../..")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		os.Stderr.Write(out)
		return "", err
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := binary(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}
