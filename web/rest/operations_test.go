package rest

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/client"
)

// TestEveryOperation goes once through all that the document names, and fails where one was
// never answered with success.
func TestEveryOperation(t *testing.T) {
	h := newHouse(t)
	h.twice = true
	t.Run("Secrets", func(t *testing.T) { secretOperations(t, h) })
	t.Run("Bulk", func(t *testing.T) { bulkOperations(t, h) })
	t.Run("Export", func(t *testing.T) { exportOperations(t, h) })
	t.Run("Environments", func(t *testing.T) { environmentOperations(t, h) })
	t.Run("Destinations", func(t *testing.T) { destinationOperations(t, h) })
	t.Run("Alerts", func(t *testing.T) { alertOperations(t, h) })
	t.Run("Tokens", func(t *testing.T) { tokenOperations(t, h) })
	t.Run("People", func(t *testing.T) { peopleOperations(t, h) })
	t.Run("Providers", func(t *testing.T) { providerOperations(t, h) })
	t.Run("Keys", func(t *testing.T) { keyOperations(t, h) })
	t.Run("Audit", func(t *testing.T) { auditOperations(t, h) })
	document, err := specification()
	must(t, err)
	for path, item := range document.Paths.Map() {
		for method, operation := range item.Operations() {
			if !h.seen[operation.OperationID] {
				t.Errorf("%s %s (%s) was never answered with success", method, path, operation.OperationID)
			}
		}
	}
	if h.log.Len() > 0 {
		t.Errorf("something was logged: %s", h.log)
	}
}

func secretOperations(t *testing.T, h *house) {
	ctx, c := t.Context(), h.admin
	expires := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
	created, err := c.CreateSecret(ctx, api.NewSecret{
		Name: "payments/config", SecretType: "json", Value: api.NewValue(`{"a":"` + canary + `"}`), EnvironmentID: api.EnvironmentNamed("production"),
		Description: "d", Owner: "payments", Tags: api.Tags{"team": "a"}, ExpiresAt: api.ExpiresAt(expires), RotateEveryDays: 30, Comment: "first",
	})
	must(t, err)
	want := api.Secret{
		ID: created.ID, EnvironmentID: h.production.ID, Name: "payments/config", SecretType: api.JSON, Description: "d", Owner: "payments",
		Tags: api.Tags{"team": "a"}, ExpiresAt: expires, RotateEveryDays: 30, RotationDueAt: created.ValueChangedAt.AddDate(0, 0, 30), Version: 1,
		Size: len(canary) + 8, Facts: api.Facts{Keys: []string{"a"}}, Revision: 1, CreatedAt: created.CreatedAt, CreatedBy: created.CreatedBy,
		UpdatedAt: created.CreatedAt, UpdatedBy: created.CreatedBy, ValueChangedAt: created.CreatedAt,
	}
	if diff := cmp.Diff(want, created); diff != "" || created.CreatedAt.IsZero() || created.CreatedBy == "" {
		t.Errorf("created: -want +got\n%s", diff)
	}
	got, err := c.GetSecret(ctx, created.ID)
	must(t, err)
	if diff := cmp.Diff(created, got); diff != "" {
		t.Errorf("read: -want +got\n%s", diff)
	}
	revealed, err := c.RevealSecret(ctx, created.ID)
	must(t, err)
	if revealed.Value.Reveal() != `{"a":"`+canary+`"}` || revealed.ValueHidden {
		t.Errorf("the value is not what was written")
	}

	description, empty := "other", api.Tags{}
	changed, err := c.UpdateSecret(ctx, created.ID, api.SecretChange{Description: &description, Tags: &empty, ExpiresAt: api.NeverExpires()}, created.Revision)
	must(t, err)
	if changed.Description != "other" || len(changed.Tags) != 0 || !changed.ExpiresAt.IsZero() || changed.Owner != "payments" || changed.Version != 1 || changed.Revision != 2 {
		t.Errorf("changed: got %+v", changed)
	}
	replaced, err := c.ReplaceSecret(ctx, created.ID, api.ReplaceSecret{
		Name: created.Name, SecretType: "JSON", EnvironmentID: api.EnvironmentNamed("production"), Value: api.NewValue(`"` + canary + `"`), Comment: "second",
	}, changed.Revision)
	must(t, err)
	if replaced.Version != 2 || replaced.Description != "other" {
		t.Errorf("replaced: got %+v", replaced)
	}
	back, err := c.RollbackSecret(ctx, created.ID, api.Rollback{Version: 1, Comment: "back"}, replaced.Revision)
	must(t, err)
	versions, err := client.Collect(c.Versions(ctx, created.ID))
	must(t, err)
	if len(versions) != 3 || back.Version != 3 || versions[0].RolledBackFrom != 1 || versions[0].Comment != "back" || versions[2].Comment != "first" {
		t.Errorf("versions: got %+v", versions)
	}
	second, err := c.GetVersion(ctx, created.ID, 2)
	must(t, err)
	if second.Value.Reveal() != `"`+canary+`"` || second.Number != 2 {
		t.Errorf("version 2 is %d", second.Number)
	}
	deleted, err := c.DeleteSecret(ctx, created.ID, back.Revision)
	must(t, err)
	if deleted.DeletedAt.IsZero() || !deleted.UndeleteUntil.Equal(deleted.DeletedAt.Add(24*time.Hour)) {
		t.Errorf("deleted: got %+v", deleted)
	}
	if hidden, err := c.RevealSecret(ctx, created.ID); err != nil || !hidden.ValueHidden || !hidden.Value.IsZero() || hidden.DeletedAt.IsZero() {
		t.Errorf("a deleted secret: got %+v, %v", hidden, err)
	}
	if found, err := c.FindSecret(ctx, api.EnvironmentNamed("production"), created.Name, true); err != nil || found.ID != created.ID {
		t.Errorf("found deleted: got %+v, %v", found, err)
	}
	undeleted, err := c.UndeleteSecret(ctx, created.ID)
	must(t, err)
	if !undeleted.DeletedAt.IsZero() || !undeleted.UndeleteUntil.IsZero() {
		t.Errorf("undeleted: got %+v", undeleted)
	}
	activity, err := client.Collect(c.SecretActivity(ctx, created.ID))
	must(t, err)
	var actions []string
	for _, one := range activity {
		actions = append(actions, one.Action+" "+one.Outcome)
	}
	wantActions := []string{
		"secret.undelete allowed", "secret.delete allowed", "secret.reveal allowed", "secret.rollback allowed",
		"secret.update allowed", "secret.update allowed", "secret.reveal allowed", "secret.create allowed",
	}
	if diff := cmp.Diff(wantActions, actions); diff != "" {
		t.Errorf("activity: -want +got\n%s", diff)
	}
}

func environmentOperations(t *testing.T, h *house) {
	ctx, c := t.Context(), h.admin
	created, err := c.CreateEnvironment(ctx, api.NewEnvironment{Name: "testing", Description: "d"})
	must(t, err)
	named := api.EnvironmentNamed("testing")
	if got, err := c.GetEnvironment(ctx, named); err != nil || got != created || created.DisplayName != "testing" || created.Revision != 1 {
		t.Errorf("got %+v, %v; want %+v", got, err, created)
	}
	display := "Testing"
	changed, err := c.UpdateEnvironment(ctx, api.EnvironmentByID(created.ID), api.EnvironmentChange{DisplayName: &display}, created.Revision)
	must(t, err)
	if changed.DisplayName != display || changed.Description != "d" || changed.Revision != 2 {
		t.Errorf("changed: got %+v", changed)
	}
	replaced, err := c.ReplaceEnvironment(ctx, named, api.ReplaceEnvironment{Color: "blue"}, changed.Revision)
	must(t, err)
	if replaced.DisplayName != "testing" || replaced.Description != "" || replaced.Color != "blue" {
		t.Errorf("replaced: got %+v", replaced)
	}
	isKind(t, c.DeleteEnvironment(ctx, named, changed.Revision), "stale", "")
	must(t, c.DeleteEnvironment(ctx, named, replaced.Revision))
	list, err := c.ListEnvironments(ctx)
	must(t, err)
	if len(list.Items) != 2 || list.Items[0].Name != "production" || list.Items[1].Name != "staging" {
		t.Errorf("listed: got %+v", list.Items)
	}
}

func destinationOperations(t *testing.T, h *house) {
	ctx, c := t.Context(), h.admin
	created, err := c.CreateDestination(ctx, api.NewDestination{
		EnvironmentID: api.EnvironmentNamed("production"), Name: "copy", Kind: api.Memory, Config: api.DestinationConfig{Prefix: "p/"},
		Credentials: api.DestinationCredentials{VaultToken: api.NewValue(canary)}, IntervalSeconds: 60,
	})
	must(t, err)
	if got, err := c.GetDestination(ctx, created.ID); err != nil || !cmp.Equal(got, created) || !created.HasCredentials || created.Config.Prefix != "p/" {
		t.Errorf("got %+v, %v; want %+v", got, err, created)
	}
	if result, err := c.TestDestination(ctx, created.ID); err != nil || !result.OK {
		t.Errorf("test: got %+v, %v", result, err)
	}
	interval := 120
	changed, err := c.UpdateDestination(ctx, created.ID, api.DestinationChange{IntervalSeconds: &interval}, created.Revision)
	must(t, err)
	if changed.IntervalSeconds != 120 || !changed.HasCredentials || changed.Revision != created.Revision+1 {
		t.Errorf("changed: got %+v", changed)
	}
	if paused, err := c.PauseDestination(ctx, created.ID); err != nil || !paused.Paused {
		t.Errorf("paused: got %+v, %v", paused, err)
	}
	if _, err := c.SyncDestination(ctx, created.ID); err != nil {
		isKind(t, err, "conflict", "")
	} else {
		t.Error("a paused destination was synced")
	}
	if runs, err := c.Sync(ctx, api.SyncRequest{}); err != nil || len(runs.Items) != 0 {
		t.Errorf("sync of what is paused: got %+v, %v", runs, err)
	}
	if resumed, err := c.ResumeDestination(ctx, created.ID); err != nil || resumed.Paused {
		t.Errorf("resumed: got %+v, %v", resumed, err)
	}
	if tried, err := c.TryPermissions(ctx, created.ID); err != nil || len(tried.Items) == 0 || !tried.Items[0].OK || tried.Items[0].Permission == "" {
		t.Errorf("permissions: got %+v, %v", tried, err)
	}
	syncOperations(t, h, created)
	runOperations(t, h, created)
	receiptOperations(t, h, created)
	planOperations(t, h, created)
	importOperations(t, h, created)
	list, err := c.ListDestinations(ctx, api.ListDestinationsParams{EnvironmentID: "production"})
	must(t, err)
	if other, err := c.ListDestinations(ctx, api.ListDestinationsParams{EnvironmentID: "staging"}); err != nil || len(other.Items) != 0 || len(list.Items) != 1 {
		t.Errorf("listed: got %+v and %+v, %v", list, other, err)
	}
	isKind(t, c.DeleteDestination(ctx, created.ID, created.Revision), "stale", "")
	must(t, c.DeleteDestination(ctx, created.ID, 0))
}

func syncOperations(t *testing.T, h *house, d api.Destination) {
	ctx, c := t.Context(), h.admin
	secret := h.create("synced", canary)
	run, err := c.SyncDestination(ctx, d.ID)
	must(t, err)
	runs, err := c.Sync(ctx, api.SyncRequest{EnvironmentID: api.EnvironmentNamed("production")})
	must(t, err)
	if len(runs.Items) != 1 || runs.Items[0].ID != run.ID || run.Status != api.RunQueued || run.Trigger != "manual" {
		t.Errorf("got %+v and %+v; want one queued run that serves both", run, runs)
	}
	h.work(d.ID)
	done, err := c.GetRun(ctx, run.ID)
	must(t, err)
	if done.Status != api.RunSucceeded || done.Counts.Created == 0 || done.FinishedAt.IsZero() {
		t.Errorf("run: got %+v", done)
	}
	results, err := client.Collect(c.Results(ctx, run.ID, api.ListResultsParams{}))
	must(t, err)
	if len(results) != done.Counts.Created || results[0].Action != "create" || results[0].Status != api.StatusInSync {
		t.Errorf("results: got %+v", results)
	}
	if failed, err := client.Collect(c.Results(ctx, run.ID, api.ListResultsParams{Failed: true})); err != nil || len(failed) != 0 {
		t.Errorf("failed results: got %+v, %v", failed, err)
	}
	all, err := client.Collect(c.Runs(ctx, api.ListRunsParams{EnvironmentID: "production", Status: api.RunSucceeded}))
	must(t, err)
	if len(all) != 1 || all[0] != done {
		t.Errorf("runs: got %+v; want %+v", all, done)
	}
	states, err := client.Collect(c.States(ctx, api.ListStatesParams{DestinationID: d.ID, Search: "SYNC", Status: []api.SyncStatus{api.StatusInSync}}))
	must(t, err)
	of, err := c.ListSecretStates(ctx, secret.ID)
	must(t, err)
	if len(states) != 1 || states[0].SecretName != "synced" || states[0].RemoteName != "p/synced" || states[0].Version != 1 || states[0].Pending ||
		states[0].Next != "nothing" || states[0].Why != "The destination holds Keeper's current value." {
		t.Errorf("states: got %+v", states)
	}
	if diff := cmp.Diff(states, of.Items); diff != "" {
		t.Errorf("states of the secret: -list +secret\n%s", diff)
	}
	if drifted, err := c.ListSecrets(ctx, api.ListSecretsParams{SyncStatus: api.StatusDrifted}); err != nil || len(drifted.Items) != 0 {
		t.Errorf("drifted: got %+v, %v", drifted, err)
	}
}

func planOperations(t *testing.T, h *house, d api.Destination) {
	ctx, c := t.Context(), h.admin
	manual := d.Config
	manual.Strategy, manual.BrakeMost = api.Manual, new(7)
	changed, err := c.UpdateDestination(ctx, d.ID, api.DestinationChange{Config: &manual}, 0)
	must(t, err)
	if changed.Config.Strategy != api.Manual || *changed.Config.BrakeMost != 7 {
		t.Errorf("settings: got %+v", changed.Config)
	}
	secret := h.create("planned", canary)
	plan, err := c.PlanSync(ctx, d.ID)
	must(t, err)
	items, err := client.Collect(c.PlanItems(ctx, plan.ID))
	must(t, err)
	if plan.Status != api.PlanDraft || plan.Counts.Creates != 1 || len(plan.Digest) != 64 || len(items) != 1 || items[0].SecretName != "planned" || items[0].Action != "create" {
		t.Errorf("plan: got %+v with %+v", plan, items)
	}
	other, err := c.PlanSync(ctx, d.ID)
	must(t, err)
	if ended, err := c.DiscardPlan(ctx, other.ID); err != nil || ended.Status != api.PlanDiscarded {
		t.Errorf("discarded: got %+v, %v", ended, err)
	}
	if drafts, err := c.ListPlans(ctx, api.ListPlansParams{EnvironmentID: "production", DestinationID: d.ID, Status: api.PlanDraft}); err != nil || len(drafts.Items) != 1 {
		t.Errorf("drafts: got %+v, %v", drafts, err)
	}
	_, err = c.ApplyPlan(ctx, plan.ID, "00")
	isKind(t, err, "stale", "")
	run, err := c.ApplyPlan(ctx, plan.ID, plan.Digest)
	must(t, err)
	h.work(d.ID)
	if done, err := c.GetRun(ctx, run.ID); err != nil || done.Status != api.RunSucceeded || done.Counts.Created != 1 || done.PlanID != plan.ID {
		t.Errorf("run: got %+v, %v", done, err)
	}
	if applied, err := c.GetPlan(ctx, plan.ID); err != nil || applied.Status != api.PlanApplied || applied.RunID != run.ID {
		t.Errorf("applied: got %+v, %v", applied, err)
	}

	h.place.Edit("p/planned", []byte(canary+" of theirs"))
	_, err = c.SyncDestination(ctx, d.ID)
	must(t, err)
	h.work(d.ID)
	held, err := c.ListHolds(ctx, d.ID, api.ListHoldsParams{})
	must(t, err)
	hold, err := c.GetHold(ctx, d.ID, secret.ID)
	must(t, err)
	if len(held.Items) != 1 || !cmp.Equal(held.Items[0], hold) || hold.Status != api.StatusDrifted || hold.RemoteSize != len(canary)+10 || len(hold.RemoteHash) != 64 {
		t.Errorf("held: got %+v and %+v", held, hold)
	}
	versions, err := c.ListVersions(ctx, secret.ID, api.ListVersionsParams{})
	must(t, err)
	keepers := versions.Items[0]
	if hold.Version != keepers.Number || len(hold.KeeperHash) != 64 || hold.KeeperHash == hold.RemoteHash || hold.KeeperSize != len(canary) ||
		!hold.KeeperAt.Equal(keepers.CreatedAt) || hold.KeeperBy != keepers.CreatedBy || hold.KeeperBy == "" {
		t.Errorf("Keeper's side: got %+v, want that of %+v", hold, keepers)
	}
	states, err := c.ListSecretStates(ctx, secret.ID)
	must(t, err)
	listed, err := client.Collect(c.States(ctx, api.ListStatesParams{DestinationID: d.ID, Search: "planned"}))
	must(t, err)
	if len(states.Items) != 1 || states.Items[0].Next != "waits for a person" || states.Items[0].Why != hold.Why {
		t.Errorf("what is next: got %+v", states.Items)
	}
	if diff := cmp.Diff(listed, states.Items); diff != "" {
		t.Errorf("states of the secret: -list +secret\n%s", diff)
	}
	if value, err := c.RevealRemote(ctx, d.ID, secret.ID); err != nil || value.Reveal() != canary+" of theirs" {
		t.Errorf("the value there: got %d bytes, %v", len(value.Reveal()), err)
	}
	isKind(t, c.Rule(ctx, d.ID, secret.ID, api.Ruling{Side: "both", Version: hold.Version, RemoteVersion: hold.RemoteVersion}), "invalid", "")
	must(t, c.Rule(ctx, d.ID, secret.ID, api.Ruling{Side: "remote", Version: hold.Version, RemoteVersion: hold.RemoteVersion}))
	h.work(d.ID)
	if taken, err := c.RevealSecret(ctx, secret.ID); err != nil || taken.Value.Reveal() != canary+" of theirs" || taken.Version != 2 {
		t.Errorf("taken: got version %d, %v", taken.Version, err)
	}
}

func tokenOperations(t *testing.T, h *house) {
	ctx, c := t.Context(), h.admin
	created, err := c.CreateToken(ctx, api.NewToken{
		Name: "ci", EnvironmentIDs: []api.EnvironmentRef{api.EnvironmentNamed("staging")}, ReadOnly: true,
		ExpiresAt: api.ExpiresAt(time.Now().Add(time.Hour)),
	})
	must(t, err)
	narrow := h.client(created.Text.Reveal())
	me, err := narrow.GetMe(ctx)
	must(t, err)
	want := api.Me{
		Kind: "token", ID: created.ID, Name: me.Name, UserID: me.UserID, Role: "admin", ReadOnly: true,
		Environments: []api.MyEnvironment{{ID: h.staging.ID, Name: "staging", MayReveal: true}},
	}
	if diff := cmp.Diff(want, me); diff != "" || me.UserID == "" {
		t.Errorf("me: -want +got\n%s", diff)
	}
	list, err := c.ListTokens(ctx)
	must(t, err)
	if len(list.Items) != 2 || list.Items[0].ID != created.ID || !cmp.Equal(list.Items[0].EnvironmentIDs, []int64{h.staging.ID}) ||
		!strings.HasPrefix(created.Text.Reveal(), list.Items[0].TokenHint) {
		t.Errorf("listed: got %+v", list.Items)
	}
	must(t, c.RevokeToken(ctx, created.ID))
	_, err = narrow.GetMe(ctx)
	isKind(t, err, "unauthenticated", "")
}

// TestExamples sends the examples that are promised, byte for byte.
func TestExamples(t *testing.T) {
	h := newHouse(t)
	admin := h.token("root", "admin", nil)
	response, _, body := h.raw(admin, "POST", "/api/environments", `{"name": "live", "display_name": "Live", "kms_key_alias": "alias/keeper-live"}`)
	if response.StatusCode != http.StatusCreated || response.Header.Get("Location") != "/api/environments/3" || response.Header.Get("ETag") != `"1"` ||
		!strings.Contains(body, `"kms_key_alias":"alias/keeper-live"`) {
		t.Errorf("got %d %v %s", response.StatusCode, response.Header, body)
	}
	for n, environment := range []string{`3`, `"live"`, `"3"`} {
		name := []string{"a", "b", "c"}[n]
		response, _, body := h.raw(admin, "POST", "/api/secrets",
			`{"name": "`+name+`", "secret_type": "password", "value": "`+canary+`", "environment_id": `+environment+`}`)
		if response.StatusCode != http.StatusCreated || !strings.Contains(body, `"secret_type":"PASSWORD"`) || !strings.Contains(body, `"environment_id":3`) {
			t.Errorf("environment %s: got %d %s", environment, response.StatusCode, body)
		}
	}
	response, _, body = h.raw(admin, "GET", "/api/secrets/1", "")
	if response.StatusCode != http.StatusOK || !strings.Contains(body, `"value":"`+canary+`"`) || response.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("got %d %s", response.StatusCode, body)
	}
	if response, _, _ := h.raw(admin, "PUT", "/api/secrets/1", `{"value": "`+canary+`-2"}`, "If-Match", response.Header.Get("ETag")); response.StatusCode != http.StatusOK || response.Header.Get("ETag") != `"2"` {
		t.Errorf("got %d %v", response.StatusCode, response.Header)
	}
	if response, _, _ := h.raw(admin, "PATCH", "/api/secrets/1", `{"description": "x"}`); response.StatusCode != http.StatusOK {
		t.Errorf("got %d", response.StatusCode)
	}
	if response, _, body := h.raw(admin, "DELETE", "/api/secrets/1", ""); response.StatusCode != http.StatusOK || !strings.Contains(body, `"undelete_until":"`) {
		t.Errorf("got %d %s", response.StatusCode, body)
	}
	if response, _, body := h.raw(admin, "GET", "/api/environments", ""); response.StatusCode != http.StatusOK || !strings.Contains(body, `"name":"live"`) {
		t.Errorf("got %d %s", response.StatusCode, body)
	}
}

// TestPages follows lists to their end, by cursor and by Link.
func TestPages(t *testing.T) {
	h := newHouse(t)
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		h.create(name, canary+name)
	}
	limit := 2
	for order, want := range map[string]string{"asc": "abcde", "desc": "edcba"} {
		got := ""
		for secret, err := range h.admin.Secrets(t.Context(), api.ListSecretsParams{Limit: &limit, Order: order, Search: ""}) {
			must(t, err)
			got += secret.Name
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", order, got, want)
		}
	}
	token := h.token("links", "admin", nil)
	pages, next := 0, "/api/secrets?limit=2&environment_id=production"
	for next != "" {
		pages++
		response, _, _ := h.raw(token, "GET", next, "")
		link := response.Header.Get("Link")
		next, _, _ = strings.Cut(strings.TrimPrefix(link, "<"), `>; rel="next"`)
	}
	if pages != 3 {
		t.Errorf("%d pages by Link, want 3", pages)
	}
	one := 1
	for n := range 3 {
		_, err := h.admin.ReplaceSecret(t.Context(), 1, api.ReplaceSecret{Value: api.NewValue(strings.Repeat("x", n+1))}, 0)
		must(t, err)
	}
	list, err := h.admin.ListVersions(t.Context(), 1, api.ListVersionsParams{Limit: &one})
	must(t, err)
	if list.Next == "" || list.Items[0].Number != 4 {
		t.Errorf("got %+v", list)
	}
	last, err := h.admin.ListVersions(t.Context(), 1, api.ListVersionsParams{Limit: &one, Cursor: "2"})
	must(t, err)
	if last.Next != "" || last.Items[0].Number != 1 {
		t.Errorf("got %+v", last)
	}
}

// TestFilters narrows a list by each filter.
func TestFilters(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	soon := time.Now().Add(time.Hour)
	add := func(name, environment, kind, value string, change func(*api.NewSecret)) {
		n := api.NewSecret{Name: name, SecretType: kind, Value: api.NewValue(value), EnvironmentID: api.EnvironmentNamed(environment)}
		if change != nil {
			change(&n)
		}
		_, err := h.admin.CreateSecret(ctx, n)
		must(t, err)
	}
	add("alpha", "production", "TEXT", canary, func(n *api.NewSecret) { n.Tags, n.Owner = api.Tags{"k": "v"}, "ops" })
	add("beta", "production", "PASSWORD", canary, func(n *api.NewSecret) { n.Tags, n.ExpiresAt = api.Tags{"k": "w"}, api.ExpiresAt(soon) })
	add("gamma", "staging", "TEXT", canary, func(n *api.NewSecret) { n.Description = "beta too" })
	gone := h.create("delta", canary)
	_, err := h.admin.DeleteSecret(ctx, gone.ID, 0)
	must(t, err)
	for want, params := range map[string]api.ListSecretsParams{
		"alpha beta gamma": {},
		"alpha beta":       {EnvironmentID: []string{"production"}},
		"gamma":            {EnvironmentID: []string{"2"}},
		"beta gamma":       {Search: "BETA"},
		"gamma alpha":      {SecretType: []string{"text"}, Order: "desc"},
		"beta":             {TagKey: "k", TagValue: "w"},
		"beta alpha":       {TagKey: "k", Sort: "type"},
		"alpha":            {Owner: "ops"},
		" beta":            {ExpiringBefore: soon.Add(time.Minute)},
		"delta":            {Deleted: true},
		" gamma":           {EnvironmentID: []string{"staging"}, Name: "gamma"},
		"":                 {EnvironmentID: []string{"staging"}, Name: "alpha"},
		" ":                {EnvironmentID: []string{"production"}, Name: "delta"},
	} {
		list, err := h.admin.ListSecrets(ctx, params)
		must(t, err)
		var names []string
		for _, one := range list.Items {
			names = append(names, one.Name)
		}
		if got := strings.Join(names, " "); got != strings.TrimSpace(want) {
			t.Errorf("%+v: got %q, want %q", params, got, want)
		}
	}
}
