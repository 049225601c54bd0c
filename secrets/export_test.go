package secrets_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/keys"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/kms/drivertest"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

// damage makes a secret's current version one that does not open.
func (h *house) damage(t *testing.T, id models.SecretID) {
	t.Helper()
	err := h.store.Write(t.Context(), func(tx *store.Tx) error {
		s, v, err := tx.LockCurrentVersion(id)
		if err != nil {
			return err
		}
		v.Number++
		v.Ciphertext = slices.Clone(v.Ciphertext)
		v.Ciphertext[len(v.Ciphertext)-1] ^= 1
		s.CurrentVersion = v.Number
		if err := tx.AddVersion(&v); err != nil {
			return err
		}
		return tx.UpdateSecret(&s, 0)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// exported is an export as name=value.
func exported(x secrets.Export) []string {
	var pairs []string
	for _, one := range x.Items {
		pairs = append(pairs, one.Secret.Name+"="+string(one.Value.Reveal()))
	}
	return pairs
}

func TestExport(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		for _, name := range []string{"pay/a", "pay/b", "Pay/c", "pay.d", "pays", "pay/sub/e"} {
			h.create(t, name, "value of "+name)
		}
		gone := h.create(t, "pay/gone", "deleted")
		if _, err := h.Delete(t.Context(), h.admin, gone.ID, 0); err != nil {
			t.Fatal(err)
		}
		x, err := h.Export(t.Context(), h.admin, h.env.ID, secrets.ExportQuery{})
		if err != nil {
			t.Fatal(err)
		}
		want := []string{
			"Pay/c=value of Pay/c", "pay.d=value of pay.d", "pay/a=value of pay/a", "pay/b=value of pay/b",
			"pay/sub/e=value of pay/sub/e", "pays=value of pays",
		}
		if diff := cmp.Diff(want, exported(x)); diff != "" || len(x.Unknown) != 0 {
			t.Errorf("exported (-want +got):\n%s, unknown %d", diff, len(x.Unknown))
		}
		x, err = h.Export(t.Context(), h.admin, h.env.ID, secrets.ExportQuery{Prefix: "pay/"})
		if diff := cmp.Diff(want[2:5], exported(x)); err != nil || diff != "" {
			t.Errorf("exported by prefix (-want +got):\n%s, %v", diff, err)
		}
		x, err = h.Export(t.Context(), h.admin, h.env.ID, secrets.ExportQuery{Prefix: "none"})
		if err != nil || len(x.Items) != 0 {
			t.Errorf("nothing to export gave %d, %v", len(x.Items), err)
		}
		if _, err = h.Export(t.Context(), h.admin, h.env.ID, secrets.ExportQuery{Prefix: "\xff"}); !fault.Is(err, fault.Invalid) {
			t.Errorf("a prefix that no name has: %v", err)
		}
	})
}

func TestExportReadsEveryPage(t *testing.T) {
	h, _ := filled(t, 1001, 1024)
	var want []string
	for i := range 1001 {
		want = append(want, fmt.Sprintf("n/%04d=%s", i, strings.Repeat("v", 200)))
	}
	x, err := h.Export(t.Context(), h.admin, h.env.ID, secrets.ExportQuery{})
	if diff := cmp.Diff(want, exported(x)); err != nil || diff != "" {
		t.Errorf("exported (-want +got):\n%s, %v", diff, err)
	}
}

func TestExportIsOnRecordBeforeItLeaves(t *testing.T) {
	t.Run("EachSecret", func(t *testing.T) {
		h := newHouse(t)
		h.create(t, "a", "one")
		h.create(t, "b", "two")
		if _, err := h.Export(t.Context(), h.admin, h.env.ID, secrets.ExportQuery{}); err != nil {
			t.Fatal(err)
		}
		want := []string{"secret.reveal allowed", "secret.reveal allowed", "environment.export allowed"}
		if diff := cmp.Diff(want, h.actions(t)[:3]); diff != "" {
			t.Errorf("on record (-want +got):\n%s", diff)
		}
	})
	t.Run("NotWithoutTheRecord", func(t *testing.T) {
		h := newHouse(t)
		h.create(t, "a", "one")
		h.keys.Before(func(_ context.Context, op drivertest.Op) {
			if op == drivertest.OpUnwrap {
				_ = h.store.Close()
			}
		})
		x, err := h.Export(t.Context(), h.admin, h.env.ID, secrets.ExportQuery{})
		if !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "no value was shown") || len(x.Items) != 0 {
			t.Errorf("got %d values, %v", len(x.Items), err)
		}
	})
}

func TestExportRefused(t *testing.T) {
	h := newHouse(t)
	h.create(t, "a", "one")
	stranger := models.Actor{Kind: models.ActorUser, ID: "usr_s", Name: "sam", Role: models.RoleUser}
	viewer := stranger
	viewer.Roles = map[models.EnvironmentID]models.EnvironmentRole{h.env.ID: models.RoleViewer}
	for _, c := range []struct {
		actor models.Actor
		want  fault.Kind
	}{{stranger, fault.NotFound}, {viewer, fault.Forbidden}} {
		if _, err := h.Export(t.Context(), c.actor, h.env.ID, secrets.ExportQuery{Partial: true}); !fault.Is(err, c.want) {
			t.Errorf("got %v, want %v", err, c.want)
		}
		if got := h.actions(t)[0]; got != "secret.reveal refused" {
			t.Errorf("newest entry %q, want the refusal", got)
		}
	}
}

func TestExportOfWhatDoesNotOpen(t *testing.T) {
	t.Run("Damaged", func(t *testing.T) {
		h := newHouse(t)
		h.create(t, "good", "one")
		h.damage(t, h.create(t, "bad", "canary").ID)
		x, err := h.Export(t.Context(), h.admin, h.env.ID, secrets.ExportQuery{})
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "bad") || len(x.Items) != 0 {
			t.Errorf("got %d values, %v; want none, and the name of the bad one", len(x.Items), err)
		}
		want := []string{"secret.reveal failed", "environment.export failed"}
		if diff := cmp.Diff(want, h.actions(t)[:2]); diff != "" {
			t.Errorf("on record (-want +got):\n%s", diff)
		}
		x, err = h.Export(t.Context(), h.admin, h.env.ID, secrets.ExportQuery{Partial: true})
		if diff := cmp.Diff([]string{"good=one"}, exported(x)); err != nil || diff != "" {
			t.Fatalf("a partial one (-want +got):\n%s, %v", diff, err)
		}
		if len(x.Unknown) != 1 || x.Unknown[0].Secret.Name != "bad" || x.Unknown[0].Err == nil {
			t.Errorf("unknown %+v", x.Unknown)
		}
	})
	t.Run("KeyAway", func(t *testing.T) {
		h := newHouse(t)
		for i := range 12 {
			h.create(t, fmt.Sprintf("n%02d", i), "one")
		}
		h.damage(t, h.create(t, "bad", "one").ID)
		h.keys.CutOff()
		_, err := h.Export(t.Context(), h.admin, h.env.ID, secrets.ExportQuery{})
		if !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "3 more") {
			t.Errorf("got %v, want unavailable", err)
		}
	})
	t.Run("TooMuch", func(t *testing.T) {
		h := newHouse(t)
		s := h.create(t, "a", "one")
		err := h.store.Write(t.Context(), func(tx *store.Tx) error {
			_, v, err := tx.CurrentVersion(s.ID)
			if err != nil {
				return err
			}
			v.Number, v.Size = 2, secrets.MaxExport+1
			s.CurrentVersion = 2
			if err := tx.AddVersion(&v); err != nil {
				return err
			}
			return tx.UpdateSecret(&s, 0)
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Export(t.Context(), h.admin, h.env.ID, secrets.ExportQuery{}); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "prefix") {
			t.Errorf("got %v", err)
		}
	})
}

func TestExportOfTooManySecrets(t *testing.T) {
	h := newHouse(t)
	one := h.create(t, "n/00000", "one")
	err := h.store.Write(t.Context(), func(tx *store.Tx) error {
		first, v, err := tx.CurrentVersion(one.ID)
		for i := 1; i <= secrets.MaxExportSecrets && err == nil; i++ {
			s := first
			s.ID, s.Name = 0, fmt.Sprintf("n/%05d", i)
			if err = tx.CreateSecret(&s); err == nil {
				v.SecretID = s.ID
				err = tx.AddVersion(&v)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Export(t.Context(), h.admin, h.env.ID, secrets.ExportQuery{Partial: true}); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "prefix") {
		t.Errorf("got %v", err)
	}
	if x, err := h.Export(t.Context(), h.admin, h.env.ID, secrets.ExportQuery{Partial: true, Prefix: "n/0000"}); err != nil || len(x.Items)+len(x.Unknown) != 10 {
		t.Errorf("a part of it: %d and %d, %v", len(x.Items), len(x.Unknown), err)
	}
}

// filled is a service whose data keys seal few values each, with nothing in memory of them.
func filled(t testing.TB, n int, uses int64) (*house, kms.Options) {
	t.Helper()
	h := &house{store: storetest.SQLite(t), keys: drivertest.NewFake(models.RecipientLocal, "k")}
	h.admin = models.Actor{Kind: models.ActorUser, ID: "usr_admin", UserID: "usr_admin", Name: "ada", Role: models.RoleAdmin, Via: "test", ProvenAt: time.Now().AddDate(10, 0, 0)}
	options := kms.Options{MaxUses: uses}
	h.serve(t, options)
	var err error
	if h.env, err = h.CreateEnvironment(t.Context(), h.admin, models.Environment{Name: "production"}); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		_, err := h.Create(t.Context(), h.admin, secrets.NewSecret{
			Environment: h.env.ID, Name: fmt.Sprintf("n/%04d", i), Type: models.Text, Value: plain(strings.Repeat("v", 200)),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return h, options
}

// serve starts the service anew, as after a restart.
func (h *house) serve(t testing.TB, options kms.Options) {
	t.Helper()
	envelope, err := kms.NewEnvelope(keys.NewRows(h.store), h.keys, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(envelope.Close)
	h.Service = secrets.New(secrets.Deps{Store: h.store, Envelope: envelope, Now: time.Now, DeleteGrace: time.Hour})
}

func TestExportAsksOncePerDataKey(t *testing.T) {
	h, options := filled(t, 60, 10)
	for name, ttl := range map[string]time.Duration{"WithCache": 0, "WithoutCache": kms.NoCache} {
		t.Run(name, func(t *testing.T) {
			options.CacheTTL = ttl
			h.serve(t, options)
			before := h.keys.Calls(drivertest.OpUnwrap)
			x, err := h.Export(t.Context(), h.admin, h.env.ID, secrets.ExportQuery{})
			if err != nil || len(x.Items) != 60 {
				t.Fatalf("%d values, %v", len(x.Items), err)
			}
			used := map[models.DataKeyID]bool{}
			for _, one := range x.Items {
				used[one.Version.DataKeyID] = true
			}
			if calls := h.keys.Calls(drivertest.OpUnwrap) - before; len(used) < 6 || calls != len(used) {
				t.Errorf("%d calls for %d data keys", calls, len(used))
			}
		})
	}
}

// BenchmarkExport1000 exports 1,000 secrets whose data keys are in memory, and where each
// takes a call of 10 ms first.
func BenchmarkExport1000(b *testing.B) {
	for _, uses := range []int64{1024, 10} {
		h, options := filled(b, 1000, uses)
		export := func(b *testing.B) {
			b.Helper()
			x, err := h.Export(b.Context(), h.admin, h.env.ID, secrets.ExportQuery{})
			if err != nil || len(x.Items) != 1000 {
				b.Fatal(len(x.Items), err)
			}
		}
		b.Run(fmt.Sprintf("Warm/%dPerKey", uses), func(b *testing.B) {
			for b.Loop() {
				export(b)
			}
		})
		h.keys.Before(func(context.Context, drivertest.Op) { time.Sleep(10 * time.Millisecond) })
		b.Run(fmt.Sprintf("Cold/%dPerKey", uses), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				h.serve(b, options)
				b.StartTimer()
				export(b)
			}
		})
	}
}
