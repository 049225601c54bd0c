package rest

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/sync/memory"
)

// isKind fails unless err is a problem of the kind, about the field where one is named.
func isKind(t *testing.T, err error, kind, field string) {
	t.Helper()
	var problem *api.Problem
	if !errors.As(err, &problem) || problem.Kind() != kind {
		t.Errorf("got %v, want a problem of kind %s", err, kind)
		return
	}
	if field != "" && (len(problem.Errors) == 0 || problem.Errors[0].Field != field) {
		t.Errorf("got %+v, want it to name the field %s", problem, field)
	}
}

func newSecret(change func(*api.NewSecret)) api.NewSecret {
	n := api.NewSecret{Name: "n", SecretType: "TEXT", Value: api.NewValue(canary), EnvironmentID: api.EnvironmentByID(1)}
	change(&n)
	return n
}

// TestBadInput sends what must be refused, and sees that nothing came of it.
func TestBadInput(t *testing.T) {
	h := newHouse(t)
	for name, bad := range map[string]struct {
		secret      api.NewSecret
		kind, field string
	}{
		"UnknownType":             {newSecret(func(n *api.NewSecret) { n.SecretType = "SECRET" }), "invalid", "secret_type"},
		"NoType":                  {newSecret(func(n *api.NewSecret) { n.SecretType = "" }), "invalid", "secret_type"},
		"BadName":                 {newSecret(func(n *api.NewSecret) { n.Name = "a b" }), "invalid", "name"},
		"NameThatLeavesItsPlace":  {newSecret(func(n *api.NewSecret) { n.Name = "a/../b" }), "invalid", "name"},
		"NoName":                  {newSecret(func(n *api.NewSecret) { n.Name = "" }), "invalid", "name"},
		"TooLong":                 {newSecret(func(n *api.NewSecret) { n.Value = api.NewValue(strings.Repeat("x", 65_537)) }), "invalid", "value"},
		"Empty":                   {newSecret(func(n *api.NewSecret) { n.Value = api.NewValue("") }), "invalid", "value"},
		"NoValue":                 {newSecret(func(n *api.NewSecret) { n.Value = api.Value{} }), "invalid", "value"},
		"NotJSON":                 {newSecret(func(n *api.NewSecret) { n.SecretType, n.Value = "JSON", api.NewValue(`{"`+canary+`"}`) }), "invalid", "value"},
		"NotYAML":                 {newSecret(func(n *api.NewSecret) { n.SecretType, n.Value = "YAML", api.NewValue(canary+": [") }), "invalid", "value"},
		"NotACertificate":         {newSecret(func(n *api.NewSecret) { n.SecretType = "CERTIFICATE" }), "invalid", "value"},
		"NotAKey":                 {newSecret(func(n *api.NewSecret) { n.SecretType = "SSH_KEY" }), "invalid", "value"},
		"TwoLinesInAPassword":     {newSecret(func(n *api.NewSecret) { n.SecretType, n.Value = "PASSWORD", api.NewValue(canary+"\n") }), "invalid", "value"},
		"UnknownEnvironmentID":    {newSecret(func(n *api.NewSecret) { n.EnvironmentID = api.EnvironmentByID(99) }), "not_found", ""},
		"UnknownEnvironmentName":  {newSecret(func(n *api.NewSecret) { n.EnvironmentID = api.EnvironmentNamed("moon") }), "not_found", ""},
		"ReservedTag":             {newSecret(func(n *api.NewSecret) { n.Tags = api.Tags{"aws:x": "y"} }), "invalid", "tags"},
		"RotationOutOfAllMeasure": {newSecret(func(n *api.NewSecret) { n.RotateEveryDays = 4000 }), "invalid", "rotate_every_days"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := h.admin.CreateSecret(t.Context(), bad.secret)
			isKind(t, err, bad.kind, bad.field)
		})
	}
	if list, err := h.admin.ListSecrets(t.Context(), api.ListSecretsParams{}); err != nil || len(list.Items) != 0 {
		t.Errorf("something was made: %+v, %v", list, err)
	}
	t.Run("LargestValue", func(t *testing.T) {
		secret := h.create("largest", strings.Repeat("x", 65_536))
		if got, err := h.admin.RevealSecret(t.Context(), secret.ID); err != nil || len(got.Value.Reveal()) != 65_536 {
			t.Errorf("got %d bytes, %v", len(got.Value.Reveal()), err)
		}
	})
	t.Run("NameTaken", func(t *testing.T) {
		_, err := h.admin.CreateSecret(t.Context(), newSecret(func(n *api.NewSecret) { n.Name = "largest" }))
		isKind(t, err, "conflict", "")
	})
	t.Run("IdentityThatChanges", func(t *testing.T) {
		for field, change := range map[string]api.ReplaceSecret{
			"name": {Name: "other"}, "secret_type": {SecretType: "JSON"}, "environment_id": {EnvironmentID: api.EnvironmentNamed("staging")},
		} {
			change.Value = api.NewValue(canary)
			_, err := h.admin.ReplaceSecret(t.Context(), 1, change, 0)
			isKind(t, err, "invalid", field)
		}
	})
}

// TestBadRequests sends what is not even of the right form.
func TestBadRequests(t *testing.T) {
	h := newHouse(t)
	h.create("a", canary)
	token := h.token("root", models.RoleAdmin, nil)
	valid := `{"name":"n","secret_type":"TEXT","value":"` + canary + `","environment_id":1}`
	for name, bad := range map[string]struct {
		method, path, body string
		header             []string
		status             int
		kind, field        string
	}{
		"UnknownField":       {"POST", "/api/secrets", `{"name":"n","valeu":"` + canary + `"}`, nil, 400, "invalid", "valeu"},
		"ValueAsFieldName":   {"POST", "/api/secrets", `{"` + canary + `":1}`, nil, 400, "invalid", "a field"},
		"NotJSON":            {"POST", "/api/secrets", `{"value":"` + canary, nil, 400, "invalid", ""},
		"NoObject":           {"POST", "/api/secrets", `"` + canary + `"`, nil, 400, "invalid", ""},
		"TwoObjects":         {"POST", "/api/secrets", valid + valid, nil, 400, "invalid", ""},
		"NumberAsValue":      {"POST", "/api/secrets", `{"value":5150}`, nil, 400, "invalid", "value"},
		"ObjectAsValue":      {"PATCH", "/api/secrets/1", `{"value":{"a":"` + canary + `"}}`, nil, 400, "invalid", "value"},
		"NullAsValue":        {"PATCH", "/api/secrets/1", `{"value":null}`, nil, 400, "invalid", "value"},
		"HalfACharacter":     {"PATCH", "/api/secrets/1", `{"value":"` + canary + `\ud800"}`, nil, 400, "invalid", "value"},
		"BadEnvironment":     {"POST", "/api/secrets", `{"environment_id":{}}`, nil, 400, "invalid", "environment_id"},
		"NoEnvironment":      {"POST", "/api/secrets", `{"name":"n","secret_type":"TEXT","value":"x"}`, nil, 400, "invalid", "environment_id"},
		"BadTime":            {"PATCH", "/api/secrets/1", `{"expires_at":"tomorrow"}`, nil, 400, "invalid", "expires_at"},
		"BadTags":            {"PATCH", "/api/secrets/1", `{"tags":["a"]}`, nil, 400, "invalid", "tags"},
		"BadVersion":         {"POST", "/api/secrets/1/rollback", `{"version":0}`, nil, 400, "invalid", "version"},
		"EmptyBody":          {"POST", "/api/secrets", "", []string{"Content-Type", "application/json"}, 400, "invalid", ""},
		"NoContentType":      {"POST", "/api/secrets", valid, []string{"Content-Type", ""}, 415, "media_type", ""},
		"Form":               {"POST", "/api/secrets", "name=n&value=" + canary, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "media_type", ""},
		"Huge":               {"POST", "/api/secrets", `{"value":"` + strings.Repeat("x", 1<<20) + `"}`, nil, 413, "too_large", ""},
		"HugeTail":           {"POST", "/api/secrets", valid + strings.Repeat(" ", 1<<20), nil, 413, "too_large", ""},
		"UnknownPath":        {"GET", "/api/secret", "", nil, 404, "not_found", ""},
		"UnknownPathOutside": {"GET", "/other", "", nil, 404, "not_found", ""},
		"WrongMethod":        {"PUT", "/api/secrets", valid, nil, 405, "method", ""},
		"WrongMethodOutside": {"POST", "/openapi.json", "", nil, 405, "method", ""},
		"BadID":              {"GET", "/api/secrets/" + canary, "", nil, 400, "invalid", "id"},
		"UnknownID":          {"GET", "/api/secrets/999", "", nil, 404, "not_found", ""},
		"UnknownVersion":     {"GET", "/api/secrets/1/versions/9", "", nil, 404, "not_found", ""},
		"VersionZero":        {"GET", "/api/secrets/1/versions/0", "", nil, 400, "invalid", "number"},
		"UnknownParameter":   {"GET", "/api/secrets/1?vaule=false", "", nil, 400, "invalid", "vaule"},
		"BadParameter":       {"GET", "/api/secrets/1?value=" + canary, "", nil, 400, "invalid", "value"},
		"BadQuery":           {"GET", "/api/secrets?search=%zz", "", nil, 400, "invalid", ""},
		"BadLimit":           {"GET", "/api/secrets?limit=201", "", nil, 400, "invalid", "limit"},
		"BadSort":            {"GET", "/api/secrets?sort=value", "", nil, 400, "invalid", "sort"},
		"BadOrder":           {"GET", "/api/secrets?order=up", "", nil, 400, "invalid", "order"},
		"BadTypeFilter":      {"GET", "/api/secrets?secret_type=x", "", nil, 400, "invalid", "secret_type"},
		"BadStatus":          {"GET", "/api/secrets?sync_status=x", "", nil, 400, "invalid", "sync_status"},
		"BadStateStatus":     {"GET", "/api/sync/states?status=x", "", nil, 400, "invalid", "status"},
		"BadRunStatus":       {"GET", "/api/sync/runs?status=x", "", nil, 400, "invalid", "status"},
		"BadCursor":          {"GET", "/api/secrets?cursor=x", "", nil, 400, "invalid", "cursor"},
		"BadVersionCursor":   {"GET", "/api/secrets/1/versions?cursor=x", "", nil, 400, "invalid", "cursor"},
		"BadExpiring":        {"GET", "/api/secrets?expiring_before=x", "", nil, 400, "invalid", "expiring_before"},
		"NameWithoutPlace":   {"GET", "/api/secrets?name=a", "", nil, 400, "invalid", "name"},
		"NameAndSearch":      {"GET", "/api/secrets?name=a&environment_id=1&search=x", "", nil, 400, "invalid", "name"},
		"TagValueAlone":      {"GET", "/api/secrets?tag_value=a", "", nil, 400, "invalid", "tag_value"},
		"UnknownFilterPlace": {"GET", "/api/secrets?environment_id=moon", "", nil, 404, "not_found", ""},
		"UnknownDestination": {"GET", "/api/destinations/dst_x", "", nil, 404, "not_found", ""},
		"UnknownRun":         {"GET", "/api/sync/runs/run_x", "", nil, 404, "not_found", ""},
		"UnknownToken":       {"DELETE", "/api/tokens/tok_x", "", nil, 404, "not_found", ""},
		"BadDestinationKind": {"POST", "/api/destinations", `{"environment_id":1,"name":"x","kind":"ftp","config":{}}`, nil, 400, "invalid", "kind"},
		"BadConfig":          {"POST", "/api/destinations", `{"environment_id":1,"name":"x","kind":"memory","config":{"prefxi":"a"}}`, nil, 400, "invalid", "prefxi"},
		"BadCredential":      {"POST", "/api/destinations", `{"credentials":{"vault_token":5150}}`, nil, 400, "invalid", "credentials.vault_token"},
		"TokenInURL":         {"GET", "/api/me?access_token=kpr_x", "", nil, 400, "invalid", ""},
		"EndOfToken":         {"POST", "/api/tokens", `{"name":"x","expires_at":"2001-01-01T00:00:00Z"}`, nil, 400, "invalid", "expires_at"},
	} {
		t.Run(name, func(t *testing.T) {
			response, problem, body := h.raw(token, bad.method, bad.path, bad.body, bad.header...)
			if response.StatusCode != bad.status || problem.Kind() != bad.kind || problem.Status != bad.status || problem.Detail == "" || problem.RequestID != "req-1" {
				t.Errorf("got %d %s", response.StatusCode, body)
			}
			if bad.field != "" && (len(problem.Errors) == 0 || problem.Errors[0].Field != bad.field) {
				t.Errorf("got %s; want it to name the field %s", body, bad.field)
			}
			if meaning, _, text := h.raw("", "GET", problem.Type, ""); meaning.StatusCode != http.StatusOK || !strings.Contains(text, problem.Title) {
				t.Errorf("%s says %d %s", problem.Type, meaning.StatusCode, text)
			}
			if strings.Contains(body, "5150") {
				t.Errorf("the problem quotes the body: %s", body)
			}
		})
	}
	t.Run("Allow", func(t *testing.T) {
		response, _, _ := h.raw(token, "POST", "/api/secrets/1", "{}")
		if got := response.Header.Get("Allow"); got != "GET, HEAD, PUT, PATCH, DELETE" {
			t.Errorf("got %q", got)
		}
	})
}

func TestAuthentication(t *testing.T) {
	h := newHouse(t)
	for name, header := range map[string]string{
		"None": "", "Wrong": "Bearer kpr_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "NotOurs": "Bearer hunter2", "Basic": "Basic YTpi", "Empty": "Bearer ",
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{"/api/secrets", "/api/secrets/1", "/api/nothing", "/api"} {
				response, problem, body := h.raw("", "GET", path, "", "Authorization", header)
				if response.StatusCode != http.StatusUnauthorized || problem.Kind() != "unauthenticated" || !strings.HasPrefix(response.Header.Get("WWW-Authenticate"), `Bearer realm="keeper"`) {
					t.Errorf("%s: got %d %v %s", path, response.StatusCode, response.Header, body)
				}
			}
		})
	}
	t.Run("SchemeInEitherCase", func(t *testing.T) {
		token := h.token("lower", models.RoleUser, nil)
		if response, _, _ := h.raw("", "GET", "/api/me", "", "Authorization", "bearer "+token); response.StatusCode != http.StatusOK {
			t.Errorf("got %d", response.StatusCode)
		}
	})
}

// TestPermissions sees that what an actor may not see does not exist for it, and that what
// it may not do is refused.
func TestPermissions(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	secret := h.create("a", canary)
	destination, err := h.admin.CreateDestination(ctx, api.NewDestination{
		EnvironmentID: api.EnvironmentByID(h.production.ID), Name: "copy", Kind: api.Memory, Config: api.DestinationConfig{Prefix: "p/"},
	})
	must(t, err)
	run, err := h.admin.SyncDestination(ctx, destination.ID)
	must(t, err)
	t.Run("Stranger", func(t *testing.T) {
		stranger := h.client(h.token("stranger", models.RoleUser, map[int64]models.EnvironmentRole{h.staging.ID: models.RoleManager}))
		for name, err := range map[string]error{
			"get":         second(stranger.GetSecret(ctx, secret.ID)),
			"reveal":      second(stranger.RevealSecret(ctx, secret.ID)),
			"version":     second(stranger.GetVersion(ctx, secret.ID, 1)),
			"versions":    second(stranger.ListVersions(ctx, secret.ID, api.ListVersionsParams{})),
			"states":      second(stranger.ListSecretStates(ctx, secret.ID)),
			"activity":    second(stranger.ListSecretActivity(ctx, secret.ID, api.ListSecretActivityParams{})),
			"change":      second(stranger.UpdateSecret(ctx, secret.ID, api.SecretChange{}, 0)),
			"stale":       second(stranger.UpdateSecret(ctx, secret.ID, api.SecretChange{}, 77)),
			"delete":      second(stranger.DeleteSecret(ctx, secret.ID, 0)),
			"create":      second(stranger.CreateSecret(ctx, newSecret(func(*api.NewSecret) {}))),
			"find":        second(stranger.FindSecret(ctx, api.EnvironmentNamed("production"), "a", false)),
			"environment": second(stranger.GetEnvironment(ctx, api.EnvironmentNamed("production"))),
			"destination": second(stranger.GetDestination(ctx, destination.ID)),
			"test":        second(stranger.TestDestination(ctx, destination.ID)),
			"run":         second(stranger.GetRun(ctx, run.ID)),
			"results":     second(stranger.ListResults(ctx, run.ID, api.ListResultsParams{})),
			"sync":        second(stranger.Sync(ctx, api.SyncRequest{EnvironmentID: api.EnvironmentNamed("production")})),
			"trigger":     second(stranger.SyncDestination(ctx, destination.ID)),
		} {
			var problem *api.Problem
			if !errors.As(err, &problem) || problem.Status != http.StatusNotFound {
				t.Errorf("%s: got %v, want not found", name, err)
			}
		}
		list, err := stranger.ListSecrets(ctx, api.ListSecretsParams{})
		must(t, err)
		environments, err := stranger.ListEnvironments(ctx)
		must(t, err)
		runs, err := stranger.ListRuns(ctx, api.ListRunsParams{})
		must(t, err)
		queued, err := stranger.Sync(ctx, api.SyncRequest{})
		must(t, err)
		if len(list.Items)+len(runs.Items)+len(queued.Items) != 0 || len(environments.Items) != 1 {
			t.Errorf("lists show what is not the stranger's: %+v %+v %+v %+v", list, environments, runs, queued)
		}
	})
	t.Run("ViewerGetsNoValue", func(t *testing.T) {
		viewer := h.as("viewer", models.RoleViewer)
		got, err := viewer.RevealSecret(ctx, secret.ID)
		if err != nil || !got.ValueHidden || !got.Value.IsZero() || got.Name != "a" {
			t.Errorf("got %+v, %v", got, err)
		}
		_, err = viewer.GetVersion(ctx, secret.ID, 1)
		isKind(t, err, "forbidden", "")
		_, err = viewer.UpdateSecret(ctx, secret.ID, api.SecretChange{}, 0)
		isKind(t, err, "forbidden", "")
		_, err = viewer.Sync(ctx, api.SyncRequest{EnvironmentID: api.EnvironmentNamed("production")})
		isKind(t, err, "forbidden", "")
		_, err = viewer.TestDestination(ctx, destination.ID)
		isKind(t, err, "forbidden", "")
		_, err = viewer.CreateEnvironment(ctx, api.NewEnvironment{Name: "mine"})
		isKind(t, err, "forbidden", "")
	})
	t.Run("AuditorGetsNoValue", func(t *testing.T) {
		auditor := h.client(h.token("auditor", models.RoleAuditor, nil))
		if got, err := auditor.RevealSecret(ctx, secret.ID); err != nil || !got.ValueHidden || !got.Value.IsZero() {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	t.Run("ReaderOfOneAndViewerOfAnother", func(t *testing.T) {
		mixed := h.client(h.token("mixed", models.RoleUser, map[int64]models.EnvironmentRole{
			h.production.ID: models.RoleReader, h.staging.ID: models.RoleViewer,
		}))
		if got, err := mixed.RevealSecret(ctx, secret.ID); err != nil || got.ValueHidden || got.Value.Reveal() != canary {
			t.Errorf("got %+v, %v", got, err)
		}
		if _, err := mixed.UpdateSecret(ctx, secret.ID, api.SecretChange{}, 0); err == nil {
			t.Error("a reader changed a secret")
		}
	})
	t.Run("ReadOnlyToken", func(t *testing.T) {
		made, err := h.admin.CreateToken(ctx, api.NewToken{Name: "ro", ReadOnly: true})
		must(t, err)
		readOnly := h.client(made.Text.Reveal())
		_, err = readOnly.DeleteSecret(ctx, secret.ID, 0)
		isKind(t, err, "forbidden", "")
		_, err = readOnly.CreateToken(ctx, api.NewToken{Name: "more"})
		isKind(t, err, "forbidden", "")
	})
	// A look by someone who may not see the value is no attempt to reveal it: only the asked
	// for version is on record as refused.
	want := map[string]int{"allowed": 1, "refused": 3}
	if diff := cmp.Diff(want, h.reveals(secret.ID)); diff != "" {
		t.Errorf("reveals on record: -want +got\n%s", diff)
	}
}

func second[T any](_ T, err error) error { return err }

// reveals counts what is on record of reveals of a secret, by outcome.
func (h *house) reveals(id int64) map[string]int {
	h.t.Helper()
	counts := map[string]int{}
	must(h.t, h.store.Read(h.t.Context(), func(tx *store.Tx) error {
		entries, _, err := tx.AuditOfSecret(models.SecretID(id), "", 200)
		for _, e := range entries {
			if e.Action == string(auth.RevealSecret) {
				counts[string(e.Outcome)]++
			}
		}
		return err
	}))
	return counts
}

func TestRevealsOnRecord(t *testing.T) {
	h := newHouse(t)
	token := h.token("root", models.RoleAdmin, nil)
	h.create("a", canary)
	for _, quiet := range [][2]string{{"GET", "/api/secrets/1?value=false"}, {"HEAD", "/api/secrets/1"}, {"GET", "/api/secrets"}, {"GET", "/api/secrets/1/versions"}} {
		if response, _, _ := h.raw(token, quiet[0], quiet[1], ""); response.StatusCode != http.StatusOK {
			t.Errorf("%v: got %d", quiet, response.StatusCode)
		}
	}
	if got := h.reveals(1); len(got) != 0 {
		t.Errorf("got %v, want none", got)
	}
	for range 2 {
		h.raw(token, "GET", "/api/secrets/1", "")
	}
	h.raw(token, "GET", "/api/secrets/1/versions/1", "")
	if got := h.reveals(1); got["allowed"] != 3 {
		t.Errorf("got %v, want three", got)
	}
}

func TestIfMatch(t *testing.T) {
	h := newHouse(t)
	token := h.token("root", models.RoleAdmin, nil)
	h.create("a", canary)
	for n, one := range []struct {
		header string
		status int
	}{
		{`"1"`, 200},
		{`"1"`, 412},
		{`"2"`, 200},
		{`W/"3"`, 412},
		{`*`, 200},
		{``, 200},
		{`"1", "5"`, 200},
		{`"1" ,"2"`, 412},
		{`W/"6", "6"`, 200},
		{`"abc"`, 412},
		{`"07"`, 412},
		{`"+7"`, 412},
		{`"0"`, 412},
		{`7`, 400},
		{`"7`, 400},
		{`"7" "8"`, 400},
		{`w/"7"`, 400},
		{`"7",`, 400},
		{`*, "7"`, 400},
		{`"7"`, 200},
	} {
		body := fmt.Sprintf(`{"description":"%d"}`, n)
		response, problem, text := h.raw(token, "PATCH", "/api/secrets/1", body, "If-Match", one.header)
		if response.StatusCode != one.status || one.status == 412 && problem.Kind() != "stale" || one.status == 400 && problem.Errors[0].Field != "If-Match" {
			t.Errorf("%d %s: got %d %s, want %d", n, one.header, response.StatusCode, text, one.status)
		}
	}
	for path, body := range map[string]string{"/api/secrets/1": `{"value":"x"}`, "/api/environments/1": `{}`} {
		for _, method := range []string{"PUT", "PATCH", "DELETE"} {
			sent := body
			if method == "DELETE" {
				sent = ""
			}
			if response, problem, _ := h.raw(token, method, path, sent, "If-Match", `"99"`); response.StatusCode != http.StatusPreconditionFailed || problem.Hint == "" {
				t.Errorf("%s %s: got %d %+v", method, path, response.StatusCode, problem)
			}
		}
	}
}

// TestUnavailable sees that what cannot be known now is answered so, and never as absent.
func TestUnavailable(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	h.place.Inject(memory.Fault{Op: memory.OpCheck, Kind: fault.Unavailable})
	_, err := h.admin.CreateDestination(ctx, api.NewDestination{
		EnvironmentID: api.EnvironmentByID(1), Name: "copy", Kind: api.Memory, Config: api.DestinationConfig{Prefix: "p/"},
	})
	isKind(t, err, "unavailable", "")
	if list, err := h.admin.ListDestinations(ctx, api.ListDestinationsParams{}); err != nil || len(list.Items) != 0 {
		t.Errorf("got %+v, %v", list, err)
	}
	t.Run("StoreGone", func(t *testing.T) {
		h := newHouse(t)
		h.create("a", canary)
		token := h.token("root", models.RoleAdmin, nil)
		if response, _, _ := h.raw(token, "GET", "/api/me", ""); response.StatusCode != http.StatusOK {
			t.Fatalf("got %d", response.StatusCode)
		}
		must(t, h.store.Close())
		time.Sleep(time.Second + 100*time.Millisecond) // what the token stands for is known for a second
		response, problem, body := h.raw(token, "GET", "/api/secrets/1", "")
		if response.StatusCode < 500 || problem.Detail == "" || strings.Contains(body, "sql") {
			t.Errorf("got %d %s", response.StatusCode, body)
		}
	})
}

// TestKinds sees that each kind of failure has its status, and that what is hidden stays so.
func TestKinds(t *testing.T) {
	for kind, want := range map[fault.Kind]int{
		fault.Internal: 500, fault.Invalid: 400, fault.NotFound: 404, fault.Conflict: 409, fault.Stale: 412,
		fault.Unauthenticated: 401, fault.Forbidden: 403, fault.Unproven: 403, fault.Throttled: 429, fault.Unavailable: 503,
	} {
		problem, retry := problemOf(fault.Wrap(errors.New("cause "+canary), kind, "What happened."))
		if problem.Status != want || problem.Title == "" || problem.Type != "/problems/"+kind.String() || (retry != "") != (want == 429 || want == 503) {
			t.Errorf("%s: got %+v, retry after %q", kind, problem, retry)
		}
		if strings.Contains(fmt.Sprint(problem), canary) {
			t.Errorf("%s tells its cause: %+v", kind, problem)
		}
	}
	if len(looks) != 10 || fault.Kind(len(looks)).String() != fault.Internal.String() {
		t.Error("a kind is missing from the table")
	}
	if problem, _ := problemOf(errors.New(canary)); problem.Status != 500 || strings.Contains(fmt.Sprint(problem), canary) {
		t.Errorf("an unknown error: got %+v", problem)
	}
}
