package web_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/templates"
)

// TestGlobalRoleThroughGroup holds that the profile tells the role that counts.
func TestGlobalRoleThroughGroup(t *testing.T) {
	p := newPeople(t)
	p.visitors["eve"].get("/profile").want(http.StatusOK, "aside", "Role user Since")
	ctx, ada := context.Background(), p.local("ada")
	_, err := p.auth.CreateGroup(ctx, ada, auth.NewGroup{Name: "Auditors", Role: models.RoleAuditor})
	must(t, err)
	must(t, p.auth.SetGroupMember(ctx, ada, "Auditors", "eve", true))
	profile := p.visitors["eve"].get("/profile")
	profile.want(http.StatusOK, "aside", "Role auditor through a group; the account's own role is user")
	profile.want(http.StatusOK, "aside", "as an auditor")
}

// TestCopyFacts holds that a secret's page tells how a copy is called there, and since when.
func TestCopyFacts(t *testing.T) {
	p := newPeople(t)
	p.destination(p.production, "main")
	s := p.secret(p.production, "a")
	p.inSync(s.ID)
	states, err := p.dests.StatesOf(context.Background(), []models.SecretID{s.ID})
	must(t, err)
	there := states[s.ID][0].BaseRemoteVersion
	if there == "" {
		t.Fatal("the copy has no version of its own")
	}
	shown := p.visitors["vic"].get(templates.MustPath("/secrets/{secret}", s.ID)).want(http.StatusOK, "#synced", "there: "+there)
	shown.want(http.StatusOK, "#synced", "seen or written")
}

// TestRequestIDShown holds that an entry of the audit log names the request of which it is.
func TestRequestIDShown(t *testing.T) {
	p := newPeople(t)
	made := p.visitors["vic"].get("/tokens/new").form("/tokens").set("name", "ci").submit()
	made.want(http.StatusOK, ".flash-done", "ci is ready")
	p.visitors["vic"].get("/tokens").want(http.StatusOK, "tbody", "by vic")
	id := p.entries("token.create")[0].RequestID
	if id == "" || !strings.Contains(p.visitors["aud"].get("/audit?action=token.create").text(".details"), "request "+id) {
		t.Errorf("the request %q is not named", id)
	}
}
