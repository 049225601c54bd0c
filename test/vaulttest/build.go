package vaulttest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const repositoryModule = "module github.com/your-org/keeper"

// repositoryRoot looks from the working directory upward for Keeper's own go.mod; nested modules are passed over.
func repositoryRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if declares(filepath.Join(dir, "go.mod"), repositoryModule) {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("the working directory is not in Keeper's repository")
		}
		dir = parent
	}
}

func declares(goMod, line string) bool {
	file, err := os.Open(goMod)
	if err != nil {
		return false
	}
	defer file.Close()
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		if strings.TrimSpace(scanner.Text()) == line {
			return true
		}
	}
	return false
}

// build returns the path of the module's binary, built if it is missing or older than what it is made from. Test
// processes that run side by side wait for each other.
func build(ctx context.Context, root, module string) (string, error) {
	source := filepath.Join(root, "test", module)
	bin := filepath.Join(root, ".tmp", "bin")
	binary := filepath.Join(bin, module)
	if err := os.MkdirAll(bin, 0o750); err != nil {
		return "", err
	}
	unlock, err := lock(binary + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	stale, err := isStale(binary, source)
	if err != nil || !stale {
		return binary, err
	}
	return binary, compile(ctx, source, binary)
}

// compile builds beside the target and renames, so that a binary is whole or not there, and a running one is not
// written over. Sources changed while it compiles make it stale again: it takes the time at which it began.
func compile(ctx context.Context, source, binary string) error {
	began := time.Now()
	fresh := binary + ".new"
	command := exec.CommandContext(ctx, "go", "build", "-o", fresh, ".")
	command.Dir = source
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", filepath.Base(binary), err, output)
	}
	if err := os.Chtimes(fresh, began, began); err != nil {
		return err
	}
	return os.Rename(fresh, binary)
}

// isStale tells whether the binary is missing or older than a source, the go.mod, the go.sum, or a removal.
func isStale(binary, source string) (bool, error) {
	built, err := os.Stat(binary)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	stale := false
	err = filepath.WalkDir(source, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !isIngredient(path, entry) {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if info.ModTime().After(built.ModTime()) {
			stale = true
			return fs.SkipAll
		}
		return nil
	})
	return stale, err
}

// isIngredient counts folders in, whose time changes when a file comes or goes.
func isIngredient(path string, entry fs.DirEntry) bool {
	if strings.HasSuffix(path, "_test.go") {
		return false
	}
	name := entry.Name()
	return entry.IsDir() || strings.HasSuffix(name, ".go") || name == "go.mod" || name == "go.sum"
}

// lock takes the file's lock, waiting for whoever holds it. The lock ends with the process at the latest.
func lock(path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		file.Close()
		return nil, err
	}
	return func() { file.Close() }, nil
}
