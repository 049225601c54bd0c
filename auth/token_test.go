package auth_test

import (
	"strings"
	"testing"
	"time"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

var program = auth.Origin{Via: "api", Address: "192.0.2.7", RequestID: "req_1"}

func (h *house) token(t *testing.T, actor models.Actor, n auth.NewToken) (string, models.Token) {
	t.Helper()
	if n.Name == "" {
		n.Name = "ci"
	}
	text, token, err := h.CreateToken(t.Context(), actor, n)
	if err != nil {
		t.Fatal(err)
	}
	return text, token
}

func (h *house) bearer(t *testing.T, text string) models.Actor {
	t.Helper()
	actor, err := h.Bearer(t.Context(), text, program)
	if err != nil {
		t.Fatal(err)
	}
	return actor
}

func TestBearer(t *testing.T) {
	h := open(t)
	_, ada := h.signIn(t)
	text, token := h.token(t, ada, auth.NewToken{})
	t.Run("OK", func(t *testing.T) {
		actor := h.bearer(t, text)
		if actor.Kind != models.ActorToken || actor.ID != string(token.ID) || actor.UserID != ada.UserID || actor.Name != "ada (ci)" ||
			actor.Address != program.Address || actor.Scope == nil || !auth.Can(actor, auth.WriteSecret, 1) {
			t.Errorf("actor %+v", actor)
		}
		if strings.Contains(token.Hash+token.Hint, text[8:]) {
			t.Error("the row holds the token")
		}
	})
	t.Run("Forged", func(t *testing.T) {
		for _, forged := range []string{"", "kpr_", text + "x", text[:len(text)-1], strings.ToUpper(text), token.Hash, "kpr_" + token.Hash, strings.Repeat("kpr_", 1000), "kpr_\x00\xff"} {
			actor, err := h.Bearer(t.Context(), forged, program)
			wantFault(t, err, fault.Unauthenticated)
			if actor.Kind != models.ActorNobody {
				t.Errorf("%q acts as %+v", forged, actor)
			}
		}
	})
	t.Run("Expired", func(t *testing.T) {
		h := open(t)
		_, ada := h.signIn(t)
		end := time.Now().Add(time.Hour)
		text, _ := h.token(t, ada, auth.NewToken{ExpiresAt: &end})
		h.bearer(t, text)
		h.wait(time.Hour) // while it is remembered
		for range 3 {
			_, err := h.Bearer(t.Context(), text, program)
			wantFault(t, err, fault.Unauthenticated)
		}
		if n := h.count(t, "token.use", models.OutcomeRefused); n != 1 {
			t.Errorf("%d refusals are on record, want one", n)
		}
	})
	t.Run("Disabled", func(t *testing.T) {
		h := open(t)
		_, ada := h.signIn(t)
		text, _ := h.token(t, ada, auth.NewToken{})
		h.bearer(t, text)
		h.change(t, func(u *models.User) { u.Disabled = true })
		soonRefused(t, h, text)
	})
	t.Run("RoleChanged", func(t *testing.T) {
		h := open(t)
		_, ada := h.signIn(t)
		text, _ := h.token(t, ada, auth.NewToken{})
		h.change(t, func(u *models.User) { u.Role = models.RoleUser })
		if auth.Can(h.bearer(t, text), auth.CreateEnvironment, auth.Global) {
			t.Error("the token has a role that its user lost")
		}
	})
}

// soonRefused waits at most two seconds for a token to be refused.
func soonRefused(t *testing.T, h *house, text string) {
	t.Helper()
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if _, err := h.Bearer(t.Context(), text, program); fault.Is(err, fault.Unauthenticated) {
			return
		}
	}
	t.Error("still good after two seconds")
}

func TestRevokeToken(t *testing.T) {
	h := open(t)
	other := newHouse(t, h.store)
	_, ada := h.signIn(t)
	text, token := h.token(t, ada, auth.NewToken{})
	h.bearer(t, text)
	stranger := h.person(t, "stranger", models.RoleUser)
	wantFault(t, other.RevokeToken(t.Context(), stranger, token.ID), fault.NotFound)
	wantFault(t, other.RevokeToken(t.Context(), ada, "tok_none"), fault.NotFound)
	h.bearer(t, text)
	if err := other.RevokeToken(t.Context(), ada, token.ID); err != nil {
		t.Fatal(err)
	}
	soonRefused(t, h, text)
	_, err := other.Bearer(t.Context(), text, program)
	wantFault(t, err, fault.Unauthenticated)
}

func TestCreateToken(t *testing.T) {
	h := open(t)
	_, ada := h.signIn(t)
	past, far := time.Now().Add(-time.Second), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, n := range map[string]auth.NewToken{
		"no name": {Name: " "}, "long name": {Name: strings.Repeat("n", 101)}, "NUL": {Name: "a\x00"}, "not UTF-8": {Name: "a\xff"},
		"past": {Name: "a", ExpiresAt: &past}, "too far": {Name: "a", ExpiresAt: &far},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := h.CreateToken(t.Context(), ada, n)
			wantFault(t, err, fault.Invalid)
		})
	}
	t.Run("Scope", func(t *testing.T) {
		h.environment(t, "one")
		h.environment(t, "two")
		sam := models.Actor{
			Kind: models.ActorUser, ID: string(ada.UserID), UserID: ada.UserID, Role: models.RoleUser,
			Roles: map[models.EnvironmentID]models.EnvironmentRole{1: models.RoleViewer},
		}
		_, _, hidden := h.CreateToken(t.Context(), sam, auth.NewToken{Name: "a", Scope: models.TokenScope{Environments: []models.EnvironmentID{2}}})
		_, _, missing := h.CreateToken(t.Context(), sam, auth.NewToken{Name: "a", Scope: models.TokenScope{Environments: []models.EnvironmentID{4711}}})
		wantFault(t, hidden, fault.Invalid)
		if hidden.Error() != missing.Error() {
			t.Errorf("a hidden environment is told from a missing one: %q, %q", hidden, missing)
		}
		_, token := h.token(t, sam, auth.NewToken{Scope: models.TokenScope{Environments: []models.EnvironmentID{1, 1}}})
		if len(token.Scope.Environments) != 1 {
			t.Errorf("scope %v", token.Scope)
		}
	})
	if n := h.count(t, "token.create", models.OutcomeAllowed); n != 1 {
		t.Errorf("%d tokens on record, want 1", n)
	}
}

// TestTokensMakeNoStrongerOnes: what a token may not do, none that it makes may, and not for
// longer either.
func TestTokensMakeNoStrongerOnes(t *testing.T) {
	h := open(t)
	h.environment(t, "one")
	_, ada := h.signIn(t)
	for name, scope := range map[string]models.TokenScope{
		"read-only": {ReadOnly: true}, "of one environment": {Environments: []models.EnvironmentID{1}},
	} {
		t.Run(name, func(t *testing.T) {
			text, token := h.token(t, ada, auth.NewToken{Name: name, Scope: scope})
			actor := h.bearer(t, text)
			before := h.count(t, "token.create", models.OutcomeRefused)
			_, _, err := h.CreateToken(t.Context(), actor, auth.NewToken{Name: "stronger"})
			wantFault(t, err, fault.Forbidden)
			if h.count(t, "token.create", models.OutcomeRefused) != before+1 {
				t.Error("the refusal is not on record")
			}
			wantFault(t, h.RevokeToken(t.Context(), actor, token.ID), fault.Forbidden)
			_, err = h.Tokens(t.Context(), actor)
			if scope.ReadOnly != (err == nil) {
				t.Errorf("it lists its user's tokens: %v", err)
			}
		})
	}
	t.Run("expiring", func(t *testing.T) {
		end := time.Now().Add(time.Hour).Truncate(time.Second)
		text, _ := h.token(t, ada, auth.NewToken{Name: "expiring", ExpiresAt: &end})
		actor, later := h.bearer(t, text), end.Add(time.Second)
		for _, at := range []*time.Time{nil, &later} {
			_, _, err := h.CreateToken(t.Context(), actor, auth.NewToken{Name: "longer", ExpiresAt: at})
			wantFault(t, err, fault.Invalid)
		}
		h.token(t, actor, auth.NewToken{Name: "as long", ExpiresAt: &end})
	})
	t.Run("revoked a moment ago", func(t *testing.T) {
		text, token := h.token(t, ada, auth.NewToken{Name: "revoked"})
		actor := h.bearer(t, text)
		if err := h.RevokeToken(t.Context(), ada, token.ID); err != nil {
			t.Fatal(err)
		}
		_, _, err := h.CreateToken(t.Context(), actor, auth.NewToken{Name: "successor"})
		wantFault(t, err, fault.Unauthenticated)
	})
}

// TestNobodyListsTokens: without a user of one's own there are none to see. In the store no
// user means everybody's.
func TestNobodyListsTokens(t *testing.T) {
	h := open(t)
	_, ada := h.signIn(t)
	h.token(t, ada, auth.NewToken{})
	for _, actor := range []models.Actor{auth.Nobody(program), models.System(), {}} {
		if tokens, err := h.Tokens(t.Context(), actor); err == nil || len(tokens) > 0 {
			t.Errorf("%q sees %d tokens, %v", actor.Kind, len(tokens), err)
		}
	}
}

func TestRecordUse(t *testing.T) {
	h := open(t)
	_, ada := h.signIn(t)
	text, token := h.token(t, ada, auth.NewToken{})
	h.bearer(t, text)
	if err := h.RecordUse(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := h.store.Read(t.Context(), func(tx *store.Tx) error {
		got, err := tx.Token(token.ID)
		if err == nil && (got.LastUsedAt == nil || got.LastUsedBy != program.Address) {
			t.Error("the use was not written down")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
