package rest

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/keys"
	"github.com/your-org/keeper/kms/recovery"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

var production = api.EnvironmentNamed("production")

// workKeys does the work of a key run until it ends.
func (h *house) workKeys(run api.KeyRun) api.KeyRun {
	h.t.Helper()
	for range 100 {
		if _, err := h.keys.Work(h.t.Context(), models.Job{Kind: keys.JobKind, Key: run.ID}); err != nil {
			h.t.Fatal(err)
		}
		var err error
		run, err = h.admin.GetKeyRun(h.t.Context(), run.ID)
		must(h.t, err)
		if !run.FinishedAt.IsZero() {
			return run
		}
	}
	h.t.Fatalf("the run does not end: %+v", run)
	return run
}

// offline makes an offline recovery key: an identity file's text, and its recipient.
func offline(t *testing.T) (identity []byte, recipient string) {
	t.Helper()
	made, recipient, err := recovery.Generate(time.Now())
	must(t, err)
	return made.Reveal(), recipient
}

// keyNamed finds one of the listed keys.
func keyNamed(t *testing.T, list api.KeyList, id string) api.Key {
	t.Helper()
	for _, one := range list.Items {
		if one.ID == id {
			return one
		}
	}
	t.Fatalf("there is no key %s among %+v", id, list.Items)
	return api.Key{}
}

func keyOperations(t *testing.T, h *house) {
	ctx, c := t.Context(), h.admin
	secret := h.create("guarded", canary)
	t.Run("Recipients", func(t *testing.T) { recipientOperations(t, h) })
	t.Run("Rewrap", func(t *testing.T) { rewrapOperations(t, h) })
	t.Run("Cancel", func(t *testing.T) {
		started, err := c.StartKeyRuns(ctx, api.NewKeyRun{Kind: api.KeyReencrypt, EnvironmentID: production})
		must(t, err)
		cancelled, err := c.CancelKeyRun(ctx, started.Items[0].ID)
		must(t, err)
		if cancelled.Status != api.KeyRunCancelled || cancelled.FinishedAt.IsZero() {
			t.Errorf("got %+v", cancelled)
		}
	})
	t.Run("Test", func(t *testing.T) {
		checks, err := c.TestKeys(ctx, api.KeyTest{EnvironmentID: production})
		must(t, err)
		if len(checks.Items) == 0 || !checks.Items[0].OK || checks.Items[0].Environment != "production" || checks.Items[0].Permission == "" {
			t.Errorf("got %+v", checks.Items)
		}
	})
	if got, err := c.RevealSecret(ctx, secret.ID); err != nil || got.Value.Reveal() != canary {
		t.Errorf("the value is not what it was: %v", err)
	}
}

func recipientOperations(t *testing.T, h *house) {
	ctx, c := t.Context(), h.admin
	identity, recipient := offline(t)
	run, err := c.AddRecipient(ctx, production, api.NewRecipient{Kind: api.RecipientRecovery, Key: recipient, Label: "safe"})
	must(t, err)
	if run.Kind != api.KeyRewrap || run.EnvironmentID != h.production.ID || run.Status != api.KeyRunQueued || run.CreatedBy == "" {
		t.Errorf("added: got %+v", run)
	}
	if done := h.workKeys(run); done.Status != api.KeyRunSucceeded || done.Done != done.Total || done.Total == 0 {
		t.Errorf("the run: got %+v", done)
	}
	list, err := c.ListEnvironmentKeys(ctx, production)
	must(t, err)
	added := keyNamed(t, list, recipient)
	if len(added.Usages) != 1 || added.Usages[0].Role != api.RoleRecovery || added.Usages[0].Label != "safe" || added.Usages[0].Missing != 0 ||
		added.Usages[0].Versions == 0 || added.Usages[0].Drill != nil || added.CanClose {
		t.Errorf("listed: got %+v", added)
	}

	results, err := c.Drill(ctx, production)
	must(t, err)
	var challenge *api.DrillChallenge
	for _, r := range results.Items {
		if r.Kind == api.RecipientKMS && (!r.OK || r.Challenge != nil) {
			t.Errorf("the wrapping key: got %+v", r)
		}
		if r.ID == recipient {
			challenge = r.Challenge
		}
	}
	if challenge == nil {
		t.Fatalf("there is no challenge among %+v", results.Items)
	}
	answer, err := recovery.Answer(bytes.NewReader(identity), challenge.Blob, challenge.Recipient, challenge.Context, challenge.Nonce)
	must(t, err)
	wrong := bytes.Repeat([]byte{1}, len(answer))
	for _, try := range []struct {
		answer []byte
		ok     bool
	}{{wrong, false}, {answer, true}} {
		proved, err := c.AnswerDrill(ctx, production, api.DrillAnswer{
			Recipient: challenge.Recipient, DataKeyID: challenge.DataKeyID, Nonce: challenge.Nonce, Answer: try.answer,
		})
		must(t, err)
		if proved.OK != try.ok || proved.ID != recipient || (proved.Error == "") != try.ok {
			t.Errorf("answered: got %+v, want %v", proved, try.ok)
		}
	}
	list, err = c.ListEnvironmentKeys(ctx, production)
	must(t, err)
	if drill := keyNamed(t, list, recipient).Usages[0].Drill; drill == nil || drill.ProvedAt.IsZero() || drill.Actor == "" {
		t.Errorf("the drill: got %+v", drill)
	}

	run, err = c.RemoveRecipient(ctx, production, api.RemoveRecipientParams{Kind: api.RecipientRecovery, Key: recipient})
	must(t, err)
	h.workKeys(run)
	list, err = c.ListEnvironmentKeys(ctx, production)
	must(t, err)
	for _, one := range list.Items {
		if one.ID == recipient && len(one.Usages) > 0 && one.Usages[0].DataKeys > 0 {
			t.Errorf("something still stands under the removed recipient: %+v", one)
		}
	}
}

func rewrapOperations(t *testing.T, h *house) {
	ctx, c := t.Context(), h.admin
	before, err := c.ListKeys(ctx)
	must(t, err)
	if first := keyNamed(t, before, "k"); len(first.Usages) == 0 || first.Usages[0].Role != api.RolePrimary || first.Usages[0].DataKeys == 0 || !first.Info.Enabled {
		t.Errorf("before: got %+v", first)
	}
	started, err := c.StartKeyRuns(ctx, api.NewKeyRun{Kind: api.KeyRewrap, EnvironmentID: production, ToKey: "k2"})
	must(t, err)
	again, err := c.StartKeyRuns(ctx, api.NewKeyRun{Kind: api.KeyRewrap, EnvironmentID: production, ToKey: "k2"})
	must(t, err)
	if len(started.Items) != 1 || len(again.Items) != 1 || again.Items[0].ID != started.Items[0].ID {
		t.Fatalf("got %+v and %+v, want one run that serves both", started, again)
	}
	done := h.workKeys(started.Items[0])
	elsewhere := int64(0) // what other environments have under the key stays
	for _, u := range keyNamed(t, before, "k").Usages {
		if u.EnvironmentID != h.production.ID {
			elsewhere += int64(u.DataKeys)
		}
	}
	if done.Status != api.KeyRunSucceeded || done.FromKey != "k" || done.ToKey != "k2" || done.Remaining != elsewhere || done.Calls == 0 {
		t.Errorf("the run: got %+v", done)
	}
	after, err := c.ListKeys(ctx)
	must(t, err)
	second := keyNamed(t, after, "k2")
	if len(second.Usages) != 1 || second.Usages[0].Role != api.RolePrimary || second.Usages[0].Environment != "production" {
		t.Errorf("after: got %+v", second)
	}
	listed, err := client.Collect(c.KeyRuns(ctx, api.ListKeyRunsParams{Kind: api.KeyRewrap, EnvironmentID: "production"}))
	must(t, err)
	if diff := cmp.Diff(done, listed[0]); diff != "" {
		t.Errorf("listed: -read +listed\n%s", diff)
	}
	if found, err := client.Collect(c.KeyFindings(ctx, done.ID)); err != nil || len(found) != 0 {
		t.Errorf("findings: got %+v, %v", found, err)
	}
}

// TestKeyRunAnswer sees that what is accepted says where it can be read.
func TestKeyRunAnswer(t *testing.T) {
	h := newHouse(t)
	h.create("a", canary)
	token := h.token("root", models.RoleAdmin, nil)
	_, recipient := offline(t)
	for path, body := range map[string]string{
		"/api/key-runs": `{"kind":"scrub"}`,
		"/api/environments/production/recipients": `{"kind":"recovery","key":"` + recipient + `"}`,
	} {
		response, _, text := h.raw(token, "POST", path, body)
		where := response.Header.Get("Location")
		if response.StatusCode != http.StatusAccepted || !strings.HasPrefix(where, "/api/key-runs/krn_") {
			t.Errorf("%s: got %d, Location %q, %s", path, response.StatusCode, where, text)
		}
		if read, _, _ := h.raw(token, "GET", where, ""); read.StatusCode != http.StatusOK {
			t.Errorf("%s: got %d", where, read.StatusCode)
		}
	}
}

// TestKeyRefusals sees that each operation on keys refuses what it must.
func TestKeyRefusals(t *testing.T) {
	h := newHouse(t)
	h.create("a", canary)
	_, recipient := offline(t)
	_, other := offline(t)
	run, err := h.admin.AddRecipient(t.Context(), production, api.NewRecipient{Kind: api.RecipientRecovery, Key: recipient})
	must(t, err)
	type call func(*client.Client) error
	add := func(environment, key string, kind api.RecipientKind) call {
		return func(c *client.Client) error {
			return second(c.AddRecipient(t.Context(), api.EnvironmentNamed(environment), api.NewRecipient{Kind: kind, Key: key}))
		}
	}
	remove := func(environment, key string) call {
		return func(c *client.Client) error {
			return second(c.RemoveRecipient(t.Context(), api.EnvironmentNamed(environment), api.RemoveRecipientParams{Kind: api.RecipientRecovery, Key: key}))
		}
	}
	start := func(order api.NewKeyRun) call {
		return func(c *client.Client) error { return second(c.StartKeyRuns(t.Context(), order)) }
	}
	report := func(c *client.Client) error { return second(c.ListKeys(t.Context())) }
	of := func(environment string) call {
		return func(c *client.Client) error {
			return second(c.ListEnvironmentKeys(t.Context(), api.EnvironmentNamed(environment)))
		}
	}
	try := func(environment string) call {
		return func(c *client.Client) error {
			return second(c.TestKeys(t.Context(), api.KeyTest{EnvironmentID: api.EnvironmentNamed(environment)}))
		}
	}
	drill := func(environment string) call {
		return func(c *client.Client) error {
			return second(c.Drill(t.Context(), api.EnvironmentNamed(environment)))
		}
	}
	answer := func(environment string) call {
		return func(c *client.Client) error {
			return second(c.AnswerDrill(t.Context(), api.EnvironmentNamed(environment), api.DrillAnswer{
				Recipient: recipient, DataKeyID: "dek_x", Nonce: []byte("n"), Answer: []byte("a"),
			}))
		}
	}
	list := func(params api.ListKeyRunsParams) call {
		return func(c *client.Client) error { return second(c.ListKeyRuns(t.Context(), params)) }
	}
	get := func(id string) call {
		return func(c *client.Client) error { return second(c.GetKeyRun(t.Context(), id)) }
	}
	cancel := func(id string) call {
		return func(c *client.Client) error { return second(c.CancelKeyRun(t.Context(), id)) }
	}
	findings := func(id, cursor string) call {
		return func(c *client.Client) error {
			return second(c.ListKeyFindings(t.Context(), id, api.ListKeyFindingsParams{Cursor: cursor}))
		}
	}

	admin, auditor := h.admin, h.client(h.token("auditor", models.RoleAuditor, nil))
	manager, viewer := h.as("manager", models.RoleManager), h.as("viewer", models.RoleViewer)
	stranger := h.client(h.token("stranger", models.RoleUser, nil))
	reencrypt := start(api.NewKeyRun{Kind: api.KeyReencrypt, EnvironmentID: production})
	for name, refused := range map[string]struct {
		as          *client.Client
		call        call
		kind, field string
	}{
		"Report/Forbidden":      {manager, report, "forbidden", ""},
		"Environment/Forbidden": {viewer, of("production"), "forbidden", ""},
		"Environment/Hidden":    {stranger, of("production"), "not_found", ""},
		"Environment/NotFound":  {admin, of("moon"), "not_found", ""},
		"Test/Forbidden":        {auditor, try("production"), "forbidden", ""},
		"Test/NotFound":         {admin, try("moon"), "not_found", ""},
		"Add/Forbidden":         {manager, add("production", other, api.RecipientRecovery), "forbidden", ""},
		"Add/Hidden":            {stranger, add("production", other, api.RecipientRecovery), "not_found", ""},
		"Add/NotFound":          {admin, add("moon", other, api.RecipientRecovery), "not_found", ""},
		"Add/NoRecipient":       {admin, add("production", "age1nonsense", api.RecipientRecovery), "invalid", ""},
		"Add/NoKey":             {admin, add("production", "", api.RecipientRecovery), "invalid", "key"},
		"Add/UnknownKey":        {admin, add("production", "arn:aws:kms:eu-west-1:111122223333:key/x", api.RecipientKMS), "invalid", ""},
		"Add/Local":             {admin, add("production", "local:x", api.RecipientLocal), "invalid", "kind"},
		"Add/Conflict":          {admin, add("production", recipient, api.RecipientRecovery), "conflict", ""},
		"Remove/Forbidden":      {manager, remove("production", recipient), "forbidden", ""},
		"Remove/NotFound":       {admin, remove("production", other), "not_found", ""},
		"Drill/Forbidden":       {auditor, drill("production"), "forbidden", ""},
		"Drill/NotFound":        {admin, drill("moon"), "not_found", ""},
		"Answer/Forbidden":      {auditor, answer("production"), "forbidden", ""},
		"Answer/NotFound":       {admin, answer("moon"), "not_found", ""},
		"Start/Forbidden":       {auditor, start(api.NewKeyRun{Kind: api.KeyScrub}), "forbidden", ""},
		"Start/NotFound":        {admin, start(api.NewKeyRun{Kind: api.KeyScrub, EnvironmentID: api.EnvironmentNamed("moon")}), "not_found", ""},
		"Start/Migrate":         {admin, start(api.NewKeyRun{Kind: api.KeyMigrate, EnvironmentID: production}), "invalid", "kind"},
		"Start/NoEnvironment":   {admin, start(api.NewKeyRun{Kind: api.KeyReencrypt}), "invalid", "environment_id"},
		"Start/NothingUnder":    {admin, start(api.NewKeyRun{Kind: api.KeyRewrap, FromKey: "arn:x"}), "invalid", ""},
		"Start/UnknownKey":      {admin, start(api.NewKeyRun{Kind: api.KeyRewrap, EnvironmentID: api.EnvironmentNamed("staging"), ToKey: "nowhere"}), "invalid", ""},
		"Start/Conflict":        {admin, reencrypt, "conflict", ""},
		"List/Forbidden":        {manager, list(api.ListKeyRunsParams{}), "forbidden", ""},
		"List/Invalid":          {admin, list(api.ListKeyRunsParams{Kind: "melt"}), "invalid", "kind"},
		"List/NotFound":         {admin, list(api.ListKeyRunsParams{EnvironmentID: "moon"}), "not_found", ""},
		"List/BadCursor":        {admin, list(api.ListKeyRunsParams{Cursor: "x"}), "invalid", "cursor"},
		"Get/Forbidden":         {manager, get(run.ID), "forbidden", ""},
		"Get/NotFound":          {admin, get("krn_x"), "not_found", ""},
		"Cancel/Forbidden":      {auditor, cancel(run.ID), "forbidden", ""},
		"Cancel/NotFound":       {admin, cancel("krn_x"), "not_found", ""},
		"Findings/Forbidden":    {manager, findings(run.ID, ""), "forbidden", ""},
		"Findings/NotFound":     {admin, findings("krn_x", ""), "not_found", ""},
		"Findings/BadCursor":    {admin, findings(run.ID, "x"), "invalid", "cursor"},
	} {
		t.Run(name, func(t *testing.T) { isKind(t, refused.call(refused.as), refused.kind, refused.field) })
	}
	for name, allowed := range map[string]struct {
		as   *client.Client
		call call
	}{
		"ManagerSeesItsEnvironment": {manager, of("production")}, "AuditorSeesKeys": {auditor, report}, "AuditorSeesRuns": {auditor, get(run.ID)},
	} {
		t.Run(name, func(t *testing.T) { must(t, allowed.call(allowed.as)) })
	}
	t.Run("CancelEnded", func(t *testing.T) {
		h.workKeys(run)
		isKind(t, cancel(run.ID)(admin), "conflict", "")
	})
}

// TestKeyFindings damages a version, and sees that a scrub names it, page by page.
func TestKeyFindings(t *testing.T) {
	h := newHouse(t)
	for _, name := range []string{"a", "b", "c"} {
		h.damage(h.create(name, canary))
	}
	started, err := h.admin.StartKeyRuns(t.Context(), api.NewKeyRun{Kind: api.KeyScrub, EnvironmentID: production})
	must(t, err)
	done := h.workKeys(started.Items[0])
	if done.Status != api.KeyRunPartial || done.Findings != 3 || done.Failed != 3 {
		t.Errorf("the run: got %+v", done)
	}
	limit, cursor, named := 1, "", map[string]api.KeyFindingKind{}
	for range 4 {
		page, err := h.admin.ListKeyFindings(t.Context(), done.ID, api.ListKeyFindingsParams{Limit: &limit, Cursor: cursor})
		must(t, err)
		for _, f := range page.Items {
			named[f.Object] = f.Kind
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	want := map[string]api.KeyFindingKind{
		"a, version 1": api.FindingDamaged, "b, version 1": api.FindingDamaged, "c, version 1": api.FindingDamaged,
	}
	if diff := cmp.Diff(want, named); diff != "" || cursor != "" {
		t.Errorf("findings, ending at %q: -want +got\n%s", cursor, diff)
	}
}

// damage flips a bit of a secret's stored versions, as whoever can write to the database.
func (h *house) damage(s api.Secret) {
	h.t.Helper()
	must(h.t, h.store.Write(context.Background(), func(tx *store.Tx) error {
		rows, err := tx.VersionsPage(store.VersionQuery{}, 0, 0, 100)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if int64(row.SecretID) != s.ID {
				continue
			}
			old := row.Ciphertext
			row.Ciphertext = bytes.Clone(old)
			row.Ciphertext[len(old)-1] ^= 1
			if changed, err := tx.ResealVersion(&row.SecretVersion, row.DataKeyID, old); err != nil || !changed {
				return fmt.Errorf("nothing was damaged: %w", err)
			}
		}
		return nil
	}))
}
