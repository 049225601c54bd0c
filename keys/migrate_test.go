package keys_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/keys"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/kms/drivertest"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store/storetest"
)

// moved is a house that wrote under the local backend and is set to KMS now.
func moved(t *testing.T, s setup, n int) *house {
	t.Helper()
	s.others = []kms.Wrapper{drivertest.NewFake(models.RecipientLocal, "master/1")}
	h := newHouse(t, s)
	slices.Reverse(h.backends)
	h.serve(t)
	h.write(t, n)
	slices.Reverse(h.backends)
	h.serve(t)
	return h
}

func (h *house) migrate(ctx context.Context, path string) (keys.MigrationReport, error) {
	return h.Migrate(ctx, admin, keys.MigrateOptions{Environment: h.env.ID, BatchSize: 7, RollbackFile: path})
}

func TestMigrateAndRollBack(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			h := moved(t, setup{dialect: dialect}, 60)
			h.destination(t)
			before := h.under(t)
			plan, err := h.PlanMigration(t.Context(), admin, 0)
			if err != nil {
				t.Fatal(err)
			}
			if int(plan.DataKeys) != before["master/1"] || plan.Versions != 60 || int(plan.Calls) != 2*before["master/1"] {
				t.Errorf("the plan is %+v, with %d data keys under the local key", plan, before["master/1"])
			}
			if diff := cmp.Diff(before, h.under(t)); diff != "" {
				t.Fatalf("planning changed something:\n%s", diff)
			}
			path := filepath.Join(t.TempDir(), "back")
			done, err := h.migrate(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			if len(done.Runs) != 1 || done.Runs[0].Status != models.KeyRunSucceeded || done.Entries != int(plan.DataKeys) {
				t.Errorf("it ended as %+v", done)
			}
			if u := h.under(t); u["a/one"] != u[""] || u["master/1"] != 0 {
				t.Errorf("what stands under what: %v", u)
			}
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("the rollback file is %v, %v", info, err)
			}
			h.readAll(t)
			h.write(t, 8) // data keys that the file knows nothing of
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			back, err := h.Rollback(t.Context(), admin, bytes.NewReader(text), nil)
			if err != nil {
				t.Fatal(err)
			}
			if back.DataKeys != before["master/1"] || back.Standing != 0 || len(back.Refused) != 0 {
				t.Errorf("the rollback did %+v, want %d data keys", back, before["master/1"])
			}
			if u := h.under(t); u["master/1"] != before["master/1"] || u["a/one"] != int(back.Outside) || back.Outside < 2 {
				t.Errorf("what stands under what afterwards: %v, with %d outside", u, back.Outside)
			}
			h.readAll(t)
			again, err := h.Rollback(t.Context(), admin, bytes.NewReader(text), nil)
			if err != nil || again.DataKeys != 0 || again.Standing != back.DataKeys {
				t.Errorf("a second rollback did %+v, %v", again, err)
			}
		})
	}
}

func TestMigrateIsResumed(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			h := moved(t, setup{dialect: dialect, uses: 1}, 100)
			before := h.under(t)
			path := filepath.Join(t.TempDir(), "back")
			for range 12 {
				ctx, cancel := h.dies(t, rand.N(60))
				_, _ = h.migrate(ctx, path)
				cancel()
				tear(t, path)
				h.serve(t)
			}
			if _, err := h.migrate(t.Context(), path); err != nil {
				t.Fatal(err)
			}
			if u := h.under(t); u["a/one"] != u[""] || u["master/1"] != 0 {
				t.Errorf("what stands under what: %v", u)
			}
			h.readAll(t)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if back, err := h.Rollback(t.Context(), admin, bytes.NewReader(text), nil); err != nil || len(back.Refused) > 0 {
				t.Fatalf("the rollback did %+v, %v", back, err)
			}
			if diff := cmp.Diff(before, h.under(t)); diff != "" {
				t.Errorf("what stands under what afterwards (-want +got):\n%s", diff)
			}
			h.readAll(t)
		})
	}
}

// tear leaves half a line at the file's end, as a writer that died does. One that died before
// its first line leaves nothing.
func tear(t *testing.T, path string) {
	t.Helper()
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		return
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString(`{"entry":{"environment":1,"data_`); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestRollbackFileIsTamperProof(t *testing.T) {
	h := moved(t, setup{uses: 2}, 10)
	path := filepath.Join(t.TempDir(), "back")
	if _, err := h.migrate(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range h.wrote {
		if bytes.Contains(text, []byte(value[0])) {
			t.Fatal("the rollback file holds a value")
		}
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	before := h.under(t)
	refused := func(name string, changed []byte) {
		t.Helper()
		if _, err := h.Rollback(t.Context(), admin, bytes.NewReader(changed), nil); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v, want Invalid", name, err)
		}
		other := filepath.Join(t.TempDir(), "changed")
		if err := os.WriteFile(other, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := h.migrate(t.Context(), other); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s, to be gone on with: got %v, want Invalid", name, err)
		}
	}
	for i := 0; i < len(text)-1; i += 37 { // the last byte ends the last line: without it, the line is torn
		changed := slices.Clone(text)
		changed[i] ^= 1
		refused(fmt.Sprintf("a flipped bit of byte %d", i), changed)
	}
	swapped := slices.Clone(lines)
	swapped[2], swapped[3] = swapped[3], swapped[2]
	refused("swapped lines", bytes.Join(swapped, nil))
	refused("a missing line", bytes.Join(slices.Delete(slices.Clone(lines), 2, 3), nil))
	refused("a line twice", bytes.Join(slices.Insert(slices.Clone(lines), 3, lines[2]), nil))
	refused("no first line", bytes.Join(lines[1:], nil))
	refused("something else", []byte("DATABASE_URL=x\n"))
	_, err = h.Rollback(t.Context(), admin, bytes.NewReader(bytes.Join(slices.Delete(slices.Clone(lines), 2, 3), nil)), nil)
	if err == nil || !strings.Contains(err.Error(), "Line 3 ") {
		t.Errorf("the error is %v, want it to name line 3", err)
	}
	if diff := cmp.Diff(before, h.under(t)); diff != "" {
		t.Errorf("what was refused changed something:\n%s", diff)
	}
	t.Run("another installation", func(t *testing.T) {
		other := moved(t, setup{}, 1)
		if _, err := other.Rollback(t.Context(), admin, bytes.NewReader(text), nil); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "another installation") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("cut short", func(t *testing.T) {
		back, err := h.Rollback(t.Context(), admin, bytes.NewReader(bytes.Join(lines[:3], nil)), nil)
		if err != nil || back.DataKeys != 2 || back.Outside == 0 {
			t.Errorf("got %+v, %v, want what is missing to be counted as outside", back, err)
		}
	})
}

func TestMigrateKeepsWhatItCannotVerify(t *testing.T) {
	h := moved(t, setup{}, 12)
	rows := h.versions(t)
	h.damage(t, rows[4], func(v *models.SecretVersion) { v.Ciphertext[15] ^= 1 })
	done, err := h.migrate(t.Context(), filepath.Join(t.TempDir(), "back"))
	if err != nil {
		t.Fatal(err)
	}
	if len(done.Findings) != 1 || done.Findings[0].Object != "team/secret-4, version 1" || done.Runs[0].Status != models.KeyRunPartial {
		t.Errorf("it ended as %+v", done)
	}
	for _, row := range h.dataKeys(t) {
		want := 1
		if row.Key.ID == rows[4].DataKeyID {
			want = 2 // the old wrap beside the new one
		}
		if len(row.Wrapped) != want {
			t.Errorf("data key %s has %d wraps, want %d", row.Key.ID, len(row.Wrapped), want)
		}
	}
	h.readAllBut(t, rows[4].SecretID)
}

func (h *house) readAllBut(t *testing.T, id models.SecretID) {
	t.Helper()
	kept := h.wrote[id]
	delete(h.wrote, id)
	h.readAll(t)
	h.wrote[id] = kept
}

func TestMigrateIsRefusedWhereTheKeyDoesNotWork(t *testing.T) {
	h := moved(t, setup{}, 3)
	before := h.under(t)
	h.kms.CutOff()
	path := filepath.Join(t.TempDir(), "back")
	plan, err := h.PlanMigration(t.Context(), admin, 0)
	if err != nil || plan.Environments[0].Problem == "" {
		t.Errorf("the plan is %+v, %v, want it to tell of the key", plan, err)
	}
	if _, err := h.migrate(t.Context(), path); !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v, want Unavailable", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a rollback file was made for nothing")
	}
	if diff := cmp.Diff(before, h.under(t)); diff != "" {
		t.Errorf("something was changed:\n%s", diff)
	}
}
