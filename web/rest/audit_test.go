package rest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

func init() { //nolint:gochecknoinits // the checker of answers has no other place for it
	openapi3filter.RegisterBodyDecoder("application/x-ndjson", func(body io.Reader, _ http.Header, _ *openapi3.SchemaRef, _ openapi3filter.EncodingFn) (any, error) {
		text, err := io.ReadAll(body)
		return string(text), err
	})
}

// auditOperations lists and exports the log, and sees that both say the same.
func auditOperations(t *testing.T, h *house) {
	ctx, c := t.Context(), h.admin
	since := time.Now().UTC()
	_, err := c.CreateSecret(ctx, api.NewSecret{Name: "audit/=a", SecretType: "TEXT", Value: api.NewValue(canary), EnvironmentID: api.EnvironmentNamed("staging")})
	must(t, err)
	list, err := c.ListAudit(ctx, api.ListAuditParams{EnvironmentID: "staging", Search: "AUDIT/", Actor: "AD", Action: "secret.", Object: "=a", Outcome: "allowed", Since: since})
	must(t, err)
	if len(list.Items) != 1 {
		t.Fatalf("listed: %+v", list.Items)
	}
	got := list.Items[0]
	want := api.AuditEntry{
		ID: got.ID, At: got.At, Actor: got.Actor, ActorID: got.ActorID, ActorKind: "token", Via: "api", Address: "127.0.0.1", RequestID: got.RequestID,
		Action: "secret.create", Outcome: "allowed", EnvironmentID: h.staging.ID, Environment: "staging",
		ObjectKind: "secret", ObjectID: got.ObjectID, Object: "audit/=a", Version: 1, Detail: got.Detail,
	}
	if diff := cmp.Diff(want, got); diff != "" || got.ID == "" || got.ActorID == "" || got.At.Before(since.Truncate(time.Microsecond)) {
		t.Errorf("listed: -want +got\n%s", diff)
	}
	listed, err := client.Collect(c.Audit(ctx, api.ListAuditParams{Limit: new(7)}))
	must(t, err)
	if len(listed) < 8 {
		t.Errorf("%d entries are on record, too few for two pages", len(listed))
	}
	var text bytes.Buffer
	must(t, c.ExportAudit(ctx, api.ExportAuditParams{}, &text))
	exported := auditLines(t, text.Bytes())
	slices.Reverse(listed)
	// Reading the pages left entries of its own, and so did the export, which ends with it.
	if last := exported[len(exported)-1]; last.Action != "audit.export" || last.Detail["format"] != "jsonl" {
		t.Errorf("the last entry is %+v", last)
	}
	if diff := cmp.Diff(listed[1:], exported[1:len(listed)]); diff != "" {
		t.Errorf("listed (-) and exported (+) differ:\n%s", diff)
	}
	text.Reset()
	must(t, c.ExportAudit(ctx, api.ExportAuditParams{Format: "csv", Action: "secret.create", EnvironmentID: "staging", Object: "audit/"}, &text))
	if rows := strings.Split(strings.TrimSpace(text.String()), "\n"); len(rows) != 2 || !strings.Contains(rows[1], ",audit/=a,") {
		t.Errorf("exported as CSV: %s", text.String())
	}
}

// auditLines reads JSON lines, none of which may have a field that the document has not.
func auditLines(t *testing.T, text []byte) (entries []api.AuditEntry) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	for decoder.More() {
		var one api.AuditEntry
		must(t, decoder.Decode(&one))
		entries = append(entries, one)
	}
	return entries
}

func TestAuditRefused(t *testing.T) {
	h := newHouse(t)
	root := h.token("root", models.RoleAdmin, nil)
	for name, bad := range map[string]struct {
		query, field string
		status       int
	}{
		"Format":      {"/export?format=xlsx", "format", 400},
		"Outcome":     {"?outcome=maybe", "outcome", 400},
		"Since":       {"/export?since=yesterday", "since", 400},
		"Limit":       {"?limit=201", "limit", 400},
		"Cursor":      {"?cursor=x", "cursor", 400},
		"Environment": {"/export?environment_id=moon", "", 404},
		"Unknown":     {"/export?outcomes=refused", "outcomes", 400},
	} {
		t.Run(name, func(t *testing.T) {
			response, problem, body := h.raw(root, "GET", "/api/audit"+bad.query, "")
			if response.StatusCode != bad.status || bad.field != "" && (len(problem.Errors) == 0 || problem.Errors[0].Field != bad.field) {
				t.Errorf("got %d %s", response.StatusCode, body)
			}
		})
	}
	t.Run("Head", func(t *testing.T) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodHead, h.url+"/api/audit/export", nil)
		must(t, err)
		request.Header.Set("Authorization", "Bearer "+root)
		response, err := http.DefaultClient.Do(request)
		must(t, err)
		must(t, response.Body.Close())
		if response.StatusCode != http.StatusBadRequest {
			t.Errorf("got %d", response.StatusCode)
		}
	})
	t.Run("NotAllowed", func(t *testing.T) {
		reader := h.as("rea", models.RoleReader)
		isKind(t, second(reader.ListAudit(t.Context(), api.ListAuditParams{})), "forbidden", "")
		isKind(t, reader.ExportAudit(t.Context(), api.ExportAuditParams{}, io.Discard), "forbidden", "")
	})
	t.Run("ManagerSeesItsOwn", func(t *testing.T) {
		h.create("hers", canary)
		manager := h.client(h.token("max", models.RoleUser, map[int64]models.EnvironmentRole{h.staging.ID: models.RoleManager}))
		var text bytes.Buffer
		must(t, manager.ExportAudit(t.Context(), api.ExportAuditParams{}, &text))
		entries := auditLines(t, text.Bytes())
		for _, e := range entries {
			if e.EnvironmentID != h.staging.ID {
				t.Errorf("a manager of staging gets %+v", e)
			}
		}
		if len(entries) == 0 {
			t.Error("a manager gets nothing")
		}
		isKind(t, manager.ExportAudit(t.Context(), api.ExportAuditParams{EnvironmentID: "production"}, io.Discard), "not_found", "")
	})
}

// TestAuditExportCutOff sees that an export that cannot go on is no answer that looks whole.
func TestAuditExportCutOff(t *testing.T) {
	h := newHouse(t)
	entries := make([]models.AuditEntry, 30_000)
	for i := range entries {
		entries[i] = models.AuditEntry{ActorKind: models.ActorSystem, ActorName: "system", Action: "test.many", Outcome: models.OutcomeAllowed, Detail: map[string]string{"filling": strings.Repeat("x", 500)}}
	}
	must(t, h.store.Write(t.Context(), func(tx *store.Tx) error { return tx.AppendAudits(entries) }))
	plain, err := client.New(h.url, h.token("root", models.RoleAdmin, nil), client.WithTries(1))
	must(t, err)
	cut := &cutter{after: 64 << 10, cut: func() { must(t, h.store.Close()) }}
	if err := plain.ExportAudit(t.Context(), api.ExportAuditParams{}, cut); err == nil {
		t.Errorf("the store went away, and an export of %d bytes ended well", cut.size)
	}
}

// TestAuditExportLooksAgain sees that an export ends with the token that it was asked with.
func TestAuditExportLooksAgain(t *testing.T) {
	h := newHouse(t)
	entries := make([]models.AuditEntry, 30_000)
	for i := range entries {
		entries[i] = models.AuditEntry{ActorKind: models.ActorSystem, ActorName: "system", Action: "test.many", Outcome: models.OutcomeAllowed, Detail: map[string]string{"filling": strings.Repeat("x", 500)}}
	}
	must(t, h.store.Write(t.Context(), func(tx *store.Tx) error { return tx.AppendAudits(entries) }))
	token := h.token("root", models.RoleAdmin, nil)
	plain, err := client.New(h.url, token, client.WithTries(1))
	must(t, err)
	cut := &cutter{after: 64 << 10, cut: func() { must(t, h.auth.RevokeByText(t.Context(), auth.Nobody(auth.Origin{}), token)) }}
	if err := plain.ExportAudit(t.Context(), api.ExportAuditParams{}, cut); err == nil {
		t.Errorf("the token was revoked, and an export of %d bytes ended well", cut.size)
	}
	refused, err := h.admin.ListAudit(t.Context(), api.ListAuditParams{Action: "audit.export", Outcome: "refused"})
	must(t, err)
	if len(refused.Items) != 1 || refused.Items[0].Detail["broken_off_after"] == "" {
		t.Errorf("on record: %+v", refused.Items)
	}
}

// cutter does something once it was handed so many bytes.
type cutter struct {
	size, after int
	cut         func()
}

func (c *cutter) Write(p []byte) (int, error) {
	if c.size += len(p); c.size > c.after && c.cut != nil {
		c.cut()
		c.cut = nil
	}
	return len(p), nil
}

func TestExportable(t *testing.T) {
	for _, row := range []struct {
		method       string
		major, minor int
		want         bool
	}{
		{http.MethodGet, 1, 1, true},
		{http.MethodGet, 2, 0, true},
		{http.MethodGet, 1, 0, false}, // nobody could tell that it broke off
		{http.MethodHead, 1, 1, false},
	} {
		r := httptest.NewRequest(row.method, "/audit/export", nil)
		r.ProtoMajor, r.ProtoMinor = row.major, row.minor
		if err := Exportable(r); (err == nil) != row.want || err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("%s over HTTP/%d.%d: %v", row.method, row.major, row.minor, err)
		}
	}
}
