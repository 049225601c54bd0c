package rest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
)

// BenchmarkReadValue compares reading a value over the API, without the network, with the
// two service calls that it comes to, and with what remains when they cost nothing.
func BenchmarkReadValue(b *testing.B) {
	h := newHouse(b)
	token := h.token("bench", models.RoleAdmin, nil)
	handler, err := New(h.deps)
	must(b, err)
	r := httptest.NewRequest(http.MethodPost, "/api/secrets", strings.NewReader(`{"name":"a","secret_type":"TEXT","environment_id":1,"value":"`+strings.Repeat("x", 200)+`"}`))
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	if handler.ServeHTTP(w, r); w.Code != http.StatusCreated {
		b.Fatalf("got %d %s", w.Code, w.Body)
	}
	b.Run("API", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r := httptest.NewRequest(http.MethodGet, "/api/secrets/1", nil)
			r.Header.Set("Authorization", "Bearer "+token)
			w := httptest.NewRecorder()
			if handler.ServeHTTP(w, r); w.Code != http.StatusOK {
				b.Fatal(w.Code)
			}
		}
	})
	b.Run("Services", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			actor, err := h.auth.Bearer(context.Background(), token, auth.Origin{Via: "api"})
			must(b, err)
			_, err = h.deps.Secrets.Reveal(context.Background(), actor, 1, 0)
			must(b, err)
		}
	})
	b.Run("WithoutServices", func(b *testing.B) {
		actor, err := h.auth.Bearer(context.Background(), token, auth.Origin{Via: "api"})
		must(b, err)
		revealed, err := h.deps.Secrets.Reveal(context.Background(), actor, 1, 0)
		must(b, err)
		routes := HandlerWithOptions(prefetched{&server{Deps: h.deps}, revealed}, StdHTTPServerOptions{})
		r := httptest.NewRequest(http.MethodGet, "/api/secrets/1", nil)
		b.ReportAllocs()
		for b.Loop() {
			w := httptest.NewRecorder()
			if routes.ServeHTTP(w, r.WithContext(withActor(r.Context(), actor))); w.Code != http.StatusOK {
				b.Fatal(w.Code)
			}
		}
	})
}

// prefetched is the API with a value that it need not ask for.
type prefetched struct {
	*server
	revealed secrets.Revealed
}

func (p prefetched) GetSecret(w http.ResponseWriter, r *http.Request, _ api.SecretID, _ api.GetSecretParams) {
	p.serve(w, r, func(context.Context, models.Actor) (answer, error) { return valueAnswer(p.revealed), nil })
}
