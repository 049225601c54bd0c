package databases

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/your-org/keeper/test/ports"
)

// account is a user of the system, and of the database.
type account struct {
	name       string
	credential *syscall.Credential // nil: as this process
	uid, gid   int
}

// self is this process's own user.
func self() account { return account{uid: os.Getuid(), gid: os.Getgid()} }

func named(name string) account {
	u, err := user.Lookup(name)
	if err != nil {
		return account{name: name, uid: os.Getuid(), gid: os.Getgid()}
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	credential := &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return account{name: name, credential: credential, uid: uid, gid: gid}
}

// supervise runs a server until its own standard input ends, which is when the test binary
// ends, even by SIGKILL; then it kills the server and removes the folder ($1).
const supervise = `folder=$1; shift
exec 3<&0
"$@" </dev/null >"$folder/log" 2>&1 3<&- &
server=$!
( wait_for_end() { cat <&3 >/dev/null; }; wait_for_end; kill -9 $server ) &
wait $server
rm -rf "$folder"`

// launch starts a server on a copy of a prepared cluster and a free port.
func launch(k kind, bin string) (Parts, error) {
	prepared, err := prepare(k, bin)
	if err != nil {
		return Parts{}, fmt.Errorf("preparing a cluster: %w", err)
	}
	folder, err := os.MkdirTemp("", "keeper-"+k.name()+"-")
	if err != nil {
		return Parts{}, err
	}
	if err := copyFolder(prepared, folder, k.account()); err != nil {
		return Parts{}, errors.Join(err, os.RemoveAll(folder))
	}
	port, err := ports.Free()
	if err != nil {
		return Parts{}, errors.Join(err, os.RemoveAll(folder))
	}
	args := append([]string{"-c", supervise, "supervise", folder}, k.command(bin, folder, port)...)
	cmd := exec.Command("/bin/sh", args...)
	// A group of its own: Ctrl-C must end the tests and leave the supervisor to clean up.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: k.account().credential}
	cmd.Dir = folder
	// The writing end stays open, and unused, until this process ends.
	if _, err := cmd.StdinPipe(); err != nil {
		return Parts{}, errors.Join(err, os.RemoveAll(folder))
	}
	if err := cmd.Start(); err != nil {
		return Parts{}, errors.Join(err, os.RemoveAll(folder))
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	at := Parts{Host: "127.0.0.1", Port: port, User: k.account().name}
	return at, answers(k, at, ended)
}

// prepare returns the folder of a cluster that was initialized once for this version of the
// server and is only ever copied.
func prepare(k kind, bin string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	version := strings.NewReplacer("/", "_").Replace(strings.Trim(bin, "/")) + "-" + fingerprint(bin)
	prepared := filepath.Join(cache, "keeper-databases", k.name()+"-"+version)
	if _, err := os.Stat(prepared); err == nil {
		return prepared, nil
	}
	if err := os.MkdirAll(filepath.Dir(prepared), 0o700); err != nil {
		return "", err
	}
	folder, err := os.MkdirTemp("", "keeper-prepare-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	if err := os.Chown(folder, k.account().uid, k.account().gid); err != nil {
		return "", err
	}
	if err := k.initialize(bin, folder); err != nil {
		return "", err
	}
	// Two test binaries may do this at once: the first to rename wins, and all are alike.
	partial := prepared + "." + strconv.Itoa(os.Getpid())
	if err := copyFolder(folder, partial, self()); err != nil {
		return "", err
	}
	if err := os.Rename(partial, prepared); err != nil {
		_ = os.RemoveAll(partial)
		if _, gone := os.Stat(prepared); gone != nil {
			return "", err
		}
	}
	return prepared, nil
}

// fingerprint changes when the distribution updates the server.
func fingerprint(bin string) string {
	info, err := os.Stat(bin)
	if err != nil {
		return "0"
	}
	return strconv.FormatInt(info.ModTime().Unix(), 36)
}

func run(as account, folder, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = folder
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as.credential}
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(name), err, output)
	}
	return nil
}

// copyFolder copies what is in a folder and gives it to an account.
func copyFolder(from, to string, owner account) error {
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	if err := run(self(), "/", "cp", "-a", from+"/.", to); err != nil {
		return err
	}
	if err := os.Chmod(to, 0o700); err != nil {
		return err
	}
	return filepath.WalkDir(to, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, owner.uid, owner.gid)
	})
}
