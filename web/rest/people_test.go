package rest

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/models"
)

func peopleOperations(t *testing.T, h *house) {
	ctx, c := t.Context(), h.admin
	made, err := c.CreateUser(ctx, api.NewUser{Username: "grace", Email: "grace@example.com"})
	must(t, err)
	if len(made.Password.Reveal()) < 20 || made.Role != "user" || made.Revision != 1 || !made.MustChangePassword || time.Until(made.PasswordExpiresAt) < 71*time.Hour {
		t.Errorf("made %+v", made)
	}
	robot, err := c.CreateUser(ctx, api.NewUser{Kind: "service", Username: "robot"})
	must(t, err)
	if !robot.Password.IsZero() {
		t.Error("a service account has a password")
	}
	listed, err := client.Collect(c.Users(ctx, api.ListUsersParams{Search: "grace"}))
	must(t, err)
	if diff := cmp.Diff([]api.User{made.User}, listed); diff != "" {
		t.Errorf("-made +listed\n%s", diff)
	}
	auditor := "auditor"
	changed, err := c.UpdateUser(ctx, "grace", api.UserChange{Role: &auditor}, made.Revision)
	must(t, err)
	if changed.Role != auditor || changed.Revision != 2 {
		t.Errorf("changed %+v", changed)
	}
	_, err = c.UpdateUser(ctx, made.ID, api.UserChange{Role: &auditor}, made.Revision)
	isKind(t, err, "stale", "")
	again, err := c.ResetPassword(ctx, "grace")
	must(t, err)
	if again.Password.Reveal() == made.Password.Reveal() {
		t.Error("the password was not reset")
	}
	must(t, c.ResetFactors(ctx, "grace"))
	isKind(t, c.ResetFactors(ctx, "nobody"), "not_found", "")
	for range 3 {
		_, err := h.auth.OpenFor(ctx, models.UserID(made.ID), auth.Proof{Method: models.ByPassword}, auth.Origin{Via: "web"})
		must(t, err)
	}
	sessions, err := c.ListSessions(ctx, "grace")
	must(t, err)
	if len(sessions.Items) != 3 {
		t.Fatalf("%d sessions", len(sessions.Items))
	}
	one := sessions.Items[1].ID
	must(t, c.RevokeSession(ctx, "grace", one))
	isKind(t, c.RevokeSession(ctx, "grace", one), "not_found", "")
	sessions, err = c.ListSessions(ctx, "grace")
	must(t, err)
	if len(sessions.Items) != 2 || sessions.Items[0].ID == one || sessions.Items[1].ID == one {
		t.Errorf("left are %+v", sessions.Items)
	}
	n, err := c.RevokeSessions(ctx, "grace")
	if err != nil || n != 2 {
		t.Errorf("%d sessions ended, %v", n, err)
	}
	groupOperations(t, h, "grace")
	memberOperations(t, h, "grace")
	serviceTokens(t, h)
	must(t, c.DeleteUser(ctx, "grace", 0))
	_, err = c.GetUser(ctx, "grace")
	isKind(t, err, "not_found", "")
}

func groupOperations(t *testing.T, h *house, user string) {
	ctx, c := t.Context(), h.admin
	made, err := c.CreateGroup(ctx, api.NewGroup{Name: "Payments team"})
	must(t, err)
	name := "Payments"
	made, err = c.UpdateGroup(ctx, "Payments team", api.GroupChange{Name: &name}, made.Revision)
	must(t, err)
	must(t, c.AddGroupMember(ctx, name, user))
	must(t, c.SetGroupRole(ctx, name, "production", "reader"))
	got, err := c.GetGroup(ctx, made.ID)
	must(t, err)
	if diff := cmp.Diff([]api.GroupRole{{EnvironmentID: h.production.ID, Role: "reader"}}, got.Roles); diff != "" {
		t.Errorf("roles: -want +got\n%s", diff)
	}
	members, err := client.Collect(c.GroupMembers(ctx, name, api.ListGroupMembersParams{}))
	if err != nil || len(members) != 1 || members[0].Username != user {
		t.Errorf("members %+v, %v", members, err)
	}
	who, err := c.GetUser(ctx, user)
	must(t, err)
	if len(who.Grants) != 1 || who.Grants[0].GroupName != name || who.Grants[0].Role != "reader" {
		t.Errorf("grants %+v", who.Grants)
	}
	x, err := c.ExplainAccess(ctx, api.ExplainAccessParams{Who: user, Action: "secret.reveal", EnvironmentID: "production"})
	must(t, err)
	if !x.Allowed || len(x.Through) != 1 || x.Through[0].GroupName != name || x.Environment != "production" {
		t.Errorf("explained %+v", x)
	}
	can, err := client.Collect(c.WhoCan(ctx, api.WhoCanParams{Action: "secret.reveal", EnvironmentID: "production"}))
	if err != nil || !slices.ContainsFunc(can, func(w api.WhoCan) bool { return w.User.Username == user }) {
		t.Errorf("who can %+v, %v", can, err)
	}
	must(t, c.RemoveGroupRole(ctx, name, "production"))
	must(t, c.RemoveGroupMember(ctx, name, user))
	groups, err := client.Collect(c.Groups(ctx, api.ListGroupsParams{}))
	if err != nil || len(groups) != 1 {
		t.Errorf("groups %+v, %v", groups, err)
	}
	must(t, c.DeleteGroup(ctx, name, 0))
}

func memberOperations(t *testing.T, h *house, user string) {
	ctx, c := t.Context(), h.admin
	must(t, c.SetMember(ctx, "staging", user, "editor"))
	list, err := c.ListMembers(ctx, "staging", api.ListMembersParams{})
	must(t, err)
	if !slices.ContainsFunc(list.Items, func(m api.Member) bool { return m.Username == user && m.Role == "editor" }) {
		t.Errorf("members %+v", list)
	}
	must(t, c.RemoveMember(ctx, "staging", user))
	isKind(t, c.SetMember(ctx, "staging", user, ""), "invalid", "role")
}

func serviceTokens(t *testing.T, h *house) {
	ctx, c := t.Context(), h.admin
	created, err := c.CreateTokenFor(ctx, "robot", api.NewToken{Name: "ci", Actions: []string{"secret.view"}, Networks: []string{"127.0.0.0/8"}})
	must(t, err)
	me, err := h.client(created.Text.Reveal()).GetMe(ctx)
	if err != nil || me.Name != "robot (ci)" {
		t.Errorf("acts as %+v, %v", me, err)
	}
	_, err = c.CreateTokenFor(ctx, "robot", api.NewToken{Name: "reveals", Actions: []string{"secret.reveal"}}) // the admin's token does not name it
	isKind(t, err, "invalid", "actions")
	elsewhere, err := c.CreateTokenFor(ctx, "robot", api.NewToken{Name: "away", Networks: []string{"192.0.2.0/24"}})
	must(t, err)
	_, err = h.client(elsewhere.Text.Reveal()).GetMe(ctx)
	isKind(t, err, "unauthenticated", "")
	next, err := c.RotateToken(ctx, created.ID, api.TokenRotation{OverlapSeconds: 60})
	must(t, err)
	if next.Replaces != created.ID || !cmp.Equal(next.Actions, created.Actions) || !cmp.Equal(next.Networks, created.Networks) {
		t.Errorf("successor %+v", next.Token)
	}
	of, err := c.ListTokensOf(ctx, "robot")
	must(t, err)
	all, err := client.Collect(c.AllTokens(ctx, api.ListAllTokensParams{Live: true}))
	must(t, err)
	if len(of.Items) != 3 || len(all) < 4 || !slices.ContainsFunc(all, func(t api.Token) bool { return t.Username == "robot" }) {
		t.Errorf("%d of its, %d of all", len(of.Items), len(all))
	}
	must(t, c.RevokeTokenByText(ctx, next.Text))
	_, err = h.client(next.Text.Reveal()).GetMe(ctx)
	isKind(t, err, "unauthenticated", "")
}

// TestAnybodyRevokesAFoundToken: without a token, and with nothing of it in any answer.
func TestAnybodyRevokesAFoundToken(t *testing.T) {
	h := newHouse(t)
	text := h.token("grace", models.RoleUser, nil)
	send := func(body string) int {
		response, err := http.Post(h.url+"/api/tokens/revoke", "application/json", strings.NewReader(body))
		must(t, err)
		must(t, response.Body.Close())
		return response.StatusCode
	}
	for body, want := range map[string]int{`{"token": "kpr_nothing"}`: 404, `{}`: 404, `{"token": 1}`: 400, `{"tokens": "x"}`: 400} {
		if got := send(body); got != want {
			t.Errorf("%s: %d, want %d", body, got, want)
		}
	}
	if got := send(`{"token": "` + text + `"}`); got != http.StatusNoContent {
		t.Fatalf("status %d", got)
	}
	_, err := h.client(text).GetMe(t.Context())
	isKind(t, err, "unauthenticated", "")
	for _, other := range []string{"/api/tokens", "/api/users", "/api/tokens/revoke/"} { // nothing else is open
		response, err := http.Post(h.url+other, "application/json", strings.NewReader("{}"))
		must(t, err)
		must(t, response.Body.Close())
		if response.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %d", other, response.StatusCode)
		}
	}
}

// TestPeopleRefusals: whoever may not is told the same of what is there and what is not.
func TestPeopleRefusals(t *testing.T) {
	h := newHouse(t)
	ctx, viewer := t.Context(), h.as("val", models.RoleViewer)
	h.as("max", models.RoleManager)
	_, err := client.Collect(viewer.Users(ctx, api.ListUsersParams{}))
	isKind(t, err, "forbidden", "")
	_, there := viewer.GetUser(ctx, "max")
	_, missing := viewer.GetUser(ctx, "nobody")
	isKind(t, there, "forbidden", "")
	isKind(t, missing, "forbidden", "")
	isKind(t, viewer.SetMember(ctx, "production", "max", "viewer"), "forbidden", "")
	isKind(t, viewer.SetMember(ctx, "staging", "max", "viewer"), "not_found", "")
	_, err = viewer.ExplainAccess(ctx, api.ExplainAccessParams{Who: "max", Action: "secret.view", EnvironmentID: "production"})
	isKind(t, err, "not_found", "")
	_, err = viewer.CreateGroup(ctx, api.NewGroup{Name: "x", Role: "admin"})
	isKind(t, err, "forbidden", "")
	role := "user"
	_, err = h.admin.UpdateUser(ctx, "ada", api.UserChange{Role: &role}, 0)
	isKind(t, err, "conflict", "")
}
