package keys_test

import (
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
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

func TestScrubOfWhatIsSound(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			h := newHouse(t, setup{dialect: dialect})
			h.write(t, 25)
			h.destination(t)
			p := h.finish(t, h.start(t, keys.Order{Kind: models.KeyScrub}).ID)
			if p.Status != models.KeyRunSucceeded || p.Done != 26 || p.Total != 26 || p.Finding != 0 {
				t.Errorf("the scrub ended as %+v", p.KeyRun)
			}
			last, err := h.LastScrub(t.Context(), auditor)
			if err != nil || last == nil || last.ID != p.ID {
				t.Errorf("the last scrub is %+v, %v", last, err)
			}
		})
	}
}

func TestScrubNamesWhatIsDamaged(t *testing.T) {
	h := newHouse(t, setup{})
	h.write(t, 12)
	h.destination(t)
	rows := h.versions(t)
	h.damage(t, rows[3], func(v *models.SecretVersion) { v.Ciphertext[len(v.Ciphertext)-1] ^= 1 })
	h.damageHash(t, rows[7])
	lost := h.dataKeys(t)[0]
	h.change(t, func(tx *store.Tx) error {
		bad := lost.Wrapped[0]
		bad.Blob = append([]byte{bad.Blob[0] ^ 1}, bad.Blob[1:]...)
		if err := tx.ReplaceWrapped(lost.Key.ID, []models.WrappedKey{bad}, nil, nil); err != nil {
			return err
		}
		s, err := tx.Secret(rows[9].SecretID)
		if err != nil {
			return err
		}
		s.CurrentVersion = 7
		return tx.UpdateSecret(&s, 0)
	})
	want := []string{
		"secret team/secret-9", "version team/secret-3, version 1", "version team/secret-7, version 1",
		"wrapped key " + string(lost.Key.ID) + " for kms a/one",
	}
	for _, row := range h.versions(t) {
		if name := "version " + row.SecretName + ", version 1"; row.DataKeyID == lost.Key.ID && !slices.Contains(want, name) {
			want = append(want, name)
		}
	}
	p := h.finish(t, h.start(t, keys.Order{Kind: models.KeyScrub, Environment: h.env.ID}).ID)
	if p.Status != models.KeyRunPartial || !strings.Contains(p.Error, "damaged") {
		t.Errorf("the scrub ended as %+v", p.KeyRun)
	}
	var got []string
	for _, f := range h.findings(t, p.ID) {
		if f.Kind != models.FindingDamaged {
			t.Errorf("%s is %s, want damaged", f.Object, f.Kind)
		}
		if f.ObjectKind != "credentials" {
			got = append(got, f.ObjectKind+" "+f.Object)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the findings (-want +got):\n%s", diff)
	}
}

func TestScrubCallsUnknownWhatItCannotLookAt(t *testing.T) {
	h := newHouse(t, setup{})
	h.write(t, 6)
	h.kms.CutOff()
	p := h.finish(t, h.start(t, keys.Order{Kind: models.KeyScrub}).ID)
	if p.Status != models.KeyRunPartial || p.Failed != 6 || !strings.Contains(p.Hint, "Nothing is known to be damaged") {
		t.Errorf("the scrub ended as %+v", p.KeyRun)
	}
	found := h.findings(t, p.ID)
	if len(found) == 0 {
		t.Error("nothing is told of the keys that do not answer")
	}
	for _, f := range found {
		if f.Kind != models.FindingUnknown {
			t.Errorf("%s is %s, want unknown", f.Object, f.Kind)
		}
	}
}

func TestScrubFindsAnotherHashKey(t *testing.T) {
	h := newHouse(t, setup{})
	other := h.environment(t, "other")
	if err := h.writeOne(t.Context(), other, "one"); err != nil {
		t.Fatal(err)
	}
	// A good wrap of another key: only the commitment tells.
	row := h.versions(t)[0]
	hash := kms.HashKeyID(other.ID)
	wrapped, err := h.kms.Wrap(t.Context(), "a/one", make([]byte, kms.KeySize), h.envelope.Context(other))
	if err != nil {
		t.Fatal(err)
	}
	h.change(t, func(tx *store.Tx) error {
		w := models.WrappedKey{DataKeyID: hash, RecipientKind: models.RecipientKMS, RecipientID: wrapped.RecipientID, Blob: wrapped.Blob}
		return tx.ReplaceWrapped(hash, []models.WrappedKey{w}, nil, nil)
	})
	p := h.finish(t, h.start(t, keys.Order{Kind: models.KeyScrub}).ID)
	var objects []string
	for _, f := range h.findings(t, p.ID) {
		objects = append(objects, f.Object)
	}
	if p.Status != models.KeyRunPartial || !slices.ContainsFunc(objects, func(o string) bool { return strings.HasPrefix(o, string(hash)) }) {
		t.Errorf("another hash key in the place of that of %s: %s, %v", row.SecretName, p.Status, objects)
	}
}

// watch has the watch look once.
func watch(t *testing.T, h *house) {
	t.Helper()
	next, err := h.Work(t.Context(), models.Job{Kind: keys.WatchJobKind, Key: "all"})
	if err != nil || next == nil || next.Sub(h.clock.now()) > time.Minute {
		t.Fatalf("the watch comes back at %v, %v", next, err)
	}
}

func TestWatch(t *testing.T) {
	runs := func(t *testing.T, h *house, kind models.KeyRunKind) []keys.Progress {
		t.Helper()
		all, _, err := h.Runs(t.Context(), admin, keys.RunQuery{Kind: kind})
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	t.Run("makes what is owed", func(t *testing.T) {
		h := newHouse(t, setup{})
		h.write(t, 8)
		watch(t, h)
		if all := runs(t, h, models.KeyRewrap); len(all) != 0 {
			t.Fatalf("a re-wrap began where nothing is owed: %+v", all)
		}
		to := "a/two"
		if _, err := h.secrets.UpdateEnvironment(t.Context(), admin, h.env.ID, secretsKey(to), 0); err != nil {
			t.Fatal(err)
		}
		h.kms.Fail(drivertest.OpDescribe, fault.New(fault.Unavailable, "away"))
		watch(t, h)
		if all := runs(t, h, models.KeyRewrap); len(all) != 0 {
			t.Fatal("a re-wrap began to a key that cannot be looked up")
		}
		h.kms.Mend()
		watch(t, h)
		all := runs(t, h, models.KeyRewrap)
		if len(all) != 1 {
			t.Fatalf("%d re-wraps began, want one", len(all))
		}
		w, err := h.Watched(t.Context())
		if err != nil || len(w.Owed) != 1 || w.Owed[0].Environment != "production" {
			t.Errorf("what is owed: %+v, %v", w, err)
		}
		if p := h.finish(t, all[0].ID); p.Status != models.KeyRunSucceeded || h.under(t)["a/one"] != 0 {
			t.Errorf("it ended as %+v", p.KeyRun)
		}
		watch(t, h)
		if w, _ := h.Watched(t.Context()); len(w.Owed) != 0 {
			t.Errorf("still owed: %+v", w.Owed)
		}
	})
	t.Run("leaves a migration to people", func(t *testing.T) {
		local := drivertest.NewFake(models.RecipientLocal, "master")
		h := newHouse(t, setup{others: []kms.Wrapper{local}})
		slices.Reverse(h.backends)
		h.serve(t)
		h.write(t, 4)
		slices.Reverse(h.backends)
		h.serve(t)
		watch(t, h)
		if all := runs(t, h, models.KeyRewrap); len(all) != 0 {
			t.Error("a re-wrap to another backend began by itself")
		}
		if w, _ := h.Watched(t.Context()); len(w.Owed) != 1 || !w.Owed[0].Abroad {
			t.Errorf("owed: %+v", w.Owed)
		}
	})
	t.Run("schedules scrubs", func(t *testing.T) {
		h := newHouse(t, setup{})
		watch(t, h)
		if all := runs(t, h, models.KeyScrub); len(all) != 0 {
			t.Fatal("a scrub began before its time")
		}
		h.clock.move(25 * time.Hour)
		watch(t, h)
		watch(t, h)
		all := runs(t, h, models.KeyScrub)
		if len(all) != 1 {
			t.Fatalf("%d scrubs began, want one", len(all))
		}
		h.finish(t, all[0].ID)
		watch(t, h)
		h.clock.move(25 * time.Hour)
		watch(t, h)
		if all = runs(t, h, models.KeyScrub); len(all) != 2 {
			t.Errorf("%d scrubs after another day, want two", len(all))
		}
	})
}

func TestScrubOpensChannels(t *testing.T) {
	h := newHouse(t, setup{})
	h.write(t, 2)
	h.channel(t)
	scrub := func() keys.Progress {
		return h.finish(t, h.start(t, keys.Order{Kind: models.KeyScrub, Environment: h.env.ID}).ID)
	}
	if p := scrub(); p.Status != models.KeyRunSucceeded || p.Done != 3 || p.Total != 3 {
		t.Errorf("the scrub ended as %+v", p.KeyRun)
	}
	h.change(t, func(tx *store.Tx) error {
		all, err := tx.AlertChannels([]models.EnvironmentID{h.env.ID})
		if err != nil {
			return err
		}
		all[0].Secret[len(all[0].Secret)-1] ^= 1
		return tx.UpdateAlertChannel(&all[0], 0)
	})
	p := scrub()
	found := h.findings(t, p.ID)
	if p.Status != models.KeyRunPartial || len(found) != 1 || found[0].Object != "channel ops" || found[0].Kind != models.FindingDamaged {
		t.Errorf("the scrub ended as %+v with %+v", p.KeyRun, found)
	}
}
