package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

// TestFormTokens sends every change of the table with and without the token of its form: the
// handler must hear of it with the right one alone.
func TestFormTokens(t *testing.T) {
	rows := storetest.SQLite(t)
	people, err := auth.New(auth.Deps{Store: rows, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	u := models.User{ID: models.NewUserID(), Username: "ada", Role: models.RoleAdmin, CreatedAt: time.Now(), UpdatedAt: time.Now()}
	if err := rows.Write(context.Background(), func(tx *store.Tx) error { return tx.CreateUser(&u) }); err != nil {
		t.Fatal(err)
	}
	id, err := people.OpenFor(t.Context(), u.ID, auth.Proof{Method: models.ByPassword}, auth.Origin{})
	if err != nil {
		t.Fatal(err)
	}
	w := &Web{Deps: Deps{Auth: people, Log: slog.New(slog.DiscardHandler)}}
	w.origin = w.Origin.Of("web")
	w.sessions = &sessionStore{auth: people, origin: w.origin, secure: w.isSecure}

	changes := 0
	for _, rt := range w.table() {
		if rt.method == get {
			continue
		}
		changes++
		// send reports whether the handler heard of it.
		send := func(cookie, inForm, inHeader string) (heard bool, err error) {
			rt.again, rt.handle = nil, func(*request) error { heard = true; return nil }
			r := httptest.NewRequest(rt.method, "http://localhost"+strings.NewReplacer("{", "", "}", "").Replace(rt.path), strings.NewReader(url.Values{"csrf_token": {inForm}}.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("X-CSRF-Token", inHeader)
			r.AddCookie(&http.Cookie{Name: "keeper", Value: cookie})
			err = w.endpoint(rt)(echo.New().NewContext(r, httptest.NewRecorder()))
			return heard, err
		}
		token := tokenOf(w, id)
		if heard, err := send(id, token, ""); !heard || err != nil {
			t.Errorf("%s %s with its token: heard %t, %v", rt.method, rt.path, heard, err)
		}
		if heard, err := send(id, "", token); !heard || err != nil {
			t.Errorf("%s %s with its token in the header: heard %t, %v", rt.method, rt.path, heard, err)
		}
		for name, given := range map[string][2]string{
			"None": {"", ""}, "Cut": {token[1:], ""}, "OfAnotherSession": {tokenOf(w, "other"), ""}, "WrongHeader": {token, "x"}, "TheCookie": {id, ""},
		} {
			heard, err := send(id, given[0], given[1])
			if heard != (rt.access == foreign) || (rt.access != foreign) != errors.Is(err, errForged) {
				t.Errorf("%s %s, %s: heard %t, %v", rt.method, rt.path, name, heard, err)
			}
		}
	}
	if changes < 50 {
		t.Errorf("only %d changes were found", changes)
	}
}

func tokenOf(w *Web, session string) string {
	r := &request{Request: httptest.NewRequest(http.MethodGet, "/", nil), web: w}
	r.session, _ = w.sessions.New(r.Request, "keeper")
	r.session.ID = session
	return r.csrfToken()
}

// TestForeignRoutes names what other sites' pages may send: what an identity provider signed.
func TestForeignRoutes(t *testing.T) {
	may := []string{"POST /saml/{provider}/acs", "POST /saml/{provider}/slo"}
	for _, rt := range (&Web{}).table() {
		if rt.access == foreign && !slices.Contains(may, rt.method+" "+rt.path) {
			t.Errorf("%s %s takes changes from other sites", rt.method, rt.path)
		}
	}
}
