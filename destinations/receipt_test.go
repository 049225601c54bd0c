package destinations_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store/storetest"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/memory"
)

func (h *house) verify(t *testing.T, text string) *destinations.ReadAgain {
	t.Helper()
	v, err := h.VerifyReceipt(t.Context(), admin, text, true)
	if err != nil {
		t.Fatal(err)
	}
	return v.Again
}

func different(again *destinations.ReadAgain) []string {
	var all []string
	for _, d := range again.Differences {
		all = append(all, d.Name+" "+string(d.Status))
	}
	return all
}

func TestReceipt(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			h := newHouse(t, storetest.Open(t, dialect))
			d := h.destination(t, "one")
			place := h.places.at("one")
			a := h.put(t, "a", "first")
			h.put(t, "b", "second")
			place.Edit("production/c", []byte("theirs"))
			h.put(t, "c", "ours")
			run := h.full(t, d)
			receipt, err := h.Receipt(t.Context(), admin, run.ID)
			if err != nil {
				t.Fatal(err)
			}
			public, err := h.PublicKey(t.Context(), admin, h.env.ID)
			if err != nil {
				t.Fatal(err)
			}
			got, err := keepersync.OpenReceipt(receipt.Body, public)
			if err != nil {
				t.Fatal(err)
			}
			if got.Equal != 2 || got.Exceptions != 1 || got.Named[0].Name != "production/c" || got.Evidence.Write != 2 ||
				got.Run != run.ID || got.Engine != "1.2.3" || got.Installation != "keeper_test" || got.Environment != "production" ||
				got.Destination.Name != "one" || !got.Started.Equal(run.StartedAt) || got.Ended.Before(got.Started) {
				t.Errorf("got %+v", got)
			}
			again := h.verify(t, receipt.Body)
			if !again.Matches || again.Now.Evidence.Value != 2 || again.Now.ReadBack != got.ReadBack || again.Now.Source != got.Source {
				t.Errorf("nothing changed: %+v", again)
			}
			if diff := cmp.Diff([]string{"production/c foreign"}, different(again)); diff != "" {
				t.Error(diff)
			}
			place.Edit("production/b", []byte("drifted"))
			h.update(t, a, "third")
			h.work(t, d)
			writes := place.Calls()[memory.OpPut]
			again = h.verify(t, receipt.Body)
			if diff := cmp.Diff([]string{"production/a in_sync", "production/b drifted", "production/c foreign"}, different(again)); diff != "" || again.Matches || again.Differ != 3 {
				t.Errorf("%s %+v", diff, again)
			}
			if place.Calls()[memory.OpPut] != writes || !holds(place, "production/b", "drifted") {
				t.Error("reading again wrote something")
			}
			next, err := h.Receipt(t.Context(), admin, h.full(t, d).ID)
			if err != nil {
				t.Fatal(err)
			}
			if got, err = keepersync.OpenReceipt(next.Body, public); err != nil || got.Equal != 2 || got.Evidence != (keepersync.Evidences{Version: 1, Write: 1}) {
				t.Errorf("%+v %v", got, err)
			}
			if again = h.verify(t, next.Body); !again.Matches {
				t.Errorf("%+v", again)
			}
		})
	}
}

func TestReceiptIsNeverFalse(t *testing.T) {
	h := sqlite(t)
	d := h.destination(t, "one")
	s := h.put(t, "a", "canary-91f3")
	none := func(t *testing.T) {
		t.Helper()
		_, err := h.Receipt(t.Context(), admin, h.runs(t, d)[0].ID)
		wantFault(t, err, fault.NotFound)
	}
	t.Run("OfWhatChanged", func(t *testing.T) {
		h.put(t, "b", "canary-91f3 of b")
		h.full(t, d)
		h.update(t, s, "canary-91f3 too")
		h.work(t, d)
		run := h.runs(t, d)[0]
		if run.Full || run.Counts.Updated != 1 {
			t.Fatalf("run %+v", run)
		}
		receipt, err := h.Receipt(t.Context(), admin, run.ID)
		if err != nil || receipt.Whole || strings.Contains(receipt.Body, "canary") {
			t.Fatal(receipt, err)
		}
		place := h.places.at("one")
		place.Edit("production/b", []byte("drifted")) // of which it says nothing
		v, err := h.VerifyReceipt(t.Context(), admin, receipt.Body, true)
		if err != nil {
			t.Fatal(err)
		}
		want := &keepersync.Part{Names: 1, First: []string{"production/a"}}
		if diff := cmp.Diff(want, v.Receipt.Part); diff != "" || !v.Receipt.Whole() || v.Receipt.Equal != 1 || v.Receipt.ListingAge != 0 || !v.Again.Matches || v.Again.Differ != 0 {
			t.Errorf("%s %+v %+v", diff, v.Receipt, v.Again)
		}
		place.Edit("production/a", []byte("drifted too"))
		if again := h.verify(t, receipt.Body); again.Matches || again.Differ != 1 || again.Differences[0].Name != "production/a" {
			t.Errorf("%+v", again)
		}
		for about, wanted := range map[*bool]bool{nil: true, new(true): false, new(false): true} {
			list, _, err := h.Receipts(t.Context(), admin, destinations.ReceiptQuery{DestinationID: d.ID, Whole: about})
			if got := slices.ContainsFunc(list, func(r models.SyncReceipt) bool { return r.RunID == run.ID }); err != nil || got != wanted || len(list) == 0 {
				t.Errorf("of %d receipts it is one: %v, want %v; %v", len(list), got, wanted, err)
			}
		}
	})
	t.Run("OfMoreThanItLists", func(t *testing.T) {
		for i := range keepersync.NamedPart + 1 {
			h.put(t, fmt.Sprintf("many/%d", i), "canary-91f3")
		}
		h.work(t, d)
		receipt, err := h.Receipt(t.Context(), admin, h.runs(t, d)[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		v, err := h.VerifyReceipt(t.Context(), admin, receipt.Body, true)
		wantFault(t, err, fault.Invalid)
		if v.Receipt.Part.Names != keepersync.NamedPart+1 || v.Again != nil {
			t.Errorf("%+v", v)
		}
	})
	t.Run("NoneOfAFailedRun", func(t *testing.T) {
		h.places.at("one").Inject(memory.Fault{Op: memory.OpList, Kind: fault.Forbidden, Times: 1})
		if _, err := h.Trigger(t.Context(), admin, d.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Work(t.Context(), models.Job{Kind: destinations.JobKind, Key: string(d.ID)}); err == nil {
			t.Fatal("the run did not fail")
		}
		none(t)
	})
	t.Run("OfAPlanForEverything", func(t *testing.T) {
		h.places.at("one").Edit("production/a", []byte("drifted"))
		plan, err := h.Plan(t.Context(), admin, d.ID)
		if err != nil {
			t.Fatal(err)
		}
		run, err := h.Apply(t.Context(), admin, plan.ID, "")
		if err != nil {
			t.Fatal(err)
		}
		h.work(t, d)
		receipt, err := h.Receipt(t.Context(), admin, run.ID)
		if err != nil {
			t.Fatal(err)
		}
		v, err := h.VerifyReceipt(t.Context(), admin, receipt.Body, false)
		if err != nil || v.Receipt.Plan != plan.ID || !v.Receipt.Whole() || v.Again != nil {
			t.Errorf("%+v %v", v, err)
		}
	})
	receipt, err := h.Receipt(t.Context(), admin, h.full(t, d).ID)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("HoldsNoValue", func(t *testing.T) {
		if strings.Contains(receipt.Body, "canary") {
			t.Error("the receipt holds a value")
		}
	})
	t.Run("Changed", func(t *testing.T) {
		_, err := h.VerifyReceipt(t.Context(), admin, strings.Replace(receipt.Body, `"equal": `, `"equal": 1`, 1), false)
		wantFault(t, err, fault.Invalid)
	})
	t.Run("OfAnotherEnvironment", func(t *testing.T) {
		_, err := h.VerifyReceipt(t.Context(), admin, strings.Replace(receipt.Body, `"production"`, `"staging"`, 1), false)
		wantFault(t, err, fault.NotFound)
	})
	t.Run("NotAReceipt", func(t *testing.T) {
		_, err := h.VerifyReceipt(t.Context(), admin, "hello", false)
		wantFault(t, err, fault.Invalid)
	})
	t.Run("CannotBeReadAgain", func(t *testing.T) {
		h.places.at("one").Inject(memory.Fault{Op: memory.OpList, Kind: fault.Unavailable, Times: 1})
		v, err := h.VerifyReceipt(t.Context(), admin, receipt.Body, true)
		wantFault(t, err, fault.Unavailable)
		if v.Again != nil {
			t.Error("it tells of what it could not see")
		}
	})
	t.Run("Forbidden", func(t *testing.T) {
		stranger := models.Actor{Kind: models.ActorUser, ID: "usr_2", UserID: "usr_2", Name: "eve", Role: models.RoleUser, Via: "test"}
		_, err := h.Receipt(t.Context(), stranger, receipt.RunID)
		wantFault(t, err, fault.NotFound)
		_, err = h.PublicKey(t.Context(), stranger, h.env.ID)
		wantFault(t, err, fault.NotFound)
		_, err = h.VerifyReceipt(t.Context(), stranger, receipt.Body, false)
		wantFault(t, err, fault.NotFound)
		viewer := stranger
		viewer.Roles = map[models.EnvironmentID]models.EnvironmentRole{h.env.ID: models.RoleViewer}
		if _, err = h.VerifyReceipt(t.Context(), viewer, receipt.Body, false); err != nil {
			t.Error(err)
		}
		_, err = h.VerifyReceipt(t.Context(), viewer, receipt.Body, true)
		wantFault(t, err, fault.Forbidden)
	})
	t.Run("OneKeyForAllReplicas", func(t *testing.T) {
		public, err := h.PublicKey(t.Context(), admin, h.env.ID)
		if err != nil || !strings.HasPrefix(public, "keeper_test/production+") {
			t.Fatal(public, err)
		}
		other, err := h.another(t).PublicKey(t.Context(), admin, h.env.ID)
		if err != nil || other != public {
			t.Errorf("another replica has the key %q, %v", other, err)
		}
	})
}
