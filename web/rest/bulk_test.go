package rest

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/models"
)

// bulkOperations changes, deletes and undeletes two secrets as dry runs showed it.
func bulkOperations(t *testing.T, h *house) {
	ctx, c := t.Context(), h.admin
	a, b := h.create("bulk/a", canary), h.create("bulk/b", canary)
	must(t, second(c.UpdateSecret(ctx, b.ID, api.SecretChange{Owner: new("pay"), Tags: &api.Tags{"old": "1"}}, 0)))
	end := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
	change := api.BulkChange{
		IDs: []int64{b.ID, a.ID, 4711}, Owner: new("pay"), Tags: api.Tags{"team": "x"}, Untag: []string{"old"},
		ExpiresAt: api.ExpiresAt(end), RotateEveryDays: new(30),
	}
	change.DryRun = true
	shown, err := c.ChangeSecrets(ctx, change)
	must(t, err)
	both := []api.FieldChange{{Field: "expires_at", To: "2031-02-03T04:05:06Z"}, {Field: "rotate_every_days", From: "0", To: "30"}}
	want := api.BulkResult{Gone: 1, Digest: shown.Digest, IDs: []int64{a.ID, b.ID}, Items: []api.BulkItem{
		{ID: a.ID, EnvironmentID: h.production.ID, Name: "bulk/a", Changes: append([]api.FieldChange{{Field: "owner", To: "pay"}}, append(both, api.FieldChange{Field: "tags", To: "team=x"})...)},
		{ID: b.ID, EnvironmentID: h.production.ID, Name: "bulk/b", Changes: append(both[:2:2], api.FieldChange{Field: "tags", From: "old=1"}, api.FieldChange{Field: "tags", To: "team=x"})},
	}}
	if diff := cmp.Diff(want, shown); diff != "" || len(shown.Digest) != 64 {
		t.Errorf("shown: -want +got\n%s", diff)
	}
	if still, err := c.GetSecret(ctx, a.ID); err != nil || still.Owner != "" {
		t.Errorf("a dry run changed something: %+v, %v", still, err)
	}
	change.DryRun, change.Digest, change.IDs = false, shown.Digest, shown.IDs
	done, err := c.ChangeSecrets(ctx, change)
	must(t, err)
	got, err := c.GetSecret(ctx, b.ID)
	must(t, err)
	if done.Changed != 2 || got.Owner != "pay" || !got.ExpiresAt.Equal(end) || got.RotateEveryDays != 30 || cmp.Diff(api.Tags{"team": "x"}, got.Tags) != "" {
		t.Errorf("changed: %+v, %+v", done, got)
	}
	isKind(t, second(c.ChangeSecrets(ctx, change)), "stale", "") // it is done already
	for _, act := range []api.BulkChange{{Delete: true}, {Undelete: true}} {
		act.IDs, act.DryRun = []int64{a.ID, b.ID}, true
		shown, err := c.ChangeSecrets(ctx, act)
		must(t, err)
		act.DryRun, act.Digest = false, shown.Digest
		done, err := c.ChangeSecrets(ctx, act)
		must(t, err)
		if found, err := c.GetSecret(ctx, a.ID); err != nil || done.Changed != 2 || found.DeletedAt.IsZero() == act.Delete {
			t.Errorf("delete %v: %+v, %+v, %v", act.Delete, done, found, err)
		}
	}
}

func TestBulkRefused(t *testing.T) {
	h := newHouse(t)
	root := h.token("root", models.RoleAdmin, nil)
	a := h.create("a", canary)
	for name, bad := range map[string]struct{ body, field string }{
		"Nothing":          {`{"ids":[1],"dry_run":true}`, ""},
		"NoDigest":         {`{"ids":[1],"owner":"x"}`, "digest"},
		"DigestAndDryRun":  {`{"ids":[1],"owner":"x","dry_run":true,"digest":"x"}`, "digest"},
		"NoSecret":         {`{"ids":[],"owner":"x","dry_run":true}`, ""},
		"DeleteAndMore":    {`{"ids":[1],"owner":"x","delete":true,"dry_run":true}`, ""},
		"TagAndUntag":      {`{"ids":[1],"tags":{"a":"b"},"untag":["a"],"dry_run":true}`, "untag"},
		"BadReminder":      {`{"ids":[1],"rotate_every_days":-1,"dry_run":true}`, "rotate_every_days"},
		"UnknownField":     {`{"ids":[1],"values":"x","dry_run":true}`, "values"},
		"BadExpiry":        {`{"ids":[1],"expires_at":"soon","dry_run":true}`, "expires_at"},
		"IDsThatAreNoneIs": {`{"ids":["a"],"owner":"x","dry_run":true}`, "ids"},
	} {
		t.Run(name, func(t *testing.T) {
			response, problem, body := h.raw(root, "POST", "/api/secrets/bulk", bad.body)
			if response.StatusCode != http.StatusBadRequest || bad.field != "" && (len(problem.Errors) == 0 || problem.Errors[0].Field != bad.field) {
				t.Errorf("got %d %s", response.StatusCode, body)
			}
		})
	}
	t.Run("Viewer", func(t *testing.T) {
		viewer := h.as("vera", models.RoleViewer)
		change := api.BulkChange{IDs: []int64{a.ID}, Owner: new("x"), DryRun: true}
		shown, err := viewer.ChangeSecrets(t.Context(), change)
		must(t, err)
		if len(shown.IDs) != 0 || len(shown.Items) != 1 || shown.Items[0].Problem == "" {
			t.Errorf("shown: %+v", shown)
		}
		asked, err := h.admin.ChangeSecrets(t.Context(), change)
		must(t, err)
		change.DryRun, change.Digest = false, asked.Digest
		isKind(t, second(viewer.ChangeSecrets(t.Context(), change)), "forbidden", "")
		stranger := h.client(h.token("strange", models.RoleUser, map[int64]models.EnvironmentRole{h.staging.ID: models.RoleManager}))
		isKind(t, second(stranger.ChangeSecrets(t.Context(), change)), "not_found", "")
	})
	t.Run("Changed", func(t *testing.T) {
		change := api.BulkChange{IDs: []int64{a.ID}, Owner: new("y"), DryRun: true}
		shown, err := h.admin.ChangeSecrets(t.Context(), change)
		must(t, err)
		must(t, second(h.admin.UpdateSecret(t.Context(), a.ID, api.SecretChange{Description: new("meanwhile")}, 0)))
		change.DryRun, change.Digest = false, shown.Digest
		isKind(t, second(h.admin.ChangeSecrets(t.Context(), change)), "stale", "")
		if got, err := h.admin.GetSecret(t.Context(), a.ID); err != nil || got.Owner != "" {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

// TestSyncSecrets has the copies of some secrets looked at, and no others.
func TestSyncSecrets(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	a, b := h.create("a", canary), h.create("b", canary)
	d, err := h.admin.CreateDestination(ctx, api.NewDestination{
		EnvironmentID: api.EnvironmentByID(h.production.ID), Name: "copy", Kind: api.Memory, Config: api.DestinationConfig{Prefix: "p/"},
	})
	must(t, err)
	h.work(d.ID)
	for _, name := range []string{"p/a", "p/b"} {
		h.place.Edit(name, []byte("theirs"))
	}
	runs, err := h.admin.Sync(ctx, api.SyncRequest{SecretIDs: []int64{b.ID}})
	must(t, err)
	if len(runs.Items) != 1 || runs.Items[0].DestinationID != d.ID || runs.Items[0].Status != api.RunQueued || runs.Items[0].Full {
		t.Fatalf("runs %+v", runs)
	}
	h.work(d.ID)
	left, _ := h.place.Get("p/a")
	mended, _ := h.place.Get("p/b")
	if string(left.Value) != "theirs" || string(mended.Value) != canary {
		t.Errorf("there are values of %d and %d bytes", len(left.Value), len(mended.Value))
	}
	log, err := h.admin.ListAudit(ctx, api.ListAuditParams{Action: "sync.trigger"})
	must(t, err)
	if len(log.Items) != 1 || log.Items[0].Object != "b" {
		t.Errorf("on record: %+v", log.Items)
	}
	for name, bad := range map[string]struct{ body, field string }{
		"None":        {`{"secret_ids":[]}`, "secret_ids"},
		"Environment": {`{"secret_ids":[1],"environment_id":"production"}`, "environment_id"},
		"NoNumbers":   {`{"secret_ids":["a"]}`, "secret_ids"},
		"TooMany":     {`{"secret_ids":[` + strings.Repeat("1,", 1000) + `1]}`, "secret_ids"},
	} {
		t.Run(name, func(t *testing.T) {
			response, problem, body := h.raw(h.token(name, models.RoleAdmin, nil), "POST", "/api/sync", bad.body)
			if response.StatusCode != http.StatusBadRequest || len(problem.Errors) == 0 || problem.Errors[0].Field != bad.field {
				t.Errorf("got %d %s", response.StatusCode, body)
			}
		})
	}
	t.Run("Refused", func(t *testing.T) {
		asked := api.SyncRequest{SecretIDs: []int64{a.ID}}
		isKind(t, second(h.as("rea", models.RoleReader).Sync(ctx, asked)), "forbidden", "")
		stranger := h.client(h.token("strange", models.RoleUser, map[int64]models.EnvironmentRole{h.staging.ID: models.RoleManager}))
		isKind(t, second(stranger.Sync(ctx, asked)), "not_found", "")
		isKind(t, second(h.admin.Sync(ctx, api.SyncRequest{SecretIDs: []int64{a.ID, 4711}})), "not_found", "")
		must(t, second(h.admin.PauseDestination(ctx, d.ID)))
		isKind(t, second(h.admin.Sync(ctx, asked)), "conflict", "")
	})
}
