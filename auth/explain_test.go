package auth_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

func TestExplain(t *testing.T) {
	h := open(t)
	one, two := h.environment(t, "one"), h.environment(t, "two")
	ada := h.reload(t, "ada")
	for _, name := range []string{"max", "nina", "otto"} {
		h.person(t, name, models.RoleUser)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := h.CreateGroup(t.Context(), ada, auth.NewGroup{Name: "Readers"})
	must(err)
	must(h.SetGroupRole(t.Context(), ada, "Readers", one, models.RoleReader))
	must(h.SetGroupMember(t.Context(), ada, "Readers", "nina", true))
	must(h.SetMember(t.Context(), ada, one, "max", models.RoleManager))
	max, nina := h.reload(t, "max"), h.reload(t, "nina")

	t.Run("ThroughGroup", func(t *testing.T) {
		for who, actor := range map[string]models.Actor{"nina": ada, string(nina.UserID): max, "": nina} {
			x, err := h.Explain(t.Context(), actor, who, auth.RevealSecret, one)
			if err != nil {
				t.Fatal(err)
			}
			if !x.Allowed || x.User.Username != "nina" || len(x.Through) != 1 || x.Through[0].GroupName != "Readers" || x.Through[0].Role != models.RoleReader {
				t.Errorf("%q: %+v", who, x.Decision)
			}
		}
		x, err := h.Explain(t.Context(), ada, "nina", auth.WriteSecret, one)
		if err != nil || x.Allowed || len(x.Against) != 1 {
			t.Errorf("%+v, %v", x.Decision, err)
		}
	})
	t.Run("Hidden", func(t *testing.T) {
		_, hidden := h.Explain(t.Context(), max, "otto", auth.RevealSecret, one) // is there, and has nothing to do with one
		_, missing := h.Explain(t.Context(), max, "nobody", auth.RevealSecret, one)
		_, other := h.Explain(t.Context(), nina, "max", auth.RevealSecret, one)
		for _, err := range []error{hidden, missing, other} {
			wantFault(t, err, fault.NotFound)
			if err.Error() != missing.Error() {
				t.Errorf("%q is told from %q", err, missing)
			}
		}
		_, err := h.Explain(t.Context(), max, "nina", auth.RevealSecret, two)
		wantFault(t, err, fault.NotFound)
		_, err = h.Explain(t.Context(), max, "nina", auth.ManageUsers, auth.Global)
		wantFault(t, err, fault.NotFound)
	})
	t.Run("Token", func(t *testing.T) {
		text, token := h.token(t, nina, auth.NewToken{Scope: models.TokenScope{Actions: []string{"secret.view"}}})
		x, err := h.Explain(t.Context(), h.bearer(t, text), "", auth.RevealSecret, one)
		if err != nil || x.Allowed || x.Token == nil || len(x.Through) != 1 || len(x.Against) != 1 {
			t.Errorf("%+v, %v", x, err)
		}
		_, err = h.Explain(t.Context(), h.bearer(t, text), "nina", auth.RevealSecret, one) // who may do more than it
		wantFault(t, err, fault.NotFound)
		_, err = h.Explain(t.Context(), max, string(token.ID), auth.RevealSecret, one)
		wantFault(t, err, fault.NotFound)
	})
	t.Run("Invalid", func(t *testing.T) {
		for action, e := range map[auth.Action]models.EnvironmentID{"secret.steal": one, auth.RevealSecret: auth.Global, auth.ManageUsers: one} {
			_, err := h.Explain(t.Context(), ada, "nina", action, e)
			wantFault(t, err, fault.Invalid)
		}
	})
	t.Run("WhoCan", func(t *testing.T) {
		var names []string
		var pages [][]string
		cursor, last := "", ""
		for {
			page, around, err := h.WhoCan(t.Context(), max, auth.RevealSecret, one, cursor, 1)
			if err != nil {
				t.Fatal(err)
			}
			for _, one := range page {
				names = append(names, one.User.Username)
			}
			last = around.Prev
			if cursor = around.Next; cursor == "" {
				break
			}
		}
		for cursor = last; cursor != ""; {
			page, around, err := h.WhoCan(t.Context(), max, auth.RevealSecret, one, cursor, 1)
			if err != nil || len(page) != 1 || around.Next == "" {
				t.Fatalf("back to %d, %+v, %v", len(page), around, err)
			}
			pages = append(pages, []string{page[0].User.Username})
			cursor = around.Prev
		}
		if diff := cmp.Diff([][]string{{"max"}, {"ada"}}, pages); diff != "" {
			t.Errorf("back (-want +got):\n%s", diff)
		}
		if len(names) != 3 || names[0] != "ada" || names[1] != "max" || names[2] != "nina" {
			t.Errorf("who can: %v", names)
		}
		_, _, err := h.WhoCan(t.Context(), nina, auth.RevealSecret, one, "", 0)
		wantFault(t, err, fault.Forbidden)
		_, _, err = h.WhoCan(t.Context(), max, auth.ManageUsers, auth.Global, "", 0)
		wantFault(t, err, fault.Forbidden)
	})
}
