package rest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

// hintOfBearer is what every refusal says; what repeats a part of it repeats no token.
const hintOfBearer = "Send one as: Authorization: Bearer kpr_…"

// FuzzBearer sends Authorization headers as they come. None but the token itself, sent as the
// document says, stands for anybody, and no refusal repeats what was sent.
func FuzzBearer(f *testing.F) {
	rows := storetest.SQLite(f)
	people, err := auth.New(auth.Deps{Store: rows, Now: time.Now})
	must(f, err)
	u := models.User{ID: models.NewUserID(), Username: "ada", Role: models.RoleAdmin, CreatedAt: time.Now(), UpdatedAt: time.Now()}
	must(f, rows.Write(f.Context(), func(tx *store.Tx) error { return tx.CreateUser(&u) }))
	good, _, err := people.CreateToken(f.Context(), models.Actor{Kind: models.ActorUser, ID: string(u.ID), Name: "ada", UserID: u.ID, Role: u.Role, ProvenAt: time.Now()}, auth.NewToken{Name: "test"})
	must(f, err)
	s := &server{Deps: Deps{Auth: people, Origin: func(*http.Request) auth.Origin { return auth.Origin{Via: "api"} }}}

	// Of the token the fuzzer knows where it stands: every process of a run has one of its own.
	const place = "TOKEN"
	for _, line := range []string{
		"Bearer TOKEN", "bearer  TOKEN ", "BEARER\tTOKEN", "Basic TOKEN", "TOKEN", "Bearer", "Bearer ", "Bearer TOKEN TOKEN", "Bearer TOKEN,", "Bearer kpr_", "Bearer xTOKEN",
		"Bearer TOKENx", "Bearer kpr_\x00", "Bearer " + strings.Repeat("a", 5000), "Bearer \u202eTOKEN", "Digest Bearer TOKEN", "Bearer \"TOKEN\"",
	} {
		f.Add(line, "")
	}
	f.Add("Bearer TOKEN", "token=TOKEN")
	f.Add("", "access_token=TOKEN")
	f.Fuzz(func(t *testing.T, line, query string) {
		line, query = strings.ReplaceAll(line, place, good), strings.ReplaceAll(query, place, good)
		r := httptest.NewRequest(http.MethodGet, "/api/secrets", nil)
		r.Header["Authorization"] = []string{line}
		r.URL.RawQuery = query
		actor, err := s.authenticate(r)
		scheme, rest, _ := strings.Cut(line, " ")
		if err == nil {
			if !strings.EqualFold(scheme, "bearer") || strings.TrimSpace(rest) != good || actor.UserID != u.ID {
				t.Fatalf("%q stands for %q", line, actor.Name)
			}
			for _, name := range tokenParameters {
				if r.URL.Query().Has(name) {
					t.Fatalf("a token in the query %q is overlooked", query)
				}
			}
			return
		}
		if kind := fault.KindOf(err); kind != fault.Unauthenticated && kind != fault.Invalid {
			t.Fatalf("%q: %v", line, err)
		}
		if actor.UserID != "" {
			t.Fatalf("%q is refused, and stands for %q", line, actor.Name)
		}
		if sent := strings.TrimSpace(rest); len(sent) > 12 && strings.Contains(err.Error(), sent) && !strings.Contains(hintOfBearer, sent) {
			t.Fatalf("the refusal repeats %q", sent)
		}
	})
}
