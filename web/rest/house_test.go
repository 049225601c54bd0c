package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"github.com/your-org/keeper/alerts"
	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/idempotency"
	"github.com/your-org/keeper/keys"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/kms/drivertest"
	"github.com/your-org/keeper/kms/recovery"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/memory"
)

// canary is in every value that these tests write; it must never be in an answer that does
// not reveal one.
const canary = "canary-51c0ffee"

// house is the API over the real services on a real store, behind a real server. What goes
// over the wire is held against the document.
type house struct {
	t     testing.TB
	url   string
	store *store.Store
	auth  *auth.Service
	deps  Deps
	place *memory.Place
	dests *destinations.Service
	keys  *keys.Service
	told  *alerts.Service
	key   *drivertest.Fake
	log   *bytes.Buffer

	admin      *client.Client
	production api.Environment
	staging    api.Environment

	twice bool // each POST is sent again under its key

	mu   sync.Mutex
	seen map[string]bool // operations that were answered with success
}

func newHouse(t testing.TB) *house {
	t.Helper()
	return newHouseOn(t, storetest.SQLite(t))
}

func newHouseOn(t testing.TB, s *store.Store) *house {
	t.Helper()
	h := &house{t: t, store: s, place: memory.NewPlace(), log: &bytes.Buffer{}, seen: map[string]bool{}}
	h.key = drivertest.NewFake(models.RecipientKMS, "k", "k2", "alias/keeper-live")
	backends := []kms.Wrapper{h.key, recovery.New()}
	envelope, err := kms.NewEnvelope(keys.NewRows(h.store), h.key, kms.Options{Others: backends[1:]})
	must(t, err)
	t.Cleanup(envelope.Close)
	h.auth, err = auth.New(auth.Deps{Store: h.store, PublicURL: "http://127.0.0.1:1", Secret: bytes.Repeat([]byte{5}, 32), Now: time.Now})
	must(t, err)
	log := slog.New(slog.NewJSONHandler(h.log, nil))
	service := secrets.New(secrets.Deps{
		Store: h.store, Envelope: envelope, Now: time.Now, Log: log, DeleteGrace: 24 * time.Hour,
		Changed: func(tx *store.Tx, s models.Secret) error { return h.dests.Changed(tx, s) },
	})
	h.told = alerts.New(alerts.Deps{Store: h.store, Envelope: envelope, Development: true, Now: time.Now, Log: log, Wake: func() {}})
	h.dests = destinations.New(destinations.Deps{
		Version: "test", Alert: h.told.Signal,
		Store: h.store, Envelope: envelope, OpenVersion: service.OpenVersion, Take: service.Take, Secrets: service, Owner: "keeper_test", Interval: time.Minute,
		Workers: 2, Now: time.Now, Log: log, Wake: func() {}, Ran: func(models.SyncRun) {},
		Open: func(_ context.Context, d models.Destination, _ models.DestinationCredentials) (keepersync.Driver, error) {
			return memory.New(memory.Options{Place: h.place, Prefix: d.Config.Prefix}), nil
		},
	})
	h.keys = keys.New(keys.Deps{
		Store: h.store, Envelope: envelope, Backends: backends, Rate: 1000, ScrubRate: 1000, Seal: bytes.Repeat([]byte{7}, 32),
		Now: time.Now, Log: log, Wake: func() {},
	})
	h.deps = Deps{
		Secrets: service, Destinations: h.dests, Keys: h.keys, Alerts: h.told, Auth: h.auth, Audit: audit.NewLog(h.store, service.AuditAccess), Now: time.Now, Log: log,
		Idempotency: idempotency.New(idempotency.Deps{Store: h.store, Auth: h.auth, Box: kms.NewBox(bytes.Repeat([]byte{5}, 32)), Now: time.Now}),
		Origin: func(r *http.Request) auth.Origin {
			return auth.Origin{Via: "api", Address: "127.0.0.1", RequestID: r.Header.Get("X-Request-ID")}
		},
	}
	handler, err := New(h.deps)
	must(t, err)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	h.url = server.URL
	h.admin = h.client(h.token("ada", models.RoleAdmin, nil))
	h.production, err = h.admin.CreateEnvironment(t.Context(), api.NewEnvironment{Name: "production"})
	must(t, err)
	h.staging, err = h.admin.CreateEnvironment(t.Context(), api.NewEnvironment{Name: "staging"})
	must(t, err)
	return h
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// token makes a user and a token of it.
func (h *house) token(name string, role models.GlobalRole, roles map[int64]models.EnvironmentRole) string {
	h.t.Helper()
	u := models.User{ID: models.NewUserID(), Username: name, Role: role, CreatedAt: time.Now(), UpdatedAt: time.Now()}
	must(h.t, h.store.Write(context.Background(), func(tx *store.Tx) error {
		if err := tx.CreateUser(&u); err != nil {
			return err
		}
		for id, r := range roles {
			m := models.Membership{UserID: u.ID, EnvironmentID: models.EnvironmentID(id), Role: r, CreatedAt: time.Now()}
			if err := tx.SetMembership(m); err != nil {
				return err
			}
		}
		return nil
	}))
	actor := models.Actor{Kind: models.ActorUser, ID: string(u.ID), Name: name, UserID: u.ID, Role: role, ProvenAt: time.Now()}
	text, _, err := h.auth.CreateToken(context.Background(), actor, auth.NewToken{Name: "test"})
	must(h.t, err)
	return text
}

// as is a client of a new user with one role in production.
func (h *house) as(name string, role models.EnvironmentRole) *client.Client {
	h.t.Helper()
	return h.client(h.token(name, models.RoleUser, map[int64]models.EnvironmentRole{h.production.ID: role}))
}

func (h *house) client(token string) *client.Client {
	h.t.Helper()
	c, err := client.New(h.url, token, client.WithTries(1), client.WithHTTPClient(&http.Client{Transport: checked{h}}))
	must(h.t, err)
	return c
}

// create makes a secret in production.
func (h *house) create(name, value string) api.Secret {
	h.t.Helper()
	s, err := h.admin.CreateSecret(h.t.Context(), api.NewSecret{
		Name: name, SecretType: "TEXT", Value: api.NewValue(value), EnvironmentID: api.EnvironmentByID(h.production.ID),
	})
	must(h.t, err)
	return s
}

// work runs the passes over a destination that are due.
func (h *house) work(id string) {
	h.t.Helper()
	if _, err := h.dests.Work(context.Background(), models.Job{Kind: destinations.JobKind, Key: id}); err != nil {
		h.t.Fatal(err)
	}
}

var specification = sync.OnceValues(func() (*openapi3.T, error) {
	document, err := openapi3.NewLoader().LoadFromData(api.Document)
	if err != nil {
		return nil, err
	}
	document.Servers = nil // the router would look for the root of "/"
	return document, document.Validate(context.Background())
})

var router = sync.OnceValues(func() (routers.Router, error) {
	document, err := specification()
	if err != nil {
		return nil, err
	}
	return legacy.NewRouter(document)
})

// checked is a transport that holds what goes over it against the document.
type checked struct{ h *house }

func (c checked) RoundTrip(r *http.Request) (*http.Response, error) {
	if c.h.twice && r.Method == http.MethodPost {
		return c.h.sendTwice(r)
	}
	return c.once(r)
}

func (c checked) once(r *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	_ = response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(body))
	c.h.check(r, response, body)
	return response, nil
}

// revealing are the operations whose answers may hold a value.
var revealing = map[string]bool{"getSecret": true, "getVersion": true, "exportSecrets": true, "revealRemote": true}

func (h *house) check(r *http.Request, response *http.Response, body []byte) {
	h.t.Helper()
	found, err := router()
	must(h.t, err)
	operation, success := "", response.StatusCode < 300
	route, parameters, err := found.FindRoute(r)
	switch {
	case err == nil:
		operation = route.Operation.OperationID
		h.conforms(r, &openapi3filter.RequestValidationInput{Request: r, PathParams: parameters, Route: route}, response, body)
	case success && r.Method != http.MethodHead && strings.HasPrefix(r.URL.Path, "/api"):
		h.t.Errorf("%s %s was answered, and is not in the document: %v", r.Method, r.URL, err)
	}
	if success {
		h.mu.Lock()
		h.seen[operation] = true
		h.mu.Unlock()
	}
	if (!revealing[operation] || !success) && bytes.Contains(body, []byte(canary)) {
		h.t.Errorf("%s %s: the answer holds a value: %s", r.Method, r.URL, body)
	}
}

// conforms holds an answer, and the request where it was taken, against the document.
func (h *house) conforms(r *http.Request, request *openapi3filter.RequestValidationInput, response *http.Response, body []byte) {
	h.t.Helper()
	request.Options = &openapi3filter.Options{IncludeResponseStatus: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}
	if response.StatusCode < 300 && r.GetBody != nil {
		sent, err := r.GetBody()
		must(h.t, err)
		request.Request = r.Clone(r.Context())
		request.Request.Body = sent
		if err := openapi3filter.ValidateRequest(r.Context(), request); err != nil {
			h.t.Errorf("%s %s was taken, and is not as the document says: %v", r.Method, r.URL, err)
		}
	}
	err := openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: request, Status: response.StatusCode, Header: response.Header,
		Body: io.NopCloser(bytes.NewReader(body)), Options: request.Options,
	})
	if err != nil {
		h.t.Errorf("%s %s: the answer is not as the document says: %v", r.Method, r.URL, err)
	}
	if extra := undeclared(request.Route.Operation, response, body); extra != "" {
		h.t.Errorf("%s %s: the answer has %s, which the document has not", r.Method, r.URL, extra)
	}
}

// undeclared names a field of an answer that the document does not have, "" where there is
// none.
func undeclared(operation *openapi3.Operation, response *http.Response, body []byte) string {
	declared := operation.Responses.Status(response.StatusCode)
	if declared == nil {
		declared = operation.Responses.Default()
	}
	kind, _, _ := strings.Cut(response.Header.Get("Content-Type"), ";")
	media := declared.Value.Content.Get(kind)
	var value any
	if media == nil || media.Schema.Value.Type.Is("string") || json.Unmarshal(body, &value) != nil {
		return ""
	}
	return stray(media.Schema.Value, value)
}

func stray(schema *openapi3.Schema, value any) string {
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			if extra := stray(schema.Items.Value, item); extra != "" {
				return extra
			}
		}
	case map[string]any:
		properties := propertiesOf(schema)
		for name, field := range value {
			property, ok := properties[name]
			if !ok && schema.AdditionalProperties.Schema == nil {
				return name
			}
			if ok {
				if extra := stray(property.Value, field); extra != "" {
					return name + "." + extra
				}
			}
		}
	}
	return ""
}

func propertiesOf(schema *openapi3.Schema) openapi3.Schemas {
	properties := openapi3.Schemas{}
	for name, property := range schema.Properties {
		properties[name] = property
	}
	for _, part := range schema.AllOf {
		for name, property := range propertiesOf(part.Value) {
			properties[name] = property
		}
	}
	return properties
}

// raw sends a request as it stands, with the token of an administrator unless headers say
// otherwise, and reads the problem that it is answered with, if any.
func (h *house) raw(token, method, path, body string, headers ...string) (*http.Response, api.Problem, string) {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), method, h.url+path, strings.NewReader(body))
	must(h.t, err)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	r.Header.Set("X-Request-ID", "req-1")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := (checked{h}).RoundTrip(r)
	must(h.t, err)
	answer, err := io.ReadAll(response.Body)
	must(h.t, err)
	var problem api.Problem
	if response.Header.Get("Content-Type") == "application/problem+json" {
		must(h.t, json.Unmarshal(answer, &problem))
	}
	return response, problem, string(answer)
}
