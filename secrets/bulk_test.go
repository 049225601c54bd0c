package secrets_test

import (
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
)

func (h *house) several(t *testing.T, n int) (ids []models.SecretID) {
	t.Helper()
	for i := range n {
		ids = append(ids, h.create(t, fmt.Sprintf("s%02d", i), "v").ID)
	}
	return ids
}

func (h *house) plan(t *testing.T, ids []models.SecretID, c secrets.BulkChange) secrets.BulkPlan {
	t.Helper()
	plan, err := h.PlanBulk(t.Context(), h.admin, ids, c)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func (h *house) get(t *testing.T, id models.SecretID) models.Secret {
	t.Helper()
	s, _, err := h.Get(t.Context(), h.admin, id)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestBulkEdit(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		ids := h.several(t, 4)
		old, owner, days, expires := "Checkout", "Payments", 30, time.Date(2030, 1, 2, 0, 0, 0, 0, time.UTC)
		tags := map[string]string{"team": "checkout", "old": "", "kept": "1"}
		for i, c := range []secrets.Change{{Owner: &old, Tags: &tags}, {Owner: &owner, RotateEvery: &days, ExpiresAt: &expires, Tags: &map[string]string{"team": "payments"}}} {
			if _, err := h.Update(t.Context(), h.admin, ids[i], c, 0); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := h.Delete(t.Context(), h.admin, ids[3], 0); err != nil {
			t.Fatal(err)
		}
		change := secrets.BulkChange{Owner: &owner, RotateEvery: &days, ExpiresAt: &expires, Tags: map[string]string{"team": "payments"}, Untag: []string{"old"}}
		before := len(h.actions(t))
		plan := h.plan(t, append(ids, ids[0], 99999), change)
		if len(h.actions(t)) != before || h.get(t, ids[0]).Owner != old {
			t.Fatal("a plan changed something")
		}
		if plan.Gone != 1 || len(plan.Items) != 4 || len(plan.Items[1].Changes) != 0 || !fault.Is(plan.Items[3].Refused, fault.Conflict) {
			t.Fatalf("plan %+v", plan)
		}
		want := []secrets.FieldChange{
			{"owner", "Checkout", "Payments"},
			{"expires_at", "", "2030-01-02T00:00:00Z"},
			{"rotate_every_days", "0", "30"},
			{"tags", "old=", ""},
			{"tags", "team=checkout", "team=payments"},
		}
		if diff := cmp.Diff(want, plan.Items[0].Changes); diff != "" {
			t.Errorf("changes (-want +got):\n%s", diff)
		}
		n, err := h.ApplyBulk(t.Context(), h.admin, []models.SecretID{ids[2], ids[0]}, change, plan.Digest)
		if err != nil || n != 2 {
			t.Fatalf("%d changed, %v; want 2", n, err)
		}
		got := h.get(t, ids[0])
		if got.Owner != owner || got.RotateEvery != days || !got.ExpiresAt.Equal(expires) || got.UpdatedBy != "ada" || got.CurrentVersion != 1 ||
			!maps.Equal(got.Tags, map[string]string{"team": "payments", "kept": "1"}) {
			t.Errorf("got %+v", got)
		}
		if got := h.actions(t); len(got) != before+2 || got[0] != "secret.update" && got[0] != "secret.update allowed" {
			t.Errorf("%d entries, %v; want one of each secret", len(got)-before, got[0])
		}
		if plan = h.plan(t, ids[:3], change); plan.Items[0].Changes != nil || plan.Items[2].Changes != nil {
			t.Errorf("the same again would change %+v", plan.Items)
		}
	})
}

func TestBulkDelete(t *testing.T) {
	h := newHouse(t)
	ids := h.several(t, 3)
	h.changed = nil
	remove, back := secrets.BulkChange{Delete: true}, secrets.BulkChange{Undelete: true}
	if n, err := h.ApplyBulk(t.Context(), h.admin, ids, remove, h.plan(t, ids, remove).Digest); n != 3 || err != nil {
		t.Fatalf("%d deleted, %v", n, err)
	}
	if diff := cmp.Diff(ids, h.changed); diff != "" {
		t.Errorf("left to the sync (-want +got):\n%s", diff)
	}
	if s := h.get(t, ids[1]); !s.Deleted() || s.PurgeAfter.Sub(*s.DeletedAt) != h.DeleteGrace {
		t.Errorf("got %+v", s)
	}
	if n, err := h.ApplyBulk(t.Context(), h.admin, ids[:2], back, h.plan(t, ids[:2], back).Digest); n != 2 || err != nil {
		t.Fatalf("%d undeleted, %v", n, err)
	}
	if first, last := h.get(t, ids[0]), h.get(t, ids[2]); first.Deleted() || !last.Deleted() || len(h.changed) != 5 {
		t.Errorf("not what was asked for: %v", h.changed)
	}
}

// TestBulkAllOrNothing holds that nothing at all is done where one secret is not as planned.
func TestBulkAllOrNothing(t *testing.T) {
	h := newHouse(t)
	ids := h.several(t, 3)
	owner, other := "Payments", "Checkout"
	change := secrets.BulkChange{Owner: &owner}
	planned := h.plan(t, ids, change).Digest
	refused := func(t *testing.T, ids []models.SecretID, c secrets.BulkChange, digest string, kind fault.Kind) {
		t.Helper()
		h.changed = nil
		if n, err := h.ApplyBulk(t.Context(), h.admin, ids, c, digest); n != 0 || !fault.Is(err, kind) {
			t.Errorf("%d changed, %v; want %v", n, err, kind)
		}
		for _, id := range ids {
			if s := h.get(t, id); s.Owner == owner || s.Deleted() {
				t.Errorf("%s was changed", s.Name)
			}
		}
	}
	t.Run("OtherChange", func(t *testing.T) { refused(t, ids, secrets.BulkChange{Delete: true}, planned, fault.Stale) })
	t.Run("FewerSecrets", func(t *testing.T) { refused(t, ids[:2], change, planned, fault.Stale) })
	t.Run("NoDigest", func(t *testing.T) { refused(t, ids, change, "", fault.Stale) })
	t.Run("ChangedSince", func(t *testing.T) {
		if _, err := h.Update(t.Context(), h.admin, ids[2], secrets.Change{Owner: &other}, 0); err != nil {
			t.Fatal(err)
		}
		refused(t, ids, change, planned, fault.Stale)
	})
	t.Run("DeletedSince", func(t *testing.T) {
		planned := h.plan(t, ids[:2], change).Digest
		if _, err := h.Delete(t.Context(), h.admin, ids[1], 0); err != nil {
			t.Fatal(err)
		}
		if _, err := h.ApplyBulk(t.Context(), h.admin, ids[:2], change, planned); !fault.Is(err, fault.Stale) || h.get(t, ids[0]).Owner == owner {
			t.Errorf("got %v", err)
		}
	})
	t.Run("None", func(t *testing.T) {
		_, err := h.PlanBulk(t.Context(), h.admin, nil, change)
		wantInvalid(t, err)
	})
	t.Run("TooMany", func(t *testing.T) {
		many := make([]models.SecretID, secrets.MaxBulk+1)
		for i := range many {
			many[i] = models.SecretID(i + 1)
		}
		_, err := h.PlanBulk(t.Context(), h.admin, many, change)
		wantInvalid(t, err)
	})
	t.Run("Invalid", func(t *testing.T) {
		for name, c := range map[string]secrets.BulkChange{
			"Tag": {Tags: map[string]string{"aws:x": "1"}}, "Both": {Tags: map[string]string{"a": "1"}, Untag: []string{"a"}},
			"DeleteAndEdit": {Delete: true, Owner: &owner}, "Days": {RotateEvery: new(-1)},
		} {
			if _, err := h.PlanBulk(t.Context(), h.admin, ids, c); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestBulkRefused(t *testing.T) {
	h := newHouse(t)
	ids := h.several(t, 1)
	staging, err := h.CreateEnvironment(t.Context(), h.admin, models.Environment{Name: "staging"})
	if err != nil {
		t.Fatal(err)
	}
	s, err := h.Create(t.Context(), h.admin, secrets.NewSecret{Environment: staging.ID, Name: "elsewhere", Type: models.Text, Value: plain("v")})
	if err != nil {
		t.Fatal(err)
	}
	ids = append(ids, s.ID)
	sam := models.Actor{Kind: models.ActorUser, ID: "usr_s", UserID: "usr_s", Name: "sam", Role: models.RoleUser}
	sam.Roles = map[models.EnvironmentID]models.EnvironmentRole{h.env.ID: models.RoleEditor}
	owner := "Payments"
	change := secrets.BulkChange{Owner: &owner}

	t.Run("Hidden", func(t *testing.T) {
		plan, err := h.PlanBulk(t.Context(), sam, ids, change)
		if err != nil || plan.Gone != 1 || len(plan.Items) != 1 || len(plan.Items[0].Changes) != 1 {
			t.Fatalf("plan %+v, %v; want what sam may see", plan, err)
		}
		before := h.refusals(t)
		if _, err := h.ApplyBulk(t.Context(), sam, ids, change, plan.Digest); !fault.Is(err, fault.NotFound) || h.refusals(t) != before+1 {
			t.Errorf("%v, %d refusals; want one", err, h.refusals(t)-before)
		}
	})
	t.Run("Viewer", func(t *testing.T) {
		sam.Roles[staging.ID] = models.RoleViewer
		plan, err := h.PlanBulk(t.Context(), sam, ids, change)
		if err != nil || plan.Gone != 0 || len(plan.Items) != 2 || !fault.Is(plan.Items[1].Refused, fault.Forbidden) || plan.Items[1].Changes != nil {
			t.Fatalf("plan %+v, %v; want a refusal for staging", plan, err)
		}
		before := h.refusals(t)
		if _, err := h.ApplyBulk(t.Context(), sam, ids, change, plan.Digest); !fault.Is(err, fault.Forbidden) || h.refusals(t) != before+1 {
			t.Errorf("%v, %d refusals; want one", err, h.refusals(t)-before)
		}
		if h.get(t, ids[0]).Owner == owner {
			t.Error("a part was done")
		}
		if n, err := h.ApplyBulk(t.Context(), sam, ids[:1], change, plan.Digest); n != 1 || err != nil {
			t.Errorf("%d, %v; want what the plan said", n, err)
		}
	})
}

// TestBulkRace has bulk changes of the same secrets meet changes of one of them: all end, and
// each bulk change is done whole or not at all.
// TestBulkOfWhatCameInBetween: a secret of an environment that was not there when the rights were
// looked at is not changed, whatever the digest says: its entry would name no environment.
func TestBulkOfWhatCameInBetween(t *testing.T) {
	arrive := func(h *house) (models.SecretID, error) {
		e, err := h.CreateEnvironment(t.Context(), h.admin, models.Environment{Name: "later"})
		if err != nil {
			return 0, err
		}
		s, err := h.Create(t.Context(), h.admin, secrets.NewSecret{Environment: e.ID, Name: "new", Type: models.Text, Value: plain("v")})
		return s.ID, err
	}
	owner := "Payments"
	change := secrets.BulkChange{Owner: &owner}
	twin := newHouse(t)
	first := twin.several(t, 1)[0]
	second, err := arrive(twin)
	if err != nil {
		t.Fatal(err)
	}
	ids := []models.SecretID{first, second}
	planned := twin.plan(t, ids, change).Digest // what the other one's would be
	h := newHouse(t)
	h.several(t, 1)
	var came models.SecretID
	h.Now = func() time.Time {
		h.Now = time.Now
		if came, err = arrive(h); err != nil {
			t.Error(err)
		}
		return time.Now()
	}
	n, err := h.ApplyBulk(t.Context(), h.admin, ids, change, planned)
	if came != second {
		t.Fatalf("the secret that came is %d, want %d", came, second)
	}
	if n != 0 || !fault.Is(err, fault.Stale) || h.get(t, second).Owner != "" {
		t.Errorf("%d changed, %v", n, err)
	}
	if planned != h.plan(t, ids, change).Digest {
		t.Error("the digest is another one, and the test proves nothing")
	}
	if n, err := h.ApplyBulk(t.Context(), h.admin, ids, change, planned); n != 2 || err != nil {
		t.Errorf("once all of it is there: %d changed, %v", n, err)
	}
}

func TestBulkRace(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		ids := h.several(t, 8)
		var all sync.WaitGroup
		for i := range 6 {
			owner := fmt.Sprint("owner ", i)
			all.Go(func() {
				c := secrets.BulkChange{Owner: &owner}
				plan, err := h.PlanBulk(t.Context(), h.admin, ids, c)
				if err == nil {
					_, err = h.ApplyBulk(t.Context(), h.admin, ids, c, plan.Digest)
				}
				if err != nil && !fault.Is(err, fault.Stale) {
					t.Error(err)
				}
			})
			all.Go(func() {
				days := i
				if _, err := h.Update(t.Context(), h.admin, ids[7-i], secrets.Change{RotateEvery: &days}, 0); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		for _, id := range ids {
			if got := h.get(t, id).Owner; got != h.get(t, ids[0]).Owner {
				t.Errorf("owners %q and %q: a part of a bulk change was done", got, h.get(t, ids[0]).Owner)
			}
		}
	})
}

func TestMatching(t *testing.T) {
	h := newHouse(t)
	ids := h.several(t, 5)
	got, more, err := h.Matching(t.Context(), h.admin, secrets.Query{Search: "s0", Limit: 2, Cursor: "left over"})
	if err != nil || more {
		t.Fatal(more, err)
	}
	if diff := cmp.Diff(ids, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
