package databases

import (
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
)

type mariaDBKind struct{}

func (mariaDBKind) name() string { return "mariadb" }

func (mariaDBKind) binaries() (string, error) {
	for _, name := range []string{"mariadbd", "/usr/sbin/mariadbd"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", exec.ErrNotFound
}

func (mariaDBKind) account() account {
	own := self()
	own.name = "root"
	return own
}

func (k mariaDBKind) initialize(_, folder string) error {
	return run(k.account(), folder, "mariadb-install-db", "--no-defaults", "--auth-root-authentication-method=normal",
		"--skip-test-db", "--datadir="+folder, "--user="+systemUser())
}

// command trades durability for speed: only SQLite's is tested. A server has its temporary
// files for itself: at its start each removes those of any other that it finds.
func (mariaDBKind) command(bin, folder string, port int) []string {
	return []string{
		bin, "--no-defaults", "--datadir=" + folder, "--tmpdir=" + folder, "--socket=" + filepath.Join(folder, "s"),
		"--bind-address=127.0.0.1", "--port=" + strconv.Itoa(port), "--user=" + systemUser(),
		"--pid-file=" + filepath.Join(folder, "pid"), "--skip-name-resolve", "--max-connections=400",
		"--innodb-flush-log-at-trx-commit=0", "--skip-innodb-doublewrite", "--skip-log-bin",
	}
}

func (mariaDBKind) connect(p Parts) *sql.DB { return connectMariaDB(p) }

// systemUser is what MariaDB wants to be told when it runs as root.
func systemUser() string {
	if os.Getuid() == 0 {
		return "root"
	}
	return os.Getenv("USER")
}

type postgresKind struct{}

func (postgresKind) name() string { return "postgres" }

func (postgresKind) binaries() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err == nil && len(found) > 0 {
		slices.SortFunc(found, func(a, b string) int { return release(a) - release(b) })
		return found[len(found)-1], nil
	}
	return exec.LookPath("postgres")
}

// release is the number in /usr/lib/postgresql/15/bin/postgres.
func release(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	return n
}

// account: PostgreSQL refuses to run as root, so there the user postgres runs it.
func (postgresKind) account() account {
	if os.Getuid() == 0 {
		return named("postgres")
	}
	own := self()
	own.name = "postgres"
	return own
}

func (k postgresKind) initialize(bin, folder string) error {
	return run(k.account(), folder, filepath.Join(filepath.Dir(bin), "initdb"), "-D", folder, "-U", "postgres",
		"--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
}

// command trades durability for speed: only SQLite's is tested. A server has its temporary
// files for itself: at its start each removes those of any other that it finds.
func (postgresKind) command(bin, folder string, port int) []string {
	return []string{
		bin, "-D", folder, "-h", "127.0.0.1", "-p", strconv.Itoa(port), "-k", folder,
		"-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off",
		"-c", fmt.Sprintf("max_connections=%d", 400),
	}
}

func (postgresKind) connect(p Parts) *sql.DB { return connectPostgres(p) }
