package keystest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store/storetest"
)

// TestKillMigration kills migrations from the local key to KMS, and the ways back, while the
// server goes on; every other time the server dies too.
func TestKillMigration(t *testing.T) {
	for i, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			s := newSiege(t, 12+i, dialect)
			s.fill(t)
			s.stop()
			m := &migration{siege: s, file: filepath.Join(s.keeper.Dir, "rollback.jsonl")}
			s.toKMS()
			s.start(t)
			m.besiege(t)
		})
	}
}

// toKMS switches the settings to KMS; the local key still opens what it wrapped.
func (s *siege) toKMS() {
	s.set("KEY_MANAGEMENT_BACKEND", "kms")
	s.set("KMS_KEY_ALIAS", "alias/keeper")
	s.set("KEEPER_MASTER_KEY_FILE", filepath.Join(s.keeper.Dir, "keeper.key"))
}

// migration is the command that migrates, and the one that takes a migration back.
type migration struct {
	*siege
	file string
	back bool // the next command takes the migration back
	hits int
	did  int
}

func (m *migration) args() []string {
	if m.back {
		return []string{"migrate", "rollback-kms", m.file}
	}
	return []string{"migrate", "to-kms", "--no-dry-run", "--batch-size", "10", "--rollback-file", m.file}
}

// besiege kills the command, or it and the server, then migrates to the end and proves it.
func (m *migration) besiege(t *testing.T) {
	t.Helper()
	for n := range m.kills {
		m.round(t, func() func() bool {
			cmd, talk := m.background(t, m.args()...)
			return func() bool {
				_ = cmd.Process.Signal(syscall.SIGKILL) // it may have ended
				if n%2 == 0 {
					m.keeper.Kill()
				}
				m.ended(t, cmd.Wait(), talk)
				return n%2 == 0
			}
		})
	}
	t.Logf("%d kills, %d of them while a command was at work, %d commands came through before; %d writes acknowledged",
		m.kills, m.hits, m.did, m.ledger.written.Load())
	if m.back {
		m.command(t, "", m.args()...)
		m.through()
	}
	load := m.ledger.begin(t.Context(), m.client, m.random.Uint64())
	m.command(t, "", m.args()...)
	if err := load.end(); err != nil {
		t.Fatal(err)
	}
	m.stop()
	witness := m.witness(t, models.RecipientKMS, nil)
	witness.prove(t, m.ledger, models.EnvironmentID(m.alpha.ID), models.EnvironmentID(m.beta.ID))
	m.holdsNoValue(t)
}

// ended notes whether the kill came before the command's end. A command that ends by itself
// must have done what it should.
func (m *migration) ended(t *testing.T, err error, talk *said) {
	t.Helper()
	var exit *exec.ExitError
	switch {
	case err == nil:
		m.did++
		m.through()
	case errors.As(err, &exit) && !exit.Exited():
		m.hits++
	default:
		t.Errorf("keeper %s: %v\nit said:\n%s", strings.Join(m.args(), " "), err, talk)
	}
}

// through turns round: what was migrated goes back with its file, and what went back is
// migrated anew with another file.
func (m *migration) through() {
	if m.back {
		_ = os.Remove(m.file)
	}
	m.back = !m.back
}

// holdsNoValue looks for a value in the rollback file.
func (m *migration) holdsNoValue(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(m.file)
	if err != nil {
		t.Fatal(err)
	}
	if len(text) == 0 || strings.Contains(string(text), "value 1 of") {
		t.Errorf("the rollback file of %d bytes holds a value, or nothing", len(text))
	}
	info, err := os.Stat(m.file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the rollback file's mode is %v, %v; want 0600", info.Mode(), err)
	}
}
